"""`linectl runs`: list runs, show, follow, compare and tag them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from linectl.cli import runs_compare, runs_tag, runs_tail
from linectl.cli.complete import run_words
from linectl.cli.list_first import ListFirst
from linectl.cli.options import common, run_argument
from linectl.cli.output import emit, table
from linectl.cli.run_told import as_data, ended, time_text
from linectl.model.records import Run
from linectl.words import tr

__all__ = ["command"]


@click.group("runs", cls=ListFirst, help=tr("List runs; show, follow, compare and tag them."))
def command() -> None:
    """Hold the verbs."""


@command.command("ls", help=tr("List the runs of the store, newest last."))
@click.option("--tag", "wanted", multiple=True, shell_complete=run_words, help=tr("only those with this word"))
@common
def ls(wanted: tuple[str, ...], data: Path | None, as_json: bool) -> int:
    """List all runs, or those that have every word of `wanted`."""
    from linectl.server.results.opened import open_reader
    from linectl.store.run_words import WordReader

    reader = WordReader(open_reader(data).path)
    words = reader.words()
    runs = [run for run in reader.runs() if {*wanted} <= {*words.get(run.id, ())}]
    if as_json:
        emit("runs", [{**as_data(run), "tags": list(words.get(run.id, ()))} for run in runs])
        return 0
    click.echo(_table(runs, words))
    return 0


def _table(runs: Sequence[Run], words: Mapping[str, Sequence[str]]) -> str:
    """Return runs as a table; on a terminal, which is narrow, with the time here, and without what is all the same."""
    heads = [tr("run"), tr("kind"), tr("of"), tr("started"), tr("ended"), tr("operator"), tr("words")]
    rows = [
        [run.id, run.kind, run.ref, _when(run), ended(run), run.operator, ", ".join(words.get(run.id, ())) or "-"]
        for run in runs
    ]
    same_kind = sys.stdout.isatty() and len({run.kind for run in runs}) == 1
    left_out = {name for name, out in ((tr("kind"), same_kind), (tr("words"), not words)) if out}
    kept = [at for at, head in enumerate(heads) if head not in left_out]
    return table([heads[at] for at in kept], [[row[at] for at in kept] for row in rows])


def _when(run: Run) -> str:
    if not sys.stdout.isatty():
        return time_text(run.started_ns)
    from linectl.server.asked_times import local

    return f"{local(run.started_ns):%Y-%m-%d %H:%M}"


@command.command("show", help=tr("Show one run: its baths and how they ended."))
@run_argument
@common
def show(run: str, data: Path | None, as_json: bool) -> int:
    """Show a run and its trials."""
    from linectl.lab.plan_text import treatment_text
    from linectl.lab.report.terms import trial_state
    from linectl.server.results.finished import find_run
    from linectl.store.run_words import WordReader
    from linectl.tui.styled import printable

    found = find_run(run, data)
    words = WordReader(found.reader.path).words_of(found.run.id)
    trials = found.reader.trials(found.run.id)
    if as_json:
        baths = [
            {"ord": t.ord, "treatment": str(t.treatment), "state": t.state, "naoh_measured_pct": t.naoh_measured_pct}
            for t in trials
        ]
        emit("run_show", {**as_data(found.run), "tags": list(words), "baths": baths})
        return 0
    click.echo(printable(f"{found.run.id}  {found.run.ref}  {ended(found.run)}  {found.run.reason}").rstrip())
    if words:
        click.echo(printable(tr("words: {words}").format(words=", ".join(words))))
    rows = [[str(t.ord), treatment_text(t.treatment), str(t.replicate), trial_state(t.state)] for t in trials]
    click.echo(table([tr("bath"), tr("treatment"), tr("replicate"), tr("state")], rows))
    return 0


command.add_command(runs_tail.command)
command.add_command(runs_compare.command)
command.add_command(runs_tag.command)

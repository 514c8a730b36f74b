"""`linectl runs`: list runs, show one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from linectl.cli.options import common, run_argument
from linectl.cli.output import emit, table
from linectl.model.records import Run
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["as_data", "command", "ended"]


@click.group("runs", help=tr("List runs, show one."))
def command() -> None:
    """Hold `ls` and `show`."""


@command.command("ls", help=tr("List the runs of the store, newest last."))
@common
def ls(data: Path | None, as_json: bool) -> int:
    """List all runs."""
    from linectl.server.results.finished import open_reader

    runs = open_reader(data).runs()
    if as_json:
        emit("runs", [as_data(run) for run in runs])
    else:
        rows = [[run.id, run.kind, run.ref, _time(run.started_ns), ended(run), run.operator] for run in runs]
        click.echo(table([tr("run"), tr("kind"), tr("of"), tr("started"), tr("ended"), tr("operator")], rows))
    return 0


@command.command("show", help=tr("Show one run: its baths and how they ended."))
@run_argument
@common
def show(run: str, data: Path | None, as_json: bool) -> int:
    """Show a run and its trials."""
    from linectl.lab.plan_text import treatment_text
    from linectl.lab.report.terms import trial_state
    from linectl.server.results.finished import find_run

    found = find_run(run, data)
    trials = found.reader.trials(found.run.id)
    if as_json:
        baths = [
            {"ord": t.ord, "treatment": str(t.treatment), "state": t.state, "naoh_measured_pct": t.naoh_measured_pct}
            for t in trials
        ]
        emit("run_show", {**as_data(found.run), "baths": baths})
        return 0
    click.echo(f"{found.run.id}  {found.run.ref}  {ended(found.run)}  {found.run.reason}".rstrip())
    rows = [[str(t.ord), treatment_text(t.treatment), str(t.replicate), trial_state(t.state)] for t in trials]
    click.echo(table([tr("bath"), tr("treatment"), tr("replicate"), tr("state")], rows))
    return 0


def ended(run: Run) -> str:
    """Return how a run ended, in words."""
    from linectl.lab.report.terms import ending

    if run.state == "interrupted":
        return tr("interrupted")
    if run.exit_status is not None:
        return ending(run.exit_status)
    return tr("interrupted, or still going")


def as_data(run: Run) -> dict[str, Any]:
    """Return a run as JSON data."""
    return {
        "run": run.id,
        "kind": run.kind,
        "of": run.ref,
        "line": run.line,
        "operator": run.operator,
        "started": _time(run.started_ns),
        "ended": None if run.ended_ns is None else _time(run.ended_ns),
        "exit_status": run.exit_status,
        "reason": run.reason,
        "simulated": run.simulated,
        "seed": run.seed,
    }


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / NS_PER_S, UTC).isoformat(timespec="seconds")

"""`linectl status`: the line as it is now, from whoever serves it; without a server the last run of the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from linectl.cli.asking import of_line
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("status", help=tr("Show the line on one screen: run, interlocks, links, values; else the last run."))
@of_line
def command(line: str, data: Path | None, as_json: bool) -> int:
    """Print the state of the line, or the last run where nobody serves one."""
    found = _asked(line, data)
    if found is None:
        return _of_store(data, as_json=as_json)
    if as_json:
        emit("status", found)
        return 0
    from linectl.cli.status_text import screen

    click.echo(screen(found))
    return 0


def _asked(line: str, data: Path | None) -> dict[str, Any] | None:
    """Return what the line's server says; None when nobody serves one, and none was named."""
    from linectl.cli.asking import asking
    from linectl.errors import Unreachable

    try:
        with asking(data, line) as server:
            state: dict[str, Any] = server.call("status")
            return state
    except Unreachable:
        if line:
            raise
        return None


def _of_store(data: Path | None, *, as_json: bool) -> int:
    from linectl.cli.run_told import as_data, ended
    from linectl.server.results.finished import find_run

    found = find_run("last", data)
    run = found.run
    if as_json:
        emit("last_run", {**as_data(run), "store": str(found.reader.path)})
        return 0
    trials = found.reader.trials(run.id)
    done = sum(trial.ended_ns is not None for trial in trials)
    sys.stderr.write(tr("no line is served; the last run:") + "\n")
    click.echo(tr("last run: {run} ({of} on {line})").format(run=run.id, of=run.ref, line=run.line))
    click.echo(tr("ended: {how} {reason}").format(how=ended(run), reason=run.reason).rstrip())
    click.echo(tr("baths: {done} of {n}").format(done=done, n=len(trials)))
    click.echo(tr("store: {file}").format(file=found.reader.path))
    return 0

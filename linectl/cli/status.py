"""`linectl status`: the last run and how it ended, from the store."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("status", help=tr("Say which run was the last and how it ended."))
@common
def command(data: Path | None, as_json: bool) -> int:
    """Print the last run."""
    from linectl.cli.runs import as_data, ended
    from linectl.server.finished import find_run

    found = find_run("last", data)
    run = found.run
    if as_json:
        emit("status", {**as_data(run), "store": str(found.reader.path)})
        return 0
    trials = found.reader.trials(run.id)
    done = sum(trial.ended_ns is not None for trial in trials)
    click.echo(tr("last run: {run} ({of} on {line})").format(run=run.id, of=run.ref, line=run.line))
    click.echo(tr("ended: {how} {reason}").format(how=ended(run), reason=run.reason).rstrip())
    click.echo(tr("baths: {done} of {n}").format(done=done, n=len(trials)))
    click.echo(tr("store: {file}").format(file=found.reader.path))
    return 0

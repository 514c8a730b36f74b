"""`linectl status`: the line as it is now, from whoever serves it; without a server the last run of the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.asking import of_line
from linectl.cli.output import emit
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.errors import Unreachable

__all__ = ["command"]

_NEEDED = 10


@click.command("status", help=tr("Show the line on one screen: run, interlocks, links, values; else the last run."))
@click.option(
    "--check", is_flag=True, help=tr("exit 0 when all is well, 10 when somebody is needed, 4 without a server")
)
@click.option(
    *("--watch", "every_s"),
    type=click.FloatRange(min=0.5, max=3600),
    metavar="S",
    help=tr("again every S seconds, until Ctrl+C"),
)
@of_line
def command(check: bool, every_s: float | None, line: str, data: Path | None, as_json: bool) -> int:
    """Print the state of the line, or the last run where nobody serves one."""
    if every_s is not None:
        if check:
            raise click.UsageError(tr("--check ends with what it finds, --watch does not end: give one of them"))
        return _again_and_again(every_s, line, data, as_json=as_json)
    return _once(line, data, as_json=as_json, check=check)


def _once(line: str, data: Path | None, *, as_json: bool, check: bool = False) -> int:
    from linectl.errors import Unreachable

    try:
        found = _asked(line, data)
    except Unreachable as error:
        if line or check:
            raise
        return _of_store(data, error, as_json=as_json)
    from linectl.cli.status_needs import needs

    wanted = needs(found) if check else []
    if as_json:
        emit("status", {**found, "needs": wanted} if check else found)
    else:
        from linectl.cli.status_text import screen
        from linectl.tui.styled import printable

        click.echo(screen(found))
        for each in wanted:
            click.echo(printable(tr("somebody is needed: {what}").format(what=each)), err=True)
    return _NEEDED if wanted else 0


def _again_and_again(every_s: float, line: str, data: Path | None, *, as_json: bool) -> int:
    """Print the state every so often, for ever: a terminal is cleared before, in a pipe one follows the other."""
    import threading

    wait = threading.Event().wait  # nobody sets it; select() with no files is refused by Windows
    clears = sys.stdout.isatty() and not as_json
    while True:
        if clears:
            click.clear()
        _once(line, data, as_json=as_json)
        sys.stdout.flush()
        wait(every_s)


def _asked(line: str, data: Path | None) -> dict[str, Any]:
    """Return what the line's server says."""
    from linectl.cli.asking import asking

    with asking(data, line) as server:
        state: dict[str, Any] = server.call("status")
        return state


def _of_store(data: Path | None, lost: Unreachable, *, as_json: bool) -> int:
    """Print the last run instead of a line that nobody serves (`lost`).

    Raises:
        Unreachable: there is none either.
    """
    from linectl.cli.run_told import as_data, ended
    from linectl.errors import Refused, Unreachable
    from linectl.server.results.finished import find_run
    from linectl.tui.styled import printable

    try:
        found = find_run("last", data)
    except Refused as error:
        raise Unreachable(lost.message, hint=f"{lost.hint}\n{error.message}", code=lost.code) from error
    run = found.run
    if as_json:
        emit("last_run", {**as_data(run), "store": str(found.reader.path)})
        return 0
    trials = found.reader.trials(run.id)
    done = sum(trial.ended_ns is not None for trial in trials)
    sys.stderr.write(printable(tr("{why}; the last run:").format(why=lost.message)) + "\n")
    click.echo(printable(tr("last run: {run} ({of} on {line})").format(run=run.id, of=run.ref, line=run.line)))
    click.echo(printable(tr("ended: {how} {reason}").format(how=ended(run), reason=run.reason)).rstrip())
    click.echo(tr("baths: {done} of {n}").format(done=done, n=len(trials)))
    click.echo(tr("store: {file}").format(file=found.reader.path))
    sys.stderr.write(tr("start it in another terminal: linectl serve {line}").format(line=run.line) + "\n")
    return 0

"""`linectl start`, `stop`, `hold`, ...: the machine's commands, asked of whoever serves the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["abort", "clear", "hold", "reset", "start", "stop", "suspend", "unhold", "unsuspend"]

F = TypeVar("F", bound=Callable[..., Any])

_WITHIN_S = 60.0
_LONGER_S = 15.0  # than the machine's command may take, until the server counts as gone
_ENDS = {"confirmed": 0, "possible": 0, "refused": 6}
_NOT_KNOWN = 5


def _command_options(function: F) -> F:
    """Add what all commands take."""
    reason = click.option("--reason", default="", help=tr("why; kept in the record"))
    within = click.option(
        "--within",
        type=click.FloatRange(min=0, max=3600),
        default=_WITHIN_S,
        show_default=True,
        metavar="S",
        help=tr("seconds to wait until the machine shows that it is done"),
    )
    dry_run = click.option("--dry-run", is_flag=True, help=tr("say whether it is possible; nothing is sent"))
    return reason(within(dry_run(of_line(function))))


@click.command("start", help=tr("Start the machine, when it is ready and nothing stands against it."))
@_command_options
def start(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Start."""
    return _give("start", reason, within, dry_run, line, data, as_json=as_json)


@click.command("stop", help=tr("Stop the machine, everything off: it asks, naming what would be lost."))
@click.option("-y", "--yes", is_flag=True, help=tr("do not ask"))
@_command_options
def stop(yes: bool, reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Stop after a question, when there is something to lose."""
    from linectl.cli.run_verbs import sure

    if not yes and not dry_run:
        with asking(data, line) as server:
            lost = server.call("stop_would_lose")["loses"]
        if lost:
            sure(tr("A stop loses: {lost}. Stop the machine? [y/N] ").format(lost="; ".join(lost)))
    return _give("stop", reason, within, dry_run, line, data, as_json=as_json, confirmed=True)


@click.command("hold", help=tr("Freeze the machine where it is; asks nothing."))
@_command_options
def hold(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Hold."""
    return _give("hold", reason, within, dry_run, line, data, as_json=as_json)


@click.command("unhold", help=tr("Let the machine go on after a hold."))
@_command_options
def unhold(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Unhold."""
    return _give("unhold", reason, within, dry_run, line, data, as_json=as_json)


@click.command("suspend", help=tr("Let the machine wait for something outside: no bottles, or nowhere to put them."))
@_command_options
def suspend(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Suspend."""
    return _give("suspend", reason, within, dry_run, line, data, as_json=as_json)


@click.command("unsuspend", help=tr("Let the machine go on after a suspension."))
@_command_options
def unsuspend(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Unsuspend."""
    return _give("unsuspend", reason, within, dry_run, line, data, as_json=as_json)


@click.command("abort", help=tr("Everything off at once, and the run ended; asks nothing. This is no emergency stop."))
@_command_options
def abort(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Abort."""
    return _give("abort", reason, within, dry_run, line, data, as_json=as_json)


@click.command("clear", help=tr("After an abort: bring the machine back to stopped."))
@_command_options
def clear(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Clear."""
    return _give("clear", reason, within, dry_run, line, data, as_json=as_json)


@click.command("reset", help=tr("Make a stopped or complete machine ready to start."))
@_command_options
def reset(reason: str, within: float, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Reset."""
    return _give("reset", reason, within, dry_run, line, data, as_json=as_json)


def _give(
    command: str,
    reason: str,
    within: float,
    dry_run: bool,
    line: str,
    data: Path | None,
    *,
    as_json: bool,
    **more: object,
) -> int:
    """Ask for a command and tell how it ended: 0 done (or possible), 6 refused by the controller, 5 not known."""
    args: dict[str, object] = {"reason": reason, "within_s": within, "dry_run": dry_run, **more}
    with asking(data, line) as server:
        told = server.ask(command, args, within_s=within + _LONGER_S)
    code = _ENDS.get(told["outcome"], _NOT_KNOWN)
    if as_json:
        emit("machine_command", told)
        return code
    click.echo(_text(told), err=code != 0)
    if not told.get("recorded", True):
        click.echo(tr("it could not be recorded: look at the disk"), err=True)
    if told.get("off"):
        text = tr("still switched off: {tags}")
        if any(tag.endswith(".feed_enable") for tag in told["off"]):
            text = tr("still switched off: {tags}; bottles go in when all are on")
        click.echo(text.format(tags=", ".join(told["off"])))
    return code


def _text(told: dict[str, Any]) -> str:
    if told["outcome"] == "possible":
        return tr("{command} is possible now; nothing was sent").format(command=told["command"])
    if told.get("safe"):
        return f"{told.get('text', '')}\n{tr('the line was made safe: heater off, and that proved')}".strip()
    return str(told["text"])

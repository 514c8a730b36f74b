"""`linectl set`, `undo`, `arm`, `disarm`: writing to a line that a server holds."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.complete import served_tags
from linectl.cli.output import complaint, emit, envelope
from linectl.cli.sim_options import NAMED_DURATION
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.server.api.client import Caller

__all__ = ["arm", "disarm", "set_", "undo"]

_RATE = re.compile(r"(\d+(?:[.,]\d+)?)(?: ?(?:/|per|par) ?(s|min|m|h))?", re.ASCII)
_PER_MIN = {"s": 60.0, "min": 1.0, "m": 1.0, "h": 1.0 / 60.0, None: 1.0}
_ANSWER_WITHIN_S = 30.0  # a write waits for those before it, and each takes 2 s on a wire that does not answer


class _Rate(click.ParamType[float]):
    """A rate in units a minute."""

    name = "RATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the rate a minute."""
        found = _RATE.fullmatch(str(value).strip())
        if found is None:
            self.fail(tr("expected a rate such as 1/min or 0,5/min, not {text}").format(text=value), param, ctx)
        return float(found[1].replace(",", ".")) * _PER_MIN[found[2]]


reason_option = click.option("--reason", default="", metavar="TEXT", help=tr("why, for the audit trail"))
yes_option = click.option("-y", "--yes", is_flag=True, help=tr("an unusual value is meant: do not ask"))
arm_option = click.option("--arm", "once", is_flag=True, help=tr("armed for this write alone"))
dry_option = click.option("--dry-run", is_flag=True, help=tr("check everything, write nothing"))


@click.command(
    "set",
    context_settings={"ignore_unknown_options": True},
    help=tr("Write VALUE to TAG of the served line, checked and read back; 62,5 and 62.5 are the same."),
)
@click.argument("tag", shell_complete=served_tags)
@click.argument("value")
@click.option("--for", "for_s", type=NAMED_DURATION, help=tr("write the old value back after so long (10m)"))
@click.option("--ramp", "per_min", type=_Rate(), help=tr("go there in steps, at so much a minute (1/min)"))
@arm_option
@dry_option
@yes_option
@reason_option
@of_line
def set_(
    tag: str,
    value: str,
    for_s: float | None,
    per_min: float | None,
    once: bool,
    dry_run: bool,
    yes: bool,
    reason: str,
    line: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Set one tag, and end with 0, 4 (unsent), 5 (clamped, unknown) or 6 (refused)."""
    args = {"tag": tag, "value": value, "why": reason, "arm": once, "dry_run": dry_run, "sure": yes}
    args |= {"for_s": for_s, "ramp_per_min": per_min}
    with asking(data, line) as server:
        told = _asked_again(server, "set", args, quiet=as_json)
    return _tell("set", told, line, as_json=as_json)


@click.command(
    "undo", help=tr("Write what the tag of the last set held before: within 10 minutes, if it is unchanged.")
)
@arm_option
@dry_option
@yes_option
@reason_option
@of_line
def undo(once: bool, dry_run: bool, yes: bool, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """Take the last set back."""
    args = {"why": reason, "arm": once, "dry_run": dry_run, "sure": yes}
    with asking(data, line) as server:
        told = _asked_again(server, "undo", args, quiet=as_json)
    return _tell("undo", told, line, as_json=as_json, back=True)


@click.command("arm", help=tr("Let this terminal write for five minutes; one person at one face writes at a time."))
@click.option("--minutes", type=float, default=5.0, help=tr("for how long, 5 at most"))
@click.option("--take-over", is_flag=True, help=tr("take it from whoever is armed; needs --reason"))
@reason_option
@of_line
def arm(minutes: float, take_over: bool, reason: str, line: str, data: Path | None, as_json: bool) -> int:
    """Arm."""
    with asking(data, line) as server:
        told = server.call("arm", minutes=minutes, take_over=take_over, why=reason)
    if as_json:
        emit("arm", told)
    else:
        click.echo(tr("{who} may write until {time}").format(who=told["who"], time=_time(told["until"])))
    return 0


@click.command("disarm", help=tr("End the arming of this terminal."))
@of_line
def disarm(line: str, data: Path | None, as_json: bool) -> int:
    """Disarm."""
    with asking(data, line) as server:
        server.call("disarm")
    if as_json:
        emit("disarm", None)
    else:
        click.echo(tr("nobody is armed"))
    return 0


def _asked_again(server: Caller, op: str, args: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Return the answer to `op`; what is unusual is asked about first, where somebody can be asked.

    Raises:
        NotConfirmed: the answer is no.
    """
    told = _ask(server, op, args)
    if told["refused_by"] == "soft" and not quiet:
        from linectl.cli.questions import somebody_there

        if somebody_there():
            from linectl.cli.run_verbs import sure

            sure(tr("{doubt}. Write it all the same? [y/N] ").format(doubt=told["doubt"]))
            return _ask(server, op, args | {"sure": True})
    return told


def _ask(server: Caller, op: str, args: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = server.ask(op, args, within_s=_ANSWER_WITHIN_S, key=uuid.uuid4().hex)
    return found


def _tell(schema: str, data: dict[str, Any], line: str, *, as_json: bool, back: bool = False) -> int:
    """Tell how a write ended, and return the exit code; `back`: it took the one before it back."""
    from linectl.cli.write_told import back_words_of, error_of, told_of, words_of

    told = told_of(data, line or "LINE")
    error = error_of(told)
    if as_json:
        plain = {key: value for key, value in data.items() if key != "shown"}
        click.echo(envelope(schema, plain, error))
    elif error is None:
        if data["doubt"]:
            click.echo(data["doubt"], err=True)
        click.echo(back_words_of(told) if back else words_of(told))
    if error is not None:
        click.echo(complaint(error), err=True)
    return 0 if error is None else error.exit_code


def _time(text: str) -> str:
    """Return the local time of day of an ISO time."""
    from datetime import datetime

    return datetime.fromisoformat(text).astimezone().strftime("%H:%M:%S")

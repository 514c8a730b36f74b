"""`linectl mode`: what the machine is for at present (production, maintenance, manual), shown or changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]

_MODES = {
    "produce": "produce",
    "production": "produce",
    "maintenance": "maintenance",
    "entretien": "maintenance",
    "manual": "manual",
    "manuel": "manual",
}
"""What may be typed, in both languages, and what the machine calls it."""
_ENDS = {"confirmed": 0, "possible": 0, "refused": 6}
_NOT_KNOWN = 5
_WITHIN_S = 30.0


@click.command("mode", help=tr("Show the machine's mode; with MODE select it (produce, maintenance, manual), at rest."))
@click.argument("mode", default="", metavar="[MODE]")
@click.option("-y", "--yes", is_flag=True, help=tr("do not ask"))
@click.option("--reason", default="", help=tr("why; kept in the record"))
@click.option("--dry-run", is_flag=True, help=tr("say whether it is possible; nothing is sent"))
@of_line
def command(mode: str, yes: bool, reason: str, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Show the mode, or select one, after a question where a lot would be left behind."""
    if not mode:
        return _show(line, data, as_json=as_json)
    args: dict[str, object] = {"mode": _known(mode), "reason": reason}
    with asking(data, line) as server:
        told = server.ask("mode", {**args, "dry_run": True}, within_s=_WITHIN_S)
    if not dry_run:
        if told["loses"] and not yes:
            _ask("; ".join(told["loses"]))
        with asking(data, line) as server:  # anew: whoever was asked may have taken his time
            told = server.ask("mode", {**args, "confirmed": yes or bool(told["loses"])}, within_s=_WITHIN_S)
    code = _ENDS.get(told["outcome"], _NOT_KNOWN)
    if as_json:
        emit("mode", told)
    else:
        click.echo(_text(told), err=code != 0)
    return code


def _ask(lost: str) -> None:
    from linectl.cli.run_verbs import sure

    sure(tr("Another mode leaves behind: {lost}. Change it? [y/N] ").format(lost=lost))


def _known(typed: str) -> str:
    """Return the machine's name of the mode that was typed in either language.

    Raises:
        click.BadParameter: there is none of that name.
    """
    try:
        return _MODES[typed.casefold()]
    except KeyError:
        text = tr("there is no mode {mode}; there are: {modes}")
        known = ", ".join(dict.fromkeys(_MODES.values()))
        raise click.BadParameter(text.format(mode=typed, modes=known), param_hint="MODE") from None


def _show(line: str, data: Path | None, *, as_json: bool) -> int:
    """Print the mode of the served machine, and whether another one may be selected now.

    Raises:
        Refused: the line has no machine, or the machine has no modes (E-MCH-001).
    """
    from linectl.errors import Refused

    with asking(data, line) as server:
        machine: dict[str, Any] | None = server.call("status", sections=["machine"])["machine"]
        name = server.endpoint.line
    if machine is None or not machine["mode"]:
        text = tr("{line} tells no mode: it has no machine, or its controller does not answer")
        raise Refused(text.format(line=name), hint="linectl status", code="E-MCH-001")
    if as_json:
        modes = list(dict.fromkeys(_MODES.values()))
        emit("mode", {"mode": machine["mode"], "state": machine["state"], "modes": modes})
        return 0
    click.echo(_name(machine["mode"]))
    return 0


def _name(mode: str) -> str:
    """Return the mode as people call it, with the word to type."""
    from linectl.line.packml import Mode, mode_name

    said = mode_name(Mode[mode.upper()])
    return said if said == mode else f"{said} ({mode})"


def _text(told: dict[str, Any]) -> str:
    name = _name(told["mode"])
    if told["outcome"] == "possible":
        left = "; ".join(told["loses"])
        possible = tr("mode {mode} is possible now; nothing was sent").format(mode=name)
        return f"{possible}\n{tr('it would leave behind: {what}').format(what=left)}" if left else possible
    if told["outcome"] == "confirmed":
        return tr("mode: done, the machine is in {mode}").format(mode=name)
    if told["outcome"] == "refused":
        return tr("mode: refused by the controller: {detail}").format(detail=told["detail"])
    return tr("mode: not known whether it was done: {detail}").format(detail=told["detail"])

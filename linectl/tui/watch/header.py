"""The first line: which line it is, its state, the clock, its links, and whether this screen may write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.tui.styled import Line, Mood, cut, printable, width_of
from linectl.tui.watch.feed import moment, number, section, text
from linectl.tui.watch.sight import Sight, hours, since_text
from linectl.words import tr

__all__ = ["head", "state_words"]

Piece = tuple[str, Mood]
_SEPARATOR: Piece = (" · ", Mood.QUIET)


def head(sight: Sight, width: int) -> Line:
    """Return the line; links that do not answer come first, and the rest fills what room is left."""
    left = _left(sight)
    right = _armed(sight)
    room = width - width_of(left) - width_of(right) - 1
    links = _links(sight, room)
    gap = " " * max(1, width - width_of(left) - width_of(links) - width_of(right))
    return cut((*left, *links, (gap, Mood.NORMAL), *right), width)


def _left(sight: Sight) -> Line:
    line = section(sight.state, "line")
    name = printable(text(line.get("name"))).upper()
    pieces: list[Piece] = [(f" {name}", Mood.STRONG)]
    if line.get("simulated"):
        pieces.append((" " + tr("SIMULATED"), Mood.QUIET))
    state = _state(sight.state)
    if state:
        pieces += [("  ", Mood.NORMAL), (state, Mood.QUIET if sight.dead else Mood.STRONG)]
    return (*pieces, (f"  {sight.now:%H:%M:%S}  ", Mood.NORMAL))


def _state(state: Mapping[str, Any]) -> str:
    machine = section(state, "machine")
    if machine:
        mode = text(machine.get("mode"))
        words = state_words(text(machine.get("state")))
        return words if mode.lower() in {"", "produce", "production"} else f"{words} ({_mode_words(mode)})"
    return tr("RUN GOES ON") if section(state, "run") else tr("NO RUN")


def _armed(sight: Sight) -> Line:
    """Return the right end: whether this screen may write, or who else may."""
    if sight.dead:
        return ((f" {tr('NO SERVER')} ", Mood.ALARM),)
    if sight.armed_s is not None:
        return ((f" {tr('WRITES ARMED {left}').format(left=hours(sight.armed_s))} ", Mood.ARMED),)
    armed = section(sight.state, "armed")
    until = moment(armed.get("until"))
    who = printable(text(armed.get("who")))
    if who and until is not None and until > sight.now:
        left = hours((until - sight.now).total_seconds())
        return ((f"[{tr('READ-ONLY; {who} writes {left}').format(who=who, left=left)}] ", Mood.NORMAL),)
    return ((f"[{tr('READ-ONLY')}] ", Mood.NORMAL),)


def _links(sight: Sight, room: int) -> Line:
    """Return the links: those that are lost with their age, then the others with what an answer takes."""
    links = section(sight.state, "links")
    lost = [_lost(name, link, sight) for name, link in links.items() if link.get("state") != "ok"]
    well = [(_well(name, link), Mood.QUIET) for name, link in links.items() if link.get("state") == "ok"]
    shown = _joined([*lost, *well])
    if width_of(shown) <= room:
        return shown
    counted = tr("{n} links ok").format(n=len(well))
    for shown in (_joined([*lost, *([(counted, Mood.QUIET)] if well else [])]), _joined(lost)):
        if width_of(shown) <= room:
            return shown
    return cut(_joined(lost), max(0, room))


def _joined(cells: list[Piece]) -> Line:
    pieces: list[Piece] = []
    for cell in cells:
        pieces += [_SEPARATOR, cell] if pieces else [cell]
    return tuple(pieces)


def _well(name: str, link: Mapping[str, Any]) -> str:
    took = number(link.get("round_trip_ms"))
    shown = f"{printable(name)} ok"
    return shown if took is None else f"{shown} {max(1, round(took))} ms"


def _lost(name: str, link: Mapping[str, Any], sight: Sight) -> Piece:
    words = tr("{link} LOST {time}").format(link=printable(name), time=since_text(link.get("since"), sight.then))
    return f"◆ {words}", Mood.QUIET if sight.dead else Mood.WARNING


def state_words(state: str) -> str:
    """Return a state of the machine (PackML) as people call it; one that is not known as it is."""
    words = {
        "idle": tr("READY"),
        "starting": tr("STARTING"),
        "execute": tr("RUNNING"),
        "holding": tr("HOLDING"),
        "held": tr("HELD"),
        "unholding": tr("GOING ON"),
        "suspending": tr("SUSPENDING"),
        "suspended": tr("SUSPENDED"),
        "unsuspending": tr("GOING ON"),
        "completing": tr("COMPLETING"),
        "complete": tr("COMPLETE"),
        "stopping": tr("STOPPING"),
        "stopped": tr("STOPPED"),
        "aborting": tr("ABORTING"),
        "aborted": tr("ABORTED"),
        "clearing": tr("CLEARING"),
        "resetting": tr("RESETTING"),
    }
    return words.get(state.lower(), printable(state).upper())


def _mode_words(mode: str) -> str:
    words = {"maintenance": tr("maintenance"), "manual": tr("manual")}
    return words.get(mode.lower(), printable(mode))

"""Alarms in words, shapes and colours: each says the same, for who sees no colour, no shape, or reads no French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.tui.styled import Mood, printable
from linectl.tui.watch.feed import items, moment, number, section, text
from linectl.tui.watch.figures import figure
from linectl.words import tr

__all__ = [
    "MOODS",
    "SHAPES",
    "condition_words",
    "listed",
    "newest",
    "priority_of",
    "shape",
    "state_of",
    "state_words",
    "unseen",
    "what",
]

SHAPES = {1: "▲1", 2: "◆2", 3: "●3", 4: "·4"}
MOODS = {1: Mood.ALARM, 2: Mood.WARNING, 3: Mood.FAULT, 4: Mood.QUIET}
_UNSEEN = {"unacknowledged", "rtn_unacknowledged", "latched_unacknowledged"}
_ASIDE = {"shelved", "suppressed", "out_of_service"}
_LOWEST = 3


def priority_of(alarm: Mapping[str, Any]) -> int:
    """Return 1, 2 or 3, or 4 for what nobody has to act upon; anything else counts as 3."""
    found = number(alarm.get("priority"))
    return int(found) if found in {1, 2, 3, 4} else _LOWEST


def shape(alarm: Mapping[str, Any]) -> str:
    """Return the mark of its priority: a shape and a figure."""
    return SHAPES[priority_of(alarm)]


def state_of(alarm: Mapping[str, Any]) -> str:
    """Return the machine word of its state."""
    return text(alarm.get("state")).lower()


def unseen(alarm: Mapping[str, Any]) -> bool:
    """Whether nobody has acknowledged it yet."""
    return state_of(alarm) in _UNSEEN and priority_of(alarm) <= _LOWEST


def listed(state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return all alarms: not acknowledged first, the highest priority first, the newest first; what is aside last."""
    return sorted(items(section(state, "alarms"), "list"), key=_rank)


def _rank(alarm: Mapping[str, Any]) -> tuple[bool, bool, int, float]:
    at = moment(alarm.get("since"))
    newest_first = 0.0 if at is None else -at.timestamp()
    return state_of(alarm) in _ASIDE, not unseen(alarm), priority_of(alarm), newest_first


def newest(state: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the alarm of the bar: the newest that nobody has acknowledged of the highest priority, else of all."""
    alarms = [each for each in listed(state) if state_of(each) not in _ASIDE and priority_of(each) <= _LOWEST]
    return alarms[0] if alarms else None


def what(alarm: Mapping[str, Any], tags: Mapping[str, Any]) -> str:
    """Return what is wrong: tag, condition, value and limit."""
    tag, word = text(alarm.get("tag")), condition_words(text(alarm.get("condition")))
    message = printable(text(alarm.get("message")))
    if not (tag and word):
        return message or printable(tag or text(alarm.get("id")))
    info = section(tags, tag)
    unit = text(alarm.get("unit")) or text(info.get("unit"))
    shown = f"{printable(tag)} {word}"
    value, limit = alarm.get("value"), number(alarm.get("limit"))
    if value is not None:
        shown += f" {figure(value, info)} {unit}".rstrip()
    if limit is not None:
        shown += " " + tr("(limit {limit})").format(limit=figure(limit, info))
    return shown


def condition_words(condition: str) -> str:
    """Return a condition that has a limit, or no value, as a word; "" for one that its message alone can tell."""
    words = {
        "HIHI": tr("VERY HIGH"),
        "HI": tr("HIGH"),
        "LO": tr("LOW"),
        "LOLO": tr("VERY LOW"),
        "DEV": tr("OFF ITS SETPOINT"),
        "BAD_PV": tr("NO GOOD VALUE"),
    }
    return words.get(condition.upper(), "")


def state_words(state: str) -> str:
    """Return the state of an alarm (ISA-18.2) as the screen says it."""
    words = {
        "normal": tr("back to normal"),
        "unacknowledged": tr("NOT ACK."),
        "acknowledged": tr("acknowledged"),
        "rtn_unacknowledged": tr("CAME BACK"),
        "latched_unacknowledged": tr("TO RESET, NOT ACK."),
        "latched_acknowledged": tr("TO RESET"),
        "shelved": tr("SHELVED"),
        "suppressed": tr("suppressed by design"),
        "out_of_service": tr("out of service"),
    }
    return words.get(state.lower(), printable(state))

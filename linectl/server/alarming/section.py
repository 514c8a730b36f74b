"""The alarms as faces see them: one section of the line's state, texts in the language in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.clock import Clock
from linectl.line.alarms.causes import value_of
from linectl.line.alarms.step import standing
from linectl.model.alarms import HIDDEN, Alarm, Alarms, AlarmState, Comment, Entry, Priority, State
from linectl.model.lines import Tag
from linectl.model.readings import Reading
from linectl.server.alarming.record import wall_ns
from linectl.store.audit import time_text
from linectl.words import language

__all__ = ["row", "said", "section", "shown"]

_UNSEEN = frozenset({AlarmState.UNACKNOWLEDGED, AlarmState.RTN_UNACKNOWLEDGED, AlarmState.LATCHED_UNACKNOWLEDGED})


def section(
    rules: Alarms, state: State, clock: Clock, tags: Mapping[str, Tag], readings: Mapping[str, Reading]
) -> dict[str, Any]:
    """Return counts, flood, first-out, and each alarm that asks for somebody or is put aside."""
    names = shown(rules, state)
    return {
        "counts": _counts(rules, state),
        "flood": state.flood,
        "first_out": state.first_out,
        "list": [row(rules.alarms[name], state.entry(name), clock, tags, readings) for name in names],
    }


def shown(rules: Alarms, state: State) -> list[str]:
    """Return the alarms of the list: the most pressing first, of the same the newest first.

    A suppressed one is shown only while its cause stands, and a diagnostic one not at all: neither asks for anybody.
    """
    found = [name for name, entry in state.entries.items() if _is_shown(rules.alarms[name], entry)]
    return sorted(found, key=lambda name: _place(rules.alarms[name], state.entry(name)))


def _is_shown(alarm: Alarm, entry: Entry) -> bool:
    if entry.state is AlarmState.SUPPRESSED:
        return (entry.cause or entry.active) and alarm.priority is not Priority.DIAGNOSTIC
    if entry.state in HIDDEN:
        return True
    return entry.state is not AlarmState.NORMAL and alarm.priority is not Priority.DIAGNOSTIC


def _place(alarm: Alarm, entry: Entry) -> tuple[bool, bool, int, float]:
    return entry.state in HIDDEN, entry.state not in _UNSEEN, int(alarm.priority), -entry.since_s


def _counts(rules: Alarms, state: State) -> dict[str, int]:
    stands = standing(rules, state)
    found = {
        str(int(priority)): sum(rules.alarms[name].priority is priority for name in stands)
        for priority in Priority
        if priority is not Priority.DIAGNOSTIC
    }
    states = [entry.state for name, entry in state.entries.items() if _is_shown(rules.alarms[name], entry)]
    return {
        **found,
        "unacknowledged": sum(state.entry(name).state in _UNSEEN for name in stands),
        "shelved": states.count(AlarmState.SHELVED),
        "suppressed": states.count(AlarmState.SUPPRESSED),
        "out_of_service": states.count(AlarmState.OUT_OF_SERVICE),
    }


def row(
    alarm: Alarm, entry: Entry, clock: Clock, tags: Mapping[str, Tag], readings: Mapping[str, Reading]
) -> dict[str, Any]:
    """Return one alarm."""
    until_s = entry.shelved_until_s
    tag = tags.get(alarm.tag)
    return {
        "id": alarm.name,
        "tag": alarm.tag or alarm.link or (alarm.tags[0] if len(alarm.tags) == 1 else ""),
        "condition": alarm.condition.value,
        "priority": int(alarm.priority),
        "state": entry.state.value,
        "value": entry.value,
        "limit": _limit(alarm, readings),
        "unit": "" if tag is None else tag.unit,
        "text": alarm.text,
        "since": time_text(wall_ns(clock, entry.since_s)) if entry.since_s or entry.active else None,
        "acknowledged_by": entry.acknowledged_by,
        "shelved_until": None if until_s is None else time_text(wall_ns(clock, until_s)),
        "hidden_by": entry.hidden_by,
        "reason": entry.reason,
        "message": said(alarm.message),
        "cause": said(alarm.cause),
        "action": said(alarm.action),
        "comments": [_comment(each) for each in entry.comments],
    }


def said(texts: Mapping[str, str]) -> str:
    """Return the text in the language in use."""
    return texts.get(language()) or next(iter(texts.values()), "")


def _limit(alarm: Alarm, readings: Mapping[str, Reading]) -> float | None:
    """Return the limit as it is now: that beside another tag moves with it."""
    if alarm.limit is None:
        return None
    limit, beside = alarm.limit
    if not beside or alarm.condition == "DEV":
        return limit
    reference = value_of(beside, readings)
    return None if reference is None else limit + float(reference)


def _comment(comment: Comment) -> dict[str, str]:
    return {"time": time_text(comment.at_ns), "who": comment.who, "text": comment.text}

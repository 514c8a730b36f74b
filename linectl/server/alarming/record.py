"""Changes of alarms as events of the store, and back: what was shelved or not acknowledged outlives the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from linectl.clock import Clock
from linectl.model.alarms import HIDDEN, Alarms, AlarmState, Change, Comment, Entry, Priority, State
from linectl.model.records import Act, Event
from linectl.units import NS_PER_S, s_to_ns

__all__ = ["COMMENT", "KIND", "comment_event", "event_of", "is_worth_keeping", "restored", "wall_ns"]

KIND = "alarm"
COMMENT = "comment"
MACHINE = "linectl"
_KEPT = 20  # comments of one alarm that are shown


def wall_ns(clock: Clock, process_s: float) -> int:
    """Return the wall time in ns UTC at which the process time was (or will be) `process_s`."""
    return clock.now_ns() + s_to_ns(process_s - clock.process_s())


def is_worth_keeping(change: Change) -> bool:
    """Return whether a change belongs into the record: that a calm alarm could not have told anything does not.

    A lost wire suppresses all alarms behind it; which those are stands in the file.
    """
    return {change.before, change.after} != {AlarmState.NORMAL, AlarmState.SUPPRESSED}


def event_of(change: Change, entry: Entry, rules: Alarms, clock: Clock) -> Event:
    """Return `change` as it is stored, with all that is needed to go on from it; a person's act is one of the trail."""
    until_s = entry.shelved_until_s
    at_ns = wall_ns(clock, change.at_s)
    data: dict[str, object] = {
        "alarm": change.name,
        "event": change.event.value,
        "before": change.before.value,
        "after": change.after.value,
        "announced": change.announced,
        "priority": int(rules.alarms[change.name].priority),
        "value": change.value,
        "who": change.who,
        "why": change.why,
        "message": dict(rules.alarms[change.name].message),
        "entry": {
            "state": entry.state.value,
            "cause": entry.cause,
            "active": entry.active,
            "latch": entry.latch,
            "told": entry.told,
            "value": entry.value,
            "since_ns": wall_ns(clock, entry.since_s),
            "acknowledged_by": entry.acknowledged_by,
            "shelved_until_ns": None if until_s is None else wall_ns(clock, until_s),
            "hidden_by": entry.hidden_by,
            "reason": entry.reason,
        },
    }
    return Event(at_ns, KIND, data, act=_act(change, at_ns, data))


def _act(change: Change, at_ns: int, data: Mapping[str, Any]) -> Act | None:
    """Return what somebody did, or what was done when somebody's time was over; what the plant did is no act."""
    if not change.who and not change.why:
        return None
    new: dict[str, object] = {"state": change.after.value}
    if data["entry"]["shelved_until_ns"] is not None:
        new["until_ns"] = data["entry"]["shelved_until_ns"]
    who = change.who or MACHINE
    return Act(at_ns, who, f"alarm_{change.event.value}", change.name, change.before.value, new, change.why)


def comment_event(name: str, comment: Comment) -> Event:
    """Return a comment as it is stored."""
    act = Act(comment.at_ns, comment.who, "alarm_comment", name, new=comment.text)
    data = {"alarm": name, "event": COMMENT, "who": comment.who, "why": comment.text}
    return Event(comment.at_ns, KIND, data, act=act)


def restored(rules: Alarms, events: Iterable[Event], clock: Clock) -> State:
    """Return the alarms as the last events (oldest first) left them; what stands is looked at again before it moves.

    Alarms that `rules` have no more are left out, and so is what cannot be read.
    """
    entries: dict[str, Entry] = {}
    comments: dict[str, list[Comment]] = {}
    for event in events:
        name = str(event.data.get("alarm"))
        if event.kind != KIND or name not in rules.alarms:
            continue
        if event.data.get("event") == COMMENT:
            said = Comment(event.ts_ns, str(event.data.get("who")), str(event.data.get("why")))
            comments.setdefault(name, []).append(said)
        elif (entry := _entry(event.data.get("entry"), clock)) is not None:
            entries[name] = entry
    for name, said_ in comments.items():
        entry = entries.get(name, Entry())
        entries[name] = replace(entry, comments=tuple(said_[-_KEPT:]))
    first = min(
        (name for name, each in entries.items() if _stands(rules, name, each)),
        key=lambda name: entries[name].since_s,
        default="",
    )
    return State(entries=entries, first_out=first)


def _stands(rules: Alarms, name: str, entry: Entry) -> bool:
    quiet = entry.state in HIDDEN or entry.state is AlarmState.NORMAL
    return not quiet and rules.alarms[name].priority is not Priority.DIAGNOSTIC


def _entry(kept: object, clock: Clock) -> Entry | None:
    if not isinstance(kept, Mapping):
        return None
    try:
        until_ns = kept["shelved_until_ns"]
        return Entry(
            state=AlarmState(kept["state"]),
            cause=bool(kept["active"]),  # what stood is believed to stand until it is looked at
            active=bool(kept["active"]),
            latch=bool(kept["latch"]),
            suppressed=kept["state"] == AlarmState.SUPPRESSED.value,
            told=bool(kept["told"]),
            value=kept["value"],
            since_s=_process_s(clock, kept["since_ns"]),
            acknowledged_by=str(kept["acknowledged_by"]),
            shelved_until_s=None if until_ns is None else _process_s(clock, until_ns),
            hidden_by=str(kept["hidden_by"]),
            reason=str(kept["reason"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _process_s(clock: Clock, at_ns: int) -> float:
    return clock.process_s() + (int(at_ns) - clock.now_ns()) / NS_PER_S

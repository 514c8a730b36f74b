"""Alarms over time: a pure step from readings, lost links and troubles to what is raised, cleared, told and hidden.

Nothing here waits or asks for the time. An alarm's cause is looked at first (deadband), then its delays, then whether
it is suppressed; each step from state to state is one of the table's. Delays begin again when a suppression ends: what
comes back with a wire may take its time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from linectl.line.alarms.causes import holds, sees, value_of
from linectl.line.alarms.flood import after_announcements, over_s
from linectl.line.alarms.table import next_state
from linectl.model.alarms import (
    HIDDEN,
    Alarm,
    AlarmEvent,
    Alarms,
    AlarmState,
    Change,
    Entry,
    Priority,
    State,
)
from linectl.model.readings import Reading

__all__ = ["MACHINE", "act", "next_due_s", "standing", "step"]

MACHINE = "linectl"  # who acknowledges what nobody has to

_QUIET = HIDDEN | {AlarmState.NORMAL}
_SUPPRESSIBLE = (AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)  # the rest tells of the past
_MOST_ROUNDS = 10  # an alarm that suppresses one that suppresses one ...; files with a circle are refused
_NOTHING: frozenset[object] = frozenset()


def step(
    rules: Alarms,
    state: State,
    readings: Mapping[str, Reading],
    now_s: float,
    lost: Collection[object] = _NOTHING,
    names: Iterable[str] | None = None,
) -> tuple[State, tuple[Change, ...]]:
    """Return all alarms at `now_s` s, and what changed; `lost`: links by name, troubles of the server.

    `names` are the alarms to look at, when it is known that nothing else can have changed and no delay runs out; None:
    all. When nothing changes, `state` itself comes back.

    Raises:
        ValueError: `now_s` lies before `state`: delays would begin again.
    """
    if now_s < state.now_s:
        msg = f"alarms are judged forward in time, not at {now_s} s after {state.now_s} s"
        raise ValueError(msg)
    entries = dict(state.entries)
    looked = tuple(rules.alarms if names is None else names)
    moved = False
    for name in looked:
        before = state.entry(name)
        entries[name] = after = _look(rules.alarms[name], before, readings, lost, now_s)
        moved |= after is not before
    if not moved and names is not None and not any(rules.alarms[name].suppressed_when for name in looked):
        return state, ()
    changes: list[Change] = []
    for _round in range(_MOST_ROUNDS):
        found = [each for name in rules.alarms for each in _advance(rules, entries, name, readings, now_s)]
        changes += found
        if not found:
            break
    if not changes and not moved and _over(state, now_s) is None:
        return state, ()
    return _whole(rules, state, entries, changes, now_s), tuple(changes)


def act(
    rules: Alarms,
    state: State,
    name: str,
    event: AlarmEvent,
    now_s: float,
    *,
    who: str,
    why: str = "",
    until_s: float | None = None,
) -> tuple[State, tuple[Change, ...]] | None:
    """Return the alarms after a person's `event` on `name`, and what changed; None: it makes no sense in its state."""
    entry = state.entry(name)
    if next_state(entry.state, event) is None:
        return None
    changes: list[Change] = []
    entry = _fire(rules.alarms[name], entry, event, now_s, changes, who=who, why=why)
    if event is AlarmEvent.SHELVE:
        entry = replace(entry, shelved_until_s=until_s)
    entries = {**state.entries, name: _settled(rules.alarms[name], entry, now_s, changes)}
    return _whole(rules, state, entries, changes, max(now_s, state.now_s)), tuple(changes)


def next_due_s(rules: Alarms, state: State) -> float:
    """Return when the next delay, shelving or flood ends if no reading changes, in s; infinity: none runs."""
    due = [over_s(state.announced, flood=state.flood)]
    for name, entry in state.entries.items():
        alarm = rules.alarms[name]
        if entry.cause_s is not None and entry.cause and not entry.active and not entry.suppressed:
            due.append(entry.cause_s + alarm.on_delay_s)
        elif entry.cause_s is not None and entry.active and not entry.cause:
            due.append(entry.cause_s + alarm.off_delay_s)
        if entry.shelved_until_s is not None:
            due.append(entry.shelved_until_s)
    return min(due)


def standing(rules: Alarms, state: State) -> tuple[str, ...]:
    """Return the alarms that ask for somebody: active or not yet acknowledged and reset, none hidden or diagnostic."""
    return tuple(
        name
        for name, entry in state.entries.items()
        if entry.state not in _QUIET and rules.alarms[name].priority is not Priority.DIAGNOSTIC
    )


def _look(alarm: Alarm, entry: Entry, readings: Mapping[str, Reading], lost: Collection[object], now_s: float) -> Entry:
    seen = sees(alarm, entry.cause, readings, lost)
    if seen is None or (seen is entry.cause and entry.cause_s is not None):
        return entry
    value = value_of(alarm.tag, readings) if seen and alarm.tag else entry.value
    return replace(entry, cause=seen, cause_s=now_s, value=value)


def _advance(
    rules: Alarms, entries: dict[str, Entry], name: str, readings: Mapping[str, Reading], now_s: float
) -> list[Change]:
    """Move one alarm on by what time, suppression and its cause ask for; its entry is put in its place."""
    alarm, entry = rules.alarms[name], entries.get(name)
    if entry is None:
        return []
    changes: list[Change] = []
    if entry.shelved_until_s is not None and now_s >= entry.shelved_until_s:
        entry = _fire(alarm, entry, AlarmEvent.UNSHELVE, now_s, changes, why="time over")
    follows = entry.cause and (entry.follows or _came_along(alarm, entry, entries))
    hidden = follows or _is_suppressed(alarm, entry, entries, readings)
    if hidden is not entry.suppressed or follows is not entry.follows:
        restarts = not hidden and entry.suppressed and entry.cause and not entry.active
        since_s = now_s if restarts else entry.cause_s
        entry = replace(entry, suppressed=hidden, follows=follows, cause_s=since_s)
    entry = _delayed(alarm, entry, readings, now_s, changes)
    entries[name] = _settled(alarm, entry, now_s, changes)
    return changes


def _delayed(alarm: Alarm, entry: Entry, readings: Mapping[str, Reading], now_s: float, changes: list[Change]) -> Entry:
    """Raise what has lasted, clear what has been gone long enough."""
    cause_s = entry.cause_s
    if cause_s is None or entry.cause is entry.active:
        return entry
    if entry.cause:
        if entry.suppressed or now_s < cause_s + alarm.on_delay_s:
            return entry
        value = value_of(alarm.tag, readings) if alarm.tag else None
        entry = replace(entry, active=True, latch=False, acknowledged_by="", told=False, since_s=cause_s)
        return _fire(alarm, replace(entry, value=value), AlarmEvent.RAISE, now_s, changes)
    if now_s < cause_s + alarm.off_delay_s:
        return entry
    event = AlarmEvent.CLEAR_LATCHED if alarm.latched else AlarmEvent.CLEAR
    return _fire(alarm, replace(entry, active=False, latch=alarm.latched), event, now_s, changes)


def _settled(alarm: Alarm, entry: Entry, now_s: float, changes: list[Change]) -> Entry:
    """Return `entry` where it belongs: hidden while it is suppressed, else where what stands or was not seen is."""
    if entry.suppressed and entry.state in _SUPPRESSIBLE:
        return _fire(alarm, entry, AlarmEvent.SUPPRESS, now_s, changes)
    if not entry.suppressed and entry.state is AlarmState.SUPPRESSED:
        entry = _fire(alarm, entry, AlarmEvent.UNSUPPRESS, now_s, changes)
    if entry.state is AlarmState.NORMAL and (entry.active or entry.latch or entry.told):
        entry = _brought_back(alarm, entry, now_s, changes)
    if entry.state is AlarmState.UNACKNOWLEDGED and alarm.priority is Priority.DIAGNOSTIC:
        return _fire(alarm, entry, AlarmEvent.ACKNOWLEDGE, now_s, changes, who=MACHINE)
    return entry


def _brought_back(alarm: Alarm, entry: Entry, now_s: float, changes: list[Change]) -> Entry:
    """Return an alarm that was hidden where it would be without that; what was told before is not told again."""
    by = entry.acknowledged_by
    if by and not entry.active and not entry.latch:
        return replace(entry, told=False, acknowledged_by="")
    entry = _fire(alarm, entry, AlarmEvent.RAISE, now_s, changes)
    if by:
        entry = _fire(alarm, entry, AlarmEvent.ACKNOWLEDGE, now_s, changes, who=by)
    if not entry.active:
        event = AlarmEvent.CLEAR_LATCHED if entry.latch else AlarmEvent.CLEAR
        entry = _fire(alarm, entry, event, now_s, changes)
    return entry


def _fire(
    alarm: Alarm,
    entry: Entry,
    event: AlarmEvent,
    now_s: float,
    changes: list[Change],
    *,
    who: str = "",
    why: str = "",
) -> Entry:
    """Return `entry` after one step of the table, which is added to `changes`."""
    after = next_state(entry.state, event)
    assert after is not None, f"{event} in {entry.state}"
    told = after is AlarmState.UNACKNOWLEDGED and not entry.told and alarm.priority is not Priority.DIAGNOSTIC
    if after is not entry.state or who:
        changes.append(Change(alarm.name, event, entry.state, after, now_s, told, entry.value, who, why))
    entry = replace(entry, state=after, told=entry.told or told)
    match event:
        case AlarmEvent.CLEAR | AlarmEvent.CLEAR_LATCHED if after is not AlarmState.SUPPRESSED:
            acknowledged = after is AlarmState.LATCHED_ACKNOWLEDGED
            return replace(entry, told=False, acknowledged_by=entry.acknowledged_by if acknowledged else "")
        case AlarmEvent.ACKNOWLEDGE:
            return replace(entry, acknowledged_by=who)
        case AlarmEvent.RESET:
            return replace(entry, latch=False, acknowledged_by="")
        case AlarmEvent.SHELVE | AlarmEvent.REMOVE:
            kept = replace(entry, told=False, acknowledged_by="", shelved_until_s=None)
            return replace(kept, hidden_by=who, reason=why)
        case AlarmEvent.UNSHELVE | AlarmEvent.RETURN:
            return replace(entry, shelved_until_s=None, hidden_by="", reason="")
    return entry


def _came_along(alarm: Alarm, entry: Entry, entries: Mapping[str, Entry]) -> bool:
    """Return whether a cause that its device holds has come while something stands of which it is a consequence."""
    return alarm.held and not entry.active and _any_stands(alarm.suppressed_by, entries)


def _is_suppressed(alarm: Alarm, entry: Entry, entries: Mapping[str, Entry], readings: Mapping[str, Reading]) -> bool:
    if _any_stands(alarm.suppressed_by, entries) or _any_stands(alarm.behind, entries):
        return True
    if alarm.suppressed_when is None:
        return False
    said = holds(alarm.suppressed_when, readings)
    return entry.suppressed if said is None else said


def _any_stands(names: tuple[str, ...], entries: Mapping[str, Entry]) -> bool:
    found = (entries.get(name) for name in names)
    return any(each is not None and (each.cause or each.active) for each in found)


def _whole(rules: Alarms, state: State, entries: Mapping[str, Entry], changes: list[Change], now_s: float) -> State:
    told = [each for each in changes if each.announced]
    announced, flood = after_announcements(state.announced, [now_s] * len(told), now_s, flood=state.flood)
    made = State(now_s, entries, state.first_out, announced, flood)
    if not standing(rules, made):
        return replace(made, first_out="")
    if not state.first_out and told:
        return replace(made, first_out=min(told, key=lambda each: entries[each.name].since_s).name)
    return made


def _over(state: State, now_s: float) -> float | None:
    """Return when a flood ended that was not yet noted; None: none."""
    end_s = over_s(state.announced, flood=state.flood)
    return end_s if end_s <= now_s else None

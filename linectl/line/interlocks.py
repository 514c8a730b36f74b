"""Interlocks and permissives over time: a pure step from readings to what is tripped and what may start.

Nothing here knows a plan, a recipe or a run: the same readings at the same times always give the same answer. What
cannot be told counts against going on. An interlock trips unless what is known proves that it need not, and a
permissive holds only when what is known proves that it does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from linectl.line.conditions import truth, unknown_tags
from linectl.model.interlocks import Interlock, Interlocks, Permissive, TripPolicy
from linectl.model.readings import Reading, Value
from linectl.units import NS_PER_S

__all__ = [
    "InterlockState",
    "PermissiveState",
    "State",
    "Trip",
    "action",
    "evaluate",
    "next_due_s",
    "refusing",
    "reset",
    "tripped",
]


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip: seen at `at_s`, due at `due_s` (its cause's begin plus the delay), both in s of the readings' clock.

    `blind` names the tags whose readings could not be trusted when that alone tripped it.
    """

    at_s: float
    due_s: float
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InterlockState:
    """One interlock now: since when its cause stands (None: it does not), and its trip.

    `blind` names the tags for whose sake nobody can tell now whether its cause stands.
    """

    cause_s: float | None = None
    trip: Trip | None = None
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PermissiveState:
    """One permissive now; `blind` names the tags for whose sake nobody can tell."""

    holds: bool = False
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """All of them at `now_s`.

    `first_out` is what tripped first since nothing was tripped (several names: nobody can tell which of them was
    first); it stays until all trips are gone, even when its own is. Before the first evaluation nothing may start.
    """

    now_s: float = -math.inf
    interlocks: Mapping[str, InterlockState] = field(default_factory=dict)
    permissives: Mapping[str, PermissiveState] = field(default_factory=dict)
    first_out: tuple[str, ...] = ()


def evaluate(rules: Interlocks, before: State, readings: Mapping[str, Reading], now_s: float) -> State:
    """Return what is tripped and what may start at `now_s`, in s of the clock by which readings were received.

    A reading counts when its quality is GOOD, its value finite and its age within `rules.stale_s` (as old, or as much
    of the future); any other one, and one that is not there, is unknown.

    Raises:
        ValueError: `now_s` is no time, or lies before `before`: delays would begin again.
    """
    if not math.isfinite(now_s) or now_s < before.now_s:
        msg = f"interlocks are evaluated forward in time, not at {now_s} s after {before.now_s} s"
        raise ValueError(msg)
    known = {
        name: reading.value
        for name, reading in readings.items()
        if reading.value is not None and _counts(reading, rules.stale_s.get(name), now_s)
    }
    follow = {
        name: _follow(each, before.interlocks.get(name, InterlockState()), known, now_s)
        for name, each in rules.interlocks.items()
    }
    return State(
        now_s=now_s,
        interlocks=follow,
        permissives={name: _permissive(each, known) for name, each in rules.permissives.items()},
        first_out=_first_out(rules, before, follow),
    )


def reset(rules: Interlocks, state: State, names: Collection[str] | None = None) -> State:
    """Return `state` after a person reset the trips in `names` (None: all); a trip whose cause stands stays."""
    wanted = state.interlocks.keys() if names is None else names
    follow = {
        name: replace(each, trip=None) if name in wanted and each.cause_s is None else each
        for name, each in state.interlocks.items()
    }
    return replace(state, interlocks=follow, first_out=_still(rules, state.first_out, follow))


def tripped(state: State) -> tuple[str, ...]:
    """Return the names of all that is tripped, ignored ones too."""
    return tuple(name for name, each in state.interlocks.items() if each.trip is not None)


def action(rules: Interlocks, state: State) -> TripPolicy | None:
    """Return the most that the trips ask for; None: nothing, for none is there or all are ignored."""
    asked = [rules.interlocks[name].action for name in tripped(state)]
    most = max(asked, key=lambda each: each.rank, default=TripPolicy.IGNORE)
    return None if most is TripPolicy.IGNORE else most


def refusing(rules: Interlocks, state: State, what: str) -> tuple[str, ...]:
    """Return the permissives that do not allow the command or tag `what` now; none: nothing stands against it."""
    return tuple(
        name
        for name, each in rules.permissives.items()
        if what in each.allows and not state.permissives.get(name, PermissiveState()).holds
    )


def next_due_s(rules: Interlocks, state: State) -> float | None:
    """Return when the next delay runs out if no reading changes, in s; None: none is running."""
    due = (
        each.cause_s + rules.interlocks[name].delay_s
        for name, each in state.interlocks.items()
        if each.cause_s is not None and each.trip is None
    )
    return min(due, default=None)


def _counts(reading: Reading, stale_s: float | None, now_s: float) -> bool:
    if not reading.quality.is_good or (isinstance(reading.value, float) and not math.isfinite(reading.value)):
        return False
    return stale_s is None or abs(now_s - reading.received_time_ns / NS_PER_S) <= stale_s


def _follow(interlock: Interlock, before: InterlockState, known: Mapping[str, Value], now_s: float) -> InterlockState:
    said = truth(interlock.when, known)
    if said is False:
        return InterlockState(trip=before.trip if interlock.latched else None)
    blind = unknown_tags(interlock.when, known) if said is None else ()
    cause_s = now_s if before.cause_s is None else before.cause_s
    trip, due_s = before.trip, cause_s + interlock.delay_s
    if trip is None and now_s >= due_s:
        trip = Trip(now_s, due_s, blind)
    return InterlockState(cause_s, trip, blind)


def _permissive(permissive: Permissive, known: Mapping[str, Value]) -> PermissiveState:
    said = truth(permissive.needs, known)
    return PermissiveState(said is True, unknown_tags(permissive.needs, known) if said is None else ())


def _first_out(rules: Interlocks, before: State, follow: Mapping[str, InterlockState]) -> tuple[str, ...]:
    standing = _still(rules, before.first_out, follow)
    if standing:
        return standing
    due = {name: each.trip.due_s for name, each in follow.items() if each.trip and _acts(rules, name)}
    first_s = min(due.values(), default=0.0)
    return tuple(name for name, due_s in due.items() if due_s == first_s)


def _still(rules: Interlocks, first: tuple[str, ...], follow: Mapping[str, InterlockState]) -> tuple[str, ...]:
    """Return `first` while anything that asks for an action is tripped."""
    return first if any(each.trip and _acts(rules, name) for name, each in follow.items()) else ()


def _acts(rules: Interlocks, name: str) -> bool:
    return rules.interlocks[name].action is not TripPolicy.IGNORE

"""The test cases of an interlocks file, played in exact time, and what they leave unproved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from linectl.line.interlocks import State, action, evaluate, next_due_s, reset, tripped
from linectl.model.interlocks import Case, Given, Interlocks, Step, Untrusted
from linectl.model.readings import GOOD, Quality, Reading, Value, bad, uncertain
from linectl.units import s_to_ns

__all__ = ["CaseResult", "Difference", "Gap", "Proof", "prove"]

NOTHING = "none"
"""What a case calls the action when none is asked for."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a step expected and what came of it; `what` is trips, lost, first_out or action."""

    step: Step
    what: str
    expected: tuple[str, ...]
    got: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case ended: passed when nothing differs."""

    case: Case
    differences: tuple[Difference, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Gap:
    """An interlock or permissive (`name`) for which no case shows `what`.

    `what`: trips (by its condition, not by lost readings alone), untripped, holds, lost.
    """

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What the cases of a file came to."""

    results: tuple[CaseResult, ...]
    gaps: tuple[Gap, ...]

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return all(each.passed for each in self.results)


@dataclass(slots=True)
class _Seen:
    """The names for which a step that looked has shown each of the two sides."""

    trips: set[str] = field(default_factory=set)
    untripped: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def take(self, step: Step, state: State) -> None:
        if step.expected.trips is not None:
            for name, each in state.interlocks.items():
                if each.trip is None:
                    self.untripped.add(name)
                elif not each.trip.blind:
                    self.trips.add(name)
        if step.expected.lost is not None:
            for name, permissive in state.permissives.items():
                if permissive.holds:
                    self.holds.add(name)
                elif not permissive.blind:
                    self.lost.add(name)


def prove(rules: Interlocks) -> Proof:
    """Play all cases of `rules`, each from its own start."""
    seen = _Seen()
    results = tuple(CaseResult(case, tuple(_play(rules, case, seen))) for case in rules.cases)
    return Proof(results, tuple(_gaps(rules, seen)))


def _play(rules: Interlocks, case: Case, seen: _Seen) -> Iterator[Difference]:
    given: dict[str, Given] = dict(rules.normal)
    last: dict[str, Value] = {tag: said for tag, said in given.items() if not isinstance(said, Untrusted)}
    state = State()
    for step in case.steps:
        state = _up_to(rules, state, given, last, step.at_s)
        given.update(step.given)
        state = evaluate(rules, state, _readings(rules, given, last, step.at_s), step.at_s)
        if step.reset:
            state = reset(rules, state)
        seen.take(step, state)
        yield from _differences(rules, step, state)


def _up_to(rules: Interlocks, state: State, given: Mapping[str, Given], last: dict[str, Value], end_s: float) -> State:
    """Return the state just before `end_s`: readings stay, so only a delay that runs out can change it."""
    while state.interlocks and (due_s := next_due_s(rules, state)) is not None and due_s < end_s:
        state = evaluate(rules, state, _readings(rules, given, last, due_s), due_s)
    return state


def _readings(
    rules: Interlocks, given: Mapping[str, Given], last: dict[str, Value], now_s: float
) -> dict[str, Reading]:
    """Return the readings that a scan at `now_s` would bring; `last` keeps the values that went before."""
    readings = {}
    for tag, said in given.items():
        if said is Untrusted.MISSING:
            continue
        value: Value | None
        quality, received_s = GOOD, now_s
        if not isinstance(said, Untrusted):
            value = last[tag] = said
        else:
            value = last.get(tag)
            quality, received_s, value = _untrusted(said, value, now_s, rules.stale_s.get(tag, 0.0))
        at_ns = s_to_ns(received_s)
        readings[tag] = Reading(tag, value, quality, at_ns, at_ns, 0)
    return readings


def _untrusted(
    said: Untrusted, value: Value | None, now_s: float, stale_s: float
) -> tuple[Quality, float, Value | None]:
    if said is Untrusted.STALE:
        return GOOD, now_s - stale_s - 1.0, value
    return (uncertain("substituted"), now_s, value) if said is Untrusted.UNCERTAIN else (bad("timeout"), now_s, None)


def _differences(rules: Interlocks, step: Step, state: State) -> Iterator[Difference]:
    wanted, asked = step.expected, action(rules, state)
    pairs = (
        ("trips", wanted.trips, tripped(state)),
        ("lost", wanted.lost, [name for name, each in state.permissives.items() if not each.holds]),
        ("first_out", wanted.first_out, state.first_out),
        ("action", None if wanted.action is None else {wanted.action}, [NOTHING if asked is None else asked.value]),
    )
    for what, expected, got in pairs:
        if expected is not None and set(expected) != set(got):
            yield Difference(step, what, tuple(sorted(expected)), tuple(sorted(got)))


def _gaps(rules: Interlocks, seen: _Seen) -> Iterator[Gap]:
    for name in rules.interlocks:
        yield from (Gap(name, what) for what in ("trips", "untripped") if name not in getattr(seen, what))
    for name in rules.permissives:
        yield from (Gap(name, what) for what in ("holds", "lost") if name not in getattr(seen, what))

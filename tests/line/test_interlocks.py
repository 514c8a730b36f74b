"""Interlocks and permissives over time: what cannot be told counts against going on; latch, delay, first-out.

Conditions are drawn as text, and judged a second time by Python itself, as an oracle that shares no code.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from linectl.config.conditions import condition
from linectl.line.conditions import truth
from linectl.line.interlocks import State, action, evaluate, next_due_s, refusing, reset, tripped
from linectl.model.conditions import Condition, tags_of
from linectl.model.interlocks import Interlock, Interlocks, Permissive, TripPolicy
from linectl.model.readings import GOOD, Quality, Reading, Value, bad, uncertain
from linectl.units import s_to_ns

NUMBERS, CONTACTS = ("n.a", "n.b"), ("c.a", "c.b")
VALUES = (0.0, 1.0, 2.0, 3.0)
STALE_S = 3.0


def parsed(text: str) -> Condition:
    wrong: list[str] = []
    found = condition(text, None, lambda _at, message: wrong.append(message))
    assert found is not None, wrong
    return found


def reading(tag: str, value: Value | None, at_s: float = 0.0, quality: Quality = GOOD) -> Reading:
    return Reading(tag, value, quality, s_to_ns(at_s), s_to_ns(at_s), 0)


def interlock(
    name: str, when: str, delay_s: float = 0.0, *, latched: bool = True, action: TripPolicy = TripPolicy.SAFE
) -> Interlock:
    reason = "told" if action is TripPolicy.IGNORE else ""
    return Interlock(name, parsed(when), when, action, delay_s, latched, reason)


def rules(*interlocks: Interlock, permissives: Mapping[str, str] | None = None) -> Interlocks:
    allowed = {name: Permissive(name, parsed(text), text, ("start",)) for name, text in (permissives or {}).items()}
    return Interlocks("x", "x", {each.name: each for each in interlocks}, allowed, dict.fromkeys(NUMBERS, STALE_S))


ATOMS = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(NUMBERS),
        st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
        st.sampled_from(["0", "1", "2.5", "n.a", "n.b", "n.a + 1", "n.b - 1"]),
    ),
    st.sampled_from(CONTACTS),
)
TEXTS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
        st.builds("{} or {} and {}".format, ATOMS, ATOMS, ATOMS),
        st.builds("not {} and {}".format, st.sampled_from(CONTACTS), ATOMS),
    ),
    max_leaves=5,
)
KNOWN = st.fixed_dictionaries(
    {**{tag: st.sampled_from(VALUES) for tag in NUMBERS}, **{tag: st.booleans() for tag in CONTACTS}}
)
SETS = st.lists(
    st.tuples(TEXTS, st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.booleans(), st.sampled_from(list(TripPolicy))),
    min_size=1,
    max_size=4,
).map(
    lambda rows: rules(
        *(interlock(f"i{k}", text, delay, latched=keep, action=act) for k, (text, delay, keep, act) in enumerate(rows)),
        permissives={f"p{k}": text for k, (text, *_) in enumerate(rows)},
    )
)
TIMES = st.lists(st.tuples(st.sampled_from([0.25, 0.5, 1.0, 2.0]), KNOWN), min_size=1, max_size=8)


def by_python(text: str, values: Mapping[str, Value]) -> bool:
    for tag, value in values.items():
        text = text.replace(tag, str(value))
    return bool(eval(text))


def at(values: Mapping[str, Value], now_s: float) -> dict[str, Reading]:
    return {tag: reading(tag, value, now_s) for tag, value in values.items()}


@given(TEXTS, KNOWN)
@settings(max_examples=150, deadline=None)
def test_a_condition_says_what_python_says(text: str, known: Mapping[str, Value]) -> None:
    assert truth(parsed(text), known) is by_python(text, known)


@given(TEXTS, KNOWN, st.sets(st.sampled_from(NUMBERS + CONTACTS)))
@settings(max_examples=150, deadline=None)
def test_what_is_said_in_spite_of_lost_readings_is_so_whatever_they_were(
    text: str, known: Mapping[str, Value], lost: set[str]
) -> None:
    said = truth(parsed(text), {tag: value for tag, value in known.items() if tag not in lost})
    if said is None:
        assert lost & set(tags_of(parsed(text)))
        return
    choices = [VALUES if tag in NUMBERS else (False, True) for tag in sorted(lost)]
    for values in itertools.product(*choices):
        assert by_python(text, {**known, **dict(zip(sorted(lost), values, strict=True))}) is said


@given(SETS, TIMES, st.data())
@settings(max_examples=150, deadline=None)
def test_lost_readings_never_undo_or_delay_a_trip_nor_let_anything_start(
    made: Interlocks, times: list[tuple[float, dict[str, Value]]], data: st.DataObject
) -> None:
    seeing = blind = State()
    now_s = 0.0
    for pause_s, values in times:
        now_s += pause_s
        lost = data.draw(st.sets(st.sampled_from(sorted(values))))
        readings = at(values, now_s)
        seeing = evaluate(made, seeing, readings, now_s)
        blind = evaluate(made, blind, {**readings, **{tag: spoilt(readings[tag], data) for tag in lost}}, now_s)
        assert set(tripped(seeing)) <= set(tripped(blind))
        assert {name for name, each in blind.permissives.items() if each.holds} <= {
            name for name, each in seeing.permissives.items() if each.holds
        }


def spoilt(good: Reading, data: st.DataObject) -> Reading:
    kind = data.draw(st.sampled_from(["bad", "uncertain", "nan", "type"]))
    if kind == "bad":
        return good._replace(value=None, quality=bad("timeout"))
    if kind == "uncertain":
        return good._replace(quality=uncertain("substituted"))
    if kind == "nan" and good.tag in NUMBERS:
        return good._replace(value=math.nan)
    return good._replace(value=3.0 if good.tag in CONTACTS else True)


@given(SETS, TIMES, st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_looking_more_often_trips_the_same(
    made: Interlocks, times: list[tuple[float, dict[str, Value]]], more: int
) -> None:
    seldom = often = State()
    now_s = 0.0
    for pause_s, values in times:
        seldom = evaluate(made, seldom, at(values, now_s), now_s)
        for part in range(more + 1):
            then_s = now_s + pause_s * part / (more + 1)
            often = evaluate(made, often, at(values, then_s), then_s)
        now_s += pause_s
        seldom = evaluate(made, seldom, at(values, now_s), now_s)
        often = evaluate(made, often, at(values, now_s), now_s)
        assert tripped(seldom) == tripped(often)
        assert seldom.first_out == often.first_out


@given(SETS, TIMES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_latched_trip_stays_until_it_is_reset_with_its_cause_gone(
    made: Interlocks, times: list[tuple[float, dict[str, Value]]], data: st.DataObject
) -> None:
    state, now_s, latched = State(), 0.0, set[str]()
    for pause_s, values in times:
        now_s += pause_s
        state = evaluate(made, state, at(values, now_s), now_s)
        assert latched <= set(tripped(state))
        latched |= {name for name in tripped(state) if made.interlocks[name].latched}
        if data.draw(st.booleans()):
            standing = {name for name in latched if by_python(made.interlocks[name].text, values)}
            state = reset(made, state)
            assert latched & set(tripped(state)) == standing
            latched = standing


@given(SETS, TIMES)
@settings(max_examples=150, deadline=None)
@example(rules(interlock("i0", "n.a > 1", 3.0), interlock("i1", "n.a > 1", 0.5)), [(2.0, {"n.a": 2.0})] * 4)
def test_first_out_is_what_was_due_first_since_nothing_was_tripped(
    made: Interlocks, times: list[tuple[float, dict[str, Value]]]
) -> None:
    state, now_s = State(), 0.0
    due: dict[str, float] = {}  # of trips since all was clear, kept after they are gone
    since: dict[str, float] = {}
    for pause_s, values in times:
        now_s += pause_s
        state = evaluate(made, state, at(values, now_s), now_s)
        for name, each in made.interlocks.items():
            if all(tag in values for tag in tags_of(each.when)) and not by_python(each.text, values):
                since.pop(name, None)
            else:
                since.setdefault(name, now_s)
        acting = {name for name in tripped(state) if made.interlocks[name].action is not TripPolicy.IGNORE}
        if not acting:
            due.clear()
            assert state.first_out == ()
            continue
        for name in acting:
            due.setdefault(name, since.get(name, now_s) + made.interlocks[name].delay_s)
        first_s = min(due.values())
        assert set(state.first_out) == {name for name, each in due.items() if each == first_s}


def hot() -> Interlocks:
    return rules(interlock("hot", "n.a > 2", 5.0), permissives={"cool": "n.a <= 2"})


def test_a_reading_too_old_counts_as_none_and_one_just_young_enough_does_not() -> None:
    young = evaluate(hot(), State(), {"n.a": reading("n.a", 1.0, 0.0)}, STALE_S)
    assert young.permissives["cool"].holds
    old = evaluate(hot(), young, {"n.a": reading("n.a", 1.0, 0.0)}, STALE_S + 0.01)
    assert not old.permissives["cool"].holds
    assert old.interlocks["hot"].blind == ("n.a",)
    gone = evaluate(hot(), old, {"n.a": reading("n.a", 1.0, 0.0)}, STALE_S + 5.01)
    assert gone.interlocks["hot"].trip is not None
    assert gone.interlocks["hot"].trip.blind == ("n.a",)


@pytest.mark.parametrize(
    "lost",
    [
        reading("n.a", None, quality=bad("sensor_failure")),
        reading("n.a", 1.0, quality=uncertain("substituted")),
        reading("n.a", math.nan),
        reading("n.a", math.inf),
        reading("n.a", True),
    ],
    ids=["bad", "uncertain", "nan", "inf", "bool"],
)
def test_whatever_is_not_a_good_number_counts_as_none(lost: Reading) -> None:
    state = evaluate(hot(), State(), {"n.a": lost}, 0.0)
    assert not state.permissives["cool"].holds
    assert state.interlocks["hot"].cause_s == 0.0
    assert state.interlocks["hot"].blind == ("n.a",)
    assert state.permissives["cool"].blind == ("n.a",)


def test_a_reading_of_the_future_is_none() -> None:
    state = evaluate(hot(), State(), {"n.a": reading("n.a", 1.0, 10.0)}, 1.0)
    assert not state.permissives["cool"].holds


def test_before_the_first_look_nothing_may_start() -> None:
    assert refusing(hot(), State(), "start") == ("cool",)
    assert refusing(hot(), State(), "stop") == ()


def test_a_cause_that_ends_begins_its_delay_again() -> None:
    state = State()
    for now_s, value in ((0.0, 3.0), (4.9, 2.0), (5.0, 3.0), (9.9, 3.0)):
        state = evaluate(hot(), state, at({"n.a": value}, now_s), now_s)
        assert tripped(state) == ()
    assert next_due_s(hot(), state) == 10.0
    state = evaluate(hot(), state, at({"n.a": 3.0}, 10.0), 10.0)
    assert tripped(state) == ("hot",)
    assert next_due_s(hot(), state) is None


def test_lost_readings_and_a_cause_add_up_to_one_delay() -> None:
    state = evaluate(hot(), State(), {}, 0.0)
    state = evaluate(hot(), state, at({"n.a": 3.0}, 3.0), 3.0)
    state = evaluate(hot(), state, at({"n.a": 3.0}, 5.0), 5.0)
    assert tripped(state) == ("hot",)


@pytest.mark.parametrize("now_s", [0.9, math.nan, math.inf])
def test_time_goes_forward(now_s: float) -> None:
    state = evaluate(hot(), State(), {}, 1.0)
    with pytest.raises(ValueError, match="forward in time"):
        evaluate(hot(), state, {}, now_s)


def test_the_most_that_is_asked_for_wins_and_an_ignored_trip_asks_for_nothing() -> None:
    made = rules(
        interlock("shown", "c.a", action=TripPolicy.IGNORE),
        interlock("freeze", "n.a > 0", action=TripPolicy.HOLD),
        interlock("end", "n.a > 1", action=TripPolicy.ABORT),
        interlock("cold", "n.a > 2", action=TripPolicy.SAFE),
    )
    asked = []
    for value in (0.0, 1.0, 2.0, 3.0):
        state = evaluate(made, State(), at({"n.a": value, "c.a": True}, 0.0), 0.0)
        assert "shown" in tripped(state)
        assert "shown" not in state.first_out
        asked.append(action(made, state))
    assert asked == [None, TripPolicy.HOLD, TripPolicy.ABORT, TripPolicy.ABORT]


def test_one_trip_is_reset_by_its_name() -> None:
    made = rules(interlock("a", "c.a"), interlock("b", "c.b"))
    state = evaluate(made, State(), at({"c.a": True, "c.b": True}, 0.0), 0.0)
    state = evaluate(made, state, at({"c.a": False, "c.b": False}, 1.0), 1.0)
    assert state.first_out == ("a", "b")
    assert tripped(reset(made, state, ["a"])) == ("b",)
    assert reset(made, state, ["a", "b"]).first_out == ()

"""Alarms over time: delays, deadband, latch, what hides what, first-out, floods, figures."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linectl.line.alarms.causes import calm_band, sees
from linectl.line.alarms.figures import figures
from linectl.line.alarms.flood import after_announcements, over_s
from linectl.line.alarms.step import standing, step
from linectl.model.alarms import AlarmEvent, AlarmState, State
from linectl.model.readings import uncertain
from tests.line.alarm_plant import DEAD, WAITING, Plant, rules, without_guards

HOT = "hot: tag: bath.temperature, condition: HI, limit: 80 °C, priority: 2"
GUARDED = f"{HOT}, deadband: 1, on_delay: 5, off_delay: 10"
T, C = "bath.temperature", "bath.controller_temperature"
A, B, ACK = AlarmState.NORMAL, AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED
RTN = AlarmState.RTN_UNACKNOWLEDGED


def test_it_is_raised_acknowledged_and_gone() -> None:
    plant = Plant(rules(HOT)).at(0, {T: 80.0})
    assert plant.is_("hot") is A
    assert plant.at(1, {T: 80.1}).is_("hot") is B
    assert plant.do("hot", AlarmEvent.ACKNOWLEDGE)
    assert plant.is_("hot") is ACK
    assert plant.state.entry("hot").acknowledged_by == "anna"
    assert plant.at(2, {T: 79.0}).is_("hot") is A
    assert plant.state.entry("hot").acknowledged_by == ""
    assert plant.announced == ["hot"]


def test_what_nobody_saw_stays_until_it_is_acknowledged_and_comes_again_as_new() -> None:
    plant = Plant(rules(HOT)).at(0, {T: 81.0}).at(1, {T: 70.0})
    assert plant.is_("hot") is RTN
    assert plant.at(2, {T: 81.0}).is_("hot") is B
    plant.at(3, {T: 70.0})
    assert plant.do("hot", AlarmEvent.ACKNOWLEDGE)
    assert plant.is_("hot") is A
    assert not plant.do("hot", AlarmEvent.ACKNOWLEDGE)
    assert plant.announced == ["hot", "hot"]


@pytest.mark.parametrize(("lasts_s", "told"), [(4.9, 0), (5.0, 1)])
def test_the_on_delay_is_exact(lasts_s: float, told: int) -> None:
    plant = Plant(rules(GUARDED)).at(0, {T: 81.0}).at(lasts_s, {T: 70.0} if lasts_s < 5 else {T: 81.0})
    plant.at(100, {T: 70.0})
    assert len(plant.announced) == told


def test_the_off_delay_and_the_deadband_keep_a_noisy_value_one_alarm() -> None:
    noise = Random(1)
    values = [80.0 + noise.uniform(-0.9, 0.9) for _ in range(600)]

    def told(plant: Plant) -> int:
        for k, value in enumerate(values):
            plant.at(float(k), {T: value})
        return len(plant.announced)

    assert told(Plant(rules(f"{HOT}, deadband: 1"))) == 1
    assert told(Plant(without_guards(rules(GUARDED)))) > 50  # what the guards are for


def test_within_the_deadband_it_stands_and_at_its_edge_it_is_gone() -> None:
    plant = Plant(rules(f"{HOT}, deadband: 1")).at(0, {T: 80.5}).at(1, {T: 79.01})
    assert plant.is_("hot") is B
    assert plant.at(2, {T: 79.0}).is_("hot") is RTN


@pytest.mark.parametrize(
    ("condition", "calm", "beyond", "still", "back"),
    [
        ("tag: bath.level, condition: LO, limit: 30 %, deadband: 2", 30.0, 29.9, 31.9, 32.0),
        ("tag: bath.level, condition: LOLO, limit: 30 %", 30.0, 29.9, 29.99, 30.0),
        ("tag: bath.level, condition: HIHI, limit: 90 %, deadband: 2", 90.0, 90.1, 88.1, 88.0),
    ],
)
def test_limits_on_either_side(condition: str, calm: float, beyond: float, still: float, back: float) -> None:
    plant = Plant(rules(f"x: {condition}, priority: 1"))
    seen = [plant.at(k, {"bath.level": value}).state.entry("x").cause for k, value in enumerate((calm, beyond, still))]
    assert seen == [False, True, True]
    assert not plant.at(9, {"bath.level": back}).state.entry("x").cause


def test_a_deviation_is_told_either_way_and_unknown_without_its_reference() -> None:
    plant = Plant(rules(f"d: tag: {T}, condition: DEV, apart_from: {C}, limit: 5 K, deadband: 1, priority: 2"))
    assert plant.at(0, {T: 65.0, C: 60.0}).is_("d") is A
    assert plant.at(1, {T: 54.9}).is_("d") is B
    assert plant.at(2, {C: DEAD}).is_("d") is B
    assert plant.at(3, {C: 59.0}).is_("d") is B  # 4.1 K, within the deadband
    assert plant.at(4, {C: 58.9}).is_("d") is RTN


def test_a_limit_may_move_with_another_tag() -> None:
    plant = Plant(rules(f"low: tag: {T}, condition: LO, limit: {C} - 2 K, priority: 2"))
    assert plant.at(0, {T: 58.0, C: 60.0}).is_("low") is A
    assert plant.at(1, {C: 60.1}).is_("low") is B


def test_bits_contacts_and_conditions() -> None:
    plant = Plant(
        rules(
            "bit: tag: bath.alarm_word, bit: 14, priority: 1",
            "lid: tag: bath.lid_closed, says: false, priority: 3",
            "dry: when: bath.heater_on and bath.level < 30 %, priority: 1",
        )
    )
    plant.at(0, {"bath.alarm_word": 0x3FFF, "bath.lid_closed": True, "bath.heater_on": False, "bath.level": 10.0})
    assert plant.announced == []
    plant.at(1, {"bath.alarm_word": 0x4000, "bath.lid_closed": False, "bath.heater_on": True})
    assert plant.announced == ["bit", "lid", "dry"]


def test_no_value_is_an_alarm_of_its_own_and_clears_no_other() -> None:
    plant = Plant(rules(HOT, f"gone: tag: {T}, condition: BAD_PV, priority: 3")).at(0, {T: 81.0})
    plant.at(1, {T: DEAD})
    assert (plant.is_("hot"), plant.is_("gone")) == (B, B)
    assert plant.at(2, {T: 70.0}).is_("hot") is RTN
    assert plant.is_("gone") is RTN


def test_an_uncertain_value_counts_and_one_that_never_spoke_is_not_missed() -> None:
    made = rules(HOT, "label: tag: label.*, condition: BAD_PV, priority: 3")
    plant = Plant(made).at(0, {"label.p01": WAITING, "label.p02": True})
    assert plant.announced == []
    plant.at(1, {"label.p02": DEAD})
    assert plant.announced == ["label"]
    readings = {T: plant._readings["label.p02"]._replace(tag=T, value=81.0, quality=uncertain("substituted"))}
    assert sees(made.alarms["hot"], False, readings, ()) is True


def test_a_latched_alarm_waits_for_acknowledgement_and_reset() -> None:
    plant = Plant(rules(f"{HOT}, latched: true")).at(0, {T: 81.0})
    assert not plant.do("hot", AlarmEvent.RESET)
    assert plant.at(1, {T: 70.0}).is_("hot") is AlarmState.LATCHED_UNACKNOWLEDGED
    assert not plant.do("hot", AlarmEvent.RESET)
    assert plant.do("hot", AlarmEvent.ACKNOWLEDGE)
    assert plant.is_("hot") is AlarmState.LATCHED_ACKNOWLEDGED
    assert standing(plant.rules, plant.state) == ("hot",)
    assert plant.do("hot", AlarmEvent.RESET)
    assert plant.is_("hot") is A


def test_a_latch_outlives_a_shelving() -> None:
    plant = Plant(rules(f"{HOT}, latched: true")).at(0, {T: 81.0})
    plant.do("hot", AlarmEvent.SHELVE, until_s=100.0)
    plant.at(10, {T: 70.0}).at(101)
    assert plant.is_("hot") is AlarmState.LATCHED_UNACKNOWLEDGED


# shelving, suppression, out of service


def test_a_shelved_alarm_says_nothing_until_its_time_is_over_and_is_told_again_if_it_stands() -> None:
    plant = Plant(rules(HOT)).at(0, {T: 81.0})
    plant.do("hot", AlarmEvent.SHELVE, until_s=60.0)
    plant.at(20, {T: 70.0}).at(30, {T: 81.0}).at(59.9)
    assert plant.is_("hot") is AlarmState.SHELVED
    assert plant.announced == ["hot"]
    assert plant.at(60).is_("hot") is B
    assert plant.announced == ["hot", "hot"]
    assert [each.why for each in plant.changes if each.event is AlarmEvent.UNSHELVE] == ["time over"]


def test_a_shelved_alarm_that_is_gone_comes_back_normal() -> None:
    plant = Plant(rules(HOT)).at(0, {T: 81.0})
    plant.do("hot", AlarmEvent.SHELVE, until_s=60.0)
    plant.at(20, {T: 70.0})
    assert plant.do("hot", AlarmEvent.UNSHELVE)
    assert plant.is_("hot") is A


def test_out_of_service_has_no_end_of_its_own() -> None:
    plant = Plant(rules(HOT)).at(0, {T: 81.0})
    assert plant.do("hot", AlarmEvent.REMOVE)
    assert not plant.do("hot", AlarmEvent.SHELVE, until_s=60.0)
    assert plant.at(1e6, {T: 82.0}).is_("hot") is AlarmState.OUT_OF_SERVICE
    assert plant.do("hot", AlarmEvent.RETURN)
    assert plant.is_("hot") is B


def test_a_lost_link_is_one_alarm_and_not_one_for_each_tag_behind_it() -> None:
    made = rules(
        "plc: link: plc, priority: 1, off_delay: 10",
        *(
            f"bad{k}: tag: {tag}, condition: BAD_PV, priority: 2"
            for k, tag in enumerate((C, "bath.level", "bath.state"))
        ),
    )
    plant = Plant(made).at(0, {C: 60.0, "bath.level": 90.0, "bath.state": 6})
    plant.lose("plc")
    dead = {C: DEAD, "bath.level": DEAD, "bath.state": DEAD}
    plant.at(1, dead)
    assert plant.announced == ["plc"]
    assert [plant.is_(f"bad{k}") for k in range(3)] == [AlarmState.SUPPRESSED] * 3
    plant.lose()
    plant.at(5, {C: 60.0, "bath.level": 90.0}).at(12)
    assert plant.announced == ["plc", "bad2"]  # what is still dead when the wire is back is told
    apart = Plant(made).at(0, {C: 60.0, "bath.level": 90.0, "bath.state": 6}).at(1, dead)
    assert len(apart.announced) == 3


def test_what_was_acknowledged_comes_back_acknowledged_from_behind_a_lost_link() -> None:
    plant = Plant(rules("plc: link: plc, priority: 1", f"hot: tag: {C}, condition: HI, limit: 80 °C, priority: 2"))
    plant.at(0, {C: 81.0})
    plant.do("hot", AlarmEvent.ACKNOWLEDGE)
    plant.lose("plc")
    assert plant.is_("hot") is AlarmState.SUPPRESSED
    plant.lose()
    assert plant.is_("hot") is ACK
    assert plant.state.entry("hot").acknowledged_by == "anna"
    assert plant.announced == ["hot", "plc"]


def test_what_nobody_acknowledged_is_not_forgotten_behind_a_lost_link() -> None:
    plant = Plant(rules("plc: link: plc, priority: 1", f"hot: tag: {C}, condition: HI, limit: 80 °C, priority: 2"))
    plant.at(0, {C: 81.0})
    plant.lose("plc")
    plant.at(5, {C: 70.0})
    plant.lose()
    assert plant.is_("hot") is RTN
    assert plant.announced == ["hot", "plc"]


def test_suppressed_by_design_while_a_condition_holds() -> None:
    plant = Plant(
        rules("low: tag: bath.level, condition: LO, limit: 70 %, priority: 2, suppressed_when: bath.state == 2")
    )
    plant.at(0, {"bath.level": 90.0, "bath.state": 2}).at(1, {"bath.level": 10.0})
    assert plant.is_("low") is AlarmState.SUPPRESSED
    assert plant.announced == []
    plant.at(2, {"bath.state": DEAD})
    assert plant.is_("low") is AlarmState.SUPPRESSED  # unknown: as before
    assert plant.at(3, {"bath.state": 6}).is_("low") is B


def test_a_suppressed_alarm_waits_its_delay_again_when_it_is_not_any_more() -> None:
    low = (
        "low: tag: bath.level, condition: LO, limit: 70 %, priority: 2, on_delay: 30, suppressed_when: bath.state == 2"
    )
    plant = Plant(rules(low)).at(0, {"bath.level": 10.0, "bath.state": 2}).at(100, {"bath.state": 6})
    assert plant.at(129.9).is_("low") is A
    assert plant.at(130.0).is_("low") is B


def test_a_held_consequence_stays_suppressed_until_it_goes() -> None:
    cause = "cause: tag: bath.alarm_word, bit: 0, priority: 1"
    after = "after: tag: bath.alarm_word, bit: 1, priority: 2, suppressed_by: cause"
    word = "bath.alarm_word"
    for held, told in ((", held: true", ["cause"]), ("", ["cause", "after"])):
        plant = Plant(rules(cause, after + held)).at(0, {word: 0}).at(1, {word: 1}).at(2, {word: 3})
        assert plant.at(9, {word: 2}).announced == told
    plant = Plant(rules(cause, after + ", held: true")).at(0, {word: 2}).at(1, {word: 3}).at(2, {word: 2})
    assert plant.announced == ["after", "cause"]  # it was there first, and is shown again
    assert plant.is_("after") is B
    again = Plant(rules(cause, after + ", held: true")).at(0, {word: 3}).at(1, {word: 2}).at(2, {word: 0})
    assert again.at(3, {word: 2}).announced == ["cause", "after"]  # by itself, another time


def test_a_diagnostic_asks_for_nobody() -> None:
    plant = Plant(rules("d: tag: bath.level, condition: LO, limit: 30 %, priority: diagnostic")).at(
        0, {"bath.level": 1.0}
    )
    assert plant.is_("d") is ACK
    assert plant.announced == []
    assert standing(plant.rules, plant.state) == ()


# first-out, flood, figures


def test_first_out_is_what_came_first_and_stays_until_all_is_gone() -> None:
    level = "low: tag: bath.level, condition: LO, limit: 30 %, priority: 1"
    plant = Plant(rules(level, GUARDED)).at(0, {T: 81.0, "bath.level": 90.0}).at(4, {"bath.level": 10.0})
    assert plant.state.first_out == "low"
    plant.at(6, {T: 81.0}).at(7, {"bath.level": 90.0})
    plant.do("low", AlarmEvent.ACKNOWLEDGE)
    assert plant.state.first_out == "low"
    plant.at(8, {T: 60.0}).at(20)
    plant.do("hot", AlarmEvent.ACKNOWLEDGE)
    assert plant.state.first_out == ""


def test_of_several_in_one_step_the_first_out_is_the_one_whose_cause_began_first() -> None:
    slow = "slow: tag: bath.level, condition: LO, limit: 30 %, priority: 1, on_delay: 5"
    quick = f"quick: tag: {T}, condition: HI, limit: 80 °C, priority: 1, on_delay: 2"
    plant = Plant(rules(quick, slow)).at(0, {T: 70.0, "bath.level": 10.0}).at(3, {T: 81.0}).at(5).at(5, {T: 81.0})
    assert plant.state.first_out == "slow"


def test_a_flood_begins_above_ten_and_is_over_below_five() -> None:
    told, flood = after_announcements((), [float(k) for k in range(10)], 9.0, flood=False)
    assert not flood
    told, flood = after_announcements(told, [10.0], 10.0, flood=False)
    assert flood
    assert over_s(told, flood=True) == 606.0  # of 11 at 0 to 10 s, 5 are left until the one at 6 s is too old
    assert after_announcements(told, [], 605.9, flood=True)[1]
    assert not after_announcements(told, [], 606.0, flood=True)[1]


def test_a_flood_ends_by_itself() -> None:
    plant = Plant(rules(*(f"a{k}: tag: bath.alarm_word, bit: {k}, priority: 2" for k in range(12))))
    plant.at(0, {"bath.alarm_word": 0xFFF})
    assert plant.state.flood
    plant.at(599.0)
    assert plant.state.flood
    assert not plant.at(601.0).state.flood


def test_figures() -> None:
    told = [(0.0, "a"), (10.0, "b"), (20.0, "b"), (70.0, "b"), (3000.0, "a"), (9999.0, "c")]
    found = figures(told, [("a", 3000.0), ("old", -100_000.0)], 0.0, 6000.0)
    assert (found.announced, found.peak_10_min, found.per_10_min) == (5, 4, 0.5)
    assert found.chattering == ("b",)
    assert found.most_frequent == (("b", 3), ("a", 2))
    assert found.standing == (("old", 106_000.0), ("a", 3000.0))
    assert found.stale == ("old",)
    assert figures([], [], 0.0, 0.0).per_10_min == 0.0


# what costs nothing when nothing changes


def test_time_does_not_run_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        step(rules(HOT), State(now_s=5.0), {}, 4.0)


def test_a_calm_band_is_where_nothing_changes() -> None:
    alarm = rules(f"{HOT}, deadband: 1").alarms["hot"]
    assert calm_band(alarm, False) == (float("-inf"), 80.0)
    band = calm_band(alarm, True)
    assert band is not None
    assert 79.0 < band[0] < 79.0001


def test_values_that_move_within_their_bands_are_not_judged() -> None:
    plant = Plant(rules(f"{HOT}, deadband: 1", f"gone: tag: {T}, condition: BAD_PV, priority: 2"), gated=True)
    for k in range(100):
        plant.at(float(k), {T: 60.0 + 0.1 * k})
    assert plant.judged == 1
    plant.at(200.0, {T: 80.1})
    assert plant.announced == ["hot"]


MIXED = rules(
    GUARDED,
    f"hh: tag: {T}, condition: HIHI, limit: 85 °C, priority: 1, deadband: 2",
    f"dev: tag: {T}, condition: DEV, apart_from: {C}, limit: 5 K, priority: 2, on_delay: 2",
    f"gone: tag: {T}, condition: BAD_PV, priority: 2, on_delay: 1",
    "bit: tag: bath.alarm_word, bit: 1, held: true, priority: 1, suppressed_by: hh",
    "lid: tag: bath.lid_closed, says: false, priority: 3, suppressed_when: bath.alarm_word == 2",
)
READINGS = {
    T: st.one_of(st.floats(70.0, 90.0), st.just(DEAD), st.just(WAITING)),
    C: st.one_of(st.floats(70.0, 90.0), st.just(DEAD)),
    "bath.alarm_word": st.integers(0, 3),
    "bath.lid_closed": st.booleans(),
}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(0.5, 8.0), st.fixed_dictionaries(READINGS)), min_size=1, max_size=25))
def test_the_gate_hides_nothing(steps: list[tuple[float, dict[str, object]]]) -> None:
    plain, gated, now_s = Plant(MIXED), Plant(MIXED, gated=True), 0.0
    for wait_s, readings in steps:
        now_s += wait_s
        plain.at(now_s, readings)  # type: ignore[arg-type]  # drawn from READINGS
        gated.at(now_s, readings)  # type: ignore[arg-type]
    assert [(each.name, each.event, each.announced) for each in gated.changes] == [
        (each.name, each.event, each.announced) for each in plain.changes
    ]

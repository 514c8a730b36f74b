from __future__ import annotations

from typing import Any

import pytest

from linectl.sim.washer.alarms import ALARMS, Alarm
from linectl.sim.washer.interlocks import (
    INTERLOCKS,
    Block,
    Stand,
    blocked,
    dose_forbidden,
    feed_refused,
    heat_forbidden,
    quarantine,
    stand,
)
from linectl.sim.washer.seen import Contact, Doing, Seen

WARM = (34.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 15.0)
GOOD = Seen(
    WARM,
    (127.0, 151.0, 4.0, 0.42),
    (1.5, 1.5),
    7.4,
    (1.5, 0.8, 2.0, 2.0, 2.5),
    (100.0, 100.0, 100.0),
    15.0,
    50.0,
    65.0,
    3.0,
    3.5,
    15.0,
    5000.0,
    (25.0, 75.0, 150.0, 250.0, 37.0, 25.0, 25.0, 13.0),
    100,
    0,
    0,
    frozenset(),
)
RUNNING = Doing(
    (0.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 0.0),
    (1.5, 1.5),
    heating=True,
    dosing=True,
    pumping_s=1e4,
    rinsing_s=1e4,
    fan_s=1e4,
    stand_s=0.0,
    max_step_k=30.0,
    min_z3_c=50.0,
    max_z3_c=88.0,
    armed=0xFFFF,
)
CAUSTIC, ALL, NONE = frozenset({2, 3}), frozenset(range(8)), frozenset[int]()


def test_the_feed_permissive_stands() -> None:
    assert feed_refused(GOOD, RUNNING) == ""


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("z3.temperature", {"temperature_c": (*WARM[:3], 77.9, *WARM[4:])}),
        ("z2.naoh", {"naoh_pct": (1.29, 1.5)}),
        ("z3.naoh", {"naoh_pct": (1.5, 1.29)}),
        ("fresh.flow", {"fresh_l_min": 4.9}),
        ("extraction.speed", {"extraction_m_s": 1.9}),
        ("sensor", {"broken": frozenset({"z3.temperature"})}),
        ("sensor", {"broken": frozenset({"fresh.flow"})}),
        ("", {"broken": frozenset({"z5.pressure"})}),
        ("", {"temperature_c": (*WARM[:3], 78.1, *WARM[4:]), "naoh_pct": (1.31, 1.31)}),
    ],
)
def test_each_part_of_the_permissive_alone(reason: str, change: dict[str, Any]) -> None:
    assert feed_refused(GOOD._replace(**change), RUNNING) == reason


def test_a_low_setpoint_does_not_let_bottles_into_a_cold_bath() -> None:
    cool = RUNNING._replace(setpoint_c=(0.0, 40.0, 40.0, 45.0, 40.0, 35.0, 30.0, 0.0))
    assert feed_refused(GOOD._replace(temperature_c=(*WARM[:3], 45.0, *WARM[4:])), cool) == "z3.temperature"


def test_steps_between_zones_must_have_been_right() -> None:
    assert feed_refused(GOOD, RUNNING._replace(armed=0)) == "zone_step"


@pytest.mark.parametrize("row", INTERLOCKS, ids=lambda row: row.bit.name)
def test_each_interlock_alone_and_no_other(row: Any) -> None:
    words = (int(row.bit), 0) if isinstance(row.bit, Alarm) else (0, int(row.bit))
    assert blocked(*words, *words) == row.blocks
    after = blocked(*words, 0, 0)  # the cause is gone, the alarm is not acknowledged
    assert after == (row.blocks if row.latched else 0)


def test_alarms_without_a_row_block_nothing() -> None:
    told = {str(alarm.bit.name): alarm.bit for alarm in ALARMS}
    for row in INTERLOCKS:
        del told[str(row.bit.name)]
    assert set(told) == {
        "RINSE_PRESSURE",
        "LEVEL",
        "SCREEN",
        "SENSOR",
        "VALVE_FRESH",
        "VALVE_DRAIN",
        "VALVE_RECIRCULATION",
        "LABEL_PRESS",
    }
    for bit in told.values():
        words = (int(bit), 0) if isinstance(bit, Alarm) else (0, int(bit))
        assert blocked(*words, *words) == 0


def test_all_together_block_everything() -> None:
    every = (
        Block.FEED
        | Block.HEAT
        | Block.CAUSTIC_HEAT
        | Block.DOSE
        | Block.HOLD
        | Block.CHAIN
        | Block.QUARANTINE
        | Block.ABORT
    )
    assert blocked(0xFFFF, 0x3FFF, 0xFFFF, 0x3FFF) == every


def test_what_must_hold_after_the_watchdog_and_without_exhaust() -> None:
    watchdog = blocked(Alarm.WATCHDOG, 0, 0, 0)
    assert watchdog & Block.FEED
    assert watchdog & Block.HEAT
    assert watchdog & Block.DOSE
    assert watchdog & Block.HOLD
    exhaust = blocked(Alarm.EXHAUST, 0, 0, 0)
    assert exhaust == Block.FEED | Block.CAUSTIC_HEAT | Block.DOSE
    assert heat_forbidden(GOOD, exhaust, 0) == CAUSTIC
    assert dose_forbidden(GOOD, exhaust) == CAUSTIC


@pytest.mark.parametrize(
    ("change", "blocks", "standing", "zones"),
    [
        ({}, 0, 0, NONE),
        ({}, Block.HEAT, 0, ALL),
        ({}, 0, Stand.FLUSH, CAUSTIC),
        ({"extraction_m_s": 1.9}, 0, 0, CAUSTIC),  # hydrogen: before any alarm
        ({"broken": frozenset({"extraction.speed"})}, 0, 0, CAUSTIC),
        ({"broken": frozenset({"z5.temperature"})}, 0, 0, frozenset({5})),
        ({"broken": frozenset({"z5.pressure"})}, 0, 0, NONE),
    ],
)
def test_which_zones_may_not_be_heated(
    change: dict[str, Any], blocks: int, standing: int, zones: frozenset[int]
) -> None:
    assert heat_forbidden(GOOD._replace(**change), blocks, standing) == zones


@pytest.mark.parametrize(
    ("change", "blocks", "zones"),
    [
        ({}, 0, NONE),
        ({}, Block.DOSE, CAUSTIC),
        ({"extraction_m_s": 1.0}, 0, CAUSTIC),
        ({"level_pct": (100.0, 40.0, 100.0)}, 0, frozenset({2})),
        ({"broken": frozenset({"z3.conductivity"})}, 0, frozenset({3})),
        ({"broken": frozenset({"z2.temperature"})}, 0, frozenset({2})),
        ({"broken": frozenset({"z4.conductivity"})}, 0, NONE),
    ],
)
def test_which_zones_may_not_be_dosed(change: dict[str, Any], blocks: int, zones: frozenset[int]) -> None:
    assert dose_forbidden(GOOD._replace(**change), blocks) == zones


def test_bottles_that_stand_are_flushed_then_pushed_out() -> None:
    assert stand(600.0, 0) == 0
    assert stand(600.5, 0) == Stand.FLUSH
    assert stand(900.0, 0) == Stand.FLUSH
    assert stand(900.5, 0) == Stand.FLUSH | Stand.PUSH_OUT


@pytest.mark.parametrize("contact", [Contact.ESTOP, Contact.DOORS, Contact.CLUTCH, Contact.SHEAR_PIN, Contact.OUTFEED])
def test_nothing_is_pushed_where_somebody_may_be_hurt(contact: int) -> None:
    assert stand(2000.0, contact) == Stand.FLUSH


def test_quarantine_goes_by_pockets() -> None:
    doubt = quarantine(5000.0, 604.0, 17.0)
    assert (doubt.first, doubt.last) == (3792, 4413)
    at_exit = 5000 - 604
    assert doubt.holds(at_exit)
    assert doubt.holds(at_exit + 17)  # in the final rinse
    assert not doubt.holds(at_exit + 18)  # before it: it will be rinsed yet
    assert not doubt.holds(at_exit - 605)  # out for longer than a whole passage
    assert quarantine(100.0, 604.0, 17.0).first == 0

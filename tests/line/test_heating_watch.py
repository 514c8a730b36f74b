"""The heating watched: what counts as a fault, and what a line does about it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from drivers.link import Outcome
from linectl.line.heating_watch import OFF, HeatingFault, HeatingLook, HeatingState, follow
from linectl.model.lines import Heating
from tests.line.benches import COMMAND, HEATER, TEXT, Bench, make, virtually

RULE = Heating("t", "sp", "on", gain_k=0.5, within_s=60, max_on_s=3600, hysteresis_k=2.0, blind_s=10)

WATCHED = TEXT.replace(
    "    limits: {temperature",
    "    heating: {gain_k: 0.5, within_s: 60, max_on_s: 3600, hysteresis_k: 2, blind_s: 10,\n"
    "      temperature: bath.controller_temperature}\n    limits: {temperature",
)


def played(looks: Iterable[HeatingLook], rule: Heating = RULE) -> tuple[HeatingFault | None, int]:
    """Return the first fault and the second in which it was found, looking once a second."""
    state, now_s = OFF, -1
    for now_s, look in enumerate(looks):
        state = follow(rule, state, look, float(now_s))
        if state.fault is not None:
            return state.fault, now_s
    return None, now_s


def ramp(start: float, per_s: float, seconds: int, setpoint: float = 80.0) -> list[HeatingLook]:
    return [HeatingLook(start + per_s * second, setpoint, on=True) for second in range(seconds)]


def test_a_heater_that_works_is_no_fault() -> None:
    assert played(ramp(20.0, 1 / 60, 3600, 78.0)) == (None, 3599)


@pytest.mark.fault("F16")
def test_a_bath_that_does_not_get_warmer_is_found_in_time() -> None:
    assert played(ramp(40.0, 0.0, 300)) == (HeatingFault.NO_GAIN, 61)
    assert played(ramp(40.0, -0.01, 300)) == (HeatingFault.NO_GAIN, 61)
    assert played(ramp(40.0, 0.4 / 60, 300)) == (HeatingFault.NO_GAIN, 61)


def test_the_same_bath_within_the_band_of_its_set_point_is_none() -> None:
    assert played(ramp(79.0, 0.0, 300)) == (None, 299)


@pytest.mark.fault("F16")
def test_a_probe_that_falls_out_of_a_hot_bath_is_found() -> None:
    looks = ramp(79.5, 0.0, 100) + ramp(77.0, -0.05, 300)
    assert played(looks) == (HeatingFault.NO_GAIN, 161)


def test_cold_bottles_are_no_fault_when_the_bath_recovers_from_its_lowest() -> None:
    looks = ramp(80.0, 0.0, 60) + ramp(77.9, -0.1, 20) + ramp(75.9, 1 / 60, 200)
    assert played(looks) == (None, 279)
    assert played(ramp(80.0, 0.0, 60) + ramp(77.9, -0.1, 20) + ramp(75.9, 0.0, 200))[0] is HeatingFault.NO_GAIN


@pytest.mark.fault("F16")
def test_a_bath_that_gets_hotter_above_its_set_point_runs_away() -> None:
    assert played(ramp(79.0, 0.05, 300)) == (HeatingFault.RUNAWAY, 71)  # 82 °C after 61 s, and half a kelvin more
    cooling = ramp(80.0, -0.01, 300, setpoint=50.0)
    assert played(cooling) == (None, 299)  # a lowered set point is none


def test_a_bath_that_nobody_can_read_is_a_fault_while_it_is_heated() -> None:
    blind = [HeatingLook(None, 80.0, on=True)] * 30
    assert played(ramp(40.0, 0.05, 5) + blind) == (HeatingFault.BLIND, 15)
    assert played(blind) == (HeatingFault.BLIND, 11)
    assert played([HeatingLook(None, 80.0, on=False)] * 30) == (None, 29)


def test_a_heater_that_is_on_for_too_long_is_a_fault() -> None:
    assert played(ramp(80.0, 0.0, 4000)) == (HeatingFault.TOO_LONG, 3601)


def test_a_heater_that_nobody_can_see_counts_as_before() -> None:
    unknown = [HeatingLook(40.0, 80.0, on=None)] * 100
    assert played(unknown) == (None, 99)
    assert played([HeatingLook(40.0, 80.0, on=True), *unknown]) == (HeatingFault.NO_GAIN, 61)


def test_an_unknown_set_point_begins_nothing_and_ends_nothing() -> None:
    state = follow(RULE, OFF, HeatingLook(40.0, 80.0, on=True), 0.0)
    after = follow(RULE, state, HeatingLook(40.0, None, on=True), 1.0)
    assert (after.side, after.since_s, after.fault) == (-1, 0.0, None)
    assert follow(RULE, after, HeatingLook(40.0, 80.0, on=False), 2.0) == HeatingState()


# on a line


@pytest.mark.fault("F16")
def test_a_line_switches_off_a_heater_that_does_not_heat_and_a_person_must_reset_it() -> None:
    async def work() -> Bench:
        bench = make(WATCHED)
        async with bench.line:
            assert (await bench.line.write("bath.setpoint", 75.0)).outcome is Outcome.CONFIRMED
            assert (await bench.line.write("bath.heater_enable", value=True)).outcome is Outcome.CONFIRMED
            await asyncio.sleep(59.0)
            assert bench.plc.values[HEATER] is True
            await asyncio.sleep(5.0)
            assert bench.plc.values[HEATER] is False
            assert [value[0] for value in bench.plc.sent(COMMAND) if isinstance(value, tuple)] == [3]
            trip = bench.line.heating_trips["bath"]
            assert (trip.fault, trip.text) == (
                HeatingFault.NO_GAIN,
                "bath is heated, and gained less than 0.5 K in 60 s: see to its breaker and element",
            )
            on = await bench.line.write("bath.heater_enable", value=True, planned=True)
            assert (on.outcome, on.refused_by, on.detail) == (Outcome.REFUSED, "interlock", trip.text)
            assert (await bench.line.write("bath.heater_enable", value=False)).outcome is Outcome.CONFIRMED
            assert (await bench.line.write("bath.stirrer", 20)).outcome is Outcome.CONFIRMED
            assert bench.line.reset_heating() == (trip,)
            assert (await bench.line.write("bath.heater_enable", value=True)).outcome is Outcome.CONFIRMED
        return bench

    bench = virtually(work)
    (told,) = bench.told("heating_fault")
    assert (told["zone"], told["fault"]) == ("bath", "no_gain")


def test_without_a_rule_the_same_heater_stays_on() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            await bench.line.write("bath.setpoint", 75.0)
            await bench.line.write("bath.heater_enable", value=True)
            await asyncio.sleep(600.0)
            assert bench.plc.values[HEATER] is True
            assert not bench.line.heating_trips

    virtually(work)


@pytest.mark.fault("F16")
def test_a_dead_probe_and_a_heater_found_on_are_watched_too() -> None:
    async def work() -> Bench:
        bench = make(WATCHED)
        bench.plc.values.update({HEATER: True, "2/hr10": 600, "2/ir10": 600})
        async with bench.line:
            await asyncio.sleep(5.0)
            bench.plc.values["2/ir10"] = -32768
            await asyncio.sleep(9.0)
            assert bench.plc.values[HEATER] is True
            await asyncio.sleep(4.0)
            assert bench.plc.values[HEATER] is False
        return bench

    assert virtually(work).told("heating_fault")[0]["fault"] == "blind"


def test_a_heater_that_stays_on_is_switched_off_again() -> None:
    async def work() -> Bench:
        bench = make(WATCHED)
        async with bench.line:
            await bench.line.write("bath.setpoint", 75.0)
            await bench.line.write("bath.heater_enable", value=True)
            bench.plc.stuck[HEATER] = True
            await asyncio.sleep(90.0)
            assert len(bench.told("safe_not_proved")) >= 2
            bench.plc.stuck.clear()
            await asyncio.sleep(15.0)
            assert bench.plc.values[HEATER] is False
        return bench

    assert len(virtually(work).told("heating_fault")) == 1


def test_a_longer_rule_waits_longer() -> None:
    assert played(ramp(40.0, 0.0, 300), replace(RULE, within_s=120)) == (HeatingFault.NO_GAIN, 121)

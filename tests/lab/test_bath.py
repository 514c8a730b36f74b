from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from drivers.link import RawReading
from linectl.errors import DeviceError, Refused
from linectl.lab.bath import BathProcedure, naoh_of
from linectl.lab.halt import Halt, StopRequested
from linectl.lab.journal import Journal, Questions
from linectl.lab.progress import phase_text
from linectl.lab.schedule import PHASES
from linectl.model.experiments import Stabilisation
from linectl.words.durations import duration_text

InLaboratory = Callable[..., None]


def procedure(lab: Any, halt: Halt | None = None) -> BathProcedure:
    journal = Journal(lab.store, "", lab.clock)
    zone = lab.line.definition.zones["bath"]
    return BathProcedure(lab.line, lab.clock, zone, Questions(lab, journal), journal, halt=halt)


def test_fill_dose_heat_and_stabilise(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        assert bath.state() is None  # empty: nothing to tell
        await bath.refill(50.0)
        await bath.dose(1.0)
        await bath.heat_to(60.0)
        await bath.stabilise(60.0, Stabilisation())
        state = bath.state()
        assert state is not None
        assert state.temperature_c == pytest.approx(60.0, abs=0.6)
        assert state.naoh_pct == pytest.approx(1.0, abs=0.05)
        assert bath.flags == []
        await bath.drain()
        assert bath.value("level") == pytest.approx(0.0, abs=1.0)
        assert not lab.rig.plc.heater_enable

    in_laboratory(act)


def test_a_dose_that_the_conductivity_does_not_show_is_an_error(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        await bath.fill(50.0)
        lab.links["ec"].device = Constant(60_000.0)
        with pytest.raises(DeviceError, match=r"should hold 1.5 % NaOH, its conductivity shows 0\.\d+ %") as caught:
            await bath.dose(1.5)
        assert "conductivity cell" in caught.value.hint

    in_laboratory(act)


def test_a_dose_that_cannot_be_measured_is_flagged(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        await bath.fill(50.0)
        lab.links["ec"].fail("sensor_failure")
        await bath.dose(1.5)
        assert bath.flags == ["naoh_unknown"]

    in_laboratory(act)


def test_a_bath_that_does_not_get_there_says_where_it_is(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        await bath.fill(50.0)
        await bath.heat_to(80.0)
        with pytest.raises(DeviceError, match=r"bath is at 6\d.\d °C after 5 min; asked 80 ± 0.5 °C for 60 s"):
            await bath.stabilise(80.0, Stabilisation(within_s=300.0))

    in_laboratory(act)


@pytest.mark.fault("F16")
def test_a_heater_without_power_is_noticed_long_before_the_time_is_up(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        await bath.fill(50.0)  # the heater is never enabled
        began = lab.clock.process_s()
        with pytest.raises(DeviceError, match=r"gained -?0.\d K in 10 min of heating"):
            await bath.stabilise(80.0, Stabilisation())
        assert lab.clock.process_s() - began < 700

    in_laboratory(act)


def test_a_bath_is_not_heated_blindly(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        await bath.fill(50.0)
        await bath.heat_to(80.0)
        lab.links["rtd"].fail("sensor_failure")
        began = lab.clock.process_s()
        with pytest.raises(DeviceError, match="cannot be read while it is heated"):
            await bath.stabilise(80.0, Stabilisation())
        assert lab.clock.process_s() - began < 60

    in_laboratory(act)


def test_a_refused_write_is_an_error_that_names_it(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        bath = procedure(lab)
        with pytest.raises(Refused, match=r"bath.setpoint: asked 95"):
            await bath.heat_to(95.0)
        with pytest.raises(Refused, match=r"bath.heater_enable"):  # an empty bath: the PLC does not take it
            await bath.heat_to(60.0)

    in_laboratory(act)


def test_a_wish_to_stop_ends_a_wait(in_laboratory: InLaboratory) -> None:
    async def act(lab: Any) -> None:
        halt = Halt(lab.clock)
        bath = procedure(lab, halt)
        await bath.fill(50.0)
        await bath.heat_to(80.0)
        wait = asyncio.create_task(bath.stabilise(80.0, Stabilisation()))
        await asyncio.sleep(5.0)
        halt.ask()
        with pytest.raises(StopRequested):
            await wait

    in_laboratory(act)


class Constant:
    """An instrument that says the same for ever."""

    def __init__(self, value: float) -> None:
        self.value = value

    def read(self, _point: object) -> RawReading:
        now = asyncio.get_running_loop().time()
        return RawReading(self.value, t_request_s=now, t_reply_s=now)

    def write(self, _point: object, value: Any) -> Any:
        raise AssertionError(f"nothing is written here: {value}")


@pytest.mark.parametrize(
    ("naoh", "conductivity", "expected"),
    [(1.5, 120.0, 1.5), (None, 0.8, 0.0), (None, 500.0, None), (None, None, None)],
)
def test_plain_water_is_told_from_what_cannot_be_measured(
    naoh: float | None, conductivity: float | None, expected: float | None
) -> None:
    assert naoh_of(naoh, conductivity) == expected


def test_durations_and_phases_for_people() -> None:
    assert [duration_text(s) for s in (45.0, 725.0, 7500.0)] == ["45 s", "12 min", "2 h 05"]
    assert all(phase_text(phase) != phase for phase in PHASES)

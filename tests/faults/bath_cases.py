"""What the application shows of each fault of the bath, its PLC, its sensors and its broker; in memory.

Where no reading and no alarm can tell (a sensor that lies within its range), the case says so: both readings are GOOD,
and what shows the lie is a second sensor beside it.
"""

from __future__ import annotations

import pytest

from drivers.link import Outcome
from linectl.laws.naoh import conductivity_ms_cm
from linectl.line.reports import Command
from linectl.model.faults import FaultOrder
from tests.faults.benches import Bench, Case

STOPPED, HELD = 2, 11
SECOND = "bath.controller_temperature"  # the same bath by another probe


async def heat(bench: Bench, setpoint_c: float) -> None:
    assert (await bench.line.write("bath.setpoint", setpoint_c)).outcome is Outcome.CONFIRMED
    assert (await bench.line.write("bath.heater_enable", value=True)).outcome is Outcome.CONFIRMED


async def held(bench: Bench) -> None:
    await heat(bench, 60.0)
    await bench.sleep(5.0)


async def acknowledged(bench: Bench) -> None:
    """A trip stays until a person acknowledges it, and heat does not come back with it."""
    assert bench.value("bath.state") == HELD
    assert (await bench.line.command(Command.ACKNOWLEDGE, within_s=10.0)).outcome is Outcome.CONFIRMED
    await bench.sleep(2.0)
    assert bench.value("bath.alarm_word") == 0
    assert not (await bench.line.read("bath.heater_enable")).value


def apart(bench: Bench) -> float:
    """Return by how much the two probes of the bath differ, both GOOD."""
    return bench.value("bath.temperature") - bench.value(SECOND)


# sensors


async def _stuck(bench: Bench) -> None:
    since = len(bench.scans)
    await heat(bench, 75.0)
    await bench.sleep(240.0)
    assert len(set(bench.good("bath.temperature", since + 1))) == 1
    assert apart(bench) < -3.0
    assert bench.told("sensor_bad") == []  # nobody sees it by this reading alone


async def _drift(bench: Bench) -> None:
    await bench.sleep(120.0)
    assert apart(bench) == pytest.approx(2.0, abs=0.5)
    await bench.sleep(120.0)
    assert apart(bench) == pytest.approx(4.0, abs=0.5)
    assert bench.told("sensor_bad") == []


async def _offset(bench: Bench) -> None:
    await bench.sleep(5.0)
    assert apart(bench) == pytest.approx(3.0, abs=0.5)
    assert bench.told("sensor_bad") == []


async def _spikes(bench: Bench) -> None:
    since = len(bench.scans)
    await bench.sleep(120.0)
    assert bench.qualities("bath.temperature", since) == {"GOOD", "BAD/out_of_range"}
    assert all(abs(value - 60.0) < 1.5 for value in bench.good("bath.temperature", since))
    assert {data["tag"] for data in bench.told("sensor_bad")} == {"bath.temperature"}


async def _dead(bench: Bench) -> None:
    assert await bench.bad("bath.temperature", "BAD/sensor_failure") <= 1.2
    await bench.bad("bath.naoh", "BAD/sensor_failure")  # of a missing temperature no NaOH is computed
    assert bench.told("sensor_bad")[0]["tag"] == "bath.temperature"
    assert bench.quality(SECOND) == "GOOD"


async def _compensated(bench: Bench) -> None:
    await bench.sleep(7.0)
    at_25 = conductivity_ms_cm(1.5, 60.0) / 1.7
    assert bench.value("bath.conductivity") == pytest.approx(at_25, rel=0.01)
    assert bench.value("bath.naoh") < 1.0  # believed: of one reading nobody can tell what its meter did


async def _in_air(bench: Bench) -> None:
    await bench.sleep(120.0)
    assert bench.value("bath.temperature") < 30.0
    assert bench.value(SECOND) == pytest.approx(60.0, abs=1.0)
    assert bench.told("sensor_bad") == []


# drives


async def _welded(bench: Bench) -> None:
    assert (await bench.line.write("bath.heater_enable", value=False)).outcome is Outcome.CONFIRMED
    await bench.sleep(10.0)
    assert not (await bench.line.read("bath.heater_enable")).value
    assert bench.value("bath.heater_power") == 3.0  # the meter tells what the contactor does
    await bench.until(lambda: bench.bit(0), 600.0)
    assert bench.value("bath.temperature") > 94.0
    assert bench.value("bath.state") == HELD
    assert bench.told("plc_alarm")


async def _cooled(bench: Bench) -> None:
    assert (await bench.line.command(Command.DRAIN, within_s=400.0)).outcome is Outcome.REFUSED  # held: not even that
    assert bench.value("bath.heater_power") == 0.0
    await bench.until(lambda: bench.value("bath.temperature") < 94.5, 3600.0)
    await acknowledged(bench)


async def _no_heat(bench: Bench) -> None:
    await heat(bench, 75.0)
    await bench.sleep(300.0)
    assert bench.value("bath.heater_power") == 0.0
    assert (await bench.line.read("bath.heater_enable")).value
    assert bench.value("bath.temperature") < 60.3


async def _half_heat(bench: Bench) -> None:
    await heat(bench, 75.0)
    await bench.sleep(5.0)
    assert bench.value("bath.heater_power") == pytest.approx(1.5, abs=0.02)


async def _no_lye(bench: Bench) -> None:
    assert (await bench.line.write("bath.naoh_setpoint", 2.0)).outcome is Outcome.CONFIRMED
    report = await bench.line.command(Command.DOSE, within_s=300.0)
    assert report.outcome is Outcome.UNKNOWN
    assert "still under way" in report.detail
    assert bench.value("bath.naoh") == pytest.approx(1.5, abs=0.05)


async def _too_much_lye(bench: Bench) -> None:
    await bench.sleep(180.0)
    assert bench.value("bath.naoh") > 2.0


async def _drained(bench: Bench) -> None:
    await heat(bench, 60.0)
    await bench.until(lambda: bench.bit(1), 120.0)  # low: told, and no more
    assert (await bench.line.read("bath.heater_enable")).value
    await bench.until(lambda: bench.bit(2), 180.0)  # dry-run: heat is off, and stays off
    assert not (await bench.line.read("bath.heater_enable")).value
    await bench.until(lambda: not bench.value("bath.level_ok"), 10.0)


# PLC, serial adapter, broker


async def _rebooted(bench: Bench) -> None:
    before = bench.value("bath.boot_counter")
    assert await bench.bad("bath.level", "BAD/not_connected") <= 1.2
    assert bench.quality("bath.temperature") == "GOOD"  # another wire
    await bench.sleep(25.0)
    await bench.until(lambda: bench.quality("bath.boot_counter") == "GOOD")
    assert bench.value("bath.boot_counter") == before + 1
    assert bench.told("plc_reboot") == [{"before": before, "now": before + 1}]


async def _still_cold(bench: Bench) -> None:
    assert (bench.value("bath.state"), bench.value("bath.alarm_word")) == (STOPPED, 0)  # as it powers up
    assert not (await bench.line.read("bath.heater_enable")).value
    assert (await bench.line.read("bath.setpoint")).value == 0.0  # nothing was written blindly
    assert (await bench.line.read("bath.owner")).value == 1  # but the line is ours again
    assert (await bench.line.write("bath.setpoint", 50.0)).outcome is Outcome.CONFIRMED


async def _watchdog(bench: Bench) -> None:
    await bench.until(lambda: bench.bit(14), 3.0)
    assert bench.value("bath.state") == HELD
    assert not (await bench.line.read("bath.heater_enable")).value
    assert bench.told("plc_alarm")[0]["now"] == 1 << 14


async def _unplugged(bench: Bench) -> None:
    assert await bench.bad("bath.temperature", "BAD/not_connected") <= 1.2
    await bench.bad("bath.naoh", "BAD/not_connected")
    assert [data["link"] for data in bench.told("link_lost")] == ["rtd"]
    assert bench.quality("bath.conductivity") == bench.quality("bath.level") == "GOOD"


async def _no_broker(bench: Bench) -> None:
    assert await bench.bad("room.temperature", "BAD/not_connected") <= 1.2
    await bench.until(lambda: [data["link"] for data in bench.told("link_lost")] == ["sensors"], 1.0)
    assert bench.quality("bath.temperature") == "GOOD"


async def _skewed(bench: Bench) -> None:
    await bench.sleep(65.0)
    reading = bench.line.reading("room.temperature")
    assert reading.quality.is_good  # a sensor's own clock judges nothing: what counts is when it was heard
    assert (reading.source_time_ns - reading.received_time_ns) * 1e-9 == pytest.approx(-7200.0, abs=60.0)


async def _right_time(bench: Bench) -> None:
    await bench.sleep(65.0)
    reading = bench.line.reading("room.temperature")
    assert abs(reading.source_time_ns - reading.received_time_ns) * 1e-9 < 60.0


PROBE = "bath.temperature"
HOT = {"bath.temperature": 92.0, "bath.naoh": 1.5}

BATH_CASES: tuple[Case, ...] = (
    Case(FaultOrder("sensor_stuck", PROBE), _stuck),
    Case(FaultOrder("sensor_drift", PROBE, values={"per_h": 60.0}), _drift),
    Case(FaultOrder("sensor_offset", PROBE, values={"by": 3.0}), _offset),
    Case(FaultOrder("sensor_spike", PROBE, values={"size": 100.0, "every_s": 10.0}), _spikes),
    Case(FaultOrder("sensor_dead", PROBE), _dead),
    Case(FaultOrder("wrong_compensation", "bath.conductivity"), _compensated),
    Case(FaultOrder("probe_out_of_bath", PROBE), _in_air),
    Case(FaultOrder("heater_failed_on", "bath"), _welded, _cooled, initial=HOT),
    Case(FaultOrder("heater_failed_off", "bath"), _no_heat),
    Case(FaultOrder("heater_weak", "bath"), _half_heat),
    Case(FaultOrder("dosing_failed", "bath"), _no_lye),
    Case(FaultOrder("dosing_stuck_on", "bath"), _too_much_lye),
    Case(FaultOrder("valve_stuck", "bath.drain", values={"at": 1.0}), _drained, acknowledged),
    Case(FaultOrder("plc_reboot", for_s=20.0), _rebooted, _still_cold, before=held),
    Case(FaultOrder("plc_watchdog", "bath"), _watchdog, acknowledged, before=held),
    Case(FaultOrder("serial_unplugged", "rtd"), _unplugged),
    Case(FaultOrder("broker_restart", for_s=20.0), _no_broker),
    Case(FaultOrder("clock_skew", values={"offset_s": -7200.0}), _skewed, _right_time),
)

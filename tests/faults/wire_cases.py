"""What the application shows when bytes are lost, late, doubled or damaged: on real wires of this machine.

In none of these may a wrong value pass for a good one: each case looks at every value that came through meanwhile.
"""

from __future__ import annotations

import asyncio

import pytest

from linectl.line.line import Line
from linectl.model.faults import FaultOrder
from tests.faults.bath_cases import PROBE, acknowledged, held
from tests.faults.benches import Act, Bench, Case

WHILE_S = 25.0
LOST = {"BAD/timeout", "BAD/not_connected"}
DAMAGED = {*LOST, "BAD/bad_reply"}


def nothing_wrong(bench: Bench, since: int) -> None:
    """Whatever is GOOD is true: 60 °C, a full bath, 1.5 %."""
    for tag, truth, by in ((PROBE, 60.0, 1.0), ("bath.level", 100.0, 0.5), ("bath.naoh", 1.5, 0.05)):
        assert all(abs(value - truth) <= by for value in bench.good(tag, since)), tag


def struck(tag: str, expected: set[str], *, least: int = 1, other: str = "bath.level") -> Act:
    """Return what sees that `tag` goes BAD for these reasons alone, that nothing else does, and that no lie passes."""

    async def shows(bench: Bench) -> None:
        assert other != tag
        await bench.sleep(1.0)  # a scan that was under way
        since = len(bench.scans)
        await bench.sleep(WHILE_S)
        seen = bench.qualities(tag, since)
        bad = seen - {"GOOD"}
        assert bad
        assert bad <= expected
        assert len(bad) >= least
        nothing_wrong(bench, since)
        assert bench.qualities(other, since) == {"GOOD"}  # a fault of one wire stalls no other

    return shows


def cut_off(reasons: set[str]) -> Act:
    """Return what sees a PLC that hears its host no more: its tags BAD, and its own watchdog trips."""
    shows = struck("bath.level", reasons, other=PROBE)

    async def act(bench: Bench) -> None:
        await shows(bench)
        bench.rig.advance()
        assert int(bench.rig.plc.alarms) == 1 << 14
        assert not bench.rig.plc.heater_enable
        assert [data["link"] for data in bench.told("link_lost")] == ["plc"]

    return act


async def _tripped(bench: Bench) -> None:
    await bench.until(lambda: bench.bit(14), 10.0)
    await acknowledged(bench)


async def _unharmed(bench: Bench) -> None:
    since = len(bench.scans)
    await bench.sleep(WHILE_S)
    assert bench.qualities("bath.level", since) == bench.qualities(PROBE, since) == {"GOOD"}
    assert (await bench.line.write("bath.stirrer", 30.0)).got == 30.0
    nothing_wrong(bench, since)


async def _refused(bench: Bench) -> None:
    await bench.bad("bath.level", "BAD/sensor_failure", 3.0)
    report = await bench.line.write("bath.stirrer", 30.0)
    assert report.got != 30.0  # and it is not said that it was written
    assert bench.quality(PROBE) == "GOOD"
    assert "bath.level" in {data["tag"] for data in bench.told("sensor_bad")}


async def _restarted(bench: Bench) -> None:
    await bench.sleep(1.0)
    since = len(bench.scans)
    await bench.sleep(10.0)
    nothing_wrong(bench, since)
    await bench.until(lambda: bench.quality(PROBE) == "GOOD", 10.0)
    assert bench.told("link_lost")[0]["link"] == "rtd"
    since = len(bench.scans)
    await bench.sleep(10.0)
    assert len(bench.good(PROBE, since)) == 10  # set up again: one answer to one question


async def _frozen(bench: Bench) -> None:
    await bench.bad("room.temperature", "BAD/stale", 150.0)
    assert bench.quality(PROBE) == "GOOD"


async def _garbage(bench: Bench) -> None:
    """One who has listened gets it live, one who comes later gets it as retained: neither believes it."""
    since = len(bench.scans)
    later = Line(bench.line.definition, bench.clock, boot="later", observe=True)
    async with later:
        assert not later.reading("room.temperature").quality.is_good
        await asyncio.sleep(5.0)
        assert str(later.reading("room.temperature").quality) in {"BAD/waiting_for_initial_data", "BAD/bad_reply"}
        await bench.sleep(65.0)
        assert later.reading("room.temperature").value == pytest.approx(20.0, abs=1.0)  # a live one came
    assert all(abs(value - 20.0) < 1.0 for value in bench.good("room.temperature", since))
    assert bench.good("label.p01", since) == bench.good("label.p02", since) == []


_HALF = {"share": 0.5}

WIRE_CASES: tuple[Case, ...] = (
    Case(FaultOrder("reply_late", "rtd", values={"delay_s": 1.0}), struck(PROBE, LOST), wires=True),
    Case(FaultOrder("reply_dropped", "rtd"), struck(PROBE, LOST), wires=True),
    Case(FaultOrder("reply_duplicated", "plc"), _unharmed, wires=True),
    Case(FaultOrder("reply_garbled", "rtd", values=_HALF), struck(PROBE, DAMAGED), wires=True),
    Case(FaultOrder("reply_truncated", "ec"), struck("bath.conductivity", DAMAGED), wires=True),
    Case(FaultOrder("slow_reply", "rtd", values={"byte_s": 0.2}), struck(PROBE, LOST), wires=True),
    Case(FaultOrder("half_open", "plc"), cut_off(LOST), _tripped, wires=True, before=held),
    Case(FaultOrder("modbus_exception", "plc"), _refused, wires=True),
    Case(FaultOrder("unit_gone", "plc"), cut_off({"BAD/not_connected"}), _tripped, wires=True, before=held),
    Case(FaultOrder("serial_noise", "rtd"), struck(PROBE, DAMAGED), wires=True),
    Case(FaultOrder("serial_partial_lines", "rtd"), struck(PROBE, DAMAGED), wires=True),
    Case(FaultOrder("instrument_reboot", "rtd"), _restarted, wires=True),
    Case(FaultOrder("broker_frozen"), _frozen, wires=True),
    Case(FaultOrder("retained_garbage"), _garbage, wires=True),
)

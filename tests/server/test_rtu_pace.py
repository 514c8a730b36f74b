"""What an RTU line costs: the doctor's note of its times, and a search that states its duration and keeps to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings
from linectl import words
from linectl.cli.main import run
from linectl.server.discovery.modbus import Bounds, expected_s, scan_modbus
from linectl.server.doctor.finding import Level
from linectl.server.doctor.links import judge_pace
from linectl.sim.wires.bank import Fault, ModbusFault
from linectl.sim.wires.modbus_rtu import ModbusRtuServer

SERIAL = SerialSettings("/dev/bus", 19_200, stop_bits=2)


class Refuses:
    """A unit that has no register here."""

    def read(self, _table: str, _address: int, _count: int) -> list[int]:
        raise ModbusFault(Fault.ILLEGAL_ADDRESS)

    def write(self, _table: str, address: int, _values: list[int]) -> None:
        pytest.fail(f"a search wrote to {address}")


def test_the_doctor_notes_timeout_and_window() -> None:
    found = judge_pace("bus", ModbusRtuSettings(SERIAL, turnaround_s=0.05), "line.yaml:3")
    assert found is not None
    assert (found.level, found.code, found.place.file) == (Level.NOTE, "rtu_pace", "line.yaml:3")
    if words.language() == "en":  # 256 x 11 / 19200 = 147 ms, and 50 + 16 ms
        assert found.what.endswith("timeout 82 to 224 ms (computed, for 1 to 125 registers), window 213 ms (computed)")
    found = judge_pace("bus", ModbusRtuSettings(SERIAL, timeout_s=0.15, window_s=0.02), "")
    assert found is not None
    assert "150 ms (`timeout_s`)" in found.what
    assert "20 ms (`window_s`)" in found.what
    assert judge_pace("plc", ModbusTcpSettings("h"), "") is None


def test_twenty_units_that_refuse_everything_take_about_a_minute() -> None:
    settings = ModbusRtuSettings(SerialSettings("/dev/bus", 19_200))
    search_s, each_s = expected_s(settings, 20, 2, 15, refusals=3)
    assert search_s == pytest.approx(20 * 0.38, rel=0.05)
    assert search_s + 20 * each_s < 70
    assert expected_s(settings, 20, 4, 127)[1] > 300  # the control: all of four tables of one unit


async def test_a_table_is_left_after_its_refusals(tmp_path: Path) -> None:
    server = ModbusRtuServer({2: Refuses()})
    server.plug(tmp_path / "bus")
    settings = ModbusRtuSettings(SerialSettings(str(tmp_path / "bus"), 115_200), turnaround_s=0.02)
    try:
        found = await scan_modbus(settings, units=(2,), tables=("hr", "ir"), last=15, bounds=Bounds(refusals=3))
        whole = await scan_modbus(settings, units=(2,), tables=("hr",), last=7)
    finally:
        await server.stop()
    assert (found.units[0].ranges, found.complete, found.requests) == ({}, True, 1 + 1 + 2 * 3)
    assert whole.requests == 1 + 1 + 15  # the control


def test_a_search_says_before_it_starts_how_long_it_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scan", "modbus", "--port", str(tmp_path / "none"), "--units", "1-20", "--lang", "en"]) == 4
    err = capsys.readouterr().err
    assert "20 unit ids, addresses 0 to 15" in err
    assert "expected: 11 s for the unit ids, and up to 4 s for each unit that answers" in err
    assert "a table is left after 3 refusals" in err
    assert run(["scan", "modbus", "--port", str(tmp_path / "none"), "--last", "7", "--lang", "en"]) == 4
    assert "refusals" not in capsys.readouterr().err

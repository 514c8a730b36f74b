"""Asking a serial port what hangs on it, on pseudo-terminals: each kind of instrument, Modbus units, and nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.serial_port import PtyEnd
from drivers.settings import ModbusRtuSettings, SerialSettings
from linectl.errors import Unreachable
from linectl.server.discovery.modbus import Bounds, scan_modbus
from linectl.server.discovery.serial_lines import ask_port
from linectl.sim.wires.bank import Fault, ModbusFault
from linectl.sim.wires.modbus_rtu import ModbusRtuServer
from tests.drivers.instruments import Balance, Device, Julabo, Lauda, on_the_desk


class Registers:
    """A unit of ten registers that may be read."""

    def read(self, table: str, address: int, count: int) -> list[int]:
        if table != "hr" or address + count > 10:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS if table in {"hr", "ir"} else Fault.ILLEGAL_FUNCTION)
        return [7] * count

    def write(self, _table: str, address: int, _values: list[int]) -> None:
        pytest.fail(f"a search wrote to {address}")


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (Balance, "sics", "serial number"),
        (Lauda, "circulator", "LAUDA"),
        (Julabo, "circulator", "JULABO"),
    ],
)
async def test_instruments_that_speak_in_lines(
    make: Callable[[Path], Device], kind: str, said: str, tmp_path: Path
) -> None:
    async with on_the_desk(make(tmp_path / "port")) as device:
        (found,) = await ask_port(str(device.path), bauds=(9600,), modbus=())
        asked = {each.strip() for each in device.asked}
    assert (found.kind, said in found.said) == (kind, True)
    assert asked <= {"", "i", "I4", "status", "STATUS"}  # nothing that tares, starts or sets


async def test_modbus_units_on_a_serial_line(tmp_path: Path) -> None:
    server = ModbusRtuServer({2: Registers(), 7: Registers()})
    server.plug(tmp_path / "bus")
    try:
        found = await ask_port(str(tmp_path / "bus"), bauds=(), modbus=((115_200, "E"),))
        assert [(each.kind, each.unit, each.serial.parity) for each in found] == [
            ("modbus_rtu", 2, "E"),
            ("modbus_rtu", 7, "E"),
        ]
        settings = ModbusRtuSettings(SerialSettings(str(tmp_path / "bus"), 115_200), turnaround_s=0.02)
        scan = await scan_modbus(settings, units=(1, 2), tables=("hr", "co"), last=15)
    finally:
        await server.stop()
    assert [(unit.unit, dict(unit.ranges)) for unit in scan.units] == [(2, {"hr": ((0, 9),)})]
    assert scan.complete


async def test_a_search_keeps_to_its_time(tmp_path: Path) -> None:
    server = ModbusRtuServer({})
    server.plug(tmp_path / "bus")
    try:
        settings = ModbusRtuSettings(SerialSettings(str(tmp_path / "bus"), 115_200), turnaround_s=0.02)
        scan = await scan_modbus(settings, units=range(1, 248), bounds=Bounds(seconds=0.5))
    finally:
        await server.stop()
    assert (scan.units, scan.complete) == ((), False)
    assert scan.seconds < 5


async def test_a_port_where_nobody_answers(tmp_path: Path) -> None:
    end = PtyEnd(b"\r")
    end.link(tmp_path / "port")
    try:
        assert await ask_port(str(tmp_path / "port"), bauds=(9600,), modbus=()) == []
    finally:
        end.close()
    with pytest.raises(Unreachable):
        await ask_port(str(tmp_path / "none"), bauds=(9600,), modbus=())

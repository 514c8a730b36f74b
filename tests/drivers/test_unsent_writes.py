"""A write that the wire keeps back is no refusal by the device: it heard nothing, and the result says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drivers.instruments.sics import SicsLink
from drivers.link import Outcome, Point
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusRtuSettings, SerialSettings, SicsSettings
from linectl.sim.wires.modbus_rtu import ModbusRtuServer


class Keeps:
    """A unit that refuses what it is asked to read and takes what is written."""

    def read(self, _table: str, _address: int, count: int) -> list[int]:
        return [0] * count

    def write(self, _table: str, _address: int, _values: list[int]) -> None:
        """Take it."""


def soon(seconds: float = 1.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_a_unit_that_was_given_up_is_sent_nothing(tmp_path: Path) -> None:
    server = ModbusRtuServer({2: Keeps()})
    server.plug(tmp_path / "bus")
    link = ModbusLink(ModbusRtuSettings(SerialSettings(str(tmp_path / "bus")), timeout_s=0.1, window_s=0.02))
    await link.open()
    try:
        gone = Point("7/hr0")
        first = await link.write(gone, 1, deadline=soon(0.25))
        for _ in range(4):
            await link.read((gone,), deadline=soon(0.3))
        result = await link.write(gone, 1, deadline=soon())
        refused = await link.write(Point("2/ir0"), 1, deadline=soon())
    finally:
        await link.close()
        await server.stop()
    assert (first.outcome, first.unsent) == (Outcome.UNKNOWN, False)
    assert (result.outcome, result.unsent) == (Outcome.REFUSED, True)
    assert "in a row" in result.detail
    assert (refused.outcome, refused.unsent) == (Outcome.REFUSED, False)  # the control: an input


async def test_a_port_that_is_not_open_is_sent_nothing() -> None:
    link = SicsLink(SicsSettings(SerialSettings("/dev/none")))
    result = await link.write(Point("tare", "bool"), value=True, deadline=soon())
    assert (result.outcome, result.unsent) == (Outcome.REFUSED, True)

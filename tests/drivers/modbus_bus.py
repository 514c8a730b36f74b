"""A bus in memory for the tests of the Modbus wire, and a wire to it in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

from pymodbus.pdu.register_message import ReadHoldingRegistersRequest

from drivers.errors import DriverError
from drivers.link import Priority
from drivers.modbus.framing import crc16
from drivers.modbus.wire import ModbusWire
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings
from drivers.streams import OnBytes, OnLost, Stream
from linectl.clock import VirtualTimeLoop

__all__ = ["REPLY_S", "RTU", "TCP", "Bus", "ask", "outcome", "rtu", "soon", "virtually", "wired"]

T = TypeVar("T")
SERIAL = SerialSettings("socket://bus:1", 115200)
RTU = ModbusRtuSettings(SERIAL, timeout_s=0.05, window_s=0.05)
TCP = ModbusTcpSettings("bus", 1, 0.5)
REPLY_S = 0.005


def virtually(main: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def rtu(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


class Bus:
    """Units whose registers hold their address, over a stream in memory; `dead` ones say nothing.

    `answers` are used up one a request: how late (s) the reply comes, or the PDU that comes in its place.
    """

    def __init__(self, *, is_rtu: bool = True, reply_s: float = REPLY_S) -> None:
        self.is_rtu = is_rtu
        self.reply_s = reply_s
        self.heard: list[tuple[float, int, bytes]] = []
        self.dead: set[int] = set()
        self.behind_gateway: set[int] = set()
        self.answers: list[float | bytes] = []
        self.connections = 0
        self.path, self.lost = "bus", ""
        self.on_bytes: OnBytes = lambda _data: None
        self.on_lost: OnLost = lambda _why: None

    async def open_stream(self, _settings: SerialSettings, on_bytes: OnBytes, on_lost: OnLost) -> Stream:
        self.on_bytes, self.on_lost = on_bytes, on_lost
        self.connections += 1
        return self

    def write(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        unit, pdu = (data[0], data[1:-2]) if self.is_rtu else (data[6], data[7:])
        self.heard.append((loop.time(), unit, pdu))
        answer, late_s = self.right_answer(unit, pdu), self.reply_s
        if self.answers:
            how = self.answers.pop(0)
            answer, late_s = (how, self.reply_s) if isinstance(how, bytes) else (answer, how)
        if unit not in self.dead and answer:
            framed = rtu(unit, answer) if self.is_rtu else data[:4] + bytes((0, len(answer) + 1, unit)) + answer
            self.say(framed, late_s)

    def say(self, data: bytes, after_s: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(after_s, self.on_bytes, data)

    def close(self) -> None:
        """Let go."""

    def right_answer(self, unit: int, pdu: bytes) -> bytes:
        if unit in self.behind_gateway:
            return bytes((pdu[0] | 0x80, 11))
        if pdu[0] != 3:
            return pdu
        address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        return bytes((3, 2 * count)) + b"".join((address + k).to_bytes(2, "big") for k in range(count))


async def wired(bus: Bus, settings: ModbusRtuSettings | ModbusTcpSettings | None = None) -> ModbusWire:
    """Return an open wire to `bus` that has rested."""
    wire = ModbusWire(settings or (RTU if bus.is_rtu else TCP), open_stream=bus.open_stream)
    await wire.open()
    await asyncio.sleep(0.1)
    return wire


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def ask(
    wire: ModbusWire, address: int = 100, *, unit: int = 1, within_s: float = 5.0, priority: Priority = Priority.READ
) -> list[int]:
    request = ReadHoldingRegistersRequest(address=address, count=2, dev_id=unit)
    answer = await wire.ask(request, deadline=soon(within_s), priority=priority)
    return list(answer.reply.registers)


async def outcome(call: Awaitable[object]) -> DriverError | None:
    try:
        await call
    except DriverError as error:
        return error
    return None

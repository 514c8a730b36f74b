"""A simulated RTU line in memory that goes wrong in every way, for the studies of the Modbus wire."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from benchmarks.wire_noise import burst
from drivers.modbus.framing import crc16
from drivers.settings import SerialSettings
from drivers.streams import OnBytes

SERIAL = SerialSettings("socket://memory:1", 19200, parity="E")
TURNAROUND_S = 0.010


@dataclass(frozen=True, slots=True)
class Scenario:
    """The share of replies to which each thing happens, independently, and what is read.

    `cancelled` is the share of callers who go away. A late reply comes within timeout + window of its request. A
    foreign one comes in another unit's name, half of the times before the right one. A second copy follows within
    `doubled_within_s`: before the line has rested, or while the next request is out. What is read is drawn from
    `units`, `functions` and `counts`; units in `dead` never answer.
    """

    late: float = 0.0
    doubled: float = 0.0
    cut: float = 0.0
    garbled: float = 0.0
    foreign: float = 0.0
    cancelled: float = 0.0
    units: tuple[int, ...] = (1,)
    functions: tuple[int, ...] = (3,)
    counts: tuple[int, ...] = (10,)
    timeout_s: float = 0.05
    window_s: float = 0.05
    doubled_within_s: float = 0.0017
    dead: tuple[int, ...] = ()


def value(unit: int, function: int, address: int) -> int:
    """Return what a register of the line holds; neighbours, tables and units all differ."""
    return (address * 40_503 + function * 7_919 + unit * 104_729) & 0xFFFF


class FaultyLine:
    """A bus of units that answer one after the other, as a gateway's queue makes them, and not always well."""

    def __init__(self, seed: int, faults: Scenario) -> None:
        self.draw = random.Random(f"{seed}/line")
        self.faults = faults
        self._busy_until_s = 0.0

    def answer(self, frame: bytes, now_s: float) -> list[tuple[float, bytes]]:
        """Return the chunks that the request `frame` brings about, each with the loop time (s) of its last byte."""
        draw, faults, unit, function = self.draw, self.faults, frame[0], frame[1]
        address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if unit in faults.dead:
            return []
        reply = self._reply(unit, function, address, count)
        characters = len(frame) + len(reply)
        done_s = max(now_s, self._busy_until_s) + characters * SERIAL.character_s + TURNAROUND_S
        chunks: list[tuple[float, bytes]] = []
        if draw.random() < faults.foreign:
            other = unit % 3 + 1
            chunks.append((done_s, self._reply(other, function, address, count)))
            if draw.random() < 0.5:
                return self._sent(chunks)
            done_s = now_s + draw.uniform(done_s - now_s + 0.003, faults.timeout_s + faults.window_s)
        if draw.random() < faults.late:
            done_s = max(done_s, now_s + draw.uniform(faults.timeout_s, faults.timeout_s + faults.window_s))
        if draw.random() < faults.garbled:
            reply = burst(reply, draw)
        whole = reply
        if draw.random() < faults.cut:
            end = draw.randint(0, len(reply) - 1)
            reply, rest = reply[:end], reply[end:]
            if draw.random() < 0.5:
                chunks.append((done_s + draw.uniform(0.0, 0.010), rest))
        chunks.append((done_s, reply))
        if draw.random() < faults.doubled:
            chunks.append((done_s + draw.uniform(0.0, faults.doubled_within_s), whole))
        return self._sent(chunks)

    def _sent(self, chunks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
        self._busy_until_s = max(done_s for done_s, _ in chunks)
        return [chunk for chunk in chunks if chunk[1]]

    def _reply(self, unit: int, function: int, address: int, count: int) -> bytes:
        values = b"".join(value(unit, function, address + k).to_bytes(2, "big") for k in range(count))
        body = bytes((unit, function, 2 * count)) + values
        return body + crc16(body).to_bytes(2, "little")


class ChangingLine(FaultyLine):
    """A line whose registers change with a chance at each poll; `truth` are the values that the last poll is due."""

    def __init__(self, seed: int, faults: Scenario, chance: float) -> None:
        super().__init__(seed, faults)
        self.truth: list[int] = []
        self._chance = chance
        self._changes: dict[int, int] = {}

    def _reply(self, unit: int, function: int, address: int, count: int) -> bytes:
        changes = self._changes.get(address, 0) + (self.draw.random() < self._chance)
        self._changes[address] = changes
        self.truth = [(value(unit, function, address + k) + changes) & 0xFFFF for k in range(count)]
        body = bytes((unit, function, 2 * count)) + b"".join(one.to_bytes(2, "big") for one in self.truth)
        return body + crc16(body).to_bytes(2, "little")


class MemoryStream:
    """A stream to a `FaultyLine` without any wire."""

    def __init__(self, line: FaultyLine, on_bytes: OnBytes) -> None:
        self.path = "memory"
        self.lost = ""
        self._line = line
        self._on_bytes = on_bytes
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        """Send `data`."""
        for at_s, chunk in self._line.answer(data, self._loop.time()):
            self._loop.call_at(at_s, self._on_bytes, chunk)

    def close(self) -> None:
        """Let go."""
        self.lost = "closed"

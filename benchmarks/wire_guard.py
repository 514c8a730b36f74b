"""Wrong values on a Modbus RTU line that goes wrong in every way, and what the guard against them costs.

A simulated line answers random reads, some of them late, twice, cut off, damaged or in another unit's name. Whoever
asks checks each value that is handed over as good. Time is virtual: our wire talks to the line through a stream in
memory, plain pymodbus through a socket of the same event loop. `--full` makes a million reads.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown
from drivers.link import Priority
from drivers.modbus.check import check
from drivers.modbus.framing import RtuFramer, Verdict, crc16
from drivers.modbus.wire import ModbusWire
from drivers.settings import ModbusRtuSettings, SerialSettings
from drivers.streams import OnBytes, OnLost, Stream
from linectl.clock import VirtualTimeLoop

SERIAL = SerialSettings("socket://memory:1", 19200, parity="E")
TURNAROUND_S = 0.010

Read = Callable[[int, int, int, int], Awaitable[list[int] | None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """The share of replies to which each thing happens, independently, and what is read.

    `cancelled` is the share of callers who go away. A late reply comes within timeout + window of its request. A
    foreign one comes in another unit's name, half of the times before the right one. A second copy follows before the
    line has rested. What is read is drawn from `units`, `functions` and `counts`.
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


LATE = Scenario(late=0.02)
BLOCKS = Scenario(late=0.02, counts=(40,), timeout_s=0.075, window_s=0.075)
MIXED = Scenario(
    late=0.02,
    doubled=0.01,
    cut=0.01,
    garbled=0.01,
    foreign=0.01,
    cancelled=0.005,
    units=(1, 1, 1, 1, 1, 1, 2, 3),  # mostly alike: a wrong reply of the right shape is what hurts
    functions=(3, 3, 3, 3, 4),
    counts=(10, 10, 10, 10, 1, 2, 4),
)


def value(unit: int, function: int, address: int) -> int:
    """Return what a register of the line holds; neighbours, tables and units all differ."""
    return (address * 40_503 + function * 7_919 + unit * 104_729) & 0xFFFF


def burst(frame: bytes, draw: random.Random) -> bytes:
    """Return `frame` with a burst of at most 16 bits: the first and the last flipped, those between at random.

    The bits follow each other as on the line, the lowest of each byte first: CRC-16 finds all such bursts.
    """
    length = draw.randint(1, 16)
    pattern = 1 | draw.getrandbits(length) | 1 << length - 1
    shift = draw.randint(0, 8 * len(frame) - length)
    return (int.from_bytes(frame, "little") ^ pattern << shift).to_bytes(len(frame), "little")


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


@dataclass(slots=True)
class Outcome:
    """What became of the reads: right, wrong, failed or given up by their callers, and how long it took (s)."""

    right: int = 0
    wrong: int = 0
    failed: int = 0
    cancelled: int = 0
    virtual_s: float = 0.0
    real_s: float = 0.0
    counters: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Reads per virtual second."""
        return (self.right + self.wrong + self.failed + self.cancelled) / self.virtual_s

    @property
    def wrong_per_million(self) -> float:
        """Wrong values handed over as good, per million reads."""
        return 1e6 * self.wrong / max(self.right + self.wrong + self.failed + self.cancelled, 1)


async def _read_all(read: Read, reads: int, seed: int, faults: Scenario, outcome: Outcome) -> None:
    """Make random reads one after the other; some callers go away in the midst of one."""
    loop = asyncio.get_running_loop()
    draw = random.Random(f"{seed}/reads")
    began_s = loop.time()
    for _ in range(reads):
        unit, function, count = draw.choice(faults.units), draw.choice(faults.functions), draw.choice(faults.counts)
        address = draw.randrange(60_000)
        if draw.random() < faults.cancelled:
            caller = asyncio.ensure_future(read(unit, function, address, count))
            await asyncio.sleep(draw.uniform(0.0, 0.06))
            caller.cancel()
            await asyncio.wait((caller,))
            outcome.cancelled += 1
            continue
        got = await read(unit, function, address, count)
        if got is None:
            outcome.failed += 1
        elif got == [value(unit, function, address + k) for k in range(count)]:
            outcome.right += 1
        else:
            outcome.wrong += 1
    outcome.virtual_s = loop.time() - began_s


async def _ours(reads: int, seed: int, faults: Scenario, outcome: Outcome) -> None:
    line = FaultyLine(seed, faults)
    loop = asyncio.get_running_loop()

    async def open_stream(_settings: SerialSettings, on_bytes: OnBytes, _on_lost: OnLost) -> Stream:
        return MemoryStream(line, on_bytes)

    settings = ModbusRtuSettings(SERIAL, timeout_s=faults.timeout_s, window_s=faults.window_s)
    wire = ModbusWire(settings, seed=seed, open_stream=open_stream)
    await wire.open()

    async def read(unit: int, function: int, address: int, count: int) -> list[int] | None:
        request_class = ReadHoldingRegistersRequest if function == 3 else ReadInputRegistersRequest
        for _ in range(3):
            request = request_class(address=address, count=count, dev_id=unit)
            try:
                answer = await wire.ask(request, deadline=loop.time() + 1.0, priority=Priority.SCAN)
            except LinkDown:
                await asyncio.sleep(0.5)  # three silences in a row: the unit is given up for so long
                continue
            except DriverError:
                continue
            return list(answer.reply.registers)
        return None

    await _read_all(read, reads, seed, faults, outcome)
    stats = wire.stats()
    outcome.counters = {"requests": stats.requests, "timeouts": stats.timeouts, "bad": stats.bad_replies, **stats.extra}
    await wire.close()


async def _plain_pymodbus(reads: int, seed: int, faults: Scenario, outcome: Outcome) -> None:
    line = FaultyLine(seed, faults)
    loop = asyncio.get_running_loop()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while frame := await reader.read(8):
            for at_s, chunk in line.answer(frame, loop.time()):
                loop.call_at(at_s, writer.write, chunk)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = AsyncModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU, timeout=faults.timeout_s)
    await client.connect()

    async def read(unit: int, function: int, address: int, count: int) -> list[int] | None:
        ask = client.read_holding_registers if function == 3 else client.read_input_registers
        try:
            reply = await ask(address, count=count, device_id=unit)
        except ModbusException:
            return None
        return None if reply.isError() else list(reply.registers)

    await _read_all(read, reads, seed, faults, outcome)
    client.close()
    await asyncio.sleep(1.0)  # what is still on its way
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


def run(client: str, reads: int, faults: Scenario, seed: int = 1) -> Outcome:
    """Return what became of `reads` random reads by `client` ("linectl" or "pymodbus") over a line with `faults`."""
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
    outcome = Outcome()
    main = _ours if client == "linectl" else _plain_pymodbus
    began_s = time.perf_counter()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main(reads, seed, faults, outcome))
    outcome.real_s = time.perf_counter() - began_s
    return outcome


def leaks(frames: int, bit_error_rate: float, seed: int = 1) -> int:
    """Return how many of `frames` replies of 66 registers pass every check with a wrong value under random bit errors.

    This is the limit of CRC-16 itself: four or more flipped bits can form another valid frame.
    """
    draw = random.Random(f"{seed}/noise")
    framer = RtuFramer()
    asked = bytes((3, 0, 0, 0, 66))
    body = bytes((1, 3, 132)) + draw.randbytes(132)
    right = body + crc16(body).to_bytes(2, "little")
    bits = 8 * len(right)
    whole = int.from_bytes(right, "big")
    leaked = 0
    for _ in range(frames):
        flips = (
            draw.binomialvariate(bits, bit_error_rate)
            if hasattr(draw, "binomialvariate")
            else _binomial(draw, bits, bit_error_rate)
        )
        spoilt = whole
        for bit in draw.sample(range(bits), flips):
            spoilt ^= 1 << bit
        framer.frame(1, asked)
        for found in framer.feed(spoilt.to_bytes(len(right), "big")):
            if found.verdict is Verdict.REPLY and found.data != right:
                try:
                    check(asked, found.pdu, 1)
                except (BadReply, DeviceFault):
                    continue
                leaked += 1
    return leaked


def _binomial(draw: random.Random, trials: int, chance: float) -> int:
    """Return how many of `trials` happen, by the gaps between those that do."""
    from math import log

    count, at = 0, 0
    scale = log(1.0 - chance)
    while True:
        at += int(log(1.0 - draw.random()) / scale) + 1
        if at > trials:
            return count
        count += 1


def measure(reads: int = 60_000, frames: int = 20_000) -> list[dict[str, object]]:
    """Return wrong values beside plain pymodbus', the rate with 2 % late replies beside its rate, and CRC-16's leak."""
    mixed, plain = run("linectl", reads, MIXED), run("pymodbus", 5_000, MIXED)
    late, plain_late = run("linectl", 5_000, LATE), run("pymodbus", 5_000, LATE)
    blocks, plain_blocks = run("linectl", 5_000, BLOCKS), run("pymodbus", 5_000, BLOCKS)
    leak = 1e6 * leaks(frames, 1e-2) / frames
    wrong = "pymodbus (most of it wrong)"
    return [
        _row(f"RTU, {reads} reads, wrong", mixed.wrong_per_million, "per 1e6", "pymodbus", plain.wrong_per_million),
        _row("RTU, 2 % late, wrong", late.wrong_per_million, "per 1e6", "pymodbus", plain_late.wrong_per_million),
        _row("RTU, 2 % late, 10 registers", late.rate, "reads/s", wrong, plain_late.rate),
        _row("RTU, 2 % late, 40 registers", blocks.rate, "reads/s", wrong, plain_blocks.rate),
        _row("CRC-16, 1 % bit errors, leak", leak, "per 1e6", "one frame in 65536", 1e6 / 65_536),
    ]


def _row(name: str, found: float, unit: str, reference: str, reference_value: float) -> dict[str, object]:
    return {
        "name": name,
        "value": found,
        "unit": unit,
        "reference": reference,
        "reference_value": reference_value,
        "ratio": found / reference_value,
    }


def main() -> None:
    """Print the figures; `--full` for a million reads, `--reads` for another number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--reads", type=int, default=60_000)
    options = parser.parse_args()
    reads = 1_000_000 if options.full else options.reads
    for row in measure(reads, 1_000_000 if options.full else 20_000):
        print(row)


if __name__ == "__main__":
    main()

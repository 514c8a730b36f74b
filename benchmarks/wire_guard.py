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
from dataclasses import dataclass, field, replace

from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from benchmarks.faulty_line import SERIAL, TURNAROUND_S, ChangingLine, FaultyLine, MemoryStream, Scenario, value
from benchmarks.wire_noise import leaks, over_a_pty
from drivers.errors import DriverError, LinkDown
from drivers.link import Priority
from drivers.modbus.wire import ModbusWire
from drivers.settings import ModbusRtuSettings, SerialSettings
from drivers.streams import OnBytes, OnLost, Stream
from linectl.clock import VirtualTimeLoop

Read = Callable[[int, int, int, int], Awaitable[list[int] | None]]


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

COPIES = replace(MIXED, doubled=0.02, doubled_within_s=0.03)


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


def _wired(runner_main: Callable[[ModbusWire], Awaitable[float]], line: FaultyLine) -> float:
    """Return what `runner_main` makes of a wire with computed timeouts to `line`."""

    async def main() -> float:

        async def open_stream(_settings: SerialSettings, on_bytes: OnBytes, _on_lost: OnLost) -> Stream:
            return MemoryStream(line, on_bytes)

        wire = ModbusWire(ModbusRtuSettings(SERIAL), open_stream=open_stream)
        await wire.open()
        await asyncio.sleep(1.0)
        try:
            return await runner_main(wire)
        finally:
            await wire.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def scan_rate(units: tuple[int, ...], addresses: tuple[int, ...], dead: tuple[int, ...] = ()) -> float:
    """Return how many reads of 10 registers a second are answered in 120 s of scans, back to back, nothing changing."""

    async def scan(wire: ModbusWire) -> float:
        loop = asyncio.get_running_loop()
        answered, began_s = 0, loop.time()
        while loop.time() < began_s + 120.0:
            for unit in units:
                for address in addresses:
                    request = ReadHoldingRegistersRequest(address=address, count=10, dev_id=unit)
                    try:
                        await wire.ask(request, deadline=loop.time() + 5.0, priority=Priority.SCAN)
                        answered += 1
                    except DriverError:
                        await asyncio.sleep(0)
        return answered / (loop.time() - began_s)

    return _wired(scan, FaultyLine(1, Scenario(dead=dead)))


def stale_per_million(polls: int, addresses: tuple[int, ...] = (0,), seed: int = 1) -> float:
    """Return how many values per million polls are an earlier poll's: the copies that nothing can tell.

    The blocks at `addresses` are polled back to back; each changes in one poll of 20, and 2 % of the replies come
    again within 30 ms. The worst is one block alone: each copy has its very request, and then equals what is true.
    """
    line = ChangingLine(seed, replace(COPIES, late=0.0, cut=0.0, garbled=0.0, foreign=0.0), 0.05)

    async def poll(wire: ModbusWire) -> float:
        loop, stale = asyncio.get_running_loop(), 0
        for number in range(polls):
            request = ReadHoldingRegistersRequest(address=addresses[number % len(addresses)], count=10, dev_id=1)
            try:
                answer = await wire.ask(request, deadline=loop.time() + 5.0, priority=Priority.SCAN)
                stale += list(answer.reply.registers) != line.truth
            except DriverError:
                await asyncio.sleep(0)
        return 1e6 * stale / polls

    return _wired(poll, line)


def measure(reads: int = 60_000, frames: int = 20_000, seed: int = 1) -> list[dict[str, object]]:
    """Return wrong values beside plain pymodbus', the rates beside its rate or what is possible, and CRC-16's leak."""
    mixed, plain = run("linectl", reads, MIXED, seed), run("pymodbus", 5_000, MIXED, seed)
    copies, plain_copies = run("linectl", reads, COPIES, seed), run("pymodbus", 5_000, COPIES, seed)
    late, plain_late = run("linectl", 5_000, LATE, seed), run("pymodbus", 5_000, LATE, seed)
    blocks, plain_blocks = run("linectl", 5_000, BLOCKS, seed), run("pymodbus", 5_000, BLOCKS, seed)
    leak = 1e6 * leaks(frames, 1e-2, seed) / frames
    stale = stale_per_million(reads // 4, seed=seed)
    noise = over_a_pty(frames // 10, seed=seed)
    wrong = "pymodbus (most of it wrong)"
    copied = plain_copies.wrong_per_million
    alive, with_dead = scan_rate((1, 2, 3, 4), (0,)), scan_rate((1, 2, 3, 4, 5), (0,), (5,))
    constant, possible = scan_rate((1,), (0, 100, 200, 300)), 1.0 / _exchange_s()
    return [
        _row(f"RTU, {reads} reads, wrong", mixed.wrong_per_million, "per 1e6", "pymodbus", plain.wrong_per_million),
        _row(f"RTU, {reads} reads, copies 30 ms late, wrong", copies.wrong_per_million, "per 1e6", "pymodbus", copied),
        _row("RTU, copies 30 ms late, one block alone, a poll old", stale, "per 1e6", "copies", 20_000.0),
        _row("RTU, 2 % late, wrong", late.wrong_per_million, "per 1e6", "pymodbus", plain_late.wrong_per_million),
        _row("RTU, 2 % late, 10 registers", late.rate, "reads/s", wrong, plain_late.rate),
        _row("RTU, 2 % late, 40 registers", blocks.rate, "reads/s", wrong, plain_blocks.rate),
        _row("RTU, constant blocks", constant, "reads/s", "request, turnaround and reply alone", possible),
        _row("RTU, one dead unit of 5", with_dead, "reads/s", "the 4 alone", alive),
        _row("RTU over a pty, damaged replies, wrong", noise.wrong, "reads", "damaged", noise.damaged),
        _row("CRC-16, 1 % bit errors, leak", leak, "per 1e6", "one frame in 65536", 1e6 / 65_536),
    ]


def _exchange_s() -> float:
    """Return how long (s) a request for 10 registers and its reply take on the line, one turnaround between them."""
    return (8 + 25) * SERIAL.character_s + TURNAROUND_S


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
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    reads = 1_000_000 if options.full else options.reads
    for row in measure(reads, 1_000_000 if options.full else 20_000, options.seed):
        print(row)


if __name__ == "__main__":
    main()

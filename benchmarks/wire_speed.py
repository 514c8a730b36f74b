"""What our Modbus layer costs and saves, beside plain pymodbus in the same rounds.

- a scan of 200 tags in 8 clusters on a device that takes 5 ms a request: requests, time, against one tag at a time;
- one read on the loopback, of 1 and of 125 registers, against pymodbus' own `read_holding_registers`;
- 1,000 tags at 1 Hz: share of a core (the process' CPU time over real seconds);
- 24 h of polling in virtual time: objects and memory after the first hour and at the end.

The device is another process with a blocking socket, so that neither its work nor its timers are ours.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from drivers.link import Point, Priority
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusTcpSettings
from linectl.clock import VirtualTimeLoop

__all__ = ["measure"]

Row = dict[str, object]

DEVICE_S = 0.005
_CLUSTERS, _IN_CLUSTER = 8, 25
_SCAN_ROUNDS, _SCANS = 5, 5
_COST_ROUNDS, _COST_READS = 9, 400
_RATE_S = 6.0
_RATE_TAGS = 1000
_DAY_S, _HOUR_S = 86_400, 3_600


def serve(latency_s: float) -> None:
    """Answer reads of registers with their addresses, one connection after the other, each `latency_s` (s) late."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client:
                while request := client.recv(12):
                    address, count = struct.unpack_from(">HH", request, 8)
                    if latency_s:
                        _wait(latency_s)
                    body = struct.pack(f">BB{count}H", request[7], 2 * count, *range(address, address + count))
                    client.sendall(request[:4] + struct.pack(">HB", len(body) + 1, request[6]) + body)


def _wait(latency_s: float) -> None:
    """Wait exactly: a sleep ends late, so the last millisecond is spent in a loop."""
    ready = time.perf_counter() + latency_s
    time.sleep(max(latency_s - 0.001, 0.0))
    while time.perf_counter() < ready:
        pass


@contextmanager
def device(latency_s: float = 0.0) -> Iterator[int]:
    """Run a device in a process of its own; give its port."""
    command = [sys.executable, "-m", "benchmarks.wire_speed", "serve", str(latency_s)]
    here = Path(__file__).resolve().parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


def clustered_tags(clusters: int = _CLUSTERS, each: int = _IN_CLUSTER) -> list[Point]:
    """Return the points of a usual map: `each` registers out of 60, in `clusters` places far from each other."""
    draw = random.Random(1)
    return [Point(f"1/hr{500 * cluster + at}") for cluster in range(clusters) for at in draw.sample(range(60), each)]


async def _timed(work: Callable[[], Awaitable[object]], count: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(count):
        await work()
    return (time.perf_counter() - began) / count


async def _ours(link: ModbusLink, points: Sequence[Point]) -> None:
    deadline = asyncio.get_running_loop().time() + 5.0
    readings = await link.read(points, deadline=deadline, priority=Priority.SCAN)
    assert all(found.value is not None for found in readings.values())


async def _scan() -> tuple[int, float, float, float]:
    """Return the requests of a scan, and the times (s) of it, of bare sockets, and of one tag at a time by pymodbus."""
    points = clustered_tags()
    ours, bare, single = [], [], []
    for _ in range(_SCAN_ROUNDS):
        with device(DEVICE_S) as port:
            link = ModbusLink(ModbusTcpSettings("127.0.0.1", port))
            await link.open()
            await _ours(link, points)
            before = link.stats().requests
            ours.append(await _timed(lambda: _ours(link, points), _SCANS))  # noqa: B023  # awaited at once
            requests = (link.stats().requests - before) // _SCANS
            await link.close()
            bare.append(await asyncio.to_thread(_bare, port, requests * _SCANS) / _SCANS)  # our socket closes meanwhile
            client = await _client(port)
            single.append(await _timed(lambda: _one_by_one(client, points)))  # noqa: B023  # awaited at once
            client.close()
    return requests, statistics.median(ours), statistics.median(bare), statistics.median(single)


def _bare(port: int, requests: int) -> float:
    """Return the time (s) that a blocking socket needs for `requests`: the device's own latency, so many times."""
    with socket.create_connection(("127.0.0.1", port), timeout=5.0) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        for number in range(requests):
            sock.sendall(struct.pack(">HHHBBHH", number, 0, 6, 1, 3, 500 * number % 4000, 60))
            sock.recv(260)
        return time.perf_counter() - began


async def _client(port: int) -> AsyncModbusTcpClient:
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0, reconnect_delay=0)
    assert await client.connect()
    return client


async def _one_by_one(client: AsyncModbusTcpClient, points: Sequence[Point]) -> None:
    for point in points:
        address = int(point.address.removeprefix("1/hr"))
        reply = await client.read_holding_registers(address, count=1, device_id=1)
        assert reply.registers == [address]


async def _costs() -> dict[int, tuple[float, float]]:
    """Return ours and pymodbus' median time (s) of a read of 1 and of 125 registers; rounds interleaved."""
    found: dict[int, tuple[list[float], list[float]]] = {1: ([], []), 125: ([], [])}
    with device() as port, device() as other_port:
        link, client = ModbusLink(ModbusTcpSettings("127.0.0.1", port)), await _client(other_port)
        await link.open()
        for _ in range(_COST_ROUNDS):
            for count, (ours, plain) in found.items():
                points = [Point("1/hr0")] if count == 1 else [Point("1/ir0:125", "block")]
                ours.append(await _timed(lambda: _ours(link, points), _COST_READS))  # noqa: B023  # awaited at once
                read = client.read_holding_registers
                plain.append(await _timed(lambda: read(0, count=count, device_id=1), _COST_READS))  # noqa: B023  # as above
        await link.close()
        client.close()
    return {count: (statistics.median(ours), statistics.median(plain)) for count, (ours, plain) in found.items()}


async def _share(work: Callable[[], Awaitable[object]]) -> float:
    """Return the share of a core that `work`, once a second, takes from this process."""
    loop = asyncio.get_running_loop()
    await work()
    began_s, began_cpu_s = loop.time(), time.process_time()
    for turn in range(1, round(_RATE_S) + 1):
        await work()
        await asyncio.sleep(began_s + turn - loop.time())
    return (time.process_time() - began_cpu_s) / (loop.time() - began_s)


async def _rates() -> dict[str, float]:
    """Return the shares of a core: 1,000 tags a second by our link, and by pymodbus in the same blocks and singly."""
    points = [Point(f"1/hr{address}", ("u16", "i16")[address % 2]) for address in range(_RATE_TAGS)]
    with device() as port, device() as other_port:
        link, client = ModbusLink(ModbusTcpSettings("127.0.0.1", port)), await _client(other_port)
        await link.open()

        async def blocks() -> None:
            for start in range(0, _RATE_TAGS, 125):
                await client.read_holding_registers(start, count=125, device_id=1)

        shares = {
            "ours": await _share(lambda: _ours(link, points)),
            "blocks": await _share(blocks),
            "singly": await _share(lambda: _one_by_one(client, points)),
        }
        await link.close()
        client.close()
    return shares


class _Registers:
    """A unit of the simulator's server: every register holds its address."""

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return the addresses."""
        del table
        return list(range(address, address + count))

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Refuse nothing, keep nothing."""


def day_of_polling(days_s: int = _DAY_S, period_s: int = 10) -> tuple[int, int, int]:
    """Poll 40 tags each `period_s` in virtual time; return polls, and the growth in objects and in KiB after 1 h."""
    from linectl.sim.wires.modbus_server import ModbusServer

    async def poll() -> tuple[int, int, int]:
        server = ModbusServer({1: _Registers()})
        await server.start()
        link = ModbusLink(ModbusTcpSettings("127.0.0.1", server.port))
        await link.open()
        points = [Point(f"1/hr{address}") for address in range(0, 400, 10)]
        objects = kib = 0
        for now_s in range(0, days_s, period_s):
            if now_s == _HOUR_S:
                objects, kib = _held()
            await _ours(link, points)
            await asyncio.sleep(period_s)
        objects_now, kib_now = _held()
        polls = link.stats().requests
        await link.close()
        await server.stop()
        return polls, objects_now - objects, kib_now - kib

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(poll())


def _held() -> tuple[int, int]:
    gc.collect()
    return len(gc.get_objects()), _resident_kib()


def _resident_kib() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4


def measure() -> list[Row]:
    """Return the figures beside their references."""
    requests, scan_s, bare_s, single_s = asyncio.run(_scan())
    costs = asyncio.run(_costs())
    shares = asyncio.run(_rates())
    polls, objects, kib = day_of_polling()
    return [
        _row("modbus: requests for 200 clustered tags", requests, "", "aim", 8),
        _row("modbus: scan of 200 tags, 5 ms device", scan_s * 1e3, "ms", "as many bare requests", bare_s * 1e3),
        _row("modbus: the same, tags per second", 200 / scan_s, "tags/s", "plain pymodbus, singly", 200 / single_s),
        *(
            _row(f"modbus: a read of {count} registers", ours_s * 1e6, "us", "plain pymodbus", plain_s * 1e6)
            for count, (ours_s, plain_s) in costs.items()
        ),
        _row("modbus: 1,000 tags at 1 Hz", shares["ours"] * 100, "% core", "aim", 5.0),
        _row("modbus: the same", shares["ours"] * 100, "% core", "pymodbus, bare blocks", shares["blocks"] * 100),
        _row("modbus: the same", shares["ours"] * 100, "% core", "pymodbus, singly", shares["singly"] * 100),
        _row("modbus: objects more after 24 h", objects, "", f"requests in {_DAY_S // _HOUR_S} h", polls),
        _row("modbus: memory more after 24 h", kib, "KiB", "aim", 1024),
    ]


def _row(name: str, value: float, unit: str, reference: str, reference_value: float) -> Row:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "reference": reference,
        "reference_value": round(reference_value, 3),
        "ratio": round(value / reference_value, 4),
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(float(sys.argv[2]))
    else:
        for figure in measure():
            print(figure)

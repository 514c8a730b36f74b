"""What serving costs: a core's share and memory with 100 tags at 1 Hz, and how late scans at 10 Hz come under load."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.link import Point
from drivers.memory import MemoryBank, MemoryLink
from drivers.settings import MemorySettings
from linectl.clock import Clock
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Scan
from linectl.server.line_server import LineServer
from linectl.server.serving import served

TAGS = 100
LOOK_S = 30.0
LATE_S = 30.0
BURN = "while True: pass"
FSYNC = "import os, sys\nf = open(sys.argv[1], 'wb')\nwhile True: f.write(b'x' * 4096); f.flush(); os.fsync(f.fileno())"


def row(name: str, value: float, unit: str, reference: str, aim: float) -> dict[str, object]:
    """Return one figure beside its aim."""
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "reference_value": aim,
        "ratio": value / aim,
    }


def _line(tags: int, period_s: float) -> tuple[LineDefinition, MemoryLink]:
    """Return a line of so many tags in memory, scanned every `period_s`."""
    points = [Point(f"t{k}") for k in range(tags)]
    made = {f"zone.t{k:03d}": Tag(f"zone.t{k:03d}", "°C", link="m", point=points[k], scan="fast") for k in range(tags)}
    definition = LineDefinition("bench", {"m": MemorySettings("m")}, {"fast": period_s}, made, {})
    return definition, MemoryLink(MemoryBank({point: float(k) for k, point in enumerate(points)}))


async def _serve(folder: Path, *, tags: int, period_s: float, for_s: float) -> dict[str, float]:
    """Serve a line in memory for `for_s`; return its share of a core, its memory and how late its scans were there."""
    definition, link = _line(tags, period_s)
    clock = Clock()
    late_ms: list[float] = []
    numbers: list[int] = []

    def scanned(scan: Scan) -> None:
        numbers.append(scan.sequence)
        late_ms.append(clock.process_s() * 1000 - scan.loop_ns / 1e6)

    async with (
        LineServer(definition, clock, folder / "b.db", boot="b", links={"m": link}, records=True) as server,
        served(server, operator="bench", data=folder),
    ):
        await asyncio.sleep(2.0)
        server.line.on_scan(scanned)
        began_s, used_s = time.perf_counter(), _cpu_s()
        await asyncio.sleep(for_s)
        share = (_cpu_s() - used_s) / (time.perf_counter() - began_s)
    late_ms.sort()
    return {
        "share": share,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "p99": late_ms[int(len(late_ms) * 0.99)],
        "missed": numbers[-1] - numbers[0] + 1 - len(numbers),
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _alone(tags: int, period_s: float, for_s: float) -> dict[str, float]:
    """Measure in a process of its own: memory and CPU are its alone."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.served_line", folder, str(tags), str(period_s), str(for_s)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def _load() -> Iterator[None]:
    """Burn two processors and write to the disk for the time of the block."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "f")
        busy = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(2)]
        busy.append(subprocess.Popen([sys.executable, "-c", FSYNC, file]))
        try:
            yield
        finally:
            for each in busy:
                each.kill()
                each.wait()


def measure() -> list[dict[str, object]]:
    """Return share of a core (%), memory (MiB), and the lateness of 10 Hz scans (ms, p99), alone and under load."""
    calm = _alone(TAGS, 1.0, LOOK_S)
    idle = _alone(12, 0.1, LATE_S)
    with _load():
        loaded = _alone(12, 0.1, LATE_S)
    return [
        row("server, 100 tags at 1 Hz: core", 100.0 * calm["share"], "%", "aim", 5.0),
        row("server, 100 tags at 1 Hz: memory", calm["rss"], "MiB", "aim", 80.0),
        row("10 Hz late, p99, idle", idle["p99"], "ms", "aim", 10.0),
        row("10 Hz late, p99, 2 burners + fsync", loaded["p99"], "ms", "aim", 10.0),
        row("10 Hz missed under load", float(loaded["missed"]), "scans", "of", LATE_S * 10),
    ]


if __name__ == "__main__":
    place, count, period, length = sys.argv[1:]
    print(json.dumps(asyncio.run(_serve(Path(place), tags=int(count), period_s=float(period), for_s=float(length)))))

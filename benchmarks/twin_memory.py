"""Whether 72 virtual hours of a simulated line, in memory, leave the process as they found it, and how long they take.

Memory in use (resident set) and descriptors are read each virtual hour; what has grown counts from hour 2 on, when all
that is learnt and kept once has been. Linux: both are read from /proc.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop

HOURS = 72
SETTLED_H = 2
TOOK_AIM_S = 60.0
GROWTH_AIM_MIB = 2.0
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Held:
    """What the process holds at a virtual hour: resident memory in MiB, and open descriptors."""

    hour: int
    memory_mib: float
    descriptors: int


def held(hour: int) -> Held:
    """Return what this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Held(hour, pages * os.sysconf("SC_PAGE_SIZE") / _MIB, len(os.listdir("/proc/self/fd")))  # noqa: PTH208  # names alone


async def _soak(file: str, hours: int, folder: Path) -> list[Held]:
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.server.line_server import LineServer
    from linectl.server.simulation.simulated import serve

    clock = Clock(start_ns=VIRTUAL_START_NS)
    definition = load_line(find_file(Path(file), folder="config"))
    async with AsyncExitStack() as stack:
        up = await stack.enter_async_context(serve(definition, clock, seed=1, wires=False))
        server = LineServer(up.definition, clock, folder / "soak.db", boot="soak", links=up.links)
        await stack.enter_async_context(server)
        assert server.store is not None
        server.line.on_scan(server.store.log_scan)
        found = []
        for hour in range(1, hours + 1):
            await clock.sleep_until(hour * 3600.0)
            found.append(held(hour))
        return found


def soak(file: str = "simulated.yaml", hours: int = HOURS) -> tuple[list[Held], float]:
    """Return what the process held at each hour of a soak, and how long it took in s."""
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        started = time.perf_counter()
        found = runner.run(_soak(file, hours, Path(folder)))
        return found, time.perf_counter() - started


def measure() -> list[dict[str, object]]:
    """Return how long 72 h took, and what had grown since hour 2, beside what they may."""
    found, took_s = soak()
    settled, end = found[SETTLED_H - 1], found[-1]
    growth_mib = end.memory_mib - settled.memory_mib
    return [
        _row("72 virtual hours", took_s, "s", "at most", TOOK_AIM_S),
        _row("72 virtual hours, memory grown", growth_mib, "MiB", "at most", GROWTH_AIM_MIB),
        _row("72 virtual hours, descriptors", end.descriptors, "", "at hour 2", settled.descriptors),
    ]


def _row(name: str, value: float, unit: str, reference: str, reference_value: float) -> dict[str, object]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "reference_value": reference_value,
        "ratio": value / reference_value,
    }


if __name__ == "__main__":
    for figure in measure():
        print(figure)

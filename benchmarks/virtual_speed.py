"""How fast virtual time goes: the loop alone, and the whole application on the simulated lines, in s per s.

The whole application is a line with its scans at 1 Hz, its heartbeat, its sensors and its store; in memory, over
loopback wires (Modbus TCP, pseudo-terminals, MQTT with a broker), and with an experiment running. A run counts from
the loading of its line file to the closing of its store. The computer's load makes the figures waver: each is the best
of three, and stands beside a bare loop in the same process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop

TICKS = 50_000
SHIFT_S = 8 * 3600
WIRED_S = 2 * 3600
TIMES = 3
MEMORY_AIM, WIRES_AIM = 5000.0, 1000.0
WASHER = "simulated_washer.yaml"

EXPERIMENT = """\
kind: experiment
name: bench
question: what comes off in twenty minutes?
factors: {temperature_c: [50, 60], naoh_pct: [0.5], glue: [casein, starch, pvoh]}
replicates: 3
bottles_per_glue: 4
order: {randomised: true, seed: 5}
soak: {cap_s: 1200, check_s: 15}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 900, temperatures_c: [50], naoh_pct: [0.5]}
line: simulated
"""

Lived = Callable[[Path], Coroutine[Any, Any, float]]
"""Lives in a folder, and returns for how many s of process time."""


async def ticks(_folder: Path) -> float:
    """Tick a bare loop at 1 Hz."""
    for _ in range(TICKS):
        await asyncio.sleep(1.0)
    return TICKS


def watching(seconds: float, *, wires: bool, file: str = "simulated.yaml") -> Lived:
    """Return what keeps the line of `file` for `seconds`, all scans stored."""

    async def live(folder: Path) -> float:
        from linectl.config.files import find_file
        from linectl.config.load import load_line
        from linectl.server.line_server import LineServer
        from linectl.server.simulation.simulated import serve

        clock = Clock(start_ns=VIRTUAL_START_NS)
        definition = load_line(find_file(Path(file), folder="config"))
        async with AsyncExitStack() as stack:
            up = await stack.enter_async_context(serve(definition, clock, seed=1, wires=wires))
            server = LineServer(up.definition, clock, folder / "bench.db", boot="bench", links=up.links)
            await stack.enter_async_context(server)
            assert server.store is not None
            server.line.on_scan(server.store.log_scan)
            await clock.sleep(seconds)
        return seconds

    return live


def soaking(*, wires: bool) -> Lived:
    """Return what runs an experiment of six baths with twelve bottles each, to its end."""

    async def live(folder: Path) -> float:
        import linectl

        file = folder / "bench.yaml"
        file.write_text(EXPERIMENT, encoding="utf-8")
        experiment = linectl.load_experiment(file)
        async with linectl.open_line("simulated", seed=5, data=folder, memory=not wires) as bench:
            await bench.run(experiment)
            return bench.hours() * 3600.0

    return live


def speed(lived: Lived, times: int = TIMES) -> float:
    """Return the best speed of `times` runs, in simulated s per s."""
    best = 0.0
    for _ in range(times):
        with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            started = time.perf_counter()
            simulated_s = runner.run(lived(Path(folder)))
            best = max(best, simulated_s / (time.perf_counter() - started))
    return best


def measure() -> list[dict[str, object]]:
    """Return the speeds beside what they should be at least, and the first two beside a bare loop at 1 Hz."""
    bare = speed(ticks)
    memory, wires = speed(watching(SHIFT_S, wires=False)), speed(watching(WIRED_S, wires=True))
    washer = speed(watching(WIRED_S, wires=False, file=WASHER))
    wired_washer = speed(watching(WIRED_S, wires=True, file=WASHER))
    return [
        _row("virtual time, bath in memory, 8 h", memory, "aim", MEMORY_AIM),
        _row("virtual time, bath on real wires", wires, "aim", WIRES_AIM),
        _row("virtual time, bath in memory, 8 h", memory, "bare loop at 1 Hz", bare),
        _row("virtual time, bath on real wires", wires, "bare loop at 1 Hz", bare),
        _row("experiment in memory", speed(soaking(wires=False)), "bath alone", memory),
        _row("experiment on real wires", speed(soaking(wires=True)), "bath alone", wires),
        _row("virtual time, washer in memory", washer, "aim", MEMORY_AIM),
        _row("virtual time, washer on real wires", wired_washer, "aim", WIRES_AIM),
        _row("virtual time, washer in memory", washer, "bath, 8 h", memory),
        _row("virtual time, washer on real wires", wired_washer, "bath", wires),
    ]


def _row(name: str, value: float, reference: str, reference_value: float) -> dict[str, object]:
    return {
        "name": name,
        "value": value,
        "unit": "s/s",
        "reference": reference,
        "reference_value": reference_value,
        "ratio": value / reference_value,
    }


if __name__ == "__main__":
    for figure in measure():
        print(figure)

"""How fast virtual time goes: the loop alone, and a whole bath on real wires, in simulated seconds per second."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from tempfile import TemporaryDirectory

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop

SOAK_S = 1800


async def _ticks() -> None:
    for _ in range(50_000):
        await asyncio.sleep(1.0)


async def _bath_on_wires() -> None:
    from pathlib import Path

    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.server.line_server import LineServer
    from linectl.server.simulated import serve

    clock = Clock(start_ns=VIRTUAL_START_NS)
    definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            rig = serve(definition, clock, seed=1, initial={"bath.temperature": 60.0})
            up = await stack.enter_async_context(rig)
            file = Path(folder) / "bench.db"
            await stack.enter_async_context(LineServer(up.definition, clock, file, boot="bench"))
            await clock.sleep(SOAK_S)


def _speed(main: object, simulated_s: float) -> float:
    started = time.perf_counter()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main)  # type: ignore[arg-type]  # a coroutine of either function above
    return simulated_s / (time.perf_counter() - started)


def measure() -> list[dict[str, object]]:
    """Return the speed of a bath on real wires beside that of a bare loop ticking at 1 Hz."""
    bare = _speed(_ticks(), 50_000)
    bath = _speed(_bath_on_wires(), SOAK_S)
    return [
        {
            "name": "virtual time, bath on real wires",
            "value": bath,
            "unit": "s/s",
            "reference": "bare loop at 1 Hz",
            "reference_value": bare,
            "ratio": bath / bare,
        }
    ]


if __name__ == "__main__":
    print(measure())

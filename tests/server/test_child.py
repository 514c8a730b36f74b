from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from linectl.clock import Clock
from linectl.config.files import find_file
from linectl.config.load import load_experiment, load_line
from linectl.errors import ConfigError, LinectlError, Refused
from linectl.lab.analysis import to_json
from linectl.lab.import_csv import read_trials
from linectl.lab.results import Analysis
from linectl.line.line import Line
from linectl.server.results.child import analyse_in_child, in_child, report_in_child
from linectl.server.results.finished import Asked, FinishedRun, analyse_run, find_run
from linectl.server.results.past_trials import keep
from linectl.server.simulation.simulated import serve
from linectl.sim.bath.campaign import simulate_campaign


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """A run of past trials: one glue in every fourth bath of the screening: a fit takes a while all the same."""
    folder = tmp_path_factory.mktemp("past")
    rows = ["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s"]
    for bath in simulate_campaign(load_experiment(find_file("glue_screening", folder="experiments")), 7).baths[::4]:
        for bottle in bath.bottles:
            if bottle.glue != "casein":
                continue
            hi = "" if math.isinf(bottle.hi_s) else f"{bottle.hi_s:g}"
            place = f"p{bottle.position}-{bath.name}x,{bath.name},{bottle.glue}"
            rows.append(f"{place},{bath.temperature_c:g},{bath.naoh_pct:g},{bottle.lo_s:g},{hi}")
    file = folder / "past.csv"
    file.write_text("\n".join(rows), encoding="utf-8")
    asyncio.run(keep(read_trials(file), folder, operator="test"))
    return find_run("last", folder)


async def test_a_report_is_written_by_a_child(found: FinishedRun, tmp_path: Path) -> None:
    page = await report_in_child(found, tmp_path / "report.html", Asked(soak_s=600.0))
    assert page.stat().st_size > 10_000


async def test_what_goes_wrong_in_the_child_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no run is noted") as raised:
        await in_child(find_run, "last", tmp_path)
    assert raised.value.hint
    assert any("find_run" in note for note in raised.value.__notes__)
    (tmp_path / "past.csv").write_text("bottle\n")
    with pytest.raises(ConfigError) as wrong:
        await in_child(read_trials, tmp_path / "past.csv")
    assert wrong.value.problems
    with pytest.raises(ZeroDivisionError):
        await in_child(divmod, 1, 0)


async def test_a_child_that_dies_is_told() -> None:
    with pytest.raises(LinectlError, match="without an answer") as raised:
        await in_child(signal.raise_signal, signal.SIGKILL)
    assert raised.value.code == "E-INT-002"


async def test_what_the_child_prints_is_no_answer() -> None:
    assert await in_child(os.system, "echo not an answer") == 0


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found.update((task / "children").read_text().split())
    return found


async def test_a_cancelled_caller_leaves_no_child() -> None:
    before = _children()
    task = asyncio.create_task(in_child(time.sleep, 60.0))
    while not _children() - before:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _children() - before


PERIOD_S = 0.05


async def _longest_wait_s(work: Callable[[], Coroutine[Any, Any, object]]) -> float:
    """Scan a line on its rig while `work` goes on; return the longest time between two scans."""
    definition = load_line(find_file("simulated", folder="config"))
    clock = Clock()
    async with serve(definition, clock, seed=1, wires=False) as up:
        fast = replace(up.definition, scans={**up.definition.scans, "bath": PERIOD_S})
        async with Line(fast, clock, links=up.links, boot="x") as line:
            seen: list[float] = []

            def note(scan: Any) -> None:
                if scan.layout.group == "bath":
                    seen.append(time.monotonic())

            line.on_scan(note)
            await asyncio.sleep(5 * PERIOD_S)
            await work()
            await asyncio.sleep(5 * PERIOD_S)
    return max(after - before for before, after in pairwise(seen))


async def test_scans_go_on_while_the_child_computes_the_same(found: FinishedRun) -> None:
    told: dict[str, Analysis] = {}

    async def here() -> None:
        told["here"] = analyse_run(found)

    async def there() -> None:
        told["there"] = await analyse_in_child(found)

    there_s = await _longest_wait_s(there)
    here_s = await _longest_wait_s(here)
    assert there_s < here_s / 2, (there_s, here_s)  # the control: in this process, scans wait for the fit
    assert to_json(told["there"]) == to_json(told["here"])

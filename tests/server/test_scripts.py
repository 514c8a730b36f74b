"""R&D scripts: short, the same by Python and by `linectl run`; runs, commands and answers from a script."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

import linectl
from linectl.clock import VirtualTimeLoop
from linectl.config.files import find_file
from linectl.errors import ConfigError, Refused
from linectl.model.experiments import Experiment
from linectl.model.prompts import Prompt
from linectl.model.records import ExitStatus
from linectl.store.reader import StoreReader

T = TypeVar("T")

SMALL = """kind: experiment
name: small
question: Does it come off within 5 minutes?
line: simulated
factors:
  temperature_c: [50, 55, 60]
  naoh_pct: [1.5]
  glue: [new_glue, casein]
replicates: 3
bottles_per_glue: 3
order: {seed: 20260109, economical: true}
soak: {cap_s: 300, check_s: 20}
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [60], naoh_pct: [1.5]}
simulate_as: {new_glue: casein}
"""


def virtual(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def small(folder: Path, **changes: Any) -> Experiment:
    file = folder / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return replace(linectl.load_experiment(file), **changes)


def script(name: str, folder: Path, *, by_linectl: bool = False, **settings: str) -> str:
    path = find_file(name, folder="experiments")
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    command = ["-m", "linectl", "run", str(path), "--sim"] if by_linectl else [str(path)]
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "XDG_STATE_HOME": str(folder), "LINECTL_LANG": "en", **settings},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("by_linectl", [False, True])
def test_the_sweep_runs(tmp_path: Path, by_linectl: bool) -> None:
    lines = script("soak_sweep.py", tmp_path, by_linectl=by_linectl).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["50", "60", "70"]
    released = [int(line.split(": ")[1].split(" ")[0]) for line in lines]
    assert released == sorted(released)
    assert released[-1] > released[0]


def test_a_screening_ends_in_a_verdict_and_its_report(tmp_path: Path) -> None:
    small(tmp_path)
    said = script("screening.py", tmp_path, by_linectl=True, SCREENING="small.yaml")
    assert "small: 9 baths" in said
    assert "success after" in said
    assert "new_glue: " in said
    assert (tmp_path / "screening.html").stat().st_size > 10_000


def test_a_search_chooses_its_baths(tmp_path: Path) -> None:
    small(tmp_path)
    said = script("adaptive_search.py", tmp_path, SEARCH="small.yaml", DAY_H="1.2")
    assert said.count("labels off") == 3
    assert "fits into the day" in said or "enough" in said
    assert "new_glue: " in said


def test_a_confirmation_is_registered_run_and_judged(tmp_path: Path) -> None:
    text = SMALL.replace("cap_s: 300", "cap_s: 900").replace("soak_s: 300", "soak_s: 900")
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    said = script("confirmation.py", tmp_path, SCREENING="small.yaml", BATHS="1", RULE="299/0")
    assert "applied as" in said
    assert "registered: passed" in said
    assert "more_bottles" in said.splitlines()[-1]
    assert len(list((tmp_path / "confirmation").glob("*.yaml"))) == 2


def test_runs_of_one_bench_are_taken_together(tmp_path: Path) -> None:
    async def main() -> None:
        experiment = small(tmp_path, bottles_per_glue=1)
        async with linectl.open_line(data=tmp_path, memory=True) as bench:
            for temperature_c in (50.0, 60.0):
                result = await bench.bath(experiment, temperature_c=temperature_c, naoh_pct=1.5, soak_s=120)
                assert result.outcome.exit_status is ExitStatus.SUCCESS
                assert len(result.release_data()) == 2
            assert bench.made.release_data().baths == tuple(f"{run}/01" for run in bench.made.ids)
            assert "chosen by a script: 60 °C" in bench.made.records[1].definition
            assert bench.hours() > 0.2
            with pytest.raises(Refused):
                await bench.bath(experiment, temperature_c=99.0, naoh_pct=1.5)

    virtual(main())


def test_a_script_commands_its_run_and_answers_its_questions(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(prompt: Prompt) -> float | None:
        asked.append(prompt.id)
        return 18.0 if prompt.id == "start-hardness" else None

    (tmp_path / "asking.yaml").write_text(
        SMALL.replace("replicates: 3", "replicates: 1")
        .replace("[50, 55, 60]", "[40, 45]")
        .replace("temperatures_c: [60]", "temperatures_c: [45]")
        + "covariates:\n  - {name: hardness, per: run, low: 0, high: 60}\n",
        encoding="utf-8",
    )

    async def main() -> tuple[linectl.RunResult, list[str]]:
        experiment = linectl.load_experiment(tmp_path / "asking.yaml")
        async with linectl.open_line(data=tmp_path, answers=answer, memory=True) as bench:
            with pytest.raises(Refused, match="nothing is running"):
                await bench.pause()
            task = asyncio.create_task(bench.run(experiment))
            await asyncio.sleep(120)
            await bench.note("smells of onions")
            await bench.hold(why="lunch")
            await asyncio.sleep(60)
            await bench.resume()
            result = await task
            path = result.runs.pool.reader.path
            return result, [event.kind for event in StoreReader(path).events(result.outcome.run_id)]

    result, kinds = virtual(main())
    assert result.outcome.exit_status is ExitStatus.SUCCESS
    assert "start-hardness" in asked
    assert {"note", "held"} <= set(kinds)


def test_an_answer_that_does_not_fit_is_told_before_the_first_bath(tmp_path: Path) -> None:
    (tmp_path / "asking.yaml").write_text(
        SMALL + "covariates:\n  - {name: hardness, per: run, low: 0, high: 60}\n", encoding="utf-8"
    )

    async def main() -> None:
        experiment = linectl.load_experiment(tmp_path / "asking.yaml")
        async with linectl.open_line(data=tmp_path, answers={"start-*": 99.0}, memory=True) as bench:
            with pytest.raises(ConfigError, match="from 0 to 60"):
                await bench.run(experiment)
            with pytest.raises(Refused):
                _ = bench.made

    virtual(main())

"""The public names: few, lazy, typed, documented; the same in a script and in a notebook."""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import linectl
from linectl.errors import ConfigError, Refused
from linectl.lab.results import VerdictWord

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"


def write_trials(file: Path) -> Path:
    rows = ["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s"]
    for bath in range(9):
        temperature_c = 60 + 10 * (bath % 3)
        for k in range(5):
            lo_s = (600, 400, 260)[bath % 3] * (0.7 + 0.13 * k + 0.02 * bath)
            rows.append(f"b{k},{bath},casein,{temperature_c},1.5,{lo_s:.0f},{lo_s + 20:.0f}")
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_import_is_lazy_and_a_wrong_name_is_told() -> None:
    code = "import sys, linectl; print(any(m in sys.modules for m in ('numpy', 'asyncio', 'click', 'pydantic')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    with pytest.raises(AttributeError):
        linectl.nothing  # noqa: B018  # asked for on purpose
    assert dir(linectl) == sorted(linectl.__all__)


def test_every_name_is_there_with_types_and_a_docstring() -> None:
    for name in linectl.__all__:
        found = getattr(linectl, name)
        assert inspect.getdoc(found), name
        if inspect.isfunction(found):
            parameters = inspect.signature(found).parameters.values()
            assert all(each.annotation is not inspect.Parameter.empty for each in parameters), name


@pytest.mark.skipif(not PAGE.exists(), reason="the installed package carries no docs")
def test_the_page_names_exactly_the_public_names() -> None:
    rows = re.findall(r"^\| `(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(linectl.__all__)


def test_from_a_file_to_a_verdict(tmp_path: Path) -> None:
    runs = linectl.import_trials(write_trials(tmp_path / "trials.csv"), data=tmp_path / "data")
    assert linectl.find_runs(data=tmp_path / "data").ids == runs.ids
    data = runs.release_data()
    assert (len(data), len(data.baths), data.glues) == (45, 9, ("casein",))
    found = linectl.fit(runs)
    time = linectl.release_time(found, temperature_c=70, naoh_pct=1.5)
    assert time.value is not None
    assert time.lower is not None
    assert time.upper is not None
    assert time.lower < time.value < time.upper
    analysis = linectl.analyse(runs, soak_s=1500)
    assert analysis.glues[0].verdict.word is VerdictWord.CANDIDATE
    forecast = linectl.predict(analysis)
    assert [glue.glue for glue in forecast.glues] == ["casein"]
    assert linectl.value(analysis, given=["price_new=0.5"])[0].glue == "casein"
    experiment = linectl.load_experiment("day_screening.yaml")
    proposal = linectl.next_soak(runs, analysis=analysis, experiment=experiment)
    assert 55 <= proposal.soak.temperature_c <= 85
    assert (tmp_path / "tables").is_dir() is False
    assert linectl.export(runs, tmp_path / "tables")


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    runs = linectl.import_trials(write_trials(tmp_path / "trials.csv"), data=tmp_path)
    with pytest.raises(Refused, match="no glue 'psa'"):
        linectl.fit(runs, glue="psa")
    with pytest.raises(Refused, match="past trials"):
        linectl.next_soak(runs)
    with pytest.raises(ConfigError, match="no such file"):
        linectl.load_experiment("nothing.yaml")


def test_the_plan_says_what_physics_forbids() -> None:
    plan = linectl.plan(linectl.load_experiment("day_screening.yaml"))
    assert len(plan.baths) == len(plan.times) == 12
    assert plan.refusal is None
    assert all(bath.total_s > 0 for bath in plan.times)


async def test_in_a_notebook_a_loop_is_running(tmp_path: Path) -> None:
    runs = linectl.import_trials(write_trials(tmp_path / "trials.csv"), data=tmp_path)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    found = await linectl.in_child(linectl.fit, runs)
    ticking.cancel()
    assert found.n_bottles == 45
    assert ticks > 5, "the loop went on while the child computed"

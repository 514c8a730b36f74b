"""R&D scripts: short, and the same by Python and by `linectl run`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import linectl
from linectl.config.files import find_file


@pytest.mark.parametrize("command", [[], ["-m", "linectl", "run"]])
def test_the_sweep_runs(tmp_path: Path, command: list[str]) -> None:
    script = find_file("soak_sweep.py", folder="experiments")
    assert len(script.read_text(encoding="utf-8").splitlines()) < 40
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    flags = ["--sim"] if command else []
    done = subprocess.run(
        [sys.executable, *command, str(script), *flags], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["50", "60", "70"]
    released = [int(line.split(": ")[1].split(" ")[0]) for line in lines]
    assert released == sorted(released)
    assert released[-1] > released[0]


def test_the_public_names_are_few_and_lazy() -> None:
    assert sorted(linectl.__all__) == ["Bench", "SoakResult", "open_line", "run"]
    code = "import sys, linectl; print('numpy' in sys.modules or 'asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    with pytest.raises(AttributeError):
        linectl.nothing  # noqa: B018  # asked for on purpose

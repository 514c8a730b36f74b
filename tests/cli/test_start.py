"""The command line starts fast: it loads nothing heavy before the verb is known."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("numpy", "scipy", "pymodbus", "asyncio", "pydantic", "rich", "yaml", "matplotlib", "textual")


def modules_after(argument: str) -> list[str]:
    code = (
        "import sys, json, io, contextlib\n"
        "from linectl.cli.main import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    run([{argument!r}])\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_nothing_heavy_is_loaded(argument: str) -> None:
    loaded = set(modules_after(argument))
    assert not loaded & set(HEAVY)


def test_version_does_not_even_load_click() -> None:
    assert "click" not in modules_after("--version")


def test_the_check_can_fail() -> None:
    code = "import json, sys, linectl.lab.report.svg; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)) & set(HEAVY)


def test_closed_output_is_no_mistake_of_the_program() -> None:
    code = "import os, sys; os.close(1); os.close(2); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    for verb in (["tags", "ls", "simulated"], ["tags", "ls", "simulated", "--json"]):
        done = subprocess.run([sys.executable, "-c", code, "-m", "linectl", *verb], timeout=60, check=False)
        assert done.returncode == 0

"""The command line starts fast: it loads nothing heavy before the verb is known."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from linectl.cli.version import installed

HEAVY = ("numpy", "scipy", "pymodbus", "asyncio", "pydantic", "rich", "yaml", "matplotlib", "textual")


ENTRY = "import sys; sys.argv[1:] = {argv!r}; from linectl.__main__ import main"  # as the installed command has it
OURS = {"linectl", "linectl.__main__", "linectl.cli", "linectl.cli.version"}


def modules_at_the_end(*argv: str) -> set[str]:
    """Return what the installed command has loaded when it ends, beyond what the interpreter loads by itself."""
    code = (
        "import atexit, sys\nbefore = set(sys.modules)\n"
        "atexit.register(lambda: print(*set(sys.modules) - before, file=sys.stderr))\n"
        f"{ENTRY.format(argv=list(argv))}\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"linectl {version('linectl')}") or "--help" in done.stdout
    return set(done.stderr.split())


def test_the_version_is_told_before_anything_is_loaded() -> None:
    assert modules_at_the_end("--version") <= {*OURS, "__future__"}
    assert {"click", "re", "typing"} <= modules_at_the_end("--help")  # the control


def test_the_version_is_that_of_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed() == version("linectl")
    for name in ("linectl-9.8.7+a.b.dist-info", "linectl_other-1.dist-info", "linectl"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "gone"), str(tmp_path), *sys.path])
    assert installed() == "9.8.7+a.b"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_version_is_told() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "linectl", "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in ended.stderr
    assert "E-STO-001" in ended.stderr


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

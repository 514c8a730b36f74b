"""Long runs in virtual time leave the process as they found it (72 h of it: `benchmarks/twin_memory.py`).

Each soak has a process of its own: in that of the tests, memory that others gave back would hide what is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.twin_memory import GROWTH_AIM_MIB, Held, held

HOURS = 3
SETTLED = 1  # the second hour
SOAK = f"""
import dataclasses, json
from benchmarks.twin_memory import soak
found, _ = soak(hours={HOURS})
print(json.dumps([dataclasses.asdict(each) for each in found]))
"""
KEEPING = """
import os
from linectl.line.line import Line
kept, scanned = [], Line._scanned
def keep(line, group, scan):
    kept.append((scan, bytearray(os.urandom(512))))
    scanned(line, group, scan)
Line._scanned = keep
"""

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory in use from /proc (Linux)")


def soaked(before: str = "") -> list[Held]:
    """Return what a process holds at each hour of a soak, after it has run `before`."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", before + SOAK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Held(**each) for each in json.loads(done.stdout)]


def grown_mib(found: list[Held]) -> float:
    return found[-1].memory_mib - found[SETTLED].memory_mib


@needs_proc
def test_hours_of_scans_leave_no_memory_and_no_descriptor() -> None:
    found = soaked()
    assert [each.hour for each in found] == list(range(1, HOURS + 1))
    assert grown_mib(found) <= GROWTH_AIM_MIB
    assert {each.descriptors for each in found[SETTLED:]} == {found[SETTLED].descriptors}


@needs_proc
def test_a_scan_that_is_kept_shows_as_growth() -> None:
    assert grown_mib(soaked(KEEPING)) > GROWTH_AIM_MIB


@needs_proc
def test_a_descriptor_that_is_kept_is_counted(tmp_path: Path) -> None:
    before = held(0).descriptors
    with (tmp_path / "left open").open("w"):
        assert held(0).descriptors == before + 1

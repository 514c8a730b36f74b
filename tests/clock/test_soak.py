"""Long runs in virtual time leave the process as they found it (72 h of it: `benchmarks/twin_memory.py`)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.twin_memory import GROWTH_AIM_MIB, Held, held, soak
from linectl.line.line import Line
from linectl.model.readings import Scan

HOURS = 3
SETTLED = 1  # the second hour

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory in use from /proc (Linux)")


def grown_mib(found: list[Held]) -> float:
    return found[-1].memory_mib - found[SETTLED].memory_mib


@needs_proc
def test_hours_of_scans_leave_no_memory_and_no_descriptor() -> None:
    found, _ = soak(hours=HOURS)
    assert [each.hour for each in found] == list(range(1, HOURS + 1))
    assert grown_mib(found) <= GROWTH_AIM_MIB
    assert {each.descriptors for each in found[SETTLED:]} == {found[SETTLED].descriptors}


@needs_proc
def test_a_scan_that_is_kept_shows_as_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[Scan, bytearray]] = []
    scanned = Line._scanned

    def keep(line: Line, group: object, scan: Scan) -> None:
        kept.append((scan, bytearray(os.urandom(512))))
        scanned(line, group, scan)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Line, "_scanned", keep)
    found, _ = soak(hours=HOURS)
    assert grown_mib(found) > GROWTH_AIM_MIB
    assert len(kept) > HOURS * 3600


@needs_proc
def test_a_descriptor_that_is_kept_is_counted(tmp_path: Path) -> None:
    before = held(0).descriptors
    with (tmp_path / "left open").open("w"):
        assert held(0).descriptors == before + 1

"""The doctor tells of overdue calibrations as the line's policy has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.calibrations import Calibration
from linectl.server.doctor.calibrations import judge_calibrations
from linectl.server.doctor.finding import Level

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("due", "policy", "found"),
    [
        ("2026-11-22", "block", [("calibration_overdue", Level.ERROR, 6)]),
        ("2026-11-22", "warn", [("calibration_overdue", Level.WARNING, 6)]),
        ("2026-11-22", "ignore", [("calibration_overdue", Level.NOTE, 6)]),
        ("2026-12-23", "block", [("calibration_due", Level.NOTE, 5)]),
        ("2026-12-24", "block", []),
    ],
)
def test_dates_are_judged_by_the_policy(due: str, policy: str, found: list[tuple[str, Level, int]]) -> None:
    known = {"bath.temperature": Calibration("bath.temperature", 0.1, "°C", "2025-01-01", due)}
    line = replace(load_line(find_file("simulated.yaml")), calibrations=known, calibration_policy=policy)
    findings = list(judge_calibrations(line, TODAY))
    assert [(each.code, each.level, each.exit_code) for each in findings] == found
    assert all("linectl cal run bath.temperature" in each.do for each in findings)

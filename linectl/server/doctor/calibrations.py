"""The doctor's look at the calibrations of a line: which are overdue, which soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from linectl.model.lines import LineDefinition
from linectl.server.calibration_dates import due_dates
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.words import tr

__all__ = ["judge_calibrations"]

_SOON_DAYS = 30


def judge_calibrations(definition: LineDefinition, today: dt.date) -> Iterator[Finding]:
    """Give the calibrations that are overdue (an error where the line's policy lets no run begin) or due in 30 days."""
    blocks, ignored = definition.calibration_policy == "block", definition.calibration_policy == "ignore"
    for due in due_dates(definition, today):
        known = due.calibration
        do = tr("calibrate: linectl cal run {tag} --line {file}").format(tag=known.tag, file=definition.source)
        place = Place(tag=known.tag)
        if due.is_over:
            level = Level.NOTE if ignored else Level.ERROR if blocks else Level.WARNING
            what = tr("its calibration is overdue since {day}").format(day=known.due)
            yield Finding(level, "calibrations", "calibration_overdue", what, do, place, exit_code=6)
        elif due.days <= _SOON_DAYS:
            what = tr("its calibration is due on {day}").format(day=known.due)
            yield Finding(Level.NOTE, "calibrations", "calibration_due", what, do, place)

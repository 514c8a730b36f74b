"""Which calibrations of a line are overdue, and what that does to a run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from linectl.errors import Refused
from linectl.model.calibrations import Calibration
from linectl.model.lines import LineDefinition
from linectl.units import NS_PER_S
from linectl.words import ntr, tr

__all__ = ["Due", "day_of", "due_dates", "overdue", "overdue_text", "refuse_overdue"]


@dataclass(frozen=True, slots=True)
class Due:
    """One sensor's calibration and the days until it is due, below 0 when that is over."""

    calibration: Calibration
    days: int

    @property
    def is_over(self) -> bool:
        """Whether the day has passed: on the day itself the calibration still holds."""
        return self.days < 0


def day_of(t_ns: int) -> dt.date:
    """Return the day (UTC) of a time in ns UTC."""
    return dt.datetime.fromtimestamp(t_ns / NS_PER_S, dt.UTC).date()


def due_dates(definition: LineDefinition, today: dt.date) -> list[Due]:
    """Return the calibrations of a line, the most urgent first."""
    found = [Due(each, (dt.date.fromisoformat(each.due) - today).days) for each in definition.calibrations.values()]
    return sorted(found, key=lambda each: (each.days, each.calibration.tag))


def overdue(definition: LineDefinition, today: dt.date) -> list[Due]:
    """Return the calibrations that are past their date, unless the line's policy is to ignore that."""
    if definition.calibration_policy == "ignore":
        return []
    return [each for each in due_dates(definition, today) if each.is_over]


def overdue_text(late: Sequence[Due]) -> str:
    """Return which calibrations are overdue, since when."""
    each = tr("{tag} (due {due})")
    names = ", ".join(each.format(tag=due.calibration.tag, due=due.calibration.due) for due in late)
    return ntr("the calibration is overdue: {names}", "calibrations are overdue: {names}", len(late)).format(
        names=names
    )


def refuse_overdue(definition: LineDefinition, today: dt.date) -> str:
    """Return what is to be said of overdue calibrations before a run, "" for nothing.

    Raises:
        Refused: the line's policy is to block (E-CAL-001).
    """
    late = overdue(definition, today)
    if not late:
        return ""
    if definition.calibration_policy == "block":
        raise Refused(
            tr("not started: {why}").format(why=overdue_text(late)),
            hint=tr("calibrate: linectl cal run {tag} --line {file}").format(
                tag=late[0].calibration.tag, file=definition.source
            ),
            code="E-CAL-001",
        )
    return overdue_text(late)

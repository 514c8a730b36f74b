"""A bath's temperature from a spreadsheet: one cell, or a CSV file beside it with times and °C."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from linectl.errors import Problem
from linectl.lab.import_codes import ImportCode
from linectl.lab.spreadsheet import Cell, Column, Row, Sheet, read_sheet
from linectl.words import tr, with_comma

__all__ = ["CELSIUS", "TIME", "UNITS_AS_WRITTEN", "Trace", "Units", "read_trace", "temperature"]

TIME = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}
CELSIUS = {"c": 1.0, "degc": 1.0, "celsius": 1.0}
_GAP_S, _GAP_STEPS = 60.0, 5.0  # a hole is longer than this, and than so many usual steps


@dataclass(frozen=True, slots=True)
class Units:
    """What a person said the file's values are in, "" where its titles say it: `c` or `f`; `s`, `min` or `h`."""

    temperature: str = ""
    time: str = ""

    def column(self, column: Column) -> Column:
        """Return `column` in the units that were told."""
        if column.units is TIME:
            return replace(column, told=self.time)
        if column.units is CELSIUS and self.temperature:
            return replace(column, told=self.temperature, units=CELSIUS | {"f": 1.0})  # the 32 °F come off later
        return column


UNITS_AS_WRITTEN = Units()

_TRACE_COLUMNS = (
    Column("t", "t_s", ("t", "time", "temps"), TIME),
    Column("temperature", "temperature_c", ("temperature", "temp"), CELSIUS),
)


@dataclass(frozen=True, slots=True)
class Trace:
    """The points (s, °C) of a trace file, and what is doubtful about them."""

    points: tuple[tuple[float, float], ...] = ()
    warnings: tuple[Problem, ...] = ()


def temperature(sheet: Sheet, cell: Cell, units: Units = UNITS_AS_WRITTEN) -> float | None:
    """Return a cell's °C; a value that no bath of water has is a problem, with the unit it looks like."""
    value = sheet.number(cell)
    if value is None:
        return None
    if units.temperature == "f":
        value = (value - 32.0) / 1.8
    if 0 <= value <= 100:
        return value
    if 100 < value <= 212 and not units.temperature:
        text = tr("{value:g} looks like °F = {celsius:.1f} °C; write °C, or say --temperature-unit f")
        sheet.problem(cell, with_comma(text.format(value=value, celsius=(value - 32.0) / 1.8)), ImportCode.FAHRENHEIT)
        return value
    text = tr("{value:g} °C is outside 0 to 100 °C")
    if 273 <= value <= 373.2:
        text += tr("; is it in K? subtract 273.15")
    sheet.problem(cell, with_comma(text.format(value=value)), ImportCode.TEMPERATURE)
    return value


def read_trace(path: Path, sheet: Sheet, cell: Cell, units: Units = UNITS_AS_WRITTEN) -> Trace:
    """Return the trace in the file that `cell` names, which stands beside the sheet; problems go to the sheet."""
    file = path.parent / cell.text
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        text = tr("the trace {file} cannot be read: {error}").format(file=file, error=error)
        sheet.problem(cell, text, ImportCode.TRACE_UNREADABLE)
        return Trace()
    trace = read_sheet(file, content, [units.column(column) for column in _TRACE_COLUMNS], ("t", "temperature"))
    points: list[tuple[float, float]] = []
    rows: list[Row] = []
    if not trace.problems:
        for row in trace.rows:
            t_s, value = trace.number(row.cells["t"]), temperature(trace, row.cells["temperature"], units)
            if t_s is not None and value is not None:
                points.append((t_s, value))
                rows.append(row)
        _must_go_up(trace, points, rows)
        if len(points) < 2:
            text = tr("a trace needs two rows at least")
            trace.problems.append(Problem(str(file), 1, 1, "", text, ImportCode.TRACE_UNREADABLE))
    sheet.problems += trace.problems
    return Trace(tuple(points), tuple(_gaps(trace, points, rows)))


def _must_go_up(trace: Sheet, points: list[tuple[float, float]], rows: list[Row]) -> None:
    for ((before_s, _), (after_s, _)), row in zip(pairwise(points), rows[1:], strict=True):
        if after_s <= before_s:
            text = tr("times of a trace go up: {after:g} s comes after {before:g} s; sort the rows, one per time")
            trace.problem(
                row.cells["t"], with_comma(text.format(after=after_s, before=before_s)), ImportCode.TRACE_OUT_OF_ORDER
            )


def _gaps(trace: Sheet, points: list[tuple[float, float]], rows: list[Row]) -> list[Problem]:
    """Return the holes of a trace: the bath is taken to have gone straight from one side to the other."""
    if len(points) < 3:
        return []
    usual_s = median(after - before for (before, _), (after, _) in pairwise(points))
    text = tr(
        "no temperature from {before:g} to {after:g} s, where stamps usually are {usual:g} s apart; add them, or end "
        "these bottles' intervals before the hole; else a straight line is taken"
    )
    return [
        trace.at(
            row.cells["t"], with_comma(text.format(before=before_s, after=after_s, usual=usual_s)), ImportCode.TRACE_GAP
        )
        for ((before_s, _), (after_s, _)), row in zip(pairwise(points), rows[1:], strict=True)
        if after_s - before_s > max(_GAP_S, _GAP_STEPS * usual_s)
    ]

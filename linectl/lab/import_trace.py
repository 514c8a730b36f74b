"""A bath's temperature from a spreadsheet: one cell, or a CSV file beside it with times and °C."""

from __future__ import annotations

from pathlib import Path

from linectl.errors import Problem
from linectl.lab.spreadsheet import Cell, Column, Sheet, read_sheet
from linectl.words import tr

__all__ = ["CELSIUS", "TIME", "read_trace", "temperature"]

TIME = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}
CELSIUS = {"c": 1.0, "degc": 1.0, "celsius": 1.0}
_TRACE_COLUMNS = (
    Column("t", "t_s", ("t", "time", "temps"), TIME),
    Column("temperature", "temperature_c", ("temperature", "temp"), CELSIUS),
)


def temperature(sheet: Sheet, cell: Cell) -> float | None:
    """Return a cell's °C; a value that no bath of water has is a problem, with the unit it looks like."""
    value = sheet.number(cell)
    if value is None or 0 <= value <= 100:
        return value
    text = tr("{value:g} °C is outside 0 to 100 °C")
    if 273 <= value <= 373.2:
        text += tr("; is it in K? subtract 273.15")
    elif 100 < value <= 212:
        text += tr("; is it in °F? subtract 32, then divide by 1.8")
    sheet.problem(cell, text.format(value=value))
    return value


def read_trace(path: Path, sheet: Sheet, cell: Cell) -> tuple[tuple[float, float], ...]:
    """Return the points (s, °C) of the trace file that `cell` names, which stands beside the sheet."""
    file = path.parent / cell.text
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        sheet.problem(cell, tr("the trace {file} cannot be read: {error}").format(file=file, error=error))
        return ()
    trace = read_sheet(file, content, _TRACE_COLUMNS, ("t", "temperature"))
    points: list[tuple[float, float]] = []
    if not trace.problems:
        for row in trace.rows:
            t_s, value = trace.number(row.cells["t"]), temperature(trace, row.cells["temperature"])
            if t_s is not None and value is not None:
                points.append((t_s, value))
        for (before, _), (after, _), row in zip(points, points[1:], trace.rows[1:], strict=False):
            if after <= before:
                trace.problem(row.cells["t"], tr("times of a trace go up"))
        if len(points) < 2:
            trace.problems.append(Problem(str(file), 1, 1, "", tr("a trace needs two rows at least")))
    sheet.problems += trace.problems
    return tuple(points)

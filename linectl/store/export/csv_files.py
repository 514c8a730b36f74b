"""Tables as CSV: for machines (comma, dot, UTF-8, line feed), and for a French Excel (`--excel-fr`).

Excel's side, from Microsoft's "Excel specifications and limits": 1,048,576 rows with the header, 32,767 characters in
a cell, 15 significant digits. A text that begins like a formula is disarmed by an apostrophe (CWE-1236).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain, islice

from linectl.store.export.columns import Column
from linectl.store.export.sink import Counting, Sink, Written
from linectl.store.export.tables import Row, Table

__all__ = ["EXCEL_ROWS", "write_csv", "write_excel_fr"]

EXCEL_ROWS = 1_048_576
_EXCEL_CELL = 32_767
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHUNK = 512  # rows that are made before they are hashed and written


def write_csv(sink: Sink, table: Table) -> list[Written]:
    """Write `table` with one header line; missing is an empty field, a float its shortest exact form."""
    header = [column.name for column in table.columns]
    return [_write(sink.file(f"{table.name}.csv"), header, table.rows(), "\n", ",", "")]


def write_excel_fr(sink: Sink, table: Table, zone: tzinfo | None = None, rows: int = EXCEL_ROWS) -> list[Written]:
    """Write `table` for a French Excel: byte order mark, `;`, decimal comma, CRLF, French headers with their units.

    A table of more than `rows` rows goes into numbered parts. `zone` is the plant's (None: this machine's).
    """
    shown = [(index, column) for index, column in enumerate(table.columns) if not column.machine]
    clock_at = next((index for index, column in shown if column.name == "time"), None)
    instant = next((index for index, column in enumerate(table.columns) if column.name == "time_ns"), None)
    header = [text for index, column in shown for text in _titles(column, is_clock=index == clock_at)]

    def cells(row: Row) -> Iterator[str]:
        for index, column in shown:
            if index == clock_at and instant is not None:
                yield from _local(row[instant], zone)
            else:
                yield _excel(row[index], column)

    found: list[Written] = []
    lines = iter(table.rows())
    first = next(lines, None)
    while first is not None or not found:
        name = table.name if not found else f"{table.name}_{len(found) + 1}"
        mine = islice(chain([] if first is None else [first], lines), rows - 1)
        found.append(_write(sink.file(f"{name}.csv"), header, map(list, map(cells, mine)), "\r\n", ";", "\ufeff"))
        first = next(lines, None)
    return found


def _write(
    opened: AbstractContextManager[tuple[Counting, Written]],
    header: list[str],
    rows: Iterable[Iterable[object]],
    end: str,
    separator: str,
    mark: str,
) -> Written:
    with opened as (file, written):
        text = io.StringIO(newline="")
        text.write(mark)
        writer = csv.writer(text, lineterminator=end, delimiter=separator)
        writer.writerow(header)
        count = 0
        left = iter(rows)
        while chunk := list(islice(left, _CHUNK)):
            writer.writerows(chunk)
            count += len(chunk)
            _flush(text, file.write)
        _flush(text, file.write)
        written.rows = count
    return written


def _flush(text: io.StringIO, write: Callable[[bytes], int]) -> None:
    write(text.getvalue().encode())
    text.seek(0)
    text.truncate()


def _titles(column: Column, *, is_clock: bool) -> list[str]:
    if is_clock:
        return ["temps_iso", "heure_locale"]
    title = column.title_fr or column.name
    return [f"{title} ({column.unit})" if column.unit and title != column.name else title]


def _local(ns: object, zone: tzinfo | None) -> tuple[str, str]:
    """Return a wall time (ns UTC) as ISO text with the local offset, and as a French Excel reads a date."""
    assert isinstance(ns, int)
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ns // 1_000_000)
    local = at.astimezone(zone)
    return local.isoformat(timespec="milliseconds"), f"{local:%d/%m/%Y %H:%M:%S},{local.microsecond // 1000:03}"


def _excel(value: object, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return format(value, ".15g").replace(".", ",")
    if isinstance(value, str) and column.type == "string":
        text = f"'{value}" if value.startswith(_FORMULA) else value
        return text if len(text) <= _EXCEL_CELL else f"{text[: _EXCEL_CELL - 1]}…"
    return str(value)

"""A spreadsheet saved as CSV: its cells with their places, its columns known by quantity and unit. No meaning yet."""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from linectl.errors import Problem
from linectl.lab.import_codes import ImportCode
from linectl.words import tr

__all__ = ["Cell", "Column", "Row", "Sheet", "read_sheet"]

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")

_MOST = 1e9  # of any quantity here; as seconds, 31 years


@dataclass(frozen=True, slots=True)
class Column:
    """A quantity that a sheet may have: the words for it, and by unit the factor to the canonical one.

    `canonical` is how the column is best named; no `units`: the column is text or a count. `told` is the unit that a
    person said the values are in, whatever the title says.
    """

    name: str
    canonical: str
    words: tuple[str, ...]
    units: Mapping[str, float] = field(default_factory=dict)
    told: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text without blanks around it, and its place, line and column from 1."""

    text: str
    line: int
    column: int
    header: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the sheet, its cells by the name of their column."""

    line: int
    cells: Mapping[str, Cell]


@dataclass(slots=True)
class Sheet:
    """A sheet's rows, and every problem found in it so far."""

    file: str
    rows: list[Row] = field(default_factory=list)
    headers: dict[str, Cell] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _factors: dict[str, float] = field(default_factory=dict)
    _comma_is_decimal: bool = False

    def problem(self, cell: Cell, message: str, code: ImportCode) -> None:
        """Note what is wrong with `cell`."""
        self.problems.append(self.at(cell, message, code))

    def at(self, cell: Cell, message: str, code: ImportCode) -> Problem:
        """Return what is to be said about `cell`, with its place."""
        where = tr("column {name}").format(name=cell.header)
        return Problem(self.file, cell.line, cell.column, where, message, code)

    def number(self, cell: Cell, text: str | None = None) -> float | None:
        """Return the cell's number (or that of `text`, a part of it) in the canonical unit; None: a problem."""
        told = cell.text if text is None else text
        comma = "," in told
        if not _NUMBER.fullmatch(told) or (comma and not self._comma_is_decimal):
            self.problem(
                cell, tr("{text!r} is not a number (no unit, no blank inside)").format(text=cell.text), ImportCode.VALUE
            )
            return None
        value = float(told.replace(",", ".")) * self._factors[self._name_of(cell)]
        if abs(value) > _MOST:
            self.problem(cell, tr("{text!r} is too large").format(text=cell.text), ImportCode.VALUE)
            return None
        return value

    def _name_of(self, cell: Cell) -> str:
        return next(name for name, header in self.headers.items() if header.column == cell.column)


def read_sheet(path: Path, content: bytes, columns: Sequence[Column], required: Sequence[str]) -> Sheet:
    """Return the sheet in `content` (CSV with `,` `;` or tab; UTF-8, UTF-16 with its mark, else Windows-1252).

    With `;` or tab as separator a number may have a decimal comma. Columns that are not in `columns` are left aside.
    """
    text = _decode(content)
    first = text.split("\n", 1)[0]
    separator = max(";\t,", key=first.count)
    sheet = Sheet(str(path), _comma_is_decimal=separator != ",")
    lines = _lines(sheet, text, separator)
    _, header = next(lines, (1, []))
    titles = _recognise(sheet, header, columns)
    _missing(sheet, header, columns, required)
    for line, fields in lines:
        if any(value.strip() for value in fields):
            cells = {
                name: Cell(fields[index].strip() if index < len(fields) else "", line, index + 1, header[index].strip())
                for index, name in titles.items()
            }
            sheet.rows.append(Row(line, cells))
    return sheet


def _lines(sheet: Sheet, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row's fields with its line; what cannot be split ends the file with a problem."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for fields in reader:
            yield reader.line_num, fields
    except csv.Error as error:
        sheet.problems.append(
            Problem(
                sheet.file,
                max(1, reader.line_num),
                1,
                "",
                tr("not CSV: {error}").format(error=error),
                ImportCode.UNREADABLE,
            )
        )


def _decode(content: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # what Excel in French writes unless told otherwise


def _recognise(sheet: Sheet, header: Sequence[str], columns: Sequence[Column]) -> dict[int, str]:
    """Return which column of the file is which quantity; a unit that is unknown or missing is a problem."""
    titles: dict[int, str] = {}
    for index, title in enumerate(header):
        cell = Cell(title.strip(), 1, index + 1, title.strip())
        found = _match(_plain(title), columns)
        if found is None:
            continue
        column, unit = found
        if column.name in sheet.headers:
            other = sheet.headers[column.name].header
            sheet.problem(cell, tr("says the same as column {other}: keep one").format(other=other), ImportCode.COLUMNS)
            continue
        unit = column.told or unit
        if column.units and unit not in column.units:
            sheet.problem(cell, _unit_problem(column, unit), ImportCode.UNIT)
        sheet.headers[column.name] = cell
        sheet._factors[column.name] = column.units.get(unit, 1.0)  # noqa: SLF001  # the sheet's own maker
        titles[index] = column.name
    return titles


def _unit_problem(column: Column, unit: str) -> str:
    known = ", ".join(column.units)
    if not unit:
        text = tr("no unit is given; name the column {canonical} (units known: {known})")
    else:
        text = tr(
            "unit {unit!r} is not known here; convert the values and name the column {canonical} (known: {known})"
        )
    return text.format(unit=unit, canonical=column.canonical, known=known)


def _match(title: str, columns: Sequence[Column]) -> tuple[Column, str] | None:
    """Return the column that a plain title names, with the unit at its end ("" for none)."""
    for column in columns:
        for word in column.words:
            if title == word:
                return column, ""
            if column.units and title.startswith(f"{word}_"):
                return column, title.removeprefix(f"{word}_")
    return None


def _missing(sheet: Sheet, header: Sequence[str], columns: Sequence[Column], required: Sequence[str]) -> None:
    plain = {_plain(title): title.strip() for title in header}
    for name in required:
        if name in sheet.headers:
            continue
        column = next(column for column in columns if column.name == name)
        near = difflib.get_close_matches(column.canonical, plain, n=1, cutoff=0.6)
        text = tr("no column {name}").format(name=column.canonical)
        if near:
            text += tr("; is it {near!r}?").format(near=plain[near[0]])
        sheet.problems.append(Problem(sheet.file, 1, 1, tr("header"), text, ImportCode.COLUMNS))


def _plain(title: str) -> str:
    """Return a title in small letters without accents, blanks and brackets: `Durée (min)` is `duree_min`."""
    letters = unicodedata.normalize("NFD", title.strip().casefold().replace("%", " pct ").replace("°", " "))
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "_", kept).strip("_")

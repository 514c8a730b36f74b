"""Looks for bottles that never released and were left out of a file of past trials: they bias everything.

1. A column `n_bottles` must be the number of the bath's rows; with it nothing else is asked.
2. A bath with fewer bottles of a glue than another bath, and none of that glue still on, is refused.
3. A file in which no bottle is still on, and whose numbered bottles have holes, is refused.
4. A file in which no bottle is still on at all is warned about.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from linectl.errors import Problem
from linectl.lab.import_codes import ImportCode
from linectl.lab.past_trials import ImportedBottle
from linectl.lab.spreadsheet import Row, Sheet
from linectl.words import tr

__all__ = ["look_for_dropped"]

_NUMBERED = re.compile(r"(.*?)(\d+)")


def look_for_dropped(sheet: Sheet, bottles: Sequence[ImportedBottle]) -> list[Problem]:
    """Note where bottles that never released seem to be missing; return what is only suspicious."""
    counted = "n_bottles" in sheet.headers
    if counted:
        _check_counts(sheet)
        return []
    _check_cells(sheet, bottles)
    if any(bottle.hi_s is None for bottle in bottles):
        return []
    if _check_numbers(sheet, bottles):
        return []
    text = tr("no bottle is still on at its last look; if such bottles were left out, add them with an empty hi")
    return [sheet.at(sheet.headers["hi"], text, ImportCode.NONE_STILL_ON)]


def _check_counts(sheet: Sheet) -> None:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in sheet.rows:
        rows[row.cells["bath"].text].append(row)
    for bath, mine in rows.items():
        cell = mine[0].cells["n_bottles"]
        told = sheet.number(cell)
        if told is not None and told != len(mine):
            text = tr("bath {bath} has {rows} rows; add the bottles still on with an empty hi")
            sheet.problem(cell, text.format(bath=bath, rows=len(mine)), ImportCode.DROPPED)


def _check_cells(sheet: Sheet, bottles: Sequence[ImportedBottle]) -> None:
    """Refuse a bath with fewer bottles of a glue than another, when none of them is still on."""
    cells: dict[tuple[str, str], list[ImportedBottle]] = defaultdict(list)
    for bottle in bottles:
        cells[bottle.glue, bottle.bath].append(bottle)
    most = Counter[str]()
    for (glue, _), mine in cells.items():
        most[glue] = max(most[glue], len(mine))
    lines = {row.line: row for row in sheet.rows}
    for (glue, bath), mine in cells.items():
        if len(mine) < most[glue] and all(bottle.hi_s is not None for bottle in mine):
            text = tr(
                "bath {bath} has {count} bottles of {glue} where others have {most}, and none still on: "
                "add those that never released with an empty hi, or say in a column n_bottles how many went in"
            )
            sheet.problem(
                lines[mine[-1].line].cells["hi"],
                text.format(bath=bath, count=len(mine), glue=glue, most=most[glue]),
                ImportCode.DROPPED,
            )


def _check_numbers(sheet: Sheet, bottles: Sequence[ImportedBottle]) -> bool:
    """Refuse holes in the numbers of bottles, when most of the series is there; tell whether there were any."""
    lines = {row.line: row for row in sheet.rows}
    found: dict[tuple[str, int], int] = {}
    width: dict[str, int] = defaultdict(lambda: 1)  # of numbers with leading zeros: B01 comes before B10
    for bottle in bottles:
        numbered = _NUMBERED.fullmatch(bottle.label)
        if numbered is None:
            return False
        found.setdefault((numbered[1], int(numbered[2])), bottle.line)
        if numbered[2].startswith("0"):
            width[numbered[1]] = len(numbered[2])
    holes = False
    for (prefix, number), (following_prefix, following) in pairwise(sorted(found)):
        missing = following - number - 1
        if prefix == following_prefix and 0 < missing <= len(found) / 2:
            holes = True
            text = tr(
                "bottles {prefix}{first} to {prefix}{last} are not in the file, and no bottle is still on: "
                "add those that never released with an empty hi, or say in a column n_bottles how many went in"
            )
            cell = lines[found[prefix, following]].cells["bottle"]
            first, last = (str(each).zfill(width[prefix]) for each in (number + 1, following - 1))
            told = text.format(prefix=prefix, first=first, last=last)
            sheet.problem(cell, told, ImportCode.DROPPED)
    return holes

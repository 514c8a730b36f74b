"""Looks for what a file of past trials cannot mean: unknown glues, minutes told as seconds, one temperature alone."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Sequence

from linectl.errors import Problem
from linectl.lab.import_codes import ImportCode
from linectl.lab.past_trials import ImportedBath, ImportedBottle
from linectl.lab.spreadsheet import Sheet
from linectl.words import tr, with_comma

__all__ = ["look_for_doubts"]

_SHORTEST_S = 60.0  # no test of label removal ends sooner: labels need minutes; a cap of 15, 20 or 30 min stays below
_RARE = 0.2  # a name with fewer bottles than this share of another's may be a slip of the pen
_NEAR = 0.8  # so alike (difflib's ratio) are names that only a slip tells apart
_HOURS_S = 2.0  # below it, hours are likelier than minutes


def look_for_doubts(
    sheet: Sheet,
    bottles: Sequence[ImportedBottle],
    baths: Sequence[ImportedBath],
    *,
    glues: Collection[str] | None,
    time_unit: str,
) -> list[Problem]:
    """Note what cannot be meant; return what is only doubtful. A `time_unit` that was told is believed."""
    doubtful = _near_doubles(sheet, bottles) if glues is None else []
    if glues is not None:
        _unknown_glues(sheet, glues)
    if bottles and not time_unit:
        _too_short(sheet, bottles)
    if not bottles or not baths:
        return doubtful
    return doubtful + _one_temperature(sheet, baths) + _short_traces(sheet, bottles, baths)


def _unknown_glues(sheet: Sheet, glues: Collection[str]) -> None:
    for row in sheet.rows:
        cell = row.cells["glue"]
        if cell.text in glues or not cell.text:
            continue
        near = difflib.get_close_matches(cell.text, glues, n=1, cutoff=0.6)
        text = tr("glue {glue!r} is not one of {glues}").format(glue=cell.text, glues=", ".join(sorted(glues)))
        if near:
            text += tr("; is it {near!r}?").format(near=near[0])
        sheet.problem(cell, text, ImportCode.UNKNOWN_GLUE)


def _near_doubles(sheet: Sheet, bottles: Sequence[ImportedBottle]) -> list[Problem]:
    """Return glues of few bottles whose name is nearly that of another: a slip of the pen makes a glue of its own."""
    count = Counter(bottle.glue for bottle in bottles)
    first = {bottle.glue: bottle.line for bottle in reversed(bottles)}
    lines = {row.line: row for row in sheet.rows}
    found = []
    for glue, number in count.items():
        larger = {other.casefold(): other for other in count if count[other] * _RARE > number and other != glue}
        near = difflib.get_close_matches(glue.casefold(), larger, n=1, cutoff=_NEAR)
        if near:
            text = tr("glue {glue!r} has {number} bottles of its own; is it {near!r}? --glues names those there are")
            told = text.format(glue=glue, number=number, near=larger[near[0]])
            found.append(sheet.at(lines[first[glue]].cells["glue"], told, ImportCode.UNKNOWN_GLUE))
    return found


def _too_short(sheet: Sheet, bottles: Sequence[ImportedBottle]) -> None:
    longest_s = max(bottle.lo_s if bottle.hi_s is None else bottle.hi_s for bottle in bottles)
    if longest_s >= _SHORTEST_S:
        return
    if longest_s < _HOURS_S:
        text = tr(
            "no bottle was watched longer than {longest:g} s: are these hours? say --time-unit h (min for minutes, s "
            "if they are seconds)"
        )
    else:
        text = tr(
            "no bottle was watched longer than {longest:g} s: are these minutes? say --time-unit min (h for hours, s "
            "if they are seconds)"
        )
    sheet.problem(sheet.headers["hi"], with_comma(text.format(longest=longest_s)), ImportCode.TIME_UNIT)


def _one_temperature(sheet: Sheet, baths: Sequence[ImportedBath]) -> list[Problem]:
    temperatures_c = {round(bath.temperature_c) for bath in baths}
    if len(temperatures_c) > 1:
        return []
    text = tr(
        "all baths stood at {temperature:g} °C: nothing can be said of another temperature; add baths 10 K away or more"
    )
    cell = sheet.headers.get("temperature") or sheet.headers["trace"]
    return [sheet.at(cell, with_comma(text.format(temperature=baths[0].temperature_c)), ImportCode.ONE_TEMPERATURE)]


def _short_traces(sheet: Sheet, bottles: Sequence[ImportedBottle], baths: Sequence[ImportedBath]) -> list[Problem]:
    """Return the baths whose trace ends before their last look, or begins after their first bottle."""
    found = []
    lines = {row.line: row for row in sheet.rows}
    text = tr("the trace has stamps from {first:g} to {last:g} s, the bottles were in from {began:g} to {ended:g} s")
    for bath in baths:
        mine = [bottle for bottle in bottles if bottle.bath == bath.name]
        if not bath.trace or not mine:
            continue
        began_s = min(bottle.inserted_s for bottle in mine)
        ended_s = max(bottle.inserted_s + (bottle.lo_s if bottle.hi_s is None else bottle.hi_s) for bottle in mine)
        first_s, last_s = bath.trace[0][0], bath.trace[-1][0]
        if began_s < first_s or ended_s > last_s:
            told = text.format(first=first_s, last=last_s, began=began_s, ended=ended_s)
            found.append(sheet.at(lines[mine[0].line].cells["trace"], with_comma(told), ImportCode.TRACE_SHORT))
    return found

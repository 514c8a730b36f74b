"""Past wash lots from a spreadsheet: what an inspector counted before linectl listened to it, or where it cannot.

Columns: lot, glue, bottles (that passed the inspector), rejected, washed (2026-05-03, 2026-05-03 14:00, with an offset
or in the computer's own zone; 03/05/2026 is the third of May). Optional: label_rejected (thrown out for their label, of
all those rejected), recipe, grower, bottle (its model). Titles may be French. A mistake is named with line and column,
and then nothing of the file is taken.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from linectl.clock import wall_ns
from linectl.errors import ConfigError, Problem, Refused
from linectl.lab.import_codes import ImportCode
from linectl.lab.spreadsheet import Cell, Column, Row, Sheet, read_sheet
from linectl.model.lots import Lot
from linectl.model.records import Act, Event
from linectl.server.places import store_path
from linectl.store.reader import StoreReader
from linectl.store.store import open_store
from linectl.units import s_to_ns
from linectl.words import tr

__all__ = ["Taken", "keep_lots", "read_lots"]

_COLUMNS = (
    Column("lot", "lot", ("lot", "lot_de_lavage")),
    Column("glue", "glue", ("glue", "colle")),
    Column("bottles", "bottles", ("bottles", "bouteilles")),
    Column("rejected", "rejected", ("rejected", "rejets", "rejetees")),
    Column("washed", "washed", ("washed", "date", "lave", "lave_le")),
    Column("label_rejected", "label_rejected", ("label_rejected", "rejets_etiquette")),
    Column("recipe", "recipe", ("recipe", "recette")),
    Column("grower", "grower", ("grower", "vigneron", "domaine")),
    Column("bottle", "bottle", ("bottle", "bottle_model", "modele", "modele_de_bouteille")),
)
_REQUIRED = ("lot", "glue", "bottles", "rejected", "washed")
_BY_DAY = ("%d/%m/%Y %H:%M", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in: lots that are new, and those that were there already, the same."""

    new: tuple[str, ...]
    known: tuple[str, ...]
    store: Path


def read_lots(path: Path, *, by: str) -> list[Lot]:
    """Return the lots in the CSV file `path`, entered by `by`.

    Raises:
        ConfigError: every problem at once, with file, line and column.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        text = tr("{file} cannot be read: {error}").format(file=path, error=error.strerror)
        raise ConfigError(text, code=ImportCode.UNREADABLE) from error
    sheet = read_sheet(path, content, _COLUMNS, _REQUIRED)
    if not sheet.rows and not sheet.problems:
        sheet.problems.append(Problem(sheet.file, 1, 1, "", tr("the file has no rows"), ImportCode.COLUMNS))
    lots = [] if sheet.problems else [lot for row in sheet.rows if (lot := _lot(sheet, row, by))]
    _refuse_doubles(sheet)
    if sheet.problems:
        codes = {problem.code for problem in sheet.problems}
        raise ConfigError(sheet.problems, code=codes.pop() if len(codes) == 1 else ImportCode.SEVERAL)
    return lots


def keep_lots(file: Path, lots: Sequence[Lot], data: Path | None, *, by: str) -> Taken:
    """Write `lots`, read from `file`, into the store of imports in `data` (else the state folder).

    A lot that is there already, the same, is left as it is.

    Raises:
        Refused: a lot of that name is there with other figures, or another process writes the store; nothing is taken.
        StoreError: the store cannot be written.
    """
    target = store_path(None, data)
    there = {lot.name: lot for lot in StoreReader(target).lots()} if target.exists() else {}
    known = [lot for lot in lots if lot.name in there]
    for lot in known:
        if _figures(there[lot.name]) != _figures(lot):
            text = tr("lot {name} is there already with other figures: {rejected} of {bottles} rejected")
            old = there[lot.name]
            raise Refused(
                text.format(name=lot.name, rejected=old.rejected, bottles=old.bottles_seen),
                hint=tr("give the lot of this file another name; nothing of it was taken"),
            )
    new = [lot for lot in lots if lot.name not in there]
    if new:
        told = {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "lots": len(new)}
        act = Act(wall_ns(), by, "import_lots", file.name, new=told)
        asyncio.run(_write(target, new, Event(act.ts_ns, "lots_imported", told, act=act)))
    return Taken(tuple(lot.name for lot in new), tuple(lot.name for lot in known), target)


async def _write(target: Path, lots: Sequence[Lot], event: Event) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    store = open_store(target, line="-", virtual=True)
    await store.open()
    try:
        await store.put_lots(lots, {}, event)
    finally:
        await store.close()


def _figures(lot: Lot) -> tuple[object, ...]:
    return lot.glue, lot.bottles_seen, lot.rejected, lot.label_rejects, lot.washed_ns, lot.recipe


def _lot(sheet: Sheet, row: Row, by: str) -> Lot | None:
    """Return the lot of `row`, or None when its problems were noted."""
    before = len(sheet.problems)
    for name in ("lot", "glue", "washed"):
        if not row.cells[name].text:
            sheet.problem(row.cells[name], tr("is empty"), ImportCode.VALUE)
    bottles, rejected, label = (_count(sheet, row, name) for name in ("bottles", "rejected", "label_rejected"))
    washed_ns = _time(sheet, row.cells["washed"])
    for name, count, most in (("rejected", rejected, bottles), ("label_rejected", label, rejected)):
        if count is not None and most is not None and count > most:
            text = tr("{count} cannot be out of {most}").format(count=count, most=most)
            sheet.problem(row.cells[name], text, ImportCode.VALUE)
    if len(sheet.problems) > before or bottles is None or rejected is None or washed_ns is None:
        return None

    def told(name: str) -> str:
        return row.cells[name].text if name in row.cells else ""

    return Lot(
        name=told("lot"),
        grower=told("grower"),
        bottle=told("bottle"),
        glue=told("glue"),
        started_ns=washed_ns,
        started_by=by,
        recipe=told("recipe"),
        ended_ns=washed_ns,
        ended_by=by,
        washed_ns=washed_ns,
        bottles_in=bottles,
        bottles_seen=bottles,
        rejected=rejected,
        label_rejects=label,
    )


def _count(sheet: Sheet, row: Row, name: str) -> int | None:
    """Return a count; None where the column is not there or empty (where it may be), or a problem was noted."""
    cell = row.cells.get(name)
    if cell is None or (not cell.text and name not in _REQUIRED):
        return None
    value = sheet.number(cell)
    if value is None:
        return None
    if value < 0 or not value.is_integer():
        sheet.problem(cell, tr("expected a whole number"), ImportCode.VALUE)
        return None
    return int(value)


def _time(sheet: Sheet, cell: Cell) -> int | None:
    if not cell.text:
        return None
    try:
        when = _by_day(cell.text) or datetime.fromisoformat(cell.text)
        return s_to_ns(when.astimezone().timestamp())
    except (ValueError, OverflowError, OSError):
        text = tr("{text!r} is no date: write 2026-05-03 or 2026-05-03 14:00").format(text=cell.text)
        sheet.problem(cell, text, ImportCode.VALUE)
        return None


def _by_day(text: str) -> datetime | None:
    """Return the time that `text` writes as day/month/year; None when it does not."""
    for form in _BY_DAY if "/" in text else ():
        try:
            return datetime.strptime(text, form).astimezone()
        except ValueError:
            continue
    return None


def _refuse_doubles(sheet: Sheet) -> None:
    first: dict[str, int] = {}
    for row in sheet.rows:
        cell = row.cells.get("lot")
        if cell is None or not cell.text:
            continue
        if cell.text in first:
            text = tr("lot {name} stands in line {line} already").format(name=cell.text, line=first[cell.text])
            sheet.problem(cell, text, ImportCode.VALUE)
        first.setdefault(cell.text, row.line)

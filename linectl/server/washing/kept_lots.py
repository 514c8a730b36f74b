"""Wash lots from a store, where nobody serves its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from linectl.clock import wall_ns
from linectl.errors import Refused, StoreError
from linectl.server.places import state_folder, store_path
from linectl.server.washing.lot_told import is_due, lot_told
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["lot_kept", "lots_kept"]


def lots_kept(data: Path | None, line: str, *, limit: int = 0, due_days: float | None = None) -> list[dict[str, Any]]:
    """Return the lots of the line's store, the newest first; `due_days`: those that must be used within so many.

    `line` is a line's name or file; "" takes the one store of `data` (else the state folder) that has lots.

    Raises:
        ConfigError: there is no such line.
        Refused: no store has lots, or several have (E-LOT-004).
        StoreError: the line has no store yet, or it cannot be read.
    """
    now_ns = wall_ns()
    lots = reversed(_reader(data, line).lots())
    found = [lot for lot in lots if due_days is None or is_due(lot, now_ns, due_days)]
    return [lot_told(lot, now_ns) for lot in (found[:limit] if limit else found)]


def lot_kept(data: Path | None, line: str, name: str) -> dict[str, Any]:
    """Return a lot of the line's store, with the exact interval of its label rejects.

    Raises:
        Refused: there is no such lot; else as `lots_kept`.
    """
    return lot_told(_reader(data, line).lot(name), wall_ns(), interval=True)


def _reader(data: Path | None, line: str) -> StoreReader:
    if line:
        from linectl.config.files import find_file
        from linectl.config.load import load_line

        return StoreReader(store_path(load_line(find_file(line, folder="config")), data))
    folder = data or state_folder()
    found = [reader for file in sorted(folder.glob("*.db")) if (reader := _with_lots(file)) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(reader.line() for reader in found)
        text = tr("several lines have lots: {lines}").format(lines=names)
        raise Refused(text, hint=tr("say which one with --line NAME"), code="E-LOT-004")
    text = tr("no store in {folder} has lots, and no line is served").format(folder=folder)
    raise Refused(text, hint=tr("name the line's file with --line, or the folder with --data"), code="E-LOT-004")


def _with_lots(file: Path) -> StoreReader | None:
    try:
        reader = StoreReader(file)
        return reader if reader.lots() else None
    except StoreError:
        return None  # some other file; whoever means it names it

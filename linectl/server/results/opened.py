"""The store that a question goes to where none is named: that of the last run. Light: completion at TAB asks it too."""

from __future__ import annotations

from pathlib import Path

from linectl.errors import Refused
from linectl.server.places import last_run, state_folder
from linectl.store.reader import StoreReader

__all__ = ["open_reader"]


def open_reader(data: Path | None) -> StoreReader:
    """Return a read-only view of the store of the last run (in `data`, else the state folder).

    Where no run was made yet, it is the store that was written last: a served line keeps its record from the start.

    Raises:
        Refused: there is neither.
    """
    try:
        return StoreReader(last_run(data).store)
    except Refused:
        stores = sorted((data or state_folder()).glob("*.db"), key=lambda file: file.stat().st_mtime_ns)
        if not stores:
            raise
        return StoreReader(stores[-1])

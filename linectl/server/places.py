"""Where stores and the note of the last run stand on this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from linectl.errors import Refused
from linectl.words import tr

if TYPE_CHECKING:  # a verb that only asks a server must not wait for the forms of lines
    from linectl.model.lines import LineDefinition

__all__ = ["LastRun", "last_run", "note_last_run", "state_folder", "store_path"]

_NOTE = "last_run.json"


class LastRun(NamedTuple):
    """The run that a `linectl run` made last, and the store that holds it."""

    run: str
    store: Path


def state_folder() -> Path:
    """Return the user's folder for linectl's state (XDG_STATE_HOME, else ~/.local/state)."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "linectl"


def store_path(definition: LineDefinition | None, data: Path | None, *, virtual: bool = False) -> Path:
    """Return the store's file: in `data`, else the line's `store:`, else the user's state folder.

    Runs in virtual time have a file of their own: their clock begins with 2026.
    """
    name = definition.name if definition else "imports"
    file = f"{name}-virtual.db" if virtual else f"{name}.db"
    if data is not None:
        return data / file
    if definition is not None and definition.store and not virtual:
        return Path(definition.store)
    return state_folder() / file


def note_last_run(run: str, store: Path, data: Path | None) -> None:
    """Remember the last run for `linectl status`, `report`, `fit`: in `data`, else the state folder."""
    folder = data or state_folder()
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{_NOTE}.part"
    part.write_text(json.dumps({"run": run, "store": str(store.resolve())}), encoding="utf-8")
    part.replace(folder / _NOTE)


def last_run(data: Path | None) -> LastRun:
    """Return the last run noted in `data`, else in the state folder.

    Raises:
        Refused: no run was made yet, or its store is gone.
    """
    folder = data or state_folder()
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        found = LastRun(str(note["run"]), Path(note["store"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(
            tr("no run is noted in {folder}").format(folder=folder),
            hint=tr("make one with: linectl run FILE --sim, or name the folder with --data"),
        ) from error
    if not found.store.exists():
        raise Refused(tr("the store of the last run is gone: {file}").format(file=found.store))
    return found

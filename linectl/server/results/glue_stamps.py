"""Whether stores hold something new about the glues: a cheap look, so that what another process wrote is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from linectl.errors import StoreError
from linectl.store.reader import StoreReader

__all__ = ["Stamp", "differ", "stamps_of"]

_ACTS = ("register", "change_rule", "record_set", "lift_suspension", "import_lots")
"""What people do to a confirmation, and to lots of the past, in the words of the audit trail."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A store as it was: its files' times and sizes, and what it held about the glues then."""

    files: tuple[int, ...]
    holds: tuple[object, ...]


def stamps_of(folder: Path, known: Mapping[Path, Stamp]) -> dict[Path, Stamp]:
    """Return the stamps of the stores in `folder`; one whose files are as in `known` is not opened. For a thread."""
    found: dict[Path, Stamp] = {}
    for file in sorted(folder.glob("*.db")):
        files = (*_files(file), *_files(file.with_name(f"{file.name}-wal")))
        before = known.get(file)
        found[file] = before if before is not None and before.files == files else Stamp(files, _holds(file))
    return found


def differ(one: Mapping[Path, Stamp], other: Mapping[Path, Stamp]) -> bool:
    """Return whether two looks found different things about the glues."""
    return {file: each.holds for file, each in one.items()} != {file: each.holds for file, each in other.items()}


def _files(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _holds(file: Path) -> tuple[object, ...]:
    try:
        reader = StoreReader(file)
        lots = [(lot.name, lot.glue, lot.washed_ns, lot.bottles_seen) for lot in reader.lots()]
        runs = [(run.id, run.state) for run in reader.runs()]
        return reader.acts(_ACTS), tuple(lots), tuple(runs)
    except StoreError:  # being made, or of a newer linectl: whoever asks for the glues is told
        return ()

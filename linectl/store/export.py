"""A run as CSV files that any tool opens, with their units in `schema.json` and their hashes in `manifest.json`.

Comma, dot, line feed, UTF-8 without byte order mark, one header line; missing is an empty field. Written row by row
under
a `.part` name, synced, then renamed, the manifest last. The same run gives the same bytes: no creation time.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from linectl.errors import Refused, StoreError
from linectl.model.records import Run
from linectl.store.export_tables import Table, iso, tables_of
from linectl.store.file import sync_folder
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["export_csv"]

_EXPORT_VERSION = 1


def export_csv(reader: StoreReader, run_id: str, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write the run (id, unique prefix or "last") into `folder`; return the files, `manifest.json` last.

    A run that is still open, or was interrupted, is exported as far as it goes, with `complete: false`.

    Raises:
        Refused: no such run; or a file is there already and `overwrite` is false.
        StoreError: a file cannot be written.
    """
    run = reader.run(run_id)
    tables = tables_of(reader, run)
    names = [*(table.file for table in tables), "schema.json", "manifest.json"]
    _refuse_to_overwrite(folder, names, overwrite=overwrite)
    parts = [folder / f"{name}.part" for name in names]
    _make(folder)
    try:
        files = [_write_table(part, table) for part, table in zip(parts, tables, strict=False)]
        files.append(_write_json(parts[-2], "schema.json", _schema(tables)))
        _write_json(parts[-1], "manifest.json", _manifest(reader, run, files))
        for part in parts:
            part.replace(part.with_suffix(""))
        sync_folder(folder)
    except OSError as error:
        raise _failed(folder, error) from error
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return [folder / name for name in names]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(folder, error) from error


def _failed(folder: Path, error: OSError) -> StoreError:
    return StoreError(tr("the export to {folder} failed: {error}").format(folder=folder, error=error))


def _refuse_to_overwrite(folder: Path, names: Sequence[str], *, overwrite: bool) -> None:
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise Refused(
            tr("{folder} already holds {files}").format(folder=folder, files=", ".join(there)),
            hint=tr("give another folder, or say --overwrite"),
        )


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    rows: int | None
    bytes: int
    sha256: str


class _Counting:
    """Counts and hashes what passes to a file."""

    def __init__(self, part: Path) -> None:
        self.digest = hashlib.sha256()
        self.size = 0
        self._file = part.open("wb")

    def write(self, text: str) -> int:
        data = text.encode()
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def _write_table(part: Path, table: Table) -> _File:
    out = _Counting(part)
    count = 0
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    for count, row in enumerate(table.rows, start=1):  # noqa: B007  # the count is what we want
        writer.writerow(row)
    out.close()
    return _File(table.file, count, out.size, out.digest.hexdigest())


def _write_json(part: Path, name: str, value: object) -> _File:
    out = _Counting(part)
    out.write(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n")
    out.close()
    return _File(name, None, out.size, out.digest.hexdigest())


def _schema(tables: Sequence[Table]) -> dict[str, object]:
    return {
        "schema_version": _EXPORT_VERSION,
        "tables": {table.file: [asdict(column) for column in table.columns] for table in tables},
    }


def _manifest(reader: StoreReader, run: Run, files: Sequence[_File]) -> dict[str, object]:
    told = asdict(run)
    incomplete = "interrupted" if reader.interrupted(run) else "running"
    return {
        "schema_version": _EXPORT_VERSION,
        "complete": run.exit_status is not None,
        "incomplete_because": "" if run.exit_status is not None else incomplete,
        "simulated": run.simulated,
        "run": told | {"started": iso(run.started_ns), "ended": None if run.ended_ns is None else iso(run.ended_ns)},
        "files": [asdict(file) for file in files],
    }

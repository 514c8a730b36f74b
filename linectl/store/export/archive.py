"""`export_run`: one run as one folder or zip, in the form that was asked for, with its schema and its manifest.

The manifest holds no time of its making: the same run gives the same bytes, whenever it is exported. Its head of the
audit trail alone moves on, with what was done in the store since.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from linectl.model.records import Run
from linectl.store.export.columns import Column
from linectl.store.export.csv_files import write_csv, write_excel_fr
from linectl.store.export.documents import write_documents
from linectl.store.export.parquet import need_pyarrow, write_parquet
from linectl.store.export.sink import FolderSink, Sink, Written, ZipSink, opened
from linectl.store.export.tables import Source, Table, iso, tables_of
from linectl.store.reader import StoreReader

__all__ = ["EXPORT_VERSION", "FORMS", "Options", "export_csv", "export_run", "safe_name"]

EXPORT_VERSION = 2
FORMS = ("dir", "zip", "csv", "parquet", "jsonl", "suitcase-jsonl")


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is written: its form (see FORMS) and what goes with it.

    `excel_fr` writes tables for a French Excel, `zone` with that local time (None: this machine's). `glues` keeps
    these alone. `close` ends the documents of a run that still goes on. `extra` are more files, made as texts.
    """

    form: str = "csv"
    excel_fr: bool = False
    zone: tzinfo | None = None
    glues: Collection[str] | None = None
    close: bool = False
    overwrite: bool = False
    extra: dict[str, Callable[[], str]] = field(default_factory=dict)


PLAIN = Options()


def export_csv(reader: StoreReader, run_id: str, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write the tables of a run as CSV files into `folder`; see `export_run`."""
    return export_run(reader, run_id, folder, Options(overwrite=overwrite))


def export_run(reader: StoreReader, run_id: str, target: Path, options: Options = PLAIN) -> list[Path]:
    """Write the run (id, unique prefix or "last") to the folder (or for form "zip" the file) `target`.

    Returns what was written, `manifest.json` last. A run that is still open, or was interrupted, is exported as far
    as it goes, with `complete: false` and the reason.

    Raises:
        Refused: no such run; a file is there already and `overwrite` is false; two tags with one key.
        StoreError: a file cannot be written; nothing is left there.
        MissingExtra: pyarrow is needed and not installed.
    """
    run = reader.run(run_id)
    source = Source(reader, run, None if options.glues is None else frozenset(options.glues))
    tables = tables_of(source)
    if options.form == "parquet":
        need_pyarrow()

    def make() -> Sink:
        if options.form == "zip":
            return ZipSink(target, safe_name(run.id), run.started_ns)
        return FolderSink(target)

    with opened(target, _names(tables, options), make, overwrite=options.overwrite) as sink:
        files = _tables(sink, source, tables, options)
        if options.form in {"dir", "zip", "jsonl", "suitcase-jsonl"}:
            flavour = options.form if options.form == "suitcase-jsonl" else "jsonl"
            files.append(write_documents(sink, source, flavour, close=options.close))
        files += [_text(sink, name, make_text()) for name, make_text in options.extra.items()]
        files.append(_json(sink, "schema.json", _schema(tables, options)))
        _json(sink, "manifest.json", _manifest(source, files, options))
    return sink.paths


def safe_name(text: str) -> str:
    """Return `text` as a name that every file system takes: letters, digits, `+`, `_`, `.` and `-`."""
    return re.sub(r"[^A-Za-z0-9+_.-]+", "_", text).strip(".") or "_"


def _has_tables(options: Options) -> bool:
    return options.form in {"dir", "zip", "csv", "parquet"}


def _names(tables: Sequence[Table], options: Options) -> list[str]:
    """Return the files in a folder; none for a zip."""
    if options.form == "zip":
        return []
    suffix = "parquet" if options.form == "parquet" else "csv"
    names = [f"{table.name}.{suffix}" for table in tables] if _has_tables(options) else []
    documents = [] if options.form in {"csv", "parquet"} else ["documents.jsonl"]
    return [*names, *documents, *options.extra, "schema.json", "manifest.json"]


def _tables(sink: Sink, source: Source, tables: Sequence[Table], options: Options) -> list[Written]:
    if not _has_tables(options):
        return []
    if options.form == "parquet":
        return [file for table in tables for file in write_parquet(sink, table, source)]
    if options.excel_fr:
        return [file for table in tables for file in write_excel_fr(sink, table, options.zone)]
    return [file for table in tables for file in write_csv(sink, table)]


def _json(sink: Sink, name: str, value: object) -> Written:
    return _text(sink, name, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def _text(sink: Sink, name: str, text: str) -> Written:
    with sink.file(name) as (file, written):
        file.write(text.encode())
    return written


def _schema(tables: Sequence[Table], options: Options) -> dict[str, object]:
    suffix = "parquet" if options.form == "parquet" else "csv"
    shown = {f"{table.name}.{suffix}": table for table in tables}
    return {
        "schema_version": EXPORT_VERSION,
        "tables": {name: [_column(column) for column in table.columns] for name, table in shown.items()},
        "groups": {
            name: {"group": table.group, "period_s": table.period_s} for name, table in shown.items() if table.group
        },
    }


def _column(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "unit": column.unit,
        "type": column.type,
        "description": {"en": column.description, "fr": column.description_fr or column.description},
        "tag": column.tag,
    }


def _manifest(source: Source, files: Sequence[Written], options: Options) -> dict[str, object]:
    run = source.run
    incomplete = "interrupted" if source.is_interrupted else "running"
    return {
        "schema_version": EXPORT_VERSION,
        "complete": source.is_complete,
        "incomplete_because": "" if source.is_complete else incomplete,
        "exit_status": run.exit_status,
        "simulated": run.simulated,
        "form": options.form,
        "flavour": "excel-fr" if options.excel_fr else "machine",
        "filters": {"glues": None if source.only is None else sorted(source.only)},
        "versions": {"linectl": importlib.metadata.version("linectl"), "recorded_by": run.version},
        "config_hash": run.config_hash,
        "calibration_hash": run.calibration_hash,
        "audit": _audit_head(source.reader),
        "run": _run(run, source),
        "files": [asdict(file) for file in files],
    }


def _audit_head(reader: StoreReader) -> dict[str, object]:
    """Return what holds the audit trail fast from outside: of which store, how many entries, the last one's hash."""
    head = reader.audit_head()
    return {"store": reader.uid(), "entries": head.id, "head": head.hash}


def _run(run: Run, source: Source) -> dict[str, Any]:
    told: dict[str, Any] = asdict(run)
    if source.only is not None:
        told |= {"definition": "", "ref": "", "reason": ""}
    return told | {"started": iso(run.started_ns), "ended": None if run.ended_ns is None else iso(run.ended_ns)}

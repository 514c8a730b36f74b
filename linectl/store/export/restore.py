"""An exported run taken back: the folder or zip is checked against its manifest, then stored as it was.

A damaged file is refused by name before anything is stored; an incomplete run comes back incomplete.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from linectl.errors import ConfigError
from linectl.model.readings import Level, Quality, Reading, Scan, ScanLayout, Value
from linectl.model.records import Bottle, Check, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.store.store import Store
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["Archive", "is_archive", "manifest_of", "open_archive", "restore"]

MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_ROWS = 500  # rows between two commits
_KINDS = {"number": "float", "integer": "int", "boolean": "bool"}
_MOST_META_BYTES = 64 << 20
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)


class _Files(Protocol):
    """Opens the files of an export by name."""

    def names(self) -> set[str]:
        """Return the files that are there."""

    def open(self, name: str) -> IO[bytes]:
        """Open one.

        Raises:
            KeyError, OSError: it is not there.
        """


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> set[str]:
        return {file.name for file in self._folder.iterdir()}

    def open(self, name: str) -> IO[bytes]:
        return (self._folder / name).open("rb")


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._paths = {PurePosixPath(name).name: name for name in archive.namelist() if not name.endswith("/")}

    def names(self) -> set[str]:
        return set(self._paths)

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(self._paths[name])


@dataclass(slots=True)
class Archive:
    """An export whose files are what its manifest says. Close it after use."""

    place: Path
    run: Run
    complete: bool
    manifest: Mapping[str, Any]
    schema: Mapping[str, Any]
    files: _Files
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """Close the zip."""
        self._stack.close()

    @property
    def tags(self) -> dict[str, tuple[str, str]]:
        """Return unit and type by tag, as a store takes them."""
        return {
            column["tag"]: (column["unit"], _KINDS[column["type"]])
            for table in self.groups
            for column in self.schema["tables"][table]
            if column["tag"] and column["type"] != "string"
        }

    @property
    def groups(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the tables of readings with their scan group and period (s)."""
        groups: Mapping[str, Mapping[str, Any]] = self.schema["groups"]
        return groups

    def rows(self, table: str) -> Iterator[dict[str, str]]:
        """Yield the rows of a table as texts."""
        with self.files.open(table) as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
            yield from csv.DictReader(text)


def is_archive(place: Path) -> bool:
    """Tell whether `place` looks like an export: a folder, or a zip by its name."""
    return place.is_dir() or place.suffix.lower() == ".zip"


def open_archive(place: Path) -> Archive:
    """Return the export in the folder or zip `place`, every file of it checked against the manifest.

    Raises:
        ConfigError: no export (E-DAT-030), a damaged or missing file, named (E-DAT-031), or an export that cannot
            come back: made for a spreadsheet, of some glues alone, without tables (E-DAT-032).
    """
    with ExitStack() as stack:
        try:
            files = _files(place, stack)
            manifest = _json(place, files, MANIFEST)
            _check_files(place, files, manifest)
            _check_kind(place, manifest)
            schema = _json(place, files, "schema.json")
            run = _run(manifest["run"])
            complete = bool(manifest["complete"])
        except (KeyError, TypeError, ValueError) as error:
            raise _no_export(place, f"{type(error).__name__}: {error}") from error
        return Archive(place, run, complete, manifest, schema, files, stack.pop_all())


def manifest_of(place: Path) -> dict[str, Any]:
    """Return what the manifest of the export in the folder or zip `place` says; its other files are not looked at.

    Raises:
        ConfigError: no export (E-DAT-030).
    """
    with ExitStack() as stack:
        return _json(place, _files(place, stack), MANIFEST)


def _no_export(place: Path, detail: str) -> ConfigError:
    return ConfigError(
        tr("{place} is no export of linectl: {detail}").format(place=place, detail=detail),
        hint=tr("make one with: linectl export RUN --format zip"),
        code="E-DAT-030",
    )


def _files(place: Path, stack: ExitStack) -> _Files:
    try:
        if place.is_dir():
            return _Folder(place)
        return _Zip(stack.enter_context(zipfile.ZipFile(place)))
    except (OSError, zipfile.BadZipFile) as error:
        raise _no_export(place, str(error)) from error


def _json(place: Path, files: _Files, name: str) -> dict[str, Any]:
    try:
        with files.open(name) as file:
            value = json.loads(file.read(_MOST_META_BYTES))
    except (KeyError, FileNotFoundError) as error:
        raise _no_export(place, tr("no {name} in it").format(name=name)) from error
    except (ValueError, *_UNREADABLE) as error:
        raise _no_export(place, tr("{name} is damaged").format(name=name)) from error
    if not isinstance(value, dict):
        raise _no_export(place, tr("{name} is damaged").format(name=name))
    return value


def _check_files(place: Path, files: _Files, manifest: Mapping[str, Any]) -> None:
    there = files.names()
    damaged = [
        f"{place}: {entry['path']}: " + what for entry in manifest["files"] if (what := _fault(files, there, entry))
    ]
    if damaged:
        raise ConfigError(
            "\n".join(damaged), hint=tr("nothing was taken in; copy or export it again"), code="E-DAT-031"
        )


def _fault(files: _Files, there: set[str], entry: Mapping[str, Any]) -> str:
    """Return what is wrong with a file, "" when its bytes are those of the manifest."""
    if entry["path"] not in there:
        return tr("is missing")
    digest, size = hashlib.sha256(), 0
    try:
        with files.open(entry["path"]) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except _UNREADABLE as error:
        return tr("cannot be read: {error}").format(error=error)
    if digest.hexdigest() == entry["sha256"]:
        return ""
    return tr("is damaged: {size} bytes, the manifest says {told}; its SHA-256 differs").format(
        size=size, told=entry["bytes"]
    )


def _check_kind(place: Path, manifest: Mapping[str, Any]) -> None:
    reason = ""
    if manifest["flavour"] != "machine" or manifest["form"] not in {"dir", "zip", "csv"}:
        reason = tr("it was made to be read elsewhere ({form})").format(
            form=manifest["flavour"] if manifest["flavour"] != "machine" else manifest["form"]
        )
    elif manifest["filters"]["glues"] is not None:
        reason = tr("it holds some of the glues alone")
    if reason:
        raise ConfigError(
            tr("{place} cannot be taken back: {reason}").format(place=place, reason=reason),
            hint=tr("make one with: linectl export RUN --format zip"),
            code="E-DAT-032",
        )


def _run(told: Mapping[str, Any]) -> Run:
    values = {key: value for key, value in told.items() if key not in {"started", "ended"}}
    status = values["exit_status"]
    return Run(**(values | {"exit_status": None if status is None else ExitStatus(status)}))


async def restore(store: Store, archive: Archive) -> str:
    """Store the run of `archive` as it was, under its own id; return the id.

    An incomplete run is stored as interrupted: nothing here will ever end it.

    Raises:
        Refused: the store already holds a run of this id.
        ConfigError: the tables contradict each other (E-DAT-031).
        StoreError: the disk failed.
    """
    run = archive.run
    with closing(archive):
        opened = replace(run, state="interrupted", exit_status=None if archive.complete else run.exit_status)
        await store.start_run(opened)
        try:
            await _records(store, archive)
            for table, told in archive.groups.items():
                await _scans(store, archive, table, str(told["group"]), float(told["period_s"]))
        except (KeyError, ValueError, TypeError, csv.Error) as error:
            raise ConfigError(
                tr("{place}: its tables contradict each other: {error!r}").format(place=archive.place, error=error),
                code="E-DAT-031",
            ) from error
        if archive.complete and run.exit_status is not None:
            await store.end_run(run.id, run.exit_status, run.reason, run.ended_ns or run.started_ns)
    return run.id


async def _records(store: Store, archive: Archive) -> None:
    run, origin_ns = archive.run, 0 if archive.run.kind == "import" else archive.run.started_ns
    await store.add_trials([_trial(run.id, row, origin_ns) for row in archive.rows("trials.csv")])
    await store.add_bottles([_bottle(run.id, row, origin_ns) for row in archive.rows("bottles.csv")])
    checks: list[Check] = []
    for row in archive.rows("checks.csv"):
        checks.append(_check(run.id, row, origin_ns))
        if len(checks) >= _ROWS:
            await store.add_checks(checks)
            checks = []
    await store.add_checks(checks)
    for number, row in enumerate(archive.rows("journal.csv"), start=1):
        store.log_event(Event(int(row["time_ns"]), row["kind"], json.loads(row["data"]), run.id))
        if number % _ROWS == 0:
            await store.add_trials([])  # a commit


def _trial(run: str, row: Mapping[str, str], origin_ns: int) -> Trial:
    treatment = Treatment(float(row["temperature_c"]), float(row["naoh_pct"]), _float(row["agitation_pct"]))
    return Trial(
        *(run, int(row["trial"]), treatment, int(row["replicate"]), row["block"], TrialState(row["state"])),
        *(_ns(row["started_s"], origin_ns), _ns(row["ended_s"], origin_ns), _float(row["naoh_measured_pct"])),
    )


def _bottle(run: str, row: Mapping[str, str], origin_ns: int) -> Bottle:
    inserted_ns = _ns(row["inserted_s"], origin_ns)
    if inserted_ns is None:
        raise ValueError(row["bottle"])
    return Bottle(
        run=run,
        trial=int(row["trial"]),
        label=row["bottle"],
        position=int(row["position"]),
        glue=row["glue"],
        inserted_ns=inserted_ns,
        last_attached_ns=_ns(row["last_attached_s"], origin_ns),
        first_detached_ns=_ns(row["first_detached_s"], origin_ns),
        mode=row["mode"],
        residue_pct=_float(row["residue_pct"]),
        code=row["code"],
        factors=json.loads(row["factors"]) if row["factors"] else {},
    )


def _check(run: str, row: Mapping[str, str], origin_ns: int) -> Check:
    planned_ns = _ns(row["planned_s"], origin_ns)
    if planned_ns is None:
        raise ValueError(row["bottle"])
    attached = None if row["attached"] == "" else row["attached"] == "1"
    done_ns = _ns(row["done_s"], origin_ns)
    return Check(run, int(row["trial"]), row["bottle"], planned_ns, done_ns, attached, row["examiner"])


def _float(text: str) -> float | None:
    return float(text) if text else None


def _ns(text: str, origin_ns: int) -> int | None:
    return origin_ns + round(float(text) * NS_PER_S) if text else None


async def _scans(store: Store, archive: Archive, table: str, group: str, period_s: float) -> None:
    """Store one group's scans, in the spans of the run and of its trials."""
    run = archive.run.id
    tags = [column["tag"] for column in archive.schema["tables"][table] if column["tag"] and column["type"] != "string"]
    kinds = archive.tags
    await store.start_span(run, None, group)
    trial = ""
    for number, row in enumerate(archive.rows(table), start=1):
        if row["trial"] != trial:
            if trial:
                await store.end_span(run, int(trial), group)
            trial = row["trial"]
            if trial:
                await store.start_span(run, int(trial), group)
        store.log_scan(_scan(row, group, period_s, tags, kinds))
        if number % _ROWS == 0:
            await store.add_trials([])  # a commit: memory stays flat
    if trial:
        await store.end_span(run, int(trial), group)
    await store.end_span(run, None, group)


def _scan(
    row: Mapping[str, str], group: str, period_s: float, tags: list[str], kinds: Mapping[str, tuple[str, str]]
) -> Scan:
    t_ns, sequence = int(row["time_ns"]), int(row["scan"])
    mine = [tag for tag in tags if row[f"{tag}_quality"]]
    readings = tuple(
        Reading(tag, _value(row[tag], kinds[tag][1]), _quality(row[f"{tag}_quality"]), t_ns, t_ns, sequence)
        for tag in mine
    )
    layout = ScanLayout(group, period_s, tuple(mine))
    return Scan(layout, row["boot"], sequence, int(row["loop_ns"]), t_ns, readings)


def _value(text: str, dtype: str) -> Value | None:
    if not text:
        return None
    if dtype == "bool":
        return text == "1"
    return int(text) if dtype == "int" and text.lstrip("-").isdigit() else float(text)


def _quality(word: str) -> Quality:
    level, _, reason = word.partition(":")
    return Quality(Level[level.upper()], reason)

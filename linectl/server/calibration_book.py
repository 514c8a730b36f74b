"""The calibration records of a line: kept, never changed, one active; each change is in the store's audit trail."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from linectl.clock import wall_ns
from linectl.config.calibration_records import (
    ACTIVE,
    Chosen,
    active_text,
    load_chosen,
    load_record,
    record_file,
    record_text,
    records_of,
)
from linectl.config.files import homes
from linectl.errors import Refused, StoreError
from linectl.model.calibrations import Record
from linectl.model.lines import LineDefinition
from linectl.model.records import Act, Event
from linectl.server.places import store_path
from linectl.store.file import must_be_free, sync_folder
from linectl.store.store import Store, open_store
from linectl.words import tr

__all__ = ["CalibrationBook"]

EVENT = "calibration"


class CalibrationBook:
    """The records of one line, in its folder.

    Its audit trail is in the `store` that whoever holds the line has open, else in that of `data`, which is opened for
    each change: then nobody runs the line meanwhile.
    """

    def __init__(self, definition: LineDefinition, data: Path | None, store: Store | None = None) -> None:
        self.definition = definition
        self.folder = Path(definition.calibration_folder)
        self.store_file = store_path(definition, data)
        self._store = store

    def __repr__(self) -> str:
        """Return where the records are."""
        return f"<CalibrationBook {self.folder}>"

    @property
    def came_with_linectl(self) -> bool:
        """Whether the line's file is one of linectl's own, beside which nothing is kept."""
        here = Path(self.definition.source).resolve().parent
        return any(here == (home / "config").resolve() for home in homes())

    def records(self, tag: str) -> list[Record]:
        """Return the records of `tag`, oldest first.

        Raises:
            ConfigError: one of them cannot be read.
        """
        return records_of(self.folder, tag)

    def tags(self) -> list[str]:
        """Return the tags that have records, in the order of the line's file."""
        return [name for name in self.definition.tags if any((self.folder / name).glob("[0-9]*.yaml"))]

    def active(self) -> Mapping[str, Chosen]:
        """Return which record is active, by tag.

        Raises:
            ConfigError: the file that says so cannot be read.
        """
        return load_chosen(self.folder)

    def record(self, tag: str, version: int) -> Record:
        """Return the record `version` of `tag`.

        Raises:
            Refused: there is none (E-CAL-006).
            ConfigError: it cannot be read.
        """
        path = record_file(self.folder, tag, version)
        if not path.is_file():
            there = ", ".join(str(each.version) for each in self.records(tag)) or tr("none")
            raise Refused(
                tr("{tag} has no calibration {version}; there is: {there}").format(
                    tag=tag, version=version, there=there
                ),
                hint=self._see(tag),
                code="E-CAL-006",
            )
        return load_record(path)

    def active_record(self, tag: str) -> Record:
        """Return the active record of `tag`.

        Raises:
            Refused: there is none (E-CAL-006).
        """
        chosen = self.active().get(tag)
        if chosen is None:
            raise Refused(tr("{tag} has no active calibration").format(tag=tag), hint=self._see(tag), code="E-CAL-006")
        return self.record(tag, chosen.version)

    def _see(self, tag: str) -> str:
        return tr("see them: linectl cal ls {tag} --line {file}").format(tag=tag, file=self.definition.source)

    def must_be_writable(self) -> None:
        """See beforehand that a record can be kept and made active, so that nobody measures in vain.

        Raises:
            Refused: the line's file came with linectl (E-CAL-007), or another process holds the line.
            StoreError: the folder cannot be written.
        """
        if self.came_with_linectl:
            raise Refused(
                tr("{file} came with linectl: calibrations are kept beside a line file of your own").format(
                    file=self.definition.source
                ),
                hint=tr("copy it into a folder of yours and name that copy, or rehearse with --sim"),
                code="E-CAL-007",
            )
        if self._store is None:
            must_be_free(self.store_file)
        home = next(each for each in (self.folder, *self.folder.parents) if each.exists())
        if not os.access(home, os.W_OK | os.X_OK):
            raise _unwritable(home, tr("no right to write there"))

    async def keep(self, record: Record, *, who: str, why: str = "", activate: bool) -> Record:
        """Write `record` under the next free number, and make it active if asked; both are in the audit trail.

        Raises:
            Refused: another process holds the line.
            StoreError: the disk or the store failed; a record that is there is whole, and the old one stays active.
        """
        async with self._trail() as trail:
            kept = await asyncio.to_thread(self._write, record)
            told = {"version": kept.version, "sha256": kept.sha256, "u": kept.budget.u, "unit": kept.unit}
            await trail.add("calibrate", kept.tag, None, told | {"due": kept.due}, who, why)
            if activate:
                await self._activate(trail, kept.tag, Chosen(kept.version, kept.sha256), who, why)
        return kept

    async def activate(self, tag: str, version: int, *, who: str, why: str = "") -> Record | None:
        """Make the record `version` of `tag` active, 0 for none: then its readings are not corrected.

        Raises:
            Refused: there is no such record, it is active already (E-CAL-008), or another process holds the line.
            ConfigError: the record cannot be read.
            StoreError: the disk or the store failed; what was active stays so.
        """
        record = self.record(tag, version) if version else None
        chosen = None if record is None else Chosen(record.version, record.sha256)
        if self.active().get(tag) == chosen:
            text = (
                tr("calibration {version} of {tag} is active already")
                if version
                else tr("{tag} has no active calibration")
            )
            raise Refused(text.format(version=version, tag=tag), code="E-CAL-008")
        async with self._trail() as trail:
            await self._activate(trail, tag, chosen, who, why)
        return record

    @asynccontextmanager
    async def _trail(self) -> AsyncIterator[_Trail]:
        if self._store is not None:
            yield _Trail(self._store)
            return
        definition = self.definition
        store = open_store(self.store_file, line=definition.name, virtual=False, tags=definition.tags)
        await store.open()
        try:
            yield _Trail(store)
        finally:
            await store.close()

    def _write(self, record: Record) -> Record:
        folder = self.folder / record.tag
        try:
            folder.mkdir(parents=True, exist_ok=True)
            number = max((int(each.stem) for each in folder.glob("[0-9]*.yaml")), default=0) + 1
            kept = replace(record, version=number)
            data = record_text(kept).encode()
            _write_whole(record_file(self.folder, record.tag, number), data, new=True)
        except OSError as error:
            raise _unwritable(folder, error.strerror or str(error)) from error
        return replace(kept, sha256=hashlib.sha256(data).hexdigest())

    async def _activate(self, trail: _Trail, tag: str, chosen: Chosen | None, who: str, why: str) -> None:
        """Tell the audit trail first: a change that nobody knows of would be worse than one that was not made."""
        before = dict(self.active())
        after = {name: each for name, each in before.items() if name != tag}
        if chosen is not None:
            after[tag] = chosen
        old, new = _as_data(before.get(tag)), _as_data(chosen)
        await trail.add("activate", tag, old, new, who, why)
        try:
            text = active_text(dict(sorted(after.items())))
            await asyncio.to_thread(_write_whole, self.folder / ACTIVE, text.encode(), new=False)
        except OSError as error:
            await trail.add("activate_failed", tag, new, old, who, str(error))
            raise _unwritable(self.folder, error.strerror or str(error)) from error


class _Trail:
    """Where acts are told, each on disk when it is told."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, action: str, tag: str, old: object, new: object, who: str, why: str) -> None:
        now_ns = wall_ns()
        data = {"action": action, "tag": tag, "old": old, "new": new, "who": who, "why": why}
        act = Act(now_ns, who, action, tag, old=old, new=new, reason=why)
        await self._store.add_event(Event(now_ns, EVENT, data, act=act))


def _as_data(chosen: Chosen | None) -> dict[str, object] | None:
    return None if chosen is None else {"version": chosen.version, "sha256": chosen.sha256}


def _write_whole(file: Path, data: bytes, *, new: bool) -> None:
    """Write `file` in one step, durably; with `new` it must not be there yet.

    Raises:
        OSError: it could not be written; nothing half of it is left.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        if new:
            os.link(part, file)  # fails where a file of that name is: it would be overwritten by a rename
        else:
            part.replace(file)
        sync_folder(file.parent)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _unwritable(folder: Path, why: str) -> StoreError:
    return StoreError(
        tr("{folder}: calibrations cannot be kept there: {why}").format(folder=folder, why=why),
        hint=tr("give the right to write there, or name another folder in the line file: calibrations: FOLDER"),
        code="E-CAL-009",
    )

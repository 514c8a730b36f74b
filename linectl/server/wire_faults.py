"""While a line is open: the frames that led to each wire fault go to a file beside the store, to be looked at later."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.recordings.exchange import SUFFIX
from drivers.recordings.recorder import BadExchange, header_of, write_dump
from drivers.settings import LinkSettings
from drivers.wire_tap import Dump, WireTap
from linectl.clock import Clock
from linectl.model.lines import LineDefinition
from linectl.units import NS_PER_S

__all__ = ["FILES_KEPT", "WireFaults", "wire_folder"]

FILES_KEPT = 20
_AGAIN_S = (60.0, 3600.0)  # the same fault is written again after this time, doubled each time up to the second
_WAITING = 20  # dumps that wait for the disk; more are left out
_FAULTS_KNOWN = 200
_PATIENCE_S = 5.0  # for a disk that hangs when the line closes
_OURS = re.compile(rf"\d{{8}}T\d{{6}}-.*{re.escape(SUFFIX)}")
_NAME_PART = re.compile(r"[^a-z0-9]+")

Tell = Callable[[str, Mapping[str, object]], None]


def wire_folder(store_file: Path) -> Path:
    """Return the folder for the wire faults of the line whose store is `store_file`: `<store>.wire` beside it."""
    return store_file.with_name(f"{store_file.name}.wire")


@dataclass(frozen=True, slots=True)
class _Told:
    """A dump with the link it is of, and the wall time (ns UTC) at which it was made."""

    link: str
    dump: Dump
    ts_ns: int


class WireFaults:
    """Writes each new dump of a line's taps to an exchange file in `folder`, for the time of an `async with` block.

    `tell` is called with `wire_fault` and the file's name, or once with `wire_fault_unsaved` and why, until a file can
    be written again. The disk is waited for in a thread; a disk that fails costs the line nothing. At most 20 files
    are kept, and a fault that goes on is written ever more rarely (after 1 min, 2, 4, ... 1 h).
    """

    def __init__(
        self, taps: Mapping[str, WireTap], definition: LineDefinition, folder: Path, clock: Clock, tell: Tell
    ) -> None:
        self.folder = folder
        self.left_out = 0  # dumps that found 20 others waiting for the disk
        self._definition = definition
        self._taps = {name: tap for name, tap in taps.items() if name in definition.links}
        self._clock = clock
        self._tell = tell
        self._waiting: deque[_Told] = deque()
        self._again: dict[tuple[str, str, str], tuple[float, float]] = {}  # fault: not before (loop time), next pause
        self._ends: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def __repr__(self) -> str:
        """Return the folder and what waits for the disk."""
        return f"<WireFaults {self.folder.name} {len(self._waiting)} waiting{', failing' if self._failing else ''}>"

    async def __aenter__(self) -> Self:
        """Listen to the taps."""
        self._ends = [tap.on_fault(partial(self._fault, name)) for name, tap in self._taps.items()]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more, and write what waits, for at most 5 s."""
        for end in self._ends:
            end()
        task, self._task = self._task, None
        if task is None:
            return
        _, hanging = await asyncio.wait([task], timeout=_PATIENCE_S)
        if hanging:
            task.cancel()
            await asyncio.wait([task])

    def _fault(self, link: str, dump: Dump) -> None:
        """Take a dump, called from the middle of a transaction: nothing is written here."""
        if not self._is_due((link, dump.device, dump.why), dump.t_s):
            return
        if len(self._waiting) >= _WAITING:
            self.left_out += 1
            return
        self._waiting.append(_Told(link, dump, self._clock.now_ns()))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_all(), name="frames of wire faults")

    def _is_due(self, fault: tuple[str, str, str], now_s: float) -> bool:
        due_s, pause_s = self._again.pop(fault, (now_s, _AGAIN_S[0]))
        if now_s < due_s:
            self._again[fault] = due_s, pause_s
            return False
        self._again[fault] = now_s + pause_s, min(2 * pause_s, _AGAIN_S[1])
        if len(self._again) > _FAULTS_KNOWN:
            del self._again[next(iter(self._again))]
        return True

    async def _write_all(self) -> None:
        while self._waiting:
            told = self._waiting.popleft()
            facts: dict[str, object] = {"link": told.link, "device": told.dump.device, "why": told.dump.why}
            try:
                path = await asyncio.to_thread(self._write, told)
            except BadExchange as error:
                if not self._failing:
                    self._tell("wire_fault_unsaved", {**facts, "detail": str(error)})
                self._failing = True
            else:
                self._failing = False
                self._tell("wire_fault", {**facts, "file": path.name})

    def _write(self, told: _Told) -> Path:
        """Write one file and remove the oldest ones, in a thread.

        Raises:
            BadExchange: the disk failed.
        """
        when = datetime.fromtimestamp(told.ts_ns // NS_PER_S, UTC)
        device = told.dump.device or told.link
        settings: LinkSettings = self._definition.links[told.link]
        header = header_of(
            settings,
            device=device,
            firmware="unknown",
            date=when.date().isoformat(),
            simulated=self._definition.simulated,
            fault=f"{device}: {told.dump.why}",
            comment=f"line {self._definition.name}, link {told.link}, {when.isoformat()}",
        )
        parts = [_part(text) for text in (told.link, told.dump.device, told.dump.why)]
        stem = "-".join([when.strftime("%Y%m%dT%H%M%S"), *filter(None, parts)])
        try:
            self.folder.mkdir(exist_ok=True)
            path = _free(self.folder, stem)
        except OSError as error:
            raise BadExchange(f"{self.folder}: {error.strerror or error}") from error
        write_dump(path, told.dump, header)
        self._remove_oldest()
        return path

    def _remove_oldest(self) -> None:
        with suppress(OSError):  # a file that cannot be removed costs its room, nothing else
            ours = sorted(each for each in self.folder.iterdir() if _OURS.fullmatch(each.name))
            for path in ours[:-FILES_KEPT]:
                path.unlink()


def _part(text: str) -> str:
    return _NAME_PART.sub("-", text.lower()).strip("-")[:40].strip("-")


def _free(folder: Path, stem: str) -> Path:
    """Return a path in `folder` that no file has: faults of the same second get a number."""
    path, number = folder / f"{stem}{SUFFIX}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{SUFFIX}"
    return path

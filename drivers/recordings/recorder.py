"""Recording a wire: the frames of a tap, written to an exchange file as they happen, or in one piece at a fault."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import FileIO
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.recordings.exchange import (
    GAP,
    BadExchange,
    Exchange,
    Header,
    end_line,
    exchange_name,
    frame_line,
    header_line,
    header_of,
    read_exchange,
)
from drivers.wire_tap import Direction, Dump, Frame, WireTap

__all__ = [
    "BadExchange",
    "Exchange",
    "Header",
    "Recorder",
    "exchange_name",
    "header_of",
    "read_exchange",
    "write_dump",
]

_LIMIT_BYTES = 16_000_000  # of a recording: about 150,000 frames, four hours of ten requests a second


class Recorder:
    """Writes what goes over a wire to a new file for the time of a `with` block; each frame is out as it happens.

    A wire that is open already begins with its first frames, so that the file can be played. `frames` and `size_bytes`
    count what was written. At `limit_bytes` nothing more is written and `is_full` is true; when the disk fails
    `trouble` says how. The wire goes on in both cases.

    Raises (by entering):
        BadExchange: the file exists, or cannot be made.
    """

    def __init__(self, path: Path, tap: WireTap, header: Header, *, limit_bytes: int = _LIMIT_BYTES) -> None:
        self.path = path
        self.header = header
        self.limit_bytes = limit_bytes
        self.frames = 0
        self.size_bytes = 0
        self.is_full = False
        self.trouble = ""
        self._tap = tap
        self._file: FileIO | None = None
        self._began_s: float | None = None
        self._end_listening = _nothing

    def __repr__(self) -> str:
        """Return the file and how much is in it."""
        state = self.trouble or ("full" if self.is_full else "open" if self._file else "closed")
        return f"<Recorder {self.path.name} {self.frames} frames, {state}>"

    def __enter__(self) -> Self:
        try:
            self._file = FileIO(self.path, "xb")  # without a buffer: what is written survives the program
        except OSError as exc:
            raise BadExchange(f"{self.path}: {exc.strerror or exc}") from exc
        self._write(header_line(self.header))
        if self.trouble:
            self._close()
            raise BadExchange(f"{self.path}: {self.trouble}")
        if self.header.kind != "mqtt" and self._tap.opening:
            for frame in _with_gaps((*self._tap.opening, *_gap_to(self._tap.opening[-1], self._tap.mark()))):
                self._heard(frame)
        self._end_listening = self._tap.listen(self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_listening()
        self._write(end_line("closed", self.frames))
        self._close()

    def _heard(self, frame: Frame) -> None:
        if self._began_s is None:
            self._began_s = frame.t_s
        line = frame_line(frame, self._began_s)
        if self.size_bytes + len(line) > self.limit_bytes and not self.is_full:
            line = end_line("limit", self.frames)
            self._write(line)
            self.is_full = True
            return
        if self._write(line):
            self.frames += 1

    def _write(self, line: bytes) -> bool:
        if self._file is None or self.is_full or self.trouble:
            return False
        try:
            written = self._file.write(line)
        except OSError as exc:
            self.trouble = exc.strerror or str(exc)
            return False
        self.size_bytes += written
        if written < len(line):
            self.trouble = "the disk is full"  # a torn last line, which the reader accepts
        return not self.trouble

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # a disk that fails now has lost nothing that was acknowledged
                file.close()


def write_dump(path: Path, dump: Dump, header: Header) -> None:
    """Write the frames of a fault to a new exchange file, in one piece; blocks for the time of the disk.

    Raises:
        BadExchange: the file exists or the disk failed; a half-written file is removed.
    """
    frames = tuple(_with_gaps((*dump.opening, *dump.frames)))
    began_s = frames[0].t_s if frames else dump.t_s
    lines = [header_line(header), *(frame_line(frame, began_s) for frame in frames)]
    lines.append(end_line("closed", len(frames)))
    try:
        with path.open("xb") as file:
            file.write(b"".join(lines))
    except FileExistsError as exc:
        raise BadExchange(f"{path}: {exc.strerror}") from exc
    except OSError as exc:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise BadExchange(f"{path}: {exc.strerror or exc}") from exc


def _with_gaps(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield `frames`, with a note where frames between two of them are missing."""
    together = list(frames)
    yield from together[:1]
    for before, frame in pairwise(together):
        if frame.number > before.number + 1:
            yield Frame(before.number + 1, before.t_s, Direction.NOTE, b"", "", GAP)
        yield frame


def _gap_to(last: Frame, newest: int) -> tuple[Frame, ...]:
    """Return the note that stands for the frames after `last`, when there were any."""
    return () if newest == last.number else (Frame(last.number + 1, last.t_s, Direction.NOTE, b"", "", GAP),)


def _nothing() -> None:
    """End no listening."""

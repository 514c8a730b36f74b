"""Exchange files: what went over a wire, as lines of JSON that a killed program leaves readable.

The first line is the header: format and version, the link's kind and settings without secrets, the device, its
firmware and the date. Each further line is a frame: `t_s` (s since the first one), `direction`, `device`, `hex`, and
`note` where the wire thought something of it. The last line of a file that was closed says how it ended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from drivers.errors import DriverError
from drivers.recordings.settings import kind_of, settings_from, settings_to
from drivers.settings import LinkSettings
from drivers.wire_tap import Direction, Frame

__all__ = [
    "GAP",
    "SUFFIX",
    "BadExchange",
    "Exchange",
    "Header",
    "end_line",
    "exchange_name",
    "frame_line",
    "header_line",
    "header_of",
    "read_exchange",
]

SUFFIX = ".wire.jsonl"
GAP = "gap"  # the note of a line that stands for frames which are not in the file
_FORMAT, _VERSION = "linectl wire exchange", 1
_READ_LIMIT_BYTES = 256_000_000
_LATEST_S = 1e9
_NAME_PART = re.compile(r"[^a-z0-9.]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class BadExchange(DriverError):
    """An exchange file cannot be written or read; the message names the file, the line, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an exchange file says of itself: `kind` is a word of `KINDS`, `date` is ISO (YYYY-MM-DD).

    `simulated` is true for a device that is a program; `fault` is what went wrong, for frames dumped at a fault.
    """

    kind: str
    settings: Mapping[str, object]
    device: str
    firmware: str
    date: str
    simulated: bool = False
    fault: str = ""
    comment: str = ""

    def link_settings(self) -> LinkSettings:
        """Return the settings of the link that was recorded.

        Raises:
            ValueError: they are not those of a link of this kind.
        """
        return settings_from(self.kind, self.settings)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A file that was read: its frames are numbered from 1, their times count from the first (s).

    `ended` is how the file ended: closed, limit, or nothing when the program that wrote it was killed. `torn` tells of
    a last line that was cut off, and is empty otherwise.
    """

    header: Header
    frames: tuple[Frame, ...]
    ended: str = ""
    torn: str = ""


def header_of(
    settings: LinkSettings,
    *,
    device: str,
    firmware: str,
    date: str,
    simulated: bool = False,
    fault: str = "",
    comment: str = "",
) -> Header:
    """Return the header of a recording of the link that `settings` reach, without its secrets."""
    return Header(kind_of(settings), settings_to(settings), device, firmware, date, simulated, fault, comment)


def exchange_name(device: str, firmware: str, date: str) -> str:
    """Return the file name `<device>_<firmware>_<YYYY-MM-DD>.wire.jsonl`: small letters, figures, dots and dashes.

    Raises:
        ValueError: `date` is no ISO date.
    """
    if not _is_date(date):
        raise ValueError(f"`{date}` is no date like 2026-03-31")
    return f"{_part(device)}_{_part(firmware)}_{date}{SUFFIX}"


def _part(text: str) -> str:
    return _NAME_PART.sub("-", text.lower()).strip("-.")[:60] or "unknown"


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def header_line(header: Header) -> bytes:
    """Return the first line of a file."""
    told: dict[str, object] = {
        "format": _FORMAT,
        "version": _VERSION,
        "link": header.kind,
        "device": header.device,
        "firmware": header.firmware,
        "date": header.date,
        "simulated": header.simulated,
        "settings": dict(header.settings),
    }
    told |= {name: text for name in ("fault", "comment") if (text := getattr(header, name))}
    return _line(told)


def frame_line(frame: Frame, began_s: float) -> bytes:
    """Return the line of a frame, its time counted from the loop time `began_s`."""
    told: dict[str, object] = {
        "t_s": round(max(0.0, frame.t_s - began_s), 6),
        "direction": frame.direction.value,
        "device": frame.device,
        "hex": frame.data.hex(),
    }
    if frame.note:
        told["note"] = frame.note
    return _line(told)


def end_line(how: str, frames: int) -> bytes:
    """Return the last line of a file with `frames` frames, which ended by `how` (closed, limit)."""
    return _line({"end": how, "frames": frames})


def _line(told: Mapping[str, object]) -> bytes:
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def read_exchange(path: Path) -> Exchange:
    """Return what the exchange file `path` holds; a last line that was cut off is left out and told in `torn`.

    Raises:
        BadExchange: no such file, no exchange file, a newer version, or a damaged line, which is named by its number.
    """
    try:
        if path.stat().st_size > _READ_LIMIT_BYTES:
            raise BadExchange(f"{path}: larger than {_READ_LIMIT_BYTES // 1_000_000} MB")
        lines = path.read_bytes().split(b"\n")
    except OSError as exc:
        raise BadExchange(f"{path}: {exc.strerror or exc}") from exc
    return _Reader(path).read(lines)


class _Reader:
    """Reads the lines of one file, knowing where it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._line = 0
        self._frames: list[Frame] = []
        self._ended = ""
        self._torn = ""

    def read(self, lines: list[bytes]) -> Exchange:
        last = lines.pop()  # empty when the file ends with a line's end
        if not lines and not last:
            raise self._bad("the file is empty")
        whole = lines or [last]  # the header must be whole
        self._line = 1
        header = self._header(self._object(whole[0]))
        for line in whole[1:]:
            self._line += 1
            self._take(self._object(line))
        if last and lines:
            self._line += 1
            self._take_last(last)
        return Exchange(header, tuple(self._frames), self._ended, self._torn)

    def _take_last(self, line: bytes) -> None:
        """Take a line without its end: a whole one that an editor left so, or one that was cut off."""
        try:
            told = self._object(line)
        except BadExchange:
            self._torn = f"line {self._line} is cut off after {len(line)} bytes"
            return
        self._take(told)

    def _take(self, told: Mapping[str, object]) -> None:
        if self._ended:
            raise self._bad("frames after the line that ends the file")
        if "end" in told:
            self._ended = str(told["end"])
        else:
            self._frames.append(self._frame(told))

    def _object(self, line: bytes) -> Mapping[str, object]:
        try:
            told = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as exc:  # also what is no UTF-8
            raise self._bad(f"no JSON: {line[:40]!r}") from exc
        if not isinstance(told, dict):
            raise self._bad(f"no JSON object: {line[:40]!r}")
        return told

    def _header(self, told: Mapping[str, object]) -> Header:
        if told.get("format") != _FORMAT:
            raise self._bad(f"no exchange file: `format` is not `{_FORMAT}`")
        if told.get("version") != _VERSION:
            raise self._bad(f"version {told.get('version')!r:.20}: this program reads version {_VERSION}")
        settings = told.get("settings")
        if not isinstance(settings, dict):
            raise self._bad("`settings` is no object")
        texts = {name: self._text(told, name) for name in ("device", "firmware", "date")}
        more = {name: self._text(told, name) for name in ("fault", "comment") if name in told}
        if not _is_date(texts["date"]):
            raise self._bad(f"`date` is no date like 2026-03-31: {texts['date']!r:.40}")
        header = Header(
            self._text(told, "link"), settings, **texts, simulated=told.get("simulated", False) is True, **more
        )
        try:
            header.link_settings()
        except ValueError as exc:
            raise self._bad(str(exc)) from exc
        return header

    def _frame(self, told: Mapping[str, object]) -> Frame:
        t_s = self._time_s(told.get("t_s"))
        try:
            direction = Direction(self._text(told, "direction"))
        except ValueError as exc:
            raise self._bad(f"`direction` is none of {', '.join(Direction)}") from exc
        try:
            data = bytes.fromhex(self._text(told, "hex"))
        except ValueError as exc:
            raise self._bad("`hex` is not written in pairs of hexadecimal figures") from exc
        note = self._text(told, "note") if "note" in told else ""
        return Frame(len(self._frames) + 1, t_s, direction, data, self._text(told, "device"), note)

    def _time_s(self, told: object) -> float:
        if not isinstance(told, int | float) or isinstance(told, bool) or not 0.0 <= told <= _LATEST_S:
            raise self._bad(f"`t_s` is no time from 0 to {_LATEST_S:g} s: {told!r:.40}")
        return float(told)

    def _text(self, told: Mapping[str, object], name: str) -> str:
        text = told.get(name)
        if not isinstance(text, str):
            raise self._bad(f"`{name}` is no text")
        return text

    def _bad(self, why: str) -> BadExchange:
        where = f":{self._line}" if self._line else ""
        return BadExchange(f"{self._path}{where}: {why}")

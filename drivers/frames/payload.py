"""JSON payloads of MQTT sensors as typed values: pure functions that trust nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from drivers.errors import BadReply

__all__ = ["DEPTH_LIMIT", "SIZE_LIMIT", "Json", "decode", "field_at", "source_time_ns", "typed"]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

SIZE_LIMIT = 4096  # bytes; checked before anything is parsed
DEPTH_LIMIT = 16

_DIGITS_LIMIT = 18  # what fits into 64 bits with a sign
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(payload: bytes) -> Json:
    """Return what the JSON text says.

    Raises:
        BadReply: over 4 KB, not UTF-8, no JSON, nested deeper than 16, NaN or infinity, or a number beyond any sensor.
    """
    if len(payload) > SIZE_LIMIT:
        raise BadReply(f"{len(payload)} bytes, at most {SIZE_LIMIT} are read")
    try:
        text = payload.decode("utf-8")
        if _depth(text) > DEPTH_LIMIT:
            raise BadReply(f"nested deeper than {DEPTH_LIMIT}")
        value: Json = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_short)
    except ValueError as exc:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise BadReply(f"no JSON: {exc}") from exc
    return value


def field_at(document: Json, path: Sequence[str]) -> Json:
    """Return the field at `path` (keys of objects, positions in lists).

    Raises:
        BadReply: there is no such field.
    """
    here = document
    for step in path:
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            raise BadReply(f"no field {'.'.join(path)}")
    return here


def typed(value: Json, kind: str) -> float | int | bool | str:
    """Return `value` as the raw type `kind` of a point: float, bool, str, or an integer kind.

    Raises:
        BadReply: the value is of another type; nothing is converted from text, and true is not 1.
    """
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if kind in {"float", "f32"}:
            return float(value)
        if kind in _INTEGERS and float(value).is_integer() and _INTEGERS[kind][0] <= value <= _INTEGERS[kind][1]:
            return int(value)
    raise BadReply(f"{str(value)[:40]!r} is no {kind}")


def source_time_ns(document: Json) -> int | None:
    """Return the device's own time in ns UTC from the field `ts`: ISO 8601 with a zone, or s or ms since 1970."""
    ts = document.get("ts") if isinstance(document, dict) else None
    if isinstance(ts, str):
        return _from_iso(ts)
    if isinstance(ts, bool) or not isinstance(ts, int | float):
        return None
    if 1e9 <= ts < 1e11:
        return round(ts * 1000) * 1_000_000
    return round(ts) * 1_000_000 if 1e12 <= ts < 1e14 else None


def _from_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        since = moment - _EPOCH if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
    return None if since is None else since // timedelta(microseconds=1) * 1000


_INTEGERS: Mapping[str, tuple[int, int]] = {
    "u16": (0, 2**16 - 1),
    "i16": (-(2**15), 2**15 - 1),
    "u32": (0, 2**32 - 1),
    "i32": (-(2**31), 2**31 - 1),
}


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large")
    return value


def _short(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS_LIMIT:
        raise ValueError(f"{text[:40]} is too long")
    return int(text)

"""Payloads of MQTT sensors, JSON or a plain number, as typed values: pure functions that trust nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from drivers.errors import BadReply

__all__ = [
    "DEPTH_LIMIT",
    "SIZE_LIMIT",
    "BadPayload",
    "Json",
    "decode",
    "decode_number",
    "field_at",
    "source_time_ns",
    "time_ns",
    "typed",
]

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

SIZE_LIMIT = 4096  # bytes; checked before anything is parsed
DEPTH_LIMIT = 16

_DIGITS_LIMIT = 18  # what fits into 64 bits with a sign
# a string, closed or not: from its first quote everything matches, else hostile text takes quadratic time
_STRING = re.compile(r'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
_NUMBER_LIMIT = 64  # characters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadPayload(BadReply):
    """A payload to drop; `reason`: oversize, bad_utf8, too_deep, not_finite, bad_number, double_key or bad_json."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _BadText(ValueError):
    """What a hook of the JSON parser does not take."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def decode(payload: bytes) -> Json:
    """Return what the JSON text says.

    Raises:
        BadPayload: over 4 KB, not UTF-8, no JSON, nested deeper than 16, NaN or infinity, a number beyond any sensor,
            or a key twice in one object (which of the two is meant nobody knows).
    """
    text = _text(payload)
    if _is_too_deep(text):
        raise BadPayload("too_deep", f"nested deeper than {DEPTH_LIMIT}")
    try:
        value: Json = json.loads(
            text, parse_constant=_refuse, parse_float=_finite, parse_int=_short, object_pairs_hook=_object
        )
    except _BadText as exc:
        raise BadPayload(exc.reason, f"no sound JSON: {exc}") from exc
    except ValueError as exc:
        raise BadPayload("bad_json", f"no JSON: {exc}") from exc
    return value


def decode_number(payload: bytes) -> float:
    """Return the number that is all the text says, such as `21.5`; space around it is let pass, a unit is not.

    Raises:
        BadPayload: over 4 KB, not UTF-8, no decimal number, or one that is infinite.
    """
    text = _text(payload).strip()
    if len(text) > _NUMBER_LIMIT or _NUMBER.fullmatch(text) is None:
        raise BadPayload("bad_number", f"{text[:40]!r} is no number")
    value = float(text)
    if not math.isfinite(value):
        raise BadPayload("not_finite", f"{text[:40]} is too large")
    return value


def _text(payload: bytes) -> str:
    if len(payload) > SIZE_LIMIT:
        raise BadPayload("oversize", f"{len(payload)} bytes, at most {SIZE_LIMIT} are read")
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise BadPayload("bad_utf8", f"no UTF-8: {exc.reason}") from exc


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
    return time_ns(document.get("ts")) if isinstance(document, dict) else None


def time_ns(ts: Json) -> int | None:
    """Return the moment `ts` in ns UTC: ISO 8601 with a zone, or s or ms since 1970; None when it is none of these."""
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


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEPTH_LIMIT:
        return False
    depth = 0
    for found in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if found[0] in "[{" else -1
        if depth > DEPTH_LIMIT:
            return True
    return False


def _refuse(constant: str) -> Json:
    raise _BadText("not_finite", f"{constant} is no JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _BadText("not_finite", f"{text[:40]} is too large")
    return value


def _short(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS_LIMIT:
        raise _BadText("bad_number", f"{text[:40]} is too long")
    return int(text)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _BadText("double_key", "a key is there twice")
    return found

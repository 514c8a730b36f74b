"""The words of the local API: one JSON object a line, errors that come back as they were.

The client's first line is its greeting, `{"api", "token", "client", "operator", "lang"}`; then requests,
`{"id", "op", "args", "key", "reason", "dry_run"}`. Each is answered by `{"id", "ok", "data", "error"}`. What a
subscription tells comes between them: `{"event", "seq", "data"}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from linectl.errors import (
    ConfigError,
    DeviceError,
    LinectlError,
    NotConfirmed,
    Refused,
    RunAborted,
    Unreachable,
)

__all__ = ["API", "HOST", "LINE_BYTES", "answer_line", "as_object", "data_of", "error_of", "line_of", "whole_text"]

API = 1
HOST = "127.0.0.1"
LINE_BYTES = 64 << 10  # of a request; an answer may be longer

_KINDS: Mapping[int, type[LinectlError]] = {
    kind.exit_code: kind
    for kind in (LinectlError, ConfigError, Unreachable, DeviceError, Refused, NotConfirmed, RunAborted)
}


def line_of(message: Mapping[str, Any]) -> bytes:
    """Return `message` as it goes over the wire; half a character, as broken clients send them, stays an escape.

    Raises:
        ValueError: it holds what JSON has no word for (NaN, infinity).
    """
    text = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace") + b"\n"


def as_object(line: bytes) -> dict[str, Any]:
    """Return the object that `line` holds; an empty one when it holds none.

    NaN and Infinity are no JSON.
    """
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def answer_line(number: object, data: Any = None, error: LinectlError | None = None) -> bytes:
    """Return the answer to the request `number`: its data, or what was refused."""
    problem = None
    if error is not None:
        problem = {"code": error.code, "exit_code": error.exit_code, "message": error.message, "hint": error.hint}
    known = number if isinstance(number, str | int) else None  # nothing else can be told back
    return line_of({"id": known, "ok": error is None, "data": data, "error": problem})


def whole_text(told: object, most: int) -> str:
    """Return `told` as a text of at most `most` characters that a store takes: half a character becomes `?`."""
    return str(told or "")[:most].encode("utf-8", "replace").decode()


def data_of(answer: Mapping[str, Any]) -> Any:
    """Return what an answer holds.

    Raises:
        LinectlError: it was refused, as it would have been in this process.
    """
    if answer.get("ok"):
        return answer.get("data")
    raise error_of(answer.get("error"))


def error_of(problem: object) -> LinectlError:
    """Return the error that an answer tells of."""
    told: Mapping[str, Any] = problem if isinstance(problem, dict) else {}
    kind = _KINDS.get(told.get("exit_code", 0), DeviceError)
    return kind(str(told.get("message")), hint=str(told.get("hint", "")), code=str(told.get("code", "")))

"""What of a line or a message is no value: figures give way to a mark, the fields of a document keep their names."""

from __future__ import annotations

import json
import re

__all__ = ["shape_of_payload", "shape_of_text"]

_FIGURE = re.compile(rb"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")


def shape_of_text(said: bytes) -> bytes:
    """Return a line with a mark in place of each number in it: `21.3,0.00` and `7.0,1.25` have one shape."""
    return _FIGURE.sub(b"0", said)


def shape_of_payload(payload: bytes) -> bytes:
    """Return the fields of a JSON document in their order, with the kinds of their values; of others what a line has.

    A field that is null has a shape of its own: a sensor that fails is no changed value.
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return shape_of_text(payload)
    return json.dumps(_kinds(document)).encode()


def _kinds(value: object) -> object:
    if isinstance(value, dict):
        return {name: _kinds(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_kinds(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return value if value is None else type(value).__name__

"""Times as people write them in a file: `90`, `90 s`, `45 min`, `8 h`."""

from __future__ import annotations

import re
from typing import Any

from linectl.config.nodes import Document, Loc
from linectl.words import tr

__all__ = ["seconds"]

_TIMES = {"s": 1.0, "min": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h)")


def seconds(said: Any, loc: Loc, document: Document, instead_s: float = 1.0) -> Any:
    """Return the seconds that a time says: a number, or a text such as `90 s`, `45 min`, `8 h`; else `instead_s`."""
    if not isinstance(said, str):
        return said
    match = _TIME.fullmatch(said.strip())
    if match is None:
        message = tr("expected a time such as 90, 90 s, 45 min or 8 h, not `{said}`")
        document.complain(loc, message.format(said=said[:40]))
        return instead_s
    return float(match[1]) * _TIMES[match[2]]

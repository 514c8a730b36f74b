"""How fast one connection may ask; what makes a line safe is never kept waiting."""

from __future__ import annotations

import asyncio

from linectl.errors import Refused
from linectl.words import tr

__all__ = ["Pace"]

_PER_S = 100.0
_AT_ONCE = 200.0
_FREE = frozenset({"abort", "hold", "stop", "run_abort", "run_hold"})


class Pace:
    """A bucket of requests that fills by loop time."""

    def __init__(self) -> None:
        self._left = _AT_ONCE
        self._at_s = asyncio.get_running_loop().time()

    def take(self, op: str) -> None:
        """Take one request out of the bucket.

        Raises:
            Refused: it is empty.
        """
        now_s = asyncio.get_running_loop().time()
        self._left = min(_AT_ONCE, self._left + (now_s - self._at_s) * _PER_S)
        self._at_s = now_s
        if op in _FREE:
            return
        if self._left < 1.0:
            raise Refused(
                tr("this connection asks too fast: more than {n} requests a second").format(n=round(_PER_S)),
                hint=tr("subscribe to what changes, in place of asking again and again"),
                code="E-API-003",
            )
        self._left -= 1.0

"""Bytes on their way through a pseudo-terminal, counted for an event loop whose clock jumps.

A pty delivers through a kernel worker: for some microseconds the bytes are neither here nor there, and a clock
that jumps whenever nothing is ready would jump past them. Both ends therefore tell the loop what they sent and
received; an ordinary loop has no `in_flight` and nothing is counted.
"""

from __future__ import annotations

import asyncio

__all__ = ["InFlight", "in_flight"]


class InFlight:
    """Counts bytes written to a wire and not yet read at its other end, both ends in one loop."""

    __slots__ = ("_by_wire", "_heard")

    def __init__(self) -> None:
        self._by_wire: dict[str, int] = {}
        self._heard: set[str] = set()

    def __bool__(self) -> bool:
        """Return whether any byte is on its way."""
        return bool(self._by_wire)

    def __repr__(self) -> str:
        """Return the counts of the wires that hold bytes."""
        return f"<InFlight {self._by_wire}>"

    def sent(self, wire: str, count: int) -> None:
        """Note that `count` bytes entered `wire` (a name both ends use, such as the tty's path and a direction)."""
        if count:  # a wire that was sent nothing would be waited for in vain
            self._by_wire[wire] = self._by_wire.get(wire, 0) + count

    def received(self, wire: str, count: int) -> None:
        """Note that `count` bytes came out of `wire`."""
        left = self._by_wire.get(wire, 0) - count
        if left > 0:
            self._by_wire[wire] = left
        else:
            self._by_wire.pop(wire, None)

    def listen(self, wire: str) -> None:
        """Note that somebody in this loop reads what comes out of `wire`."""
        self._heard.add(wire)

    def deafen(self, wire: str) -> None:
        """Note that nobody reads `wire` any more; its bytes are given up."""
        self._heard.discard(wire)
        self.forget(wire)

    def sent_if_heard(self, wire: str, count: int) -> None:
        """Count `count` bytes, unless nobody in this loop would take them out of `wire` again."""
        if wire in self._heard:
            self.sent(wire, count)

    def forget(self, wire: str | None = None) -> None:
        """Give up on the bytes of `wire` (it was closed), or of all wires."""
        if wire is None:
            self._by_wire.clear()
        else:
            self._by_wire.pop(wire, None)


def in_flight() -> InFlight | None:
    """Return the running loop's counter, or None when its clock does not jump."""
    counter = getattr(asyncio.get_running_loop(), "in_flight", None)
    return counter if isinstance(counter, InFlight) else None

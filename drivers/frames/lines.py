"""A stream of bytes cut into lines: pure, bounded, and a line counts only with its terminator."""

from __future__ import annotations

__all__ = ["EITHER", "LINE_LIMIT", "LineBuffer"]

LINE_LIMIT = 4096  # bytes; no instrument of a laboratory sends a longer line
EITHER = b""  # the terminator of devices that end a line in CR, in LF or in both; empty lines do not count then


class LineBuffer:
    """Cuts a stream of bytes into lines; after noise it is in step again at the next terminator.

    A line longer than `limit` bytes is dropped up to its terminator and counted in `overflows`, its bytes in `dropped`.
    The terminator is CR, CR LF, or `EITHER`.
    """

    __slots__ = ("_either", "_limit", "_rest", "_skipping", "_terminator", "dropped", "overflows")

    def __init__(self, terminator: bytes = b"\r", limit: int = LINE_LIMIT) -> None:
        self._either = terminator == EITHER
        self._terminator = terminator or b"\n"
        self._limit = limit
        self._rest = b""
        self._skipping = False
        self.overflows = 0
        self.dropped = 0

    def __repr__(self) -> str:
        """Return the unfinished part and the count of lines that were too long."""
        return f"<LineBuffer {self._rest[:40]!r}, {self.overflows} overflows>"

    @property
    def unfinished(self) -> bytes:
        """The bytes that wait for their terminator, at most `limit` and the first half of a CR LF."""
        return self._rest

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that `data` completes, without their terminators."""
        if self._either:
            data = data.replace(b"\r", b"\n")
        *pieces, rest = (self._rest + data).split(self._terminator)
        lines = []
        for piece in pieces:
            if self._skipping:
                self._skipping = False
                self.dropped += len(piece)
            elif len(piece) > self._limit:
                self.overflows += 1
                self.dropped += len(piece)
            elif piece or not self._either:
                lines.append(piece)
        self._rest = rest
        if self._skipping or len(rest) >= self._limit + len(self._terminator):  # it may end in half a terminator
            self._skip()
        return lines

    def clear(self) -> int:
        """Forget the unfinished line; return its length in bytes."""
        length = len(self._rest)
        self._rest, self._skipping = b"", False
        return length

    def _skip(self) -> None:
        self.overflows += not self._skipping
        self._skipping = True
        kept = self._rest[-len(self._terminator) :]  # a terminator of several bytes may come in two parts
        self.dropped += len(self._rest) - len(kept)
        self._rest = kept

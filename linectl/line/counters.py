"""Counters of a device that start again at 0 when their register is full, or the device is switched on."""

from __future__ import annotations

__all__ = ["COUNTER_BITS", "Total"]

COUNTER_BITS = {"u16": 16, "u32": 32, "u64": 64}

_WRAP_SHARE = 8  # a fall is a wrap when the way through the top is at most an eighth of the range
_RESTART_SHARE = 2  # and else a restart when less than half is left; what falls less was taken back


class Total:
    """The total of one counter of `bits` bits since linectl started: its first raw value, and all that was added.

    A raw value that falls is one of three things, told apart by how far it fell:

    - the register wrapped: from the last value through the top to the new one it is at most 1/8 of the range. That way
      is added. (A counter that does more between two readings is too fast for its scan.)
    - the device started again: less than half of the last value is left. It has counted from 0 since: that is added,
      and no wrap.
    - the device took something back (after a power cut it goes on from the value it had saved): nothing is added, and
      counting goes on from there.

    So the total never falls, and no restart of a device adds 2^32. A total that was kept (`total`, with the raw value
    `raw` at which it stood) is gone on with.
    """

    def __init__(self, bits: int, *, raw: int | None = None, total: int = 0) -> None:
        self._range = 1 << bits
        self._last = raw
        self.total = total
        self.wraps = 0
        self.restarts = 0

    def __repr__(self) -> str:
        """Return the total, the last raw value, and what was seen on the way."""
        return f"<Total {self.total} (raw {self._last}), {self.wraps} wraps, {self.restarts} restarts>"

    @property
    def raw(self) -> int | None:
        """The newest raw value; None before the first."""
        return self._last

    def add(self, raw: int) -> int:
        """Return the total with the raw value `raw` (0 to 2^bits - 1), the newest."""
        last, self._last = self._last, raw
        if last is None:
            self.total = raw
        elif raw >= last:
            self.total += raw - last
        elif raw - last + self._range <= self._range // _WRAP_SHARE:
            self.total += raw - last + self._range
            self.wraps += 1
        elif raw < last / _RESTART_SHARE:
            self.total += raw
            self.restarts += 1
        return self.total

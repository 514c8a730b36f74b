"""The quarantine of an RTU line: after anything uncertain, nothing is sent until no old reply can come any more.

RTU replies carry no transaction number, so a reply that comes late is taken for the answer to the next request. Only
silence helps. `window` is the longest time that a reply can take after its request went out:

    window = turnaround + longest frame (256 characters at the baud rate) + adapter latency

    baud, 11 bits a character    9600    19200    115200
    longest frame, ms             293      147        24

Example: 9600 8N1, turnaround 100 ms, adapter 16 ms: 0.1 + 256 x 1.04 ms + 0.016 = 0.383 s. `window_s` of the settings
replaces the sum where the units are known to be faster; the smaller it is, the sooner an urgent write goes out after
a fault. The promise: a reply that comes within timeout + window of its request is never taken for another's, nor is a
second copy of one that comes within a window after it (`drivers.modbus.pace` says what that cannot tell). One that
comes later still can be, unless the unit answers a nonce (`UnitSettings.nonce`).

Before each request the line rests for 3.5 characters, at least 1.75 ms (Modbus over serial line V1.02, 2.5.1.1): by
that silence units recognise a new frame, and we a reply that was sent twice at once. The rest counts from when the last
bytes reached us. They left the line earlier, but by how much an adapter does not say, and nothing may be assumed; what
the caller needs until the next request counts towards it. It costs 6 % of short reads at 19200 baud.

A quarantine goes on to its end when the late reply has come: a gateway that repeats a request brings two.

What CRC-16 itself lets through no guard can see: with one bit in a hundred flipped at random, 14 of a million replies
of 66 registers passed every check (`benchmarks/wire_guard.py --full`). Bursts of up to 16 bits never do.
"""

from __future__ import annotations

from drivers.modbus.framing import LONGEST_RTU
from drivers.modbus.pace import Memory
from drivers.settings import ModbusRtuSettings

__all__ = ["Guard", "gap_s", "timeout_s", "window_s"]

_GAP_CHARACTERS = 3.5
_GAP_S = 0.001_75
_SHORTEST_FRAME = 5  # bytes: unit, function, exception, CRC
_SLACK_S = 0.005  # our own loop's lateness


def window_s(settings: ModbusRtuSettings) -> float:
    """Return how long (s) an old reply may still come after its request is given up."""
    longest_s = LONGEST_RTU * settings.serial.character_s
    return settings.window_s or settings.turnaround_s + longest_s + settings.adapter_latency_s


def gap_s(settings: ModbusRtuSettings) -> float:
    """Return the silence (s) before each request."""
    return max(_GAP_CHARACTERS * settings.serial.character_s, _GAP_S)


def timeout_s(settings: ModbusRtuSettings, sent: int, expected: int) -> float:
    """Return how long (s) to wait for a reply of `expected` bytes to a request of `sent` bytes."""
    if settings.timeout_s:
        return settings.timeout_s
    on_the_wire_s = (sent + expected) * settings.serial.character_s
    return on_the_wire_s + settings.turnaround_s + settings.adapter_latency_s + gap_s(settings) + _SLACK_S


class Guard:
    """Says from when on (loop time, s) an RTU line may be used again."""

    def __init__(self, settings: ModbusRtuSettings) -> None:
        self.window_s = window_s(settings)
        self.gap_s = gap_s(settings)
        self.quarantines = 0
        self.memory = Memory(self.window_s)
        self._settle_s = self.gap_s + settings.adapter_latency_s
        self._strays = 0
        self._quiet_at_s = float("-inf")
        self._rested_at_s = float("-inf")

    def __repr__(self) -> str:
        """Return the window and until when the line is left alone."""
        return f"<Guard window {self.window_s:.3g} s, quiet until {self._quiet_at_s:.3f} s>"

    def ready_at(self) -> float:
        """Return the loop time (s) before which nothing may be sent."""
        return max(self._quiet_at_s, self._rested_at_s)

    def in_quarantine(self, now_s: float) -> bool:
        """Return whether old replies may still come."""
        return now_s < self._quiet_at_s

    def used(self, now_s: float) -> None:
        """Note that bytes went over the line just now: it must rest before the next request."""
        self._rested_at_s = now_s + self.gap_s

    def asked(self) -> None:
        """Note that a request goes out: from its reply on, stray bytes are counted anew."""
        self._strays = 0

    def doubt(self, now_s: float, expected_by_s: float = float("-inf")) -> None:
        """Begin (or prolong) a quarantine; a reply may still be expected by `expected_by_s` (loop time), or nothing."""
        self.quarantines += 1
        self._strays = 0
        self._quiet_at_s = max(self._quiet_at_s, max(now_s, expected_by_s) + self.window_s)

    def heard(self, now_s: float, count: int) -> bool:
        """Note `count` bytes that nobody waits for; return whether they are a reason for a quarantine.

        In quarantine they may not be the last of their frame. Otherwise up to four bytes after a reply are what a
        transceiver adds when it lets go of the line; as many as a frame has are a reply that nobody asked for.
        """
        self.used(now_s)
        self._strays += count
        if self.in_quarantine(now_s):
            self._quiet_at_s = max(self._quiet_at_s, now_s + self._settle_s)
            return False
        return self._strays >= _SHORTEST_FRAME

"""Whether a right-looking reply may be a second copy of an older one, and how fast a unit answers.

An adapter, radio link or gateway may deliver a reply twice. A second copy that comes while the next request of the same
shape is out looks like its answer, and from then on each reply belongs to the request before. A copy is byte for byte
what came before, so what came within the last window is remembered, with the request that it was for:

- A reply to one read that equals what just came for another is held for as long as a reply takes: were it a copy, the
  right one would follow. On a line where a copy was seen within the last ten minutes that is not enough, since the
  right one may be late as well: there it is not believed, the line is in quarantine, and what is read then is no copy.
  Only where its own request was answered the same before, it may be believed; a doubted one that comes again counts as
  that, so that nobody who asks for equal values asks for ever.
- One that equals the last reply to its own request, or one that came too late for it, is held likewise. One that is
  late even then equals it, and comes for another request by then, so it is not believed. After three in a row the
  values are constant, and nothing is held or doubted, unless no other request went between: one block alone, polled
  back to back, is always held.
- One that comes sooner than the unit ever answered is held likewise; when nothing follows, the unit got faster.
- The echo of a write is held where a read would not be believed: writes with equal echoes are not rare, and whoever
  wrote reads back.

So nothing is held or doubted when no two blocks of a unit have one length and the same values, or when they do not
change: eight noisy registers of a unit, each read by itself, take 0.29 s in place of 0.17 s, eight units no more.
What no rule can tell, because the same bytes come in the same order either way: a held copy whose right reply is lost
without a byte, or, when it is the first copy on its line, late. What is not looked for, since it would halve the rate
of constant values: a copy that outlasts a whole exchange with another block, or has its very bytes, and comes in the
very poll in which values change that were constant for three. And a copy that comes later than a window after its
original.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

__all__ = ["Belief", "Memory", "Pace", "Shape"]

_SOONER = 0.9  # of the shortest time known; what the loop and the adapter add varies
_SLACK_S = 0.002
_LEARNT = 8  # replies of a shape, before the shortest time of them means anything
_FORGET = 0.9  # how much of the longest time is kept when shorter ones follow
_RELAX = 1.001  # a shortest time that never comes again is forgotten: doubled after 700 replies
_CONSTANT = 3  # times in a row that a request was answered the same
_READS = frozenset((1, 2, 3, 4, 43))
_SEEN_S = 600.0  # so long a line on which a copy was seen is one that makes copies
_FRAMES_KEPT = 1024  # far more than come within a window
_REQUESTS_KEPT = 512

Shape = tuple[int, int]
"""Function and length (bytes) of a reply: a second copy can only be mistaken for one of its own shape."""


class Belief(Enum):
    """What to do with a reply: take it, take it if nothing else follows, or ask again later."""

    YES = auto()
    HOLD = auto()
    NO = auto()


class _Heard(NamedTuple):
    """When a frame came (loop time, s), and for which request; empty when for none."""

    t_s: float
    request: bytes


class _Told(NamedTuple):
    """What a request was answered last, and how many times in a row; 0 times when it was not believed."""

    frame: bytes
    times: int


class Memory:
    """What came over a line within the last `window_s`, and what each request was answered last.

    A frame and a request are told apart by unit and PDU. Both memories are bounded.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._heard: dict[bytes, _Heard] = {}  # the oldest first
        self._told: dict[bytes, _Told] = {}
        self._last = b""  # the request that was answered last
        self._copied_until_s = float("-inf")

    def __repr__(self) -> str:
        """Return how much is remembered."""
        return f"<Memory {len(self._heard)} frames, {len(self._told)} requests>"

    def stray(self, frame: bytes, now_s: float, request: bytes = b"") -> None:
        """Remember that `frame` came just now though nobody waited for it: the second time, it is a copy."""
        before = self._heard.get(frame)
        if before is not None and now_s - before.t_s <= self._window_s:
            self.copied(now_s)
        self.heard(frame, now_s, request)

    def copied(self, now_s: float) -> None:
        """Note that the line delivered a second copy of a reply."""
        self._copied_until_s = now_s + _SEEN_S

    def heard(self, frame: bytes, now_s: float, request: bytes = b"") -> None:
        """Remember that `frame` came just now, for `request`, be it in time or too late, or for none."""
        heard = self._heard
        heard.pop(frame, None)
        heard[frame] = _Heard(now_s, request)
        oldest = next(iter(heard))
        while heard[oldest].t_s < now_s - self._window_s or len(heard) > _FRAMES_KEPT:
            del heard[oldest]
            oldest = next(iter(heard))

    def belief(self, request: bytes, frame: bytes, now_s: float) -> Belief:
        """Return whether `frame`, which just came, is the answer to `request` (unit and PDU)."""
        before = self._heard.get(frame)
        if before is None or now_s - before.t_s > self._window_s:
            return Belief.YES
        told = self._told.get(request)
        if told is not None and told.frame == frame:
            return Belief.YES if told.times >= _CONSTANT and request != self._last else Belief.HOLD
        if before.request == request or request[1] not in _READS or now_s > self._copied_until_s:
            return Belief.HOLD
        self._tell(request, _Told(frame, 0))
        return Belief.NO

    def believed(self, request: bytes, frame: bytes, now_s: float) -> None:
        """Remember that `frame` answered `request`."""
        self.heard(frame, now_s, request)
        self._last = request
        told = self._told.get(request)
        self._tell(request, _Told(frame, told.times + 1 if told is not None and told.frame == frame else 1))

    def _tell(self, request: bytes, told: _Told) -> None:
        self._told.pop(request, None)
        self._told[request] = told
        if len(self._told) > _REQUESTS_KEPT:
            del self._told[next(iter(self._told))]


class Pace:
    """The shortest and the recent longest time (s) from a request to its reply, by the reply's shape."""

    __slots__ = ("_count", "_fastest_s", "_slowest_s")

    def __init__(self) -> None:
        self._count: dict[Shape, int] = {}
        self._fastest_s: dict[Shape, float] = {}
        self._slowest_s: dict[Shape, float] = {}

    def __repr__(self) -> str:
        """Return the bounds."""
        return f"<Pace fastest {self._fastest_s}, slowest {self._slowest_s}>"

    def too_soon(self, shape: Shape, took_s: float) -> bool:
        """Return whether no reply of this shape was lately nearly as fast, of eight at least."""
        if self._count.get(shape, 0) < _LEARNT:
            return False
        return took_s < _SOONER * self._fastest_s[shape] - _SLACK_S

    def slowest_s(self, shape: Shape) -> float:
        """Return how long (s) such a reply takes at the longest, as far as is known: 0 when nothing is."""
        return self._slowest_s.get(shape, 0.0)

    def took(self, shape: Shape, took_s: float) -> None:
        """Note that a believed reply took `took_s`."""
        self._count[shape] = self._count.get(shape, 0) + 1
        self._fastest_s[shape] = min(_RELAX * self._fastest_s.get(shape, took_s), took_s)
        self._slowest_s[shape] = max(took_s, _FORGET * self._slowest_s.get(shape, 0.0))

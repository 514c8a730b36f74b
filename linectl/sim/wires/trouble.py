"""What is wrong with a wire of the simulator, as settings that its server asks at each reply.

One `Trouble` per link of the rig (`plc`, `rtd`, `ec`, `sensors`, ...). A server that is about to send a reply asks
`fate`; nothing here does I/O. Draws come from the seed, the link and the number of the reply.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Ill", "Reply", "Trouble"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What becomes of one reply: its bytes in pieces (none: dropped), each with a delay in s before it."""

    pieces: tuple[tuple[float, bytes], ...]
    close: bool = False  # the connection ends after it


Ill = Callable[[Reply, random.Random], Reply]
"""One trouble: what it makes of a reply."""


@dataclass(slots=True)
class Trouble:
    """The troubles of one link, in the order they came; without any a reply goes out as it is."""

    seed: int
    link: str
    ills: list[Ill] = field(default_factory=list)
    replies: int = 0

    def fate(self, reply: bytes) -> Reply:
        """Return what becomes of the next reply."""
        self.replies += 1
        whole = Reply(((0.0, reply),))
        if not self.ills:
            return whole
        draw = random.Random(f"{self.seed}/{self.link}/{self.replies}")  # noqa: S311  # a simulation, no secret
        for ill in self.ills:
            whole = ill(whole, draw)
        return whole

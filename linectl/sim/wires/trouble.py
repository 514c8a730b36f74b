"""What is wrong with a wire of the simulator, as settings that its server asks at each exchange.

One `Trouble` per link of the rig (`plc`, `rtd`, `sensors`, ...) holds the ills that were ordered for it
(`linectl.sim.wires.ills` makes them). A server that hears a request while there are any draws a `Meeting`: it says
whether the request arrives at all, whether the device refuses it, what its registers look like and what becomes of the
bytes of the reply. Nothing here does I/O. Draws come from the seed, the link and the number of the exchange alone,
and a link without ills draws nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = ["SILENT", "Asked", "Ill", "Meeting", "Reply", "Trouble", "Wire"]

Wire = Literal["tcp", "rtu", "text", "mqtt"]
"""Modbus TCP; Modbus RTU (over TCP too); an instrument that speaks in lines; a message to a broker."""

SILENT = -1
"""What an ill says of a request that never arrives at the device."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server heard, for ills that choose: of Modbus its unit, function and range, else the line or the topic.

    `foreign` is an answer to another question, for ills that confuse the two (see `Meeting.fate`).
    """

    wire: Wire
    unit: int = 0
    function: int = 0
    address: int = 0
    count: int = 0
    text: str = ""
    foreign: bytes = b""

    @property
    def table(self) -> str:
        """The Modbus table that is read (`hr`, `ir`, `co`, `di`), empty for everything else."""
        return {1: "co", 2: "di", 3: "hr", 4: "ir", 23: "hr"}.get(self.function, "")


@dataclass(frozen=True, slots=True)
class Reply:
    """What becomes of one reply: its bytes in pieces (none: dropped), each with a delay in s before it."""

    pieces: tuple[tuple[float, bytes], ...]
    close: bool = False  # the connection ends after it

    @property
    def data(self) -> bytes:
        """All bytes that go out, in their order."""
        return b"".join(piece for _, piece in self.pieces)

    @property
    def lasts_s(self) -> float:
        """How long after its time the last byte goes out, s."""
        return sum(delay_s for delay_s, _ in self.pieces)


Before = Callable[[Asked, random.Random], int]
Registers = Callable[[Asked, list[int]], list[int]]
OnReply = Callable[[Reply, Asked, random.Random], Reply]


@dataclass(frozen=True, slots=True, eq=False)
class Ill:
    """One trouble; two that were made alike are two.

    `before`: 0, `SILENT` when the request does not arrive, or the Modbus exception with which it is refused; the device
    carries it out only at 0. `registers`: what a read shows of the registers from `asked.address` on. `reply`: what it
    makes of a reply's bytes.
    """

    name: str
    before: Before | None = None
    registers: Registers | None = None
    reply: OnReply | None = None


class Meeting:
    """One exchange and the ills that it meets."""

    __slots__ = ("_draw", "_ills", "asked", "code", "silent")

    def __init__(self, ills: Sequence[Ill], asked: Asked, draw: random.Random) -> None:
        self._ills = tuple(ills)
        self._draw = draw
        self.asked = asked
        self.silent = False
        self.code = 0  # the Modbus exception with which the device refuses, 0: it does not
        for ill in self._ills:
            said = ill.before(asked, draw) if ill.before is not None else 0
            self.silent = self.silent or said == SILENT
            self.code = self.code or max(said, 0)

    def __repr__(self) -> str:
        """Return what was asked and whether it arrives."""
        return f"<Meeting {self.asked} {'silent' if self.silent else self.code}>"

    def registers(self, values: list[int]) -> list[int]:
        """Return what a read shows of registers that hold `values`."""
        for ill in self._ills:
            if ill.registers is not None:
                values = ill.registers(self.asked, values)
        return values

    def fate(self, data: bytes, foreign: bytes = b"") -> Reply:
        """Return what becomes of the reply `data`.

        `foreign` is what the same wire would carry in answer to another question, or in another unit's name.
        """
        reply, asked = Reply(((0.0, data),)), replace(self.asked, foreign=foreign)
        for ill in self._ills:
            if ill.reply is not None and reply.pieces:
                reply = ill.reply(reply, asked, self._draw)
        return reply


@dataclass(slots=True)
class Trouble:
    """The troubles of one link, in the order they came; without any a reply goes out as it is."""

    seed: int
    link: str
    ills: list[Ill] = field(default_factory=list)
    exchanges: int = 0  # those that met ills

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.ills)

    def add(self, ill: Ill) -> Ill:
        """Let `ill` act from the next exchange on; return it, for `remove`."""
        self.ills.append(ill)
        return ill

    def remove(self, ill: Ill) -> None:
        """End `ill`; nothing happens when it has ended already."""
        if ill in self.ills:
            self.ills.remove(ill)

    def clear(self) -> None:
        """End every ill."""
        self.ills.clear()

    def meet(self, asked: Asked) -> Meeting:
        """Return what the next exchange meets."""
        self.exchanges += 1
        draw = random.Random(f"{self.seed}/{self.link}/{self.exchanges}")  # noqa: S311  # a simulation, no secret
        return Meeting(self.ills, asked, draw)

"""The simulator's instruments as the tests use them: what they were asked is kept, what they say delayed or spoiled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TypeVar, cast

from drivers.link import Link, Point, RawReading
from drivers.settings import SerialSettings
from linectl.sim.wires import balance, circulator
from linectl.sim.wires.instrument import Handler, SerialInstrument
from linectl.sim.wires.trouble import SILENT, Asked, Ill, Reply

D = TypeVar("D", bound="Device")
L = TypeVar("L", bound=Link)


class Device:
    """An instrument of the simulator on an infinitely fast wire; `pace` makes it one of 8N1."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.asked: list[str] = []
        self.delays_s: deque[float] = deque()  # for what the next commands are answered with
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self.silent = False
        self.wire = SerialInstrument(cast("Handler", self), path)  # a subclass is one of the simulator's too
        self.wire.character_s = 0.0
        self.wire.trouble.add(Ill("as the test says", before=self._before, reply=self._spoilt))

    def pace(self, baud: int) -> None:
        self.wire.character_s = SerialSettings("", baud).character_s

    def plug(self) -> None:
        self.wire.plug()

    async def unplug(self) -> None:
        await self.wire.stop()

    def say(self, text: str | bytes) -> None:
        self.wire.say(self.spoil(text if isinstance(text, bytes) else text.encode("ascii")))

    def _before(self, asked: Asked, _draw: Random) -> int:
        if asked.text:
            self.asked.append(asked.text)
        return SILENT if self.silent else 0

    def _spoilt(self, reply: Reply, asked: Asked, _draw: Random) -> Reply:
        late_s = self.delays_s.popleft() if self.delays_s and asked.text else 0.0
        data = self.spoil(reply.data)
        return Reply(((late_s, data),) if data else ())


class Balance(Device, balance.Balance):
    """A balance with 100 g on it that waits half a second for rest."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.load_g = 100.0
        self.patience_s = 0.5
        self.stream_s = 0.05


class Lauda(Device, circulator.Lauda):
    """A LAUDA whose bath stays as it is."""


class Julabo(Device, circulator.Julabo):
    """A JULABO whose bath stays as it is."""


@asynccontextmanager
async def on_the_desk(device: D) -> AsyncIterator[D]:
    device.plug()
    try:
        yield device
    finally:
        await device.unplug()


@asynccontextmanager
async def opened(link: L) -> AsyncIterator[L]:
    await link.open()
    try:
        yield link
    finally:
        await link.close()


async def read(link: Link, point: Point, within_s: float = 2.0) -> RawReading:
    deadline = asyncio.get_running_loop().time() + within_s
    return (await link.read([point], deadline=deadline))[point]


async def until_good(link: Link, point: Point, within_s: float = 10.0) -> float:
    """Read until there is a value; return how long it took, in s."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while (reading := await read(link, point)).value is None:
        assert loop.time() - began_s < within_s, f"still {reading}"
        await asyncio.sleep(0.01)
    return loop.time() - began_s

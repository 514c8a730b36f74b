"""Simulated instruments on real wires for the tests: a pseudo-terminal or TCP, paced to their baud rate."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from drivers.errors import LinkDown
from drivers.frames.sics import Weight, encode_weight
from drivers.link import Link, Point, RawReading
from drivers.serial_port import PtyEnd

D = TypeVar("D", bound="Device")
L = TypeVar("L", bound=Link)


class Device:
    """Obeys one command after the other, in order; what it says can be delayed or spoiled from outside."""

    hears = b"\r"  # the end of a command

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[str] = []
        self.delays_s: deque[float] = deque()  # for what the next commands are answered with
        self.spoil: Callable[[bytes], bytes] = lambda data: data
        self.silent = False
        self.byte_s = 0.0
        self._held: list[bytes] | None = None  # said, but still to be sent
        self._pty: PtyEnd | None = None
        self._say: Callable[[bytes], None] = lambda _data: None
        self._tasks: set[asyncio.Task[None]] = set()

    def plug(self) -> None:
        self._pty = pty = PtyEnd(self.hears)
        pty.link(self.path)
        self._say = pty.write
        self.start(self._serve(pty.read_line))

    async def unplug(self) -> None:
        if self._pty is not None:
            self._pty.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode("ascii")
        if self._held is not None:
            self._held.append(data)
            return
        with contextlib.suppress(LinkDown):
            self._say(self.spoil(data))

    def start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def line() -> bytes:
            try:
                return (await reader.readuntil(self.hears)).removesuffix(self.hears)
            except (asyncio.IncompleteReadError, ConnectionError) as exc:
                raise LinkDown("gone") from exc

        self._say = writer.write
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._serve(line)
        finally:
            writer.close()

    async def obey(self, command: str) -> None:
        raise NotImplementedError

    async def _serve(self, read_line: Callable[[], Awaitable[bytes]]) -> None:
        with contextlib.suppress(LinkDown):
            while True:
                command = (await read_line()).decode("ascii", "replace").strip()
                self.asked.append(command)
                await asyncio.sleep(self.byte_s * 16)
                if not self.silent:
                    await self._answer(command)

    async def _answer(self, command: str) -> None:
        if not self.delays_s:
            await self.obey(command)
            return
        self._held = []
        await self.obey(command)
        await asyncio.sleep(self.delays_s.popleft())
        held, self._held = self._held, None
        for data in held:
            self.say(data)


class Balance(Device):
    """An MT-SICS balance: `S` waits for rest, `@` cancels whatever is under way."""

    hears = b"\r\n"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.load_g = 100.0
        self.tare_g = 0.0
        self.moving = False
        self.patience_s = 0.5
        self.unit = "g"
        self.most_g = 4000.0
        self.stream_s = 0.05
        self._work: asyncio.Task[None] | None = None

    def line(self) -> str:
        if self.load_g > self.most_g:
            return "S +\r\n"
        if self.load_g < -100:
            return "S -\r\n"
        weight = Weight(self.load_g - self.tare_g, stable=not self.moving)
        return encode_weight(weight, 2, unit=self.unit).decode("ascii")

    async def obey(self, command: str) -> None:
        if self._work is not None:
            if command not in {"@", "SI", "SIR"} and not self._work.done():
                self.say(f"{command} I\r\n")
                return
            self._work.cancel()
        match command:
            case "@" | "I4":
                self.say('I4 A "B021002593"\r\n')
            case "SI":
                self.say(self.line())
            case "S":
                self._work = self.start(self.when_at_rest(lambda: self.say(self.line()), "S I\r\n"))
            case "T":
                self._work = self.start(self.when_at_rest(self.take_tare, "T I\r\n"))
            case "Z":
                self._work = self.start(self.when_at_rest(self.take_zero, "Z I\r\n"))
            case "SIR":
                self._work = self.start(self.stream())
            case _:
                self.say("ES\r\n")

    async def when_at_rest(self, then: Callable[[], None], otherwise: str) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.patience_s
        while self.moving and loop.time() < until_s:
            await asyncio.sleep(0.005)
        if self.moving:
            self.say(otherwise)
        else:
            then()

    def take_tare(self) -> None:
        if self.load_g > self.most_g:
            self.say("T +\r\n")
            return
        self.tare_g = self.load_g
        self.say(f"T S {self.load_g:10.2f} g\r\n")

    def take_zero(self) -> None:
        if self.load_g > 50:
            self.say("Z +\r\n")
            return
        self.load_g = self.tare_g = 0.0
        self.say("Z A\r\n")

    async def stream(self) -> None:
        while True:
            self.say(self.line())
            await asyncio.sleep(self.stream_s)


class Lauda(Device):
    """Answers each command; keeps a setpoint within its limits or refuses it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bath_c = 61.25
        self.setpoint_c = 60.0
        self.running = False
        self.highest_c = 95.0
        self.clamps = False
        self.fault = "0000000"

    async def obey(self, command: str) -> None:
        self.say(self.answer(command.replace(" ", "_")) + "\r\n")

    def answer(self, command: str) -> str:
        answers = {
            "IN_PV_00": f"{self.bath_c:06.2f}",
            "IN_SP_00": f"{self.setpoint_c:06.2f}",
            "IN_MODE_02": "0" if self.running else "1",
            "TYPE": "ECO",
            "STATUS": "0" if "1" not in self.fault else "-1",
            "STAT": self.fault,
        }
        if command in answers:
            return answers[command]
        if command in {"START", "STOP"}:
            self.running = command == "START"
            return "OK"
        if command.startswith("OUT_SP_00_"):
            return self.take(float(command.removeprefix("OUT_SP_00_")))
        return "ERR_3"

    def take(self, setpoint_c: float) -> str:
        if setpoint_c > self.highest_c and not self.clamps:
            return "ERR_6"
        self.setpoint_c = min(setpoint_c, self.highest_c)
        return "OK"


class Julabo(Device):
    """Answers questions only, its first not at all; obeys in remote mode."""

    end = "\r\n"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bath_c = 61.25
        self.setpoint_c = 60.0
        self.running = False
        self.remote = True
        self.highest_c = 95.0
        self.error = ""
        self.asleep = True

    async def obey(self, command: str) -> None:
        if self.asleep:
            self.asleep = False
            return
        name, _, value = command.lower().partition(" ")
        if name.startswith("out_"):
            self.take(name, value)
            return
        text = self.answer(name)
        if text is not None:
            self.say(text + self.end)

    def answer(self, name: str) -> str | None:
        match name:
            case "in_pv_00":
                return f"{self.bath_c:.2f}"
            case "in_sp_00":
                return f"{self.setpoint_c:.2f}"
            case "in_mode_05":
                return str(int(self.running))
            case "version":
                return "JULABO HIGHTECH FL HL/SL VERSION 4.0"
            case "status":
                said, self.error = self.error, self.error if self.error.startswith("-0") else ""
                return said or f"0{2 * self.remote + self.running} {'REMOTE' if self.remote else 'MANUAL'} " + (
                    "START" if self.running else "STOP"
                )
            case _:
                self.error = "-08 INVALID COMMAND"
                return None

    def take(self, name: str, value: str) -> None:
        if not self.remote:
            return
        if name == "out_mode_05":
            self.running = value == "1"
        elif name == "out_sp_00" and float(value) > self.highest_c:
            self.error = "-11 VALUE TOO LARGE"
        elif name == "out_sp_00":
            self.setpoint_c = float(value)


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

"""An instrument that speaks in lines, on a pseudo-terminal and on TCP, at the pace of its baud rate.

What it says is decided by a handler: bytes in, bytes out, no I/O and no clock of its own. A pty and a socket ignore the
baud rate, so the adapter paces: one timer per reply, as long as command, work and reply would take on the wire (9600
baud 8N1: 1.04 ms a character); the last byte is never early. No task runs: between two commands an instrument costs
nothing, in real time or in time that jumps.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from drivers.errors import LinkDown
from drivers.frames.lines import LineBuffer
from drivers.serial_port import PtyEnd
from drivers.settings import SerialSettings
from linectl.sim.wires.holder import cannot_listen
from linectl.sim.wires.trouble import Asked, Meeting, Trouble
from linectl.words import tr

__all__ = ["Handler", "Said", "SerialInstrument"]


@dataclass(frozen=True, slots=True)
class Said:
    """What an instrument answers (perhaps nothing), and how long it works before the first byte, s."""

    data: bytes
    delay_s: float = 0.0


class Handler(Protocol):
    """What an instrument does with a command; all times are of the event loop, s."""

    hears: bytes
    """What ends a command."""

    def answer(self, line: bytes, now_s: float = 0.0) -> Said:
        """Return the reply to a command without its end."""

    def due_s(self) -> float | None:
        """Return when it wants to speak without being asked, None for never."""

    def speak(self, now_s: float) -> bytes:
        """Return what it says by itself at `now_s`, perhaps nothing yet."""

    def boot(self, now_s: float) -> bytes:
        """Start again as after a loss of power; return what it says of it."""

    def foreign(self) -> bytes:
        """Return the answer to some other question."""


H_co = TypeVar("H_co", bound=Handler, covariant=True)


class SerialInstrument(Generic[H_co]):
    """Serves `handler` behind the symbolic link `link`, as `/dev/serial/by-id/...` is, and on TCP after `listen`.

    `before` is called as each command is heard: the plant steps up to the present. `trouble` is asked at each reply.
    Whoever is connected hears everything that is said, as with a serial server.
    """

    def __init__(
        self,
        handler: H_co,
        link: Path,
        *,
        before: Callable[[], None] = lambda: None,
        serial: SerialSettings | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        self.handler = handler
        self.link = link
        self.host, self.port = "127.0.0.1", 0
        self.trouble = trouble if trouble is not None else Trouble(0, link.name)
        self.character_s = (serial or SerialSettings("")).character_s
        self._before = before
        self._buffer = LineBuffer(handler.hears)
        self._lines: deque[bytes] = deque()
        self._pieces: deque[tuple[float, bytes]] = deque()
        self._hangs_up = False
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._pty: _Pty | None = None
        self._server: asyncio.Server | None = None
        self._callers: set[_Caller] = set()

    def __repr__(self) -> str:
        """Return the handler and where it is plugged in."""
        where = f" {self.host}:{self.port}" if self._server is not None else ""
        return f"<SerialInstrument {self.handler!r} {self.link if self._pty else 'unplugged'}{where}>"

    @property
    def plugged(self) -> bool:
        """Whether it is connected to its adapter."""
        return self._pty is not None

    def plug(self) -> None:
        """Appear as a new tty under the link; the running loop serves it."""
        self.unplug()
        self._pty = pty = _Pty(self.heard)
        pty.link(self.link)
        self._next()

    async def listen(self, port: int = 0) -> None:
        """Serve the same over TCP, as a serial server in the network does; `port` then tells where.

        Raises:
            Unreachable: the port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Caller(self), self.host, port)
        except OSError as exc:
            what = tr("the simulated instrument cannot listen on {host}:{port}: {why}")
            raise cannot_listen(self.host, port, exc, what) from exc
        self.port = int(self._server.sockets[0].getsockname()[1])

    def unplug(self) -> None:
        """Vanish: the tty dies for whoever has it open, connections end, new ones are cut until it is plugged again."""
        if self._pty is not None:
            self._pty.close()
            self._pty = None
        for caller in tuple(self._callers):
            caller.drop()
        self._rest()
        self._lines.clear()
        self._pieces.clear()
        self._buffer = LineBuffer(self.handler.hears)

    def say(self, data: bytes) -> None:
        """Send `data` at once, asked or not: noise on the cable, or a word of its own."""
        if self._pty is not None:
            with contextlib.suppress(LinkDown):
                self._pty.write(data)
        for caller in tuple(self._callers):
            caller.write(data)

    def reboot(self) -> None:
        """Start the instrument again in place, as after a loss of power; it says so by itself."""
        self._rest()
        self._lines.clear()
        self._pieces.clear()
        self.say(self.handler.boot(_now_s()))
        self._next()

    async def stop(self) -> None:
        """Unplug, and stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.unplug()
        if server is not None:
            await server.wait_closed()
            await asyncio.sleep(0)  # the transports close in the loop's next round

    def heard(self, data: bytes) -> None:
        """Take bytes that came."""
        self._lines.extend(self._buffer.feed(data))
        if not self._busy:
            self._next()

    def joined(self, caller: _Caller) -> None:
        """Take a TCP connection; while it is unplugged there is nothing behind it."""
        self._callers.add(caller)
        if self._pty is None:
            caller.drop()

    def left(self, caller: _Caller) -> None:
        """Forget a TCP connection that has ended."""
        self._callers.discard(caller)

    # one exchange after the other

    def _next(self) -> None:
        """Answer the next command, or wait until there is something to say by itself."""
        self._rest()
        while self._lines and not self._busy:
            line = self._lines.popleft()
            self._before()
            meeting = self._meet(line.decode("ascii", "replace"))
            if meeting is not None and meeting.silent:
                continue
            said = self.handler.answer(line, _now_s())
            self._send(said, len(line) + len(self.handler.hears), meeting)
        due_s = None if self._busy or self._pty is None else self.handler.due_s()
        if due_s is not None:
            self._timer = asyncio.get_running_loop().call_at(due_s, self._speak)

    def _speak(self) -> None:
        self._before()
        data = self.handler.speak(_now_s())
        meeting = self._meet("") if data else None
        if data and (meeting is None or not meeting.silent):
            self._send(Said(data), 0, meeting)
        if not self._busy:
            self._next()

    def _meet(self, text: str) -> Meeting | None:
        return self.trouble.meet(Asked("text", text=text.strip())) if self.trouble else None

    def _send(self, said: Said, heard: int, meeting: Meeting | None) -> None:
        """Send an answer when it would have come over the wire; the next command is not looked at before."""
        if not said.data:
            return
        pieces: tuple[tuple[float, bytes], ...] = ((0.0, said.data),)
        if meeting is not None:
            reply = meeting.fate(said.data, self.handler.foreign())
            pieces, self._hangs_up = reply.pieces or ((0.0, b""),), reply.close
        wire_s = said.delay_s + (heard + len(said.data)) * self.character_s
        (delay_s, data), *rest = pieces
        self._pieces.extend(((wire_s + delay_s, data), *rest))
        self._busy = True
        self._wait()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._pieces[0][0], self._piece)

    def _piece(self) -> None:
        _, data = self._pieces.popleft()
        if data:
            self.say(data)
        if self._pieces:
            self._wait()
            return
        if self._hangs_up:
            self._hangs_up = False
            for caller in tuple(self._callers):
                caller.drop()
        self._busy = False
        self._next()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._busy = False


class _Pty(PtyEnd):
    """The instrument's end of a pty whose bytes go straight to it."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        super().__init__()

    def _arrived(self, data: bytes) -> None:
        self._heard(data)


class _Caller(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, instrument: SerialInstrument[Handler]) -> None:
        self._instrument = instrument
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._instrument.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's signature
        """Forget the connection."""
        self._transport = None
        self._instrument.left(self)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        self._instrument.heard(data)

    def write(self, data: bytes) -> None:
        """Send `data`."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def drop(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()


def _now_s() -> float:
    return asyncio.get_running_loop().time()

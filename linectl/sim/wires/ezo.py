"""Simulated Atlas EZO circuits: byte handlers without I/O, and their adapter on a pseudo-terminal.

After the datasheets EZO RTD V2 and EZO EC V6.2 (UART): ASCII, lines end in CR, `R` answers after 600 ms. A pty ignores
the baud rate, so the adapter paces: one timer per reply, as long as its bytes would take.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.errors import LinkDown
from drivers.frames.ezo import Answer, Code, Command, Info, encode_answer, encode_values, parse_command
from drivers.serial_port import PtyEnd

__all__ = ["EzoCircuit", "EzoInstrument", "EzoReply", "ec_circuit", "rtd_circuit"]

READING_S = 0.6
CONTINUOUS_S = 1.0
BITS_PER_BYTE = 10  # 8N1


@dataclass(frozen=True, slots=True)
class EzoReply:
    """Bytes to send, and how long the circuit works before it sends the first (s)."""

    data: bytes
    delay_s: float


class EzoCircuit:
    """One circuit's command language; `measure` gives the reading in its unit (°C, µS/cm) at the moment it is asked.

    Settings live in the circuit and survive a replug, as in its EEPROM. It comes set to answer on request alone
    (`C,0`); `C,1` makes it speak each second.
    """

    def __init__(
        self, device: str, firmware: str, measure: Callable[[], float], decimals: Callable[[float], int]
    ) -> None:
        self.device = device
        self.firmware = firmware
        self.continuous = False
        self.codes = True
        self.restart = "P"
        self._measure = measure
        self._decimals = decimals

    def __repr__(self) -> str:
        """Return the kind and whether it speaks by itself."""
        return f"<EzoCircuit {self.device} {self.firmware}{', continuous' if self.continuous else ''}>"

    def reading(self) -> bytes:
        """Return the line of one reading, with the circuit's own resolution."""
        value = self._measure()
        digits = self._decimals(value)
        return encode_values((round(value, digits),), max(0, digits))

    def answer(self, line: bytes) -> EzoReply:
        """Return the reply to a line without its CR."""
        command = parse_command(line)
        if command is None:
            return EzoReply(encode_answer(Code.UNKNOWN_COMMAND), 0.0)
        if command == Command("R"):
            return EzoReply(self.reading() + self._ok(), READING_S)
        said = self._query(command)
        if said is not None:
            return EzoReply(encode_answer(said) + self._ok(), 0.0)
        if self._set(command):
            return EzoReply(self._ok(), 0.0)
        return EzoReply(encode_answer(Code.UNKNOWN_COMMAND), 0.0)

    def boot(self) -> bytes:
        """Restart the circuit; return what it says of it."""
        self.restart = "S"
        return encode_answer(Code.RESET) + encode_answer(Code.READY)

    def _ok(self) -> bytes:
        return encode_answer(Code.OK) if self.codes else b""

    def _query(self, command: Command) -> Info | Answer | None:
        answers: dict[Command, Info | Answer] = {
            Command("I"): Info(self.device, self.firmware),
            Command("C", ("?",)): Answer("C", (str(int(self.continuous)),)),
            Command("*OK", ("?",)): Answer("*OK", (str(int(self.codes)),)),
            Command("STATUS"): Answer("Status", (self.restart, "5.038")),
        }
        if self.device == "RTD":
            answers[Command("S", ("?",))] = Answer("S", ("c",))
        else:
            answers[Command("O", ("?",))] = Answer("", ("O", "EC"))
        return answers.get(command)

    def _set(self, command: Command) -> bool:
        if command.arguments in {("0",), ("1",)} and command.name in {"C", "*OK"}:
            on = command.arguments == ("1",)
            if command.name == "C":
                self.continuous = on
            else:
                self.codes = on
            return True
        return self.device == "RTD" and command == Command("S", ("c",))


def rtd_circuit(temperature_c: Callable[[], float]) -> EzoCircuit:
    """Return an EZO RTD that shows `temperature_c()` °C to 0.001 °C."""
    return EzoCircuit("RTD", "2.01", temperature_c, lambda _value: 3)


def ec_circuit(conductivity_us_cm: Callable[[], float]) -> EzoCircuit:
    """Return an EZO EC that shows `conductivity_us_cm()` µS/cm with the circuit's resolution."""
    return EzoCircuit("EC", "2.16", conductivity_us_cm, _ec_decimals)


def _ec_decimals(value: float) -> int:
    """Return the decimals of the datasheet: 0.01 below 100, 0.1 below 1000, 1, 10 from 10 000, 100 from 100 000."""
    for decimals, below in ((2, 100.0), (1, 1000.0), (0, 10_000.0), (-1, 100_000.0)):
        if value < below:
            return decimals
    return -2


class EzoInstrument:
    """A circuit on a pseudo-terminal behind a stable symbolic link, as `/dev/serial/by-id/...` is.

    `before` is called as each command arrives, before it is answered: the plant steps up to the present.
    """

    def __init__(
        self, circuit: EzoCircuit, link: Path, *, before: Callable[[], None] = lambda: None, baud: int = 9600
    ) -> None:
        self.circuit = circuit
        self.link = link
        self._before = before
        self._byte_s = BITS_PER_BYTE / baud
        self._pty: PtyEnd | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        """Return the circuit and where it is plugged in."""
        return f"<EzoInstrument {self.circuit!r} {self.link if self._pty else 'unplugged'}>"

    def plug(self) -> None:
        """Appear as a new tty under the link; the running loop serves it."""
        self.unplug()
        self._pty = pty = PtyEnd()
        pty.link(self.link)
        task = asyncio.create_task(self._serve(pty), name=f"ezo {self.circuit.device}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def unplug(self) -> None:
        """Vanish: the tty dies for whoever has it open."""
        if self._pty is not None:
            self._pty.close()
            self._pty = None

    def reboot(self) -> None:
        """Restart the circuit in place; it says so by itself."""
        said = self.circuit.boot()
        if self._pty is not None:
            self._pty.write(said)

    async def stop(self) -> None:
        """Unplug, and end what served it."""
        self.unplug()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, pty: PtyEnd) -> None:
        with contextlib.suppress(LinkDown):  # unplugged
            while True:
                line = await self._next_line(pty)
                self._before()
                reply = EzoReply(self.circuit.reading(), 0.0) if line is None else self.circuit.answer(line)
                on_the_wire = len(reply.data) + (0 if line is None else len(line) + 1)
                await asyncio.sleep(reply.delay_s + on_the_wire * self._byte_s)
                pty.write(reply.data)

    async def _next_line(self, pty: PtyEnd) -> bytes | None:
        """Return the next command, or None when it is time to speak unasked."""
        if not self.circuit.continuous:
            return await pty.read_line()
        try:
            async with asyncio.timeout(CONTINUOUS_S):
                return await pty.read_line()
        except TimeoutError:
            return None

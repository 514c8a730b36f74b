"""Wrong values of instruments whose replies come late, half or not at all, and what the fence against them costs.

An EZO circuit, a balance and two circulators are asked for a value that changes before each reading. They answer in
order, some replies late, lost, half or with a garbled end of line, and some callers go away. A reading is wrong when it
is not the value at the time it was asked for. The control is the same driver without its fence: it still throws away
what has come before it asks, as most programs do. Time is virtual, the wire a stream in memory. What has no checksum
has limits that no fence can mend: a digit that flips, or a reply whose beginning is lost, can be a wrong number; and a
name that comes later than three timeouts after the line before it is taken for lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from drivers.frames.sics import Weight, encode_weight
from drivers.instruments.circulator import CirculatorLink
from drivers.instruments.ezo import EzoLink
from drivers.instruments.instrument import Instrument
from drivers.instruments.sics import SicsLink
from drivers.lines import LinePort
from drivers.link import Link, Point
from drivers.settings import CirculatorSettings, EzoSettings, SerialSettings, SicsSettings
from drivers.streams import OnBytes, OnLost, OpenStream, Stream
from linectl.clock import VirtualTimeLoop

PORT = SerialSettings("memory")
TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Faults:
    """The share of replies to which each thing happens; `cancelled` is the share of callers who go away.

    A late reply comes after one to two timeouts. Of a half one the rest comes half of the times, within 0.9 timeouts. A
    garbled one has noise in place of its ends of line.
    """

    late: float = 0.0
    lost: float = 0.0
    half: float = 0.0
    garbled: float = 0.0
    cancelled: float = 0.0


NONE = Faults()
LATE = Faults(late=0.02)
MIXED = Faults(late=0.05, lost=0.03, half=0.03, garbled=0.03, cancelled=0.01)


class Device:
    """An instrument that answers one command after the other; `value` is what it measures now."""

    ends = b"\r"
    answer_s = 0.3

    def __init__(self, seed: int) -> None:
        self.value = 0.0
        self.faults = NONE
        self._draw = random.Random(f"{seed}/replies")
        self._heard = b""
        self._free_at_s = 0.0
        self._hear: OnBytes = lambda _data: None

    async def open(self, _settings: SerialSettings, on_bytes: OnBytes, _on_lost: OnLost) -> Stream:
        """Return a new stream; what is still on its way from before comes to it too."""
        self._hear, self._heard = on_bytes, b""
        return _MemoryStream(self.take)

    def take(self, data: bytes) -> None:
        """Answer the commands that `data` completes, with the value of this moment."""
        *commands, self._heard = (self._heard + data).split(self.ends)
        for command in commands:
            self._send(self.answer(command.decode("ascii").strip()))

    def answer(self, command: str) -> bytes:
        """Return the reply to `command`, with its ends of line."""
        raise NotImplementedError

    def _send(self, reply: bytes) -> None:
        """Send `reply` after all that was sent before, or what is left of it."""
        draw, faults, loop = self._draw, self.faults, asyncio.get_running_loop()
        at_s = max(loop.time(), self._free_at_s) + self.answer_s
        rest = b""
        if draw.random() < faults.late:
            at_s += draw.uniform(TIMEOUT_S, 2 * TIMEOUT_S) - self.answer_s
        if draw.random() < faults.garbled:
            reply = bytes(draw.choice(b"\x01\x80\xff~x") if byte in b"\r\n" else byte for byte in reply)
        if draw.random() < faults.half:
            end = draw.randrange(len(reply))
            reply, rest = reply[:end], reply[end:] if draw.random() < 0.5 else b""
        if draw.random() < faults.lost:
            return
        self._say(at_s, reply)
        if rest:
            self._say(at_s + draw.uniform(0.0, 0.9 * TIMEOUT_S), rest)

    def _say(self, at_s: float, data: bytes) -> None:
        self._free_at_s = at_s
        asyncio.get_running_loop().call_at(at_s, lambda: self._hear(data))


class _MemoryStream:
    path = "memory"

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.lost = ""
        self.write = take

    def close(self) -> None:
        """Let go."""
        self.lost = "closed"


class Circuit(Device):
    """An EZO RTD circuit."""

    answer_s = 0.6  # as the datasheet has it

    def answer(self, command: str) -> bytes:
        """Return the reading and the code."""
        said = {"R": f"{self.value:.3f}\r", "i": "?i,RTD,2.10\r", "S,?": "?S,c\r"}
        return f"{said.get(command, '')}*OK\r".encode("ascii")


class Balance(Device):
    """A balance at rest."""

    ends = b"\r\n"
    answer_s = 0.1

    def answer(self, command: str) -> bytes:
        """Return the weight, or the serial number."""
        if command in {"@", "I4"}:
            return b'I4 A "B021002593"\r\n'
        return encode_weight(Weight(self.value, stable=True))


class Lauda(Device):
    """A LAUDA, without faults of its own."""

    answer_s = 0.1

    def answer(self, command: str) -> bytes:
        """Return the temperature, the status or the type."""
        said = {"STATUS": "0", "TYPE": "ECO", "IN_PV_00": f"{self.value:06.2f}", "IN_SP_00": f"{-self.value:06.2f}"}
        return f"{said.get(command.upper(), 'ERR_3')}\r\n".encode("ascii")


class Julabo(Device):
    """A JULABO in remote mode, without faults of its own."""

    answer_s = 0.1

    def answer(self, command: str) -> bytes:
        """Return the temperature, the status or the version."""
        temperatures = {"in_pv_00": f"{self.value:.2f}", "in_sp_00": f"{-self.value:.2f}"}
        said = {"status": "03 REMOTE START", "version": "JULABO HIGHTECH FL HL/SL VERSION 4.0"} | temperatures
        return f"{said[command]}\r\n".encode("ascii")


class _Unfenced(Instrument):
    async def _fence(self, port: LinePort) -> None:
        """Ask nothing, believe the next answer."""


class _UnfencedEzo(_Unfenced, EzoLink):
    """The control."""


class _UnfencedSics(_Unfenced, SicsLink):
    """The control."""


class _UnfencedCirculator(_Unfenced, CirculatorLink):
    """The control."""


EZO = EzoSettings("memory", "RTD", timeout_s=TIMEOUT_S)
SICS = SicsSettings(PORT, timeout_s=TIMEOUT_S, stable_s=2 * TIMEOUT_S)
BATH = CirculatorSettings(PORT, timeout_s=TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class Kind:
    """An instrument, its driver with and without the fence, and the points that are read in turn.

    The readings of a point are the instrument's value times `signs`.
    """

    device: type[Device]
    link: Callable[[OpenStream], Instrument]
    unfenced: Callable[[OpenStream], Instrument]
    points: tuple[Point, ...]
    signs: tuple[int, ...] = (1,)


KINDS = {
    "EZO": Kind(
        Circuit,
        lambda opener: EzoLink(EZO, opener=opener),
        lambda opener: _UnfencedEzo(EZO, opener=opener),
        (Point("R", "float"),),
    ),
    "balance": Kind(
        Balance,
        lambda opener: SicsLink(SICS, opener=opener),
        lambda opener: _UnfencedSics(SICS, opener=opener),
        (Point("weight_now", "float"), Point("weight", "float")),
        (1, 1),
    ),
    "LAUDA": Kind(
        Lauda,
        lambda opener: CirculatorLink(BATH, opener=opener),
        lambda opener: _UnfencedCirculator(BATH, opener=opener),
        (Point("bath", "float"), Point("setpoint", "float")),
        (1, -1),
    ),
    "JULABO": Kind(
        Julabo,
        lambda opener: CirculatorLink(BATH, opener=opener),
        lambda opener: _UnfencedCirculator(BATH, opener=opener),
        (Point("bath", "float"), Point("setpoint", "float")),
        (1, -1),
    ),
}


@dataclass(slots=True)
class Outcome:
    """What became of the readings, the fences they took, and how long it took in all (virtual s)."""

    right: int = 0
    wrong: int = 0
    failed: int = 0
    cancelled: int = 0
    fences: int = 0
    reopened: int = 0
    virtual_s: float = 0.0

    @property
    def rate(self) -> float:
        """Readings with a value, right or wrong, per virtual second."""
        return (self.right + self.wrong) / self.virtual_s

    @property
    def wrong_per_thousand(self) -> float:
        """Wrong values handed over as good, per thousand readings asked for."""
        return 1e3 * self.wrong / (self.right + self.wrong + self.failed + self.cancelled)


async def _read_all(link: Instrument, device: Device, kind: Kind, reads: int, outcome: Outcome, seed: int) -> None:
    assert isinstance(link, Link)
    loop = asyncio.get_running_loop()
    draw = random.Random(f"{seed}/callers")
    began_s = loop.time()
    for k in range(reads):
        while not link.is_open():  # noqa: ASYNC110  # the link tells nobody
            await asyncio.sleep(0.05)
        point, sign = kind.points[k % len(kind.points)], kind.signs[k % len(kind.points)]
        device.value = 1.0 + k % 900 / 10
        if draw.random() < device.faults.cancelled:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(draw.uniform(0.0, TIMEOUT_S)):
                    await link.read([point], deadline=loop.time() + 5 * TIMEOUT_S)
            outcome.cancelled += 1
            continue
        value = (await link.read([point], deadline=loop.time() + 5 * TIMEOUT_S))[point].value
        outcome.failed += value is None
        outcome.right += value == sign * device.value
        outcome.wrong += value not in {None, sign * device.value}
    outcome.virtual_s = loop.time() - began_s


async def _run(name: str, reads: int, faults: Faults, outcome: Outcome, *, fenced: bool, seed: int) -> None:
    kind = KINDS[name]
    device = kind.device(seed)
    link = (kind.link if fenced else kind.unfenced)(device.open)
    assert isinstance(link, Link)
    await link.open()
    device.faults = faults
    await _read_all(link, device, kind, reads, outcome, seed)
    stats = link.stats()
    outcome.reopened = stats.reconnects
    outcome.fences = sum(each.quarantines for each in stats.devices.values())
    await link.close()


def run(name: str, reads: int, faults: Faults, *, fenced: bool = True, seed: int = 1) -> Outcome:
    """Return what became of `reads` readings of the instrument `name` (a key of `KINDS`) with `faults`."""
    outcome = Outcome()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_run(name, reads, faults, outcome, fenced=fenced, seed=seed))
    return outcome


def measure(reads: int = 3_000) -> list[dict[str, object]]:
    """Return wrong values and rates of each instrument with the fence, beside those without it."""
    rows = []
    for name in KINDS:
        fenced, control = run(name, reads, MIXED), run(name, reads, MIXED, fenced=False)
        rows.append(_row(f"{name}, faults, wrong", fenced.wrong_per_thousand, "per 1e3", control.wrong_per_thousand))
        rows.append(_row(f"{name}, faults, fenced", fenced.rate, "/s", control.rate))
        late, late_control = run(name, reads, LATE), run(name, reads, LATE, fenced=False)
        rows.append(_row(f"{name}, 2 % late, fenced", late.rate, "/s", late_control.rate))
    return rows


def _row(name: str, found: float, unit: str, reference_value: float) -> dict[str, object]:
    return {
        "name": name,
        "value": found,
        "unit": unit,
        "reference": "the same without the fence",
        "reference_value": reference_value,
        "ratio": found / reference_value,
    }


def main() -> None:
    """Print what became of the readings; `--reads` for another number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=3_000)
    options = parser.parse_args()
    for name in KINDS:
        for faults in (NONE, LATE, MIXED):
            for fenced in (True, False):
                print(name, faults, "fenced" if fenced else "control", run(name, options.reads, faults, fenced=fenced))


if __name__ == "__main__":
    main()

"""Damaged replies: what CRC-16 itself lets through, and what a wire makes of them over a real pseudo-terminal.

`python -m benchmarks.wire_noise --frames 100000` reads so many frames over a pty whose far end damages what it sends.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from math import log

from pymodbus.pdu.register_message import ReadHoldingRegistersRequest

from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown
from drivers.link import Priority
from drivers.modbus.check import check
from drivers.modbus.framing import RtuFramer, Verdict, crc16
from drivers.modbus.wire import ModbusWire
from drivers.serial_port import PtyEnd
from drivers.settings import ModbusRtuSettings, SerialSettings
from linectl.clock import VirtualTimeLoop

_LONGEST = 60  # registers of a read


def burst(frame: bytes, draw: random.Random) -> bytes:
    """Return `frame` with a burst of at most 16 bits: the first and the last flipped, those between at random.

    The bits follow each other as on the line, the lowest of each byte first: CRC-16 finds all such bursts.
    """
    length = draw.randint(1, 16)
    pattern = 1 | draw.getrandbits(length) | 1 << length - 1
    shift = draw.randint(0, 8 * len(frame) - length)
    return (int.from_bytes(frame, "little") ^ pattern << shift).to_bytes(len(frame), "little")


def flipped(frame: bytes, draw: random.Random, bit_error_rate: float) -> bytes:
    """Return `frame` with each bit flipped independently with the chance `bit_error_rate`."""
    bits = 8 * len(frame)
    spoilt = int.from_bytes(frame, "big")
    for bit in draw.sample(range(bits), _binomial(draw, bits, bit_error_rate)):
        spoilt ^= 1 << bit
    return spoilt.to_bytes(len(frame), "big")


def leaks(frames: int, bit_error_rate: float, seed: int = 1) -> int:
    """Return how many of `frames` replies of 66 registers pass every check with a wrong value under random bit errors.

    This is the limit of CRC-16 itself: four or more flipped bits can form another valid frame.
    """
    draw = random.Random(f"{seed}/noise")
    framer = RtuFramer()
    asked = bytes((3, 0, 0, 0, 66))
    body = bytes((1, 3, 132)) + draw.randbytes(132)
    right = body + crc16(body).to_bytes(2, "little")
    leaked = 0
    for _ in range(frames):
        framer.frame(1, asked)
        for found in framer.feed(flipped(right, draw, bit_error_rate)):
            if found.verdict is Verdict.REPLY and found.data != right:
                try:
                    check(asked, found.pdu, 1)
                except (BadReply, DeviceFault):
                    continue
                leaked += 1
    return leaked


def _binomial(draw: random.Random, trials: int, chance: float) -> int:
    """Return how many of `trials` happen, by the gaps between those that do."""
    count, at = 0, 0
    scale = log(1.0 - chance)
    while True:
        at += int(log(1.0 - draw.random()) / scale) + 1
        if at > trials:
            return count
        count += 1


@dataclass(slots=True)
class Noise:
    """What became of reads over a pty: right, wrong and failed ones, and how many replies were damaged."""

    right: int = 0
    wrong: int = 0
    failed: int = 0
    damaged: int = 0


def over_a_pty(reads: int, bit_error_rate: float = 1e-4, bursts: float = 0.1, seed: int = 5) -> Noise:
    """Read 1 to 60 registers `reads` times over a pty; each reply has bit errors, a share `bursts` a burst as well.

    Each read is one try. Time is virtual, the pty is the kernel's.
    """
    draw = random.Random(f"{seed}/pty")
    noise = Noise()

    def spoil(frame: bytes) -> bytes:
        spoilt = flipped(frame, draw, bit_error_rate)
        if draw.random() < bursts:
            spoilt = burst(spoilt, draw)
        noise.damaged += spoilt != frame
        return spoilt

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(_read_all(reads, spoil, noise, random.Random(f"{seed}/reads")))
    return noise


async def _read_all(reads: int, spoil: Callable[[bytes], bytes], noise: Noise, draw: random.Random) -> None:
    loop = asyncio.get_running_loop()
    async with PtyEnd() as end:
        server = asyncio.create_task(_serve(end, spoil))
        wire = ModbusWire(ModbusRtuSettings(SerialSettings(end.path, 115200), timeout_s=0.05, window_s=0.05))
        await wire.open()
        for _ in range(reads):
            address, count = draw.randrange(60_000), draw.randint(1, _LONGEST)
            request = ReadHoldingRegistersRequest(address=address, count=count, dev_id=1)
            try:
                answer = await wire.ask(request, deadline=loop.time() + 1.0, priority=Priority.READ)
            except LinkDown:  # three silences in a row: the unit is given up for so long
                noise.failed += 1
                await asyncio.sleep(0.6)
            except DriverError:
                noise.failed += 1
            else:
                is_right = list(answer.reply.registers) == list(range(address, address + count))
                noise.right += is_right
                noise.wrong += not is_right
        await wire.close()
        server.cancel()
        await asyncio.wait((server,))


async def _serve(end: PtyEnd, spoil: Callable[[bytes], bytes]) -> None:
    """Answer as a unit whose holding registers hold their address."""
    buffer = b""
    while True:
        buffer += await end.read()
        while len(buffer) >= 8:
            frame, buffer = buffer[:8], buffer[8:]
            address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
            values = b"".join((address + k).to_bytes(2, "big") for k in range(count))
            body = frame[:2] + bytes((2 * count,)) + values
            end.write(spoil(body + crc16(body).to_bytes(2, "little")))


def main() -> None:
    """Print what became of the reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    print(over_a_pty(options.frames, seed=options.seed))


if __name__ == "__main__":
    main()

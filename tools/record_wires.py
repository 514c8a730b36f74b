"""Record the exchange files that the tests play: simulated devices on real wires of this machine, in virtual time.

python -m tools.record_wires DATE [FOLDER]     (2026-03-31; else tests/data/wires)

Each file says in its header that its device is simulated. The values that the drivers read are printed: the tests
expect them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drivers.instruments.circulator import CirculatorLink
from drivers.instruments.ezo import EzoLink
from drivers.instruments.sics import SicsLink
from drivers.link import Link, Point, Priority
from drivers.modbus.link import ModbusLink
from drivers.mqtt.link import MqttLink
from drivers.recordings.recorder import Recorder, exchange_name, header_of
from drivers.serial_port import PtyEnd
from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    MqttSource,
    SerialSettings,
    SicsSettings,
)
from linectl.clock import VirtualTimeLoop
from linectl.clock.wall import VIRTUAL_START_NS, Clock
from linectl.sim.rig import Rig
from linectl.sim.wires.modbus_rtu import ModbusRtuServer

ROOT = Path(__file__).resolve().parent.parent
CHARACTER_S = 11 / 19_200  # 8E1
LINE = SerialSettings("simulated", 19_200, parity="E")
PLC = (Point("2/ir10", "i16"), Point("2/ir11"), Point("2/di0:4", "block"), Point("2/hr10", "i16"))
MODULE = (Point("7/ir0", "f32", order="CDAB"), Point("7/hr10:3", "block"), Point("7/ir100"))
ROOM = (Point("room#temperature", "float"), Point("room#humidity", "float"))
R = (Point("R", "float"),)
WEIGHTS = (Point("weight", "float"), Point("weight_now", "float"))
BATH = (Point("bath", "float"), Point("setpoint", "float"), Point("running", "bool"))


@dataclass(frozen=True)
class Site:
    """Where the files go, and the date in their names."""

    folder: Path
    date: str

    async def record(
        self,
        link: Link,
        settings: LinkSettings,
        device: str,
        firmware: str,
        work: Callable[[Link], Awaitable[list[Any]]],
        comment: str = "",
    ) -> None:
        """Record what `work` does with `link`; `settings` go into the header, without the places of this run."""
        path = self.folder / exchange_name(device, firmware, self.date)
        path.unlink(missing_ok=True)
        header = header_of(settings, device=device, firmware=firmware, date=self.date, simulated=True, comment=comment)
        with Recorder(path, link.tap, header) as recorder:
            await link.open()
            told = await work(link)
            await link.close()
        print(f"{path.name}: {recorder.frames} frames, {recorder.size_bytes} bytes")
        for line in told:
            print("   ", line)


async def looks(link: Link, points: Sequence[Point], count: int, every_s: float) -> list[Any]:
    """Read `points` `count` times; return each look's values, or the reasons where there is none."""
    loop, seen = asyncio.get_running_loop(), []
    for _ in range(count):
        await asyncio.sleep(every_s)
        readings = await link.read(points, deadline=loop.time() + 2.0, priority=Priority.READ)
        seen.append([readings[point].reason or readings[point].value for point in points])
    return seen


async def plc_work(link: Link) -> list[Any]:
    """Read the bath, write a setpoint that the PLC clamps and one that it refuses, read again."""
    loop = asyncio.get_running_loop()
    seen = await looks(link, PLC, 1, 0.1)
    for point, value in ((Point("2/hr31"), 77), (Point("2/hr10", "i16"), 990), (Point("2/ir11"), 5)):
        wrote = await link.write(point, value, deadline=loop.time() + 2.0, priority=Priority.WRITE)
        seen.append([wrote.outcome.value, wrote.got])
    return seen + await looks(link, PLC, 2, 1.0)


class Module:
    """A transmitter of 25.5 in two registers, low word first; it has no registers from 50 on."""

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return `count` registers."""
        from linectl.sim.wires.bank import Fault, ModbusFault

        if address + count > 50:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        words = {("ir", 0): 0x0000, ("ir", 1): 0x41CC}
        return [words.get((table, at), at) for at in range(address, address + count)]

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Keep nothing."""


class NoisyEnd(PtyEnd):
    """A wire that damages the second of its replies and holds the fourth back until it is too late."""

    replies = 0

    def write(self, data: bytes) -> None:
        """Send `data`, or what noise made of it."""
        self.replies += 1
        if self.replies == 2:
            data = data[:4] + bytes((data[4] ^ 0x10,)) + data[5:]
        if self.replies == 4:
            asyncio.get_running_loop().call_later(0.15, super().write, data)
        else:
            super().write(data)


async def record_rig(site: Site) -> None:
    """Record the PLC, the instruments and the room sensor of the simulated rig."""
    with TemporaryDirectory() as folder:
        start = {"bath.temperature": 60.0, "bath.naoh": 1.5}
        clock = Clock(start_ns=VIRTUAL_START_NS)
        async with Rig(clock, seed=1, directory=Path(folder), initial=start) as rig:
            plc, rtd, ec = rig.settings["plc"], rig.settings["rtd"], rig.settings["ec"]
            assert isinstance(rtd, EzoSettings)
            assert isinstance(ec, EzoSettings)
            assert isinstance(plc, ModbusTcpSettings)
            told: Any = replace(plc, port=502)
            await site.record(ModbusLink(plc), told, "sim bath PLC", version("linectl"), plc_work)
            for device, firmware, settings in (("sim EZO RTD", "2.01", rtd), ("sim EZO EC", "2.16", ec)):
                told = replace(settings, port="simulated")
                await site.record(EzoLink(settings), told, device, firmware, lambda link: looks(link, R, 3, 1.0))


async def record_room(site: Site) -> None:
    """Record the room sensor in real time, thirty times as fast: a kernel's TCP does not keep to a clock that jumps."""
    with TemporaryDirectory() as folder:
        async with Rig(Clock(speed=30.0), seed=1, directory=Path(folder)) as rig:
            broker = rig.settings["sensors"]
            assert isinstance(broker, MqttSettings)
            sensors = replace(broker, sources={"room": MqttSource("sensors/room/climate", period_s=1.0)})
            told = replace(sensors, port=1883)
            await site.record(MqttLink(sensors), told, "sim room sensor", "1", lambda link: looks(link, ROOM, 3, 1.0))


async def record_module(site: Site) -> None:
    """Record a Modbus RTU module on a pty whose bytes take as long as at 19200 baud, on a wire with noise."""
    server = ModbusRtuServer({7: Module()}, character_s=CHARACTER_S, turnaround_s=0.005)
    pty = NoisyEnd()
    serving = asyncio.create_task(server.serve(pty))
    settings = ModbusRtuSettings(replace(LINE, port=pty.path), turnaround_s=0.05)
    told = replace(settings, serial=LINE)
    comment = "the second reply is damaged, the fourth comes too late"
    link = ModbusLink(settings)
    await site.record(link, told, "sim RTU module", "1", lambda link: looks(link, MODULE, 4, 1.0), comment)
    pty.close()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def record_balance(site: Site) -> None:
    """Record a balance at rest, in motion and overloaded."""
    from tests.drivers.instruments import Balance, on_the_desk

    with TemporaryDirectory() as folder:
        balance = Balance(Path(folder) / "balance")
        balance.byte_s = 10 / 9600

        async def work(link: Link) -> list[Any]:
            seen = []
            for balance.load_g, balance.moving in ((712.34, False), (712.5, True), (-20.0, False), (5000.0, False)):
                seen += await looks(link, WEIGHTS, 1, 0.1)
            return seen

        async with on_the_desk(balance):
            told = SicsSettings(SerialSettings("simulated"), stable_s=1.0)
            link = SicsLink(replace(told, serial=SerialSettings(str(balance.path))))
            await site.record(link, told, "sim MT-SICS balance", "1", work)


async def record_circulators(site: Site) -> None:
    """Record both dialects of circulators: a bath, a setpoint that is taken, and one that is too high."""
    from tests.drivers.instruments import Julabo, Lauda, on_the_desk

    async def work(link: Link) -> list[Any]:
        loop = asyncio.get_running_loop()
        seen = await looks(link, BATH, 1, 0.1)
        for point, value in ((BATH[1], 65.5), (BATH[1], 99.0), (BATH[2], True)):
            wrote = await link.write(point, value, deadline=loop.time() + 5.0, priority=Priority.WRITE)
            seen.append([wrote.outcome.value, wrote.got])
        return seen + await looks(link, BATH, 1, 0.1)

    for kind, name in ((Lauda, "sim LAUDA circulator"), (Julabo, "sim JULABO circulator")):
        with TemporaryDirectory() as folder:
            device = kind(Path(folder) / "bath")
            device.byte_s = 10 / 9600
            async with on_the_desk(device):
                told = CirculatorSettings(SerialSettings("simulated"))
                link = CirculatorLink(CirculatorSettings(SerialSettings(str(device.path))))
                await site.record(link, told, name, "1", work)


async def record_all(site: Site) -> None:
    """Record every device that virtual time suits."""
    await record_rig(site)
    await record_module(site)
    await record_balance(site)
    await record_circulators(site)


def main() -> None:
    """Record into the folder that the command line names."""
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "tests" / "data" / "wires"
    folder.mkdir(parents=True, exist_ok=True)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(record_all(Site(folder, sys.argv[1])))
    asyncio.run(record_room(Site(folder, sys.argv[1])))


if __name__ == "__main__":
    main()

"""The simulated rig: a bath with PLC, instruments, sensors and broker, on real wires of this machine or in memory."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from drivers.link import Link
from drivers.settings import (
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SerialSettings,
)
from linectl.clock.wall import Clock
from linectl.errors import ConfigError, Unreachable
from linectl.sim.bath.banks import HandsBank, PlcBank
from linectl.sim.bath.physics import BathParams, BathState, filled
from linectl.sim.bath.plant import Plant
from linectl.sim.bath.plc import Plc
from linectl.sim.bath.registers import HANDS_UNIT, IDENTITIES, PLC_UNIT
from linectl.sim.bath.sensors import Sensors, SensorTicker
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.bank import Bank
from linectl.sim.wires.broker import EmbeddedBroker
from linectl.sim.wires.ezo import EzoInstrument, ec_circuit, rtd_circuit
from linectl.sim.wires.memory import DeviceLink, EzoMemory, ModbusMemory, RigDevice, TopicMemory
from linectl.sim.wires.modbus_rtu import ModbusRtuServer
from linectl.sim.wires.modbus_server import ModbusServer
from linectl.sim.wires.publisher import MqttPublisher
from linectl.words import tr

__all__ = ["INITIAL", "Rig"]

LINKS = ("plc", "rtd", "ec", "sensors", "hands")
_BROKER_WITHIN_S = 5.0
_ROOM_C = 20.0
_MODBUS = {"plc", "hands"}
_PLC_SERIAL = SerialSettings("", 19_200)


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float
    unit: str


INITIAL: Mapping[str, _Range] = {
    "bath.temperature": _Range(1.0, 95.0, "°C"),
    "bath.naoh": _Range(0.0, 4.0, "%"),
    "bath.level": _Range(0.0, 100.0, "%"),
    "room.temperature": _Range(5.0, 40.0, "°C"),
}
"""What a rig can start with; a temperature or NaOH without a level means a full bath."""


class Rig:
    """A simulated rig; `async with Rig(...)` serves it for the time of the block.

    `directory` holds the stable links of its pseudo-terminals: `rtd`, `ec`, and `plc` for the PLC's serial port.
    Without `wires` no socket and no terminal is made: `links()` gives links whose far ends are the rig's own devices,
    and a seed replays bit by bit. `broker` is the address of a broker that runs already; without it the rig runs its
    own.

    Raises:
        ConfigError: `initial` names something unknown, or out of its range.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int,
        directory: Path,
        initial: Mapping[str, float] | None = None,
        wires: bool = True,
        fill_temperature_c: float = 45.0,
        broker: tuple[str, int] | None = None,
        watchdog_s: float = 2.0,
    ) -> None:
        start = _checked(initial or {})
        params = BathParams(feed_c=fill_temperature_c, room_c=start.get("room.temperature", _ROOM_C))
        self._clock = clock
        self._own_broker = broker is None
        self.wires = wires
        self.twin = Twin(params, seed, speed=clock.speed, initial=_bath(params, start), watchdog_s=watchdog_s)
        self._ticker = SensorTicker(Sensors(self.twin), clock, self.advance)
        banks: dict[int, Bank] = {
            PLC_UNIT: PlcBank(self.twin),
            HANDS_UNIT: HandsBank(self.twin, self._ticker.bottles_moved),
        }
        circuits = {"rtd": rtd_circuit(self.twin.temperature_c), "ec": ec_circuit(self.twin.conductivity_us_cm)}
        self._modbus = ModbusServer(banks, identities=IDENTITIES, before=self.advance)
        self._plc_tty = directory / "plc"
        self._modbus_rtu = ModbusRtuServer(
            banks, identities=IDENTITIES, before=self.advance, character_s=_PLC_SERIAL.character_s, turnaround_s=0.005
        )
        self._instruments = {
            name: EzoInstrument(circuit, directory / name, before=self.advance) for name, circuit in circuits.items()
        }
        self._broker = EmbeddedBroker(*(broker or ()))
        self._publisher: MqttPublisher | None = None
        self._topics = TopicMemory()
        self._memory_task: asyncio.Task[None] | None = None
        modbus = ModbusMemory(banks, self.advance)
        self._down: set[str] = set()  # links that are cut while there are no wires
        self._devices: dict[str, RigDevice] = {
            "plc": modbus,
            **{name: EzoMemory(circuit, self.advance) for name, circuit in circuits.items()},
            "sensors": self._topics,
            "hands": modbus,
        }

    def __repr__(self) -> str:
        """Return the twin, and whether it is on wires."""
        return f"<Rig {'on wires' if self.wires else 'in memory'} {self.twin!r}>"

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def plant(self) -> Plant:
        """The physics."""
        return self.twin.plant

    @property
    def plc(self) -> Plc:
        """The PLC's program."""
        return self.twin.plc

    @property
    def plc_serial(self) -> ModbusRtuSettings:
        """How to reach the PLC by its serial port, which serves what its network port does (on wires only)."""
        return ModbusRtuSettings(replace(_PLC_SERIAL, port=str(self._plc_tty)), turnaround_s=0.02)

    @property
    def settings(self) -> Mapping[str, LinkSettings]:
        """How to reach each link of the rig; addresses are known once it has started."""
        if not self.wires:
            return {name: MemorySettings(name) for name in LINKS}
        modbus = ModbusTcpSettings(self._modbus.host, self._modbus.port)
        rtd, ec = self._instruments["rtd"], self._instruments["ec"]
        return {
            "plc": modbus,
            "rtd": EzoSettings(str(rtd.link), "RTD"),
            "ec": EzoSettings(str(ec.link), "EC"),
            "sensors": MqttSettings(self._broker.host, self._broker.port, topics=("sensors/#",)),
            "hands": modbus,
        }

    def links(self) -> Mapping[str, Link]:
        """Return new links whose far ends are the rig's devices, without wires."""
        return {name: DeviceLink(device, name, partial(self._is_down, name)) for name, device in self._devices.items()}

    def _is_down(self, name: str) -> bool:
        return name in self._down

    def advance(self) -> None:
        """Bring the twin to the present."""
        self.twin.advance(self._clock.process_s() / self._clock.speed)

    async def start(self) -> None:
        """Serve.

        Raises:
            Unreachable: a port is taken, or the broker does not answer.
        """
        try:
            if self.wires:
                await self._start_wires()
            else:
                self._memory_task = asyncio.create_task(self._remember(), name="sensors in memory")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything; the links of the terminals vanish."""
        if self._memory_task is not None:
            self._memory_task.cancel()
            await asyncio.gather(self._memory_task, return_exceptions=True)
        if self._publisher is not None:
            await self._publisher.stop()
        if self._own_broker:
            await self._broker.stop()
        await self._modbus.stop()
        await self._modbus_rtu.stop()
        for instrument in self._instruments.values():
            await instrument.stop()

    # faults, for tests and scenarios

    def unplug(self, name: str) -> None:
        """Pull the adapter of an instrument (`rtd`, `ec`)."""
        self._down.add(name)
        self._instruments[name].unplug()

    def replug(self, name: str) -> None:
        """Plug it in again: another tty, behind the same link."""
        self._down.discard(name)
        if self.wires:
            self._instruments[name].plug()

    async def stop_modbus(self) -> None:
        """Cut the PLC's and the hands' Modbus connections, and refuse new ones."""
        self._down |= _MODBUS
        await self._modbus.stop()
        self._modbus_rtu.unplug()

    async def start_modbus(self) -> None:
        """Listen again, on the same port."""
        self._down -= _MODBUS
        if self.wires:
            await self._modbus.start()
            self._modbus_rtu.plug(self._plc_tty)

    async def stop_broker(self) -> None:
        """Stop the rig's own broker."""
        self._down.add("sensors")
        await self._broker.stop()

    async def start_broker(self) -> None:
        """Start it again, on the same port."""
        self._down.discard("sensors")
        if self.wires:
            await self._broker.start()

    def reboot_plc(self) -> None:
        """Restart the PLC's program."""
        self.advance()
        self.plc.reboot()

    async def _start_wires(self) -> None:
        await self._modbus.start()
        self._modbus_rtu.plug(self._plc_tty)
        for instrument in self._instruments.values():
            instrument.plug()
        if self._own_broker:
            await self._broker.start()
        self._publisher = MqttPublisher(self._ticker, self._broker.host, self._broker.port)
        self._publisher.start()
        try:
            async with asyncio.timeout(_BROKER_WITHIN_S):
                await self._publisher.connected.wait()
        except TimeoutError as exc:
            raise Unreachable(
                tr("the broker at {host}:{port} does not answer").format(
                    host=self._broker.host, port=self._broker.port
                ),
                hint=tr("start it, or let the simulator use its own"),
            ) from exc

    async def _remember(self) -> None:
        while True:
            self._topics.take(await self._ticker.next(), asyncio.get_running_loop().time())


def _bath(params: BathParams, start: Mapping[str, float]) -> BathState:
    wet = "bath.temperature" in start or "bath.naoh" in start
    return filled(
        params,
        temperature_c=start.get("bath.temperature", params.feed_c if "bath.naoh" in start else params.room_c),
        naoh_pct=start.get("bath.naoh", 0.0),
        level_pct=start.get("bath.level", 100.0 if wet else 0.0),
    )


def _checked(initial: Mapping[str, float]) -> Mapping[str, float]:
    for name, value in initial.items():
        allowed = INITIAL.get(name)
        if allowed is None:
            near = difflib.get_close_matches(name, INITIAL, n=1, cutoff=0.5)
            raise ConfigError(
                tr("the simulated rig cannot start with {name}; it knows {known}").format(
                    name=name, known=", ".join(INITIAL)
                ),
                hint=tr("did you mean {near}?").format(near=near[0]) if near else "",
            )
        if not allowed.low <= value <= allowed.high:
            raise ConfigError(
                tr("{name} = {value:g}: the simulated rig starts between {low:g} and {high:g} {unit}").format(
                    name=name, value=value, low=allowed.low, high=allowed.high, unit=allowed.unit
                )
            )
    return dict(initial)

"""The simulated rig: a bath and a washer with their PLCs, instruments, sensors and broker, on real wires or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from drivers.link import Link
from drivers.settings import LinkSettings, MemorySettings, ModbusRtuSettings, MqttSettings, MqttSource
from linectl.clock.wall import Clock
from linectl.errors import ConfigError
from linectl.sim.bath.banks import HandsBank, PlcBank
from linectl.sim.bath.physics import BathParams
from linectl.sim.bath.plant import Plant
from linectl.sim.bath.plc import Plc
from linectl.sim.bath.registers import HANDS_UNIT, PLC_UNIT
from linectl.sim.bath.registers import IDENTITIES as BATH_IDENTITIES
from linectl.sim.bath.sensors import Sensors, SensorTicker
from linectl.sim.bath.twin import Twin
from linectl.sim.benchtop import INSTRUMENTS, device_of, instruments, settings_of
from linectl.sim.rig_wires import RigWires
from linectl.sim.start import INITIAL, checked, of_washer, started_bath
from linectl.sim.washer.registers import IDENTITIES as WASHER_IDENTITIES
from linectl.sim.washer.registers import WASHER_UNIT
from linectl.sim.wires.bank import Bank, LaterBank
from linectl.sim.wires.dialects import SOURCES, Dock, Hall, Inspector, Store, Voice, VoiceTicker
from linectl.sim.wires.instrument import Handler, SerialInstrument
from linectl.sim.wires.memory import ModbusMemory, RigDevice
from linectl.sim.wires.memory_link import DeviceLink
from linectl.sim.wires.messages import MessageSource
from linectl.sim.wires.topics import TopicMemory
from linectl.sim.wires.trouble import Trouble
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.sim.washer.twin import WasherTwin

__all__ = ["EXTRAS", "INITIAL", "LINKS", "Rig"]

LINKS = ("plc", "rtd", "ec", "sensors", "hands")
"""The links of every rig."""

EXTRAS = ("washer", "ph", "balance", "circulator", *SOURCES)
"""What a rig has when it is asked for: links, and sensors that speak through the link `sensors`."""

_UNITS = {"plc": PLC_UNIT, "hands": HANDS_UNIT, "washer": WASHER_UNIT}
_HANGS_S = 10.0  # a driver gives up a broker that hangs after two keepalives
_ROOM_C = 20.0


class Rig:
    """A simulated rig; `async with Rig(...)` serves it for the time of the block.

    `directory` holds the stable links of its pseudo-terminals: one of each instrument's name, and `plc` for the PLCs'
    serial port. Without `wires` no socket and no terminal is made: `links()` gives links whose far ends are the rig's
    own devices, and a seed replays bit by bit. `extra` names what of `EXTRAS` it has too. `port` and `broker_port` are
    where Modbus and the broker are served (0: on free ports); `broker` is the address of a broker that runs already.
    The washer comes into being when it is first asked for. `troubles` are what is wrong with each link's wire.

    Raises:
        ConfigError: `initial` or `extra` names something unknown, or a figure out of its range.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int,
        directory: Path,
        initial: Mapping[str, float] | None = None,
        wires: bool = True,
        extra: Collection[str] = (),
        fill_temperature_c: float = 45.0,
        broker: tuple[str, int] | None = None,
        watchdog_s: float = 2.0,
        port: int = 0,
        broker_port: int = 0,
    ) -> None:
        self._start = start = checked(initial or {})
        params = BathParams(feed_c=fill_temperature_c, room_c=start.get("room.temperature", _ROOM_C))
        self._clock, self._seed, self._watchdog_s = clock, seed, watchdog_s
        self._extra = _known(extra)
        self.wires = wires
        self.twin = Twin(params, seed, speed=clock.speed, initial=started_bath(params, start), watchdog_s=watchdog_s)
        self._washer: WasherTwin | None = None
        names = (*LINKS, *(name for name in EXTRAS if name in self._extra and name not in SOURCES))
        self.troubles: Mapping[str, Trouble] = {name: Trouble(seed, name) for name in (*LINKS, *EXTRAS[:4])}
        self.instruments: Mapping[str, SerialInstrument[Handler]] = instruments(
            (name for name in INSTRUMENTS if name in names),
            self.twin,
            directory,
            advance=self.advance_bath,
            process_s=clock.process_s,
            troubles=self.troubles,
        )
        ticker = SensorTicker(Sensors(self.twin), clock, self.advance_bath)
        self._sources: tuple[MessageSource, ...] = (ticker, *self._voices())
        self._banks: dict[int, Bank] = {
            PLC_UNIT: PlcBank(self.twin),
            HANDS_UNIT: HandsBank(self.twin, ticker.bottles_moved),
            WASHER_UNIT: LaterBank(self._washer_bank),
        }
        self._topics = TopicMemory(self._mqtt_sources(), self.troubles["sensors"])
        self._devices = self._made_devices(names)
        self._down: set[str] = set()  # links that are cut while there are no wires
        self._hanging: asyncio.TimerHandle | None = None
        self._memory_tasks: list[asyncio.Task[None]] = []
        self._wires = RigWires(
            self._banks,
            {**BATH_IDENTITIES, **WASHER_IDENTITIES},
            before=self._before,
            unit_troubles={unit: self.troubles[name] for name, unit in _UNITS.items()},
            instruments=self.instruments,
            sources=self._sources,
            sensor_trouble=self.troubles["sensors"],
            directory=directory,
            port=port,
            broker=broker,
            broker_port=broker_port,
        )

    def __repr__(self) -> str:
        """Return the twin, and whether it is on wires."""
        washer = f" {self._washer!r}" if self._washer is not None else ""
        return f"<Rig {'on wires' if self.wires else 'in memory'} {self.twin!r}{washer}>"

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def plant(self) -> Plant:
        """The physics of the bath."""
        return self.twin.plant

    @property
    def plc(self) -> Plc:
        """The program of the bath's PLC."""
        return self.twin.plc

    @property
    def washer(self) -> WasherTwin:
        """The washer (unit 1); it is there from the first time that it is asked for."""
        if self._washer is None:
            from linectl.sim.washer.twin import WasherTwin  # a rig that nobody asks for it does not load it

            self._washer = WasherTwin(
                self._seed, speed=self._clock.speed, watchdog_s=self._watchdog_s, initial=of_washer(self._start)
            )
            self.advance_washer()
        return self._washer

    @property
    def has_washer(self) -> bool:
        """Whether anybody has asked for the washer yet."""
        return self._washer is not None

    @property
    def plc_serial(self) -> ModbusRtuSettings:
        """How to reach the PLCs by their serial port, which serves what their network port does (on wires only)."""
        return self._wires.plc_serial

    @property
    def plc_gateway(self) -> ModbusRtuSettings:
        """How to reach them through a gateway that carries RTU frames over TCP (on wires only)."""
        return self._wires.plc_gateway

    @property
    def settings(self) -> Mapping[str, LinkSettings]:
        """How to reach each link of the rig; addresses are known once it has started."""
        if not self.wires:
            return {name: MemorySettings(name) for name in self._devices}
        broker = self._wires.broker
        sensors = MqttSettings(broker.host, broker.port, topics=("sensors/#",), sources=self._mqtt_sources())
        found: dict[str, LinkSettings] = {}
        for name in self._devices:
            if name in _UNITS:
                found[name] = self._wires.modbus
            elif name in self.instruments:
                found[name] = settings_of(name, str(self.instruments[name].link))
            else:
                found[name] = sensors
        return found

    @property
    def serial_servers(self) -> Mapping[str, str]:
        """Where each instrument is reached over TCP: `socket://host:port` (on wires only)."""
        return {name: f"socket://{each.host}:{each.port}" for name, each in self.instruments.items()}

    def links(self) -> Mapping[str, Link]:
        """Return new links whose far ends are the rig's devices, without wires."""
        made: dict[str, Link] = {}
        for name, device in self._devices.items():
            troubles = {0: self.troubles[name]} if name in self.instruments else {}
            if name in _UNITS:  # as on the wire: any of them reaches every unit
                troubles = {unit: self.troubles[each] for each, unit in _UNITS.items()}
            made[name] = DeviceLink(device, name, partial(self._is_down, name), troubles=troubles)
        return made

    def advance(self) -> None:
        """Bring the twins to the present."""
        self.advance_bath()
        self.advance_washer()

    def advance_bath(self) -> None:
        """Bring the bath to the present."""
        self.twin.advance(self._clock.process_s() / self._clock.speed)

    def advance_washer(self) -> None:
        """Bring the washer to the present, if there is one."""
        if self._washer is not None:
            self._washer.advance(self._clock.process_s() / self._clock.speed)

    async def start(self) -> None:
        """Serve.

        Raises:
            Unreachable: a port is taken, or the broker does not answer.
        """
        try:
            if self.wires:
                await self._wires.start()
            else:
                self._memory_tasks = [
                    asyncio.create_task(self._remember(source), name="sensors in memory") for source in self._sources
                ]
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End everything; the links of the terminals vanish."""
        self._thawed()
        for task in self._memory_tasks:
            task.cancel()
        await asyncio.gather(*self._memory_tasks, return_exceptions=True)
        await self._wires.stop()

    # faults, for tests and scenarios

    def unplug(self, name: str) -> None:
        """Pull the adapter of an instrument."""
        self._down.add(name)
        self.instruments[name].unplug()

    def replug(self, name: str) -> None:
        """Plug it in again: another tty, behind the same link."""
        self._down.discard(name)
        if self.wires:
            self.instruments[name].plug()

    def reboot_instrument(self, name: str) -> None:
        """Restart an instrument in place: it says so by itself, and has forgotten its settings."""
        self.instruments[name].reboot()

    def babble(self, name: str, data: bytes) -> None:
        """Let bytes come from an instrument's cable that nobody asked for: noise, or a part of a line."""
        self.instruments[name].say(data)

    async def stop_modbus(self) -> None:
        """Cut the Modbus connections of all units, and refuse new ones."""
        self._down |= _UNITS.keys()
        await self._wires.stop_modbus()

    async def start_modbus(self) -> None:
        """Listen again, on the same port."""
        self._down -= _UNITS.keys()
        if self.wires:
            await self._wires.start_modbus()

    async def stop_broker(self) -> None:
        """Stop the rig's own broker."""
        self._thawed()
        self._down.add("sensors")
        self._topics.forget()
        await self._wires.broker.stop()

    async def start_broker(self) -> None:
        """Start it again, on the same port; the sensors say everything anew."""
        self._down.discard("sensors")
        if self.wires:
            await self._wires.broker.start()
            return
        for source in self._sources:
            source.forget()

    def freeze_broker(self) -> None:
        """Let the rig's own broker hang: connections stand, and nothing comes through any more."""
        if self.wires:
            self._wires.broker.freeze()
        else:
            self._topics.deaf = True
            self._hanging = asyncio.get_running_loop().call_later(_HANGS_S, self._down.add, "sensors")

    def thaw_broker(self) -> None:
        """End that."""
        self._wires.broker.thaw()
        self._thawed()

    def retain(self, topic: str, payload: bytes) -> None:
        """Leave a retained message at the broker, rubbish perhaps; an empty one takes it away (on wires only)."""
        if self.wires:
            self._wires.retain(topic, payload)

    def reboot_plc(self, unit: int = PLC_UNIT) -> None:
        """Restart the program of a PLC: the bath's, or the washer's (unit 1)."""
        self.advance()
        if unit == WASHER_UNIT:
            self.washer.plc.reboot()
        else:
            self.plc.reboot()

    # parts

    def _is_down(self, name: str) -> bool:
        return name in self._down

    def _thawed(self) -> None:
        if self._hanging is not None:
            self._hanging.cancel()
            self._hanging = None
            self._topics.deaf = False
            self._down.discard("sensors")

    def _before(self, unit: int) -> None:
        """Bring the twin of a Modbus unit to the present."""
        if unit == WASHER_UNIT:
            self.advance_washer()
        else:
            self.advance_bath()

    def _washer_bank(self) -> Bank:
        from linectl.sim.washer.banks import WasherBank  # as above

        return WasherBank(self.washer)

    def _made_devices(self, names: Collection[str]) -> dict[str, RigDevice]:
        modbus = ModbusMemory(self._banks, self._before)
        found: dict[str, RigDevice] = {}
        for name in names:
            if name in _UNITS:
                found[name] = modbus
            elif name in self.instruments:
                found[name] = device_of(self.instruments[name].handler, self.advance_bath)
            else:
                found[name] = self._topics
        return found

    def _mqtt_sources(self) -> dict[str, MqttSource]:
        speed = self._clock.speed  # a driver counts the computer's seconds, a sensor those of the process
        return {
            name: replace(source, period_s=source.period_s / speed)
            for name, source in SOURCES.items()
            if name in self._extra
        }

    def _voices(self) -> tuple[MessageSource, ...]:
        """Return the sensors that were asked for, woken together."""
        makers: dict[str, Callable[[], Voice]] = {
            "hall": lambda: Hall(self._seed),
            "dock": lambda: Dock(self._seed),
            "store": lambda: Store(self._seed),
            "inspector": lambda: Inspector(self._seed, self._inspected),
        }
        voices = [makers[name]() for name in SOURCES if name in self._extra]
        return (VoiceTicker(voices, self._clock),) if voices else ()

    def _inspected(self) -> Mapping[str, tuple[int, int]]:
        """Return bottles seen and rejected by the camera behind the washer, by lot."""
        washer = self.washer
        self.advance_washer()
        return {lot: (tally.judged, tally.rejected) for lot, tally in washer.chain.tallies.items()}

    async def _remember(self, source: MessageSource) -> None:
        while True:
            self._topics.take(await source.next(), asyncio.get_running_loop().time())


def _known(extra: Collection[str]) -> frozenset[str]:
    for name in extra:
        if name not in EXTRAS:
            raise ConfigError(
                tr("the simulated rig has no {name}; it can have {known}").format(name=name, known=", ".join(EXTRAS))
            )
    return frozenset(extra)

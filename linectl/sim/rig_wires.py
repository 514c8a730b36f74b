"""The real wires of the simulated rig: servers, terminals and a broker on this machine, started together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings
from linectl.errors import Unreachable
from linectl.sim.wires.bank import Bank
from linectl.sim.wires.broker import EmbeddedBroker
from linectl.sim.wires.instrument import Handler, SerialInstrument
from linectl.sim.wires.messages import MessageSource
from linectl.sim.wires.modbus_rtu import ModbusRtuServer
from linectl.sim.wires.modbus_server import Identities, ModbusServer
from linectl.sim.wires.publisher import MqttPublisher
from linectl.sim.wires.trouble import Trouble
from linectl.words import tr

__all__ = ["RigWires"]

_BROKER_WITHIN_S = 5.0
_PLC_SERIAL = SerialSettings("", 19_200)
_PLC_TURNAROUND_S = 0.005


class RigWires:
    """Modbus TCP and RTU (a tty `plc` in `directory`, and over TCP), the instruments, and the sensors' broker.

    `port` and `broker_port` 0 are free ones. `broker` is the address of a broker that runs already.
    """

    def __init__(
        self,
        banks: Mapping[int, Bank],
        identities: Identities,
        *,
        before: Callable[[int], None],
        unit_troubles: Mapping[int, Trouble],
        instruments: Mapping[str, SerialInstrument[Handler]],
        sources: Sequence[MessageSource],
        sensor_trouble: Trouble,
        directory: Path,
        port: int = 0,
        broker: tuple[str, int] | None = None,
        broker_port: int = 0,
    ) -> None:
        self._tcp = ModbusServer(banks, identities=identities, before=before, troubles=unit_troubles, port=port)
        self._rtu = ModbusRtuServer(
            banks,
            identities=identities,
            before=before,
            troubles=unit_troubles,
            character_s=_PLC_SERIAL.character_s,
            turnaround_s=_PLC_TURNAROUND_S,
        )
        self._tty = directory / "plc"
        self._instruments = instruments
        self._own_broker = broker is None
        self.broker = EmbeddedBroker(*(broker or ("127.0.0.1", broker_port)))
        self._sources, self._sensor_trouble = sources, sensor_trouble
        self._publisher: MqttPublisher | None = None
        self._retaining: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        """Return what is served."""
        return f"<RigWires {self._tcp!r} {self._rtu!r} {self.broker!r}>"

    @property
    def modbus(self) -> ModbusTcpSettings:
        """How to reach the PLCs by the network."""
        return ModbusTcpSettings(self._tcp.host, self._tcp.port)

    @property
    def plc_serial(self) -> ModbusRtuSettings:
        """How to reach the PLCs by their serial port, which serves what their network port does."""
        return ModbusRtuSettings(replace(_PLC_SERIAL, port=str(self._tty)), turnaround_s=0.02)

    @property
    def plc_gateway(self) -> ModbusRtuSettings:
        """How to reach the same through a gateway that carries RTU frames over TCP."""
        port = f"socket://{self._rtu.host}:{self._rtu.port}"
        return ModbusRtuSettings(replace(_PLC_SERIAL, port=port), turnaround_s=0.02)

    async def start(self) -> None:
        """Serve.

        Raises:
            Unreachable: a port is taken, or the broker does not answer.
        """
        await self.start_modbus()
        await self._rtu.listen()
        for instrument in self._instruments.values():
            instrument.plug()
            await instrument.listen()
        if self._own_broker:
            await self.broker.start()
        first, *others = self._sources
        place = self.broker.host, self.broker.port
        self._publisher = MqttPublisher(first, *place, others=others, trouble=self._sensor_trouble)
        self._publisher.start()
        try:
            async with asyncio.timeout(_BROKER_WITHIN_S):
                await self._publisher.connected.wait()
        except TimeoutError as exc:
            raise Unreachable(
                tr("the broker at {host}:{port} does not answer").format(host=self.broker.host, port=self.broker.port),
                hint=tr("start it, or let the simulator use its own"),
            ) from exc

    async def stop(self) -> None:
        """End everything; the links of the terminals vanish."""
        await asyncio.gather(*self._retaining, return_exceptions=True)
        if self._publisher is not None:
            await self._publisher.stop()
        if self._own_broker:
            await self.broker.stop()
        await self._tcp.stop()
        await self._rtu.stop()
        for instrument in self._instruments.values():
            await instrument.stop()

    async def start_modbus(self) -> None:
        """Listen for Modbus, on the same port as before.

        Raises:
            Unreachable: the port is taken.
        """
        await self._tcp.start()
        self._rtu.plug(self._tty)

    async def stop_modbus(self) -> None:
        """Cut all Modbus connections, and refuse new ones."""
        await self._tcp.stop()
        self._rtu.unplug()

    def retain(self, topic: str, payload: bytes) -> None:
        """Leave `payload` at the broker as soon as may be."""
        if self._publisher is not None:
            task = asyncio.get_running_loop().create_task(self._publisher.retain(topic, payload), name="retain")
            self._retaining.add(task)
            task.add_done_callback(self._retaining.discard)

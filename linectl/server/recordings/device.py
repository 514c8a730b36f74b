"""A recording served as a device: on Modbus TCP, on a serial port or over TCP, or as what sensors told a broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drivers.recordings.compare import Difference
from drivers.recordings.exchange import BadExchange, Exchange
from drivers.recordings.served import RecordedDevice
from drivers.recordings.stream import AtEnd
from drivers.settings import LinkSettings, ModbusTcpSettings, MqttSettings, SerialSettings
from linectl.errors import ConfigError
from linectl.server.recordings.sensors import RecordedSensors
from linectl.sim.wires.broker import EmbeddedBroker
from linectl.sim.wires.holder import cannot_listen
from linectl.words import tr

__all__ = ["ServedRecording", "Where", "serve_recording"]


@dataclass(frozen=True, slots=True)
class Where:
    """Where a recording is served: at `host`, on `port` (None: as its kind needs one, 0: a free one), on a tty.

    `tty` is the symbolic link behind which a serial device appears. `broker` is one that runs already, for sensors;
    without it they bring their own.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    tty: Path | None = None
    broker: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ServedRecording:
    """A recording that is up: how a driver reaches it, where others do, and what serves it.

    `device` answers requests (its `differences` are those that the recording does not hold), `sensors` publish; one
    of the two is None.
    """

    exchange: Exchange
    settings: LinkSettings
    addresses: Sequence[str]
    device: RecordedDevice | None = None
    sensors: RecordedSensors | None = None

    @property
    def differences(self) -> Sequence[Difference]:
        """What was asked so far and is not in the recording."""
        return () if self.device is None else tuple(self.device.differences)


@asynccontextmanager
async def serve_recording(
    exchange: Exchange,
    where: Where | None = None,
    *,
    pace: float = 1.0,
    at_end: AtEnd = AtEnd.REPEAT,
    on_difference: Callable[[Difference], None] | None = None,
) -> AsyncIterator[ServedRecording]:
    """Serve `exchange` for the time of the block: Modbus TCP on a port, serial devices on a tty, sensors to a broker.

    `pace` 1 keeps the recorded times, 0 answers at once, 2 takes twice as long. `at_end` says what a request gets
    when all its replies were given: the last one again (sensors begin anew), or nothing. `on_difference` is told each
    request that the recording does not hold.

    Raises:
        ConfigError: a recording that nothing can serve, or a place that its wire does not have.
        Unreachable: the port is taken, or the broker does not answer.
    """
    where = where or Where()
    kind = exchange.header.kind
    async with AsyncExitStack() as stack:
        if kind == "mqtt":
            yield await _sensors(stack, exchange, where, pace, again=at_end is AtEnd.REPEAT)
            return
        try:
            device = RecordedDevice(exchange, pace=pace, at_end=at_end, on_difference=on_difference)
        except BadExchange as error:
            raise ConfigError(str(error)) from error
        if kind == "modbus_tcp" and where.tty is not None:
            raise ConfigError(
                tr("a recording of Modbus TCP has no serial port"), hint=tr("give it a port, not a terminal")
            )
        stack.push_async_callback(device.stop)
        yield await _device(device, exchange, where)


async def _device(device: RecordedDevice, exchange: Exchange, where: Where) -> ServedRecording:
    recorded: Any = exchange.header.link_settings()
    addresses: list[str] = []
    if isinstance(recorded, ModbusTcpSettings) or where.port is not None:
        host, port = await _listening(device, where)
        addresses.append(f"{host}:{port}")
        if isinstance(recorded, ModbusTcpSettings):
            return ServedRecording(exchange, replace(recorded, host=host, port=port), addresses, device)
        reached = f"socket://{host}:{port}"
    if where.port is None or where.tty is not None:
        device.plug(where.tty)
        reached = str(where.tty or device.path)
        addresses.insert(0, reached)
    return ServedRecording(exchange, _reaching(recorded, reached), addresses, device)


async def _listening(device: RecordedDevice, where: Where) -> tuple[str, int]:
    try:
        await device.listen(where.host, where.port or 0)
    except OSError as error:
        what = tr("the recording cannot be served on {host}:{port}: {why}")
        raise cannot_listen(where.host, where.port or 0, error, what) from error
    assert device.address is not None
    return device.address


def _reaching(recorded: Any, port: str) -> LinkSettings:
    """Return the recorded settings with another serial port."""
    serial = getattr(recorded, "serial", None)
    changed: LinkSettings
    if isinstance(serial, SerialSettings):
        changed = replace(recorded, serial=replace(serial, port=port))
    else:
        changed = replace(recorded, port=port)
    return changed


async def _sensors(
    stack: AsyncExitStack, exchange: Exchange, where: Where, pace: float, *, again: bool
) -> ServedRecording:
    recorded = exchange.header.link_settings()
    assert isinstance(recorded, MqttSettings)
    host, port = where.broker or (where.host, where.port or 0)
    if where.broker is None:
        broker = EmbeddedBroker(host, port)
        await broker.start()
        stack.push_async_callback(broker.stop)
        port = broker.port
    sensors = RecordedSensors(exchange, host, port, pace=pace, again=again)
    stack.push_async_callback(sensors.stop)
    await sensors.start()
    return ServedRecording(
        exchange, replace(recorded, host=host, port=port, identifier=""), [f"{host}:{port}"], sensors=sensors
    )

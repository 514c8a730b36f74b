"""The fault proxy itself, and what Modbus and MQTT links make of a wire that fails in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import aiomqtt
import pytest

from drivers.link import Outcome, Point, RawReading
from drivers.modbus.link import ModbusLink
from drivers.mqtt.link import MqttLink
from drivers.settings import ModbusTcpSettings, MqttSettings
from tests.drivers.conftest import Mosquitto
from tests.drivers.fault_proxy import FaultProxy, fault_proxy
from tests.drivers.hostile_modbus import HostileServer, hostile_server, reading, soon, until, until_open, values

ONE = Point("2/ir1")
TEMPERATURE = Point("sensors/room/climate#temperature", "float")


# the proxy itself


class Talk:
    """A client through the proxy to an echo."""

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.proxy, self.reader, self.writer = proxy, reader, writer

    async def echo(self, data: bytes, within_s: float = 0.2) -> bytes:
        """What comes back within the time, until as much as was said has come."""
        self.writer.write(data)
        heard = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while len(heard) < len(data) and (more := await self.reader.read(4096)):
                    heard += more
        return heard


@contextlib.asynccontextmanager
async def talking(seed: int = 1) -> AsyncIterator[Talk]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                writer.write(data)
        except OSError:
            pass  # the proxy has reset it
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with fault_proxy(server.sockets[0].getsockname()[1], seed=seed) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            yield Talk(proxy, reader, writer)
        finally:
            writer.transport.abort()
            server.close()
            await server.wait_closed()


async def test_without_a_fault_bytes_pass_both_ways() -> None:
    async with talking() as talk:
        for size in (1, 100, 100_000):
            assert await talk.echo(b"x" * size, 2.0) == b"x" * size
        talk.writer.write_eof()
        assert await asyncio.wait_for(talk.reader.read(), 1.0) == b"", "an end passes too"


async def test_latency_and_jitter_keep_the_order() -> None:
    async with talking() as talk:
        talk.proxy.latency_s, talk.proxy.jitter_s = 0.05, 0.02
        began_s = soon(0)
        for digit in range(9):
            talk.writer.write(b"%d" % digit)
            await asyncio.sleep(0.002)
        talk.writer.write(b"9")
        assert await talk.reader.readexactly(10) == b"0123456789"
        assert soon(0) - began_s > 0.1, "once each way"


async def test_loss_is_seeded() -> None:
    async def passed(seed: int) -> list[bool]:
        async with talking(seed) as talk:
            talk.proxy.loss = 0.3
            return [await talk.echo(b"x", 0.03) == b"x" for _ in range(12)]

    first = await passed(1)
    assert first == await passed(1)
    assert 0 < first.count(False) < 12


async def test_a_black_hole_keeps_its_connections() -> None:
    async with talking() as talk:
        talk.proxy.black_hole = True
        assert await talk.echo(b"anybody?") == b""
        assert not talk.reader.at_eof()
        _, another = await asyncio.open_connection("127.0.0.1", talk.proxy.port)
        assert talk.proxy.lost == 1
        another.close()


async def test_a_drip_comes_whole() -> None:
    async with talking() as talk:
        talk.proxy.drip_s = 0.002
        began_s = soon(0)
        assert await talk.echo(b"0123456789", 2.0) == b"0123456789"
        assert soon(0) - began_s > 0.018


async def test_a_reply_is_cut_and_the_connection_reset() -> None:
    async with talking() as talk:
        talk.proxy.cut_after = 3
        talk.writer.write(b"0123456789")
        assert await talk.reader.readexactly(3) == b"012"
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await talk.reader.readexactly(1)


async def test_a_reset_and_a_refusal() -> None:
    async with talking() as talk:
        assert await talk.echo(b"x") == b"x"
        talk.proxy.reset()
        with pytest.raises(ConnectionResetError):
            await talk.reader.readexactly(1)
        talk.proxy.refuse = True
        reader, writer = await asyncio.open_connection("127.0.0.1", talk.proxy.port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


# Modbus through it


@contextlib.asynccontextmanager
async def modbus(timeout_s: float = 0.3) -> AsyncIterator[tuple[HostileServer, FaultProxy, ModbusLink]]:
    async with hostile_server() as server, fault_proxy(server.port) as proxy:
        server.values |= {("ir", address): 100 + address for address in range(50)}
        link = ModbusLink(ModbusTcpSettings("127.0.0.1", proxy.port, timeout_s))
        await link.open()
        try:
            yield server, proxy, link
        finally:
            await link.close()


def drip(proxy: FaultProxy) -> None:
    proxy.drip_s = 0.001


def lag(proxy: FaultProxy) -> None:
    proxy.latency_s, proxy.jitter_s = 0.02, 0.02


def lose(proxy: FaultProxy) -> None:
    proxy.loss = 0.1


def late(proxy: FaultProxy) -> None:
    proxy.latency_s = 0.25  # both ways together later than the time that a reply has


def cut(proxy: FaultProxy) -> None:
    proxy.cut_after = 8


def rst(proxy: FaultProxy) -> None:
    proxy.reset()


def deaf(proxy: FaultProxy) -> None:
    proxy.black_hole = True


@pytest.mark.parametrize("fault", [drip, lag, lose, late, cut, rst, deaf])
async def test_no_fault_of_the_wire_makes_a_wrong_value(fault: Callable[[FaultProxy], None]) -> None:
    async with modbus() as (_, proxy, link):
        fault(proxy)
        for address in range(8):
            got = await reading(link, Point(f"2/ir{address}"), 0.4)
            assert got.value in {100 + address, None}
            assert (got.value is None) == bool(got.reason)
        proxy.heal()
        await until_open(link)
        await _until_right(link)
        points = [Point(f"2/ir{address}") for address in (3, 17, 40)]
        assert await values(link, points) == [103, 117, 140]


async def _until_right(link: ModbusLink, within_s: float = 5.0) -> float:
    """Wait until a read succeeds; return how long it took (s)."""
    began_s = soon(0)
    while (await reading(link, ONE, 1.0)).value is None:
        assert soon(0) - began_s < within_s
        await asyncio.sleep(0.01)
    return soon(0) - began_s


@pytest.mark.fault("F02")
async def test_a_half_open_connection_is_noticed_and_recovered_from() -> None:
    async with modbus(timeout_s=0.5) as (_, proxy, link):
        assert (await reading(link, ONE)).value == 101
        proxy.black_hole = True
        began_s = soon(0)
        assert (await reading(link, ONE, 1.0)).value is None
        noticed_s = soon(0) - began_s
        while link.is_open() and link.stats().reconnects == 0:
            await reading(link, ONE, 1.0)
            assert soon(0) - began_s < 10
        proxy.black_hole = False  # what was swallowed never comes: only a new connection helps
        recovered_s = await _until_right(link)
        assert noticed_s < 3.0, "1.0 s is the aim"
        assert recovered_s < 5.0, "1.5 s is the aim"
        assert proxy.connections >= 2, "a new socket was opened, though the old one looked alive"


@pytest.mark.fault("F03")
async def test_a_slow_plc_is_read_in_its_time_and_what_is_too_late_is_dropped() -> None:
    async with modbus(timeout_s=0.5) as (_, proxy, link):
        proxy.latency_s = 0.1  # 0.2 s there and back
        assert (await reading(link, ONE, 1.0)).value == 101
        proxy.latency_s = 0.4  # 0.8 s
        assert (await reading(link, Point("2/ir2"), 0.6)).reason in {"timeout", "not_connected"}
        proxy.latency_s = 0.0
        await asyncio.sleep(0.6)  # the late reply arrives meanwhile
        await until_open(link)
        await _until_right(link)
        assert (await reading(link, Point("2/ir3"))).value == 103


@pytest.mark.fault("F41")
async def test_a_write_whose_echo_is_lost_is_decided_by_the_read_back_and_done_once() -> None:
    async with modbus() as (server, proxy, link):
        proxy.lose_write_replies = True
        result = await link.write(Point("2/hr10"), 77, deadline=soon(3.0))
        assert result.outcome is Outcome.CONFIRMED
        assert result.got == 77
        assert result.detail, "the doubt is told"
        assert [request.values for request in server.hear("hr") if request.function in {6, 16}] == [(77,)]
        server.clamps[11] = 5
        result = await link.write(Point("2/hr11"), 99, deadline=soon(3.0))
        assert result.outcome is not Outcome.CONFIRMED
        assert result.got in {5, None}
        blind = await link.write(Point("2/hr12", readback=False), 1, deadline=soon(1.0))
        assert blind.outcome is Outcome.UNKNOWN, "no echo, no read-back: never ok because nothing was heard"
        assert proxy.lost >= 3


async def test_a_refused_reconnect_goes_on_until_it_is_taken() -> None:
    async with modbus() as (_, proxy, link):
        proxy.refuse = True
        proxy.reset()
        await until(lambda: not link.is_open())
        await until(lambda: proxy.connections >= 3)
        assert (await reading(link, ONE, 0.3)).value is None
        proxy.refuse = False
        assert await _until_right(link) < 5.0, "1.5 s is the aim"


# MQTT through it


async def _mqtt_until(link: MqttLink, wanted: Callable[[RawReading], bool], within_s: float) -> float:
    began_s = soon(0)
    while not wanted((await link.read([TEMPERATURE], deadline=soon(0.5)))[TEMPERATURE]):
        assert soon(0) - began_s < within_s
        await asyncio.sleep(0.02)
    return soon(0) - began_s


@pytest.mark.broker
@pytest.mark.fault("F18")
async def test_a_half_open_broker_is_noticed_and_the_sensor_comes_back(mosquitto: Mosquitto) -> None:
    async with fault_proxy(mosquitto.port) as proxy, aiomqtt.Client("127.0.0.1", mosquitto.port) as sensor:

        async def speak() -> None:
            for celsius in range(20, 2000):
                await sensor.publish("sensors/room/climate", f'{{"temperature": {celsius}, "seq": {celsius}}}')
                await asyncio.sleep(0.05)

        speaking = asyncio.create_task(speak())
        link = MqttLink(MqttSettings("127.0.0.1", proxy.port, keepalive_s=1))
        await link.open()
        try:
            await _mqtt_until(link, lambda got: got.value is not None, 5)
            proxy.black_hole = True
            await _mqtt_until(link, lambda got: got.value is None, 10)  # twice the keepalive is the aim: 2 s
            proxy.heal()
            await _mqtt_until(link, lambda got: got.value is not None, 15)  # 1.5 s is the aim
            proxy.reset()
            await _mqtt_until(link, lambda got: got.value is None or link.stats().reconnects > 1, 10)
            await _mqtt_until(link, lambda got: got.value is not None, 15)
        finally:
            await link.close()
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)

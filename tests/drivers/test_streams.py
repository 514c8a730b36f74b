"""Serial lines however they are reached: a tty, TCP, RFC 2217; what cannot be opened; a computer without termios."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
import serial
import serial.rfc2217

from drivers import threaded_port
from drivers.errors import LinkDown
from drivers.port_trouble import programs_that_have
from drivers.serial_port import PtyEnd
from drivers.settings import SerialSettings
from drivers.streams import Stream, open_stream
from drivers.threaded_port import ThreadedPort, open_threaded, thread_name

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name).. is deprecated:DeprecationWarning")  # by pyserial


class Heard:
    """What a stream said: its bytes, and when and why it died."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost: list[tuple[float, str]] = []

    def on_lost(self, why: str) -> None:
        self.lost.append((asyncio.get_running_loop().time(), why))

    async def open(self, settings: SerialSettings | str) -> Stream:
        settings = SerialSettings(settings) if isinstance(settings, str) else settings
        return await open_stream(settings, self.data.extend, self.on_lost)

    async def until(self, data: bytes) -> None:
        async with asyncio.timeout(5):
            while bytes(self.data) != data:
                await asyncio.sleep(0.002)

    async def until_lost(self) -> float:
        async with asyncio.timeout(5):
            while not self.lost:
                await asyncio.sleep(0.002)
        return self.lost[0][0]


class PtyOfServer(serial.Serial):
    """A pseudo-terminal that has modem lines, as the server's library wants them."""

    cts = dsr = ri = cd = property(lambda _self: True)

    def _update_dtr_state(self) -> None:
        """Set nothing: a pseudo-terminal has no such line."""

    def _update_rts_state(self) -> None:
        """Set nothing: a pseudo-terminal has no such line."""


class Rfc2217Server(threading.Thread):
    """pyserial's own RFC 2217 server over one tty, one client after the other."""

    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self.port = PtyOfServer(path, timeout=0)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.client: socket.socket | None = None
        self.ending = False

    def write(self, data: bytes) -> None:  # called by the PortManager for its negotiation
        assert self.client is not None
        self.client.sendall(data)

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while not self.ending:
                self.client, _ = self.listener.accept()
                self.pump(serial.rfc2217.PortManager(self.port, self))  # type: ignore[arg-type]  # it wants `write` alone

    def pump(self, manager: serial.rfc2217.PortManager) -> None:
        client = self.client
        assert client is not None
        with contextlib.suppress(OSError, ValueError):
            while not self.ending:
                ready, _, _ = select.select([client.fileno(), self.port.fileno()], [], [], 0.02)
                if client.fileno() in ready:
                    data = client.recv(1024)
                    if not data:
                        break
                    self.port.write(b"".join(manager.filter(data)))
                if self.port.fileno() in ready:
                    client.sendall(b"".join(manager.escape(self.port.read(1024))))
        client.close()

    def stop(self) -> None:
        self.ending = True
        for sock in (self.listener, self.client):
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
        self.join(5)
        self.port.close()


@contextmanager
def rfc2217_server(path: str) -> Iterator[Rfc2217Server]:
    server = Rfc2217Server(path)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def tcp_server(greeting: bytes = b"") -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """Serve the first letter of each line's answer over TCP: `R` CR is answered by `R:` and the count of bytes."""
    writers: list[asyncio.StreamWriter] = []

    def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Coroutine[Any, Any, None]:
        writers.append(writer)
        return serve(reader, writer)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                writer.write(b"echo " + await reader.readuntil(b"\r"))

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", writers
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0.01)


async def threads_end(path: str) -> bool:
    """Return whether no thread has the port at `path` any more within 2 s."""
    for _ in range(200):
        if not any(thread.name.startswith(thread_name(path)) for thread in threading.enumerate()):
            return True
        await asyncio.sleep(0.01)
    return False


# ttys


async def test_a_tty_takes_the_settings_of_the_line() -> None:
    async with PtyEnd() as end:
        heard = Heard()
        line = SerialSettings(end.path, 19200, bits=7, parity="E", stop_bits=2, xonxoff=True, rtscts=True)
        stream = await heard.open(line)
        fd = os.open(end.path, os.O_RDWR | os.O_NOCTTY)
        input_flags, _, control, _, speed, *_ = termios.tcgetattr(fd)
        os.close(fd)
        assert speed == termios.B19200
        assert control & termios.CSIZE in {termios.CS7, termios.CS8}  # the kernel keeps a pty at 8 bits
        assert control & termios.CSTOPB
        assert input_flags & termios.IXON
        assert control & termios.CRTSCTS
        assert stream.path == end.path
        stream.close()


@pytest.mark.parametrize(
    "settings", [SerialSettings("?", parity="X"), SerialSettings("?", bits=9), SerialSettings("?", stop_bits=3)]
)
async def test_settings_that_no_port_has_are_named(settings: SerialSettings) -> None:
    async with PtyEnd() as end:
        wrong = SerialSettings(end.path, settings.baud, settings.bits, settings.parity, settings.stop_bits)
        with pytest.raises(LinkDown, match=end.path):
            await Heard().open(wrong)


async def test_a_port_in_use_names_the_program() -> None:
    async with PtyEnd() as end:
        stream = await Heard().open(end.path)
        with pytest.raises(LinkDown, match=rf"another program has it: .*\({os.getpid()}\)"):
            await Heard().open(end.path)
        stream.close()
        assert programs_that_have("/no/such/file") == []


async def test_what_is_missing_or_no_port_says_what_to_do() -> None:
    with pytest.raises(LinkDown, match=r"/dev/no-such-port: there is no such port \(.*plugged in"):
        await Heard().open("/dev/no-such-port")
    with pytest.raises(LinkDown, match="it is no serial port"):
        await Heard().open("/dev/null")


# addresses


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("telnet://host:23", "no way to open telnet://"),
        ("socket://host", "port is missing"),
        ("socket://:4001", "host or port is missing"),
        ("socket://host:99999", "socket://10.0.0.5:4001"),
        ("rfc2217://host", "port is missing"),
        ("socket://[::1", "expected something like"),
    ],
)
async def test_an_address_that_is_none_is_named(address: str, message: str) -> None:
    with pytest.raises(LinkDown, match=message) as caught:
        await Heard().open(address)
    assert address in str(caught.value)


async def test_a_serial_server_over_tcp() -> None:
    heard = Heard()
    async with tcp_server() as (address, writers):
        stream = await heard.open(f"socket://{address}")
        stream.write(b"R\r")
        await heard.until(b"echo R\r")
        before_s = asyncio.get_running_loop().time()
        writers[0].close()
        assert await heard.until_lost() - before_s < 0.5
        with pytest.raises(LinkDown):
            stream.write(b"R\r")
        stream.close()
    with pytest.raises(LinkDown, match=address.partition(":")[2]):
        await heard.open(f"socket://{address}")


# threads


async def test_rfc2217_both_ways_and_its_settings() -> None:
    async with PtyEnd() as end:
        heard = Heard()
        with rfc2217_server(end.path) as server:
            url = f"rfc2217://{server.address}"
            stream = await heard.open(SerialSettings(url, 19200))
            assert server.port.baudrate == 19200
            stream.write(b"R\r")
            assert await end.read_line() == b"R"
            end.write(b"71.234\r\xff\x00*OK\r")  # 255 is telnet's own sign: it must come through
            await heard.until(b"71.234\r\xff\x00*OK\r")
            assert repr(stream) == f"<ThreadedPort {url} open>"
            stream.close()
            assert await threads_end(url)
            with pytest.raises(LinkDown, match="closed"):
                stream.write(b"R\r")
            assert heard.lost == []


@pytest.mark.fault("F11")
async def test_rfc2217_a_server_that_goes_is_told_at_once_and_can_come_back() -> None:
    async with PtyEnd() as end:
        heard = Heard()
        with rfc2217_server(end.path) as server:
            url = f"rfc2217://{server.address}"
            stream = await heard.open(url)
            began_s = asyncio.get_running_loop().time()
            assert server.client is not None
            server.client.shutdown(socket.SHUT_RDWR)
            assert await heard.until_lost() - began_s < 0.5  # usually 50 ms
            with pytest.raises(LinkDown):
                stream.write(b"R\r")
            stream.close()
            again = await heard.open(url)  # waits for the old thread's end
            again.write(b"I\r")
            assert await end.read_line() == b"I"
            again.close()
            assert len(heard.lost) == 1
            assert await threads_end(url)


async def test_rfc2217_what_cannot_be_opened_is_named_and_leaves_no_thread() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = f"rfc2217://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(LinkDown, match=closed):
        await Heard().open(closed)
    async with tcp_server(b"no telnet here") as (address, _):
        url = f"rfc2217://{address}"
        with pytest.raises(LinkDown, match=r"no answer within 0\.3 s"):
            await open_threaded(SerialSettings(url), bytearray().extend, lambda _why: None, within_s=0.3)
    assert await threads_end(closed)


async def test_a_thread_has_a_plain_port_where_the_loop_cannot() -> None:
    async with PtyEnd() as end:
        heard = Heard()
        settings = SerialSettings(end.path)
        stream = await open_threaded(settings, heard.data.extend, heard.on_lost)
        with pytest.raises(LinkDown, match="another program has it"):
            await heard.open(end.path)
        stream.write(b"R\r")
        assert await end.read_line() == b"R"
        end.write(b"71.3\r")
        await heard.until(b"71.3\r")
        unplugged_s = asyncio.get_running_loop().time()
        end.close()
        assert await heard.until_lost() - unplugged_s < 0.5
        stream.close()
        assert await threads_end(end.path)
        assert len(heard.lost) == 1


def flood(stream: Stream) -> None:
    for _ in range(1000):
        stream.write(b"x" * 1000)


async def test_both_queues_of_a_thread_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded_port, "_QUEUE_LIMIT", 2000)
    async with PtyEnd() as end:
        heard = Heard()
        stream = await open_threaded(SerialSettings(end.path), heard.data.extend, heard.on_lost)
        assert isinstance(stream, ThreadedPort)
        with pytest.raises(LinkDown, match="takes no bytes"):
            flood(stream)
        await asyncio.sleep(0.05)
        for _ in range(20):
            end.write(b"y" * 500)
            time.sleep(0.01)  # noqa: ASYNC251  # the loop must not take what the thread brings
        await asyncio.sleep(0.1)
        assert stream.dropped > 0
        assert len(heard.data) + stream.dropped == 10_000
        stream.close()
        assert await threads_end(end.path)


async def test_a_stream_given_up_while_it_opens_leaves_no_thread() -> None:
    async with tcp_server() as (address, _):
        url = f"rfc2217://{address}"
        opening = asyncio.create_task(Heard().open(url))
        await asyncio.sleep(0.1)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        assert opening.cancelled()
        ports = [thread for thread in threading.enumerate() if thread.name == thread_name(url)]
        assert all(thread.daemon for thread in ports)


# a computer without termios

WITHOUT = """
import sys
for name in ("termios", "tty", "pty", "fcntl", "grp"):
    sys.modules[name] = None
import drivers.streams, drivers.lines, drivers.modbus.wire
from drivers.instruments import circulator, ezo, sics
import asyncio
from drivers.errors import LinkDown
from drivers.settings import SerialSettings
assert "serial" not in sys.modules
sys.modules["serial"] = type(sys)("serial")
sys.modules["serial"].SerialException = OSError
def opened(url, **settings):
    raise OSError("could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)")
sys.modules["serial"].serial_for_url = opened
sys.modules["serial"].Serial = object
async def main():
    try:
        await drivers.streams.open_stream(SerialSettings("COM3"), print, print)
    except LinkDown as exc:
        print(exc)
asyncio.run(main())
"""


def test_without_termios_everything_loads_and_a_thread_has_the_port() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "cannot open COM3: another program has it, or you may not open it"

"""What the tests of the wires share: a real MQTT broker, and the clock that a test runs on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from linectl.clock import VirtualTimeLoop


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clock(name): the clock of an asynchronous test, wall (as usual) or virtual")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Let a test marked `clock("virtual")` run on the loop that jumps over all waiting; its wires are as real."""
    marker = item.get_closest_marker("clock")
    if marker is not None and marker.args == ("virtual",):
        return {"virtual": VirtualTimeLoop}
    return {"wall": asyncio.new_event_loop}


class Mosquitto:
    """A mosquitto of our own on a free port of the loopback; started, stopped and frozen by its process id."""

    host = "127.0.0.1"

    def __init__(self, program: str, folder: Path, *, extra: str = "") -> None:
        with socket.create_server((self.host, 0)) as server:
            self.port: int = server.getsockname()[1]
        self._program = program
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} {self.host}\nallow_anonymous true\npersistence false\n{extra}", encoding="ascii"
        )
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        quiet = subprocess.DEVNULL
        command = [self._program, "-c", str(self._config)]
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: ASYNC220  # forking takes a moment
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection(self.host, self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    await writer.wait_closed()
                    return

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
            process.wait(10)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@pytest.fixture
def mosquitto_program() -> str:
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is not None:
        return program
    if os.environ.get("CI") == "true":
        pytest.fail("mosquitto is not installed: in CI the tests of the broker must run")
    pytest.skip("mosquitto is not installed (apt install mosquitto)")


@pytest_asyncio.fixture
async def mosquitto(mosquitto_program: str, tmp_path: Path) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(mosquitto_program, tmp_path)
    await broker.start()
    yield broker
    broker.stop()


@pytest_asyncio.fixture
async def mosquitto_with(mosquitto_program: str, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Mosquitto]]]:
    """Start brokers with further lines of configuration."""
    brokers: list[Mosquitto] = []

    async def started(*lines: str) -> Mosquitto:
        folder = tmp_path / f"broker{len(brokers)}"
        folder.mkdir()
        as_us = ["user root"] if os.geteuid() == 0 else []  # else it could not read what the test wrote
        broker = Mosquitto(mosquitto_program, folder, extra="\n".join([*as_us, *lines, ""]))
        brokers.append(broker)
        await broker.start()
        return broker

    yield started
    for broker in brokers:
        broker.stop()

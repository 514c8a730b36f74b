"""Real wires for the verbs of commissioning: a rig, or a few registers, served by a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from linectl.clock import Clock
from linectl.config.dump import dump_line
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.server.simulation.simulated import SimulatedLine, serve
from linectl.sim.wires.bank import Bank, Fault, ModbusFault
from linectl.sim.wires.broker import free_port
from linectl.sim.wires.modbus_server import ModbusServer

T = TypeVar("T")

SHUFFLE = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}


class Words:
    """A unit with a few input registers; others answer exception 2."""

    def __init__(self, registers: Mapping[int, int]) -> None:
        self.registers = dict(registers)
        self.written: list[tuple[str, int, list[int]]] = []

    def read(self, table: str, address: int, count: int) -> list[int]:
        wanted = range(address, address + count)
        if table not in {"ir", "hr"} or any(each not in self.registers for each in wanted):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        return [self.registers[each] for each in wanted]

    def write(self, table: str, address: int, values: list[int]) -> None:
        self.written.append((table, address, values))
        self.registers |= dict(enumerate(values, start=address))


def float_words(value: float, order: str = "ABCD") -> tuple[int, int]:
    """The two registers in which a device of that order keeps a float."""
    data = struct.pack(">f", value)
    first, second = struct.unpack(">2H", bytes(data[k] for k in SHUFFLE[order]))
    return first, second


@contextmanager
def in_thread(service: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Run a service in a loop of its own for the time of the block."""
    up, down = threading.Event(), asyncio.Event()
    found: list[Any] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        async with service as made:
            found.append(made)
            up.set()
            await down.wait()

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    assert up.wait(20), "the service did not come up"
    try:
        yield found[0]
    finally:
        loops[0].call_soon_threadsafe(down.set)
        thread.join(20)


@asynccontextmanager
async def _served(banks: Mapping[int, Bank]) -> Any:
    server = ModbusServer(banks)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@contextmanager
def modbus(banks: Mapping[int, Bank]) -> Iterator[ModbusServer]:
    """Serve `banks` by unit on a free port."""
    with in_thread(_served(banks)) as server:
        yield server


@asynccontextmanager
async def _rig() -> Any:
    async with serve(load_line(find_file("simulated", folder="config")), Clock(), seed=1) as rig:
        yield rig


@contextmanager
def rig(folder: Path) -> Iterator[tuple[SimulatedLine, Path]]:
    """Serve the simulated rig, and give its line file."""
    with in_thread(_rig()) as served:
        file = folder / "rig.yaml"
        file.write_text(dump_line(served.definition), encoding="utf-8")
        yield served, file


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """Run a mosquitto of our own on a free port of the loopback, and give the port."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed: in CI the tests of the broker must run")
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n", encoding="ascii")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, "-c", str(config)], stdout=quiet, stderr=quiet)
    try:
        for _ in range(200):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            threading.Event().wait(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(10)

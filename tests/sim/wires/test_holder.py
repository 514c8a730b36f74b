from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from linectl.clock import Clock
from linectl.errors import Unreachable
from linectl.sim.rig import Rig
from linectl.sim.wires.broker import EmbeddedBroker, free_port
from linectl.sim.wires.ezo import EzoInstrument, rtd_circuit
from linectl.sim.wires.holder import cannot_listen, holder_of
from linectl.sim.wires.modbus_rtu import ModbusRtuServer
from linectl.sim.wires.modbus_server import ModbusServer

LINUX = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc: nothing tells who holds a port")
US = f"(process {os.getpid()})"


@LINUX
def test_a_port_names_who_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        holder = holder_of(server.getsockname()[1])
    assert holder.endswith(US)
    assert "py" in holder


def test_what_cannot_be_known_is_not_said(tmp_path: Path) -> None:
    assert holder_of(free_port()) == ""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert holder_of(server.getsockname()[1], proc=tmp_path) == "", "no /proc, as on other systems"


def test_a_holder_of_another_user_is_not_seen(tmp_path: Path) -> None:
    row = "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 1"
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(f"sl local rem st\n{row}\n", encoding="ascii")
    (tmp_path / "12").mkdir()  # its fd folder cannot be read
    assert holder_of(8080, proc=tmp_path) == ""
    (tmp_path / "12" / "fd").mkdir()
    (tmp_path / "12" / "fd" / "3").symlink_to("socket:[4711]")
    assert holder_of(8080, proc=tmp_path) == "? (process 12)"
    (tmp_path / "12" / "cmdline").write_bytes(b"mosquitto\0-p\0008080\0")
    assert holder_of(8080, proc=tmp_path) == "mosquitto -p 8080 (process 12)"


@LINUX
@pytest.mark.parametrize("kind", ["modbus", "rtu", "instrument", "broker", "rig"])
async def test_a_server_that_does_not_get_its_port_says_who_has_it(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        instrument = EzoInstrument(rtd_circuit(lambda: 20.0), tmp_path / "rtd")
        begins: dict[str, Callable[[], Awaitable[None]]] = {
            "modbus": lambda: ModbusServer({}, port=port).start(),
            "rtu": lambda: ModbusRtuServer({}).listen(port),
            "instrument": lambda: instrument.listen(port),
            "broker": lambda: EmbeddedBroker(port=port).start(),
            "rig": lambda: Rig(Clock(), seed=1, directory=tmp_path, port=port).start(),
        }
        with pytest.raises(Unreachable, match=str(port)) as refused:
            await begins[kind]()
    assert US in refused.value.hint
    assert str(port) in refused.value.hint


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EADDRINUSE, "another program has this port"),
        (errno.EACCES, "this user may not have this port"),
        (errno.EADDRNOTAVAIL, "this computer has no such address"),
        (errno.EMFILE, "too many files"),
        (errno.ENOBUFS, "error ENOBUFS of the operating system"),
    ],
)
def test_why_a_port_is_not_to_be_had_is_said_plainly(number: int, why: str) -> None:
    error = cannot_listen("127.0.0.1", 0, OSError(number, "[Errno] of the system"), "no: {host}:{port}: {why}")
    assert why in error.message
    assert "Errno" not in error.message
    assert error.hint
    wrapped = RuntimeError("[Errno] of a library")
    wrapped.__cause__ = OSError(number, "of the system")
    assert cannot_listen("127.0.0.1", 0, wrapped, "no: {host}:{port}: {why}").message == error.message


async def test_an_address_that_is_none_is_said_plainly() -> None:
    with pytest.raises(Unreachable, match="has no such address") as refused:
        await ModbusServer({}, host="192.0.2.1").start()
    assert "127.0.0.1" in refused.value.hint
    assert cannot_listen("h", 0, socket.gaierror(-2, "?"), "{why}").message == "this computer has no such address"
    assert cannot_listen("h", 0, ValueError("odd"), "{why}").message == "odd"

"""The doctor on wires of our own: an exchanged PLC, a program that stands still, an instrument of another kind."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.settings import ModbusTcpSettings, MqttSettings
from linectl.clock import Clock
from linectl.config.files import SourceText, find_file
from linectl.config.load import load_line, load_line_text
from linectl.model.lines import LineDefinition
from linectl.server.commissioning import Site
from linectl.server.doctor.examine import examine
from linectl.server.doctor.links import judge_unopened
from linectl.sim.wires.bank import Fault, ModbusFault
from linectl.sim.wires.modbus_server import ModbusServer

MACHINE = {"clock", "store", "packages"}

BATH = """\
kind: line
name: caustic
links: {bus: {type: modbus_tcp, host: 127.0.0.1, port: 502}}
scans: {slow: 5.0}
devices: {naoh_meter: {link: bus, unit: 4, device: lth_mxd70}}
tags:
  bath.naoh: {device: naoh_meter, point: naoh, scan: slow}
"""


class Registers:
    """A unit whose registers answer alike in every table; what is not there answers exception 2."""

    def __init__(self, values: Mapping[int, int], *, counts: int | None = None) -> None:
        self.values = dict(values)
        self._counts = counts

    def read(self, _table: str, address: int, count: int) -> list[int]:
        if self._counts is not None:
            self.values[self._counts] += 1
        if any(each not in self.values for each in range(address, address + count)):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        return [self.values[each] for each in range(address, address + count)]

    def write(self, _table: str, address: int, _values: list[int]) -> None:
        pytest.fail(f"the doctor wrote to {address}")


@asynccontextmanager
async def at(definition: LineDefinition, unit: int, bank: Registers, folder: Path) -> AsyncIterator[Site]:
    server = ModbusServer({unit: bank})
    await server.start()
    try:
        wire = ModbusTcpSettings("127.0.0.1", server.port)
        links = dict.fromkeys(definition.links, wire)
        yield Site(replace(definition, links=links), Clock(), folder / "line.db")
    finally:
        await server.stop()


async def wrong(definition: LineDefinition, unit: int, bank: Registers, folder: Path) -> list[tuple[str, str]]:
    async with at(definition, unit, bank, folder) as site:
        found = await examine(site, wait_s=0.0)
    return [(each.code, each.what) for each in found.findings if each.room not in MACHINE]


def plc() -> LineDefinition:
    """The simulated line's PLC alone."""
    whole = load_line(find_file("simulated", folder="config"))
    inputs = [tag for tag in whole.tags.values() if tag.point is not None and tag.point.address.startswith("2/ir")]
    tags = {tag.name: tag for tag in inputs}
    tags |= {name: whole.tags[name] for name in ("bath.heartbeat", "bath.owner")}
    return replace(whole, tags=tags, links={"plc": whole.links["plc"]}, hands="")


def sound() -> dict[int, int]:
    return {**dict.fromkeys(range(40), 0), 3: 1, 10: 200, 11: 500}


async def test_a_sound_plc_has_nothing_wrong(tmp_path: Path) -> None:
    assert await wrong(plc(), 2, Registers(sound(), counts=0), tmp_path) == []


@pytest.mark.fault("F42")
async def test_another_plc_at_the_address_is_known_by_its_register_map(tmp_path: Path) -> None:
    ((code, what),) = await wrong(plc(), 2, Registers({**sound(), 3: 7}, counts=0), tmp_path)
    assert code == "plc_identity"
    assert "version 7, linectl knows version 1" in what


async def test_a_program_that_stands_still_is_told(tmp_path: Path) -> None:
    assert [code for code, _ in await wrong(plc(), 2, Registers(sound()), tmp_path)] == ["plc_counter"]


def meter(**changed: int) -> Registers:
    def words(value: float) -> tuple[int, int]:
        first, second = struct.unpack(">2H", struct.pack(">f", value))
        return first, second

    naoh, conductivity = words(2.1), words(95.0)
    values = {2250: conductivity[0], 2251: conductivity[1], 2252: 400, 2256: naoh[0], 2257: naoh[1], 2258: 1029}
    return Registers({**values, **{int(name[1:]): value for name, value in changed.items()}})


async def test_an_instrument_says_what_its_file_expects(tmp_path: Path) -> None:
    line = load_line_text(SourceText("line.yaml", BATH, ""))
    assert await wrong(line, 4, meter(), tmp_path) == []
    ((code, what),) = await wrong(line, 4, meter(r2258=1030), tmp_path)
    assert code == "unexpected"
    assert "solution_unit" in what
    assert "1030" in what


async def test_a_unit_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    line = load_line_text(SourceText("line.yaml", BATH, ""))
    ((code, what),) = await wrong(line, 5, meter(), tmp_path)
    assert code == "unit_silent"
    assert what.startswith("unit 4 of bus does not answer")


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "broker_tls"),
        ("[code:5] Not authorized", "broker_login"),
        ("the broker refuses to send sensors/#", "broker_acl"),
        ("[Errno 111] Connection refused", "link_unopened"),
        ("mqtt://tls-broker:1883: [Errno 111] Connection refused", "link_unopened"),
        ("mqtt://tls-broker:1883: the broker refuses to send tls/state", "broker_acl"),
        ("mqtt://tls-broker:1883: the broker refuses user 'ssl' with this password ([code:134])", "broker_login"),
        ("mqtt://tls-broker:1883: the broker speaks no TLS at this port", "broker_tls"),
    ],
)
def test_a_broker_that_does_not_let_us_in_is_told_by_its_reason(why: str, code: str) -> None:
    settings = MqttSettings("tls-broker")
    finding = judge_unopened("sensors", settings, why, "line.yaml:9")
    assert (finding.code, finding.exit_code, finding.place.file) == (code, 4, "line.yaml:9")

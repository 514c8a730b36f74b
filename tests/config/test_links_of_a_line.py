"""Links of every kind in a line file: what they become, that a dump brings them back, and what is refused where."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    MqttSource,
    SerialSettings,
    SicsSettings,
    TlsSettings,
    UnitSettings,
)
from linectl.config.dump import dump_line
from linectl.config.files import SourceText
from linectl.config.load import load_line_text
from linectl.errors import ConfigError
from linectl.model.lines import LineDefinition

LINKS = {
    "plc": "{type: modbus_tcp, host: plc, "
    "units: {2: {max_registers: 60, write_function: 16, holes: [hr100-119, ir7]}}}",
    "bus": "{type: modbus_rtu, port: /dev/ttyX0, baud: 19200, parity: E, "
    "turnaround_s: 0.05, adapter_latency_s: 0.001, "
    "timeout_s: 0.2, window_s: 0.3, units: {2: {nonce: true, read_write: true}, 3: {name: dosing}, "
    "4: {max_registers: 20, max_written: 10, holes: [hr40-49]}}}",
    "far": "{type: modbus_rtu, port: 'socket://10.0.0.7:4001'}",
    "old": "{type: modbus_rtu, port: 'rfc2217://10.0.0.8:4001', stop_bits: 2}",
    "ph": "{type: ezo, port: 'socket://10.0.0.9:4001', device: pH}",
    "balance": "{type: sics, port: /dev/ttyX1, xonxoff: true, stable_s: 5}",
    "heat": "{type: circulator, port: /dev/ttyX2, baud: 4800, bits: 7, parity: E, rtscts: true}",
    "room": "{type: mqtt, host: broker, username: linectl, password_env: BROKER, version: 5, "
    "tls: {ca_file: ca.pem, certificate_file: own.pem, key_file: own.key}, "
    "sources: {climate: {topic: tele/room, form: tasmota, period_s: 300}}}",
    "open": "{type: mqtt, host: broker, topics: [sensors/#, a/+/c]}",
}  # fmt: skip
HEAD = "kind: line\nname: bench\nlinks:\n"
TAIL = "scans: {bath: 1.0}\ntags:\n  bath.level: {link: plc, point: 2/ir11}\n"


def text_of(tags: str = "", **links: str) -> str:
    lines = "".join(f"  {name}: {text}\n" for name, text in ({**LINKS, **links}).items())
    return HEAD + lines + TAIL + tags


def loaded(text: str) -> LineDefinition:
    return load_line_text(SourceText("/site/line.yaml", text, "hash"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return [str(problem) for problem in caught.value.problems]


def test_every_kind_of_link_becomes_its_settings() -> None:
    line = loaded(text_of())
    dosing = UnitSettings(name="dosing")
    small = UnitSettings(max_registers=20, max_written=10, holes=(("hr", 40, 50),))
    assert line.links == {
        "plc": ModbusTcpSettings(
            "plc",
            units={2: UnitSettings(max_registers=60, write_function=16, holes=(("hr", 100, 120), ("ir", 7, 8)))},
        ),
        "bus": ModbusRtuSettings(
            SerialSettings("/dev/ttyX0", 19200, parity="E"),
            0.05, 0.001, 0.2, 0.3,
            {2: UnitSettings(nonce=True, read_write=True), 3: dosing, 4: small},
        ),
        "far": ModbusRtuSettings(SerialSettings("socket://10.0.0.7:4001")),
        "old": ModbusRtuSettings(SerialSettings("rfc2217://10.0.0.8:4001", stop_bits=2)),
        "ph": EzoSettings("socket://10.0.0.9:4001", "pH"),
        "balance": SicsSettings(SerialSettings("/dev/ttyX1", xonxoff=True), stable_s=5),
        "heat": CirculatorSettings(SerialSettings("/dev/ttyX2", 4800, 7, "E", rtscts=True)),
        "room": MqttSettings(
            "broker", 8883, (), username="linectl", version="5",
            tls=TlsSettings("/site/ca.pem", "/site/own.pem", "/site/own.key"),
            sources={"climate": MqttSource("tele/room", "tasmota", 300)},
        ),
        "open": MqttSettings("broker", topics=("sensors/#", "a/+/c")),
    }  # fmt: skip


def test_every_kind_of_link_comes_back_from_a_dump() -> None:
    line = loaded(text_of())
    again = loaded(dump_line(line))
    assert again == line
    assert again.secrets == line.secrets


@pytest.mark.parametrize(
    ("name", "link", "where", "said"),
    [
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX1}",
            "links.balance.port",
            "bus has this port already: instruments on one wire are units of one link",
        ),
        ("far", "{type: modbus_rtu, port: 'socket://10.0.0.9:4001'}", "links.ph.port", "far has this port already"),
        (
            "far",
            "{type: modbus_rtu, port: 'socket://10.0.0.7'}",
            "links.far.port",
            "expected a path, socket://host:port or rfc2217://host:port",
        ),
        ("far", "{type: modbus_rtu, port: 'tcp://10.0.0.7:1'}", "links.far.port", "expected a path, socket://"),
        ("far", "{type: modbus_rtu, port: 'socket://x:70000'}", "links.far.port", "expected a path, socket://"),
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX0, parity: even}",
            "links.bus.parity",
            "`even` is not known here; expected one of N, E, O",
        ),
        ("bus", "{type: modbus_rtu, port: /dev/ttyX0, bits: 7}", "links.bus.bits", "Modbus RTU has 8 data bits"),
        ("bus", "{type: modbus_rtu, port: /dev/ttyX0, rtscts: true}", "links.bus.rtscts", "unknown key"),
        ("heat", "{type: circulator, port: x, xonxoff: true, rtscts: true}", "links.heat.rtscts", "has one handshake"),
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX0, units: {2: {nonse: true}}}",
            "links.bus.units.2.nonse",
            "unknown key; did you mean `nonce`?",
        ),
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX0, units: {248: {nonce: true}}}",
            "links.bus.units.248",
            "expected a unit id from 1 to 247",
        ),
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX0, units: {two: {nonce: true}}}",
            "links.bus.units.two",
            "expected a unit id",
        ),
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX0, units: {2: {write_function: 6}}}",
            "links.bus.units.2.write_function",
            "6 is not known here",
        ),
        (
            "bus",
            "{type: modbus_rtu, port: /dev/ttyX0, units: {2: {max_registers: 126}}}",
            "max_registers",
            "expected at most 125, not 126",
        ),
        (
            "plc",
            "{type: modbus_tcp, host: plc, units: {2: {holes: [100-119]}}}",
            "links.plc.units.2.holes[0]",
            "expected a table and addresses, such as hr100-119",
        ),
        ("ph", "{type: ezo, port: /dev/ttyX9, device: PH}", "links.ph.device", "`PH` is not known here"),
        (
            "heat",
            "{type: circulater, port: /dev/ttyX2}",
            "links.heat.type",
            "unknown type `circulater`; did you mean `circulator`?",
        ),
        ("room", "{type: mqtt, host: broker, version: 4}", "links.room.version", "expected one of 3.1.1, 5"),
        (
            "room",
            "{type: mqtt, host: broker, tls: {ca_file: ca.pem, key_file: own.key}}",
            "links.room.tls.key_file",
            "`certificate_file` and `key_file` belong together",
        ),
        (
            "room",
            "{type: mqtt, host: broker, sources: {a: {topic: tele/#}}}",
            "links.room.sources.a.topic",
            "expected a topic without wildcards",
        ),
        (
            "room",
            "{type: mqtt, host: broker, sources: {a: {topic: tele/a, form: tasmotta}}}",
            "links.room.sources.a.form",
            "did you mean `tasmota`?",
        ),
        (
            "room",
            "{type: mqtt, host: broker, sources: {a: {topic: tele/a/SENSOR, form: tasmota}}}",
            "links.room.sources.a.topic",
            "write the one above them, `tele/a`",
        ),
        (
            "room",
            "{type: mqtt, host: broker, sources: {a: {topic: 'shellyht/status/temperature:0', form: shelly}}}",
            "links.room.sources.a.topic",
            "write the one above them, `shellyht`",
        ),
        ("room", "{type: mqtt, host: broker, topics: [a/b#]}", "links.room.topics[0]", "is no topic filter"),
        (
            "room",
            "{type: mqtt, host: broker, topics: []}",
            "links.room.topics",
            "expected at least one topic, or `sources`",
        ),
        (
            "room",
            "{type: mqtt, host: broker, password_env: BROKER}",
            "links.room.password_env",
            "a password needs its `username`",
        ),
        (
            "room",
            "{type: mqtt, host: broker, username: a, password_env: A, password_file: b}",
            "links.room.password_env",
            "`password_file` is given too",
        ),
    ],
)
def test_a_wrong_link_is_named_at_its_place(name: str, link: str, where: str, said: str) -> None:
    found = problems(text_of(**{name: link}))
    assert len(found) == 1, found
    assert where + ": " in found[0]
    assert said in found[0]
    row = 4 + list(LINKS).index(where.split(".")[1] if where.startswith("links.") else name)
    assert found[0].startswith(f"/site/line.yaml:{row}:")


@pytest.mark.parametrize("password", ["hunter2", "12345678", "[hunter2]"])
def test_a_password_in_a_line_file_is_refused_and_not_repeated(password: str) -> None:
    link = f"{{type: mqtt, host: broker, username: a, password: {password}}}"
    found = problems(text_of(room=link))
    assert len(found) == 1, found
    assert "links.room.password: a password does not belong into a line file" in found[0]
    assert "chmod 600" in found[0]
    assert "password_env" in found[0]
    assert password.strip("[]") not in found[0]


@pytest.mark.parametrize(
    ("link", "address", "sound"),
    [
        ("open", "sensors/room#t", True),
        ("open", "a/b/c#t", True),
        ("open", "a/b/c/d#t", False),
        ("open", "senors/room#t", False),
        ("room", "climate#DS18B20.Temperature", True),
        ("room", "climat#DS18B20.Temperature", False),
        ("room", "tele/room/SENSOR#t", False),
    ],
)
def test_a_topic_that_nobody_subscribes_to_is_refused(link: str, address: str, sound: bool) -> None:
    text = text_of(f'  room.t: {{link: {link}, point: "{address}", kind: float}}\n')
    if sound:
        assert loaded(text).tags["room.t"].point is not None
        return
    found = problems(text)
    assert len(found) == 1, found
    assert "tags.room.t.point: nothing subscribes to" in found[0]


def scanned(count: int, step: int, *, baud: int = 9600, period_s: float = 1.0) -> str:
    tags = "".join(f"  bus.t{k}: {{link: bus, point: 2/hr{k * step}, scan: fast}}\n" for k in range(count))
    scans = f"scans: {{bath: 1.0, fast: {period_s}}}"
    return text_of(tags, bus=f"{{type: modbus_rtu, port: /dev/ttyX0, baud: {baud}}}").replace(
        "scans: {bath: 1.0}", scans
    )


@pytest.mark.parametrize(
    ("settings", "sound"),
    [
        ({"count": 125, "step": 1}, True),  # one request of 125 registers: 0.29 s at 9600 8N1
        ({"count": 125, "step": 1, "period_s": 0.2}, False),
        ({"count": 125, "step": 1, "period_s": 0.2, "baud": 115200}, True),
        ({"count": 40, "step": 200}, False),  # forty requests of 33 ms
        ({"count": 40, "step": 200, "period_s": 2.0}, True),
    ],
)
def test_a_scan_that_the_line_cannot_carry_is_refused(settings: dict[str, Any], sound: bool) -> None:
    if sound:
        loaded(scanned(**settings))
        return
    found = problems(scanned(**settings))
    assert len(found) == 1, found
    assert f"scans.fast: {settings['count']} points on bus take" in found[0]
    assert "at 9600 baud" in found[0]


def test_scans_that_fit_each_but_not_together_are_refused() -> None:
    text = scanned(125, 1, period_s=0.3).replace("fast: 0.3", "fast: 0.3, faster: 0.3")
    text += "".join(f"  bus.u{k}: {{link: bus, point: 3/hr{k}, scan: faster}}\n" for k in range(100))
    found = problems(text)
    assert len(found) == 1, found
    assert "links.bus: its scans together take 1." in found[0]


@pytest.mark.parametrize(
    ("tags", "where", "said"),
    [
        (
            ["point: 2/hr0:3, kind: block, writable: true", "point: 2/hr2, writable: true"],
            "b",
            "writes 2/hr2, where bus.a (2/hr0:3) writes too",
        ),
        (
            ["point: 2/hr10, writable: true", "point: 2/hr10.3, kind: bool, writable: true"],
            "b",
            "writes 2/hr10.3, where bus.a (2/hr10) writes too",
        ),
        (["point: 2/hr10, kind: f32, writable: true", "point: 2/hr11, writable: true"], "b", "writes 2/hr11"),
        (["point: 2/co6, kind: bool, writable: true", "point: 2/co6, kind: bool, writable: true"], "b", "writes 2/co6"),
        (["point: 2/ir10, writable: true"], "a", "table ir is read-only"),
        (["point: 0/hr10"], "a", "unit 0: on a serial line units are 1 to 247"),
        (["point: 250/hr10"], "a", "unit 250: on a serial line units are 1 to 247"),
        (["point: '4/hr0:30', kind: block"], "a", "reads 30 at once, and unit 4 gives 20 at most"),
        (["point: '4/hr0:25+3'"], "a", "reads 25 at once, and unit 4 gives 20 at most"),
        (["point: '4/hr0:12', kind: block, writable: true"], "a", "writes 12 registers at once, and unit 4 takes 10"),
        (["point: 4/hr41"], "a", "lies in hr40-49, which `holes` of unit 4 says is never read"),
        (["point: 2/di10, kind: bool, writable: true"], "a", "table di is read-only"),
        (
            ["point: '2/hr90:10+2', kind: f32", "point: '2/hr92:4+0', kind: f32"],
            "b",
            "reads 4 registers whole, and bus.a (2/hr90:10+2) other ones that overlap them",
        ),
        (
            ["point: '2/hr90:10+2', kind: f32", "point: 2/hr91"],
            "b",
            "lies in registers that bus.a reads whole: write it as 2/hr90:10+1",
        ),
        (["point: '2/hr90:10+9', kind: f32"], "a", "wider than its block"),
        (["point: 2/hr1, order: CDAB"], "a", "a u16 has no order CDAB; expected one of ABCD, BADC"),
        (["point: 2/hr1.3, kind: bool, order: CDAB"], "a", "a bool has no order of bytes here"),
        (["point: '2/hr1:4', kind: str"], "a", "a tag is a number or a bool"),
        (["point: 2/hr1, states: {one: on}"], "a", "expected a whole number, such as `0: stopped`"),
        (["point: 2/hr1, states: {1: on}, gain: 0.1"], "a", "states are the device's own whole numbers"),
        (["point: 2/hr1, kind: f32, states: {1: on}"], "a", "a f32 has no states"),
        (["point: 2/hr1.0, kind: bool, states: {0: open, 1: shut, 2: odd}"], "a", "a bool has the states 0 and 1"),
        (["point: 2/hr1, kind: i16, counter: true"], "a", "a counter is of kind u16, u32, u64, not i16"),
        (["point: 2/hr1, counter: true, writable: true"], "a", "a counter is read, never written"),
    ],
)
def test_tags_that_do_not_go_together_are_named(tags: list[str], where: str, said: str) -> None:
    lines = "".join(f"  bus.{name}: {{link: bus, {text}}}\n" for name, text in zip("ab", tags, strict=False))
    found = problems(text_of(lines))
    assert len(found) == 1, found
    row = text_of(lines)[: text_of(lines).index(f"bus.{where}:")].count("\n") + 1
    assert found[0].startswith(f"/site/line.yaml:{row}:")
    assert said in found[0]


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("link: balance, point: weight, kind: float, unit: g, scan: bath", ""),
        ("link: balance, point: tare, kind: bool, writable: true", ""),
        ("link: heat, point: setpoint, kind: float, unit: °C, writable: true", ""),
        ("link: heat, point: bath, kind: float, scan: bath", ""),
        ("link: balance, point: wight, kind: float", "t.point: 'wight' is no point of a balance: expected weight, "),
        ("link: balance, point: weight", "t.point: 'weight' of kind u16: on a balance it is of kind float"),
        ("link: balance, point: weight, kind: float, writable: true", "t.writable: weight of a sics link cannot be"),
        ("link: balance, point: tare, kind: bool, scan: bath", "t.scan: tare is a command: it holds nothing to scan"),
        ("link: heat, point: bath, kind: float, writable: true", "t.writable: bath of a circulator link cannot be"),
        ("link: ph, point: R, kind: float, writable: true", "t.writable: R of a ezo link cannot be written"),
        ("link: ph, point: R, kind: float, order: CDAB", "t.order: a float has no order of bytes here"),
    ],
)
def test_points_of_instruments(tag: str, said: str) -> None:
    text = text_of(f"  lab.t: {{{tag}}}\n")
    if not said:
        assert loaded(text).tags["lab.t"].point is not None
        return
    found = problems(text)
    assert len(found) == 1, found
    assert f"tags.lab.{said}" in found[0]


def test_what_only_looks_alike_goes_together() -> None:
    tags = [
        "link: bus, point: 2/hr10.3, kind: bool, writable: true",
        "link: bus, point: 2/hr10.4, kind: bool, writable: true",
        "link: bus, point: 2/hr10",  # read whole, written by bits
        "link: bus, point: 3/hr10, writable: true",
        "link: plc, point: 2/hr10, writable: true",
        "link: bus, point: 2/co10, kind: bool, writable: true",
        "link: bus, point: '2/hr90:10+2', kind: f32",
        "link: bus, point: '2/hr90:10+0', kind: u32, order: CDAB",
        "link: bus, point: '2/hr90:2', kind: block, writable: true",  # written in part, never read so
        "link: bus, point: 2/hr40, order: BADC",
    ]
    line = loaded(text_of("".join(f"  bus.t{k}: {{{text}}}\n" for k, text in enumerate(tags))))
    assert len(line.tags) == 1 + len(tags)


def test_the_types_of_values_follow_from_their_points() -> None:
    tags = {
        "a": "kind: i16",
        "b": "kind: i16, bad_raw: []",
        "c": "kind: i16, bad_raw: [-1, 32767]",
        "d": "states: {0: stopped, 1: running}",
        "e": "kind: u32, counter: true",
        "f": "kind: u32, counter: true, gain: 0.1",
        "g": "kind: u64",
        "h": "kind: u16",
    }
    text = text_of(
        "".join(f"  bus.{k}: {{link: bus, point: 2/hr{10 * n}, {each}}}\n" for n, (k, each) in enumerate(tags.items()))
    )
    line = loaded(text)
    assert [line.tags[f"bus.{k}"].scaling.bad_raw for k in "abch"] == [(-32768,), (), (-1, 32767), ()]
    assert [line.tags[f"bus.{k}"].dtype for k in "adefgh"] == ["float", "int", "int", "float", "int", "float"]
    assert line.tags["bus.d"].states == {0: "stopped", 1: "running"}
    assert loaded(dump_line(line)) == line

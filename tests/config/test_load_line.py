from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.link import Point
from drivers.settings import EzoSettings, ModbusTcpSettings, MqttSettings
from linectl.config.dump import dump_line
from linectl.config.files import SourceText, find_file
from linectl.config.line_checks import LAWS
from linectl.config.load import load_any, load_line, load_line_text
from linectl.errors import ConfigError
from linectl.line import derive
from linectl.model.lines import Limit, LineDefinition

SMALL = """\
kind: line
name: bench
links:
  plc: {type: modbus_tcp, host: 127.0.0.1}
  ec: {type: ezo, port: /dev/ttyUSB0, device: EC}
  sensors: {type: mqtt, host: broker}
scans:
  bath: 1.0
zones:
  bath:
    kind: bath
    volume_l: 40
    limits:
      temperature: {warn: 85, block: 88, hard: 92}
control:
  heartbeat: bath.heartbeat
  plc_counter: bath.plc_counter
  owner: bath.owner
  boot_counter: bath.boot_counter
tags:
  bath.plc_counter: {link: plc, point: 2/ir0, dtype: int, scan: bath}
  bath.boot_counter: {link: plc, point: 2/ir4, dtype: int, scan: bath}
  bath.heartbeat: {link: plc, point: 2/hr30, readback: false, writable: true}
  bath.owner: {link: plc, point: 2/hr31, writable: true}
  bath.temperature: {link: plc, point: 2/ir10, kind: i16, gain: 0.1, unit: °C, low: -20, high: 120, scan: bath}
  bath.setpoint: {link: plc, point: 2/hr10, kind: i16, gain: 0.1, unit: °C, writable: true, limit: temperature}
  bath.lid_closed: {link: plc, point: 2/di0, kind: bool, scan: bath}
  bath.conductivity: {link: ec, point: R, kind: float, unit: mS/cm, scan: bath}
  bath.naoh: {derived: {law: naoh_conductivity, inputs: [bath.conductivity, bath.temperature]}, unit: "%", scan: bath}
  room.temperature: {link: sensors, point: "sensors/room#t", kind: float, unit: °C}
"""


def loaded(text: str) -> LineDefinition:
    return load_line_text(SourceText("line.yaml", text, "hash"))


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    return [str(problem) for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, old
    return SMALL.replace(old, new)


def place(text: str, word: str) -> str:
    """Return line:column of the only `word` in `text`."""
    before = text[: text.index(word)]
    return f"{before.count(chr(10)) + 1}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"


def test_a_small_line() -> None:
    line = loaded(SMALL)
    assert line.links["plc"] == ModbusTcpSettings("127.0.0.1", 502)
    assert line.tags["bath.lid_closed"].dtype == "bool"
    assert line.tags["bath.temperature"].scaling.gain == 0.1
    assert line.tags["bath.naoh"].point is None
    assert line.zones["bath"].limits == {"temperature": Limit(85, 88, 92)}
    assert line.config_hash == "hash"


def test_a_line_without_scans_is_sound_until_a_tag_names_one() -> None:
    text = "kind: line\nname: a\nlinks: {plc: {type: modbus_tcp, host: h}}\ntags:\n  bath.f: {link: plc, point: 1/hr0}"
    line = load_line_text(SourceText("few.yaml", text, ""))
    assert (line.scans, line.tags["bath.f"].scan) == ({}, "")
    assert load_line_text(SourceText("again.yaml", dump_line(line), "")).scans == {}
    with pytest.raises(ConfigError, match=r"few.yaml:5:\d+: tags.bath.f.scan: "):
        load_line_text(SourceText("few.yaml", text.replace("hr0}", "hr0, scan: fast}"), ""))


@pytest.mark.parametrize("name", ["simulated", "lab_rig"])
def test_the_shipped_lines(name: str) -> None:
    path = find_file(name, beside=Path(__file__).resolve().parents[1] / "x")
    line = load_line(path)
    assert line.name == name
    assert len([tag for tag in line.tags if tag.startswith("label.p")]) == line.zones["bath"].positions == 24
    assert line.config_hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert isinstance(line.links["rtd"], EzoSettings)
    assert isinstance(line.links["sensors"], MqttSettings)
    assert line.simulated is (name == "simulated")
    assert line.zones["bath"].limits["naoh"] == Limit(2.5, 3.0, 4.0)
    assert load_any(path) == line


@pytest.mark.parametrize("name", ["simulated", "lab_rig"])
def test_a_dumped_line_is_read_back_the_same(name: str) -> None:
    line = load_line(find_file(name, beside=Path(__file__).resolve().parents[1] / "x"))
    again = load_line_text(SourceText(line.source, dump_line(line), line.config_hash))
    assert again == line


def test_the_examples_in_the_comments_of_the_lab_rig_are_sound() -> None:
    path = find_file("lab_rig", beside=Path(__file__).resolve().parents[1] / "x")
    text = path.read_text(encoding="utf-8")
    whole = re.sub(r"^( *)#(?=\S|  )", r"\1", text, flags=re.MULTILINE)
    line = load_line_text(SourceText(str(path), whole, "hash"))
    plain = load_line(path)
    assert {type(link).__name__ for link in line.links.values()} >= {
        "SicsSettings", "CirculatorSettings", "ModbusRtuSettings", "MqttSettings",
    }  # fmt: skip
    assert set(line.devices) == {"ph", "caustic"}
    assert len(line.tags) == len(plain.tags) + 11
    assert line.tags["bath.flow"].point == Point("2/ir70", "f32", order="CDAB")
    assert load_line_text(SourceText(line.source, dump_line(line), "hash")) == line


@pytest.mark.parametrize("word", ["1e3", "no", "true", "12:30", "~", "a: b", "# x", "", "éà", "0x1F", "- a"])
def test_a_dumped_text_stays_text(word: str) -> None:
    line = loaded(SMALL)
    odd = replace(line.tags["bath.temperature"], description=word)
    line = replace(line, tags={**line.tags, "bath.temperature": odd})
    again = load_line_text(SourceText(line.source, dump_line(line), line.config_hash))
    assert again == line


def test_a_dump_holds_no_password() -> None:
    line = loaded(SMALL)
    secret = MqttSettings("broker", password="hunter2")
    assert "hunter2" not in dump_line(replace(line, links={**line.links, "sensors": secret}))


@pytest.mark.parametrize(
    ("old", "new", "at", "said"),
    [
        ("high: 120", "hihg: 120", "hihg", "tags.bath.temperature.hihg: unknown key; did you mean `high`?"),
        ("host: 127.0.0.1", "host: x, prot: 502", "prot", "links.plc.prot: unknown key; did you mean `port`?"),
        (
            "volume_l: 40",
            'volume_l: "40"',
            "volume_l",
            "zones.bath.volume_l: expected a number, not `40`",
        ),
        (
            "point: 2/ir10,",
            "point: 2/ix10,",
            "point: 2/ix10",
            "tags.bath.temperature.point: ",
        ),
        ("host: broker", "host: broker, port: 70000", "port: 70000", "expected at most 65535, not 70000"),
        ("type: mqtt", "type: mqqt", "type: mqqt", "links.sensors.type: unknown type `mqqt`; did you mean `mqtt`?"),
        ("kind: bool, scan", "kind: boll, scan", "kind: boll", "`boll` is not known here; did you mean `bool`?"),
        ("link: ec, point", "link: ecc, point", "link: ecc", "`ecc` is not known here; did you mean `ec`?"),
        ("low: -20", "low: 200", "low: 200", "200 is not below high, 120"),
        ("limit: temperature}", "limit: temprature}", "limit: temprature}", "did you mean `temperature`?"),
        ("block: 88", "block: 95", "temperature: {warn", "expected warn <= block <= hard, not 85, 95, 92"),
        ("gain: 0.1, unit: °C, low", "gain: 0, unit: °C, low", "gain: 0,", "expected a number other than 0"),
        ("law: naoh_conductivity", "law: naoh_cond", "law: naoh_cond", "did you mean `naoh_conductivity`?"),
        ("[bath.conductivity, ", "[bath.conductvity, ", "bath.conductvity, ", "did you mean `bath.conductivity`?"),
        ("[bath.conductivity, bath.temperature]", "[bath.conductivity]", "inputs: [bath.c", "takes 2 inputs"),
        ("  owner: bath.owner", "  owner: bath.ower", "owner: bath.ower", "did you mean `bath.owner`?"),
        ("link: ec, point: R", "link: ec, point: Q", "point: Q", "expected R, or R:1"),
        ('"sensors/room#t"', '"sensors/+/room#t"', 'point: "sensors/+', "sensors/+/room"),
        ("point: 2/di0, kind: bool", "point: 2/di0, kind: u16", "point: 2/di0", "co and di hold bits"),
        ("  bath.lid_closed:", "  Bath.Lid:", "Bath.Lid", "small letters, digits and _"),
        ("unit: mS/cm, scan", "unit: mS/cm, writable: true, scan", "writable: true, scan", "cannot be written"),
        ("writable: true, limit", "writable: yes, limit", "writable: yes", "expected true or false, not `yes`"),
        ("  bath: 1.0", "  bath: 0", "bath: 0", "scans.bath: expected above 0"),
        ("  bath: 1.0", "  bath: .inf", "bath: .inf", "expected a finite number, not inf"),
        ("name: bench", "name: bench\nspeed: fast", "speed", "expected a number, not `fast`"),
        ("name: bench", "store: a.db\nname: bench\nstore: b.db", "store: b", "given twice; the first stands in line 2"),
    ],
)  # fmt: skip
def test_a_seeded_mistake_is_named_at_its_place(old: str, new: str, at: str, said: str) -> None:
    text = changed(old, new)
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith(f"line.yaml:{place(text, at)}: "), found
    assert said in found[0]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        changed("type: mqtt", "type: mqqt")
        .replace("high: 120", "hihg: 120")
        .replace("scan: bath}\n  bath.boot", "scan: bat}\n  bath.boot")
    )
    found = problems(text)
    assert [line.split(": ")[1] for line in found] == [
        "links.sensors.type",
        "tags.bath.plc_counter.scan",
        "tags.bath.temperature.hihg",
    ]


def test_a_missing_key_stands_at_its_parent() -> None:
    text = changed("    volume_l: 40\n", "")
    assert problems(text) == [
        f"line.yaml:{place(text, 'bath:' + chr(10) + '    kind')}: zones.bath.volume_l: missing; expected a number"
    ]


def test_a_tag_needs_a_point_or_a_law() -> None:
    found = problems(changed("{link: plc, point: 2/di0, kind: bool, scan: bath}", "{kind: bool, scan: bath}"))
    assert found[0].endswith("tags.bath.lid_closed: expected `link` and `point`, or `derived`")


def test_a_reference_to_a_wrong_entry_is_no_second_mistake() -> None:
    found = problems(changed("port: /dev/ttyUSB0", "prot: /dev/ttyUSB0"))
    assert len(found) == 1  # no tag is told that its link is unknown
    assert all("links.ec" in line for line in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: recipe\n", "line.yaml:1:1: kind: `recipe` is not known here"),
        ("name: x\n", "line.yaml:1:1: kind: missing; expected one of line"),
        ("- 1\n", "line.yaml:1:1: expected keys with values"),
        ("kind: experiment\n", "kind: `experiment` is not known here; expected one of line"),
    ],
)
def test_another_kind_of_file_is_one_mistake(text: str, said: str) -> None:
    assert said in problems(text)[0]


def test_any_kind_names_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("kind: experimnt\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean `experiment`"):
        load_any(path)


def test_the_laws_of_files_are_those_of_the_line() -> None:
    assert set(LAWS) == set(derive.LAWS)

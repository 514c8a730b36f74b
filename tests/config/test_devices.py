"""Instruments as data: the shipped files, tags that stand on them, and mistakes in whichever file they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from drivers.addresses import modbus_address
from drivers.frames.registers import value_of
from drivers.link import Point
from drivers.settings import ModbusRtuSettings, UnitSettings
from linectl.config.device_file import load_device_text
from linectl.config.dump import dump_line
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.load import load_any, load_line_text
from linectl.errors import ConfigError
from linectl.line.convert import decoder
from linectl.model.devices import DeviceDefinition
from linectl.model.lines import LineDefinition
from linectl.model.readings import GOOD, bad

SHIPPED = ("hamilton_arc_ph", "lth_mxd70", "endress_liquiline_cm44x", "pt100_rs01p", "xy_md02")
BUS = """\
kind: line
name: bench
links:
  bus: {type: modbus_rtu, port: /dev/ttyX0, baud: 19200, stop_bits: 2}
devices:
  ph: {device: hamilton_arc_ph, link: bus, unit: 5}
  caustic: {device: lth_mxd70, link: bus, unit: 6}
  air: {device: xy_md02, link: bus}
scans: {bath: 1.0, slow: 10.0}
tags:
  bath.ph: {device: ph, point: value, scan: bath}
  bath.ph_error: {device: ph, point: error, scan: bath, writable: false}
  bath.naoh: {device: caustic, point: naoh, scan: bath, low: 0.1, high: 4, description: of the caustic bath}
  bath.naoh_unit: {device: caustic, point: solution_unit, scan: slow}
  room.temperature: {device: air, point: temperature, scan: slow, gain: 0.01, bad_raw: []}
"""
OWN = """\
kind: device
name: own
sources: [its leaflet]
limits: {max_registers: 20, holes: [hr5-9]}
points:
  flow: {point: hr0, kind: f32, unit: L/min}
expect:
  - {point: flow, low: 0, high: 50}
"""


def shipped(name: str) -> DeviceDefinition:
    return load_device_text(read_source(find_file(name, folder="config/devices")))


def loaded(text: str, path: str = "line.yaml") -> LineDefinition:
    return load_line_text(SourceText(path, text, "hash"))


def problems(text: str, path: str = "line.yaml") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_device_says_where_it_was_read_and_what_is_not_known(name: str) -> None:
    path = find_file(name, folder="config/devices")
    device = load_any(path)
    assert isinstance(device, DeviceDefinition)
    assert device.name == name == path.stem
    assert device.sources
    assert device.unverified
    assert device.expectations
    assert device.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for point in device.points.values():
        modbus_address(Point(f"1/{point.point.address}", point.point.kind, order=point.point.order))


def test_the_manuals_example_of_hamilton_is_read_right_and_with_the_other_order_is_refused() -> None:
    """EPHUM011, page 21: unit 0x1000, value 4.02503, status 0, 0 to 14; low words first."""
    device = shipped("hamilton_arc_ph")
    registers = [0x1000, 0, 0xCD0C, 0x4080, 0, 0, 0, 0, 0, 0x4160]
    said = {}
    for name in ("unit", "value", "status", "error", "maximum"):
        point = device.points[name].point
        at = modbus_address(Point(f"1/{point.address}", point.kind, order=point.order))
        assert at.whole == (2089, 10)
        part = registers[at.address - 2089 : at.end - 2089]
        said[name] = value_of(at.kind, part, at.order, at.bit)
        if name == "maximum":
            assert value_of(at.kind, part, "ABCD") != 14.0  # the control: what `expect` is there to find
    assert said == {"unit": 4096, "value": pytest.approx(4.02503, abs=1e-5), "status": 0, "error": False, "maximum": 14}


def test_endress_nan_is_a_failed_sensor() -> None:
    line = loaded(
        BUS.replace("hamilton_arc_ph", "endress_liquiline_cm44x")
        .replace("point: value", "point: ai1")
        .replace("point: error", "point: ai1_status")
    )
    raw = value_of("f32", [0x7FA0, 0x0000])
    assert decoder(line.tags["bath.ph"])(raw)[1] == bad("sensor_failure")
    assert decoder(line.tags["bath.ph_error"])(3) == (3, GOOD, "")
    assert line.tags["bath.ph_error"].state(3) == "not assigned"


def test_a_tag_takes_over_what_it_does_not_state() -> None:
    line = loaded(BUS)
    ph, naoh, room = line.tags["bath.ph"], line.tags["bath.naoh"], line.tags["room.temperature"]
    assert ph.point == Point("5/hr2089:10+2", "f32", order="CDAB")
    assert (ph.link, ph.unit, ph.low, ph.high, ph.device, ph.device_point) == ("bus", "pH", 0, 14, "ph", "value")
    assert line.tags["bath.ph_error"].point == Point("5/hr2089:10+4.4", "bool")
    assert line.tags["bath.ph_error"].dtype == "bool"
    assert (naoh.low, naoh.high, naoh.unit, naoh.description) == (0.1, 4, "%", "of the caustic bath")
    assert naoh.point == Point("6/hr2256", "f32")
    assert line.tags["bath.naoh_unit"].state(1029) == "%NaOH"
    assert line.tags["bath.naoh_unit"].dtype == "int"
    assert room.point == Point("1/ir1", "i16")  # the unit of the factory
    assert (room.scaling.gain, room.scaling.bad_raw) == (0.01, ())


def test_devices_are_there_for_the_doctor_and_bring_their_limits() -> None:
    line = loaded(BUS)
    ph = line.devices["ph"]
    assert (ph.link, ph.unit) == ("bus", 5)
    assert ph.point("maximum") == Point("5/hr2089:10+8", "f32", order="CDAB")
    assert [each.constant for each in ph.definition.expectations if each.point == "unit"] == [4096]
    bus = line.links["bus"]
    assert isinstance(bus, ModbusRtuSettings)
    assert bus.units == {
        5: UnitSettings(name="ph", write_function=16),
        6: UnitSettings(name="caustic", max_written=120),
    }
    own = loaded(BUS.replace("stop_bits: 2}", "stop_bits: 2, units: {5: {nonce: true}}}")).links["bus"]
    assert isinstance(own, ModbusRtuSettings)
    assert own.units[5] == UnitSettings(nonce=True)  # what the line file says stands
    assert line.config_hash not in {"hash", ""}


def test_a_dumped_line_with_devices_is_read_back_the_same() -> None:
    line = loaded(BUS)
    text = dump_line(line)
    assert "hr2256" not in text  # it stands on its device still
    assert load_line_text(SourceText(line.source, text, "hash")) == line


def test_a_sites_own_device_lies_beside_the_line(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN, encoding="utf-8")
    text = BUS.replace("device: xy_md02", "device: own").replace("point: temperature", "point: flow")
    line = loaded(text, str(tmp_path / "line.yaml"))
    assert line.tags["room.temperature"].unit == "L/min"
    bus = line.links["bus"]
    assert isinstance(bus, ModbusRtuSettings)
    assert bus.units[1] == UnitSettings(name="air", max_registers=20, holes=(("hr", 5, 10),))
    assert load_line_text(SourceText(line.source, dump_line(line), "hash")) == line


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "point: value",
            "point: vlaue",
            "line.yaml:11:25: tags.bath.ph.point: hamilton_arc_ph has no point `vlaue`; did you mean `value`?",
        ),
        (
            "{device: ph, point: value",
            "{device: phh, point: value",
            "line.yaml:11:13: tags.bath.ph.device: `phh` is not known here; did you mean `ph`?",
        ),
        (
            "{device: ph, point: value",
            "{device: ph, link: bus, point: value",
            "tags.bath.ph.device: a tag has a `device`, or a `link`, or it is `derived`",
        ),
        (
            "device: lth_mxd70, link: bus",
            "device: lth_mxd70, link: buss",
            "devices.caustic.link: `buss` is not known here; did you mean `bus`?",
        ),
        ("unit: 6", "unit: 5", "devices.caustic: ph has unit 5 of bus already: give each its own `unit`"),
        ("unit: 6", "unit: 0", "devices.caustic.unit: expected at least 1, not 0"),
        (
            "point: error, scan: bath, writable: false",
            "point: value, kind: f64, scan: bath, writable: true, order: BADC",
            "tags.bath.ph_error.point: writes",
        ),
        ("low: 0.1, high: 4", "low: 20", "tags.bath.naoh.low: 20 is not below high, 16"),
    ],
)
def test_a_mistake_in_the_line_file_stands_there(old: str, new: str, said: str) -> None:
    text = BUS.replace(old, new)
    if "writable: true" in new:  # two writers of one place
        text = text.replace("point: value, scan: bath}", "point: value, scan: bath, writable: true}", 1)
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith("line.yaml:")
    assert said in found[0]


def test_a_device_that_is_not_found_is_one_mistake_at_its_place() -> None:
    found = problems(BUS.replace("hamilton_arc_ph", "hamilton_arc_hp"))
    assert len(found) == 1, found
    assert found[0].startswith("line.yaml:6:8: devices.ph.device: no file describes an instrument `hamilton_arc_hp`")
    assert "did you mean `hamilton_arc_ph`?" in found[0]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: f32", "kind: f3", "own.yaml:6:22: points.flow.kind: `f3` is not known here"),
        ("point: hr0", "point: hx0", "own.yaml:6:10: points.flow.point: "),
        (
            "point: hr0",
            "point: 3/hr0",
            "own.yaml:6:10: points.flow.point: the unit id is not of the kind: leave `3/` out",
        ),
        ("point: hr0", "point: hr0:3+2", "wider than its block"),
        ("point: hr0", "point: ir0, writable: true", "points.flow.writable: table ir is read-only"),
        ("point: hr0, kind: f32", "point: hr0, order: CDAB", "points.flow.order: a u16 has no order CDAB"),
        ("hr5-9", "hr9-5", "own.yaml:4:37: limits.holes[0]: expected a table and addresses"),
        ("sources: [its leaflet]", "sources: []", "own.yaml:3:1: sources: expected at least 1 entries"),
        (
            "{point: flow, low",
            "{point: flwo, low",
            "own.yaml:8:6: expect[0].point: `flwo` is not known here; did you mean `flow`?",
        ),
        ("low: 0, high: 50", "low: 60, high: 50", "expect[0].low: 60 is not below high, 50"),
        ("low: 0, high: 50", "low: 0, constant: 5", "expect[0]: expected either `constant`, or `low` and `high`"),
        ("low: 0, high: 50", "constant: pH", "expect[0].constant: the point flow is of kind f32"),
    ],
)
def test_a_mistake_in_a_device_file_stands_there(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert OWN.count(old) == 1
    (tmp_path / "own.yaml").write_text(OWN.replace(old, new), encoding="utf-8")
    text = BUS.replace("device: xy_md02", "device: own").replace("point: temperature", "point: flow")
    found = problems(text, str(tmp_path / "line.yaml"))
    assert len(found) == 1, found
    assert found[0].startswith(str(tmp_path / "own.yaml"))
    assert said in found[0]
    with pytest.raises(ConfigError, match=r"own\.yaml"):
        load_any(tmp_path / "own.yaml")


def test_mistakes_in_both_files_are_told_at_once_the_lines_own_first(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN.replace("kind: f32", "kind: f3"), encoding="utf-8")
    text = BUS.replace("device: xy_md02", "device: own").replace("baud: 19200", "bad: 19200")
    found = problems(text, str(tmp_path / "line.yaml"))
    assert ["own.yaml" in line for line in found] == [False, True], found


def test_a_device_needs_a_wire_that_reaches_it() -> None:
    text = BUS.replace("{type: modbus_rtu, port: /dev/ttyX0, baud: 19200, stop_bits: 2}", "{type: mqtt, host: broker}")
    found = problems(text)
    assert "devices.ph.link: hamilton_arc_ph is reached by modbus_rtu, modbus_tcp, and bus is of type mqtt" in found[0]
    assert all(": devices." in line for line in found), found

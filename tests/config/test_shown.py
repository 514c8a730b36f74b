"""A line written out in full: every value is the one that is used, and its source says it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.main import run
from linectl.config.dump import plain_text
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.load import load_line, load_text
from linectl.config.nodes import parse, where
from linectl.config.shown import Shown, ShownFile, show_line, show_text

LINE = """\
kind: line
name: hall
links:
  bus: {type: modbus_tcp, host: 127.0.0.1, port: 1502}
  broker: {type: mqtt, host: 127.0.0.1, tls: {ca_file: ca.pem}, username: lab}
devices:
  probe: {device: meter, link: bus}
  other: {device: meter, link: bus, unit: 9}
scans: {slow: 5}
tags:
  bath.level: {link: bus, point: "1/hr10", kind: i16, unit: "%", gain: 0.1}
  bath.temperature: {device: probe, point: temperature, scan: slow, high: 80}
  bath.state: {device: other, point: state}
  bath.valve: {link: bus, point: "1/co3", kind: bool}
"""
DEVICE = """\
kind: device
name: meter
sources: ["its manual"]
unit: 5
order: CDAB
limits: {max_registers: 10}
points:
  temperature: {point: hr0, kind: f32, unit: degC, low: 0, high: 120}
  state: {point: hr4, states: {0: stopped, 1: running}}
"""


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    (tmp_path / "meter.yaml").write_text(DEVICE)
    file = tmp_path / "hall.yaml"
    file.write_text(LINE)
    return file


def by_place(found: ShownFile) -> dict[str, Shown]:
    return {where(each.loc): each for each in found.values}


def said(shown: Shown) -> str:
    """Return the text of the file that begins where a value is said."""
    return Path(shown.file).read_text("utf-8").splitlines()[shown.line - 1][shown.column - 1 :]


def test_what_the_file_says_stands_with_its_place(hall: Path) -> None:
    found = by_place(show_line(hall))
    level = found["tags.bath.level.gain"]
    assert (level.value, level.file, said(level)) == (0.1, str(hall), "gain: 0.1}")
    assert said(found["links.bus.port"]).startswith("port: 1502")


def test_defaults_are_written_out_without_a_source(hall: Path) -> None:
    found = by_place(show_line(hall))
    for place, value in {
        "speed": 1.0,
        "links.bus.timeout_s": 0.5,
        "tags.bath.level.bad_raw": [-32768.0],  # of any i16
        "tags.bath.valve.dtype": "bool",
        "links.broker.port": 8883,  # since it has TLS
    }.items():
        assert (found[place].value, found[place].file) == (value, ""), place


def test_what_an_instrument_says_has_its_place_in_the_instruments_file(hall: Path) -> None:
    found, device = by_place(show_line(hall)), str(hall.parent / "meter.yaml")
    for place, value, text in (
        ("tags.bath.temperature.unit", "degC", "unit: degC"),
        ("tags.bath.temperature.point", "5/hr0", "point: hr0"),
        ("tags.bath.temperature.order", "CDAB", "order: CDAB"),
        ("tags.bath.temperature.low", 0, "low: 0"),
        ("tags.bath.state.states.1", "running", "1: running"),
        ("devices.probe.unit", 5, "unit: 5"),
        ("links.bus.units.9.max_registers", 10, "max_registers: 10"),
    ):
        assert (found[place].value, found[place].file) == (value, device), place
        assert said(found[place]).startswith(text)
    for place, value, text in (
        ("tags.bath.temperature.high", 80, "high: 80"),
        ("tags.bath.temperature.link", "bus", "link: bus"),
        ("devices.other.unit", 9, "unit: 9"),
        ("links.bus.units.9.name", "other", "other:"),
    ):
        assert (found[place].value, found[place].file) == (value, str(hall)), place
        assert said(found[place]).startswith(text)


@pytest.mark.parametrize("name", ["simulated", "simulated_washer", "lab_rig"])
def test_a_shipped_line_is_shown_as_it_is_used(name: str) -> None:
    file = find_file(name)
    found, used = show_line(file), load_line(file)
    assert found.data["tags"].keys() == used.tags.keys()
    for name_of_tag, tag in used.tags.items():
        shown = found.data["tags"][name_of_tag]
        assert (shown["unit"], shown["low"], shown["high"]) == (tag.unit, tag.low, tag.high)
        assert (shown["dtype"], shown["writable"], shown["scan"]) == (tag.dtype, tag.writable, tag.scan)
        if tag.point is not None:
            assert (shown["point"], shown["kind"], shown["order"]) == (
                tag.point.address,
                tag.point.kind,
                tag.point.order,
            )
            assert (shown["gain"], shown["offset"]) == (tag.scaling.gain, tag.scaling.offset)
            assert tuple(shown["bad_raw"]) == tag.scaling.bad_raw
    for each in found.values:
        if each.file:
            assert said(each).lstrip("\"'").startswith(str(each.loc[-1])), where(each.loc)


def test_the_text_is_yaml_of_the_same_values(hall: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", str(hall)]) == 0
    read = parse(SourceText("shown", capfd.readouterr().out, ""))
    assert not read.problems
    assert json.loads(json.dumps(read.data)) == json.loads(json.dumps(show_line(hall).data))


def test_with_source_each_value_has_a_line(hall: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words.use("en")
    assert run(["config", "show", str(hall), "--with-source", "--lang", "en"]) == 0
    told = dict.fromkeys(capfd.readouterr().out.splitlines())
    assert f"links.bus.port\t1502\t{hall}:4:44" in told
    assert "links.bus.timeout_s\t0.5\tdefault" in told
    assert len(told) == len(show_line(hall).values) + 1


def test_as_json(hall: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", str(hall), "--with-source", "--json"]) == 0
    body = json.loads(capfd.readouterr().out)
    assert body["schema"] == "linectl.config_show/1"
    values = {where(tuple(each["path"])): each for each in body["data"]["values"]}
    assert values["links.bus.port"]["source"] == {"file": str(hall), "line": 4, "column": 44}
    assert values["speed"] == {"path": ["speed"], "value": 1.0, "source": None}
    assert body["data"]["line"]["tags"]["bath.temperature"]["unit"] == "degC"


def test_no_password_is_shown_nor_a_place_for_one(hall: Path) -> None:
    assert "password" not in show_line(hall).data["links"]["broker"]


def test_a_wrong_line_is_told_as_ever_and_another_kind_shown(hall: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hall.write_text(LINE.replace("gain: 0.1", "gian: 0.1"))
    assert run(["config", "show", str(hall)]) == 3
    assert f"{hall}:11:" in capfd.readouterr().err
    assert run(["config", "show", "glue_screening", "--json"]) == 0
    data = json.loads(capfd.readouterr().out)["data"]
    assert (data["kind"], data["experiment"]["kind"]) == ("experiment", "experiment")


def shipped() -> list[Path]:
    root = find_file("simulated").resolve().parents[1]
    found = [path for folder in ("config", "experiments") for path in sorted((root / folder).rglob("*.yaml"))]
    return [path for path in found if "kind: line" not in path.read_text("utf-8")]


@pytest.mark.parametrize("path", shipped(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_of_another_kind_is_shown_in_a_form_that_reads_back_to_the_same(path: Path) -> None:
    source = read_source(path)
    found = show_text(source)
    again = load_text(SourceText(str(path), plain_text(found.data), ""))
    own = {"sha256", "file_hash", "places", "text"}  # of the text, not of what it says
    for name in {field.name for field in dataclasses.fields(again)} - own:
        one, other = getattr(again, name), getattr(load_text(source), name)
        assert _placeless(one) == _placeless(other), name
    for each in found.values:
        keys = [str(part) for part in each.loc if isinstance(part, str)]
        if each.file:  # at its key, or at what its short form was written out of
            assert said(each).lstrip("\"'[").startswith((keys[-1], *keys[-2:-1], f"{each.value}")), where(each.loc)


def _placeless(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_placeless(each) for each in value)
    if isinstance(value, dict):
        return {key: _placeless(each) for key, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "place"):
        return {f.name: _placeless(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "place"}
    return value

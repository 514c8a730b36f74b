"""`linectl scan` against real wires: it finds what is there, names it, and writes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt import publish

from linectl.cli.scan import host_and_port, unit_ids
from linectl.config.files import SourceText
from linectl.config.load import load_line_text
from linectl.server.discovery.mqtt import form_of, numbers_in
from linectl.server.simulation.simulated import SimulatedLine
from tests.cli.rigs import Words, modbus, mosquitto, rig

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedLine]:
    with rig(tmp_path_factory.mktemp("rig")) as (made, _):
        yield made


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    with mosquitto(tmp_path) as port:
        yield port


def a_line(snippet: str, *, scans: str = "") -> None:
    """Show that the lines that a search prints make a line file."""
    load_line_text(SourceText("found.yaml", f"kind: line\nname: found\n{scans}\n{snippet}\n", ""))


def test_units_their_names_and_ranges_are_found_and_nothing_is_written(say: Say) -> None:
    unit = Words(dict.fromkeys([*range(10, 20), 40], 7))
    with modbus({3: unit, 17: Words({0: 1})}) as server:
        code, out, err = say("scan", "modbus", f"127.0.0.1:{server.port}", "--units", "1-20", "--json")
        asked = server.requests
    found = json.loads(out)["data"]
    assert code == 0
    assert [each["unit"] for each in found["units"]] == [3, 17]
    assert found["units"][0]["answers"] == "exception 2"
    assert found["units"][0]["readable"] == {"hr": [[10, 19], [40, 40]], "ir": [[10, 19], [40, 40]]}
    assert found["units"][1]["readable"]["hr"] == [[0, 0]]
    assert found["complete"] is True
    assert asked <= found["requests"] + 10  # an identification may take several
    assert unit.written == []
    assert "at most 10000 requests and 60 s" in err
    a_line(found["yaml"])


def test_a_search_ends_at_its_bounds(say: Say) -> None:
    with modbus({3: Words({0: 1})}) as server:
        code, out, _ = say("scan", "modbus", f"127.0.0.1:{server.port}", "--requests", "5", "--json")
        asked = server.requests
    assert code == 0
    assert json.loads(out)["data"]["complete"] is False
    assert asked <= 5


def test_the_rig_says_who_it_is(served: SimulatedLine, say: Say) -> None:
    settings = served.rig.settings["plc"]
    code, out, _ = say("scan", "modbus", f"127.0.0.1:{getattr(settings, 'port', 0)}", "--units", "1-10", "--last", "15")
    assert code == 0
    assert "2\tvalues\thr 0-15" in out
    assert "unit 2 is linectl SIM-BATH" in out


def test_nobody_there_ends_with_4(say: Say) -> None:
    with modbus({}) as server:
        port = server.port
        code, out, _ = say("scan", "modbus", f"127.0.0.1:{port}", "--units", "1-5")
        assert (code, "no unit answers" in out) == (4, True)
    assert say("scan", "modbus", f"127.0.0.1:{port}")[0] == 4
    assert say("scan", "serial", "--ask", "/dev/no_such_port")[0] == 4
    assert say("scan", "modbus")[0] == 2


def test_a_port_is_asked_what_hangs_on_it(served: SimulatedLine, say: Say) -> None:
    port = getattr(served.rig.settings["ec"], "port", "")
    code, out, _ = say("scan", "serial", "--ask", port, "--json")
    found = json.loads(out)["data"]
    assert code == 0
    assert [(each["kind"], each["device"], each["baud"]) for each in found["found"]] == [("ezo", "EC", 9600)]
    a_line(found["yaml"])


def test_ports_are_listed_as_data(say: Say) -> None:
    code, out, _ = say("scan", "serial", "--json")
    assert code == 0
    assert isinstance(json.loads(out)["data"]["ports"], list)


@pytest.mark.broker
def test_topics_that_speak_are_named_with_their_form(broker: int, say: Say) -> None:
    port = broker
    publish.single("sensors/old", "7.5", hostname="127.0.0.1", port=port, retain=True)
    messages = [{"topic": "sensors/flow", "payload": text} for text in ("12.5", "12.6")]
    later = [threading.Timer(after_s, publish.multiple, [messages], {"port": port}) for after_s in (0.6, 1.1, 1.6)]
    for timer in later:
        timer.start()
    code, out, _ = say("scan", "mqtt", f"127.0.0.1:{port}", "--seconds", "2.5", "--json")
    for timer in later:
        timer.join()
    found = json.loads(out)["data"]
    topics = {each["topic"]: each for each in found["topics"]}
    assert code == 0
    assert (topics["sensors/flow"]["form"], topics["sensors/flow"]["retained"]) == ("number", 0)
    assert topics["sensors/flow"]["messages"] == 6
    assert (topics["sensors/old"]["messages"], topics["sensors/old"]["retained"]) == (1, 1)
    a_line(found["yaml"])


@pytest.mark.parametrize(
    ("topic", "payload", "form", "base", "path"),
    [
        (
            "tele/hall/SENSOR",
            b'{"DS18B20":{"Temperature":71.2},"TempUnit":"C"}',
            "tasmota",
            "tele/hall",
            "SENSOR.DS18B20.Temperature",
        ),
        (
            "shelly-1/events/rpc",
            b'{"src":"shelly-1","method":"NotifyStatus","params":{"ts":1.0,"temperature:0":{"id":0,"tC":19.8}}}',
            "shelly",
            "shelly-1",
            "temperature:0.tC",
        ),
        (
            "zigbee2mqtt/cellar",
            b'{"temperature":21.3,"linkquality":90}',
            "zigbee2mqtt",
            "zigbee2mqtt/cellar",
            "temperature",
        ),
        ("plant/flow", b"12.5", "number", "plant/flow", ""),
        ("room/climate", b'{"temperature":21.5,"name":"x"}', "json", "room/climate", "temperature"),
    ],
)
def test_forms_are_recognised(topic: str, payload: bytes, form: str, base: str, path: str) -> None:
    source = form_of(topic, payload)
    assert source is not None
    assert (source.form, source.topic) == (form, base)
    assert (path, "float") in numbers_in(source, topic, payload)


def test_switches_are_told_from_numbers() -> None:
    source = form_of("lid", payload := b'{"closed":true,"angle":3,"name":"x","more":[1]}')
    assert source is not None
    assert numbers_in(source, "lid", payload) == [("closed", "bool"), ("angle", "float")]


def test_what_is_no_sensor_has_no_form() -> None:
    for payload in (b"", b"hello", b"\xff\xfe", b"nan", b"1e999", b"[" * 40 + b"]" * 40):
        assert form_of("a/b", payload) is None


@pytest.mark.parametrize(
    ("text", "found"), [("h", ("h", 502)), ("h:1", ("h", 1)), ("[::1]:7", ("::1", 7)), ("::1", ("::1", 502))]
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert host_and_port(text, 502) == found


@pytest.mark.parametrize("argv", [["--units", "5-1"], ["--units", "300"], ["--units", "x"], ["--tables", "xx"]])
def test_wrong_options_are_told_by_name(say: Say, argv: list[str]) -> None:
    code, _, err = say("scan", "modbus", "127.0.0.1:1", *argv)
    assert code == 2
    assert argv[0] in err


def test_unit_ids() -> None:
    assert unit_ids("1-3,17, 2") == [1, 2, 3, 17]

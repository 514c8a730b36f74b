"""`linectl doctor` names what is wrong with tag and address, and finds nothing wrong with a sound line."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from linectl import words
from linectl.cli.main import run
from linectl.server.simulation.simulated import SimulatedLine
from linectl.store.file import FileLock
from tests.cli.rigs import Words, float_words, modbus, mosquitto, rig

Say = Callable[..., tuple[int, str, str]]
Doctor = Callable[..., tuple[int, list[dict[str, Any]]]]

MACHINE = {"clock", "store", "packages"}  # what is wrong with the computer that runs the tests is no matter here

LINE = """\
kind: line
name: small
links: {{plc: {{type: modbus_tcp, host: 127.0.0.1, port: {port}}}}}
scans: {{fast: 1.0}}
tags:
  bath.temperature: {{link: plc, point: {unit}/ir0, kind: f32, order: {order}, unit: °C, low: 0, high: 120, scan: fast}}
  bath.level: {{link: plc, point: {unit}/ir{level}, gain: 0.1, unit: "%", low: 0, high: 110, scan: fast}}
"""


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Say:
    """Run the command line in this process and return its exit code and what it printed."""

    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*argv, "--data", str(tmp_path / "data"), "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def doctor(say: Say, tmp_path: Path) -> Doctor:
    """Look at a small line on two registers and return the exit code and what is wrong with its wires."""

    def call(registers: dict[int, int], *, unit: int = 3, order: str = "ABCD", level: int = 2) -> Any:
        with modbus({3: Words(registers)}) as server:
            file = tmp_path / "line.yaml"
            file.write_text(LINE.format(port=server.port, unit=unit, order=order, level=level), encoding="utf-8")
            code, out, _ = say("doctor", str(file), "--json")
        found = json.loads(out)["data"]["findings"]
        return code, [each for each in found if each["room"] not in MACHINE]

    return call


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimulatedLine, Path]]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


def of(temperature: float, order: str = "ABCD", level: int = 800) -> dict[int, int]:
    return {**dict(enumerate(float_words(temperature, order))), 2: level}


@pytest.mark.parametrize("order", ["ABCD", "CDAB"])
def test_a_sound_line_has_nothing_wrong(doctor: Doctor, order: str) -> None:
    assert doctor(of(71.3, order), order=order) == (0, [])


@pytest.mark.fault("F09")
@pytest.mark.parametrize("order", ["CDAB", "BADC", "DCBA"])
def test_a_wrong_word_order_is_named_with_the_right_one(doctor: Doctor, order: str) -> None:
    code, (finding,) = doctor(of(71.3, order))
    assert code == 5
    assert (finding["level"], finding["code"]) == ("error", "wrong_order")
    assert (finding["tag"], finding["address"], finding["file"]) == ("bath.temperature", "plc 3/ir0", "line.yaml:6")
    assert finding["do"] == f"write `order: {order}`"
    assert "71.3 °C" in finding["what"]


@pytest.mark.fault("F04")
def test_a_wrong_register_is_named_with_tag_and_address(doctor: Doctor) -> None:
    code, (finding,) = doctor(of(71.3), level=50)
    assert code == 5
    assert (finding["code"], finding["tag"]) == ("wrong_register", "bath.level")
    assert (finding["address"], finding["file"]) == ("plc 3/ir50", "line.yaml:7")
    assert "exception 2" in finding["what"]


def test_a_wrong_unit_id_is_told_with_those_that_answer(doctor: Doctor) -> None:
    code, (finding,) = doctor(of(71.3), unit=5)
    assert code == 4
    assert (finding["code"], finding["address"]) == ("unit_silent", "plc 5/ir0")
    assert "these units answer there: 3" in finding["do"]


def test_a_value_out_of_range_is_a_warning(doctor: Doctor) -> None:
    code, (finding,) = doctor(of(71.3, level=1500))
    assert (code, finding["level"], finding["code"]) == (0, "warning", "implausible")


def test_a_line_that_is_off_is_told_by_its_address(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(LINE.format(port=1, unit=1, order="ABCD", level=2), encoding="utf-8")
    code, out, _ = say("doctor", str(file), "--json")
    wrong = [each for each in json.loads(out)["data"]["findings"] if each["room"] not in MACHINE]
    assert code == 4
    assert [(each["code"], each["address"], each["file"]) for each in wrong] == [
        ("link_unopened", "127.0.0.1:1", "line.yaml:3")
    ]


def test_a_wrong_file_is_told_with_its_mistakes(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(LINE.format(port=1, unit=1, order="ABCX", level=2), encoding="utf-8")
    code, out, _ = say("doctor", str(file), "--json")
    wrong = [each for each in json.loads(out)["data"]["findings"] if each["room"] == "config"]
    assert code == 3
    assert wrong[0]["file"].startswith(f"{file}:6:")


def test_the_simulated_line_is_sound_and_nothing_is_taken_from_its_plc(
    served: tuple[SimulatedLine, Path], say: Say
) -> None:
    simulated, file = served
    code, out, _ = say("doctor", str(file), "--wait", "1", "--json")
    data = json.loads(out)["data"]
    wrong = [each for each in data["findings"] if each["room"] not in MACHINE and each["level"] != "note"]
    assert (code, wrong) == (0, [])
    assert {"links", "units", "tags", "topics", "plc", "ports"} <= set(data["rooms"])
    assert (simulated.rig.plc.owner, simulated.rig.plc.heartbeat) == (0, 0)
    simulated.rig.plc.beat(1)
    simulated.rig.plc.claim(77)
    code, out, _ = say("doctor", str(file), "--wait", "0", "--json")
    simulated.rig.plc.claim(0)
    owners = [each for each in json.loads(out)["data"]["findings"] if each["code"] == "plc_owner"]
    assert (code, owners[0]["tag"], "token 77" in owners[0]["what"]) == (0, "bath.owner", True)


def test_the_page_fits_a_terminal_of_80_columns(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    file = tmp_path / "line.yaml"
    file.write_text(LINE.format(port=1, unit=1, order="ABCD", level=2), encoding="utf-8")
    code, out, _ = say("doctor", str(file))
    assert code == 4
    assert max(map(len, out.splitlines())) <= 80
    assert "ERROR" in out
    assert "1 error" in out


TOPICS = """\
kind: line
name: topics
links: {{sensors: {{type: mqtt, host: 127.0.0.1, port: {port}}}}}
scans: {{slow: 0.5}}
tags:
  room.kept: {{link: sensors, point: "room/kept", kind: float, scan: slow}}
  room.silent: {{link: sensors, point: "room/silent", kind: float, scan: slow}}
  room.alive: {{link: sensors, point: "room/alive", kind: float, scan: slow}}
"""


@pytest.mark.broker
def test_topics_that_are_only_remembered_or_silent_are_told(say: Say, tmp_path: Path) -> None:
    with mosquitto(tmp_path) as port:
        file = tmp_path / "line.yaml"
        file.write_text(TOPICS.format(port=port), encoding="utf-8")
        publish.single("room/kept", "7.5", port=port, retain=True)
        later = [threading.Timer(k / 4, publish.single, ["room/alive", "21.5"], {"port": port}) for k in range(1, 16)]
        for timer in later:
            timer.start()
        code, out, _ = say("doctor", str(file), "--wait", "2", "--json")
        for timer in later:
            timer.join()
    wrong = [each for each in json.loads(out)["data"]["findings"] if each["room"] not in MACHINE]
    assert code == 0
    assert [(each["code"], each["tag"]) for each in wrong] == [
        ("retained_only", "room.kept"),
        ("silent_topic", "room.silent"),
    ]


def test_a_line_that_another_process_has_is_said_so(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(LINE.format(port=1, unit=1, order="ABCD", level=2), encoding="utf-8")
    (tmp_path / "data").mkdir()
    lock = FileLock(tmp_path / "data" / "small.db")
    lock.take()
    try:
        code, out, _ = say("doctor", str(file), "--json")
    finally:
        lock.release()
    wrong = [each for each in json.loads(out)["data"]["findings"] if each["room"] not in MACHINE]
    assert (code, [each["code"] for each in wrong]) == (6, ["held"])
    assert "has had this line since" in wrong[0]["what"]


LOCKED = """\
kind: line
name: locked
links:
  plc: {{type: modbus_tcp, host: 127.0.0.1, port: {port}}}
  room: {{type: mqtt, host: 127.0.0.1, port: 1, username: linectl, password_file: broker.secret}}
scans: {{fast: 1.0}}
tags:
  bath.level: {{link: plc, point: 3/ir99, gain: 0.1, unit: "%", low: 0, high: 110, scan: fast}}
  room.temperature: {{link: room, point: "a#t", kind: float, scan: fast}}
"""


def test_a_password_that_cannot_be_used_hides_nothing_else(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    with modbus({3: Words({0: 1})}) as server:
        file.write_text(LOCKED.format(port=server.port), encoding="utf-8")
        code, out, _ = say("doctor", str(file), "--wait", "0", "--json")
    wrong = [each for each in json.loads(out)["data"]["findings"] if each["room"] not in MACHINE]
    assert (code, [each["code"] for each in wrong]) == (3, ["secret_unusable", "wrong_register"])
    assert "broker.secret cannot be read" in wrong[0]["what"]


def test_the_computer_alone(say: Say, tmp_path: Path) -> None:
    code, out, _ = say("doctor", "--json")
    data = json.loads(out)["data"]
    assert (code, data["healthy"]) == (0, True)
    assert set(data["rooms"]) == MACHINE
    text = say("doctor")[1]
    assert "/data" in text or str(tmp_path)[:30] in text  # a line of 80 columns may end before
    assert "imports.db" not in text  # it is no line's store
    assert say("doctor", "--sim")[0] == 2

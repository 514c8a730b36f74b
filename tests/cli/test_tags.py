"""`linectl tags` on the simulated rig over real wires, and on a few registers of our own."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.link import Outcome
from linectl import words
from linectl.cli import tags_write
from linectl.cli.main import run
from linectl.line.line import WriteReport
from linectl.server.simulation.simulated import SimulatedLine
from tests.cli.rigs import Words, float_words, modbus, rig

Say = Callable[..., tuple[int, str, str]]

LINE = """\
kind: line
name: small
links: {{plc: {{type: modbus_tcp, host: 127.0.0.1, port: {port}}}}}
scans: {{fast: 1.0}}
tags:
  bath.flow: {{link: plc, point: 1/hr0, kind: f32, unit: l/min, low: 0, high: 100, writable: true, scan: fast}}
  bath.gone: {{link: plc, point: 1/ir90, scan: fast}}
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimulatedLine, Path]]:
    with rig(tmp_path_factory.mktemp("rig")) as made:
        yield made


def data_of(out: str) -> dict[str, object]:
    body = json.loads(out)
    assert body["ok"] is True
    found: dict[str, object] = body["data"]
    return found


def test_ls_needs_no_device(say: Say) -> None:
    code, out, _ = say("tags", "ls", "simulated", "bath.*temperature", "--json")
    tags = {tag["tag"]: tag for tag in json.loads(out)["data"]["tags"]}
    assert code == 0
    assert set(tags) == {"bath.temperature", "bath.controller_temperature"}
    plc = tags["bath.controller_temperature"]
    assert (plc["address"], plc["kind"], plc["gain"], plc["order"]) == ("2/ir10", "i16", 0.1, "ABCD")
    assert (plc["writable"], plc["scan"], plc["period_s"]) == (False, "bath", 1.0)


def test_a_tag_that_is_not_there_is_told_with_the_nearest(say: Say) -> None:
    for verb in (["tags", "ls"], ["tags", "read"], ["tags", "trace"], ["tags", "watch"]):
        code, _, err = say(*verb, "simulated", "bath.temprature")
        assert code == 3
        assert "did you mean `bath.temperature`?" in err


def test_reading_takes_nothing_from_the_plc(served: tuple[SimulatedLine, Path], say: Say) -> None:
    simulated, file = served
    before = simulated.rig.plc.heartbeat, simulated.rig.plc.owner
    names = ("bath.plc_counter", "bath.controller_temperature", "bath.temperature", "bath.setpoint", "bath.command")
    code, out, err = say("tags", "read", str(file), *names, "--json")
    readings = {each["tag"]: each for each in json.loads(out)["data"]["readings"]}
    assert (code, err) == (0, "")
    assert readings["bath.controller_temperature"]["value"] == pytest.approx(20, abs=1)
    assert readings["bath.controller_temperature"]["raw"] == pytest.approx(200, abs=10)
    assert readings["bath.controller_temperature"]["quality"] == "GOOD"
    assert readings["bath.temperature"]["unit"] == "°C"
    assert readings["bath.command"]["value"] == [0, 0, 0]
    assert (simulated.rig.plc.heartbeat, simulated.rig.plc.owner) == before == (0, 0)


def test_the_rig_of_sim_answers_without_equipment(say: Say) -> None:
    code, out, _ = say("tags", "read", "lab_rig", "bath.lid_closed", "--sim")
    assert code == 0
    assert re.search(r"bath.lid_closed\tyes\t-\tgood", out)


def test_a_line_that_does_not_answer_ends_with_4(tmp_path: Path, say: Say) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(LINE.format(port=1), encoding="utf-8")
    code, _, err = say("tags", "read", str(file), "bath.flow")
    assert code == 4
    assert "plc (127.0.0.1:1)" in err


def test_trace_shows_frames_registers_scaling_and_the_other_orders(tmp_path: Path, say: Say) -> None:
    with modbus({1: Words(dict(enumerate(float_words(42.5, "CDAB"))))}) as server:
        file = tmp_path / "line.yaml"
        file.write_text(LINE.format(port=server.port), encoding="utf-8")
        code, out, _ = say("tags", "trace", str(file), "bath.flow", "--json")
        found = json.loads(out)["data"]
        text = say("tags", "trace", str(file), "bath.flow")[1]
        gone, _, _ = say("tags", "trace", str(file), "bath.gone")
    assert code == 0  # 5.9e-41: inside the range, and nonsense all the same
    assert found["registers"] == [0, 0x422A]
    assert {frame["direction"] for frame in found["frames"]} == {"sent", "received"}
    assert found["frames"][0]["data"].endswith("01 03 00 00 00 02")
    assert {guess["order"]: guess["plausible"] for guess in found["orders"]}["CDAB"] is True
    assert found["likely_order"] == "CDAB"
    assert "order: CDAB" in text
    assert "0000 422a" in text
    assert gone == 5


class TestWriting:
    def test_nothing_is_written_unarmed_unasked_or_to_what_is_read_only(self, tmp_path: Path, say: Say) -> None:
        unit = Words({0: 0, 1: 0})
        with modbus({1: unit}) as server:
            file = tmp_path / "line.yaml"
            file.write_text(LINE.format(port=server.port), encoding="utf-8")
            assert say("tags", "write", str(file), "bath.flow", "5")[0] == 6
            assert say("tags", "write", str(file), "bath.flow", "5", "--arm")[0] == 7  # nobody to ask
            code, _, err = say("tags", "write", str(file), "bath.gone", "5", "--arm", "--yes")
            assert (code, "read-only" in err) == (6, True)
            code, _, err = say("tags", "write", str(file), "bath.flow", "500", "--arm", "--yes")
            assert (code, "refused by its range" in err) == (6, True)
            assert say("tags", "write", str(file), "bath.flow", "lots", "--arm", "--yes")[0] == 3
            assert say("tags", "write", str(file), "bath.flow", "-5", "--arm", "--yes")[0] == 6
            assert unit.written == []
            code, out, _ = say("tags", "write", str(file), "bath.flow", "42,5", "--arm", "--yes")
            assert (code, out) == (0, "bath.flow: confirmed, 42.5 l/min\n")
            assert unit.written == [("hr", 0, list(float_words(42.5)))]

    def test_what_the_device_keeps_is_told(self, served: tuple[SimulatedLine, Path], say: Say) -> None:
        simulated, file = served
        code, out, _ = say("tags", "write", str(file), "bath.stirrer", "50", "--arm", "--yes", "--json")
        assert (code, data_of(out)["outcome"]) == (0, "confirmed")
        assert simulated.rig.plc.setpoints.stirrer_pct == 50
        assert simulated.rig.plc.owner == 0  # given back
        code, out, err = say("tags", "write", str(file), "bath.setpoint", "95", "--arm", "--yes", "--json")
        body = json.loads(out)
        assert (code, body["data"]["outcome"], body["data"]["refused_by"]) == (6, "refused", "limit")
        assert body["error"]["code"] == "E-WRT-LIMIT"
        code, _, err = say("tags", "write", str(file), "bath.heartbeat", "1", "--arm", "--yes")
        assert (code, "linectl alone writes it" in err) == (6, True)

    def test_a_clamp_is_asked_and_got(self, tmp_path: Path, say: Say) -> None:
        class Clamps(Words):
            def write(self, table: str, address: int, values: list[int]) -> None:
                super().write(table, address, list(float_words(10.0))[: len(values)])

        with modbus({1: Clamps({0: 0, 1: 0})}) as server:
            file = tmp_path / "line.yaml"
            file.write_text(LINE.format(port=server.port), encoding="utf-8")
            code, out, err = say("tags", "write", str(file), "bath.flow", "42.5", "--arm", "--yes", "--json")
        body = json.loads(out)
        assert (code, body["data"]["outcome"], body["data"]["asked"], body["data"]["got"]) == (5, "clamped", 42.5, 10)
        assert "kept 10 l/min where 42.5 l/min was asked" in err

    @pytest.mark.parametrize(
        ("outcome", "by", "exit_code", "said", "hint"),
        [
            (Outcome.REFUSED, "link", 4, "nothing was sent", "linectl doctor {file}"),
            (Outcome.REFUSED, "device", 6, "refused by the device", ""),
            (Outcome.UNKNOWN, "", 5, "nobody knows whether it was written", "linectl tags read {file} bath.flow"),
        ],
    )
    def test_how_it_ended_is_told_with_what_to_type(
        self,
        outcome: Outcome,
        by: str,
        exit_code: int,
        said: str,
        hint: str,
        tmp_path: Path,
        say: Say,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        async def written(_at: object, tag: str, value: float, *, who: str, why: str) -> WriteReport:
            assert who
            return WriteReport(tag, outcome, value, None, by, "unit 1: it did not answer 3 times in a row")

        monkeypatch.setattr(tags_write, "write_tag", written)
        file = tmp_path / "line.yaml"
        file.write_text(LINE.format(port=1), encoding="utf-8")
        code, _, err = say("tags", "write", str(file), "bath.flow", "5", "--arm", "--yes")
        assert code == exit_code
        if words.language() == "en":
            assert said in err
            assert ("refused" in err) == (by == "device")
        assert "3 times in a row" in err
        assert hint.format(file=file) in err


def test_watch_prints_changes_and_ends(served: tuple[SimulatedLine, Path], say: Say) -> None:
    _, file = served
    names = ("bath.plc_counter", "bath.schema_version")
    code, out, _ = say("tags", "watch", str(file), *names, "--period", "0.5", "--for", "3", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {line["schema"] for line in lines} == {"linectl.reading/1"}
    counters = [line["data"]["value"] for line in lines if line["data"]["tag"] == "bath.plc_counter"]
    assert len(counters) >= 2
    assert counters == sorted(set(counters))
    assert sum(line["data"]["tag"] == "bath.schema_version" for line in lines) == 1  # it does not change


def test_ctrl_c_ends_a_watch_in_peace(served: tuple[SimulatedLine, Path], say: Say) -> None:
    timer = threading.Timer(2.0, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    code, out, err = say("tags", "watch", str(served[1]), "bath.state")
    timer.join()
    assert (code, err) == (0, "")
    assert re.fullmatch(r"20\S+\tbath.state\t2\t-\tgood\n", out)


def test_a_line_that_another_process_has_is_left_alone(
    served: tuple[SimulatedLine, Path], say: Say, tmp_path: Path
) -> None:
    from linectl.store.file import FileLock

    (tmp_path / "data").mkdir()
    lock = FileLock(tmp_path / "data" / "simulated.db")
    lock.take()
    try:
        for argv in (["read", str(served[1]), "bath.state"], ["trace", str(served[1]), "bath.state"]):
            code, _, err = say("tags", *argv)
            assert code == 6
            assert "has had this line since" in err
    finally:
        lock.release()
    assert say("tags", "read", str(served[1]), "bath.state")[0] == 0

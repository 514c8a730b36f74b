"""`linectl set`, `undo`, `arm`, `disarm` against a served line, and `tags write` beside its server."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linectl import words
from linectl.cli import questions, run_verbs
from linectl.cli.main import run
from linectl.server.line_server import LineServer
from tests.server.lines import up

Say = Callable[..., tuple[int, str, str]]


class Served:
    """A simulated bath served by another thread of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: LineServer | None = None
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._up.wait(30)

    def _run(self) -> None:
        async def main() -> None:
            async with up(self.folder) as (server, _):
                self.server = server
                self._up.set()
                await self._end.wait()

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(main())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    yield one
    one.stop()


@pytest.fixture
def say(served: Served, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Say]:
    """Say a command line as ana, beside the served line; nobody stays armed."""
    monkeypatch.setenv("LINECTL_OPERATOR", "ana")

    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*argv, "--data", str(served.folder), "--lang", words.language()])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    yield call
    monkeypatch.setenv("LINECTL_OPERATOR", "ana")
    call("disarm")


def test_nothing_is_written_unarmed(say: Say) -> None:
    code, out, err = say("set", "bath.stirrer", "40")
    assert (code, out) == (6, "")
    assert "bath.stirrer: refused by arming: writing is not armed: linectl arm, or --arm with this command" in err
    assert "linectl explain E-ARM-001" in err


def test_armed_set_read_back_and_undone(say: Say) -> None:
    code, out, _ = say("arm")
    assert code == 0
    assert out.startswith("ana may write until ")
    assert "armed to write: ana (cli) until" in say("status")[1]
    assert say("set", "bath.setpoint", "62,5")[:2] == (0, "bath.setpoint: confirmed, 62.5 °C\n")
    assert say("set", "bath.setpoint", "62.0")[:2] == (0, "bath.setpoint: confirmed, 62 °C\n")
    assert say("undo", "--reason", "too hot")[:2] == (
        0,
        "bath.setpoint: taken back from 62 °C to 62.5 °C, confirmed\n",
    )
    code, _, err = say("undo")
    assert code == 6
    assert "nothing to undo" in err
    assert "E-WRT-UNDO" in err
    assert say("disarm")[:2] == (0, "nobody is armed\n")
    assert say("set", "bath.setpoint", "60")[0] == 6


def test_one_write_arms_for_itself(say: Say) -> None:
    assert say("set", "bath.stirrer", "30", "--arm")[0] == 0
    assert say("set", "bath.stirrer", "31")[0] == 6


@pytest.mark.parametrize("value", ["1.500,0", "warm", "6 2", ""])
def test_what_is_no_number_is_no_value(say: Say, value: str) -> None:
    code, _, err = say("set", "bath.setpoint", value, "--arm")
    assert code == 3
    assert "bath.setpoint cannot take" in err


def test_a_negative_value_is_no_option(say: Say) -> None:
    code, _, err = say("set", "bath.setpoint", "-5", "--arm")
    assert code == 6
    assert "-5.0 is outside the range of bath.setpoint" in err


def test_a_hard_limit_is_not_overridden_a_soft_one_asks(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = say("set", "bath.setpoint", "90", "--arm", "--yes")
    assert code == 6
    assert "refused by the limit of its zone: 90.0 °C is beyond the limit of bath.setpoint, 88.0 °C" in err
    code, _, err = say("set", "bath.setpoint", "86", "--arm")
    assert code == 6
    assert "refused by its warning limit" in err
    assert "say it again with --yes" in err
    asked: list[str] = []
    monkeypatch.setattr(questions, "somebody_there", lambda: True)
    monkeypatch.setattr(run_verbs, "sure", asked.append)
    code, out, err = say("set", "bath.setpoint", "86", "--arm")
    assert (code, out) == (0, "bath.setpoint: confirmed, 86 °C\n")
    assert asked == ["86.0 °C is above the warning limit of bath.setpoint, 85.0 °C. Write it all the same? [y/N] "]
    assert say("set", "bath.setpoint", "60", "--arm", "--yes")[0] == 0


def test_a_dry_run_writes_nothing(say: Say) -> None:
    assert say("set", "bath.stirrer", "10", "--arm")[0] == 0
    code, out, _ = say("set", "bath.stirrer", "20", "--dry-run", "--arm")
    assert (code, out) == (0, "bath.stirrer: nothing stands against 20 % (now 10 %); nothing was written\n")
    code, out, _ = say("set", "bath.stirrer", "20", "--dry-run", "--arm", "--json")
    body = json.loads(out)
    assert (body["schema"], body["data"]["outcome"], body["data"]["before"]) == ("linectl.set/1", "possible", 10.0)


def test_for_a_time_and_as_a_ramp(say: Say) -> None:
    assert say("set", "bath.stirrer", "10", "--arm")[0] == 0
    code, out, _ = say("set", "bath.stirrer", "20", "--for", "10m", "--arm")
    assert (code, out) == (0, "bath.stirrer: confirmed, 20 %; back to 10 % in 10 min\n")
    assert say("set", "bath.setpoint", "60", "--arm")[0] == 0
    code, out, _ = say("set", "bath.setpoint", "62", "--ramp", "0,5/min", "--arm")
    assert (code, out) == (0, "bath.setpoint: on its way from 60 °C to 62 °C, there in 4 min\n")
    assert say("set", "bath.setpoint", "60", "--arm")[0] == 0  # ends the ramp
    assert say("set", "bath.stirrer", "10", "--arm")[0] == 0
    for words_ in (("--for", "soon"), ("--ramp", "fast"), ("--ramp", "-1/min")):
        assert say("set", "bath.stirrer", "10", *words_, "--arm")[0] == 2


def test_a_second_one_is_told_the_ways_out_and_may_take_over(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    assert say("arm")[0] == 0
    monkeypatch.setenv("LINECTL_OPERATOR", "bo")
    code, _, err = say("arm")
    assert code == 6
    assert "ana (cli) is armed to write" in err
    assert "linectl arm --take-over --reason TEXT" in err
    assert say("arm", "--take-over")[0] == 6
    code, out, _ = say("arm", "--take-over", "--reason", "shift change", "--json")
    assert (code, json.loads(out)["data"]["who"]) == (0, "bo")
    assert say("disarm")[0] == 0


def test_tags_write_goes_through_the_server_that_holds_the_line(say: Say, served: Served) -> None:
    code, out, err = say("tags", "write", "simulated", "bath.stirrer", "44", "--arm", "--yes", "--reason", "try")
    assert (code, out, err) == (0, "bath.stirrer: confirmed, 44 %\n", "")
    assert served.server is not None
    told = [event for _number, event in served.server.diary if event.kind == "write"][-1]
    assert (told.data["tag"], told.data["who"], told.data["why"]) == ("bath.stirrer", "ana", "try")
    code, out, _ = say("tags", "write", "simulated", "bath.setpoint", "99", "--arm", "--yes", "--json")
    body = json.loads(out)
    assert (code, body["ok"], body["data"]["refused_by"]) == (6, False, "limit")
    assert body["error"]["code"] == "E-WRT-LIMIT"
    assert body["data"].keys() == {"tag", "outcome", "asked", "got", "unit", "refused_by", "detail"}


def test_without_a_server_it_says_how_to_have_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["set", "bath.stirrer", "40", "--data", str(tmp_path), "--lang", "en"]) == 4
    assert "linectl serve" in capfd.readouterr().err

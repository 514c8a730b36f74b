"""A run that is left to the line's server: now (`--detach`) or for later (`--at`); and what `status` tells of it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.status_needs import needs
from tests.cli.terminals import Typist
from tests.cli.test_serve import SHORT, linectl, say, serving, state


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("later")
    (folder / "short.yaml").write_text(SHORT, encoding="utf-8")
    with serving(folder):
        yield folder


def data_of(told: tuple[int, str, str], code: int = 0) -> Any:
    assert told[0] == code, told
    return json.loads(told[1])["data"]


def test_a_run_for_later_is_told_and_taken_back(folder: Path) -> None:
    file = str(folder / "short.yaml")
    code, out, err = say(folder, "run", file, "--at", "23h59")
    assert code == 0, err
    assert "short starts at" in out
    assert "must be handed in again" in out
    due = state(folder)["scheduled"]
    assert (due["state"], due["experiment"], due["who"]) == ("waiting", "short", "Zoé")
    assert "run to come: short starts at" in say(folder, "status")[1]
    assert state(folder)["run"] is None
    code, _, err = say(folder, "run", file, "--at", "23:58")
    assert (code, "E-RUN-010" in err, "(handed in by Zoé)" in err) == (6, True, True)
    taken = data_of(say(folder, "cancel", "--json"))  # nothing is lost: nobody is asked
    assert taken["taken_back"]["experiment"] == "short"
    assert state(folder)["scheduled"] is None
    code, _, err = say(folder, "cancel", "--scheduled")
    assert (code, "no run is to start" in err) == (6, True)
    told = data_of(say(folder, "run", file, "--at", "23:59", "--json"))
    assert (told["run"], told["scheduled"]["experiment"]) == (None, "short")
    assert say(folder, "cancel", "--scheduled")[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--at", "25:00"), 2, "no time"),
        (("--at", "2020-01-01 06:30"), 6, "E-RUN-009"),
        (("--detach", "--sim"), 2, "--sim cannot go with it"),
        (("--detach", "--sheet"), 2, "--sheet cannot go with it"),
    ],
)
def test_what_is_asked_wrongly_is_refused(folder: Path, words: tuple[str, ...], code: int, why: str) -> None:
    ended, _, err = say(folder, "run", str(folder / "short.yaml"), *words)
    assert (ended, why in err) == (code, True), err


def test_a_script_takes_neither(folder: Path) -> None:
    for words in (("--at", "06:30"), ("--detach",)):
        code, _, err = say(folder, "run", "soak_sweep.py", *words)
        assert (code, words[0] in err) == (2, True)


def test_a_detached_run_is_named_and_goes_on(folder: Path) -> None:
    told = data_of(say(folder, "run", str(folder / "short.yaml"), "--detach", "--json"))
    assert told["run"]
    assert told["line"] == "simulated"
    assert state(folder)["run"]["id"] == told["run"]
    assert say(folder, "run", str(folder / "short.yaml"), "--detach")[0] == 6
    assert say(folder, "cancel", "--yes")[0] == 0
    deadline = time.monotonic() + 60.0
    while state(folder)["run"] is not None:
        assert time.monotonic() < deadline


def test_nobody_is_there_to_leave_a_run_to(tmp_path: Path) -> None:
    code, _, err = say(tmp_path, "run", "glue_screening", "--detach")
    assert (code, "linectl serve" in err, "E-SRV-001" in err) == (4, True, True)


def test_without_a_server_the_terminal_waits_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT, encoding="utf-8")
    with Typist(tmp_path, "run", "short.yaml", "--sim", "--at", "23:59", "--data", str(tmp_path)) as typist:
        typist.until("this terminal waits until")
        typist.until("Ctrl+C ends it")
        typist.interrupt()
        assert typist.wait() == 130
    assert not list(tmp_path.glob("*.db")), "nothing was held meanwhile"


def test_status_check_says_whether_somebody_is_needed(folder: Path, tmp_path: Path) -> None:
    code, out, err = say(folder, "status", "--check", "--json")
    found = json.loads(out)["data"]
    assert code == (10 if found["needs"] else 0), err
    assert found["needs"] == needs(found)
    assert say(tmp_path, "status", "--check")[0] == 4
    assert say(folder, "status", "--check", "--watch", "2")[0] == 2


def test_status_again_until_ctrl_c(folder: Path) -> None:
    process = linectl(folder, "status", "--watch", "0.5", "--json")
    assert process.stdout is not None
    two = [json.loads(process.stdout.readline())["schema"] for _ in range(2)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert (process.returncode, two) == (130, ["linectl.status/1"] * 2)
    assert say(folder, "status", "--watch", "0.1")[0] == 2


CALM: dict[str, Any] = {
    "alarms": {"list": []},
    "interlocks": {"tripped": [], "missing": [{"name": "heat", "message": "no level", "allows": ["start"]}]},
    "links": {"plc": {"state": "ok"}},
    "prompts": [],
    "scheduled": None,
}


def test_what_asks_for_somebody() -> None:
    assert needs(CALM) == []
    assert needs({"alarms": None}) == []
    alarm = {"id": "hot", "message": "too hot", "priority": 1}
    for told, wanted in (
        ({"alarms": {"list": [{**alarm, "state": "acknowledged"}]}}, ["alarm hot: too hot"]),
        ({"alarms": {"list": [{**alarm, "state": "rtn_unacknowledged"}]}}, ["alarm hot: too hot"]),
        ({"alarms": {"list": [{**alarm, "state": "shelved"}]}}, []),
        ({"alarms": {"list": [{**alarm, "state": "unacknowledged", "priority": 4}]}}, []),
        ({"interlocks": {"tripped": [{"name": "lid", "message": "open", "action": "safe"}]}}, ["interlock lid: open"]),
        ({"interlocks": {"tripped": [{"name": "lid", "message": "open", "action": "ignore"}]}}, []),
        ({"links": {"plc": {"state": "lost"}}}, ["link plc is lost"]),
        ({"prompts": [{"id": "b1", "text": "Off?"}]}, ["question b1: Off?"]),
        ({"scheduled": {"state": "waiting", "experiment": "e", "why": ""}}, []),
        ({"scheduled": {"state": "lost", "experiment": "e", "why": "x"}}, ["e was not started: x"]),
    ):
        assert needs({**CALM, **told}) == wanted

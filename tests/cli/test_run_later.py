"""A run that is left to the line's server: now (`--detach`) or for later (`--at`); and what `status` tells of it."""

from __future__ import annotations

import json
import select
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from linectl.cli import status
from linectl.cli.status_needs import needs
from linectl.config.files import find_file
from tests.cli.terminals import Typist
from tests.cli.test_serve import SHORT, linectl, say, serving, state


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("later")
    (folder / "short.yaml").write_text(SHORT, encoding="utf-8")
    with serving(folder):
        yield folder


def hours_ahead(hours: int) -> str:
    """Return a time to come that no midnight, and no night on which clocks change, is near to."""
    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%d %H:%MZ}"


def data_of(told: tuple[int, str, str], code: int = 0) -> Any:
    assert told[0] == code, told
    return json.loads(told[1])["data"]


def test_a_run_for_later_is_told_and_taken_back(folder: Path) -> None:
    file = str(folder / "short.yaml")
    code, out, err = say(folder, "run", file, "--at", hours_ahead(5))
    assert code == 0, err
    assert "short starts at" in out
    assert "must be handed in again" in out
    due = state(folder)["scheduled"]
    assert (due["state"], due["experiment"], due["who"]) == ("waiting", "short", "Zoé")
    assert "run to come: short starts at" in say(folder, "status")[1]
    assert state(folder)["run"] is None
    code, _, err = say(folder, "run", file, "--at", hours_ahead(4))
    assert (code, "E-RUN-010" in err, "(handed in by Zoé)" in err) == (6, True, True)
    taken = data_of(say(folder, "cancel", "--json"))  # nothing is lost: nobody is asked
    assert taken["taken_back"]["experiment"] == "short"
    assert state(folder)["scheduled"] is None
    code, _, err = say(folder, "cancel", "--scheduled")
    assert (code, "no run is to start" in err) == (6, True)
    told = data_of(say(folder, "run", file, "--at", hours_ahead(5), "--json"))
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
    deadline = time.monotonic() + 300.0
    while state(folder)["run"] is not None:
        assert time.monotonic() < deadline
        time.sleep(0.5)  # each look is a process of its own: the server needs the computer too


def test_nobody_is_there_to_leave_a_run_to(tmp_path: Path) -> None:
    code, _, err = say(tmp_path, "run", "glue_screening", "--detach")
    assert (code, "linectl serve" in err, "E-SRV-001" in err) == (4, True, True)


def test_without_a_server_the_terminal_waits_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT, encoding="utf-8")
    with Typist(tmp_path, "run", "short.yaml", "--sim", "--at", hours_ahead(5), "--data", str(tmp_path)) as typist:
        typist.until("this terminal waits until")
        typist.until("Ctrl+C ends it")
        typist.interrupt()
        assert typist.wait() == 130
    assert not list(tmp_path.glob("*.db")), "nothing was held meanwhile"


ALWAYS = """kind: interlocks
line: simulated
description: trips as soon as the line is served
interlocks:
  never_calm:
    when: bath.level < 110 %
    delay_s: 0
    action: hold
    message: {en: Look at the bath., fr: Regarder le bain.}
"""


def test_status_check_says_whether_somebody_is_needed(folder: Path, tmp_path: Path) -> None:
    assert data_of(say(folder, "status", "--check", "--json"))["needs"] == [], "a line at rest"
    (tmp_path / "config").mkdir()
    own = find_file(Path("simulated.yaml"), folder="config")
    shutil.copy(own.with_name("simulated_calibration.yaml"), tmp_path / "config")
    text = own.read_text(encoding="utf-8")
    assert "interlocks: interlocks/bath.yaml" in text
    text = text.replace("interlocks: interlocks/bath.yaml", "interlocks: always.yaml")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("alarms:"))
    line = tmp_path / "config" / "simulated.yaml"
    line.write_text(text, encoding="utf-8")
    line.with_name("always.yaml").write_text(ALWAYS, encoding="utf-8")
    with serving(tmp_path, line=str(line)):
        deadline = time.monotonic() + 120.0
        while not state(tmp_path)["interlocks"]["tripped"]:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        code, _, err = say(tmp_path, "status", "--check")
        assert (code, "somebody is needed: interlock never_calm: Look at the bath." in err) == (10, True), err


def test_status_check_needs_a_server_and_ends(folder: Path, tmp_path: Path) -> None:
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


def test_status_again_waits_where_select_takes_no_empty_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_windows(*_: object) -> None:
        raise OSError(10022, "an invalid argument was supplied")

    shown = []

    def once(*_: object, **_more: object) -> int:
        shown.append(1)
        if len(shown) == 2:
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(select, "select", of_windows)
    monkeypatch.setattr(status, "_once", once)
    with pytest.raises(KeyboardInterrupt):
        status._again_and_again(0.01, "", None, as_json=True)
    assert len(shown) == 2


LOST = {"rejects": 12, "bottles": 300}
CALM: dict[str, Any] = {
    "line": {"unrecorded": None},
    "alarms": {"list": []},
    "glues": [],
    "interlocks": {"tripped": [], "missing": [{"name": "heat", "message": "no level", "allows": ["start"]}]},
    "links": {"plc": {"state": "ok"}},
    "prompts": [],
    "scheduled": None,
}


def test_what_asks_for_somebody() -> None:
    here = f"{datetime(2026, 1, 1, 0, 20, tzinfo=UTC).astimezone():%Y-%m-%d %H:%M:%S}"
    assert needs(CALM) == []
    assert needs({"alarms": None}) == []
    alarm = {"id": "hot", "message": "too hot", "priority": 1}
    for told, wanted in (
        ({"alarms": {"list": [{**alarm, "state": "acknowledged"}]}}, ["alarm hot: too hot"]),
        ({"alarms": {"list": [{**alarm, "state": "rtn_unacknowledged"}]}}, ["alarm hot: too hot"]),
        ({"alarms": {"list": [{**alarm, "state": "shelved"}]}}, []),
        ({"alarms": {"list": [{**alarm, "state": "unacknowledged", "priority": 3}]}}, ["alarm hot: too hot"]),
        ({"interlocks": {"tripped": [{"name": "lid", "message": "open", "action": "safe"}]}}, ["interlock lid: open"]),
        ({"interlocks": {"tripped": [{"name": "lid", "message": "open", "action": "ignore"}]}}, []),
        (
            {"line": {"unrecorded": {"since": "2026-01-01T00:20:00Z", "why": "disk full", "hint": "make room"}}},
            [f"NOTHING IS RECORDED since {here}: disk full; make room"],
        ),
        (
            {"glues": [{"glue": "casein", "suspended": None}, {"glue": "psa", "suspended": LOST}]},
            ["SUSPENDED psa: 12 of 300 bottles came back with label, more than its GO allows"],
        ),
        ({"links": {"plc": {"state": "lost"}}}, ["link plc is lost"]),
        ({"prompts": [{"id": "b1", "text": "Off?"}]}, ["question b1: Off?"]),
        ({"scheduled": {"state": "waiting", "experiment": "e", "why": ""}}, []),
        ({"scheduled": {"state": "lost", "experiment": "e", "why": "x"}}, ["e was not started: x"]),
    ):
        assert needs({**CALM, **told}) == wanted

"""`linectl log`: the journal of line and runs in words, by level and time, and as it happens."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.main import run
from linectl.lab.report.journal_words import in_words
from linectl.lab.report.levels import Level, level_of
from linectl.lab.report.terms import event_name
from linectl.model.records import Event
from linectl.store.journal import JournalReader, Numbered
from linectl.store.store import Store
from tests.cli import stores
from tests.cli.stores import RUN, event

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def nobody_serves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))


async def happened(store: Store) -> None:
    await stores.with_run(store)
    await store.add_event(event("run_started", 1.0, RUN, who="Zoé", experiment="glue_screening"))
    await store.add_event(event("phase", 2.0, RUN, phase="soak", trial=3))
    await store.add_event(event("bath_flagged", 3.0, RUN, flags=["not_stable"]))
    await stores.finish(store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stores.made(tmp_path / "data", stores.recorded, happened)
    return tmp_path / "data"


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str], folder: Path) -> Say:
    def call(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*map(str, argv), "--data", str(folder), "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


def rows(out: str) -> list[list[str]]:
    return [line.split("\t") for line in out.splitlines()]


def test_the_journal_is_told_oldest_first_in_the_language_asked(say: Say) -> None:
    words.use("en")
    code, out, err = say("log")
    assert (code, err) == (0, "")
    assert [row[1:] for row in rows(out)] == [
        ["info", "note : probe cleaned", "Léa", "-"],
        ["warning", "deviation : lid open [2J", "-", "-"],
        ["error", "connection lost : timeout, plc", "-", "-"],
        ["info", f"run started : {RUN}, glue_screening", "Zoé", RUN],
        ["info", "phase : bath 3, soaking", "-", RUN],
        ["warning", "bath flagged : not stable", "-", RUN],
    ]
    words.use("fr")
    assert rows(say("log")[1])[0][2] == "note : probe cleaned"
    assert "liaison perdue" in say("log")[1]


def test_entries_for_machines_are_written_as_they_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    found = list(JournalReader(folder / "line.db").after(0))
    out = io.StringIO()
    written: list[int] = []

    def after(_self: JournalReader, number: int, **_asked: object) -> Iterator[Numbered]:
        for each in found:
            written.append(len(out.getvalue()))
            yield each

    monkeypatch.setattr(JournalReader, "after", after)
    monkeypatch.setattr(sys, "stdout", out)
    assert run(["log", "--since", "2020-01-01", "--json", "--data", str(folder)]) == 0
    assert len(written) == len(found) > 2
    assert all(later > before for before, later in pairwise(written))
    assert len(json.loads(out.getvalue())["data"]["entries"]) == len(found)
    assert capfd.readouterr().out == ""


def test_a_level_a_run_and_a_number_narrow_it(say: Say) -> None:
    words.use("en")
    assert [row[1] for row in rows(say("log", "--level", "warning")[1])] == ["warning", "error", "warning"]
    assert [row[1] for row in rows(say("log", "--level", "error")[1])] == ["error"]
    assert [row[4] for row in rows(say("log", "--run", "last")[1])] == [RUN] * 3
    assert [row[1] for row in rows(say("log", "-n", "1", "--level", "warning")[1])] == ["warning"]
    assert next(row[2] for row in rows(say("log", "-n", "2", "--run", RUN[:9])[1])).startswith("phase")
    code, out, err = say("log", "-n", "0")
    assert (code, out) == (0, "")
    assert "nothing of the kind" in err


def test_last_night_is_asked_by_its_times(say: Say) -> None:
    found = say("log", "--since", "2026-01-01T00:00:15Z", "--until", "2026-01-01T00:01:00Z")[1]
    assert [row[1] for row in rows(found)] == ["warning"]
    assert len(rows(say("log", "--since", "2025-12-31")[1])) == 6
    assert say("log", "--since", "2026-02-01")[1] == ""


def test_for_machines_it_is_the_same_in_all_languages(say: Say) -> None:
    words.use("fr")
    french = say("--json", "log")[1]
    words.use("en")
    code, out, _ = say("log", "--json")
    assert (code, out) == (0, french)
    body = json.loads(out)
    assert (body["schema"], body["ok"]) == ("linectl.log/1", True)
    first = body["data"]["entries"][0]
    assert list(first) == ["number", "time", "kind", "level", "who", "run", "data"]
    assert (first["kind"], first["level"], first["who"], first["run"]) == ("note", "info", "Léa", None)
    assert first["data"] == {"text": "probe cleaned", "who": "Léa"}


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (("log", "--level", "loud"), 2, "E-USE-003"),
        (("log", "-n", "-1"), 2, "E-USE-003"),
        (("log", "--since", "once"), 2, "E-USE-003"),
        (("log", "-f", "--until", "06:00"), 2, "E-USE-003"),
        (("log", "--run", "no-such-run"), 6, "E-LIM-001"),
        (("log", "too", "many"), 2, "E-USE-003"),
    ],
)
def test_wrong_words_are_refused_with_a_code(say: Say, argv: tuple[str, ...], code: int, told: str) -> None:
    ended, out, err = say(*argv)
    assert (ended, out) == (code, "")
    assert told in err


def following(folder: Path, *argv: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "linectl", "log", "-f", "--data", str(folder), *argv]
    env = {**os.environ, "LINECTL_LANG": "en"}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_what_happens_is_followed_until_ctrl_c(folder: Path) -> None:
    with following(folder, "-n", "1", "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["schema"], first["data"]["kind"]) == ("linectl.log_entry/1", "bath_flagged")

        async def more(store: Store) -> None:
            await store.add_event(event("note", 500.0, text="late"))

        stores.made(folder, more)
        assert json.loads(process.stdout.readline())["data"]["data"] == {"text": "late"}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("", "", 0)


def test_whoever_has_read_enough_ends_it_silently_though_nothing_happens(folder: Path) -> None:
    with following(folder, "-n", "1") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "bath flagged" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("kind", "data", "level"),
    [
        ("note", {}, Level.INFO),
        ("write", {"outcome": "confirmed"}, Level.INFO),
        ("write", {"outcome": "refused"}, Level.WARNING),
        ("write", {"outcome": "unknown"}, Level.ERROR),
        ("alarm", {"event": "raise", "priority": 1}, Level.ERROR),
        ("alarm", {"event": "raise", "priority": 3}, Level.WARNING),
        ("alarm", {"event": "clear", "priority": 1}, Level.INFO),
        ("alarm", {"event": "raise"}, Level.INFO),
        ("run_ended", {"status": "success"}, Level.INFO),
        ("run_ended", {"status": "abort"}, Level.WARNING),
        ("run_ended", {"status": "fail"}, Level.ERROR),
        ("interlock_trip", {"action": "ignore"}, Level.INFO),
        ("interlock_trip", {"action": "abort"}, Level.ERROR),
        ("never_heard_of", {}, Level.INFO),
    ],
)
def test_how_much_an_event_asks_for(kind: str, data: dict[str, object], level: Level) -> None:
    assert level_of(Event(0, kind, data)) is level


def test_each_kind_that_asks_for_something_has_a_name() -> None:
    from linectl.lab.report import levels

    words.use("fr")  # in English some are called by their own word
    for kind in levels._ERRORS | levels._WARNINGS:
        assert event_name(kind) != kind.replace("_", " "), kind


def test_an_event_is_one_line_that_says_to_what_it_happened() -> None:
    words.use("en")
    told = {
        "state : bath 2, heating, complete": event("state", of="heat", to="complete", trial=2),
        "state : paused – lunch": event("state", of="run", to="paused", why="lunch"),
        "question answered : look at the labels (Q1) : no": event("prompt", task="check", id="Q1", value=False),
        "command to the controller : dosing : refused : full": event(
            "command", code="dose", outcome="refused", detail="full"
        ),
        f"run ended : {RUN}, failed, disk full": event("run_ended", 0.0, RUN, status="fail", reason="disk full"),
    }
    assert {in_words(each): each for each in told.values()} == told

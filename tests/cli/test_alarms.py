"""Alarms of a line that one process serves, seen to from others, as on the line PC."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.alarms import command
from linectl.config.files import find_file
from linectl.store.reader import StoreReader

ALARMS = """kind: alarms
line: bench
shelve_most: 1 h
alarms:
  warm:
    tag: bath.controller_temperature
    condition: HI
    limit: 5 °C
    priority: 1
    message: {en: The bath is warmer than ice., fr: Le bain est plus chaud que la glace.}
    cause: {en: It is summer., fr: C'est l'été.}
    action: {en: Wait for winter., fr: Attendre l'hiver.}
  shut:
    {tag: bath.lid_closed, says: true, priority: 3, message: The lid is shut., cause: Somebody., action: Open it.}
  rest:
    {tag: bath.level, condition: HIHI, limit: 109 %, priority: 2, message: Full., cause: Rain., action: Drain.}
  dark:
    {link: rtd, priority: 2, latched: true, message: Dark., cause: Cable., action: Plug it in.}
"""


def environment(folder: Path, lang: str) -> dict[str, str]:
    return {**os.environ, "LINECTL_LANG": lang, "LINECTL_OPERATOR": "Zoé", "XDG_STATE_HOME": str(folder)}


def linectl(folder: Path, *argv: str, lang: str = "en") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "linectl", *argv, "--data", str(folder)],
        env=environment(folder, lang),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def say(folder: Path, *argv: str, lang: str = "en") -> tuple[int, str, str]:
    process = linectl(folder, *argv, lang=lang)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def alarms(folder: Path, *argv: str) -> dict[str, Any]:
    code, out, err = say(folder, "alarms", *argv, "--json")
    assert code == 0, err
    data: dict[str, Any] = json.loads(out)["data"]
    return data


def by_id(found: dict[str, Any]) -> dict[str, Any]:
    return {each["id"]: each for each in found["list"]}


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    server = linectl(folder, "serve", str(folder / "bench.yaml"), "--sim", "--json")
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["data"]["line"] == "bench"
        while "warm" not in by_id(alarms(folder)) or "shut" not in by_id(alarms(folder)):
            pass
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=60)
        assert "Traceback" not in err, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = find_file("simulated", folder="config").read_text(encoding="utf-8")
    text = text.replace("name: simulated\n", "name: bench\n").replace("alarms: alarms/bath.yaml", "alarms: own.yaml")
    text = text.replace("calibration: simulated_calibration.yaml", "").replace("interlocks: interlocks/bath.yaml", "")
    (tmp_path / "bench.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "own.yaml").write_text(ALARMS, encoding="utf-8")
    return tmp_path


def test_alarms_are_seen_to_from_a_terminal_and_outlive_the_server(folder: Path) -> None:
    with serving(folder):
        code, out, _ = say(folder, "alarms", "--check")
        assert code == 10
        assert "▲1 1  ◆2 0  ●3 1   not acknowledged: 2" in out
        assert "▲1  NOT ACK.  warm\n    The bath is warmer than ice.  " in out
        assert "(limit 5)" in out
        assert "probably: It is summer.\n    do: Wait for winter." in out
        assert "first: warm" in out or "first: shut" in out
        assert "ALARM ▲1 warm: The bath is warmer than ice." in say(folder, "status")[1]
        french = say(folder, "alarms", "ls", lang="fr")[1]
        assert "▲1  NON ACQ.  warm\n    Le bain est plus chaud que la glace." in french
        assert "(limite 5)" in french

        assert say(folder, "alarms", "ack", "warm", "--comment", "I know")[1] == "▲1  warm: ack. by Zoé\n"
        code, _, err = say(folder, "alarms", "ack", "warm")
        assert (code, "E-ALM-002" in err, "by Zoé" in err) == (6, True, True)
        assert say(folder, "alarms", "ack", "--all-p3")[1] == "●3  shut: ack. by Zoé\n"
        assert say(folder, "alarms", "ack", "--all-p3")[1] == "there was none\n"
        code, _, err = say(folder, "alarms", "ack", "wram")
        assert (code, "did you mean `warm`?" in err) == (6, True)
        assert "warm is acknowledged already" in say(folder, "alarms", "ack", "WARM")[2]
        assert say(folder, "alarms", "ack")[0] == 6
        assert say(folder, "alarms", "reset", "dark")[0] == 6

        code, _, err = say(folder, "alarms", "shelve", "shut", "--for", "2h", "--reason", "cleaning")
        assert (code, "from 1 min to 60 min" in err) == (6, True)
        assert say(folder, "alarms", "shelve", "shut", "--for", "30m")[0] == 2  # no reason
        out = say(folder, "alarms", "shelve", "shut", "--for", "30m", "--reason", "cleaning")[1]
        assert out.startswith("●3  shut: SHELVED until ")
        assert say(folder, "alarms", "comment", "shut", "until the shift ends")[0] == 0
        assert say(folder, "alarms", "service", "rest", "--reason", "float is out")[1] == "◆2  rest: OUT OF SERVICE\n"
        found = alarms(folder)
        assert found["counts"] == {
            "1": 1, "2": 0, "3": 0, "unacknowledged": 0, "shelved": 1, "suppressed": 0, "out_of_service": 1,
        }  # fmt: skip
        assert len(alarms(folder, "--all")["list"]) == 4

    with serving(folder):
        found = by_id(alarms(folder))
        assert found["warm"]["acknowledged_by"] == "Zoé"
        assert (found["shut"]["state"], found["shut"]["reason"]) == ("shelved", "cleaning")
        assert [each["text"] for each in found["shut"]["comments"]] == ["until the shift ends"]
        assert found["rest"]["state"] == "out_of_service"
        assert say(folder, "alarms", "unshelve", "shut")[1] == "●3  shut: NOT ACK.\n"
        assert say(folder, "alarms", "service", "rest", "--back")[1] == "◆2  rest: normal\n"
        rows = alarms(folder, "history", "shut")["history"]
        assert [row["event"] for row in rows] == ["raise", "unshelve", "comment", "shelve", "acknowledge", "raise"]
        out = say(folder, "alarms", "history")[1]
        assert "shut\tshelved\tZoé\tcleaning" in out
        figures = alarms(folder, "figures", "--hours", "1")
        assert figures["most_frequent"] == [["shut", 2], ["warm", 1]]
        assert "3 announcements in 1.0 h" in say(folder, "alarms", "figures", "--hours", "1")[1]

    acts = [(each.actor, each.action, each.target) for each in StoreReader(folder / "bench.db").audit()]
    assert [act for act in acts if act[1].startswith("alarm_")] == [
        ("Zoé", "alarm_acknowledge", "warm"),
        ("Zoé", "alarm_acknowledge", "shut"),
        ("Zoé", "alarm_shelve", "shut"),
        ("Zoé", "alarm_comment", "shut"),
        ("Zoé", "alarm_remove", "rest"),
        ("Zoé", "alarm_unshelve", "shut"),
        ("Zoé", "alarm_return", "rest"),
    ]


def test_a_line_without_alarms_says_so(folder: Path) -> None:
    file = folder / "bench.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("alarms: own.yaml", ""), encoding="utf-8")
    server = linectl(folder, "serve", str(file), "--sim", "--json")
    try:
        assert server.stdout is not None
        server.stdout.readline()
        code, _, err = say(folder, "alarms")
        assert (code, "bench has no alarms" in err, "alarms: alarms/bath.yaml" in err) == (6, True, True)
        assert say(folder, "status")[0] == 0
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def test_without_a_server_it_says_what_to_start(folder: Path) -> None:
    code, _, err = say(folder, "alarms")
    assert code == 4
    assert "linectl serve" in err


def test_each_verb_has_its_help(folder: Path) -> None:
    assert set(command.commands) == {
        "ls", "ack", "reset", "shelve", "unshelve", "service", "comment", "history", "figures",
    }  # fmt: skip
    assert "--all-p3" in say(folder, "alarms", "ack", "--help")[1]
    assert "--check" in say(folder, "alarms", "--check", "--help")[1]

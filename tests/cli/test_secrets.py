"""`linectl secrets`: taken in unseen, listed by name, and in no output whatever."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from linectl import words
from linectl.config.named_secrets import keep, secret
from linectl.server.doctor.examine import examine_computer
from tests.cli.terminals import Typist

Say = Callable[..., tuple[int, str, str]]
LINE = """\
kind: line
name: bench
links:
  room: {type: mqtt, host: broker, username: linectl, password_secret: broker}
  hall: {type: mqtt, host: broker, username: linectl, password_secret: hall}
scans: {slow: 30}
tags:
  room.temperature: {link: room, point: "a#t", kind: float, scan: slow}
  hall.temperature: {link: hall, point: "a#t", kind: float, scan: slow}
"""
VALUE = "correct horse"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words.use("en")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


@pytest.fixture
def line(tmp_path: Path) -> str:
    path = tmp_path / "line.yaml"
    path.write_text(LINE)
    return str(path)


def from_pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_set_from_a_pipe(say: Say, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    from_pipe(monkeypatch, VALUE + ending)
    code, out, err = say("secrets", "set", "broker")
    assert (code, err) == (0, "")
    assert "password_secret: broker" in out
    assert VALUE not in out
    assert secret("broker") == VALUE


@pytest.mark.parametrize(("text", "code"), [("", 3), ("\n", 3), ("a\nb\n", 3)])
def test_what_is_no_secret_is_refused_unrepeated(
    say: Say, monkeypatch: pytest.MonkeyPatch, text: str, code: int
) -> None:
    from_pipe(monkeypatch, text)
    ended, out, err = say("secrets", "set", "broker", "--json")
    assert (ended, json.loads(out)["error"]["code"]) == (code, "E-SEC-001")
    assert "E-SEC-001" in err


def test_a_wrong_name_is_a_wrong_use(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    from_pipe(monkeypatch, VALUE)
    code, _, err = say("secrets", "set", "../x")
    assert code == 2
    assert "no name of a secret" in err


def typing(tmp_path: Path) -> Typist:
    return Typist(tmp_path, "secrets", "set", "broker", XDG_CONFIG_HOME=str(tmp_path / "config"))


def test_typed_at_a_terminal_it_is_not_shown(tmp_path: Path) -> None:
    with typing(tmp_path) as person:
        person.until("Value of broker (not shown)")
        person.type(f"{VALUE}\n")
        person.until("Once more")
        person.type(f"{VALUE}\n")
        assert person.wait() == 0, person.all
    assert VALUE not in person.all
    assert secret("broker") == VALUE


def test_typed_otherwise_the_second_time_it_is_asked_again(tmp_path: Path) -> None:
    with typing(tmp_path) as person:
        for text, asked in ((VALUE, "Value of"), ("other", "Once more"), (VALUE, "Value of"), (VALUE, "Once more")):
            person.until(asked)
            person.type(f"{text}\n")
        assert person.wait() == 0, person.all
    assert secret("broker") == VALUE


def test_ls_names_place_and_need_and_no_value(say: Say, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("broker", VALUE)
    monkeypatch.setenv("LINECTL_SECRET_OTHER", VALUE)
    code, out, _ = say("secrets", "ls", line)
    assert code == 0
    rows = {row.split("\t")[0]: row.split("\t")[1:] for row in out.splitlines()[1:]}
    assert rows["broker"][1:] == ["ok", "links.room"]
    assert rows["hall"] == ["-", "MISSING", "links.hall"]
    assert rows["other"] == ["LINECTL_SECRET_OTHER", "ok", "-"]
    body = json.loads(say("secrets", "ls", line, "--json")[1])
    assert [(each["name"], each["needed_by"]) for each in body["data"]][:2] == [
        ("broker", ["links.room"]),
        ("hall", ["links.hall"]),
    ]
    assert VALUE not in out + json.dumps(body)


def test_check_tells_what_is_missing_with_its_place_and_what_is_open(say: Say, line: str) -> None:
    path = keep("broker", VALUE)
    code, _, err = say("secrets", "check", line)
    assert code == 3
    assert f"{line}:5:55: links.hall.password_secret" in err
    keep("hall", VALUE)
    assert say("secrets", "check", line)[0] == 0
    assert say("secrets", "check")[0] == 0
    path.chmod(0o604)
    for words_of in (["check", line], ["check"]):
        code, out, err = say("secrets", *words_of)
        assert code == 3
        assert "mode 604" in err
        assert VALUE not in out + err


def test_the_doctor_refuses_secrets_that_others_can_read_or_change(tmp_path: Path) -> None:
    def told() -> list[str]:
        return [each.code for each in examine_computer(tmp_path / "s.db").findings if each.room == "secrets"]

    path = keep("broker", VALUE)
    assert told() == []
    path.chmod(0o644)
    assert told() == ["secret_unusable"]
    path.chmod(0o600)
    path.parent.chmod(0o777)
    assert told() == ["secrets_open"]

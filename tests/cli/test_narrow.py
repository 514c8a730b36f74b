"""What people read on a terminal of 80 columns: lines break between words, and the state stands on one screen."""

from __future__ import annotations

import json

import pytest

from linectl import words
from linectl.cli.audit_text import lines_of
from linectl.cli.output import complaint
from linectl.cli.status_text import screen
from linectl.cli.terminal import ProgressLine
from linectl.errors import LinectlError
from linectl.store.audit import AuditEntry

LONG = "bath.setpoint: refused by its zone: 99.0 °C is more than the limit of bath.setpoint, 88.0 °C, and no yes helps"


def test_an_error_breaks_between_words_on_a_terminal_and_not_elsewhere() -> None:
    error = LinectlError(f"{LONG}\n  a/path", hint="do this")
    whole, broken = complaint(error), complaint(error, 40)
    assert f"linectl: {LONG}" in whole.splitlines()
    assert max(map(len, broken.splitlines())) <= 40
    assert broken.split() == whole.split()
    assert "  a/path" in broken.splitlines()


def test_an_act_stands_on_a_narrow_terminal_with_all_that_it_says() -> None:
    new = json.dumps({"asked": 99, "detail": LONG, "outcome": "refused", "unit": "°C"})
    entry = AuditEntry(7, 0, "Zoé", "write", "bath.setpoint", json.dumps(46.5), new, "colder", b"", b"")
    with words.speaking("fr"):
        lines = lines_of(entry, 80)
    assert max(map(len, lines)) <= 80
    said = " ".join(" ".join(lines).split())
    assert "Zoé: a écrit: bath.setpoint" in said
    assert "46,5 → demandé 99" in said
    assert f"détail {LONG}" in said
    assert "pourquoi : colder" in said


def test_the_line_made_safe_is_told_of_the_heater_and_not_of_a_label() -> None:
    entry = AuditEntry(1, 0, "linectl", "make_safe", "x", None, json.dumps({"heater": "off"}), "", b"", b"")
    with words.speaking("fr"):
        assert "chauffage coupé" in " ".join(lines_of(entry, 80))


def state() -> dict[str, object]:
    unread = {"value": None, "unit": "", "quality": "BAD", "reason": "no_data", "age_s": 60.0}
    names = [f"label.p{number:02}" for number in range(1, 25)]
    read = {"value": 20.0, "unit": "°C", "quality": "GOOD", "reason": "", "age_s": 1.0}
    return {
        "line": {"name": "bench", "simulated": True},
        "holder": {"who": "Zoé", "pid": 1, "since": "2026-01-01T00:00:00+00:00"},
        "values": {"bath.t1": read, "bath.t2": {**read, "value": 21.0}, **dict.fromkeys(names, unread)},
    }


def test_positions_that_say_the_same_stand_in_one_row_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    words.use("en")
    assert screen(state()).count("label.p") == 24
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    shown = screen(state())
    assert shown.count("label.p") == 1
    assert "label.p01…24" in shown
    assert "bath.t1 " in shown
    assert "bath.t2 " in shown


def test_what_follows_the_progress_begins_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with ProgressLine() as progress:
        progress.show_line(1, "bath 1/1")
        progress.end()
    assert capsys.readouterr().err == "\rbath 1/1\x1b[K\n"

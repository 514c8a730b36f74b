"""`linectl audit`: what people wrote, listed and proved; a broken trail ends with 5 and names its first entry."""

from __future__ import annotations

import ast
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.audit_text import cells, known_actions
from linectl.cli.main import run
from linectl.lab import acts
from linectl.lab.acts import _KINDS, _STATES, _TO, with_act  # the words that stand in tables
from linectl.lab.confirmation.registry import CHANGED, REGISTERED, SET_RECORDED
from linectl.model.records import Event
from linectl.store.audit import AuditEntry
from linectl.store.gap import GAP
from tests.cli.rigs import Words, modbus

Say = Callable[..., tuple[int, str, str]]

LINE = """\
kind: line
name: small
links: {{plc: {{type: modbus_tcp, host: 127.0.0.1, port: {port}}}}}
scans: {{fast: 1.0}}
tags:
  bath.flow: {{link: plc, point: 1/hr0, kind: f32, unit: l/min, low: 0, high: 100, writable: true, scan: fast}}
  bath.dose: {{link: plc, point: 1/hr2, kind: f32, low: 0, high: 100, writable: true}}
"""


ACTIONS = (
    *("start", "pause", "hold", "resume", "cancel", "abort", "answer", "take_back_look", "end_early", "skip_bottle"),
    *("note", "deviation", "arm_heat", "refuse_heat", "take_up", "close", "abandon", "make_safe", "write", "command"),
    *("armed", "disarmed", "ramp", "interlock_trip", "interlock_reset", "reset_heating", "select_recipe", "record_gap"),
)


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    monkeypatch.setenv("LINECTL_OPERATOR", "Zoé")

    def call(*argv: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*map(str, argv), "--data", str(tmp_path / "data"), "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def written(tmp_path: Path, say: Say) -> Path:
    """Write thrice, the second time out of range; return the line's file."""
    file = tmp_path / "line.yaml"
    with modbus({1: Words(dict.fromkeys(range(4), 0))}) as server:
        file.write_text(LINE.format(port=server.port), encoding="utf-8")
        write = ("tags", "write", file, "--arm", "--yes")
        assert say(*write, "bath.flow", "42.5", "--reason", "rinse\ttoo\x1b[2J slow")[0] == 0
        assert say(*write, "bath.flow", "500")[0] == 6
        assert say(*write, "bath.dose", "7")[0] == 0
        assert say(*write, "bath.dose", "8")[0] == 0
    return file


def store(file: Path) -> Path:
    return file.parent / "data" / "small.db"


def tamper(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(store(file))) as connection:
        for trigger in ("audit_is_not_changed", "audit_is_not_deleted"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_every_write_is_listed_with_who_old_new_and_why(written: Path, say: Say) -> None:
    code, out, err = say("audit", "ls", written, "--json")
    assert (code, err) == (0, "")
    body = json.loads(out)
    assert (body["schema"], body["ok"]) == ("linectl.audit_ls/1", True)
    first, second, third, last = body["data"]["entries"]
    assert (first["id"], first["actor"], first["action"], first["target"]) == (1, "Zoé", "write", "bath.flow")
    assert first["old"] == 0
    assert first["new"] == {"asked": 42.5, "got": 42.5, "outcome": "confirmed", "unit": "l/min"}
    assert first["reason"] == "rinse\ttoo\x1b[2J slow"
    assert (second["old"], second["new"]["outcome"], second["new"]["refused_by"]) == (42.5, "refused", "range")
    assert (third["old"], last["old"], last["new"]["got"]) == (0, 7, 8)  # asked before: no scan reads it
    assert "\x1b" not in say("audit", "ls", written)[1]
    assert len(say("audit", "ls", store(written))[1].splitlines()) == 5
    assert len(json.loads(say("audit", "ls", written, "--since", "2h", "--json")[1])["data"]["entries"]) == 4
    assert json.loads(say("audit", "ls", written, "--since", "2100-01-01", "--json")[1])["data"]["entries"] == []
    assert say("audit", "ls", written, "--since", "tomorrow")[0] == 2


def test_an_untouched_trail_is_proved_and_a_changed_one_named(written: Path, say: Say) -> None:
    code, out, _ = say("audit", "verify", written, "--json")
    found = json.loads(out)["data"]
    assert (code, found["entries"], found["first_broken"]) == (0, 4, None)
    assert found["head"] in say("audit", "verify", written)[1]
    assert say("audit", "verify", written, "--head", found["head"])[0] == 0
    assert say("audit", "verify", store(written), "--head", found["head"].upper())[0] == 0

    time = json.loads(say("audit", "ls", written, "--json")[1])["data"]["entries"][1]["time"]
    tamper(written, "UPDATE audit SET actor = 'Max' WHERE id = 2")
    code, out, err = say("audit", "verify", written, "--json")
    body = json.loads(out)
    assert (code, body["ok"], body["error"]["code"]) == (5, False, "E-AUD-001")
    told = body["data"]["first_broken"]
    assert (told["id"], told["kind"], told["time"]) == (2, "content", time)
    assert "2" in err
    assert time in err


def test_a_cut_tail_shows_against_the_head_that_was_kept(written: Path, say: Say, tmp_path: Path) -> None:
    head = json.loads(say("audit", "verify", written, "--json")[1])["data"]["head"]
    with closing(sqlite3.connect(store(written))) as connection:
        ((uid,),) = connection.execute("SELECT value FROM meta WHERE key = 'store_uid'").fetchall()
    export = tmp_path / "export"
    export.mkdir()
    manifest = export / "manifest.json"
    manifest.write_text(json.dumps({"audit": {"store": uid, "entries": 4, "head": head}}), encoding="utf-8")
    for anchor in (export, manifest, head):
        assert say("audit", "verify", written, "--head", anchor)[0] == 0
    tamper(written, "DELETE FROM audit WHERE id > 2", "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'audit'")
    assert say("audit", "verify", written)[0] == 0  # the file alone cannot tell
    for anchor in (export, manifest, head):
        code, out, _ = say("audit", "verify", written, "--head", anchor, "--json")
        assert (code, json.loads(out)["data"]["first_broken"]["id"]) == (5, 3)
    manifest.write_text(json.dumps({"audit": {"store": "other", "entries": 4, "head": head}}), encoding="utf-8")
    code, out, _ = say("audit", "verify", written, "--head", export, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (5, "E-AUD-004")


_ACTION = {"_tell": 0, "add": 0, "_put": 1}  # functions that hand an action on, and the place where it stands
_HANDED_ON = ("writing/writer.py", "calibration_book.py", "washing/lot_book.py")


def actions() -> set[str]:
    """Return every word of an action that linectl's own text holds: of `Act(...)`, and of what hands one on."""
    found = {*_TO.values(), *_STATES.values(), *(action for action, _ in _KINDS.values()), GAP}
    home = Path(acts.__file__).parents[1]
    for file in home.rglob("*.py"):
        places = {"Act": 2} | (_ACTION if file.as_posix().endswith(_HANDED_ON) else {})
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = places.get(called)
            if place is not None and place < len(node.args):
                word = node.args[place]
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    found.add(word.value)
    register = {"kind": "", "who": "Zoé"}
    for kind in (REGISTERED, CHANGED, SET_RECORDED):
        act = with_act(Event(0, kind, register)).act
        assert act is not None
        found.add(act.action)
    return found


def test_every_action_has_words_of_its_own() -> None:
    found = actions()
    assert {*ACTIONS, "tag_run", "lot_started", "calibrate", "activate_failed", "schedule_run", "import"} <= found
    words.use("fr")
    plain = {each for each in found if not each.startswith("alarm_") and each not in known_actions()}
    assert plain == set()
    assert "alarme" in cells(entry("alarm_comment"))[1]


def entry(action: str, actor: str = "Zoé", old: object = None, new: object = None) -> AuditEntry:
    before, after = (None if value is None else json.dumps(value) for value in (old, new))
    return AuditEntry(1, 0, actor, action, "bath.setpoint", before, after, "", b"", b"")


MOMENT = f"{datetime(2026, 1, 1, tzinfo=UTC).astimezone():%Y-%m-%d %H:%M:%S}"
WRITTEN = {"outcome": "confirmed", "asked": 60.5, "got": 60.5, "unit": "°C"}
ANSWERED = {"question": "load-3", "value": True, "face": "terminal"}


@pytest.mark.parametrize(
    ("lang", "told", "words_"),
    [
        (
            "en",
            entry("write", "Zoé, run R7", 20, WRITTEN),
            "Zoé, run R7 | wrote | 20 | outcome confirmed, asked 60.5, read back 60.5",
        ),
        (
            "fr",
            entry("write", "Zoé, run R7", 20, WRITTEN),
            "Zoé, essai R7 | a écrit | 20 | issue confirmé, demandé 60,5, relu 60,5",
        ),
        (
            "en",
            entry("answer", new=ANSWERED),
            "Zoé | answered a question | - | question load-3, value yes, at the face terminal",
        ),
        (
            "fr",
            entry("answer", new=ANSWERED),
            "Zoé | a répondu à une question | - | question load-3, valeur oui, à l'écran terminal",
        ),
        ("en", entry("hold", old="running", new="holding"), "Zoé | held the run | running | holding"),
        ("fr", entry("hold", old="running", new="holding"), "Zoé | a figé l'essai | en cours | "),
        (
            "en",
            entry("alarm_shelve", new={"until_ns": 1767225600123456789}),
            f"Zoé | alarm shelved | - | until {MOMENT}",
        ),
        ("fr", entry("alarm_shelve", new={"state": "shelved"}), "Zoé | alarme mise de côté | - | état mise de côté"),
        ("fr", entry("command", new={"state": "execute"}), "Zoé | a donné un ordre | - | état en marche"),
        ("fr", entry("lot_ended", new={"state": "washed"}), "Zoé | a terminé un lot | - | état lavé"),
        (
            "fr",
            entry("write", new={"outcome": "refused", "refused_by": "limit"}),
            "Zoé | a écrit | - | issue refusé, refusé par la limite de sa zone",
        ),
        ("fr", entry("answer", "simulated operator, run R7"), "opérateur simulé, essai R7 | a répondu"),
        ("en", entry("some_new_word", new=[1, 2]), "Zoé | some new word | - | 1 2"),
    ],
)
def test_an_entry_is_told_in_words(lang: str, told: AuditEntry, words_: str) -> None:
    with words.speaking(lang):
        who, what, _, old, new, _ = cells(told)
    assert f"{who} | {what} | {old} | {new}".startswith(words_)


def test_what_ended_by_itself_is_told_in_words() -> None:
    with words.speaking("fr"):
        assert cells(replace(entry("disarmed"), reason="expired"))[5] == "durée écoulée"


def test_every_act_of_a_run_has_words_in_french() -> None:
    with words.speaking("en"):
        english = {action: cells(entry(action))[1] for action in ACTIONS}
    with words.speaking("fr"):
        french = {action: cells(entry(action))[1] for action in ACTIONS}
    assert not [action for action in ACTIONS if english[action] == french[action]]


@pytest.mark.parametrize("text", ["{}", "[]", '{"audit": {"head": "00", "entries": 1, "store": ""}}', "not json"])
def test_what_holds_no_head_is_refused(written: Path, say: Say, tmp_path: Path, text: str) -> None:
    place = tmp_path / "manifest.json"
    place.write_text(text, encoding="utf-8")
    code, out, _ = say("audit", "verify", written, "--head", place, "--json")
    assert (code, json.loads(out)["error"]["code"][:5]) == (3, "E-AUD")


def test_what_is_no_store_is_told(written: Path, say: Say, tmp_path: Path) -> None:
    assert say("audit", "verify")[0] == 0  # no run was made, but there is a store
    assert say("audit", "verify", tmp_path / "none.db")[0] == 5
    assert say("audit", "verify", tmp_path / "none.yaml")[0] == 3
    assert say("audit", "verify", tmp_path)[0] == 6  # a folder: an export, perhaps
    wrong = tmp_path / "wrong.db"
    wrong.write_text("no database", encoding="utf-8")
    assert say("audit", "ls", wrong)[0] == 5
    with store(written).open("r+b") as handle:  # torn pages
        handle.seek(4096)
        handle.write(b"\xff" * 200_000)
    assert say("audit", "verify", written)[0] == 5

"""A doctor's bundle holds what helps and no secret, wherever one was planted; with redaction off each is found."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from linectl.cli.main import run as linectl
from linectl.clock import wall_ns
from linectl.config.load import load_line
from linectl.config.named_secrets import keep
from linectl.errors import Refused
from linectl.model.records import Event, Run
from linectl.server.api.endpoint import Endpoint, published
from linectl.server.doctor.bundle import collect, known_secrets, write
from linectl.server.doctor.redact import BLOT, Redactor
from linectl.server.places import note_last_run
from linectl.store.store import open_store

PLANTED = {
    "in a file of its own": "Kept-in_a&file",
    "by name": "Kept by näme",
    "in the environment": "of/the+environment=",
    "in a variable of its own": 'say "of" a variable',
    "token of an endpoint": "endpoint-token-9f3c",
    "user of a URL": "urluser",
    "password of a URL": "url-pass/word",
    "in a comment of the line": "commented-out",
    "in a folded block": "folded-away-here",
    "in an event": "event-secret-1",
    "in an event's text": "event-secret-2",
    "a bearer": "eyJhbGciOiJIUzI1NiJ9.e30.x",
    "a private key": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    "an option": "mosquitto-pw",
}
LINE = f"""\
kind: line
name: bench  # see mqtt://{PLANTED["user of a URL"]}:{PLANTED["password of a URL"]}@broker:1883/x
links:
  # password: {PLANTED["in a comment of the line"]}
  room: {{type: mqtt, host: broker, username: linectl, password_file: broker.secret}}
  hall: {{type: mqtt, host: broker, username: linectl, password_secret: hall}}
  yard: {{type: mqtt, host: broker, username: linectl, password_env: YARD_PASSWORD}}
scans: {{slow: 30}}
tags:
  room.temperature: {{link: room, point: "a#t", kind: float, scan: slow}}
  hall.temperature: {{link: hall, point: "a#t", kind: float, scan: slow}}
  yard.temperature: {{link: yard, point: "a#t", kind: float, scan: slow}}
"""
DEFINITION = f"""\
kind: experiment
brokerPassword: |
  {PLANTED["in a folded block"]}
  more of it
note: mosquitto_pub --password {PLANTED["an option"]} -t x
key: |
  -----BEGIN PRIVATE KEY-----
  {PLANTED["a private key"]}
  -----END PRIVATE KEY-----
after: it is still here
"""


class Open(Redactor):
    """The control: redaction is off."""

    def text(self, text: str) -> str:
        return text

    def data(self, value: Any) -> Any:
        return value


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a line, its store with one run, and secrets wherever people leave them."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("LINECTL_SECRET_OTHER", PLANTED["in the environment"])
    monkeypatch.setenv("YARD_PASSWORD", PLANTED["in a variable of its own"])
    keep("hall", PLANTED["by name"]).chmod(0o644)  # what others may read is blotted all the same
    (tmp_path / "line.yaml").write_text(LINE, encoding="utf-8")
    (tmp_path / "broker.secret").write_text(PLANTED["in a file of its own"], encoding="utf-8")
    (tmp_path / "broker.secret").chmod(0o600)
    asyncio.run(_run(tmp_path / "s.db"))
    note_last_run("r1", tmp_path / "s.db", tmp_path)
    (tmp_path / "s.db.wire").mkdir()
    (tmp_path / "s.db.wire" / "room-1.txt").write_text(PLANTED["by name"])
    with published(
        Endpoint("bench", os.getpid(), "127.0.0.1", 4711, PLANTED["token of an endpoint"]), tmp_path, "line-bench"
    ):
        yield tmp_path


async def _run(file: Path) -> None:
    store = open_store(file, line="bench", virtual=True, tags={})
    await store.open()
    told = {"hash": "c0ffee", "version": "0.1.0"}
    run = Run("r1", "experiment", "x", "bench", "running", "Zoé", wall_ns(), told["hash"], True, DEFINITION, "0.1.0")
    await store.start_run(run)
    said = f"no answer; Authorization: Bearer {PLANTED['a bearer']}"
    coded = base64.b64encode(PLANTED["in a file of its own"].encode()).decode()
    quoted = quote(PLANTED["by name"])
    texts: tuple[dict[str, object], ...] = (
        {"api_key": PLANTED["in an event"], "harmless": 60.5},
        {"text": "token=" + PLANTED["in an event's text"]},
        {"text": said},
        {"sent": coded, "to": f"http://x/?q={quoted}"},
        {"python": repr(PLANTED["in a variable of its own"]), "json": json.dumps(PLANTED["by name"])},
        {"env": f"PASS={PLANTED['in the environment']}"},
    )
    for data in texts:
        await store.add_event(Event(wall_ns(), "note", data, "r1"))
    await store.close()


def bundled(site: Path, redactor: Redactor | None = None) -> dict[str, str]:
    """Write the bundle and return what is in it by name."""
    line = load_line(site / "line.yaml")
    file = site / "out.zip"
    write(file, collect(site / "line.yaml", line, site), redactor or Redactor(known_secrets(line, site)))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def leaked(files: dict[str, str]) -> set[str]:
    """Return which of the planted secrets stand in the files, as they are or as others write them."""
    text = "\n".join([*files, *files.values()])
    found = set()
    for what, secret in PLANTED.items():
        forms = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
        forms |= {base64.b64encode(secret.encode()).decode(), json.dumps(secret, ensure_ascii=False)[1:-1]}
        found |= {what} if any(form in text for form in forms) else set()
    return found


def test_no_planted_secret_is_in_the_zip(site: Path) -> None:
    assert leaked(bundled(site)) == set()


def test_with_redaction_off_each_is_found(site: Path) -> None:
    kept_outside = {"in a file of its own", "by name"}  # found only since an event repeated them
    assert leaked(bundled(site, Open())) == set(PLANTED)
    assert kept_outside < set(PLANTED)


def test_the_nets_hold_each_alone(site: Path) -> None:
    by_shape = leaked(bundled(site, Redactor()))
    assert by_shape <= {"in a file of its own", "by name", "in the environment", "in a variable of its own"}
    assert by_shape  # without knowing them, these look like nothing


def test_what_helps_is_there(site: Path) -> None:
    files = bundled(site)
    assert set(files) == {
        "config/line.yaml",
        "endpoints.json",
        "environment.json",
        "run/run.json",
        "run/definition.yaml",
        "run/events.json",
        "audit.json",
        "wire_faults.json",
        "manifest.json",
    }
    assert "password_file: broker.secret" in files["config/line.yaml"]
    assert f"mqtt://{BLOT}@broker:1883" in files["config/line.yaml"]
    assert files["run/definition.yaml"].endswith("after: it is still here\n")
    (endpoint,) = json.loads(files["endpoints.json"])
    assert (endpoint["line"], endpoint["port"], endpoint["token"]) == ("bench", 4711, BLOT)
    events = json.loads(files["run/events.json"])
    assert events[0]["data"] == {"api_key": BLOT, "harmless": 60.5}
    assert json.loads(files["wire_faults.json"]) == [{"file": "room-1.txt", "bytes": 13}]
    manifest = json.loads(files["manifest.json"])
    assert manifest["missing"].keys() == {"state.json"}  # nobody serves that line
    assert {"click", "PyYAML"} <= manifest["packages"].keys()
    assert manifest["files"].keys() == files.keys() - {"manifest.json"}


def test_a_line_that_cannot_be_read_is_in_it_all_the_same_without_its_password(tmp_path: Path) -> None:
    line = tmp_path / "line.yaml"
    line.write_text(
        "kind: line\nlinks:\n  a: {password: hunter2, host: b}\n  b:\n    password: >-\n      hunter2\n    x: 1\n"
    )
    out = tmp_path / "out.zip"
    code = linectl(["doctor", str(line), "--bundle", str(out), "--data", str(tmp_path), "--lang", "en"])
    assert code == 3
    with zipfile.ZipFile(out) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "hunter2" not in "".join(texts.values())
    assert "    x: 1" in texts["config/line.yaml"]
    assert json.loads(texts["doctor.json"])["findings"]
    assert "run" in json.loads(texts["manifest.json"])["missing"]


def test_nothing_is_written_over(site: Path) -> None:
    bundled(site)
    with pytest.raises(Refused, match="is there already"):
        bundled(site)
    assert linectl(["doctor", "--bundle", str(site / "out.zip")]) == 6


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("password: hunter2", f"password: {BLOT}"),
        ('{"mqtt_password": "a, b}", "x": 1}', f'{{"mqtt_password": {BLOT}'),
        ("password_file: broker.secret", "password_file: broker.secret"),
        ("password_secret: broker", "password_secret: broker"),
        ("http://host/path", "http://host/path"),
        ("mqtts://u@h and amqp://a:b@c@h/x", f"mqtts://{BLOT}@h and amqp://{BLOT}@h/x"),
        ("Basic dXNlcjpwYXNz", f"Basic {BLOT}"),
        ("basic authentication", "basic authentication"),
        ("tokens: 3", "tokens: 3"),
        ("no secrets here: none", "no secrets here: none"),
    ],
)
def test_what_looks_like_a_secret(text: str, left: str) -> None:
    assert Redactor().text(text) == left


def test_a_secret_too_short_to_be_told_from_other_words_goes_by_its_key_alone() -> None:
    assert Redactor(["ab"]).text("about cabs; password=ab") == f"about cabs; password={BLOT}"
    assert Redactor(["ab"]).data({"token": "ab", "x": "ab"}) == {"token": BLOT, "x": "ab"}

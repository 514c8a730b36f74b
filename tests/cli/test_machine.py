"""The machine of a served washer, commanded from other processes as on the line PC; its lots, also without a server."""

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

from linectl.store.reader import StoreReader
from tests.cli.terminals import Typist


def linectl(folder: Path, *argv: str, **environment: str) -> subprocess.Popen[str]:
    known = {**os.environ, "LINECTL_LANG": "en", "LINECTL_OPERATOR": "Léa", "XDG_STATE_HOME": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-m", "linectl", *argv, "--data", str(folder)],
        env=known | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def say(folder: Path, *argv: str, **environment: str) -> tuple[int, str, str]:
    process = linectl(folder, *argv, **environment)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return process.returncode, out, err


def asked(folder: Path, *argv: str, code: int = 0) -> Any:
    """Return the data of the envelope that a verb prints."""
    ended, out, err = say(folder, *argv, "--json")
    assert ended == code, (argv, out, err)
    return json.loads(out)["data"]


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    server = linectl(folder, "serve", "simulated_washer", "--sim", "--speed", "20", "--json")
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["data"]["line"] == "simulated_washer"
        yield
    finally:
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=60)
        assert "Traceback" not in err, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("washer")
    with serving(folder):
        yield folder


def test_a_machine_is_set_started_held_and_stopped(folder: Path) -> None:
    code, _, err = say(folder, "start")
    assert (code, "start is not possible while the machine is stopped" in err) == (6, True)
    assert "possible now: reset, abort" in err
    assert asked(folder, "reset", "--dry-run")["outcome"] == "possible"
    assert asked(folder, "reset")["state"] == "idle"
    code, _, err = say(folder, "start")
    assert (code, "no recipe" in err, "E-MCH-002" in err) == (6, True, True)
    planned = asked(folder, "recipe", "select", "reference_80c", "--dry-run")
    assert planned["outcome"] == "possible"
    done = asked(folder, "recipe", "select", "reference_80c", "--reason", "Monday")
    assert (done["outcome"], done["values"]) == ("confirmed", planned["values"])
    started = asked(folder, "start")
    assert (started["outcome"], started["state"]) == ("confirmed", "execute")
    assert "washer.fresh_valve" in started["off"]
    code, out, _ = say(folder, "status")
    assert "machine: executing; recipe: reference_80c" in out
    assert asked(folder, "hold")["state"] == "held"
    code, out, _ = say(folder, "unhold", LINECTL_LANG="fr")
    assert (code, "unhold : fait, état de la machine : en marche" in out.replace("\xa0", " ")) == (0, True)

    code, _, err = say(folder, "stop")
    assert (code, "nobody is at the terminal" in err) == (7, True)
    with Typist(folder, "stop", "--data", str(folder), LINECTL_LANG="fr") as typist:
        typist.until("Un arrêt fait perdre")
        typist.until("[o/N]")
        typist.type("\n")
        assert typist.wait() == 7
    assert asked(folder, "status")["machine"]["state"] == "execute", "no is the default"
    with Typist(folder, "stop", "--reason", "end of shift", "--data", str(folder), LINECTL_LANG="fr") as typist:
        typist.until("[o/N]")
        typist.type("o\n")
        assert typist.wait() == 0
    assert asked(folder, "status")["machine"]["state"] == "stopped"


def test_an_abort_asks_nothing_and_is_cleared(folder: Path) -> None:
    code, out, _ = say(folder, "abort", "--reason", "glass")
    assert (code, "abort: done, the machine is aborted" in out) == (0, True)
    assert asked(folder, "clear")["state"] == "stopped"


def test_a_lot_is_begun_ended_set_aside_released_and_delivered(folder: Path) -> None:
    asked(folder, "recipe", "select", "reference_80c")
    begun = asked(
        *(folder, "lot", "start", "L7", "--grower", "Cave du Jura", "--bottle", "clavelin_62cl"),
        *("--glue", "permanent", "--glue-lot", "7731"),
    )
    assert (begun["state"], begun["recipe"], begun["glue_lot"]) == ("washing", "reference_80c", "7731")
    assert "lot L7: clavelin_62cl of Cave du Jura, glue permanent" in say(folder, "status")[1]
    code, _, err = say(folder, "lot", "start", "--grower", "Z", "--bottle", "b", "--glue", "unknown")
    assert (code, "E-LOT-002" in err) == (6, True)
    assert asked(folder, "lot", "end")["state"] == "washed"
    assert say(folder, "lot", "ls", "--check")[0] == 0
    assert [lot["name"] for lot in asked(folder, "lot", "ls", "--check", "--days", "181", code=10)] == ["L7"]
    code, _, err = say(folder, "lot", "quarantine", "L7")
    assert (code, "needs a reason" in err) == (6, True)
    assert asked(folder, "lot", "quarantine", "L7", "--first", "3", "--reason", "smell")["quarantined"] is True
    assert "SET ASIDE: bottles 3 to the end" in say(folder, "lot", "show", "L7")[1]
    assert say(folder, "lot", "deliver", "L7")[0] == 6
    assert asked(folder, "lot", "release", "L7", "--reason", "pH 7.2 in ten")["quarantined"] is False
    assert asked(folder, "lot", "deliver", "L7")["state"] == "delivered"
    code, _, err = say(folder, "lot", "show", "L8")
    assert (code, "E-LOT-001" in err) == (6, True)


def test_lots_are_listed_without_a_server(folder: Path, tmp_path: Path) -> None:
    with serving(tmp_path):
        asked(tmp_path, "lot", "start", "A1", "--grower", "Zoé", "--bottle", "b", "--glue", "casein")
    reader = StoreReader(tmp_path / "simulated_washer.db")
    assert [lot.name for lot in reader.lots()] == ["A1"]
    assert reader.audit_broken() is None
    for line in ((), ("--line", "simulated_washer")):
        assert [lot["name"] for lot in asked(tmp_path, "lot", "ls", *line)] == ["A1"]
        assert asked(tmp_path, "lot", "show", *line)["grower"] == "Zoé"
    code, _, err = say(tmp_path, "lot", "end")
    assert (code, "E-SRV-001" in err) == (4, True)
    empty = tmp_path / "empty"
    empty.mkdir()
    code, _, err = say(empty, "lot", "ls")
    assert (code, "E-LOT-004" in err) == (6, True)
    with serving(tmp_path):  # and whoever serves it next goes on with it
        assert asked(tmp_path, "lot", "end")["name"] == "A1"

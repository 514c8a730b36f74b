"""A line served by one process and used from others, as on the line PC: status, runs, detaching, a second holder."""

from __future__ import annotations

import grp
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from linectl.store.reader import StoreReader

SPEED = "30"
SHORT = """kind: experiment
name: short
question: Does it run?
line: simulated
zone: bath
factors: {temperature_c: [46], naoh_pct: [0], glue: [casein]}
replicates: 1
bottles_per_glue: 3
order: {randomised: true, seed: 1}
soak: {cap_s: 120, check_s: 15}
stabilisation: {band_c: 1.0, hold_s: 20, within_s: 3000}
stirrer_pct: 50
glass: {tau_glass_s: 15, bottle_in_c: 20}
observation: camera
on_sensor_fault: continue
decision: {removal: 0.9, confidence: 0.9, soak_s: 120, temperatures_c: [46], naoh_pct: [0]}
"""


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "LINECTL_LANG": "en", "LINECTL_OPERATOR": "Zoé", "XDG_STATE_HOME": str(folder)}


def linectl(folder: Path, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "linectl", *argv, "--data", str(folder)],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def say(folder: Path, *argv: str) -> tuple[int, str, str]:
    process = linectl(folder, *argv)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def state(folder: Path) -> dict[str, Any]:
    code, out, err = say(folder, "status", "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "linectl.status/1"
    data: dict[str, Any] = found["data"]
    return data


@contextmanager
def serving(folder: Path, *more: str, line: str = "simulated") -> Iterator[subprocess.Popen[str]]:
    server = linectl(folder, "serve", line, "--sim", "--speed", SPEED, "--json", *more)
    try:
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        assert told["data"]["pid"] == server.pid
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=60)
        assert "Traceback" not in err, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "short.yaml").write_text(SHORT, encoding="utf-8")
    with serving(folder):
        yield folder


def test_the_state_of_a_served_line_on_one_screen(folder: Path) -> None:
    code, out, _ = say(folder, "status")
    assert code == 0
    assert "served by Zoé (process" in out
    assert "No heat before the level is proven" in out
    assert "bath.level" in out
    data = state(folder)
    assert data["line"]["simulated"] is True
    assert {data["values"][name]["quality"] for name in ("bath.setpoint", "bath.stirrer")} == {"GOOD"}
    assert data["values"]["bath.temperature"]["unit"] == "°C"


def test_a_second_holder_is_refused_and_told_who_since_when_and_the_ways_out(folder: Path) -> None:
    code, _, err = say(folder, "serve", "simulated", "--sim")
    assert code == 6
    assert "(Zoé) has had this line since 20" in err
    assert "wait for it to end" in err
    assert "ask its holder" in err
    assert "linectl status" in err
    assert "E-LSE-003" in err


def test_an_experiment_is_handed_in_followed_and_recorded_by_the_server(folder: Path) -> None:
    code, out, err = say(folder, "run", str(folder / "short.yaml"), "--json", "--quiet")
    assert code == 0, err
    outcome = json.loads(out)["data"]
    reader = StoreReader(folder / "simulated.db")
    run = reader.run(outcome["run_id"])
    assert (run.operator, str(run.exit_status)) == ("Zoé", "success")
    assert len(reader.bottles(run.id)) == 3
    assert state(folder)["run"] is None


def test_ctrl_c_only_detaches_and_cancel_ends_the_run(folder: Path) -> None:
    attached = linectl(folder, "run", str(folder / "short.yaml"))
    deadline = time.monotonic() + 30.0
    while state(folder)["run"] is None:
        assert time.monotonic() < deadline
    again, _, err = say(folder, "run", str(folder / "short.yaml"))
    assert again == 6
    assert "a run is under way" in err
    attached.send_signal(signal.SIGINT)
    _, err = attached.communicate(timeout=30)
    assert attached.returncode == 130
    assert "goes on" in err
    assert "linectl cancel" in err
    assert state(folder)["run"] is not None
    code, _, err = say(folder, "cancel")
    assert code == 7  # nobody is there to be asked
    assert "--yes" in err
    assert say(folder, "cancel", "--yes")[0] == 0
    while state(folder)["run"] is not None:
        assert time.monotonic() < deadline + 60.0
    run = StoreReader(folder / "simulated.db").runs()[-1]
    assert str(run.exit_status) == "abort"


def test_a_note_outside_a_run_and_a_reason_that_is_missing(folder: Path) -> None:
    assert say(folder, "note", "new bottles came in")[0] == 0
    assert any("new bottles" in each["text"] for each in state(folder)["journal"])
    code, _, err = say(folder, "next")
    assert code == 6
    assert "a reason is needed" in err
    code, _, err = say(folder, "pause")
    assert code == 6
    assert "nothing is running" in err


def test_scans_are_kept_between_runs_too(folder: Path) -> None:
    def kept() -> int:
        with closing(sqlite3.connect(f"file:{folder / 'simulated.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM hot").fetchone()[0])

    assert state(folder)["run"] is None
    before, deadline = kept(), time.monotonic() + 30.0
    while kept() < before + 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_nobody_serves(tmp_path: Path) -> None:
    code, _, err = say(tmp_path, "pause")
    assert code == 4
    assert "no line is served" in err
    assert "linectl serve" in err


def test_a_killed_server_is_told_and_the_next_one_heats_nothing(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text(SHORT, encoding="utf-8")
    with serving(tmp_path) as server:
        attached = linectl(tmp_path, "run", str(tmp_path / "short.yaml"))
        deadline = time.monotonic() + 60.0
        while (state(tmp_path)["run"] or {}).get("phase") != "heat":
            assert time.monotonic() < deadline
        server.kill()
        server.wait(30)
        _, err = attached.communicate(timeout=60)
        assert attached.returncode == 4, err
        assert "Traceback" not in err
        code, _, err = say(tmp_path, "pause")
        assert code == 4
        assert "is dead" in err
    with serving(tmp_path):
        data = state(tmp_path)
        assert data["run"] is None
        assert data["values"]["bath.heater_on"]["value"] is False
        run = StoreReader(tmp_path / "simulated.db").runs()[-1]
        assert run.ended_ns is None or str(run.exit_status) != "success"


def test_tags_are_read_through_the_server(folder: Path) -> None:
    code, out, err = say(folder, "tags", "read", "simulated", "bath.level", "bath.naoh", "bath.command", "--json")
    found = {each["tag"]: each for each in json.loads(out)["data"]["readings"]}
    assert found["bath.level"]["quality"] == "GOOD", err
    assert isinstance(found["bath.level"]["raw"], int)
    assert code in {0, 5}  # an empty bath has no NaOH
    code, out, _ = say(folder, "tags", "watch", "simulated", "bath.plc_counter", "--period", "0.3", "--for", "3")
    assert code == 0
    assert len(out.splitlines()) >= 2


def test_a_group_of_the_computer_may_look_and_no_more(tmp_path: Path) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    with serving(tmp_path, "--share", f"view={group}"):
        own, shared = tmp_path / "line-simulated.json", tmp_path / "line-simulated.view.json"
        assert stat.S_IMODE(own.stat().st_mode) == 0o600
        assert stat.S_IMODE(shared.stat().st_mode) == 0o640
        assert shared.stat().st_gid == os.getgid()
        assert json.loads(own.read_text())["token"] != json.loads(shared.read_text())["token"]
        assert say(tmp_path, "note", "as its owner")[0] == 0
        kept = own.read_bytes()
        own.unlink()  # as for whoever may not read it
        assert state(tmp_path)["line"]["name"] == "simulated"
        code, _, err = say(tmp_path, "note", "as one who may look")
        assert code == 6
        assert "it needs operate" in err
        own.write_bytes(kept)
    assert not shared.exists()
    code, _, err = say(tmp_path, "serve", "simulated", "--sim", "--share", "look=nobody")
    assert code == 2
    assert "there is no role look" in err


def test_a_doctors_bundle_holds_what_the_server_tells_and_not_its_token(folder: Path) -> None:
    out = folder / "out.zip"
    code, _, err = say(folder, "doctor", "simulated", "--wait", "0", "--bundle", str(out))
    assert code in {4, 6}, err  # its wires are held, and those of its file are not there
    token = json.loads((folder / "line-simulated.json").read_text(encoding="utf-8"))["token"]
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    told = json.loads(files["state.json"])
    assert told["line"]["name"] == "simulated"
    assert "bath.temperature" in told["values"]
    assert token not in "".join(files.values())


def test_the_audit_trail_of_a_line_on_which_nothing_was_run_yet(tmp_path: Path) -> None:
    code, _, err = say(tmp_path, "audit", "ls")
    assert code == 6
    assert "no run is noted" in err
    with serving(tmp_path):
        assert say(tmp_path, "set", "bath.stirrer", "40", "--arm", "--yes", "--reason", "slow start")[0] == 0
        code, out, _ = say(tmp_path, "audit", "ls")
        assert code == 0
        assert "slow start" in out
        assert say(tmp_path, "audit", "verify")[0] == 0


def test_what_is_nearly_right_is_told_with_what_was_meant(folder: Path) -> None:
    code, _, err = say(folder, "set", "Bath.Setpint", "46", "--arm")
    assert code != 0
    assert "did you mean `bath.setpoint`?" in err
    code, _, err = say(folder, "STATUS")
    assert code == 2
    assert "'STATUS'" in err
    assert "'status'" in err


def test_with_nothing_under_way_cancel_says_so_and_asks_nothing(folder: Path) -> None:
    code, _, err = say(folder, "cancel")
    assert code != 0
    assert "nothing is running" in err
    assert "Cancel the run?" not in err

"""`linectl config diff` and `config migrate`: what differs, against another file or what a run was made with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from linectl import words
from linectl.clock import wall_ns
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.records import Run
from linectl.server.places import note_last_run
from linectl.store.store import open_store

Say = Callable[..., tuple[int, str, str]]
EXPERIMENT = find_file("glue_screening", folder="experiments")
LINE = find_file("simulated")


@pytest.fixture(autouse=True)
def _english() -> None:
    words.use("en")


def changed(tmp_path: Path, file: Path, old: str, new: str) -> Path:
    text = file.read_text("utf-8")
    assert old in text
    path = tmp_path / file.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of a store with a run of the shipped experiment on the shipped line."""
    line = load_line(LINE)
    text = EXPERIMENT.read_text("utf-8")
    run = Run(
        "r1", "experiment", "x", "simulated", "complete", "anne", wall_ns(), line.config_hash, True, text, "0",
        calibration_hash=line.calibration_hash,
    )  # fmt: skip

    async def write() -> None:
        store = open_store(tmp_path / "data" / "s.db", line="simulated", virtual=True, tags={})
        await store.open()
        await store.start_run(run)
        await store.close()

    (tmp_path / "data").mkdir()
    asyncio.run(write())
    note_last_run("r1", tmp_path / "data" / "s.db", tmp_path / "data")
    return tmp_path / "data"


def test_two_files(tmp_path: Path, say: Say) -> None:
    other = changed(tmp_path, EXPERIMENT, "replicates: ", "replicates: 1")
    code, out, err = say("config", "diff", str(EXPERIMENT), str(other))
    assert (code, err) == (0, "")
    key, before, place, after, place_after = out.splitlines()[1].split("\t")
    assert (key, after) == ("replicates", f"1{before}")
    assert place.startswith(f"{EXPERIMENT}:")
    assert place_after.startswith(f"{other}:")


def test_check_ends_with_10_when_they_differ_and_0_when_not(tmp_path: Path, say: Say) -> None:
    other = changed(tmp_path, EXPERIMENT, "replicates: ", "replicates: 1")
    assert say("config", "diff", str(EXPERIMENT), str(other), "--check")[0] == 10
    code, out, _ = say("config", "diff", str(EXPERIMENT), str(EXPERIMENT), "--check")
    assert code == 0
    assert "say the same" in out


def test_as_json(tmp_path: Path, say: Say) -> None:
    other = changed(tmp_path, EXPERIMENT, "replicates: ", "replicates: 1")
    body = json.loads(say("config", "diff", str(EXPERIMENT), str(other), "--json")[1])
    assert body["schema"] == "linectl.config_diff/1"
    assert body["data"]["same"] is False
    (found,) = body["data"]["differences"]
    assert found["path"] == ["replicates"]
    assert found["after"]["source"]["file"] == str(other)


def test_an_experiment_against_that_of_a_run(tmp_path: Path, made: Path, say: Say) -> None:
    where = ("--data", str(made))
    assert say("config", "diff", str(EXPERIMENT), "--run", "r1", "--check", *where)[0] == 0
    other = changed(tmp_path, EXPERIMENT, "replicates: ", "replicates: 1")
    code, out, _ = say("config", "diff", str(other), "--run", "last", "--check", *where)
    assert code == 10
    assert "run r1:" in out


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("simulated", "name: simulated", "name: simulated2"), ("simulated_calibration", "u: ", "u: 1")],
)
def test_of_a_line_and_a_calibration_a_run_keeps_the_hash(
    tmp_path: Path, made: Path, say: Say, name: str, old: str, new: str
) -> None:
    where = ("--data", str(made))
    assert say("config", "diff", name, "--run", "r1", "--check", *where)[0] == 0
    other = changed(tmp_path, find_file(name), old, new)
    code, out, _ = say("config", "diff", str(other), "--run", "r1", "--check", *where)
    assert code == 10
    assert "the hash alone" in out
    body = json.loads(say("config", "diff", str(other), "--run", "r1", "--json", *where)[1])
    assert (body["data"]["same"], body["data"]["differences"]) == (False, None)


def test_what_a_run_does_not_keep_is_refused(made: Path, say: Say) -> None:
    assert say("config", "diff", "economics", "--run", "r1", "--data", str(made))[0] == 6
    assert say("config", "diff", "economics", "--run", "r9", "--data", str(made))[0] == 6
    assert say("config", "diff", "economics")[0] == 2
    assert say("config", "diff", "economics", "economics", "--run", "r1")[0] == 2


def test_migrate_checks_and_changes_nothing(tmp_path: Path, say: Say) -> None:
    file = changed(tmp_path, EXPERIMENT, "replicates: ", "# mine\nreplicates: ")
    before = file.read_bytes()
    code, out, _ = say("config", "migrate", str(file), "simulated")
    assert (code, out.count("nothing to change"), file.read_bytes()) == (0, 2, before)
    wrong = changed(tmp_path, EXPERIMENT, "replicates: ", "replicate: ")
    assert say("config", "migrate", str(wrong))[0] == 3

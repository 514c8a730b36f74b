"""`linectl init`: a site of its own, complete, from a tree or an installation, and never over what is there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from linectl import words
from linectl.config import files, site
from linectl.config.files import find_file, homes
from linectl.store.reader import StoreReader

Say = Callable[..., tuple[int, str, str]]
SHIPPED = homes()[0]
EXPERIMENT = """\
kind: experiment
name: one_bath
question: does a new site run?
factors: {temperature_c: [47], naoh_pct: [0], glue: [permanent]}
replicates: 1
bottles_per_glue: 2
order: {randomised: true, seed: 3}
soak: {cap_s: 600, check_s: 60}
stabilisation: {band_c: 1.0, hold_s: 60, within_s: 7200}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 600, temperatures_c: [47], naoh_pct: [0]}
line: simulated
"""


@pytest.fixture
def made(tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> Path:
    words.use("en")
    folder = tmp_path / "a site"
    code, out, err = say("init", str(folder))
    assert (code, err) == (0, "")
    assert f"cd {folder}" in out
    monkeypatch.chdir(folder)
    return folder


def test_everything_is_copied_as_it_is_and_nothing_else(made: Path) -> None:
    for folder in ("config", "experiments"):
        shipped = {path.relative_to(SHIPPED) for path in (SHIPPED / folder).rglob("*.yaml")}
        copied = {path.relative_to(made) for path in (made / folder).rglob("*.yaml")}
        assert copied == shipped
        assert all((made / path).read_bytes() == (SHIPPED / path).read_bytes() for path in shipped)
    assert sorted(path.name for path in made.iterdir()) == ["config", "experiments"]
    assert not [*made.rglob("__init__.py"), *made.rglob("__pycache__")]


def test_each_copied_file_is_sound_where_it_is(made: Path, say: Say) -> None:
    for path in sorted(made.rglob("*.yaml")):
        assert say("config", "check", str(path))[0] == 0, path


def test_what_a_site_runs_is_its_own(made: Path, say: Say) -> None:
    line = made / "config" / "simulated.yaml"
    line.write_text(line.read_text("utf-8") + "# of this site\n", encoding="utf-8")
    (made / "experiments" / "one_bath.yaml").write_text(EXPERIMENT)
    data = made / "data"
    code, _, err = say("run", "one_bath", "--sim", "--memory", "-q", "--data", str(data))
    assert code == 0, err
    run = StoreReader(data / "simulated-virtual.db").run("last")
    assert run.config_hash == hashlib.sha256(line.read_bytes()).hexdigest()
    assert find_file("simulated") == line  # and not what came with linectl


def test_nothing_is_written_over(made: Path, say: Say) -> None:
    shutil.rmtree(made / "experiments")
    (made / "config" / "simulated.yaml").write_text("mine")
    code, _, err = say("init", str(made))
    assert code == 6
    assert f"{made / 'config'}: there already" in err
    assert (made / "config" / "simulated.yaml").read_text() == "mine"
    assert not (made / "experiments").exists()
    code, _, _ = say("init", str(made / "config" / "simulated.yaml"))
    assert code == 6


def test_an_empty_folder_and_other_files_in_it_are_no_hindrance(tmp_path: Path, say: Say) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    code, out, _ = say("init", str(tmp_path), "--json")
    assert code == 0
    told = json.loads(out)["data"]
    assert str(tmp_path / "config" / "simulated.yaml") in told["files"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_from_an_installation_without_a_tree(tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "env" / "share" / "linectl"
    for folder in ("config", "experiments"):
        shutil.copytree(SHIPPED / folder, share / folder)
        for path in (share / folder).rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)  # as a package manager may leave it
    for module in (files, site):
        monkeypatch.setattr(module, "homes", lambda: [share])
    assert say("init", str(tmp_path / "site"))[0] == 0
    line = tmp_path / "site" / "config" / "simulated.yaml"
    line.write_text(line.read_text("utf-8"), encoding="utf-8")  # it may be changed
    assert say("config", "check", str(line))[0] == 0


def test_an_installation_that_lost_its_files_says_so(tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "homes", lambda: [tmp_path / "gone"])
    code, _, err = say("init", str(tmp_path / "site"))
    assert code == 3
    assert str(tmp_path / "gone") in err
    assert not (tmp_path / "site").exists()


def test_a_copy_that_is_cut_off_leaves_nothing(tmp_path: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    assert say("init", str(tmp_path / "site"))[0] == 5
    assert not list(tmp_path.rglob("config"))

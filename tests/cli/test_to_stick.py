"""`linectl export --to usb:` and `report -o usb:`: what is said, and what then stands on the stick."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from linectl import words
from linectl.cli import to_stick
from linectl.server.results.sticks import stick_of
from tests.cli.test_completion import TRIALS
from tests.server.test_sticks import Computer

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    computer = Computer(tmp_path / "computer")
    monkeypatch.setattr(to_stick, "stick_of", partial(stick_of, roots=computer.roots))
    return computer


@pytest.fixture
def data(tmp_path: Path, say: Say) -> Path:
    (tmp_path / "past.csv").write_text(TRIALS)
    assert say("import", str(tmp_path / "past.csv"), "--data", str(tmp_path / "data"))[0] == 0
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def english() -> None:
    words.use("en")


@pytest.mark.usefixtures("english")
def test_a_run_is_left_on_the_stick_that_is_in(data: Path, computer: Computer, say: Say) -> None:
    code, _, err = say("export", "last", "--to", "usb:", "--data", str(data))
    assert (code, "no stick is mounted" in err, "E-USB-001" in err) == (6, True, True)
    computer.disk("sdb", "8:16", usb=True)
    key = computer.mount("8:17", "/dev/sdb1", "KEY")
    code, out, err = say("export", "last", "--to", "usb:", "--data", str(data))
    assert (code, "the stick KEY may be pulled out" in err) == (0, True), err
    assert all(Path(line).is_relative_to(key) for line in out.splitlines())
    assert any(line.endswith("manifest.json") for line in out.splitlines())
    code, _, err = say("export", "last", "--to", "usb:KEY", "--data", str(data))
    assert (code, "already holds" in err) == (6, True)
    code, out, _ = say("export", "last", "--to", "usb:", "--format", "zip", "--json", "--data", str(data))
    told = json.loads(out)["data"]
    (file,) = map(Path, told["files"])
    assert (code, file.parent, file.suffix, told["stick"]["name"]) == (0, key, ".zip", "KEY")
    assert told["stick"]["bytes"] == file.stat().st_size
    code, out, err = say("report", "-o", "usb:", "--data", str(data))
    assert (code, "may be pulled out" in err) == (0, True)
    assert Path(out.strip()).is_relative_to(key)


def test_a_stick_that_is_locked_is_told_before_anything_is_made(
    data: Path, computer: Computer, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.disk("sdb", "8:16", usb=True)
    computer.mount("8:17", "/dev/sdb1", "KEY", options="ro")
    monkeypatch.setattr(to_stick, "carry", None)  # would fail if it came so far
    code, _, err = say("export", "last", "--to", "usb:", "--data", str(data))
    assert (code, "the stick KEY is read-only" in err) == (6, True)
    words.use("fr")
    code, _, err = say("export", "last", "--to", "usb:", "--data", str(data))
    assert (code, "lecture seule" in err) == (6, True)


def test_a_mistake_of_the_export_leaves_the_stick_alone(data: Path, computer: Computer, say: Say) -> None:
    computer.disk("sdb", "8:16", usb=True)
    key = computer.mount("8:17", "/dev/sdb1", "KEY")
    assert say("export", "nonsense", "--to", "usb:", "--data", str(data))[0] == 6
    assert say("export", "last", "--to", "usb:", "--for", "nobody", "--data", str(data))[0] == 6
    assert not any(key.iterdir())

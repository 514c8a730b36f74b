from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from linectl.config.files import find_file, read_source
from linectl.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, text: str = "kind: line\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_taken_as_given_before_any_other_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "simulated.yaml")
    assert find_file("simulated") == Path("simulated.yaml")
    assert find_file("simulated.yaml") == Path("simulated.yaml")


def test_then_beside_the_file_that_names_it_and_in_its_sister_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namer = write(tmp_path / "site" / "experiments" / "soak.yaml")
    sister = write(tmp_path / "site" / "config" / "bench.yaml")
    assert find_file("bench", beside=namer) == sister
    beside = write(tmp_path / "site" / "experiments" / "bench.yaml")
    assert find_file("bench", beside=namer) == beside


def test_then_in_the_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shared = write(tmp_path / "prefix" / "share" / "linectl" / "experiments" / "only_here.yaml")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    assert find_file("only_here", folder="experiments") == shared


def test_an_editable_install_finds_the_files_of_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if not (ROOT / "config" / "simulated.yaml").is_file():
        pytest.skip("the tests run outside the source tree")
    assert find_file("simulated").name == "simulated.yaml"


def test_what_is_nowhere_names_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        find_file("no_such_line", beside=tmp_path / "x" / "soak.yaml")
    text = caught.value.message
    assert "no_such_line.yaml" in text
    assert str(tmp_path / "x" / "no_such_line") in text
    assert str(Path(sys.prefix) / "share" / "linectl" / "config" / "no_such_line.yaml") in text
    assert caught.value.exit_code == 3


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.yaml", "name: Jura é\n")
    assert read_source(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_bytes_that_are_not_utf8_are_named_by_their_place(tmp_path: Path) -> None:
    path = tmp_path / "latin1.yaml"
    path.write_bytes(b"kind: line\nunit: \xb0C\n")
    with pytest.raises(ConfigError) as caught:
        read_source(path)
    assert str(caught.value.problems[0]).startswith(f"{path}:2:7: byte 0xB0 is not UTF-8")


def test_a_folder_or_a_huge_file_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_source(tmp_path)
    with pytest.raises(ConfigError, match="2000000 bytes"):
        read_source(write(tmp_path / "log.yaml", "#" * 2_000_000))

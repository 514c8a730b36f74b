"""Passwords are kept in files or the environment, and looked up only when a line is opened or checked."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.config.dump import dump_line
from linectl.config.load import load_any, load_line
from linectl.config.secrets import with_secrets
from linectl.errors import ConfigError
from linectl.line.line import Line

LINE = """\
kind: line
name: bench
links:
  plc: {type: memory, name: plc}
  room:
    type: mqtt
    host: broker
    username: linectl
    HOW
scans: {slow: 30}
tags:
  room.temperature: {link: room, point: "a#t", kind: float, scan: slow}
"""
posix = pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX")


def line_in(folder: Path, how: str) -> Path:
    path = folder / "line.yaml"
    path.write_text(LINE.replace("HOW", how), encoding="utf-8")
    return path


def password_of(path: Path) -> str:
    settings = with_secrets(load_line(path)).links["room"]
    assert isinstance(settings, MqttSettings)
    return settings.password


def problem(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        with_secrets(load_line(path))
    (found,) = caught.value.problems
    with pytest.raises(ConfigError, match=r"line\.yaml"):  # `config check` looks too
        load_any(path)
    return str(found)


def test_a_password_in_a_file_of_its_own_beside_the_line(tmp_path: Path) -> None:
    path = line_in(tmp_path, "password_file: broker.secret")
    kept = tmp_path / "broker.secret"
    kept.write_text("hünter2 \nnot this\n", encoding="utf-8")
    kept.chmod(0o600)
    assert password_of(path) == "hünter2 "
    line = load_line(path)
    assert "hünter2" not in f"{line!r}{dump_line(line)}{dump_line(with_secrets(line))}"
    assert "hünter2" not in repr(with_secrets(line))
    again = tmp_path / "again.yaml"
    again.write_text(dump_line(line), encoding="utf-8")
    assert password_of(again) == "hünter2 "


def test_a_password_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = line_in(tmp_path, "password_env: LINECTL_TEST_SECRET")
    monkeypatch.setenv("LINECTL_TEST_SECRET", "hunter2")
    assert password_of(path) == "hunter2"
    monkeypatch.setenv("LINECTL_TEST_SECRET", "")
    assert problem(path) == (
        f"{path}:9:5: links.room.password_env: the environment variable LINECTL_TEST_SECRET is not set: "
        "export it before starting"
    )


@posix
@pytest.mark.parametrize(("mode", "sound"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False)])
def test_a_password_that_others_may_read_is_refused(tmp_path: Path, mode: int, sound: bool) -> None:
    path = line_in(tmp_path, "password_file: broker.secret")
    kept = tmp_path / "broker.secret"
    kept.write_text("hunter2", encoding="utf-8")
    kept.chmod(mode)
    if sound:
        assert password_of(path) == "hunter2"
        return
    said = problem(path)
    assert said.startswith(f"{path}:9:5: links.room.password_file: {kept} may be read by others (mode {mode:o})")
    assert said.endswith(f"chmod 600 {kept}")
    assert "hunter2" not in said


@pytest.mark.parametrize("content", [None, b"", b"\nsecret", b"\xff\xfe", b"x" * 5000])
def test_a_password_that_is_none_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = line_in(tmp_path, "password_file: broker.secret")
    if content is not None:
        (tmp_path / "broker.secret").write_bytes(content)
        (tmp_path / "broker.secret").chmod(0o600)
    said = problem(path)
    assert said.startswith(f"{path}:9:5: links.room.password_file: {tmp_path / 'broker.secret'}")
    assert ("cannot be read" if content is None else "holds no password") in said


def test_files_of_tls_are_beside_the_line_and_looked_for(tmp_path: Path) -> None:
    path = line_in(tmp_path, "tls: {ca_file: tls/ca.pem, certificate_file: own.pem, key_file: own.key}")
    with pytest.raises(ConfigError) as caught:
        with_secrets(load_line(path))
    assert [str(each) for each in caught.value.problems] == [
        f"{path}:9:{column}: links.room.tls.{key}: {tmp_path / name}: no such file"
        for column, key, name in (
            (11, "ca_file", "tls/ca.pem"),
            (32, "certificate_file", "own.pem"),
            (59, "key_file", "own.key"),
        )
    ]
    (tmp_path / "tls").mkdir()
    for name in ("tls/ca.pem", "own.pem", "own.key"):
        (tmp_path / name).touch(0o600)
    settings = with_secrets(load_line(path)).links["room"]
    assert isinstance(settings, MqttSettings)
    assert settings.tls is not None
    assert settings.tls.ca_file == str(tmp_path / "tls" / "ca.pem")
    if os.name == "posix":
        (tmp_path / "own.key").chmod(0o644)
        assert problem(path).endswith(f"own.key may be read by others (mode 644): chmod 600 {tmp_path / 'own.key'}")


def test_a_check_of_the_file_names_the_place_of_a_tls_file(tmp_path: Path) -> None:
    path = line_in(tmp_path, "tls: {ca_file: tls/ca.pem}")
    with pytest.raises(ConfigError, match=r"line.yaml:9:11: links.room.tls.ca_file: .*: no such file"):
        load_any(path)


def test_a_broker_in_the_place_of_the_one_in_the_file_gets_no_password(tmp_path: Path) -> None:
    line = load_line(line_in(tmp_path, "password_env: LINECTL_TEST_NOWHERE"))
    simulated = replace(line, links={**line.links, "room": MqttSettings("127.0.0.1", 1, ("a",))})
    assert with_secrets(simulated) == simulated
    with pytest.raises(ConfigError):  # the control
        with_secrets(line)
    assert with_secrets(line, ["plc"]) == line  # what is not opened needs no secret


def test_a_line_is_not_opened_without_its_passwords(tmp_path: Path) -> None:
    line = load_line(line_in(tmp_path, "password_env: LINECTL_TEST_NOWHERE"))

    async def make() -> None:
        Line(line, Clock(), boot="b")

    with pytest.raises(ConfigError, match=r"line.yaml:9:5: links.room.password_env: .*LINECTL_TEST_NOWHERE"):
        asyncio.run(make())

"""Secrets by name: where they are looked for, who may read them, and that nobody sees them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from drivers.settings import MqttSettings
from linectl.config.dump import dump_line
from linectl.config.load import load_any, load_line
from linectl.config.named_secrets import Unusable, Where, is_name, keep, known, places_of, secret, secret_folder
from linectl.config.secrets import with_secrets
from linectl.errors import ConfigError

LINE = """\
kind: line
name: bench
links:
  room: {type: mqtt, host: broker, username: linectl, password_secret: broker}
scans: {slow: 30}
tags:
  room.temperature: {link: room, point: "a#t", kind: float, scan: slow}
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="rights of files are POSIX")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    (tmp_path / "credentials").mkdir()


def credential(tmp_path: Path, text: str, mode: int = 0o440) -> Path:
    path = tmp_path / "credentials" / "broker"
    path.write_text(f"{text}\n")
    path.chmod(mode)
    return path


def test_a_secret_is_kept_where_only_its_owner_reads_it() -> None:
    path = keep("broker", "hünter 2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["broker"]
    assert secret("broker") == "hünter 2"
    keep("broker", "other")
    assert secret("broker") == "other"


def test_a_mode_that_was_wrong_is_right_when_it_is_set_again() -> None:
    keep("broker", "a").chmod(0o644)
    with pytest.raises(Unusable, match="chmod 600"):
        secret("broker")
    keep("broker", "b")
    assert secret("broker") == "b"


@pytest.mark.parametrize("text", ["", "two\nlines", "bell\a", "x" * 5000])
def test_what_is_no_line_of_text_is_refused_and_the_old_one_stays(text: str) -> None:
    keep("broker", "old")
    with pytest.raises(ConfigError, match="one line of text") as caught:
        keep("broker", text)
    assert caught.value.code == "E-SEC-001"
    assert secret("broker") == "old"


def test_the_service_counts_before_the_person_and_the_person_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unusable, match="linectl secrets set broker"):
        secret("broker")
    monkeypatch.setenv("LINECTL_SECRET_BROKER", "of the environment")
    assert secret("broker") == "of the environment"
    keep("broker", "of the person")
    assert secret("broker") == "of the person"
    credential(tmp_path, "of the service")
    assert secret("broker") == "of the service"
    assert [each.where for each in places_of("broker")] == [Where.CREDENTIALS, Where.FILE, Where.ENVIRONMENT]
    assert list(known()) == ["broker"]


def test_what_others_may_read_is_refused_and_nothing_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINECTL_SECRET_BROKER", "fallback")
    credential(tmp_path, "x", mode=0o444)
    with pytest.raises(Unusable, match=r"chmod 600 .*credentials/broker"):
        secret("broker")
    credential(tmp_path, "x", mode=0o440)  # the group bits of a credential are its ACL's mask
    assert secret("broker") == "x"
    (tmp_path / "credentials" / "broker").unlink()
    keep("broker", "y").chmod(0o640)
    with pytest.raises(Unusable, match="mode 640"):
        secret("broker")


def test_an_empty_variable_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINECTL_SECRET_BROKER", "")
    with pytest.raises(Unusable, match="LINECTL_SECRET_BROKER is empty"):
        secret("broker")
    assert places_of("broker")[0].trouble


@pytest.mark.parametrize("name", ["", "A", "9a", "a-b", "../x", "a/b", "a" * 64, "a\n"])
def test_names_that_are_none(name: str) -> None:
    assert not is_name(name)


def test_a_line_names_a_secret_and_its_password_is_in_nothing_that_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(LINE)
    with pytest.raises(ConfigError, match=rf"{path}:4:55: links\.room\.password_secret: the secret broker is not kept"):
        load_any(path)
    keep("broker", "hunter2")
    line = load_line(path)
    settings = with_secrets(line).links["room"]
    assert isinstance(settings, MqttSettings)
    assert settings.password == "hunter2"
    assert "hunter2" not in f"{line!r}{with_secrets(line)!r}{dump_line(with_secrets(line))}"
    again = tmp_path / "again.yaml"
    again.write_text(dump_line(line))
    assert with_secrets(load_line(again)).links["room"] == settings


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("password_secret: Broker", "`Broker` is no name of a secret"),
        ("password_secret: a, password_env: B", "`password_secret` is given too"),
        ("password_secret: a, password_file: b", "`password_secret` is given too"),
    ],
)
def test_a_wrong_name_and_two_ways_are_told(tmp_path: Path, how: str, message: str) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(LINE.replace("password_secret: broker", how))
    with pytest.raises(ConfigError, match=message):
        load_line(path)


def test_the_folder_is_the_users_own(tmp_path: Path) -> None:
    assert secret_folder() == tmp_path / "config" / "linectl" / "secrets"

"""Why a serial port cannot be opened, in words that fit the case."""

from __future__ import annotations

import errno
import grp
import os
import pwd
from pathlib import Path

import pytest
import serial

from drivers import port_trouble
from drivers.port_trouble import why_not_opened


@pytest.fixture
def foreign_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A port of a group that the user of this program, nobody, is not in."""
    port = tmp_path / "ttyUSB0"
    port.touch()
    if port.stat().st_gid == 0:
        os.chown(port, -1, grp.getgrnam("dialout").gr_gid)
    port.chmod(0o660)
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    monkeypatch.setattr(os, "getegid", lambda: -1)
    monkeypatch.setattr(os, "getgroups", list)
    return port


def denied(port: Path) -> str:
    return why_not_opened(str(port), PermissionError(errno.EACCES, "denied"))


def test_a_port_of_another_group_names_the_group_and_who_must_join_it(
    foreign_port: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = foreign_port.group()
    assert f"belongs to the group {group}: sudo usermod -a -G {group} nobody" in denied(foreign_port)
    joined = grp.struct_group((group, "x", 1, ["nobody"]))
    monkeypatch.setattr(grp, "getgrgid", lambda _gid: joined)
    assert f"joined the group {group} since this login: log in again, or restart the service" in denied(foreign_port)
    monkeypatch.setattr(os, "getgroups", lambda: [foreign_port.stat().st_gid])
    assert f"container must be given the port: --device {foreign_port}" in denied(foreign_port)


def test_a_port_that_no_group_may_open_is_no_case_for_a_group(foreign_port: Path) -> None:
    foreign_port.chmod(0o600)
    assert f"{foreign_port.owner()} alone may open it (-rw-------): give it to a group" in denied(foreign_port)
    assert "ask who administers" in denied(foreign_port.with_name("gone"))
    assert "you may not" in why_not_opened("COM3", serial.SerialException("PermissionError(13, 'Access is denied.')"))


def test_a_port_that_another_user_s_program_has_says_how_to_find_it(tmp_path: Path) -> None:
    said = why_not_opened(str(tmp_path / "ttyUSB0"), OSError(errno.EBUSY, "busy"))
    assert f"of another user: sudo fuser -v {tmp_path / 'ttyUSB0'} names it; often it is ModemManager" in said
    assert "plug it in again" in why_not_opened("/dev/ttyUSB0", OSError(errno.EIO, "Input/output error"))


def test_what_is_plugged_in_is_listed_where_nothing_makes_names_by_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_trouble, "_BY_ID", str(tmp_path / "by-id"))
    monkeypatch.setattr(port_trouble, "_PLAIN", ("nul[l]",))
    missing = FileNotFoundError(errno.ENOENT, "gone")
    assert why_not_opened("/dev/x", missing) == "there is no such port (plugged in: /dev/null)"
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-FTDI").touch()
    assert why_not_opened("/dev/x", missing) == f"there is no such port (plugged in: {tmp_path}/by-id/usb-FTDI)"

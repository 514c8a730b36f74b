"""`linectl watch` as people and programs use it: on a terminal of its own, beside a process that serves the line."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from linectl.cli.main import run

ENDED = "\x1b[?1049l"  # the screen that was before is given back


def environment(folder: Path, **more: str) -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if name not in {"XDG_RUNTIME_DIR", "NO_COLOR"}}
    mine = {"LINECTL_LANG": "en", "LINECTL_OPERATOR": "Zoé", "XDG_STATE_HOME": str(folder), "TERM": "xterm-256color"}
    return {**keep, **mine, **more}


def start(folder: Path, *argv: str, **more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "linectl", *argv, "--data", str(folder)]
    return subprocess.Popen(
        command,
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    server = start(folder, "serve", "simulated", "--sim", "--json")
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["data"]["pid"] == server.pid
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGCONT)
            server.send_signal(signal.SIGINT)
        try:
            server.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate(timeout=20)


class Screen:
    """A terminal of 110 by 32 with the dashboard on it."""

    def __init__(self, folder: Path, *argv: str) -> None:
        self.terminal, slave = pty.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 32, 110, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        command = [sys.executable, "-m", "linectl", "watch", "--data", str(folder), *argv]
        self.process = subprocess.Popen(
            command, env=environment(folder), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        self.said = ""

    def until(self, words: str, within_s: float = 40.0) -> str:
        """Read until `words` came since the last call; return what came."""
        began, at = time.monotonic(), len(self.said)
        while words not in self.said[at:] and time.monotonic() - began < within_s:
            ready, _, _ = select.select([self.terminal], [], [], 0.2)
            if ready:
                self.said += os.read(self.terminal, 65_536).decode(errors="replace")
            elif self.process.poll() is not None:
                break
        came = self.said[at:]
        assert words in came, f"{words!r} did not come in:\n{came[-4000:]!r}"
        return came

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=20)
        os.close(self.slave)
        os.close(self.terminal)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("watched")
    with serving(folder):
        yield folder


@pytest.mark.parametrize("leave", ["q", "\x03", "SIGTERM", "SIGHUP"])
def test_the_screen_comes_up_and_gives_the_terminal_back(folder: Path, leave: str) -> None:
    screen = Screen(folder)
    try:
        screen.until("bath.temperature")
        if leave.startswith("SIG"):
            screen.process.send_signal(signal.Signals[leave])
        else:
            screen.type(leave)
        screen.until(ENDED)
        assert screen.process.wait(20) == 0
        assert termios.tcgetattr(screen.slave)[3] == screen.before[3]  # echo and line mode, as they were
    finally:
        screen.close()


def test_a_server_that_hangs_is_told_and_greeted_again(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        screen = Screen(tmp_path)
        try:
            screen.until("bath.temperature")
            server.send_signal(signal.SIGSTOP)
            screen.until("SERVER LOST")
            server.send_signal(signal.SIGCONT)
            screen.until("READ-ONLY")
            server.kill()
            came = screen.until("SERVER LOST")
            screen.type("H")
            came += screen.until("nothing was sent")
            screen.type("\x18\x18")
            came += screen.until("NOT DELIVERED")
            assert "Traceback" not in came
            screen.type("q")
            screen.until(ENDED)
            assert screen.process.wait(20) == 0
        finally:
            screen.close()


def test_changes_in_a_pipe_end_at_ctrl_c_without_a_complaint(folder: Path) -> None:
    watching = start(folder, "watch", "--plain", PYTHONIOENCODING="ascii")
    assert watching.stdout is not None
    lines = [watching.stdout.readline().decode("ascii") for _ in range(16)]  # a serial console's letters
    watching.send_signal(signal.SIGINT)
    _, trouble = watching.communicate(timeout=20)
    assert (watching.returncode, trouble) == (0, b"")
    assert any("bath.temperature" in line for line in lines)
    assert all(line[2] == line[5] == ":" for line in lines)


def test_changes_as_data_are_one_envelope_a_line(folder: Path) -> None:
    watching = start(folder, "watch", "--json", "--page", "values")
    assert watching.stdout is not None
    said = [json.loads(watching.stdout.readline()) for _ in range(3)]
    watching.stdout.close()  # whoever read has gone
    assert watching.wait(20) == 0
    assert {each["schema"] for each in said} == {"linectl.watch/1"}
    assert {each["data"]["section"] for each in said} == {"values"}
    first, second = (set(each["data"]["data"]) for each in said[:2])
    assert second < first  # what has changed, and no more
    assert watching.stderr is not None
    assert b"Traceback" not in watching.stderr.read()
    watching.stderr.close()


def test_changes_end_by_themselves_when_the_time_is_over(folder: Path) -> None:
    watching = start(folder, "watch", "--plain", "--for", "1.5", "--page", "values")
    out, trouble = watching.communicate(timeout=60)
    assert (watching.returncode, trouble) == (0, b"")
    assert out.count(b"bath.temperature") >= 1


@pytest.mark.parametrize(
    ("words", "code", "trouble"),
    [
        ((), 2, "linectl watch --plain"),
        (("--for", "3"), 2, "the screen stays until it is left"),
        (("--plain", "--write"), 2, "a list of changes writes nothing"),
        (("--plain",), 4, "linectl serve"),
        (("--json",), 4, "linectl serve"),
        (("--page", "everything"), 2, "everything"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, trouble: str
) -> None:
    assert run(["watch", *words, "--data", str(tmp_path), "--lang", "en"]) == code
    assert trouble in capsys.readouterr().err

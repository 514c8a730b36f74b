"""Questions at a terminal: Ctrl+C ends them also where it comes just before the system's wait for a line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time

import pytest

# the thread takes the signal, so that no wait of the main thread is interrupted by it: as when it comes too early
ASKED = """
import signal, threading, sys
from linectl.cli.questions import typed_line
def interrupt():
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
threading.Timer(0.5, interrupt).start()
try:
    print("got", {asked}, end="")
except KeyboardInterrupt:
    print("ended by Ctrl+C", end="")
"""


def answered(asked: str, after_s: float) -> str:
    """Return what `asked` came to at a terminal where a line is typed after `after_s`."""
    master, slave = pty.openpty()
    typing = threading.Timer(after_s, os.write, (master, b"yes\n"))
    typing.start()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", ASKED.format(asked=asked)], stdin=slave, stdout=subprocess.PIPE, text=True
        ) as process:
            return process.communicate(timeout=60)[0]
    finally:
        typing.cancel()
        os.close(slave)
        os.close(master)


def test_ctrl_c_that_comes_before_the_wait_ends_it() -> None:
    started = time.monotonic()
    assert answered("repr(typed_line())", 30.0) == "ended by Ctrl+C"
    assert time.monotonic() - started < 25.0


def test_the_systems_own_wait_would_keep_it_until_enter() -> None:
    started = time.monotonic()
    answered("repr(sys.stdin.readline())", 5.0)
    assert time.monotonic() - started > 4.5


@pytest.mark.parametrize(("typed", "got"), [("a\nb\n", ["a\n", "b\n", ""]), ("a", ["a", "", ""]), ("", ["", "", ""])])
def test_a_pipe_is_read_line_by_line(typed: str, got: list[str]) -> None:
    code = "from linectl.cli.questions import typed_line; print([typed_line() for _ in range(3)])"
    done = subprocess.run([sys.executable, "-c", code], input=typed, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(got)

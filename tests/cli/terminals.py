"""A command of linectl on a pseudo-terminal of its own, for tests that type."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

__all__ = ["Typist"]


class Typist:
    """`linectl WORDS` on a pseudo-terminal: what it shows, and a person who types."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        known: Mapping[str, str] = {**os.environ, "LINECTL_LANG": "en", "XDG_STATE_HOME": str(folder / "state")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "linectl", *words],
            cwd=folder,
            env={**known, **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""
        self.all = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self._master)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl+C: the terminal has no foreground group of its own here, so the signal goes by hand."""
        self.process.send_signal(signal.SIGINT)

    def until(self, text: str, within_s: float = 60.0) -> None:
        """Read until `text` is shown after what was waited for before."""
        end_s = time.monotonic() + within_s
        while text not in self.shown:
            assert time.monotonic() < end_s, f"not shown: {text}; but: {self.all[-2000:]}"
            assert self._read(), f"ended before {text!r}: {self.all[-2000:]}"
        self.shown = self.shown.partition(text)[2]

    def wait(self, within_s: float = 60.0) -> int:
        end_s = time.monotonic() + within_s
        while self._read() and time.monotonic() < end_s:
            pass
        return self.process.wait(10)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 1.0)[0]:
            return True
        try:
            got = os.read(self._master, 4096).decode(errors="replace")
        except OSError:  # the other end is closed
            return False
        self.shown += got
        self.all += got
        return bool(got)

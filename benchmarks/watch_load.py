"""What the dashboard costs: its share of one core on a terminal of 110 by 32, beside a served bath whose values move.

The line is the simulated bath at its own pace, in another process; the dashboard draws into a pseudo-terminal that is
read all the time, as a terminal does. The first seconds, in which all is drawn once, do not count.
"""

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
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["measure"]

SETTLED_S, MEASURED_S = 5.0, 20.0
AIM_SHARE = 0.10
_TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> list[dict[str, Any]]:
    """Return the dashboard's share of a core and what it sends to the terminal, beside their aims."""
    with TemporaryDirectory() as folder, _serving(Path(folder)):
        share, sent = _watched(Path(folder))
    return [
        _row("dashboard, share of a core", 100 * share, "%", "aim", 100 * AIM_SHARE),
        _row("dashboard, sent to the terminal", sent / 1000.0, "kB/s", "a toy of five widgets at 4/1 Hz", 45.0),
    ]


def _row(name: str, value: float, unit: str, reference: str, reference_value: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "reference_value": reference_value,
        "ratio": value / reference_value,
    }


def _linectl(*argv: str) -> list[str]:
    return [sys.executable, "-m", "linectl", *argv]


@contextmanager
def _serving(folder: Path) -> Iterator[None]:
    command = _linectl("serve", "simulated", "--sim", "--json", "--data", str(folder))
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        json.loads(server.stdout.readline())
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def _watched(folder: Path) -> tuple[float, float]:
    """Return processor seconds and bytes a second of a dashboard."""
    terminal, slave = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 32, 110, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    watch = subprocess.Popen(
        _linectl("watch", "--data", str(folder)), stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    try:
        _read(terminal, SETTLED_S)
        used, began = _used_s(watch.pid), time.monotonic()
        sent = _read(terminal, MEASURED_S)
        took = time.monotonic() - began
        return (_used_s(watch.pid) - used) / took, sent / took
    finally:
        watch.kill()
        watch.wait(20)
        os.close(terminal)


def _read(terminal: int, seconds: float) -> int:
    """Take what comes for so long, as a terminal does; return how many bytes came."""
    end, came = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            came += len(os.read(terminal, 65_536))
    return came


def _used_s(pid: int) -> float:
    """Return the processor seconds that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    for record in measure():
        print(record)

"""How long the command line takes to start, against a bare interpreter; interleaved rounds, medians."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS = 15
ENTRY = ["-c", "from linectl.__main__ import main; main()"]  # what the installed command does
CASES = {"--version": [*ENTRY, "--version"], "--help": [*ENTRY, "--help"]}


def _timed(arguments: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=environment)
    return (time.perf_counter() - started) * 1000


@contextmanager
def _served(folder: str) -> Iterator[None]:
    """Serve the simulated bath for the time of the block."""
    command = [sys.executable, *ENTRY, "serve", "simulated", "--sim", "--json", "--data", folder]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        json.loads(server.stdout.readline())
        yield
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def measure() -> list[dict[str, object]]:
    """Return the start-up times in ms beside `python -c pass`; `status --json` asks a running server."""
    with tempfile.TemporaryDirectory() as folder, _served(folder):
        cases = {**CASES, "status --json": [*ENTRY, "status", "--json", "--data", folder]}
        times: dict[str, list[float]] = {name: [] for name in ("bare", *cases)}
        for arguments in cases.values():
            _timed(arguments)  # compiled once, as on any machine in use
        for _ in range(ROUNDS):
            times["bare"].append(_timed(["-c", "pass"]))
            for name, arguments in cases.items():
                times[name].append(_timed(arguments))
    bare = statistics.median(times["bare"])
    return [
        {
            "name": f"linectl {name}",
            "value": statistics.median(times[name]),
            "unit": "ms",
            "reference": "python -c pass",
            "reference_value": bare,
            "ratio": statistics.median(times[name]) / bare,
        }
        for name in cases
    ]


if __name__ == "__main__":
    print(measure())

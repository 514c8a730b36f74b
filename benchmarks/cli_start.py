"""How long the command line takes to start, against a bare interpreter; interleaved rounds, medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 9
ENTRY = ["-c", "from linectl.__main__ import main; main()"]  # what the installed command does
CASES = {"--version": [*ENTRY, "--version"], "--help": [*ENTRY, "--help"]}


def _timed(arguments: list[str]) -> float:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=environment)
    return (time.perf_counter() - started) * 1000


def measure() -> list[dict[str, object]]:
    """Return the start-up times in ms beside `python -c pass`."""
    times: dict[str, list[float]] = {name: [] for name in ("bare", *CASES)}
    for arguments in CASES.values():
        _timed(arguments)  # compiled once, as on any machine in use
    for _ in range(ROUNDS):
        times["bare"].append(_timed(["-c", "pass"]))
        for name, arguments in CASES.items():
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
        for name in CASES
    ]


if __name__ == "__main__":
    print(measure())

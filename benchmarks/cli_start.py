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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

ROUNDS = 15
BATHS = (("a", 50), ("b", 62))
NOTHING: Mapping[str, str] = MappingProxyType({})
ENTRY = ["-c", "from linectl.__main__ import main; main()"]  # what the installed command does
CASES = {"--version": [*ENTRY, "--version"], "--help": [*ENTRY, "--help"]}
TABS = {
    "a verb": ("re",),
    "an option": ("export", "--f"),
    "a run": ("runs", "show", ""),
    "a tag": ("tags", "read", "simulated", "bath."),
    "a file": ("run", "gl"),
}
"""What is typed as TAB is pressed."""


def _timed(arguments: list[str], more: Mapping[str, str] = NOTHING) -> float:
    environment = {name: each for name, each in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | dict(more)
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


def _one_run(folder: str) -> None:
    """Take past trials in, for runs to choose among."""
    rows = [
        f"{bath}-{n},{bath},starch,{degrees},1.0,{60 * n},{60 * n + 60}" for bath, degrees in BATHS for n in range(9)
    ]
    file = Path(folder, "past.csv")
    file.write_text("\n".join(["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s", *rows, ""]), encoding="utf-8")
    subprocess.run([sys.executable, *ENTRY, "import", str(file), "--data", folder], capture_output=True, check=True)


def _tab(folder: str, words: tuple[str, ...]) -> dict[str, str]:
    """Return what a shell's script sets as TAB is pressed behind `words`."""
    typed = ("linectl", *words[:-1], "--data", folder, words[-1]) if len(words) > 1 else ("linectl", *words)
    asked = {"_LINECTL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(typed), "COMP_CWORD": str(len(typed) - 1)}
    return {**asked, "XDG_CACHE_HOME": folder}


def measure() -> list[dict[str, object]]:
    """Return the start-up times in ms beside `python -c pass`; `status --json` asks a running server."""
    with tempfile.TemporaryDirectory() as folder, _served(folder):
        _one_run(folder)
        cases: dict[str, tuple[list[str], Mapping[str, str]]] = {
            **{name: (arguments, NOTHING) for name, arguments in CASES.items()},
            "status --json": ([*ENTRY, "status", "--json", "--data", folder], NOTHING),
            **{f"TAB: {name}": (ENTRY, _tab(folder, words)) for name, words in TABS.items()},
        }
        times: dict[str, list[float]] = {name: [] for name in ("bare", *cases)}
        for arguments, more in cases.values():
            _timed(arguments, more)  # compiled once, as on any machine in use
        for _ in range(ROUNDS):
            times["bare"].append(_timed(["-c", "pass"]))
            for name, (arguments, more) in cases.items():
                times[name].append(_timed(arguments, more))
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

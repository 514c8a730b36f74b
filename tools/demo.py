"""`make demo`: a glue screening on the simulated rig, to its report, its CSV files and a verdict per glue."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"


def linectl(*words: str) -> None:
    """Run one linectl command; end the demo with its exit code when it fails."""
    print("$ linectl", *words, flush=True)
    command = [sys.executable, "-m", "linectl", *words, "--data", "demo/data"]
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Run the demo and print what it took."""
    shutil.rmtree(DEMO, ignore_errors=True)
    started_s = time.monotonic()
    os.environ.setdefault("LINECTL_OPERATOR", "demo")
    linectl("run", "experiments/glue_screening.yaml", "--sim")
    linectl("report", "last", "-o", "demo/report.html")
    linectl("export", "last", "--to", "demo/csv")
    linectl("verdict", "last")
    took_s = time.monotonic() - started_s
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"demo: {took_s:.0f} s (aim 60, at most 120), peak {peak_mib:.0f} MiB of memory (at most 400)")


if __name__ == "__main__":
    main()

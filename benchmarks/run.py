"""`make bench`: what linectl costs, as ratios measured in one run; writes benchmarks/out.json."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    analysis_speed,
    bottles_speed,
    cli_start,
    durable_rows,
    fit_speed,
    served_line,
    twin_memory,
    twin_physics,
    virtual_speed,
    watch_load,
    wire_fence,
    wire_guard,
    wire_speed,
)

HERE = Path(__file__).resolve().parent

Row = dict[str, object]
PARTS: tuple[Callable[[], list[Row]], ...] = (
    cli_start.measure,
    twin_physics.measure,
    virtual_speed.measure,
    twin_memory.measure,
    durable_rows.measure,
    wire_speed.measure,
    wire_guard.measure,
    wire_fence.measure,
    fit_speed.measure,
    analysis_speed.measure,
    bottles_speed.measure,
    watch_load.measure,
    served_line.measure,
)


def demo() -> list[Row]:
    """Return how long the demo takes after installation, against its aim of 60 s."""
    done = subprocess.run(
        [sys.executable, "tools/demo.py"], cwd=HERE.parent, capture_output=True, text=True, check=True
    )
    took_s = float(done.stdout.rsplit("demo: ", 1)[1].split(" s", 1)[0])
    return [row("demo", took_s, "s", "aim", 60.0)]


def row(name: str, value: float, unit: str, reference: str, reference_value: float) -> Row:
    """Return one figure beside its reference."""
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "reference_value": reference_value,
        "ratio": value / reference_value,
    }


def main() -> None:
    """Measure all, print a table, write out.json."""
    rows = [figure for part in (*PARTS, demo) for figure in part()]
    for figure in rows:
        print(
            f"{figure['name']:<34} {figure['value']:>12.4g} {figure['unit']:<8} "
            f"{figure['reference']:<28} {figure['reference_value']:>12.4g}  x{figure['ratio']:.3g}"
        )
    (HERE / "out.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

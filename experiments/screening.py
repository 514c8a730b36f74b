"""Screen one new glue from the first bath to its verdict and report.

linectl run experiments/screening.py --sim            or            python experiments/screening.py

The experiment is that of `day_screening.yaml`; SCREENING names another file, REPORT where the report goes.
"""

from __future__ import annotations

import os

import linectl

EXPERIMENT = os.environ.get("SCREENING", "day_screening.yaml")
REPORT = os.environ.get("REPORT", "screening.html")


async def main() -> None:
    """Plan, soak, analyse in a process of its own while the line goes on being read, and tell the verdict."""
    experiment = linectl.load_experiment(EXPERIMENT)
    plan = linectl.plan(experiment)
    hours = sum(bath.total_s for bath in plan.times) / 3600
    print(f"{experiment.name}: {len(plan.baths)} baths, {hours:.1f} h planned")
    for warning in plan.warnings:
        print(f"  {warning.code}: {warning.detail}")
    async with linectl.open_line("simulated", seed=experiment.seed, memory=True) as bench:
        result = await bench.run(experiment)
        analysis = await linectl.in_child(linectl.analyse, result.runs)
        print(f"{result.outcome.exit_status} after {bench.hours():.1f} h, {len(result.bottles)} bottles")
    for glue in analysis.glues:
        bound = "" if glue.verdict.bound_s is None else f", bound {glue.verdict.bound_s:.0f} s"
        print(f"{glue.glue}: {glue.verdict.word} ({glue.verdict.reason}{bound})")
    print(linectl.report(result.runs, REPORT))


if __name__ == "__main__":
    linectl.run(main(), sim=True)

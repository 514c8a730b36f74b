"""Confirm a glue: screen it, register point and rule, soak what was registered, and judge.

linectl run experiments/confirmation.py --sim       or       python experiments/confirmation.py

SCREENING and GLUE name another screening, RULE another rule; BATHS stops after so many baths of each set (as a day
does; the rest stays open, and the verdict says so). Files of the registered sets go into the folder PLACE.
"""

from __future__ import annotations

import os
from dataclasses import replace

import linectl

EXPERIMENT = os.environ.get("SCREENING", "day_screening.yaml")
GLUE = os.environ.get("GLUE", "new_glue")
RULE = os.environ.get("RULE", "628/2")
BATHS = int(os.environ.get("BATHS", "1000"))
PLACE = os.environ.get("PLACE", "confirmation")


async def main() -> None:
    """Screen, register before the first bottle, run both sets, and print every criterion with its numbers."""
    experiment = linectl.load_experiment(EXPERIMENT)
    async with linectl.open_line("simulated", seed=experiment.seed, memory=True) as bench:
        screening = await bench.run(experiment)
    registered = linectl.register_confirmation(
        screening.runs, GLUE, lots=["A", "B"], rule=RULE, recipe="reference_80c_2pct", folder=PLACE
    )
    name = registered.confirmation.id
    print(f"{name}: {registered.confirmation.rule}, applied as {registered.confirmation.applied}")
    async with linectl.open_line("simulated", seed=experiment.seed + 1, memory=True) as bench:
        for file in registered.files:
            plan = linectl.load_experiment(file)
            result = await bench.run(replace(plan, replicates=min(plan.replicates, BATHS)))
            print(f"{plan.name}: {result.released()} of {len(result.bottles)} labels off")
    verdict = linectl.judge_confirmation(screening.runs, name)
    for criterion in verdict.criteria:
        word = {True: "passed", False: "failed", None: "open"}[criterion.passed]
        print(f"  {criterion.code}: {word} ({criterion.measured}; asked: {criterion.threshold})")
    print(f"{name}: {verdict.word}, {verdict.stuck} stuck of {verdict.bottles}")


if __name__ == "__main__":
    linectl.run(main(), sim=True)

"""Let each bath choose the next one, until the bound is within 10 % of the estimate or the day is over.

linectl run experiments/adaptive_search.py --sim      or      python experiments/adaptive_search.py

SEARCH names another experiment file, DAY_H the hours of the day, WITHIN the share (0.10).
"""

from __future__ import annotations

import os

import linectl

EXPERIMENT = os.environ.get("SEARCH", "day_screening.yaml")
DAY_H = float(os.environ.get("DAY_H", "8"))
WITHIN = float(os.environ.get("WITHIN", "0.10"))
FIRST_C = (60.0, 70.0, 80.0)  # no activation energy without three temperatures


async def main() -> None:
    """Soak three temperatures, then what `next_soak` proposes for the first glue of the experiment."""
    experiment = linectl.load_experiment(EXPERIMENT)
    glue = experiment.glues[0]
    async with linectl.open_line("simulated", seed=experiment.seed, memory=True) as bench:
        for temperature_c in FIRST_C:
            result = await bench.bath(experiment, temperature_c=temperature_c, naoh_pct=1.5)
            print(f"{temperature_c:g} °C: {result.released()} of {len(result.bottles)} labels off")
        while True:
            proposal = await linectl.in_child(linectl.next_soak, bench.made, glue=glue, per_minute=True)
            soak = proposal.soak
            ratio = soak.bound_ratio_now
            if ratio is not None and ratio <= 1 + WITHIN:
                print(f"after {bench.hours():.1f} h the bound of {glue} is {ratio:.3f} times the estimate: enough")
                break
            if bench.hours() + soak.minutes / 60 > DAY_H:
                print(f"after {bench.hours():.1f} h no further bath of {soak.minutes:.0f} min fits into the day")
                break
            known = "not known" if ratio is None else f"{ratio:.3f}"
            print(f"bound/estimate {known}: next {soak.temperature_c:g} °C, {soak.naoh_pct:g} %, {soak.soak_s:.0f} s")
            await bench.bath(experiment, temperature_c=soak.temperature_c, naoh_pct=soak.naoh_pct, soak_s=soak.soak_s)
        analysis = await linectl.in_child(linectl.analyse, bench.made)
    for found in analysis.glues:
        print(f"{found.glue}: {found.verdict.word}, {found.n_bottles} bottles in {found.n_baths} baths")


if __name__ == "__main__":
    linectl.run(main(), sim=True)

"""Does the 95 % interval of the activation energy hold the truth 95 times in 100?

Simulates screenings whose truth is known, fits each glue on the measured bath temperature through the lag of the
glass, and counts how often the interval covers. Once more without the lag: the negative control, which must fail.

    python benchmarks/study_activation_energy.py --campaigns 100 --seed 1 --jobs 2

Ends with 1 when a glue that comes off is covered fewer than 90 or more than 99 times in 100.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import NotFitted, fit_release
from linectl.model.experiments import Decision, Experiment, Glass, Soak
from linectl.sim.bath.campaign import Campaign, simulate_campaign
from linectl.sim.bath.physics import BathParams
from linectl.sim.glue.labels import GLUES, glue_class

SCREENING = Experiment(
    name="glue_screening",
    question="At which temperature and NaOH do the labels come off?",
    temperatures_c=(50.0, 60.0, 70.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "starch", "pvoh", "psa", "permanent"),
    replicates=3,
    bottles_per_glue=4,
    seed=1,
    soak=Soak(cap_s=1200.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (50.0, 60.0, 70.0, 80.0), (0.0, 1.5)),
)
RELEASING = ("casein", "starch", "pvoh", "psa")
NO_LAG = Glass(tau_glass_s=0.0)
FEWEST, MOST = 0.90, 0.99
TWO_SIDED_95 = statistics.NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One glue of one campaign: E and its standard error (kJ/mol), or None with the reason why there is none."""

    glue: str
    lagged: bool
    energy: float | None
    error: float
    reason: str
    stuck: int  # labels of this campaign that never come off, as far as the soak can tell

    def covers(self, truth: float) -> bool:
        """Whether the 95 % interval holds `truth`."""
        return self.energy is not None and abs(self.energy - truth) <= TWO_SIDED_95 * self.error


def release_data(campaign: Campaign) -> ReleaseData:
    """Return what a campaign showed, as the analysis takes it."""
    records = [
        ReleaseRecord(
            bottle=f"{bath.name}/{bottle.position}",
            bath=bath.name,
            glue=bottle.glue,
            lo_s=bottle.lo_s,
            hi_s=bottle.hi_s,
            caustic_pct=bath.naoh_pct,
            temperature_c=bath.temperature_c,
            naoh_pct=bath.naoh_pct,
            inserted_at_s=bottle.inserted_s,
        )
        for bath in campaign.baths
        for bottle in bath.bottles
    ]
    return ReleaseData.from_records(
        records, {bath.name: BathTrace.of(bath.trace_s, bath.trace_c) for bath in campaign.baths}
    )


def study_one(seed: int, params: BathParams) -> list[Outcome]:
    """Simulate the screening of `seed` and fit each of its glues, with and without the lag."""
    data = release_data(simulate_campaign(SCREENING, seed, params=params))
    outcomes = []
    for glue in SCREENING.glues:
        rows = data.of_glue(glue)
        stuck = sum(1 for row in rows.records if row.hi_s == float("inf"))
        for glass in (SCREENING.glass, NO_LAG):
            fit = fit_release(rows, "lognormal", glass=glass)
            lagged = glass is not NO_LAG
            if isinstance(fit, NotFitted):
                outcomes.append(Outcome(glue, lagged, None, 0.0, str(fit.code), stuck))
            else:
                outcomes.append(Outcome(glue, lagged, fit.energy, fit.se("E"), "", stuck))
    return outcomes


def report(outcomes: list[Outcome], campaigns: int) -> bool:
    """Print the table; return whether every glue that comes off is covered as often as it should be."""
    by_case: dict[tuple[str, bool], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_case[outcome.glue, outcome.lagged].append(outcome)
    print(
        f"{'glue':10} {'lag':4} {'truth':>6} {'covered':>12} {'mean E':>8} {'sd of E':>8} {'mean SE':>8} {'stuck':>6}"
    )
    passed = True
    for (glue, lagged), cases in by_case.items():
        truth = GLUES[glue_class(glue)].ea_kj_mol
        fitted = [case.energy for case in cases if case.energy is not None]
        covered = sum(case.covers(truth) for case in cases)
        figures = f"{'-':>8} {'-':>8} {'-':>8}"
        if len(fitted) > 1:
            error = statistics.mean(case.error for case in cases if case.energy is not None)
            figures = f"{statistics.mean(fitted):8.2f} {statistics.stdev(fitted):8.2f} {error:8.2f}"
        stuck = statistics.mean(case.stuck for case in cases)
        reasons = ", ".join(sorted({case.reason for case in cases if case.reason}))
        word = "yes" if lagged else "no"
        print(f"{glue:10} {word:4} {truth:6.1f} {covered:5} of {campaigns:3} {figures} {stuck:6.1f} {reasons}".rstrip())
        if lagged and glue in RELEASING:
            passed = passed and FEWEST * campaigns <= covered <= MOST * campaigns
    return passed


def main() -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="the first campaign's seed; the others count up")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--probe-lag-s", type=float, default=BathParams().probe_s)
    options = parser.parse_args()
    params = BathParams(probe_s=options.probe_lag_s)
    seeds = range(options.seed, options.seed + options.campaigns)
    began = time.perf_counter()
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(study_one, seeds, [params] * len(seeds)))
    baths = len(SCREENING.temperatures_c) * len(SCREENING.naoh_pct) * SCREENING.replicates
    took_s = time.perf_counter() - began
    print(f"{options.campaigns} campaigns of {baths} baths from seed {options.seed}, {took_s:.0f} s")
    passed = report([outcome for outcomes in results for outcome in outcomes], options.campaigns)
    print(f"95 % intervals between {FEWEST:.0%} and {MOST:.0%} where labels come off: {'yes' if passed else 'NO'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

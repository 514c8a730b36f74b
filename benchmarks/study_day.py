"""A new glue in the morning: is it CANDIDATE or NO-GO the same day, on one 40 L bath of 20 bottles? And rightly?

Glues are drawn from a broad prior (good, bad, borderline; some with labels that never come off), labs with a probe
within its calibration and baths that differ by .15 to .3 in ln t. The day's baths are those of
experiments/day_screening.yaml, 12 in 6 h 11 min by its plan, with ten bottles of the new glue each. Whoever is told
MORE BOTTLES soaks up to three baths more at the proposed temperature, with 20 bottles of the new glue, and so ends
within eight hours.

    python -m benchmarks.study_day --days 60 --seed 1

A CANDIDATE is false when less than 99 % of its labels would be off at the point it names, a NO-GO when 99 % would be at
the hottest point asked. Ends with 1 when false CANDIDATEs exceed 5 % of the days by more than the simulation error.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from math import log, sqrt
from typing import NamedTuple

import numpy as np

from benchmarks.worlds import Screening, World, screen
from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.lab.bound_engine import BoundEngine, Replicas
from linectl.lab.decision import Standing, decide
from linectl.lab.design.baths import trials
from linectl.lab.fitted import Fitted
from linectl.lab.glue_bounds import GlueBounds
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.trace import NO_LAG
from linectl.lab.results import SensorDoubt, Verdict, VerdictWord
from linectl.model.experiments import Decision, Prior

DOUBT = SensorDoubt(temperature_k=0.15, naoh_pct=0.03)  # as config/simulated_calibration.yaml
MORE_BATHS, MORE_BOTTLES = 3, 20
GOOD, BAD = 0.998, 0.97  # of the labels at the hottest point: what lies between is borderline


class Day(NamedTuple):
    """How one day ended: the verdict after the plan, after the baths more, and the share off that is true there."""

    planned: Verdict
    final: Verdict
    kind: str
    baths: int
    true_at_point: float
    true_hottest: float


def drawn(rng: np.random.Generator) -> World:
    """Return a glue as it may come in the morning."""
    return World(
        "new glue",
        ln_t50_60=float(rng.normal(log(450.0), 1.0)),
        energy=float(rng.uniform(40.0, 70.0)),
        sigma=float(rng.uniform(0.25, 0.45)),
        bath_sd=float(rng.uniform(0.15, 0.30)),
        never=float(rng.choice([0.0, 0.001, 0.03], p=[0.6, 0.25, 0.15])),
        probe_sd=DOUBT.temperature_k or 0.0,
    )


def judged(data: ReleaseData, decision: Decision, replicates: int, seed: int) -> Verdict:
    """Return the verdict on the one glue of `data`, by the rules of the analysis."""
    fitted = Fitted(data, NO_LAG)
    engine = BoundEngine(fitted, Replicas(replicates, seed, Prior().bath_sd))
    points = GlueBounds(engine, decision, DOUBT).points()
    stuck = fitted.may_stick(decision.removal, decision.confidence)
    return decide(decision, points, data, Standing({family: fit.aic for family, fit in fitted.fits.items()}, stuck))


def lived(number: int, seed: int, replicates: int) -> Day:
    """Return how the day `number` of a study ends."""
    experiment = load_experiment(find_file("day_screening", folder="experiments"))
    decision, rng = experiment.decision, np.random.default_rng([seed, number])
    world = drawn(rng)
    baths = tuple((bath.treatment.temperature_c, bath.treatment.naoh_pct) for bath in trials(experiment))
    plan = Screening(baths, experiment.bottles_per_glue, experiment.soak.check_s, experiment.soak.cap_s)
    offset_k, lots = rng.normal(0.0, world.probe_sd), np.zeros(1)
    data = screen(world, plan, rng, offset_k=offset_k, lots=lots)
    planned = verdict = judged(data, decision, replicates, number)
    used = len(baths)
    while verdict.word is VerdictWord.MORE_BOTTLES and used < len(baths) + MORE_BATHS and verdict.where_c is not None:
        more = replace(plan, baths=((verdict.where_c, verdict.where_naoh_pct or 1.5),), bottles=MORE_BOTTLES)
        data = joined(data, screen(world, more, rng, offset_k=offset_k, lots=lots), used + 1)
        verdict = judged(data, decision, replicates, number)
        used += 1
    hottest = world.removal(max(decision.temperatures_c), 1.5, decision.soak_s)
    at = max(decision.temperatures_c) if verdict.temperature_c is None else verdict.temperature_c
    kind = "good" if hottest >= GOOD else "bad" if hottest < BAD else "borderline"
    return Day(planned, verdict, kind, used, world.removal(at, 1.5, decision.soak_s), hottest)


def joined(data: ReleaseData, more: ReleaseData, number: int) -> ReleaseData:
    """Return `data` with one bath more."""
    name = f"{number:02d}"
    rows = [replace(row, bath=name, bottle=f"{name}-{k}") for k, row in enumerate(more.records)]
    traces = {**dict(zip(data.baths, data.traces, strict=True)), name: more.traces[0]}
    return ReleaseData.from_records([*data.records, *rows], traces)


def main() -> int:
    """Print the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--replicates", type=int, default=199)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    days = [lived(number, asked.seed, asked.replicates) for number in range(asked.days)]
    ended = [day for day in days if day.final.word is not VerdictWord.MORE_BOTTLES]
    candidates = [day for day in ended if day.final.word is VerdictWord.CANDIDATE]
    refused = [day for day in ended if day.final.word is VerdictWord.NO_GO]
    false_candidate = sum(day.true_at_point < 0.99 for day in candidates)
    false_no_go = sum(day.true_hottest >= 0.99 for day in refused)
    planned = sum(day.planned.word is not VerdictWord.MORE_BOTTLES for day in days)
    total, error = len(days), sqrt(0.05 * 0.95 / len(days))
    print(f"{total} days, 12 baths of 10 bottles of the new glue (simulation error of 5 %: {100 * error:.1f} %)")
    print(f"ended by the plan alone       {100 * planned / total:5.1f} %")
    print(f"ended with up to 3 baths more {100 * len(ended) / total:5.1f} %")
    for name, count, false in (("CANDIDATE", len(candidates), false_candidate), ("NO-GO", len(refused), false_no_go)):
        print(f"{name:<9} {count:4d}, of them false {false:3d} ({100 * false / total:.1f} % of the days)")
    for kind in ("good", "borderline", "bad"):
        mine = [day for day in days if day.kind == kind]
        words = [day.final.word for day in mine]
        counts = ", ".join(f"{word.value} {words.count(word)}" for word in dict.fromkeys(words))
        print(f"  {kind:<10} {len(mine):3d}: {counts}")
    return int(false_candidate / total > 0.05 + 2 * error)


if __name__ == "__main__":
    sys.exit(main())

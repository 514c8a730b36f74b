"""Does the 95 % upper bound of the marginal t99 hold the truth, when baths differ and are few?

Simulates screenings whose bath effect is known, and counts how often the bound of the time in which 99 % are off is
above the truth. `lab` is the world in which the method was chosen: ten bottles to a bath at 50, 60 and 70 °C, looked at
every 15 s for 20 min. The other worlds had no part in that: baths of 20, another sigma and energy, a day's screening
of 8 baths, glass that lags in a bath that drifts. Beside the bootstrap-t stands the Wald bound that other tools print,
without a bath effect: the negative control, which must fail at 30 bottles; `--profile` adds the profile likelihood.

    python -m benchmarks.study_coverage --repeats 300 --worlds lab --families weibull --bottles 240 --jobs 2

`floored` is the share of bounds that the floor decided, not t*. Ends with 1 when the bootstrap-t
covers less than 0.93 in any cell, or in all together, by more than twice its simulation error, or when the negative
control passes.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from linectl.lab.kinetics.bath_effect import fit_bath_effect
from linectl.lab.kinetics.bootstrap import UPPER_FLOORED, MarginalTimes
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.distributions import family
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.intervals import ReleaseTimes
from linectl.lab.kinetics.marginal import log_time, spread_quantile
from linectl.lab.kinetics.trace import NO_LAG, LaggedBath, TraceDose
from linectl.model.experiments import Glass

CHECK_S = 15.0
LEAST, NEGATIVE = 0.93, 0.90
CONF = 0.95


@dataclass(frozen=True, slots=True)
class World:
    """How labels release and how they are soaked; `bath_sd` is what the planner guesses, not the truth.

    `t50_60_s` is the scale of the time at 60 °C (s), `drift_k` the standard deviation of each bath's drift from first
    to last look.
    """

    number: int
    bottles: tuple[int, ...]
    omegas: tuple[float, ...]
    per_bath: int = 20
    temperatures_c: tuple[float, ...] = (50.0, 60.0, 70.0)
    asked_c: float = 60.0
    t50_60_s: float = 300.0
    sigma: float = 0.45
    energy_kj_mol: float = 70.0
    cap_s: float = 1200.0
    bath_sd: float = 0.15
    glass: Glass = NO_LAG
    drift_k: float = 0.0


WORLDS: Mapping[str, World] = {
    "lab": World(0, (30, 60, 120, 240), (0.15, 0.3), per_bath=10, energy_kj_mol=80.0),
    "tight": World(1, (160,), (0.2,), sigma=0.25),
    "wide": World(2, (160,), (0.2,), sigma=0.55),
    "lag": World(3, (160,), (0.2,), glass=Glass(tau_glass_s=25.0, bottle_in_c=20.0), drift_k=1.0),
    "day": World(
        4,
        (80,),
        (0.2,),
        per_bath=10,
        temperatures_c=(60.0, 70.0, 80.0),
        asked_c=70.0,
        t50_60_s=240.0,
        sigma=0.35,
        energy_kj_mol=60.0,
        cap_s=900.0,
        bath_sd=0.1,
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One simulated plan: family, bottles, standard deviation between baths."""

    family: str
    bottles: int
    omega: float
    world: World = field(default=WORLDS["lab"])

    @property
    def baths(self) -> int:
        """How many baths the bottles fill."""
        return self.bottles // self.world.per_bath


@dataclass(frozen=True, slots=True)
class Outcome:
    """Each method's upper bound divided by the truth; None where there is no bound."""

    bootstrap: float | None
    floored: bool
    profile: float | None
    wald: float


def simulate(case: Case, draw: np.random.Generator) -> ReleaseData:
    """Return what would be seen of the bottles of `case`."""
    world = case.world
    checks = np.arange(CHECK_S, world.cap_s + 1, CHECK_S)
    grid = tuple(checks.tolist())
    edges = (0.0, *grid, math.inf)
    records, traces = [], {}
    for number in range(case.baths):
        temperature_c = world.temperatures_c[number % len(world.temperatures_c)]
        trace = traces[str(number)] = _trace(world, temperature_c, draw)
        dose = TraceDose()
        dose.add(LaggedBath(trace, world.glass), 0.0, checks)
        resistance = math.log(world.t50_60_s) + case.omega * float(draw.standard_normal())
        weibull = case.family == "weibull"
        size = world.per_bath
        spread = np.log(draw.standard_exponential(size)) if weibull else draw.standard_normal(size)
        seen = np.searchsorted(dose.values(world.energy_kj_mol), resistance + world.sigma * spread)
        for bottle, upper in enumerate(seen.tolist()):
            lo, hi, name = edges[upper], edges[upper + 1], f"{number}-{bottle}"
            records.append(ReleaseRecord(name, str(number), "g", lo, hi, 1.5, temperature_c, 1.5, checks_s=grid))
    return ReleaseData.from_records(records, traces)


def _trace(world: World, temperature_c: float, draw: np.random.Generator) -> BathTrace:
    end_s = world.cap_s + 100
    if not world.drift_k:
        return BathTrace.constant(temperature_c, end_s)
    t_s = np.arange(0.0, end_s + 1, 20.0)
    drift, ripple = world.drift_k * draw.standard_normal(2)
    return BathTrace(t_s, temperature_c + drift * t_s / end_s + 0.3 * ripple * np.sin(t_s / 200.0))


def study_one(case: Case, seed: int, replicates: int = 499, *, profile: bool = False) -> Outcome | None:
    """Simulate and analyse one plan; None when it could not be fitted."""
    world = case.world
    data = simulate(case, np.random.default_rng([seed, case.bottles, round(1000 * case.omega), world.number]))
    fit = fit_release(data, case.family, glass=world.glass)
    if not isinstance(fit, ReleaseFit):
        return None
    asked = LaggedBath(BathTrace.constant(world.asked_c, 1.0), world.glass)
    log_dose = math.log(world.t50_60_s) + float(spread_quantile(family(case.family), 0.99, world.sigma, case.omega))
    truth_s = math.exp(log_time(asked, world.energy_kj_mol, log_dose))
    effect = fit_bath_effect(fit)
    times = MarginalTimes(fit, data, bath_effect=effect, seed=seed, replicates=replicates, bath_sd=world.bath_sd)
    found = times.bound(temp_c=world.asked_c, naoh_pct=1.5, p=0.99, conf=CONF)
    upper_s = ReleaseTimes(fit).bound(temp_c=world.asked_c, naoh_pct=1.5, p=0.99, conf=CONF).upper if profile else None
    ratios = [None if bound is None else bound / truth_s for bound in (found.upper, upper_s)]
    return Outcome(ratios[0], found.method in UPPER_FLOORED, ratios[1], wald_upper(fit, asked) / truth_s)


def wald_upper(fit: ReleaseFit, asked: LaggedBath) -> float:
    """Return the usual bound (s) in the bath `asked`: ln t99 plus 1.645 standard errors by the delta method."""
    w = fit.model.dist.quantile(0.99)
    log_dose = fit.location(1.5) + fit.sigma * w
    log_t = log_time(asked, fit.energy, log_dose)
    dose = TraceDose()
    dose.add(asked, 0.0, np.array([math.exp(log_t)]))
    gradient = np.zeros(fit.params.size)
    gradient[0], gradient[-1] = 1.0, fit.sigma * w
    gradient[fit.names.index("E")] = -float(dose.values(fit.energy + 0.5)[0] - dose.values(fit.energy - 0.5)[0])
    error = math.sqrt(gradient @ fit.cov @ gradient)
    return math.exp(log_time(asked, fit.energy, log_dose + statistics.NormalDist().inv_cdf(CONF) * error))


def covered(ratios: Sequence[float | None]) -> tuple[float, float, float]:
    """Return the share of bounds above the truth, its simulation error, and the median of bound over truth.

    No bound is no promise: it counts as covering, and as infinite.
    """
    values = [math.inf if ratio is None else ratio for ratio in ratios]
    share = statistics.mean(value >= 1 for value in values)
    return share, math.sqrt(max(share * (1 - share), 0.01) / len(values)), statistics.median(values)


def report(name: str, case: Case, outcomes: Sequence[Outcome], *, profile: bool) -> bool:
    """Print one line; return whether the bootstrap-t covers and the negative control does not."""
    share, error, ratio = covered([outcome.bootstrap for outcome in outcomes])
    wald, _, wald_ratio = covered([outcome.wald for outcome in outcomes])
    none = sum(outcome.bootstrap is None for outcome in outcomes)
    floored = statistics.mean(outcome.floored for outcome in outcomes)
    print(
        f"{name:6} {case.family:10} {case.bottles:7} {case.baths:5} {case.omega:5.2f} {len(outcomes):7} "
        f"{share:7.3f} ±{error:5.3f} {ratio:11.2f} {floored:7.2f} {none:4} {wald:7.3f} {wald_ratio:11.2f}",
        end="",
    )
    if profile:
        beside, _, beside_ratio = covered([outcome.profile for outcome in outcomes])
        print(f" {beside:7.3f} {beside_ratio:11.2f}", end="")
    print(flush=True)
    failing = case.bottles > min(WORLDS["lab"].bottles) or wald < NEGATIVE
    return share >= LEAST - 2 * error and failing


def cases(options: argparse.Namespace) -> Iterator[tuple[str, Case]]:
    """Yield what is asked for, with the name of its world; --bottles and --omegas narrow or widen every world's own."""
    for name, kind in product(options.worlds, options.families):
        world = WORLDS[name]
        for bottles, omega in product(options.bottles or world.bottles, options.omegas or world.omegas):
            yield name, Case(kind, bottles, omega, world)


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--worlds", nargs="+", default=list(WORLDS), choices=list(WORLDS))
    parser.add_argument("--families", nargs="+", default=["lognormal", "weibull"], choices=["lognormal", "weibull"])
    parser.add_argument("--bottles", nargs="+", type=int)
    parser.add_argument("--omegas", nargs="+", type=float)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="the first repeat's seed; the others count up")
    parser.add_argument("--jobs", type=int, default=2)
    return parser.parse_args()


def main() -> int:
    """Run the study from the command line."""
    options = parsed()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process each is faster than threads in each
    began, passed, every = time.perf_counter(), True, []
    beside = " profile bound/truth" if options.profile else ""
    print(
        "world  family     bottles baths omega repeats bootstrap-t   bound/truth floored none    Wald bound/truth"
        + beside
    )
    seeds = range(options.seed, options.seed + options.repeats)
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name, case in cases(options):
            work = [pool.submit(study_one, case, seed, profile=options.profile) for seed in seeds]
            found = [outcome for each in work if (outcome := each.result()) is not None]
            passed = report(name, case, found, profile=options.profile) and passed
            every += found
    share, error, _ = covered([outcome.bootstrap for outcome in every])
    passed = passed and share >= LEAST - 2 * error
    print(
        f"all cells together {share:.3f} ±{error:.3f}; {time.perf_counter() - began:.0f} s; "
        f"the bootstrap-t covers {LEAST:.2f} or more: {'yes' if passed else 'NO'}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

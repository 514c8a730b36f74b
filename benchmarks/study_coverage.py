"""Does the 95 % upper bound of the marginal t99 hold the truth, when baths differ and are few?

Simulates plans of 30, 60, 120 and 240 bottles, ten to a bath, at 50, 60 and 70 °C, looked at every 15 s for 20 min,
with a bath effect that is known, and counts how often the bound of the time in which 99 % are off at 60 °C is above the
truth. Beside the bootstrap-t: the profile likelihood, and the Wald bound that other tools print, both without a bath
effect; Wald is the negative control, which must fail at 30 bottles.

    python -m benchmarks.study_coverage --repeats 100 --families lognormal weibull --jobs 2

Ends with 1 when the bootstrap-t covers less than 0.93 anywhere (by more than twice its simulation error), or the
negative control passes.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from linectl.lab.kinetics.bath_effect import fit_bath_effect
from linectl.lab.kinetics.bootstrap import MarginalTimes
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.distributions import family
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.intervals import ReleaseTimes
from linectl.lab.kinetics.marginal import spread_quantile
from linectl.lab.kinetics.trace import NO_LAG, inverse_u

TEMPERATURES_C = (50.0, 60.0, 70.0)
PER_BATH, CHECK_S, CAP_S = 10, 15.0, 1200.0
LOCATION, SIGMA, ENERGY = math.log(300.0), 0.45, 80.0
LEAST, NEGATIVE = 0.93, 0.90
CONF = 0.95


@dataclass(frozen=True, slots=True)
class Case:
    """One simulated plan: family, bottles, standard deviation between baths."""

    family: str
    bottles: int
    omega: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Each method's upper bound divided by the truth; None where there is no bound."""

    bootstrap: float | None
    profile: float | None
    wald: float


def simulate(case: Case, draw: np.random.Generator) -> ReleaseData:
    """Return what would be seen of the bottles of `case`."""
    checks = tuple(np.arange(CHECK_S, CAP_S + 1, CHECK_S).tolist())
    records, traces = [], {}
    for number in range(case.bottles // PER_BATH):
        temperature_c = TEMPERATURES_C[number % 3]
        traces[str(number)] = BathTrace.constant(temperature_c, CAP_S + 100)
        middle = LOCATION - ENERGY * float(inverse_u(np.array([temperature_c]))[0])
        middle += case.omega * float(draw.standard_normal())
        weibull = case.family == "weibull"
        spread = np.log(draw.standard_exponential(PER_BATH)) if weibull else draw.standard_normal(PER_BATH)
        for bottle, time_s in enumerate(np.exp(middle + SIGMA * spread)):
            lo = CHECK_S * math.floor(min(time_s, CAP_S) / CHECK_S)
            hi = lo + CHECK_S if lo < CAP_S else math.inf
            name = f"{number}-{bottle}"
            records.append(ReleaseRecord(name, str(number), "g", lo, hi, 1.5, temperature_c, 1.5, checks_s=checks))
    return ReleaseData.from_records(records, traces)


def study_one(case: Case, seed: int, replicates: int = 499, *, profile: bool = True) -> Outcome | None:
    """Simulate and analyse one plan; None when it could not be fitted."""
    data = simulate(case, np.random.default_rng([seed, case.bottles, round(1000 * case.omega)]))
    fit = fit_release(data, case.family, glass=NO_LAG)
    if not isinstance(fit, ReleaseFit):
        return None
    truth_s = math.exp(LOCATION + float(spread_quantile(family(case.family), 0.99, SIGMA, case.omega)))
    times = MarginalTimes(fit, data, bath_effect=fit_bath_effect(fit), seed=seed, replicates=replicates)
    upper_s = times.bound(temp_c=60.0, naoh_pct=1.5, p=0.99, conf=CONF).upper
    profile_s = ReleaseTimes(fit).bound(temp_c=60.0, naoh_pct=1.5, p=0.99, conf=CONF).upper if profile else None
    ratios = [None if bound is None else bound / truth_s for bound in (upper_s, profile_s)]
    return Outcome(ratios[0], ratios[1], wald_upper(fit) / truth_s)


def wald_upper(fit: ReleaseFit) -> float:
    """Return the usual bound: ln t99 at 60 °C plus 1.645 standard errors by the delta method."""
    w = fit.model.dist.quantile(0.99)
    gradient = np.zeros(fit.params.size)
    gradient[0], gradient[-1] = 1.0, fit.sigma * w
    error = math.sqrt(gradient @ fit.cov @ gradient)
    return math.exp(fit.location(1.5) + fit.sigma * w + statistics.NormalDist().inv_cdf(CONF) * error)


def covered(ratios: Sequence[float | None]) -> tuple[float, float, float]:
    """Return the share of bounds above the truth, its simulation error, and the median of bound over truth.

    No bound is no promise: it counts as covering, and as infinite.
    """
    values = [math.inf if ratio is None else ratio for ratio in ratios]
    share = statistics.mean(value >= 1 for value in values)
    return share, math.sqrt(max(share * (1 - share), 0.01) / len(values)), statistics.median(values)


def report(case: Case, outcomes: Sequence[Outcome]) -> bool:
    """Print one line; return whether the bootstrap-t covers and the negative control does not."""
    share, error, ratio = covered([outcome.bootstrap for outcome in outcomes])
    profile, _, profile_ratio = covered([outcome.profile for outcome in outcomes])
    wald, _, wald_ratio = covered([outcome.wald for outcome in outcomes])
    none = sum(outcome.bootstrap is None for outcome in outcomes)
    print(
        f"{case.family:10} {case.bottles:7} {case.bottles // PER_BATH:5} {case.omega:5.2f} {len(outcomes):7} "
        f"{share:7.3f} ±{error:5.3f} {ratio:6.2f} {none:5} {profile:9.3f} {profile_ratio:6.2f} "
        f"{wald:7.3f} {wald_ratio:6.2f}"
    )
    failing = case.bottles > min(BOTTLES) or wald < NEGATIVE
    return share >= LEAST - 2 * error and failing


BOTTLES = (30, 60, 120, 240)
OMEGAS = (0.15, 0.3)


def main() -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--families", nargs="+", default=["lognormal"], choices=["lognormal", "weibull"])
    parser.add_argument("--bottles", nargs="+", type=int, default=list(BOTTLES))
    parser.add_argument("--omegas", nargs="+", type=float, default=list(OMEGAS))
    parser.add_argument("--seed", type=int, default=1, help="the first repeat's seed; the others count up")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    began, passed = time.perf_counter(), True
    print("family     bottles baths omega repeats bootstrap-t bound/truth none   profile bound/truth Wald bound/truth")
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for name, bottles, omega in product(options.families, options.bottles, options.omegas):
            case = Case(name, bottles, omega)
            seeds = range(options.seed, options.seed + options.repeats)
            found = [x for x in pool.map(study_one, [case] * len(seeds), seeds, chunksize=4) if x is not None]
            passed = report(case, found) and passed
            sys.stdout.flush()
    print(
        f"{time.perf_counter() - began:.0f} s; the bootstrap-t covers {LEAST:.2f} or more: {'yes' if passed else 'NO'}"
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

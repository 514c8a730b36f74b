"""One glue under two names: how often is the one called faster than the other, over all looks of a comparison?

Both names stand in every bath, baths differ; then each name in baths of its own, the control: differences between
baths pass for the glue there. Once more with a glue that really is 30 % faster: the power, and the bottles used on
average against a plan of the same power without looks.

    python -m benchmarks.study_names --repeats 100 --seed 1

Ends with 1 when superiority is claimed in more than 5 % by more than the simulation error, or when a glue that is
faster takes more than 0.75 of the fixed plan's bottles on average.
"""

from __future__ import annotations

import argparse
import math
import sys
from math import sqrt
from typing import NamedTuple

import numpy as np

from benchmarks.worlds import World
from linectl.lab.comparison import ComparedLook, compare_glues
from linectl.lab.confirmation.sequential import LookWord, bottles_per_arm, plan_comparison
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.trace import NO_LAG

FASTER = 1.3
TEMPERATURES_C = (60.0, 70.0)
CHECK_S, CAP_S = 15.0, 1200.0
LOOKS, EACH = 5, 4  # bottles of each name in a bath


class Outcome(NamedTuple):
    """What became of one comparison."""

    claimed: bool
    bottles: int


def soaked(world: World, baths: int, ratio: float, rng: np.random.Generator, *, apart: bool) -> ReleaseData:
    """Return both glues in each of `baths`, the new one's time `ratio` of the known one's; or in baths of their own."""
    rows: list[ReleaseRecord] = []
    traces = {}
    shift = np.repeat([0.0, math.log(ratio)], EACH)
    for number in range(baths):
        temp_c = TEMPERATURES_C[number % 2]
        if apart:
            times = np.concatenate([world.times(rng, temp_c, 1.5, part) for part in np.split(shift, 2)])
        else:
            times = world.times(rng, temp_c, 1.5, shift)
        name = f"{number:02d}"
        traces[name] = BathTrace.constant(temp_c, CAP_S)
        for k, time_s in enumerate(times.tolist()):
            lo = CHECK_S * math.floor(min(time_s, CAP_S) / CHECK_S)
            hi = lo + CHECK_S if lo < CAP_S else math.inf
            glue = "known" if k < EACH else "new"
            rows.append(ReleaseRecord(f"{name}-{k}", name, glue, lo, hi, 1.5, temp_c, 1.5))
    return ReleaseData.from_records(rows, traces)


def planned_baths(sigma: float) -> int:
    """Return the baths that show `FASTER` with power .9, in equal looks."""
    inflation = plan_comparison(LOOKS).inflation
    needed = inflation * bottles_per_arm(1 / FASTER, sigma) / EACH
    return LOOKS * math.ceil(needed / LOOKS)


def compared(world: World, ratio: float, baths: int, rng: np.random.Generator, *, apart: bool) -> Outcome:
    """Return how one comparison ends."""
    found = compare_glues(soaked(world, baths, ratio, rng, apart=apart), "new", "known", glass=NO_LAG, looks=LOOKS)
    last: ComparedLook = found.looks[-1]
    return Outcome(last.look is not None and last.look.word is LookWord.FASTER, last.bottles)


def main() -> int:
    """Print the study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    error = sqrt(0.05 * 0.95 / asked.repeats)
    print(f"{asked.repeats} comparisons a cell; simulation error of 5 %: {100 * error:.1f} %")
    print(
        f"{'baths':<22} {'claimed, same glue':>19} {'claimed, 30 % faster':>21} {'bottles/fixed':>14} {'same glue':>10}"
    )
    wrong = 0
    for bath_sd in (0.15, 0.30):
        world = World("two names", bath_sd=bath_sd)
        sigma = sqrt(world.sigma**2 + world.bath_sd**2)
        baths, fixed = planned_baths(sigma), 2 * bottles_per_arm(1 / FASTER, sigma)
        for apart in (False, True):
            cells = {}
            for place, ratio in enumerate((1.0, 1 / FASTER)):
                rng = np.random.default_rng([asked.seed, int(100 * bath_sd), place, int(apart)])
                cells[ratio] = [compared(world, ratio, baths, rng, apart=apart) for _ in range(asked.repeats)]
            same, faster = (sum(each.claimed for each in cells[r]) / asked.repeats for r in (1.0, 1 / FASTER))
            used = [float(np.mean([each.bottles for each in cells[r]])) / fixed for r in (1 / FASTER, 1.0)]
            scatter = float(np.std([each.bottles for each in cells[1 / FASTER]])) / fixed / sqrt(asked.repeats)
            name = f"sd {bath_sd:.2f}, {'apart' if apart else 'shared'}"
            print(f"{name:<22} {100 * same:>18.1f}% {100 * faster:>20.1f}% {used[0]:>14.2f} {used[1]:>10.2f}")
            wrong += not apart and (same > 0.05 + 2 * error or used[0] > 0.75 + 2 * scatter)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

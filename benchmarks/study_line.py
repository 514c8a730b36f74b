"""Does the washer release what the lab said it would?

Each campaign soaks a screening in the twin's bath and fits it. The fits foretell the share of labels off at the
washer's exit for the two shipped recipes and one that is 10 K cooler; bottles then pass the twin's own chain in those
conditions. Counted is how often the share they show keeps the forecast's lower bound (its confidence is 95 %), with the
washer's agitation left out, as every decision has it, and with the exponent that config/washer.yaml assumes. `whole` is
the whole twin: its PLC holds the recipe in baths that cool, dilute and carry over.

    python -m benchmarks.study_line --campaigns 25 --bottles 10000 --jobs 2

A bound is broken when as few labels off would show less than once in 100 if it held: the bottles are a sample too.
`all labels` counts those that never come off: 96 bottles a glue cannot rule out 3.1 % of them, which the forecast says
beside its bound, and the bound of all labels is the product of both. `aged` is the control: labels of the same glue
that were stored badly (age 1.3) and are half varnished (coverage 0.5). Nothing in the screening can tell, so a tight
bound must break there; it does for PSA, and for PVOH in the cooler recipe. Whoever washes such bottles has to screen
such bottles.

Where forecast and washer differ, the reason is known:
- a screening that never changes the stirrer cannot know what jets do: without agitation the lognormal family tells 15
  to 26 points less for PSA than the jets then take off, the least of both families 19 to 30 (safe);
- NaOH beyond what was tested earns no credit: 2 to 3 points for PSA in 2.0 % (safe);
- the least of both families is told, so a wrong Weibull tail pulls it down (safe);
- with the assumed exponent, which here is the washer's own, the lognormal family is within 1.5 points;
- the whole twin lets off up to 2 points less for PSA than its chain at the recipe's figures: behind the caustic
  baths only film carries NaOH on, 0.05 % where the recipe says 0.5, and Z2 is held at 62 °C instead of 62.5.

25 campaigns of 10,000 bottles: kept in 99.5 % of all cells, counting all labels in 99.8 %, by the whole twin in 99.7 %.

Ends with 1 when a bound is kept less often than 93 times in 100, beyond the simulation error, or the control passes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt

import numpy as np
from scipy.stats import binom

from benchmarks.study_activation_energy import SCREENING, release_data
from linectl.config.files import find_file
from linectl.config.plant_files import load_recipe, load_washer
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.transfer.forecast import Flow, glue_forecast
from linectl.model.washing import Corner, Recipe, Washer
from linectl.sim.bath.campaign import simulate_campaign
from linectl.sim.glue.lots import Lot
from linectl.sim.glue.release import BLOCK, draw_bottles
from linectl.sim.washer.chain import Chain
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.operator import Operator
from linectl.sim.washer.plan import eight
from linectl.sim.washer.registers import Holding
from linectl.sim.washer.state import WasherParams, WasherState, ZoneParams
from linectl.sim.washer.step import start
from linectl.sim.washer.twin import WasherTwin

__all__ = [
    "GLUES",
    "Cell",
    "Shown",
    "params_of",
    "pass_lot",
    "recipes",
    "shown",
    "shown_whole",
    "state_of",
    "study_one",
]

GLUES = ("casein", "starch", "pvoh", "psa")
FLOWS = (Flow.WITHOUT, Flow.ASSUMED)
AGED, VARNISHED = 1.3, 0.5
LEAST = 0.93
_STEP_S = 30.0
_CONF = 0.95
_REFUTED = 0.01  # a bound is broken when so few labels off would be rarer than this


@dataclass(frozen=True, slots=True)
class Shown:
    """What the twin's washer showed: labels off, out of `bottles`; those of `able` can come off at all."""

    released: int
    bottles: int
    able: int

    def share(self) -> float:
        """Return the share off of those that can come off."""
        return self.released / self.able

    def keeps(self, bound: float, *, every: bool) -> bool:
        """Tell whether so many off, of `every` label or of the able, may well be when `bound` or more come off."""
        count = self.bottles if every else self.able
        return bool(binom.cdf(self.released, count, bound) >= _REFUTED)


@dataclass(frozen=True, slots=True)
class Cell:
    """One forecast: glue, recipe, flow; the share foretold, its lower bound, and what never coming off may take.

    `value` is the least of both families, `lognormal` that of the family to which the twin's labels belong.
    """

    glue: str
    recipe: str
    flow: Flow
    value: float
    lognormal: float
    lower: float
    never_upper: float

    def keeps(self, shown: Shown) -> bool:
        """Whether the labels that come off at all kept the bound."""
        return shown.keeps(self.lower, every=False)

    def keeps_all(self, shown: Shown) -> bool:
        """Whether all labels kept the bound, the never-releasing ones counted."""
        return shown.keeps(self.lower * (1.0 - self.never_upper), every=True)


def washer() -> Washer:
    """Return the shipped washer."""
    return load_washer(find_file("washer"))


def recipes() -> Mapping[str, Recipe]:
    """Return both shipped recipes and one that is cooler in both caustic zones."""
    shipped = {name: load_recipe(find_file(name, folder="config/recipes")) for name in _SHIPPED}
    cooler = shipped["reference_80c"].with_phase("z3", temperature_c=70.0).with_phase("z2", temperature_c=57.0)
    return {**shipped, "cooler": replace(cooler, name="cooler")}


_SHIPPED = ("reference_80c", "reference_80c_2pct")
_IN_THE_PLC = {"reference_80c": 1, "reference_80c_2pct": 2, "cooler": 1}


def params_of(washer: Washer, recipe: Recipe) -> WasherParams:
    """Return the twin's washer with the dwells and agitation of `recipe` at the rated speed."""
    phases = {phase.zone: phase for phase in recipe.phases}
    zones = tuple(
        ZoneParams(
            zone.name,
            zone.kind.value,
            zone.volume_l,
            phases[zone.name].dwell_s,
            mech=phases[zone.name].agitation.factor,
            tau_glass_s=zone.tau_glass_s,
        )
        for zone in washer.zones
    )
    return WasherParams(zones=zones, rated_b_h=washer.rated_b_h)


def state_of(recipe: Recipe) -> WasherState:
    """Return the twin's reference machine with every zone at the recipe's setting."""
    degrees = eight([phase.temperature_c for phase in recipe.phases])
    return start(
        reference_machine(), temperature_c=degrees, naoh_pct=eight([phase.naoh_pct for phase in recipe.phases])
    )


def pass_lot(params: WasherParams, state: WasherState, lot: Lot, *, seed: int, step_s: float = _STEP_S) -> Chain:
    """Send `lot` through the twin's chain at the rated speed in constant conditions, until the last bottle is out."""
    chain = Chain(params, seed)
    chain.feed(lot)
    pockets_s, steps = params.rated_b_h / 3600.0, 0
    while chain.waiting or chain.counts.inside:
        steps += 1
        chain.advance(steps * step_s * pockets_s, steps * step_s, state, feeding=True, dt_s=step_s)
    return chain


@cache
def shown(glue: str, recipe: str, bottles: int, seed: int, *, aged: bool = False) -> Shown:
    """Return what the twin's washer shows of `bottles` bottles."""
    setting, machine = recipes()[recipe], washer()
    lot = Lot("study", bottles, glue, inlet_c=machine.bottle_in_c)
    if aged:
        lot = replace(lot, age=AGED, coverage=VARNISHED)
    tally = pass_lot(params_of(machine, setting), state_of(setting), lot, seed=seed).tallies["study"]
    return Shown(tally.released, tally.judged, tally.judged - _stuck(lot, seed))


@cache
def shown_whole(glue: str, recipe: str, bottles: int, seed: int) -> Shown:
    """Return what the whole twin shows: its PLC holds the recipe in baths that cool, dilute and carry over."""
    setting, number = recipes()[recipe], _IN_THE_PLC[recipe]
    hot = {f"{phase.zone}.temperature": phase.temperature_c for phase in setting.phases[2:4]}
    plant = Operator(WasherTwin(seed, initial={"washer.recipe": float(number), **hot}, watchdog_s=600.0))
    lot = Lot("study", bottles, glue, inlet_c=washer().bottle_in_c)
    plant.twin.feed(lot)
    if not plant.start(number):
        msg = f"the twin does not start: {plant.state().name}"
        raise RuntimeError(msg)
    for zone, phase in enumerate(setting.phases[2:4], start=2):
        plant.write(Holding.SP_TEMP_Z0 + zone, round(10.0 * phase.temperature_c))
    while plant.twin.chain.waiting or plant.twin.chain.counts.inside:
        plant.run(600.0)
    tally = plant.twin.chain.tallies["study"]
    return Shown(tally.released, tally.judged, tally.judged - _stuck(lot, seed))


def _stuck(lot: Lot, seed: int) -> int:
    """Return how many labels of the first lot of a chain never come off."""
    drawn = [draw_bottles(seed, f"{lot.name}/0", block).never for block in range(-(-lot.count // BLOCK))]
    return int(np.count_nonzero(np.concatenate(drawn)[: lot.count] < lot.law.p_never))


def study_one(seed: int, bottles: int, draws: int = 1000) -> list[tuple[Cell, Shown]]:
    """Simulate the screening of `seed`, fit each glue, foretell every recipe and let other bottles pass the washer."""
    data = release_data(simulate_campaign(SCREENING, seed))
    machine, cells = washer(), list[tuple[Cell, Shown]]()
    for glue in GLUES:
        fits = {
            family: fit
            for family in ("lognormal", "weibull")
            if isinstance(fit := fit_release(data.of_glue(glue), family, glass=SCREENING.glass), ReleaseFit)
        }
        for name, recipe in recipes().items():
            made = glue_forecast(glue, fits, machine, recipe, conf=_CONF, draws=draws, seed=seed)
            for flow in FLOWS:
                release = made.at(Corner.NOMINAL, flow)
                if release is not None and release.value is not None and release.lower is not None:
                    likely = release.by_family["lognormal"].value
                    assert likely is not None
                    cell = Cell(glue, name, flow, release.value, likely, release.lower, made.never_upper or 0.0)
                    cells.append((cell, shown(glue, name, bottles, seed)))
    return cells


def report(cells: list[tuple[Cell, Shown]], bottles: int, seed: int) -> bool:
    """Print the table; return whether every bound is kept as often as it should be and the control is not."""
    print(
        f"{'glue':8} {'recipe':19} {'agitation':9} {'told':>7} {'bound':>7} {'likely':>7} {'shown':>7} {'whole':>7} "
        f"{'kept':>9} {'all labels':>10} {'whole':>9} {'aged':>7} {'kept':>9}"
    )
    groups: dict[tuple[str, str, Flow], list[tuple[Cell, Shown]]] = defaultdict(list)
    for cell, new in cells:
        groups[cell.glue, cell.recipe, cell.flow].append((cell, new))
    passed, control, every = True, 1.0, [0, 0, 0]
    for (glue, recipe, flow), some in groups.items():
        aged, whole = shown(glue, recipe, bottles, seed, aged=True), shown_whole(glue, recipe, bottles, seed)
        kept = [
            sum(cell.keeps(new) for cell, new in some),
            sum(cell.keeps_all(new) for cell, new in some),
            sum(cell.keeps_all(whole) for cell, _ in some),
        ]
        old_kept = sum(cell.keeps_all(aged) for cell, _ in some)
        figures = ((cell.value, cell.lower, cell.lognormal, new.share()) for cell, new in some)
        told, bound, likely, mean = (statistics.median(column) for column in zip(*figures, strict=True))
        print(
            f"{glue:8} {recipe:19} {flow.value:9} {told:7.4f} {bound:7.4f} {likely:7.4f} {mean:7.4f} "
            f"{whole.share():7.4f} {kept[0]:4} /{len(some):3} {kept[1]:5} /{len(some):3} {kept[2]:4} /{len(some):3} "
            f"{aged.share():7.4f} {old_kept:4} /{len(some):3}",
            flush=True,
        )
        passed = passed and min(kept) / len(some) >= LEAST - 2.0 * sqrt(0.05 * 0.95 / len(some))
        control = min(control, old_kept / len(some))
        every = [total + one for total, one in zip(every, kept, strict=True)]
    shares = [total / len(cells) for total in every]
    print(f"all cells: bound kept {shares[0]:.3f}, of all labels {shares[1]:.3f}, by the whole twin {shares[2]:.3f}")
    return passed and min(shares) >= LEAST and control < LEAST


def main() -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=25)
    parser.add_argument("--bottles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="the first campaign's seed; the others count up")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a process each is faster than threads in each
    began = time.perf_counter()
    seeds = range(options.seed, options.seed + options.campaigns)
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        cells = [cell for found in pool.map(study_one, seeds, [options.bottles] * len(seeds)) for cell in found]
    passed = report(cells, options.bottles, options.seed)
    print(f"{options.campaigns} campaigns, {time.perf_counter() - began:.0f} s: {'agreed' if passed else 'NOT AGREED'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())

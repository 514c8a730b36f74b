"""What a recipe is worth: cost per accepted bottle, margin against a new one, break-even reject rate, sensitivities.

    cost = (fixed/rate + labour + heat + electricity + water + NaOH + stuck x rewash) / yield
    yield = (1 - rejected) (1 - permanent)         stuck = 1 - (1 - permanent) x released

Fixed cost, rate and rewash follow the line; labour is the plant's own statement, so many jobs per bottles washed. A
bottle whose label is still on is washed once more; one with a permanent glue is then lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from linectl.model.economics import Economics
from linectl.model.washing import Recipe, Washer, ZoneKind

__all__ = ["Operation", "Sensitivities", "Worth", "operation", "sensitivities", "worth"]

_LABOUR_BOTTLES = 500_000
_S_PER_MIN = 60.0


@dataclass(frozen=True, slots=True)
class Operation:
    """How the line is run: bottles per hour, cycle (s), the hottest zone (°C, % NaOH), share of labels released."""

    rate_b_h: float
    cycle_s: float
    temperature_c: float
    naoh_pct: float
    released: float


@dataclass(frozen=True, slots=True)
class Worth:
    """EUR per bottle: `parts` per bottle washed, `cost` per bottle accepted, `margins` at both discounts.

    `break_even_reject` is the share of rejected bottles at which the margin is gone (same order), None when it is gone
    without any.
    """

    operation: Operation
    parts: Mapping[str, float]
    accepted: float
    cost: float
    prices: tuple[float, float]
    margins: tuple[float, float]
    break_even_reject: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """EUR per bottle washed: one point of removal, 20 K less in the hot zone, one minute more of cycle.

    All at the recipe's own rate; the ratios are against the 20 K.
    """

    removal_point: float
    cooler_20_k: float
    minute: float

    @property
    def removal_over_cooler(self) -> float:
        """How many times 20 K one point of removal is worth."""
        return self.removal_point / self.cooler_20_k

    @property
    def minute_over_cooler(self) -> float:
        """How many times 20 K one minute is worth."""
        return self.minute / self.cooler_20_k


def operation(washer: Washer, recipe: Recipe, released: float) -> Operation:
    """Return how `recipe` runs `washer`, with the share of labels that it releases."""
    caustic = {zone.name for zone in washer.zones if zone.kind is ZoneKind.CAUSTIC}
    hot = max((p for p in recipe.phases if p.zone in caustic), key=lambda p: p.temperature_c, default=recipe.phases[0])
    return Operation(washer.rate_b_h(recipe.cycle_s), recipe.cycle_s, hot.temperature_c, hot.naoh_pct, released)


def worth(economics: Economics, run: Operation) -> Worth:
    """Return what a bottle costs and earns when the line is run as `run`."""
    value = economics.value
    parts = _parts(economics, run)
    spent = sum(parts.values())
    sorted_in = 1.0 - value("permanent_share")
    accepted = (1.0 - value("reject_share")) * sorted_in
    prices = tuple(value("price_new") * (1.0 - value(name)) for name in ("discount_low", "discount_high"))
    cost = spent / accepted
    return Worth(
        operation=run,
        parts=parts,
        accepted=accepted,
        cost=cost,
        prices=(prices[0], prices[1]),
        margins=(prices[0] - cost, prices[1] - cost),
        break_even_reject=(_break_even(spent, sorted_in, prices[0]), _break_even(spent, sorted_in, prices[1])),
    )


def sensitivities(economics: Economics, run: Operation) -> Sensitivities:
    """Return what one point of removal, 20 K and one minute are worth per bottle washed, around `run`."""

    def spent(rate_b_h: float, temperature_c: float, released: float) -> float:
        return sum(_parts(economics, Operation(rate_b_h, run.cycle_s, temperature_c, run.naoh_pct, released)).values())

    here = spent(run.rate_b_h, run.temperature_c, run.released)
    sorted_in = 1.0 - economics.value("permanent_share")
    # one point of all bottles, whatever share of them could be released at all
    worse = spent(run.rate_b_h, run.temperature_c, run.released - 0.01 / sorted_in)
    cooler = spent(run.rate_b_h, run.temperature_c - 20.0, run.released)
    slower = run.rate_b_h * run.cycle_s / (run.cycle_s + _S_PER_MIN)
    return Sensitivities(worse - here, here - cooler, spent(slower, run.temperature_c, run.released) - here)


def _parts(economics: Economics, run: Operation) -> dict[str, float]:
    value = economics.value
    warmer_k = run.temperature_c - value("heat_reference")
    heat_wh = value("heat_per_bottle") + value("heat_per_kelvin") * value("heat_loss_factor") * warmer_k
    # 10 mL of 1 % hold about 0.1 g
    stronger_g = value("naoh_drag_out") * (run.naoh_pct - value("naoh_reference")) * 0.01
    stuck = 1.0 - (1.0 - value("permanent_share")) * run.released
    return {
        "fixed": value("fixed_cost") / run.rate_b_h,
        "labour": value("jobs_per_500000_bottles") * value("cost_per_job") / _LABOUR_BOTTLES,
        "heat": max(0.0, heat_wh) * 1e-3 * value("heat_price"),
        "electricity": value("electricity_per_bottle") * 1e-3 * value("electricity_price"),
        "water": value("water_per_bottle") * 1e-3 * value("water_price"),
        "naoh": max(0.0, value("naoh_per_bottle") + stronger_g) * 1e-3 * value("naoh_price"),
        "rewash": stuck * value("rewash_cost"),
    }


def _break_even(spent: float, sorted_in: float, price: float) -> float | None:
    most = sorted_in * price
    return 1.0 - spent / most if spent <= most and most > 0.0 else None

"""A bottle's own temperature on its way through the washer, and with it its hygiene sums and the shocks to its glass.

In each zone the glass follows the liquid with one lag: T(t) = T_zone + (T_in - T_zone) exp(-t/tau).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, exp

from linectl.laws.glass import Shock, ShockLevel, hottest_bath_c, shock
from linectl.laws.hygiene import Hygiene, Sample, meter
from linectl.model.washing import Corner, Recipe, Stay, Washer, ZoneKind, pocket_way

__all__ = ["Cleanliness", "GlassCheck", "cleanliness", "entry_temperatures", "glass_check", "samples", "worst_level"]

_STEP_S = 1.0
_SETTLED = 8.0  # lags
_LEVELS = list(ShockLevel)


@dataclass(frozen=True, slots=True)
class Cleanliness:
    """The hygiene sums of one corner: by the bottle's own temperature, which counts, and by the liquid's."""

    corner: Corner
    bottle: Hygiene
    liquid: Hygiene


@dataclass(frozen=True, slots=True)
class GlassCheck:
    """The step that the glass takes into each zone, for bottles of `bottle_in_c` °C; `exit_c` is theirs at the exit.

    `caustic_s` is their time in caustic zones, `first_zone_limit_c` how hot the first bath may be for them.
    """

    bottle_in_c: float
    steps: tuple[tuple[str, Shock], ...]
    exit_c: float
    caustic_s: float
    first_zone_limit_c: float


def entry_temperatures(stays: Sequence[Stay], bottle_in_c: float) -> list[float]:
    """Return the glass's temperature (°C) at the entry of each stay, and last at the exit."""
    temperatures = [bottle_in_c]
    for stay in stays:
        keep = exp(-stay.seconds / stay.tau_s) if stay.tau_s > 0 else 0.0
        temperatures.append(stay.temperature_c + (temperatures[-1] - stay.temperature_c) * keep)
    return temperatures


def samples(stays: Sequence[Stay], bottle_in_c: float) -> Iterator[Sample]:
    """Yield the bottle's way in steps of about a second: its own temperature in their middle, and the NaOH around.

    When the glass has come within e^-8 of its zone, the rest of the stay is one step.
    """
    for stay, entry_c in zip(stays, entry_temperatures(stays, bottle_in_c), strict=False):
        warming_s = min(stay.seconds, _SETTLED * stay.tau_s)
        steps = ceil(warming_s / _STEP_S)
        for k in range(steps):
            dt_s = warming_s / steps
            behind = exp(-(k + 0.5) * dt_s / stay.tau_s)
            yield Sample(dt_s, stay.temperature_c + (entry_c - stay.temperature_c) * behind, stay.naoh_pct)
        if stay.seconds > warming_s:
            yield Sample(stay.seconds - warming_s, stay.temperature_c, stay.naoh_pct)


def cleanliness(washer: Washer, recipe: Recipe, corner: Corner) -> Cleanliness:
    """Return the hygiene sums of a bottle of the washer's usual temperature at one corner of the recipe."""
    stays = pocket_way(washer, recipe, corner)
    return Cleanliness(
        corner=corner,
        bottle=meter(samples(stays, washer.bottle_in_c)),
        liquid=meter(Sample(stay.seconds, stay.temperature_c, stay.naoh_pct) for stay in stays),
    )


def glass_check(washer: Washer, recipe: Recipe, bottle_in_c: float) -> GlassCheck:
    """Return the shocks to bottles that come in at `bottle_in_c` °C, at the recipe's settings."""
    stays = pocket_way(washer, recipe)
    entries = entry_temperatures(stays, bottle_in_c)
    steps = tuple((stay.zone, shock(entry, stay.temperature_c)) for stay, entry in zip(stays, entries, strict=False))
    caustic_s = sum(stay.seconds for stay in stays if stay.kind is ZoneKind.CAUSTIC)
    return GlassCheck(bottle_in_c, steps, entries[-1], caustic_s, hottest_bath_c(bottle_in_c))


def worst_level(check: GlassCheck) -> ShockLevel:
    """Return the worst level of all steps."""
    return max((step.level for _, step in check.steps), key=_LEVELS.index)

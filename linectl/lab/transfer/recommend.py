"""The coolest and the shortest recipe of a washer that keep removal and hygiene at the edge of their tolerances.

Varied are the hottest caustic zone's temperature (the caustic zones before it keep their distance), its NaOH, and the
chain's pace, which is every dwell at once. A recipe passes when, with every tolerance used up, the lower bound of the
released share reaches the wanted removal in every family, the hygiene floor is met by the bottle's own temperature,
no step of temperature is beyond the block limit of the glass, and no bottle stands too long in caustic. Longer is
always better for removal and hygiene, so for each temperature and NaOH the shortest pace is found by halving.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.transfer.forecast import Flow, flow_that_counts
from linectl.lab.transfer.passage import cleanliness, glass_check, samples, worst_level
from linectl.lab.transfer.release import DRAWS, SEED, Knowledge, Passage, released, zone_doses
from linectl.laws.glass import ShockLevel
from linectl.laws.hygiene import A0_FLOOR_S, F_FLOOR_MIN, meter
from linectl.model.washing import Corner, Recipe, Washer, ZoneKind, pocket_way

__all__ = ["Envelope", "Need", "Recommendation", "recommend"]

_STEP_C = 2.5
_STEP_PCT = 0.25
_HALVINGS = 7
_ROUGH_DRAWS = 400
_PACE_STEP = 0.01
_LENGTHEN = 10  # steps by which the full number of draws may ask for more than the rough one


@dataclass(frozen=True, slots=True)
class Need:
    """What a recipe has to keep at its edge: removal at a confidence, and one of the two hygiene floors."""

    removal: float = 0.99
    confidence: float = 0.95
    f_floor_min: float = F_FLOOR_MIN
    a0_floor_s: float = A0_FLOOR_S


@dataclass(frozen=True, slots=True)
class Envelope:
    """A recipe that passes, and what it reaches at its edge: released share (bound), F in min, A0 in s."""

    recipe: Recipe
    hot_zone: str
    temperature_c: float
    naoh_pct: float
    released_lower: float
    f_min: float
    a0_s: float
    rate_b_h: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The coolest and the shortest recipe that pass, None when none does; `tried` counts temperatures x NaOH."""

    coolest: Envelope | None
    shortest: Envelope | None
    tried: int


class _Search:
    """One glue's fits on one washer, asked again and again."""

    def __init__(self, fits: Mapping[str, ReleaseFit], washer: Washer, need: Need, seed: int) -> None:
        self.known = [Knowledge.of(fit) for fit in fits.values()]
        self.washer, self.need, self.seed = washer, need, seed
        self.order = None if flow_that_counts(fits) is Flow.FITTED else 0.0

    def lower(self, recipe: Recipe, draws: int) -> float:
        passage = Passage.of(pocket_way(self.washer, recipe, Corner.EDGE), self.washer.bottle_in_c)
        conf = self.need.confidence
        bounds = (
            released(known, passage, agitation_order=self.order, conf=conf, draws=draws, seed=self.seed).lower
            for known in self.known
        )
        return min((0.0 if bound is None else bound for bound in bounds), default=0.0)

    def clean(self, recipe: Recipe) -> bool:
        stays = pocket_way(self.washer, recipe, Corner.EDGE)
        return meter(samples(stays, self.washer.bottle_in_c)).passed(self.need.f_floor_min, self.need.a0_floor_s)

    def passes(self, recipe: Recipe, draws: int) -> bool:
        return self.clean(recipe) and self.lower(recipe, draws) >= self.need.removal

    def too_hot(self, recipe: Recipe) -> bool:
        """Tell whether a zone hotter than anything tested carries dose: no recipe may rest on that."""
        passage = Passage.of(pocket_way(self.washer, recipe), self.washer.bottle_in_c)
        zones = (zone for known in self.known for zone in zone_doses(known, passage, agitation_order=self.order))
        return any(zone.outside.temperature == "hotter" and zone.extrapolated for zone in zones)


def recommend(
    fits: Mapping[str, ReleaseFit],
    washer: Washer,
    base: Recipe,
    need: Need | None = None,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Recommendation:
    """Return the coolest and the shortest variation of `base` on `washer` that keep `need` at their edge."""
    search = _Search(fits, washer, need or Need(), seed)
    found: list[Envelope] = []
    tried = 0
    for candidate in _settings(washer, base) if fits else ():
        tried += 1
        passing = _shortest_pace(search, candidate, draws)
        if passing is not None:
            found.append(_envelope(search, passing, draws))
    coolest = min(found, key=lambda e: (e.temperature_c, e.recipe.cycle_s, e.naoh_pct), default=None)
    shortest = min(found, key=lambda e: (e.recipe.cycle_s, e.temperature_c, e.naoh_pct), default=None)
    return Recommendation(coolest, shortest, tried)


def _hot_zone(washer: Washer, recipe: Recipe) -> str:
    caustic = {zone.name for zone in washer.zones if zone.kind is ZoneKind.CAUSTIC}
    return max((phase for phase in recipe.phases if phase.zone in caustic), key=lambda phase: phase.temperature_c).zone


def _settings(washer: Washer, base: Recipe) -> Iterator[Recipe]:
    """Yield `base` at each temperature and NaOH of its hot zone that the washer allows."""
    hot = _hot_zone(washer, base)
    zone = next(each for each in washer.zones if each.name == hot)
    settings = next(phase for phase in base.phases if phase.zone == hot)
    warmest, strongest = zone.temperature_c.high, zone.naoh_pct.high
    if "temperature" in washer.limits:
        warmest = min(warmest, washer.limits["temperature"].block)
    if "naoh" in washer.limits:
        strongest = min(strongest, washer.limits["naoh"].warn)
    steps = int((warmest - zone.temperature_c.low) / _STEP_C + 1e-9)
    levels = int(max(0.0, strongest - settings.naoh_pct) / _STEP_PCT + 1e-9)
    for k in range(steps + 1):
        for level in range(levels + 1):
            temperature_c = zone.temperature_c.low + k * _STEP_C
            yield _set(washer, base, hot, temperature_c, settings.naoh_pct + level * _STEP_PCT)


def _set(washer: Washer, base: Recipe, hot: str, temperature_c: float, naoh_pct: float) -> Recipe:
    shift = temperature_c - next(phase.temperature_c for phase in base.phases if phase.zone == hot)
    zones = {zone.name: zone for zone in washer.zones}
    phases = []
    for phase in base.phases:
        zone = zones[phase.zone]
        if phase.zone == hot:
            phases.append(replace(phase, temperature_c=temperature_c, naoh_pct=naoh_pct))
        elif zone.kind is ZoneKind.CAUSTIC:
            span = zone.temperature_c
            phases.append(replace(phase, temperature_c=min(max(phase.temperature_c + shift, span.low), span.high)))
        else:
            phases.append(phase)
    return replace(base, phases=tuple(phases), promotion=None)


def _shortest_pace(search: _Search, candidate: Recipe, draws: int) -> Recipe | None:
    """Return the candidate at its shortest passing pace, None when the slowest allowed does not pass either."""
    washer = search.washer
    caustic = {zone.name for zone in washer.zones if zone.kind is ZoneKind.CAUSTIC}
    in_caustic = sum(phase.dwell_s for phase in candidate.phases if phase.zone in caustic)
    unit = washer.cycle_s / candidate.cycle_s
    low = washer.rated_b_h / washer.fastest_b_h * unit
    high = min(washer.rated_b_h / washer.slowest_b_h * unit, washer.hot_caustic_s / in_caustic)
    if high < low or not search.passes(candidate.at_pace(high), _ROUGH_DRAWS) or search.too_hot(candidate):
        return None
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if search.passes(candidate.at_pace(middle), _ROUGH_DRAWS) else (middle, high)
    for more in range(_LENGTHEN):
        found = candidate.at_pace((ceil(high / _PACE_STEP - 1e-9) + more) * _PACE_STEP)
        if search.passes(found, draws):
            return found if _bearable(washer, found) else None
    return None


def _bearable(washer: Washer, recipe: Recipe) -> bool:
    check = glass_check(washer, recipe, washer.bottle_in_c)
    return check.caustic_s <= washer.hot_caustic_s + 1e-6 and worst_level(check) in {ShockLevel.FINE, ShockLevel.WARN}


def _envelope(search: _Search, recipe: Recipe, draws: int) -> Envelope:
    hot = _hot_zone(search.washer, recipe)
    settings = next(phase for phase in recipe.phases if phase.zone == hot)
    hygiene = cleanliness(search.washer, recipe, Corner.EDGE).bottle
    name = f"{search.washer.name}_{settings.temperature_c:g}c_{settings.naoh_pct:g}pct_{recipe.cycle_s:.0f}s"
    return Envelope(
        recipe=replace(recipe, name=name.replace(".", "p")),
        hot_zone=hot,
        temperature_c=settings.temperature_c,
        naoh_pct=settings.naoh_pct,
        released_lower=search.lower(recipe, draws),
        f_min=hygiene.f_min,
        a0_s=hygiene.a0_s,
        rate_b_h=search.washer.rate_b_h(recipe.cycle_s),
    )

"""What a recipe will do to bottles and labels: released share per glue at each corner, hygiene, shocks to the glass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.results import Estimate, GlueResult
from linectl.lab.transfer.passage import Cleanliness, GlassCheck, cleanliness, glass_check
from linectl.lab.transfer.release import DRAWS, SEED, Knowledge, Passage, ZoneDose, released, zone_doses
from linectl.model.washing import Corner, Recipe, Washer, pocket_way

__all__ = ["CORNERS", "Flow", "Forecast", "GlueForecast", "Release", "flow_that_counts", "forecast", "glue_forecast"]

CORNERS = tuple(Corner)


class Flow(StrEnum):
    """How the washer's agitation is counted against the lab bath's."""

    WITHOUT = "without"  # not at all: the lab's stirrer is all there is
    ASSUMED = "assumed"  # by the exponent in the washer's file
    FITTED = "fitted"  # by the experiment's own factor


@dataclass(frozen=True, slots=True)
class Release:
    """The share of labels off at the exit at one corner, per family, with one-sided lower bounds."""

    corner: Corner
    flow: Flow
    by_family: Mapping[str, Estimate]

    @property
    def value(self) -> float | None:
        """The least of the families' estimates; None without any."""
        return min((e.value for e in self.by_family.values() if e.value is not None), default=None)

    @property
    def lower(self) -> float | None:
        """The least of the families' bounds; None when one has none."""
        bounds = [estimate.lower for estimate in self.by_family.values()]
        known = [bound for bound in bounds if bound is not None]
        return min(known) if known and len(known) == len(bounds) else None


@dataclass(frozen=True, slots=True)
class GlueForecast:
    """What the fits of one glue foretell; no release when it has none. `zones` are shares of the dose at the settings.

    `counts` is the flow on which a decision rests: the fitted one, else none at all, never the assumption.
    `never_upper`: the share of labels that never come off which so many `bottles` cannot rule out even if all of them
    let go; None where the fit has that share as a parameter.
    """

    glue: str
    releases: tuple[Release, ...]
    zones: tuple[ZoneDose, ...]
    counts: Flow
    bottles: int = 0
    never_upper: float | None = None

    def at(self, corner: Corner, flow: Flow | None = None) -> Release | None:
        """Return the release at `corner`, by the flow that counts unless another is asked."""
        wanted = flow or self.counts
        return next((each for each in self.releases if each.corner is corner and each.flow is wanted), None)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole of it. `glass` are bottles of the usual and of the coldest temperature."""

    washer: Washer
    recipe: Recipe
    removal: float
    confidence: float
    draws: int
    seed: int
    hygiene: Mapping[Corner, Cleanliness]
    glass: tuple[GlassCheck, ...]
    glues: tuple[GlueForecast, ...]


def forecast(
    results: Iterable[GlueResult],
    washer: Washer,
    recipe: Recipe,
    *,
    removal: float = 0.99,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Forecast:
    """Return what `recipe` on `washer` will do, by the fits of `results`.

    Raises:
        KeyError: the recipe has no phase for a zone of the washer.
    """
    return Forecast(
        washer=washer,
        recipe=recipe,
        removal=removal,
        confidence=confidence,
        draws=draws,
        seed=seed,
        hygiene={corner: cleanliness(washer, recipe, corner) for corner in CORNERS},
        glass=tuple(glass_check(washer, recipe, c) for c in (washer.bottle_in_c, washer.coldest_bottle_in_c)),
        glues=tuple(
            glue_forecast(result.glue, result.fits, washer, recipe, conf=confidence, draws=draws, seed=seed)
            for result in results
        ),
    )


def glue_forecast(
    glue: str,
    fits: Mapping[str, ReleaseFit],
    washer: Washer,
    recipe: Recipe,
    *,
    conf: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> GlueForecast:
    """Return the released share of one glue at every corner, with and without the washer's agitation."""
    counts = flow_that_counts(fits)
    if not fits:
        return GlueForecast(glue, (), (), counts)
    known = {name: Knowledge.of(fit) for name, fit in fits.items()}
    passages = {corner: Passage.of(pocket_way(washer, recipe, corner), washer.bottle_in_c) for corner in CORNERS}
    releases = []
    for corner, passage in passages.items():
        for flow in Flow:
            if flow is Flow.FITTED and counts is not Flow.FITTED:
                continue
            order = _order(flow, washer)
            families = {
                name: released(each, passage, agitation_order=order, conf=conf, draws=draws, seed=seed)
                for name, each in known.items()
            }
            releases.append(Release(corner, flow, families))
    first = next(iter(known.values()))
    zones = zone_doses(first, passages[Corner.NOMINAL], agitation_order=_order(counts, washer))
    bottles = first.fit.n_bottles
    never_upper = None if "logit_pi" in first.fit.names else float(1.0 - (1.0 - conf) ** (1.0 / bottles))
    return GlueForecast(glue, tuple(releases), zones, counts, bottles, never_upper)


def flow_that_counts(fits: Mapping[str, ReleaseFit]) -> Flow:
    """Return the flow on which a decision rests: fitted when every family has it, else none."""
    fitted = bool(fits) and all("agitation" in fit.names for fit in fits.values())
    return Flow.FITTED if fitted else Flow.WITHOUT


def _order(flow: Flow, washer: Washer) -> float | None:
    return {Flow.WITHOUT: 0.0, Flow.ASSUMED: washer.agitation_order, Flow.FITTED: None}[flow]

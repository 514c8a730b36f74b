"""A bottle washer and its recipes as data, and the way of one pocket through them.

A washer is a chain of pockets through zones, so every dwell goes with the chain's speed. A recipe (ISA-88) is what the
line is set to: an ordered phase per zone with its settings and their tolerances. The feed stops where a tolerance is
left, so its edge is what a bottle may still meet: predictions are made there as well as at the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from linectl.model.lines import Limit

__all__ = [
    "Agitation",
    "Corner",
    "Inspector",
    "Phase",
    "Promotion",
    "Range",
    "Recipe",
    "Stay",
    "Washer",
    "WasherZone",
    "ZoneKind",
    "pocket_way",
]


class ZoneKind(StrEnum):
    """What a zone of a washer is for."""

    PRERINSE = "prerinse"
    PRESOAK = "presoak"
    CAUSTIC = "caustic"
    JETS = "jets"
    RINSE = "rinse"
    FINAL = "final"


class Agitation(StrEnum):
    """How the liquid moves at the label; `factor` is the `mech` of the release law (engineering estimates)."""

    STILL = "still"
    GENTLE = "gentle"
    JETS = "jets"

    @property
    def factor(self) -> float:
        """How strongly the liquid moves against a still bath; times go with its power -m."""
        return {"still": 1.0, "gentle": 1.5, "jets": 3.0}[self.value]


class Corner(StrEnum):
    """Which bottle is meant."""

    NOMINAL = "nominal"  # at the settings
    EDGE = "edge"  # every tolerance used up, and the bottle came in full of cold liquid
    FULL = "full"  # at the settings, but the bottle stays full of its cold liquid all the way


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether `value` lies within."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class WasherZone:
    """One zone: what it can be set to (°C, % NaOH), its dwell (s) at the rated speed and how its glass warms.

    `tau_glass_s` is the lag of a bottle flooded with the zone's liquid, `tau_full_s` that of a bottle still full of
    the cold liquid it came with; None where the carrier has emptied it before.
    """

    name: str
    kind: ZoneKind
    temperature_c: Range
    naoh_pct: Range
    dwell_s: float
    agitation: Agitation
    tau_glass_s: float = 15.0
    tau_full_s: float | None = None
    volume_l: float = 0.0
    pressure_bar: float | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Inspector:
    """How often the camera at the outfeed errs.

    `misses` is the share of bottles with a label that it lets pass, `false_rejects` that of clean bottles which it
    throws out. They belong to the camera as it is set up: count them with bottles known to be clean, and known not to.
    """

    misses: float = 0.0
    false_rejects: float = 0.0


@dataclass(frozen=True, slots=True)
class Washer:
    """A washer: its zones in the order of a bottle's way, and its speeds in bottles per hour.

    `agitation_order` is m of time ~ factor^-m, an estimate used where no experiment has fitted it. `limits` are those
    of any zone by quantity (`temperature` °C, `naoh` %). A bottle stands at most `hot_caustic_s` in caustic zones.
    `shelf_days` is how long a washed bottle keeps clean, 0 where nobody knows.
    `inspector` is the camera behind it, by which the line answers the lab.
    """

    name: str
    zones: tuple[WasherZone, ...]
    rated_b_h: float
    slowest_b_h: float
    fastest_b_h: float
    bottle_in_c: float = 15.0
    coldest_bottle_in_c: float = 0.0
    agitation_order: float = 0.3
    exit_below_c: float = 30.0
    shelf_days: float = 0.0
    hot_caustic_s: float = 900.0
    limits: Mapping[str, Limit] = field(default_factory=dict)
    inspector: Inspector = Inspector()
    description: str = ""
    source: str = ""
    file_hash: str = ""

    @property
    def cycle_s(self) -> float:
        """The time from infeed to exit at the rated speed, in s."""
        return sum(zone.dwell_s for zone in self.zones)

    def rate_b_h(self, cycle_s: float) -> float:
        """Return the bottles per hour at which the chain takes `cycle_s` seconds."""
        return self.rated_b_h * self.cycle_s / cycle_s


@dataclass(frozen=True, slots=True)
class Phase:
    """What one zone is set to. The feed stops beyond the tolerances (K, % NaOH, s)."""

    zone: str
    temperature_c: float
    naoh_pct: float
    dwell_s: float
    agitation: Agitation
    temperature_tolerance_k: float = 0.0
    naoh_tolerance_pct: float = 0.0
    dwell_tolerance_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Promotion:
    """On what a recipe rests: the verdict (hash of its record), its runs and data, and what it lets one expect.

    `released` is the predicted share off at the recipe's edge, `released_lower` its one-sided lower bound, `f_min` and
    `a0_s` the hygiene sums there.
    """

    glue: str
    verdict: str
    verdict_hash: str
    runs: tuple[str, ...]
    data_hash: str
    version: str
    removal: float
    confidence: float
    released: float
    released_lower: float
    f_min: float
    a0_s: float
    basis: str  # the recipe that was promoted
    washer_hash: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the line is set to, phase by phase; `promotion` tells the verdict behind it, None for one set by hand."""

    name: str
    washer: str
    phases: tuple[Phase, ...]
    description: str = ""
    promotion: Promotion | None = None
    source: str = ""
    file_hash: str = ""

    @property
    def cycle_s(self) -> float:
        """The time from infeed to exit in s."""
        return sum(phase.dwell_s for phase in self.phases)

    def with_phase(self, zone: str, **changes: float) -> Recipe:
        """Return the recipe with the settings of one zone changed.

        Raises:
            KeyError: the recipe has no phase for that zone.
        """
        if zone not in {phase.zone for phase in self.phases}:
            raise KeyError(zone)
        changed = (replace(phase, **changes) if phase.zone == zone else phase for phase in self.phases)  # type: ignore[arg-type]  # floats all
        return replace(self, phases=tuple(changed))

    def at_pace(self, factor: float) -> Recipe:
        """Return the recipe with every dwell `factor` times as long: one chain carries all zones."""
        slowed = (
            replace(p, dwell_s=p.dwell_s * factor, dwell_tolerance_s=p.dwell_tolerance_s * factor) for p in self.phases
        )
        return replace(self, phases=tuple(slowed))


@dataclass(frozen=True, slots=True)
class Stay:
    """`seconds` of a pocket in one zone: the liquid (°C, % NaOH), its agitation factor, the lag of the glass (s)."""

    zone: str
    kind: ZoneKind
    seconds: float
    temperature_c: float
    naoh_pct: float
    mech: float
    tau_s: float


def pocket_way(washer: Washer, recipe: Recipe, corner: Corner = Corner.NOMINAL) -> tuple[Stay, ...]:
    """Return the stays of a pocket on its way through `washer` set to `recipe`.

    Raises:
        KeyError: the recipe has no phase for a zone.
    """
    phases = {phase.zone: phase for phase in recipe.phases}
    return tuple(_stay(zone, phases[zone.name], washer, corner) for zone in washer.zones)


def _stay(zone: WasherZone, phase: Phase, washer: Washer, corner: Corner) -> Stay:
    used = 1.0 if corner is Corner.EDGE else 0.0
    full = [each.tau_full_s for each in washer.zones if each.tau_full_s is not None]
    tau_s = zone.tau_glass_s
    if corner is Corner.EDGE and zone.tau_full_s is not None:
        tau_s = zone.tau_full_s
    elif corner is Corner.FULL and full:
        tau_s = max(full)
    return Stay(
        zone=zone.name,
        kind=zone.kind,
        seconds=phase.dwell_s - used * phase.dwell_tolerance_s,
        temperature_c=phase.temperature_c - used * phase.temperature_tolerance_k,
        naoh_pct=max(0.0, phase.naoh_pct - used * phase.naoh_tolerance_pct),
        mech=phase.agitation.factor,
        tau_s=tau_s,
    )

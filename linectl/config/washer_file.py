"""What a washer file and a recipe file may say, their checks, and their way into `linectl.model.washing`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from linectl.config.files import SourceText
from linectl.config.line_file import LimitFile
from linectl.config.nodes import Document
from linectl.config.schema import FileModel, Finite, nearest
from linectl.model.lines import Limit
from linectl.model.washing import Agitation, Inspector, Phase, Promotion, Range, Recipe, Washer, WasherZone, ZoneKind
from linectl.words import tr

__all__ = ["RecipeFile", "WasherFile", "check_recipe", "check_recipe_fits", "check_washer", "recipe", "washer"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Error = Annotated[float, Field(ge=0, lt=0.5)]
Text = Annotated[str, Field(min_length=1)]
Span = Annotated[tuple[Finite, ...], Field(min_length=2, max_length=2)]
AgitationWord = Literal["still", "gentle", "jets"]
_ORDER = [word.value for word in Agitation]
_PACE = 0.01  # dwells of one chain agree to so much


class ZoneFile(FileModel):
    """One zone."""

    kind: Literal["prerinse", "presoak", "caustic", "jets", "rinse", "final"]
    dwell_s: Positive
    temperature_c: Span
    naoh_pct: Span
    agitation: AgitationWord
    tau_glass_s: Positive = 15.0
    tau_full_s: Positive | None = None
    volume_l: NotNegative = 0.0
    pressure_bar: Positive | None = None
    description: str = ""


class InspectorFile(FileModel):
    """How often the camera behind the washer errs."""

    misses: Error = 0.0
    false_rejects: Error = 0.0


class WasherFile(FileModel):
    """A whole washer."""

    kind: Literal["washer"]
    name: str = ""
    description: str = ""
    rated_b_h: Positive
    slowest_b_h: Positive
    fastest_b_h: Positive
    bottle_in_c: Finite = 15.0
    coldest_bottle_in_c: Finite = 0.0
    agitation_order: NotNegative = 0.3
    exit_below_c: Finite = 30.0
    shelf_days: NotNegative = 0.0
    hot_caustic_s: Positive = 900.0
    limits: dict[str, LimitFile] = Field(default_factory=dict)
    inspector: InspectorFile = InspectorFile()
    zones: Annotated[dict[str, ZoneFile], Field(min_length=1)]


class PhaseFile(FileModel):
    """One phase."""

    zone: Text
    temperature_c: Finite
    temperature_tolerance_k: NotNegative = 0.0
    naoh_pct: NotNegative
    naoh_tolerance_pct: NotNegative = 0.0
    dwell_s: Positive
    dwell_tolerance_s: NotNegative = 0.0
    agitation: AgitationWord


class PromotionFile(FileModel):
    """The verdict behind a recipe, as `linectl recipe promote` writes it."""

    glue: Text
    verdict: Literal["go"]
    verdict_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    runs: Annotated[tuple[Text, ...], Field(min_length=1)]
    data_hash: Text
    version: Text
    removal: Share
    confidence: Share
    released: Share
    released_lower: Share
    f_min: NotNegative
    a0_s: NotNegative
    basis: Text
    washer_hash: str = ""


class RecipeFile(FileModel):
    """A whole recipe."""

    kind: Literal["recipe"]
    name: str = ""
    description: str = ""
    washer: Text
    phases: Annotated[tuple[PhaseFile, ...], Field(min_length=1)]
    promotion: PromotionFile | None = None


def check_washer(file: WasherFile, document: Document) -> None:
    """Add to the document what does not fit together in the washer."""
    for name, zone in file.zones.items():
        for key in ("temperature_c", "naoh_pct"):
            low, high = getattr(zone, key)
            if low > high:
                message = tr("{low:g} is above {high:g}: write the lower end first").format(low=low, high=high)
                document.complain(("zones", name, key), message)
        if zone.tau_full_s is not None and zone.tau_full_s < zone.tau_glass_s:
            message = tr("a full bottle cannot warm faster than a flooded one ({tau:g} s)")
            document.complain(("zones", name, "tau_full_s"), message.format(tau=zone.tau_glass_s))
    if not file.slowest_b_h <= file.rated_b_h <= file.fastest_b_h:
        message = tr("{rated:g} bottles per hour lie outside {slow:g} to {fast:g}")
        values = {"rated": file.rated_b_h, "slow": file.slowest_b_h, "fast": file.fastest_b_h}
        document.complain(("rated_b_h",), message.format(**values))
    for quantity, limit in file.limits.items():
        if quantity not in {"temperature", "naoh"}:
            message = tr("`{word}` is not known here; {nearest}")
            near = nearest(quantity, ("temperature", "naoh"))
            document.complain(("limits", quantity), message.format(word=quantity, nearest=near))
        if not limit.warn <= limit.block <= limit.hard:
            message = tr("expected warn <= block <= hard, not {warn:g}, {block:g}, {hard:g}")
            document.complain(("limits", quantity), message.format(**limit.model_dump()))


def washer(file: WasherFile, source: SourceText) -> Washer:
    """Return the washer that a checked file describes."""
    values = file.model_dump(exclude={"kind", "name", "zones", "limits", "inspector"})
    return Washer(
        name=file.name or Path(source.path).stem,
        zones=tuple(_zone(name, zone) for name, zone in file.zones.items()),
        limits={name: Limit(limit.warn, limit.block, limit.hard) for name, limit in file.limits.items()},
        inspector=Inspector(file.inspector.misses, file.inspector.false_rejects),
        source=source.path,
        file_hash=source.sha256,
        **values,
    )


def _zone(name: str, file: ZoneFile) -> WasherZone:
    values = file.model_dump(exclude={"kind", "temperature_c", "naoh_pct", "agitation"})
    return WasherZone(
        name=name,
        kind=ZoneKind(file.kind),
        temperature_c=Range(*file.temperature_c),
        naoh_pct=Range(*file.naoh_pct),
        agitation=Agitation(file.agitation),
        **values,
    )


def check_recipe(file: RecipeFile, document: Document) -> None:
    """Add to the document what does not fit together in the recipe, whatever the washer."""
    seen: list[str] = []
    for number, phase in enumerate(file.phases):
        if phase.zone in seen:
            document.complain(("phases", number, "zone"), tr("{level} is given twice").format(level=phase.zone))
        seen.append(phase.zone)
        if phase.dwell_tolerance_s >= phase.dwell_s:
            message = tr("a tolerance of {tolerance:g} s leaves nothing of {dwell:g} s")
            values = {"tolerance": phase.dwell_tolerance_s, "dwell": phase.dwell_s}
            document.complain(("phases", number, "dwell_tolerance_s"), message.format(**values))


def recipe(file: RecipeFile, source: SourceText) -> Recipe:
    """Return the recipe that a checked file describes."""
    return Recipe(
        name=file.name or Path(source.path).stem,
        washer=file.washer,
        phases=tuple(
            Phase(agitation=Agitation(phase.agitation), **phase.model_dump(exclude={"agitation"}))
            for phase in file.phases
        ),
        description=file.description,
        promotion=None if file.promotion is None else Promotion(**file.promotion.model_dump()),
        source=source.path,
        file_hash=source.sha256,
    )


def check_recipe_fits(made: Recipe, machine: Washer, document: Document) -> None:
    """Add to the document where the recipe asks of the washer what it cannot do."""
    order = [zone.name for zone in machine.zones]
    given = [phase.zone for phase in made.phases]
    for number, name in enumerate(given):
        if name not in order:
            message = tr("is no zone of {washer}; {nearest}")
            near = nearest(name, order)
            document.complain(("phases", number, "zone"), message.format(washer=machine.name, nearest=near))
    missing = [name for name in order if name not in given]
    if missing:
        document.complain(("phases",), tr("no phase for the zones {names}").format(names=", ".join(missing)))
    known = [name for name in given if name in order]
    if known != sorted(known, key=order.index):
        document.complain(
            ("phases",), tr("phases go in the order of the zones: {names}").format(names=", ".join(order))
        )
    zones = {zone.name: zone for zone in machine.zones}
    for number, phase in enumerate(made.phases):
        if phase.zone in zones:
            _check_phase(phase, zones[phase.zone], machine, number, document)
    if not document.problems:
        _check_pace(made, machine, document)


def _check_phase(phase: Phase, zone: WasherZone, machine: Washer, number: int, document: Document) -> None:
    for key, quantity in (("temperature_c", "temperature"), ("naoh_pct", "naoh")):
        value: float = getattr(phase, key)
        span: Range = getattr(zone, key)
        limit = machine.limits.get(quantity)
        loc = ("phases", number, key)
        if not span.holds(value):
            message = tr("{value:g} is outside what zone {zone} can be set to ({low:g} to {high:g})")
            document.complain(loc, message.format(value=value, zone=zone.name, low=span.low, high=span.high))
        elif limit is not None and value > limit.block:
            message = tr("{value:g} is above the limit of {limit:g}")
            document.complain(loc, message.format(value=value, limit=limit.block))
    if _ORDER.index(phase.agitation) > _ORDER.index(zone.agitation):
        message = tr("zone {zone} has {has} agitation at most").format(zone=zone.name, has=zone.agitation.value)
        document.complain(("phases", number, "agitation"), message)


def _check_pace(made: Recipe, machine: Washer, document: Document) -> None:
    """Complain of dwells that no speed of the one chain gives, and of speeds that the washer has not."""
    rated = {zone.name: zone.dwell_s for zone in machine.zones}
    pace = made.cycle_s / machine.cycle_s
    for number, phase in enumerate(made.phases):
        fitting = pace * rated[phase.zone]
        if abs(phase.dwell_s - fitting) > _PACE * fitting + 0.5:
            message = tr("one chain carries all zones: at a cycle of {cycle:g} s this zone lasts {fitting:.0f} s")
            document.complain(("phases", number, "dwell_s"), message.format(cycle=made.cycle_s, fitting=fitting))
            return
    rate = machine.rate_b_h(made.cycle_s)
    if not machine.slowest_b_h <= round(rate) <= machine.fastest_b_h:
        message = tr("a cycle of {cycle:g} s means {rate:.0f} bottles per hour; the washer does {slow:g} to {fast:g}")
        values = {"cycle": made.cycle_s, "rate": rate, "slow": machine.slowest_b_h, "fast": machine.fastest_b_h}
        document.complain(("phases",), message.format(**values))

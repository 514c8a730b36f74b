"""A recipe as values of a line's tags: which they are, written one after the other, and whether they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass, field
from math import ceil
from typing import Any, Protocol

from drivers.link import Outcome
from linectl.errors import Refused
from linectl.line.limits import refusal
from linectl.line.reports import WriteReport
from linectl.model.lines import LineDefinition
from linectl.model.readings import Reading, Value
from linectl.model.washing import Recipe, Washer, ZoneKind
from linectl.words import tr

__all__ = ["Setting", "Write", "Written", "check", "set_to", "setting_of", "settings"]

_UNHEATED = {ZoneKind.PRERINSE, ZoneKind.FINAL}
_SAME = 1e-6
_S_PER_H = 3600.0


class Write(Protocol):
    """The line's safe write: checked, sent, read back, recorded."""

    def __call__(self, tag: str, value: Value, *, who: str, why: str) -> Awaitable[WriteReport]:
        """Write `value` to `tag`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a machine was set to: the recipe, the hash of its file, the verdict behind it, and the values by tag.

    Of its washer: how many bottles it holds (`capacity`) and its final rinse (`final`), and for how many days a washed
    bottle keeps clean; 0 where nobody knows.
    """

    recipe: str = ""
    recipe_hash: str = ""
    washer: str = ""
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    verdict: str = ""
    verdict_hash: str = ""
    glue: str = ""  # for which the verdict was given
    at_ns: int = 0
    capacity: int = 0
    final: int = 0
    shelf_days: float = 0.0

    def told(self) -> dict[str, Any]:
        """Return it as the store keeps it."""
        return asdict(self)

    @classmethod
    def from_told(cls, told: Mapping[str, Any]) -> Setting:
        """Return what `told` returned once."""
        return cls(**{name: told[name] for name in cls.__slots__ if name in told})

    def without_recipe(self) -> Setting:
        """Return what is known of the washer when no recipe stands."""
        return Setting(washer=self.washer, capacity=self.capacity, final=self.final, shelf_days=self.shelf_days)

    def left_by(self, readings: Mapping[str, Reading]) -> tuple[str, ...]:
        """Return the tags that hold another value than the recipe's, by readings made since it was written."""
        return tuple(
            tag
            for tag, wanted in self.values.items()
            if (found := readings.get(tag)) is not None
            and found.value is not None
            and found.received_time_ns > self.at_ns
            and abs(found.value - wanted) > _SAME
        )


@dataclass(frozen=True, slots=True)
class Written:
    """How the writing of a recipe ended: the tags that hold it, the report that ended it, the tags that were not tried.

    `failed` None: all of them hold what was asked.
    """

    written: tuple[str, ...]
    failed: WriteReport | None = None
    untried: tuple[str, ...] = ()


def settings(definition: LineDefinition, zone: str, recipe: Recipe, washer: Washer) -> dict[str, Value]:
    """Return the setpoints of `recipe`, as far as the line has them; `zone` is that of the machine itself."""
    wanted: dict[str, Value] = {}
    unheated = {each.name for each in washer.zones if each.kind in _UNHEATED}
    for phase in recipe.phases:
        if phase.zone not in unheated:
            wanted[f"{phase.zone}.setpoint"] = phase.temperature_c
        wanted[f"{phase.zone}.naoh_setpoint"] = phase.naoh_pct
    wanted[f"{zone}.speed_setpoint"] = round(washer.rate_b_h(recipe.cycle_s))
    return {tag: value for tag, value in wanted.items() if tag in definition.tags}


def check(definition: LineDefinition, recipe: Recipe, values: Mapping[str, Value]) -> None:
    """Look at all values of a recipe before the first is written.

    Raises:
        Refused: the line has no setpoint for any of them, or values are beyond its limits (each is named) (E-MCH-004).
    """
    if not values:
        text = tr("{line} has no setpoints for {recipe}: it is made for another machine")
        raise Refused(text.format(line=definition.name, recipe=recipe.name), code="E-MCH-004")
    wrong = [(tag, refusal(definition.tags[tag], value, definition.zones)) for tag, value in values.items()]
    beyond = [f"{tag}: {found[1]}" for tag, found in wrong if found is not None]
    if beyond:
        raise Refused(
            "\n".join(beyond),
            hint=tr("change the recipe, or the limits in {file}").format(file=definition.source),
            code="E-MCH-004",
        )


def setting_of(recipe: Recipe, washer: Washer, values: Mapping[str, Value], at_ns: int) -> Setting:
    """Return what the machine is set to once all `values` stand."""
    behind, per_s = recipe.promotion, washer.rated_b_h / _S_PER_H
    final_s = sum(zone.dwell_s for zone in washer.zones if zone.kind is ZoneKind.FINAL)
    return Setting(
        recipe.name,
        recipe.file_hash,
        washer.name,
        dict(values),
        verdict="" if behind is None else behind.verdict,
        verdict_hash="" if behind is None else behind.verdict_hash,
        glue="" if behind is None else behind.glue,
        at_ns=at_ns,
        capacity=ceil(washer.cycle_s * per_s),
        final=ceil(final_s * per_s),
        shelf_days=washer.shelf_days,
    )


async def set_to(write: Write, values: Mapping[str, Value], *, who: str, why: str) -> Written:
    """Write all `values`, one after the other, and end at the first that is not taken as it was asked."""
    tags = list(values)
    for place, tag in enumerate(tags):
        report = await write(tag, values[tag], who=who, why=why)
        if report.outcome is not Outcome.CONFIRMED:
            return Written(tuple(tags[:place]), report, tuple(tags[place + 1 :]))
    return Written(tuple(tags))

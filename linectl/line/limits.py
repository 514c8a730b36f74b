"""Limits of a line, checked before anything is heated or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from linectl.errors import Refused
from linectl.line.convert import NotRepresentable, encode
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition, Tag, Zone
from linectl.model.readings import Value
from linectl.words import decimal, tr

__all__ = ["check_limits", "refusal"]


def check_limits(experiment: Experiment, line: LineDefinition) -> list[str]:
    """Return warnings about an experiment's levels on `line`: those above the zone's `warn` limits.

    Raises:
        Refused: a level is beyond what the line allows (value, limit and tag are named, all of them at once), the zone
            is not on this line, or a bath would hold more bottles than it has positions.
    """
    zone = line.zones.get(experiment.zone)
    if zone is None:
        raise Refused(tr("{line} has no zone `{zone}`").format(line=line.name, zone=experiment.zone))
    bottles = experiment.bottles_per_bath
    refused, warned = [], []
    if bottles > zone.positions:
        text = tr("{bottles} bottles a bath, but {zone} has {positions} positions")
        refused.append(text.format(bottles=bottles, zone=zone.name, positions=zone.positions))
    for quantity, levels in (("temperature", experiment.temperatures_c), ("naoh", experiment.naoh_pct)):
        beyond, above = _levels(levels, quantity, zone, line.tags)
        refused += beyond
        warned += above
    if refused:
        raise Refused(
            "\n".join(refused), hint=tr("change the experiment, or the limits in {file}").format(file=line.source)
        )
    return warned


def refusal(tag: Tag, value: Value, zones: Mapping[str, Zone]) -> tuple[str, str] | None:
    """Return why `value` must not be written to `tag` (machine word, text for people), or None when it may be."""
    try:
        encode(tag, value)
    except NotRepresentable as error:
        return "range", str(error)
    if (tag.low is not None and value < tag.low) or (tag.high is not None and value > tag.high):
        text = tr("{value} is outside the range of {tag}, {low} to {high}")
        return "range", text.format(value=_number(value), tag=tag.name, low=tag.low, high=tag.high)
    zone = zones.get(tag.name.partition(".")[0])
    limit = zone.limits.get(tag.limit) if zone is not None else None
    if limit is not None and value > min(limit.block, limit.hard):
        return "limit", _beyond(value, tag.name, tag.unit, limit.block)
    return None


def _levels(levels: Iterable[float], quantity: str, zone: Zone, tags: Mapping[str, Tag]) -> tuple[list[str], list[str]]:
    tag = _limited_tag(quantity, zone, tags)
    limit = zone.limits.get(quantity)
    refused, warned = [], []
    for level in levels:
        found = None if tag is None else refusal(tag, level, {zone.name: zone})
        name, unit = (f"{zone.name}.{quantity}", "") if tag is None else (tag.name, tag.unit)
        if found is not None:
            refused.append(found[1])
        elif limit is not None and level > limit.block:
            refused.append(_beyond(level, name, unit, limit.block))
        elif limit is not None and level > limit.warn:
            text = tr("{value} {unit} is above the warning limit of {tag}, {limit} {unit}")
            warned.append(text.format(value=_number(level), unit=unit, tag=name, limit=_number(limit.warn)))
    return refused, warned


def _limited_tag(quantity: str, zone: Zone, tags: Mapping[str, Tag]) -> Tag | None:
    """Return the tag of the zone through which `quantity` is set."""
    own = (tag for tag in tags.values() if tag.limit == quantity and tag.name.startswith(f"{zone.name}."))
    return next(own, None)


def _beyond(value: float, tag: str, unit: str, limit: float) -> str:
    text = tr("{value} {unit} is beyond the limit of {tag}, {limit} {unit}")
    return text.format(value=_number(value), unit=unit, tag=tag, limit=_number(limit))


def _number(value: float) -> str:
    return decimal(value, 1 if round(value, 1) == value else 2)

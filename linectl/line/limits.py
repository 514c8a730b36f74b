"""Limits of a line, checked before anything is heated or written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from linectl.errors import Refused
from linectl.line.convert import NotRepresentable, kept
from linectl.model.experiments import Experiment
from linectl.model.lines import Limit, LineDefinition, Tag, Zone
from linectl.model.readings import Value
from linectl.words import decimal, number, tr

__all__ = ["Before", "Pace", "allowed_change", "check_limits", "doubt", "pace_of", "refusal", "too_fast"]

_TOLERANCE = 1e-9  # of the arithmetic: 0.1 + 0.2 is no step of more than 0.3


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


@dataclass(frozen=True, slots=True)
class Before:
    """What a tag holds before a write (None: it cannot be read), and for how many s it has (None: nobody knows)."""

    value: Value | None
    since_s: float | None = None


def refusal(tag: Tag, value: Value, zones: Mapping[str, Zone], before: Before | None = None) -> tuple[str, str] | None:
    """Return why `value` must not be written to `tag` (machine word, text for people), or None when it may be.

    Words: range, limit, step, rate. The last two, which say how fast a value may change, need `before`. What counts is
    what the register would hold, to which the device rounds, and the value itself.
    """
    try:
        held = kept(tag, value)
    except NotRepresentable as error:
        return "range", str(error)
    least, most = min(value, held), max(value, held)
    if (tag.low is not None and least < tag.low) or (tag.high is not None and most > tag.high):
        text = tr("{value} is outside the range of {tag}, {low} to {high}")
        return "range", text.format(value=_number(value), tag=tag.name, low=_end(tag.low), high=_end(tag.high))
    limit = _limit(tag, zones)
    if limit is not None and most > min(limit.block, limit.hard):
        return "limit", _beyond(value, tag.name, tag.unit, min(limit.block, limit.hard))
    return None if before is None else too_fast(tag, held, pace_of(tag, zones), before)


def doubt(tag: Tag, value: Value, zones: Mapping[str, Zone]) -> str:
    """Return why somebody should be asked before `value` is written to `tag`; "" when nothing is unusual about it."""
    limit = _limit(tag, zones)
    highest = _least(tag.warn_high, None if limit is None else limit.warn)
    if highest is not None and value > highest:
        text = tr("{value} {unit} is above the warning limit of {tag}, {limit} {unit}")
        return text.format(value=_number(value), unit=tag.unit, tag=tag.name, limit=_number(highest))
    if tag.warn_low is not None and value < tag.warn_low:
        text = tr("{value} {unit} is below the warning limit of {tag}, {limit} {unit}")
        return text.format(value=_number(value), unit=tag.unit, tag=tag.name, limit=_number(tag.warn_low))
    return ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a tag may be changed: by `step` in one write, by `per_min` in a minute (None: as one likes)."""

    step: float | None = None
    per_min: float | None = None

    def __bool__(self) -> bool:
        """Return whether there is any limit."""
        return self.step is not None or self.per_min is not None


def pace_of(tag: Tag, zones: Mapping[str, Zone]) -> Pace:
    """Return the narrower of the tag's own pace and that of its zone's limit."""
    limit = _limit(tag, zones)
    if limit is None:
        return Pace(tag.step, tag.per_min)
    return Pace(_least(tag.step, limit.step), _least(tag.per_min, limit.per_min))


def allowed_change(pace: Pace, since_s: float | None) -> float:
    """Return by how much a value may change now that was set `since_s` ago; None: nobody knows when.

    A value that has stood for long may change by what one minute allows, not by more. So any two values that were ever
    written differ by `per_min` times the minutes between them at most, and one write by no more than one minute's.
    """
    most = math.inf if pace.step is None else pace.step
    if pace.per_min is not None:
        minutes = 1.0 if since_s is None else min(1.0, max(0.0, since_s / 60.0))
        most = min(most, pace.per_min * minutes)
    return most


def too_fast(tag: Tag, value: Value, pace: Pace, before: Before) -> tuple[str, str] | None:
    """Return why the change to `value` is too fast (step or rate, text for people), None when it is not."""
    if not pace:
        return None
    if before.value is None:
        text = tr("{tag} cannot be read now, so nobody knows how far {value} {unit} is from what it holds")
        return "step", text.format(tag=tag.name, value=_number(value), unit=tag.unit)
    change = abs(value - before.value)
    if change <= allowed_change(pace, before.since_s) * (1.0 + _TOLERANCE) + _TOLERANCE:
        return None
    figures = {"tag": tag.name, "now": _number(before.value), "value": _number(value), "unit": tag.unit}
    if pace.step is not None and change > pace.step * (1.0 + _TOLERANCE) + _TOLERANCE:
        text = tr("from {now} to {value} {unit} is more than {tag} may change in one write, {step} {unit}")
        return "step", text.format(step=_number(pace.step), **figures)
    assert pace.per_min is not None
    text = tr("from {now} to {value} {unit} now is faster than {tag} may change, {rate} {unit} a minute")
    return "rate", text.format(rate=_number(pace.per_min), **figures)


def _limit(tag: Tag, zones: Mapping[str, Zone]) -> Limit | None:
    zone = zones.get(tag.name.partition(".")[0])
    return zone.limits.get(tag.limit) if zone is not None else None


def _least(one: float | None, other: float | None) -> float | None:
    some = [each for each in (one, other) if each is not None]
    return min(some, default=None)


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


def _end(value: float | None) -> str:
    """Return an end of a range; what has none reaches as far as its register."""
    return "…" if value is None else number(value)


def _number(value: float) -> str:
    return decimal(value, 1 if round(value, 1) == value else 2)

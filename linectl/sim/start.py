"""What a simulated rig can start with, and the bath that it then has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from linectl.errors import ConfigError
from linectl.sim.bath.physics import BathParams, BathState, filled
from linectl.words import number, tr

__all__ = ["INITIAL", "Range", "checked", "of_washer", "started_bath"]


class _Range(Protocol):
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def unit(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most that a figure may be, in `unit`."""

    low: float
    high: float
    unit: str


INITIAL: Mapping[str, Range] = {
    "bath.temperature": Range(1.0, 95.0, "°C"),
    "bath.naoh": Range(0.0, 4.0, "%"),
    "bath.level": Range(0.0, 100.0, "%"),
    "room.temperature": Range(5.0, 40.0, "°C"),
}
"""What a lab bath can start with; a temperature or NaOH without a level means that it is full."""


def started_bath(params: BathParams, start: Mapping[str, float]) -> BathState:
    """Return the bath that `start` describes."""
    wet = "bath.temperature" in start or "bath.naoh" in start
    return filled(
        params,
        temperature_c=start.get("bath.temperature", params.feed_c if "bath.naoh" in start else params.room_c),
        naoh_pct=start.get("bath.naoh", 0.0),
        level_pct=start.get("bath.level", 100.0 if wet else 0.0),
    )


def of_washer(initial: Mapping[str, float]) -> dict[str, float]:
    """Return what of `initial` a washer starts with."""
    if initial.keys() <= INITIAL.keys() and "room.temperature" not in initial:
        return {}
    known = _washer()
    return {name: value for name, value in initial.items() if name in known}


def checked(initial: Mapping[str, float]) -> Mapping[str, float]:
    """Return `initial`, of a bath or a washer.

    Raises:
        ConfigError: it names something that neither knows, or is out of its range.
    """
    known: Mapping[str, _Range] = INITIAL if initial.keys() <= INITIAL.keys() else {**INITIAL, **_washer()}
    for name, value in initial.items():
        allowed = known.get(name)
        if allowed is None:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            raise ConfigError(
                tr("the simulated rig cannot start with {name}; it knows {known}").format(
                    name=name, known=", ".join(known)
                ),
                hint=tr("did you mean {near}?").format(near=near[0]) if near else "",
            )
        if not allowed.low <= value <= allowed.high:
            text = tr("{name} = {value}: the simulated rig starts between {low} and {high}{unit}")
            figures = {"value": number(value), "low": number(allowed.low), "high": number(allowed.high)}
            raise ConfigError(text.format(name=name, unit=f" {allowed.unit}" if allowed.unit else "", **figures))
    return dict(initial)


def _washer() -> Mapping[str, _Range]:
    from linectl.sim.washer.twin import INITIAL as OF_WASHER  # a rig that nobody asks for a washer does not load it

    return OF_WASHER

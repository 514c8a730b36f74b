"""Figures of an experiment file that no lab bath can have, and the unit in which they would make sense."""

from __future__ import annotations

from collections.abc import Iterator

from linectl.config.experiment_file import ExperimentFile
from linectl.config.nodes import Document, Loc
from linectl.words import tr

__all__ = ["check_units", "temperatures"]

BOILING_C = 100.0
BOILING_F = 212.0
STRONGEST_PCT = 10.0  # bottle washers work at 0.5 to 3 %
SHORTEST_CAP_S = 5.0  # nobody can put a bottle in and look at it in less
SHORTEST_CHECK_S = 1.0  # the bath is scanned once a second
SHORTEST_WITHIN_S = 10.0


def check_units(file: ExperimentFile, document: Document) -> None:
    """Add to the document what looks like °F, K, hours, minutes or g/L where °C, s or % are meant."""
    for loc, value in temperatures(file):
        _temperature(value, loc, document)
    for loc, value in _strengths(file):
        if value >= STRONGEST_PCT:
            message = tr("{value:g} % is no washing bath; it looks like g/L: {value:g} g/L is about {percent:g} %")
            document.complain(loc, message.format(value=value, percent=value / 10.0))
    for loc, value in ((("soak", "cap_s"), file.soak.cap_s), (("decision", "soak_s"), file.decision.soak_s)):
        if value < SHORTEST_CAP_S:
            _hours(value, loc, document)
    if file.stabilisation.within_s < SHORTEST_WITHIN_S:
        _hours(file.stabilisation.within_s, ("stabilisation", "within_s"), document)
    if file.soak.check_s < SHORTEST_CHECK_S:
        _minutes(file.soak.check_s, ("soak", "check_s"), document)


def temperatures(file: ExperimentFile) -> Iterator[tuple[Loc, float]]:
    """Yield every temperature that a bath is set to or asked about, with its place."""
    for number, value in enumerate(file.factors.temperature_c):
        yield ("factors", "temperature_c", number), value
    for number, row in enumerate(file.design.table):
        yield ("design", "table", number, "temperature_c"), row.temperature_c
    if file.design.centre is not None:
        yield ("design", "centre", "temperature_c"), file.design.centre.temperature_c
    if file.design.target_c is not None:
        yield ("design", "target_c"), file.design.target_c
    for number, value in enumerate(file.decision.temperatures_c):
        yield ("decision", "temperatures_c", number), value
    yield ("glass", "bottle_in_c"), file.glass.bottle_in_c


def _strengths(file: ExperimentFile) -> Iterator[tuple[Loc, float]]:
    for number, value in enumerate(file.factors.naoh_pct):
        yield ("factors", "naoh_pct", number), value
    for number, value in enumerate(file.decision.naoh_pct):
        yield ("decision", "naoh_pct", number), value


def _temperature(value: float, loc: Loc, document: Document) -> None:
    if 0.0 <= value <= BOILING_C:
        return
    if BOILING_C < value <= BOILING_F:
        message = tr("{value:g} °C boils; it looks like °F: {value:g} °F is {celsius:.4g} °C")
        message = message.format(value=value, celsius=(value - 32.0) / 1.8)
    elif 273.15 <= value <= 373.15:
        message = tr("{value:g} °C boils; it looks like K: {value:g} K is {celsius:.4g} °C")
        message = message.format(value=value, celsius=value - 273.15)
    else:
        message = tr("expected a temperature of water, 0 to 100 °C, not {value:g}").format(value=value)
    document.complain(loc, message)


def _hours(value: float, loc: Loc, document: Document) -> None:
    message = tr("{value:g} s is too short for anything; it looks like hours: {value:g} h is {seconds:g} s")
    document.complain(loc, message.format(value=value, seconds=3600.0 * value))


def _minutes(value: float, loc: Loc, document: Document) -> None:
    message = tr("{value:g} s is shorter than a look; it looks like minutes: {value:g} min is {seconds:g} s")
    document.complain(loc, message.format(value=value, seconds=60.0 * value))

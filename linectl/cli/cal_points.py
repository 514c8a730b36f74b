"""What people write for a calibration: numbers with a comma or a point, reference values, readings, days."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass

import click

from linectl.clock import wall_ns
from linectl.server.calibration_dates import day_of
from linectl.words import tr

__all__ = ["DECIMAL", "DUE", "POINTS", "POSITIVE", "Given", "decimal_of", "due_of", "given_of"]

_NUMBER = r"[-+]?\d+(?:[.,]\d+)?"
_POINT = re.compile(
    rf"\s*(?P<reference>{_NUMBER})\s*(?:(?:±|\+/?-)\s*(?P<u>\d+(?:[.,]\d+)?))?\s*(?:=\s*(?P<reading>{_NUMBER}))?\s*"
)
_DAYS = re.compile(r"(\d{1,4})\s*[dj]")
_FRENCH_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class Given:
    """A point as somebody gave it: its reference value, the uncertainty and the reading where they were given."""

    reference: float
    u: float | None = None
    reading: float | None = None


def decimal_of(text: str) -> float:
    """Return the number that a person wrote, `62,5` or `62.5`.

    Raises:
        ValueError: it is none, or none that is finite.
    """
    value = float(text.strip().replace(",", ".").replace("\N{MINUS SIGN}", "-"))
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def given_of(text: str) -> Given:
    """Return the point `REFERENCE[±U][=READING]`.

    Raises:
        ValueError: it is none.
    """
    found = _POINT.fullmatch(text.replace("\N{MINUS SIGN}", "-"))
    if found is None:
        raise ValueError(text)
    u, reading = (None if found[name] is None else decimal_of(found[name]) for name in ("u", "reading"))
    return Given(decimal_of(found["reference"]), u, reading)


def due_of(text: str, today: dt.date) -> dt.date:
    """Return the day that `text` names: 2027-11-23, 23/11/2027, or so many days from `today` (365d, 365j).

    Raises:
        ValueError: it is none, or not after `today`.
    """
    word = text.strip().lower()
    days, french = _DAYS.fullmatch(word), _FRENCH_DAY.fullmatch(word)
    if days is not None:
        day = today + dt.timedelta(days=int(days[1]))
    elif french is not None:
        day = dt.date(int(french[3]), int(french[2]), int(french[1]))
    else:
        day = dt.date.fromisoformat(word)
    if day <= today:
        raise ValueError(text)
    return day


class _Decimal(click.ParamType[float]):
    """A number with a comma or a point; `positive` must be above 0."""

    name = "number"

    def __init__(self, *, positive: bool = False) -> None:
        self._positive = positive

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        if isinstance(value, float):
            return value
        try:
            found = decimal_of(str(value))
        except ValueError:
            self.fail(tr("{text} is no number, such as 62,5").format(text=value), param, ctx)
        if self._positive and found <= 0.0:
            self.fail(tr("{text} must be above 0").format(text=value), param, ctx)
        return found


class _Points(click.ParamType[tuple[Given, ...]]):
    """Points apart by `;`."""

    name = "points"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Given, ...]:
        """Return the points."""
        if isinstance(value, tuple):
            return value
        found = []
        for part in str(value).split(";"):
            try:
                found.append(given_of(part))
            except ValueError:
                text = tr(
                    "{text} is no point: write REFERENCE, REFERENCE±U or REFERENCE±U=READING, points apart by `;`"
                )
                self.fail(text.format(text=repr(part.strip())), param, ctx)
        return tuple(found)


class _Due(click.ParamType[str]):
    """A day to come."""

    name = "day"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the day as YYYY-MM-DD."""
        try:
            return due_of(str(value), day_of(wall_ns())).isoformat()
        except (ValueError, OverflowError):
            text = tr("{text} is no day to come: write 2027-11-23, 23/11/2027, or 365d")
            self.fail(text.format(text=value), param, ctx)


DECIMAL = _Decimal()
POSITIVE = _Decimal(positive=True)
POINTS = _Points()
DUE = _Due()

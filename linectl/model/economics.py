"""What a washed bottle costs and earns: named inputs, each with its unit and where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

__all__ = ["INPUTS", "Economics", "Figure"]

INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "price_new": "EUR/bottle",
        "discount_low": "1",
        "discount_high": "1",
        "fixed_cost": "EUR/h",
        "jobs_per_500000_bottles": "jobs",
        "cost_per_job": "EUR/year",
        "heat_per_bottle": "Wh/bottle",
        "heat_reference": "°C",
        "heat_per_kelvin": "Wh/bottle/K",
        "heat_loss_factor": "1",
        "electricity_per_bottle": "Wh/bottle",
        "heat_price": "EUR/kWh",
        "electricity_price": "EUR/kWh",
        "water_per_bottle": "L/bottle",
        "water_price": "EUR/m3",
        "naoh_per_bottle": "g/bottle",
        "naoh_reference": "%",
        "naoh_drag_out": "mL/bottle",
        "naoh_price": "EUR/kg",
        "rewash_cost": "EUR/bottle",
        "reject_share": "1",
        "permanent_share": "1",
    }
)
"""Every input and its unit (1: a share of 1)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value in `unit` and its source: a publication, the plant's own statement, an estimate, or the command line."""

    value: float
    unit: str
    source: str
    given: bool = False  # by the person who asks, in place of the file's


@dataclass(frozen=True, slots=True)
class Economics:
    """All inputs by name (`INPUTS`)."""

    name: str
    figures: Mapping[str, Figure]
    description: str = ""
    source: str = ""
    file_hash: str = ""

    def value(self, name: str) -> float:
        """Return the value of an input in its unit."""
        return self.figures[name].value

    def given(self, values: Mapping[str, float], source: str) -> Economics:
        """Return the economics with inputs set by the person who asks; `source` says so.

        Raises:
            KeyError: an input of a name that is not known.
        """
        figures = dict(self.figures)
        for name, value in values.items():
            figures[name] = Figure(value, figures[name].unit, source, given=True)
        return replace(self, figures=figures)

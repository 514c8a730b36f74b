"""How well a bottle's way through heat and caustic has killed what was in it: the caustic sum F and the heat sum A0.

    F  = sum (C/3)^n theta^((T - 54.4)/10) dt     minutes; C in % NaOH, T in °C; passes at 5 min
    A0 = sum 10^((T - 80)/10) dt                  seconds; passes at 600 s

F counts minutes at 3 % and 54.4 °C (130 °F), of which American codes ask five (Oregon OAR 603-021-0720). The lesser
of two sums counts: n = 1.75, theta = 1.5 for spores of B. subtilis, n = 2.7, theta = 2.0 for coli (Hobbs and Wilson,
The disinfectant activity of caustic soda, J. Hyg., Cambridge). Their rates turned irregular at 70 °C (spores) and
40 °C (coli): hotter figures are extrapolated, and F is a yardstick of the plant's own, not a legal one. Plain water
has no caustic kill. A0 is the heat sum of EN ISO 15883.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["A0_FLOOR_S", "COLI", "F_FLOOR_MIN", "SPORES", "Hygiene", "Kill", "Sample", "heat_rate", "meter"]

F_FLOOR_MIN = 5.0
A0_FLOOR_S = 600.0
_CODE_PCT = 3.0
_CODE_C = 54.4
_S_PER_MIN = 60.0


@dataclass(frozen=True, slots=True)
class Kill:
    """How caustic kills one kind of germ: with the power `order` of its content, `theta` times faster per 10 K."""

    name: str
    order: float
    theta: float

    def rate(self, naoh_pct: float, temperature_c: float) -> float:
        """Return how many times faster than in 3 % NaOH at 54.4 °C; 0 in plain water."""
        if naoh_pct <= 0.0:
            return 0.0
        strength: float = (naoh_pct / _CODE_PCT) ** self.order
        warmth: float = self.theta ** ((temperature_c - _CODE_C) / 10.0)
        return strength * warmth

    def minutes_needed(self, naoh_pct: float, temperature_c: float, floor_min: float = F_FLOOR_MIN) -> float | None:
        """Return the minutes at constant conditions that reach `floor_min`; None in plain water, which never does."""
        rate = self.rate(naoh_pct, temperature_c)
        return floor_min / rate if rate > 0.0 else None


SPORES = Kill("spores", 1.75, 1.5)
COLI = Kill("coli", 2.7, 2.0)


def heat_rate(temperature_c: float) -> float:
    """Return the seconds of A0 that one second at `temperature_c` °C is worth; 1 at 80 °C."""
    rate: float = 10.0 ** ((temperature_c - 80.0) / 10.0)
    return rate


class Sample(NamedTuple):
    """`dt_s` seconds of a bottle's way at its own temperature (°C) in NaOH (%); None: not known."""

    dt_s: float
    temperature_c: float | None
    naoh_pct: float | None


@dataclass(frozen=True, slots=True)
class Hygiene:
    """What a bottle has had: F of spores and of coli in min, A0 in s, and whether all of its way is known."""

    spores_min: float
    coli_min: float
    a0_s: float
    complete: bool = True

    @property
    def f_min(self) -> float:
        """The lesser of the two sums, in min."""
        return min(self.spores_min, self.coli_min)

    def passed(self, f_floor_min: float = F_FLOOR_MIN, a0_floor_s: float = A0_FLOOR_S) -> bool:
        """Tell whether the bottle passes by F or by A0; one whose way is not all known never does."""
        return self.complete and (self.f_min >= f_floor_min or self.a0_s >= a0_floor_s)


def meter(samples: Iterable[Sample]) -> Hygiene:
    """Return the sums over a bottle's way. A sample without temperature or NaOH adds nothing and marks the gap.

    Raises:
        ValueError: a sample of negative length.
    """
    spores = coli = heat = 0.0
    complete = True
    for dt_s, temperature_c, naoh_pct in samples:
        if dt_s < 0.0:
            msg = f"a sample of {dt_s} s"
            raise ValueError(msg)
        if temperature_c is None or naoh_pct is None:
            complete = False
            continue
        spores += SPORES.rate(naoh_pct, temperature_c) * dt_s
        coli += COLI.rate(naoh_pct, temperature_c) * dt_s
        heat += heat_rate(temperature_c) * dt_s
    return Hygiene(spores / _S_PER_MIN, coli / _S_PER_MIN, heat, complete)

"""What a little NaOH does to drinking water: its pH and its conductivity, from the water's bicarbonate.

A closed carbonate system at 25 °C with activity coefficients left out; nothing precipitates and no CO2 comes or goes
(Stumm and Morgan, Aquatic Chemistry). The conductivity is that of the ions at infinite dilution.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

__all__ = ["Water"]

_K1 = 10.0**-6.352  # of carbonic acid at 25 °C
_K2 = 10.0**-10.329
_KW = 10.0**-13.995
_NAOH_MG_PER_MMOL = 39.997
_PH_STEP = 0.01
_PH_TOP = 12.6  # about 1.6 g/L of NaOH
# limiting molar conductivities at 25 °C in S cm2/mol (CRC Handbook)
_NA, _OH, _HCO3, _CO3 = 50.1, 198.3, 44.5, 138.6


def _shares(hydrogen: float) -> tuple[float, float]:
    """Return the shares of bicarbonate and of carbonate in all inorganic carbon at [H+] mol/L."""
    whole = hydrogen * hydrogen + _K1 * hydrogen + _K1 * _K2
    return _K1 * hydrogen / whole, _K1 * _K2 / whole


def _excess(hydrogen: float) -> float:
    """Return [OH-] - [H+] in mol/L."""
    return _KW / hydrogen - hydrogen


@dataclass(frozen=True)
class Water:
    """Mains water of `alkalinity_meq_l` meq/L and pH `ph`: how both move when NaOH gets into it.

    Raises:
        ValueError: an alkalinity below 0, or a pH outside 6 to 9.5, where drinking water is not.
    """

    alkalinity_meq_l: float
    ph: float
    _curve: tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Lay the curve of NaOH (mg/L) against pH, and of the conductivity (µS/cm) that it adds."""
        if self.alkalinity_meq_l < 0.0 or not 6.0 <= self.ph <= 9.5:
            msg = f"no drinking water: {self.alkalinity_meq_l} meq/L at pH {self.ph}; from 0 meq/L, and pH 6 to 9.5"
            raise ValueError(msg)
        object.__setattr__(self, "_curve", self._laid())

    def ph_with(self, naoh_mg_l: float) -> float:
        """Return the pH of this water with `naoh_mg_l` mg/L of NaOH in it."""
        mg_l, ph, _ = self._curve
        return _between(mg_l, ph, naoh_mg_l)

    def adds_us_cm(self, naoh_mg_l: float) -> float:
        """Return the conductivity in µS/cm at 25 °C that `naoh_mg_l` mg/L of NaOH add to this water's own."""
        mg_l, _, added = self._curve
        return _between(mg_l, added, naoh_mg_l)

    def naoh_mg_l(self, ph: float) -> float:
        """Return the NaOH in mg/L that brings this water to `ph`; 0 below its own."""
        return max(0.0, self._needed_mmol(ph) * _NAOH_MG_PER_MMOL)

    def _carbon_mol(self) -> float:
        hydrogen = 10.0**-self.ph
        bicarbonate, carbonate = _shares(hydrogen)
        return max(0.0, self.alkalinity_meq_l * 1e-3 - _excess(hydrogen)) / (bicarbonate + 2.0 * carbonate)

    def _needed_mmol(self, ph: float) -> float:
        """Return the strong base in mmol/L between this water and `ph`, by the balance of charges."""
        here, there = 10.0**-self.ph, 10.0**-ph
        (b0, c0), (b1, c1) = _shares(here), _shares(there)
        carbon = self._carbon_mol()
        return 1e3 * (carbon * (b1 + 2.0 * c1 - b0 - 2.0 * c0) + _excess(there) - _excess(here))

    def _laid(self) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
        carbon, before = self._carbon_mol(), 10.0**-self.ph
        b0, c0 = _shares(before)
        mg_l, phs, added = [], [], []
        for k in range(round((_PH_TOP - self.ph) / _PH_STEP) + 1):
            ph = self.ph + k * _PH_STEP
            hydrogen = 10.0**-ph
            b1, c1 = _shares(hydrogen)
            base = self._needed_mmol(ph)
            ions = carbon * ((b1 - b0) * _HCO3 + (c1 - c0) * _CO3) + (_KW / hydrogen - _KW / before) * _OH
            mg_l.append(base * _NAOH_MG_PER_MMOL)
            phs.append(ph)
            added.append(base * _NA + 1e3 * ions)
        return tuple(mg_l), tuple(phs), tuple(added)


def _between(xs: tuple[float, ...], ys: tuple[float, ...], x: float) -> float:
    """Return y at `x` on the line between the points beside it; below all the first y, above all on the last line."""
    if x <= xs[0]:
        return ys[0]
    k = min(bisect_right(xs, x), len(xs) - 1)
    return ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1])

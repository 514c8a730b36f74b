"""Worlds in which the truth is known and the fit's assumptions are not: baths differ, labels stick for good, and more.

Each bottle's release time is drawn in one step at a constant bath, so that thousands of screenings and confirmations
cost seconds. The rig and its plant judge everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K
from linectl.units import kelvin

__all__ = ["WORLDS", "Screening", "World", "screen"]

Array = NDArray[np.float64]
_GRID = np.linspace(-6.0, 6.0, 241)
_WEIGHT = np.exp(-0.5 * _GRID**2) / np.exp(-0.5 * _GRID**2).sum()
_LOTS = 2


@dataclass(frozen=True, slots=True)
class World:
    """One truth about one glue.

    ln t50 at 60 °C and 1.5 % NaOH, E (kJ/mol; above 65 °C `hot_energy`), order n in (c + 0.1), sigma within a bath,
    `bath_sd` between baths, share `never`, an induction time (s at 60 °C, with the same E) before anything moves,
    `probe_sd` of the lab probe's offset (K, one draw a lab), `lot_sd` between lots of glue (two lots).
    """

    name: str
    ln_t50_60: float = 5.3
    energy: float = 45.0
    hot_energy: float | None = None
    order: float = 0.3
    sigma: float = 0.35
    bath_sd: float = 0.2
    never: float = 0.0
    induction_60_s: float = 0.0
    probe_sd: float = 0.0
    lot_sd: float = 0.0

    def ln_slowing(self, temperature_c: float) -> float:
        """Return by how much ln t at `temperature_c` (°C) lies above that at 60 °C."""
        kink = 65.0
        top = min(temperature_c, kink)
        slow = self.energy / GAS_CONSTANT_KJ_MOL_K * (1 / kelvin(top) - 1 / kelvin(60.0))
        if temperature_c > kink:
            hot = self.energy if self.hot_energy is None else self.hot_energy
            slow += hot / GAS_CONSTANT_KJ_MOL_K * (1 / kelvin(temperature_c) - 1 / kelvin(kink))
        return slow

    def ln_t50(self, temperature_c: float, naoh_pct: float) -> float:
        """Return ln of the median of labels that release, s, without induction."""
        return self.ln_t50_60 + self.ln_slowing(temperature_c) - self.order * float(np.log((naoh_pct + 0.1) / 1.6))

    def induction_s(self, temperature_c: float) -> float:
        """Return the time before anything moves."""
        return self.induction_60_s * float(np.exp(self.ln_slowing(temperature_c)))

    def lots(self, rng: np.random.Generator) -> Array:
        """Return how much each lot of glue differs in ln t; their mean is the glue."""
        shift = rng.normal(0.0, self.lot_sd, _LOTS) if self.lot_sd else np.zeros(_LOTS)
        return np.asarray(shift - shift.mean())

    def removal(self, temperature_c: float, naoh_pct: float, soak_s: float, lots: Array | None = None) -> float:
        """Return the share of all labels off within the soak, over baths and lots: the truth."""
        after = soak_s - self.induction_s(temperature_c)
        if after <= 0:
            return 0.0
        margin = np.log(after) - self.ln_t50(temperature_c, naoh_pct)
        shifts = np.zeros(_LOTS) if lots is None else lots
        shares = [float(_WEIGHT @ ndtr((margin - shift - self.bath_sd * _GRID) / self.sigma)) for shift in shifts]
        return (1.0 - self.never) * float(np.mean(shares))

    def set_to(self, removal: float, temperature_c: float, naoh_pct: float, soak_s: float) -> World:
        """Return this world with a glue so fast that just `removal` of its labels is off at the point."""

        def excess(ln_t50_60: float) -> float:
            return replace(self, ln_t50_60=ln_t50_60).removal(temperature_c, naoh_pct, soak_s) - removal

        return replace(self, ln_t50_60=float(brentq(excess, -3.0, 12.0, xtol=1e-9)))

    def times(self, rng: np.random.Generator, temperature_c: float, naoh_pct: float, shifts: Array) -> Array:
        """Return release times (s; inf: never) of one bath, one bottle for each of `shifts` (of its lot, ln t)."""
        ln_t = self.ln_t50(temperature_c, naoh_pct) + rng.normal(0.0, self.bath_sd or 1e-12)
        times = np.exp(ln_t + shifts + rng.normal(0.0, self.sigma, shifts.size)) + self.induction_s(temperature_c)
        return np.where(rng.random(shifts.size) < self.never, np.inf, times)


WORLDS = (
    World("baths .15", bath_sd=0.15),
    World("baths .30", bath_sd=0.30),
    World("plateau", bath_sd=0.15),  # its share of stuck labels is set with the removal asked
    World("induction", bath_sd=0.15, induction_60_s=60.0),
    World("kinked Arrhenius", bath_sd=0.15, energy=70.0, hot_energy=30.0),
    World("probe offset", bath_sd=0.15, probe_sd=0.15),
    World("two lots", bath_sd=0.15, lot_sd=0.15),
)


@dataclass(frozen=True, slots=True)
class Screening:
    """Baths (°C, % NaOH) of `bottles` each, looked at every `check_s` up to `cap_s`."""

    baths: tuple[tuple[float, float], ...]
    bottles: int = 20
    check_s: float = 15.0
    cap_s: float = 1200.0


def screen(world: World, plan: Screening, rng: np.random.Generator, *, offset_k: float, lots: Array) -> ReleaseData:
    """Return what a screening of `world` shows; its baths are `offset_k` hotter than the probe says."""
    records: list[ReleaseRecord] = []
    traces: dict[str, BathTrace] = {}
    for number, (temperature_c, naoh_pct) in enumerate(plan.baths, start=1):
        name = f"{number:02d}"
        traces[name] = BathTrace.constant(temperature_c, plan.cap_s)
        shifts = lots[np.arange(plan.bottles) % lots.size]
        checks = plan.check_s * np.arange(1, round(plan.cap_s / plan.check_s) + 1)
        for k, time_s in enumerate(world.times(rng, temperature_c + offset_k, naoh_pct, shifts)):
            seen = int(np.searchsorted(checks, time_s))
            records.append(
                ReleaseRecord(
                    bottle=f"{name}-{k:02d}",
                    bath=name,
                    glue="new",
                    lo_s=float(checks[seen - 1]) if seen else 0.0,
                    hi_s=float(checks[seen]) if seen < checks.size else float("inf"),
                    caustic_pct=naoh_pct,
                    temperature_c=temperature_c,
                    naoh_pct=naoh_pct,
                )
            )
    return ReleaseData.from_records(records, traces)

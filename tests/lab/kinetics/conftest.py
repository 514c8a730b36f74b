"""Simulated screenings, of which the truth is known."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.trace import inverse_u
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.sim.bath.campaign import Campaign, simulate_campaign

SCREENING = Experiment(
    name="screening",
    question="which soak?",
    temperatures_c=(50.0, 60.0, 70.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "starch", "pvoh", "psa", "permanent"),
    replicates=3,
    bottles_per_glue=4,
    seed=1,
    soak=Soak(cap_s=1200.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 900.0, (60.0, 70.0, 80.0), (1.5,)),
)


@pytest.fixture
def screening() -> Callable[[int], ReleaseData]:
    """Return the 24 baths of a seed, 480 bottles."""
    return _screening


@cache
def _screening(seed: int) -> ReleaseData:
    return _as_data(simulate_campaign(SCREENING, seed))


def _as_data(campaign: Campaign) -> ReleaseData:
    traces = {bath.name: BathTrace.of(bath.trace_s, bath.trace_c) for bath in campaign.baths}
    records = [
        ReleaseRecord(
            bottle=f"{bath.name}-{bottle.position:02d}",
            bath=bath.name,
            glue=bottle.glue,
            lo_s=bottle.lo_s,
            hi_s=bottle.hi_s,
            caustic_pct=bath.naoh_pct,
            temperature_c=bath.temperature_c,
            naoh_pct=bath.naoh_pct,
            inserted_at_s=bottle.inserted_s,
        )
        for bath in campaign.baths
        for bottle in bath.bottles
    ]
    return ReleaseData.from_records(records, traces)


@dataclass(frozen=True)
class World:
    """A truth to draw bottles from: baths at exact temperatures, looked at every 15 s for 20 min, by default one glue.

    `energies` by glue ("a", "b" ...), each glue 1.35 times slower than the one before; `sigma` may differ by
    temperature; `naoh_pct` goes round from bath to bath, its order is 0.4.
    """

    temps_c: tuple[float, ...] = (50.0, 55.0, 60.0, 65.0, 70.0)
    baths_each: int = 3
    bottles: int = 24
    energies: tuple[float, ...] = (60.0,)
    sigma: float | dict[float, float] = 0.4
    curvature: float = 0.0
    stuck: float = 0.0
    family: str = "lognormal"
    naoh_pct: tuple[float, ...] = (1.5,)
    stirred_pct: tuple[float, ...] = ()
    agitation: float = 0.0
    exact: bool = False

    def soaked(self, seed: int) -> ReleaseData:
        """Return the bottles of one draw."""
        draw = np.random.default_rng(seed)
        rows, traces = [], {}
        for number, temp_c in enumerate(self.temps_c * self.baths_each):
            name, naoh = f"{number:02d}", self.naoh_pct[number % len(self.naoh_pct)]
            stirred = self.stirred_pct[number % len(self.stirred_pct)] if self.stirred_pct else None
            traces[name] = BathTrace.constant(temp_c, 1300.0)
            for bottle in range(self.bottles):
                time_s = math.exp(self._log_time(draw, temp_c, naoh, stirred, bottle % len(self.energies)))
                glue = "abcdef"[bottle % len(self.energies)]
                lo, hi = (time_s, time_s) if self.exact and time_s < 1200.0 else _looked_at(time_s)
                row = ReleaseRecord(f"{name}-{bottle}", name, glue, lo, hi, naoh, temp_c, naoh, agitation_pct=stirred)
                rows.append(row)
        return ReleaseData.from_records(rows, traces)

    def _log_time(self, draw: np.random.Generator, temp_c: float, naoh: float, stirred: float | None, k: int) -> float:
        w = draw.standard_normal() if self.family == "lognormal" else math.log(draw.standard_exponential())
        if draw.random() < self.stuck:
            return 700.0
        u = float(inverse_u(np.array([temp_c]))[0])
        sigma = self.sigma[temp_c] if isinstance(self.sigma, dict) else self.sigma
        flow = 0.0 if stirred is None else self.agitation * (stirred - 50.0) / 50.0
        centre = math.log(200.0) + 0.3 * k - 0.4 * math.log((naoh + 0.1) / 1.6) + flow
        return centre - self.energies[k] * u - self.curvature * u**2 + sigma * w


def _looked_at(time_s: float) -> tuple[float, float]:
    lo = 15.0 * math.floor(min(time_s, 1200.0) / 15.0)
    return lo, lo + 15.0 if lo < 1200.0 else math.inf


@pytest.fixture
def world() -> type[World]:
    """Return the worlds to draw from."""
    return World


@pytest.fixture(scope="module")
def module_world() -> Callable[..., ReleaseData]:
    """Return what draws the bottles of a world (its fields by name), for fixtures of a whole module."""
    return lambda **fields: World(**fields).soaked(1)


@pytest.fixture
def batch() -> Callable[[str], ReleaseData]:
    """Return the rows of synthetic_batch, "exact" or "interval": 240 bottles in 24 baths of constant temperature."""
    return _batch


@cache
def _batch(kind: str) -> ReleaseData:
    path = Path(__file__).parents[2] / "data" / "kinetics" / f"synthetic_batch_{kind}.csv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    traces = {row["batch"]: BathTrace.constant(float(row["celsius"]), 1e5) for row in rows}
    records = [
        ReleaseRecord(f"b{k}", row["batch"], "g", float(row["lo"]), float(row["hi"]), 1.5, float(row["celsius"]), 1.5)
        for k, row in enumerate(rows)
    ]
    return ReleaseData.from_records(records, traces)


@pytest.fixture
def soaked() -> Callable[[int, int, float], ReleaseData]:
    """Return lognormal bottles of (seed, baths, omega): ten a bath, median 300 s at 60 °C, E 60, sigma 0.4."""
    return _soaked


def _soaked(seed: int, baths: int, omega: float) -> ReleaseData:
    draw = np.random.default_rng(seed)
    checks = tuple(np.arange(15.0, 1201.0, 15.0).tolist())
    records, traces = [], {}
    for number in range(baths):
        temperature_c = (50.0, 60.0, 70.0)[number % 3]
        traces[str(number)] = BathTrace.constant(temperature_c, 1300.0)
        middle = math.log(300.0) - 60.0 * float(inverse_u(np.array([temperature_c]))[0])
        middle += omega * float(draw.standard_normal())
        for bottle, time_s in enumerate(np.exp(middle + 0.4 * draw.standard_normal(10))):
            lo = 15.0 * math.floor(min(time_s, 1200.0) / 15.0)
            hi = lo + 15.0 if lo < 1200.0 else math.inf
            name = f"{number}-{bottle}"
            row = ReleaseRecord(name, str(number), "g", lo, hi, 1.5, temperature_c, 1.5, checks_s=checks)
            records.append(row)
    return ReleaseData.from_records(records, traces)

"""Simulated screenings, of which the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.sim.campaign import Campaign, simulate_campaign

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

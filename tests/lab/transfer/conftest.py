"""A screening soaked in the simulator, its fits, the shipped washer and its reference recipe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.config.plant_files import load_recipe, load_washer
from linectl.lab.analysis import analyse
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.results import Analysis
from linectl.model.washing import Recipe, Washer
from linectl.sim.bath.campaign import simulate_campaign


@pytest.fixture(scope="session")
def washer() -> Washer:
    return load_washer(find_file("washer"))


@pytest.fixture(scope="session")
def reference() -> Recipe:
    return load_recipe(find_file("reference_80c", folder="config/recipes"))


@pytest.fixture(scope="session")
def stronger() -> Recipe:
    return load_recipe(find_file("reference_80c_2pct", folder="config/recipes"))


@pytest.fixture(scope="session")
def screening() -> Analysis:
    """24 baths of casein, PSA and permanent glue, as a lab would have soaked them."""
    shipped = load_experiment(find_file("glue_screening", folder="experiments"))
    experiment = replace(shipped, glues=("casein", "psa", "permanent"), bottles_per_glue=6)
    rows, traces = [], {}
    for bath in simulate_campaign(experiment, 11).baths:
        traces[bath.name] = BathTrace.of(bath.trace_s, bath.trace_c)
        rows += [
            ReleaseRecord(
                bottle=f"{bath.name}-{bottle.position}",
                bath=bath.name,
                glue=bottle.glue,
                lo_s=bottle.lo_s,
                hi_s=bottle.hi_s,
                caustic_pct=bath.naoh_pct,
                temperature_c=bath.temperature_c,
                naoh_pct=bath.naoh_pct,
                inserted_at_s=bottle.inserted_s,
            )
            for bottle in bath.bottles
        ]
    data = ReleaseData.from_records(rows, traces)
    return analyse(data, decision=experiment.decision, glass=experiment.glass, runs=("r1",), experiment="screening")

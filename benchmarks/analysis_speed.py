"""How long a whole analysis takes: 5 glues, 480 bottles in 24 baths, beside one plain fit of one of the glues."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.lab.analysis import analyse, judge, to_json
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import fit_release
from linectl.model.experiments import Experiment
from linectl.sim.bath.campaign import simulate_campaign

__all__ = ["measure"]


def measure() -> list[dict[str, Any]]:
    """Return the processor's seconds of the verdicts, the whole analysis and another question, in plain fits."""
    experiment = load_experiment(find_file("glue_screening", folder="experiments"))
    data, glass = _screened(experiment), experiment.glass
    one = data.of_glue("casein")

    def fitted() -> None:  # its dose anew: one that is kept would not be timed
        fit_release(replace(one), "lognormal", glass=glass)

    fitted()  # the first imports
    plain = min(_took(fitted) for _ in range(5))
    again = replace(experiment.decision, soak_s=experiment.decision.soak_s / 2)
    figures = [
        ("verdicts alone", lambda: judge(data, decision=experiment.decision, glass=glass)),
        ("what a report adds", lambda: to_json(analyse(data, decision=experiment.decision, glass=glass))),
        ("another soak asked", lambda: to_json(analyse(data, decision=again, glass=glass))),
    ]
    size = f"{len(data.glues)} x {len(one)} bottles"
    return [_row(f"{size}: {name}", _took(work), plain) for name, work in figures]


def _row(name: str, seconds: float, plain: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": seconds,
        "unit": "s",
        "reference": "one plain fit",
        "reference_value": plain,
        "ratio": seconds / plain,
    }


def _screened(experiment: Experiment) -> ReleaseData:
    campaign = simulate_campaign(experiment, 1)
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
    return ReleaseData.from_records(records, {b.name: BathTrace.of(b.trace_s, b.trace_c) for b in campaign.baths})


def _took(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    for record in measure():
        print(f"{record['name']}: {record['value']:.3g} s, {record['ratio']:.3g} plain fits")

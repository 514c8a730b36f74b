"""Where the wanted quantile is to be precise."""

from __future__ import annotations

from statistics import median

from linectl.model.experiments import Experiment
from linectl.model.records import Treatment

__all__ = ["target_treatment"]


def target_treatment(experiment: Experiment) -> Treatment:
    """Return the point at which the wanted quantile is to be precise: as designed, else the decision's middle."""
    design, decision = experiment.design, experiment.decision
    temperature_c = median(decision.temperatures_c) if design.target_c is None else design.target_c
    naoh_pct = median(decision.naoh_pct) if design.target_naoh_pct is None else design.target_naoh_pct
    return Treatment(float(temperature_c), float(naoh_pct))

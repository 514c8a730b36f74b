"""An analysis as JSON holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.goodness import Goodness
from linectl.lab.results import Analysis, CellCurve, Estimate, FitTest, GlueResult, PointBound, Verdict, Warn

__all__ = ["to_json"]


def to_json(analysis: Analysis) -> dict[str, object]:
    """Return the analysis as JSON holds it: finite numbers, or null with its reason; a label still on has hi null."""
    decision, glass = analysis.decision, analysis.glass
    return {
        "kind": "linectl.analysis",
        "schema": 2,
        "runs": list(analysis.runs),
        "experiment": analysis.experiment,
        "simulated": analysis.simulated,
        "data_hash": analysis.data_hash,
        "versions": dict(analysis.versions),
        "decision": {
            "removal": decision.removal,
            "confidence": decision.confidence,
            "soak_s": decision.soak_s,
            "temperatures_c": list(decision.temperatures_c),
            "naoh_pct": list(decision.naoh_pct),
        },
        "bootstrap": {"seed": analysis.seed, "replicates": analysis.replicates},
        "calibration_u": {"temperature_k": analysis.doubt.temperature_k, "naoh_pct": analysis.doubt.naoh_pct},
        "glass": {"tau_glass_s": glass.tau_glass_s, "bottle_in_c": glass.bottle_in_c},
        "glues": [_glue_json(glue) for glue in analysis.glues],
        "warnings": [_warn_json(warning) for warning in analysis.warnings],
    }


def _glue_json(glue: GlueResult) -> dict[str, object]:
    return {
        "glue": glue.glue,
        "verdict": _verdict_json(glue.verdict),
        "bottles": glue.n_bottles,
        "released_at_first_check": glue.n_left,
        "released_between_checks": glue.n_interval,
        "still_on": glue.n_right,
        "baths": glue.n_baths,
        "family": glue.family,
        "aic": {family: float(value) for family, value in glue.aic.items()},
        "fits": {family: _fit_json(fit) for family, fit in glue.fits.items()},
        "tests": {name: _tests_json(found) for name, found in glue.tests.items()},
        "goodness": {family: _goodness_json(found) for family, found in glue.goodness.items()},
        "activation_energy": _estimates_json(glue.activation_energy),
        "activation_energy_no_lag": _estimates_json(glue.activation_energy_no_lag),
        "activation_energy_robust": _estimates_json(glue.robust_energy),
        "caustic_order": _estimates_json(glue.caustic_order),
        "agitation": _estimates_json(glue.agitation),
        "bath_sd": _estimates_json(glue.bath_sd),
        "never_share": _estimates_json(glue.never_share),
        "points": [_point_json(point) for point in glue.points],
        "coolest": [
            {"naoh_pct": each.naoh_pct, "within_s": each.within_s, "temperature": _estimates_json(each.by_family)}
            for each in glue.coolest
        ],
        "equivalent_soaks": [
            {"bath": soak.bath, "minutes_at_60_c": _estimates_json(soak.by_family)} for soak in glue.soaks
        ],
        "cells": [_cell_json(cell) for cell in glue.cells],
        "warnings": [_warn_json(warning) for warning in glue.warnings],
    }


def _verdict_json(verdict: Verdict) -> dict[str, object]:
    return {
        "word": verdict.word.value,
        "reason": verdict.reason,
        "temperature_c": _number(verdict.temperature_c),
        "naoh_pct": _number(verdict.naoh_pct),
        "bound_s": _number(verdict.bound_s),
        "soak_s": _number(verdict.soak_s),
        "bottles_needed": verdict.bottles_needed,
        "where_c": _number(verdict.where_c),
        "where_naoh_pct": _number(verdict.where_naoh_pct),
        "hinders": [str(code) for code in verdict.hinders],
    }


def _point_json(point: PointBound) -> dict[str, object]:
    return {
        "temperature_c": point.temperature_c,
        "naoh_pct": point.naoh_pct,
        "release_time": _estimates_json(point.by_family),
        "release_time_typical_bath": _estimates_json(point.conditional),
        "release_time_profile": _estimates_json(point.profile),
    }


def _tests_json(tests: Mapping[str, FitTest]) -> dict[str, object]:
    return {
        family: {
            "statistic": _number(test.statistic),
            "df": test.df,
            "p": _number(test.p),
            "reason": str(test.reason),
        }
        for family, test in tests.items()
    }


def _goodness_json(found: Goodness) -> dict[str, object]:
    return {
        "distance": found.distance,
        "p": found.p,
        "replicates": found.replicates,
        "failed": found.failed,
        "seed": found.seed,
        "cells": [
            {
                "temperature_c": cell.temperature_c,
                "naoh_pct": cell.naoh_pct,
                "bottles": cell.n_bottles,
                "distance": cell.distance,
                "p": cell.p,
            }
            for cell in found.cells
        ],
    }


def _fit_json(fit: ReleaseFit) -> dict[str, object]:
    return {
        "parameters": {
            name: {"value": float(value), "se": fit.se(name), "unit": unit}
            for name, value, unit in zip(fit.names, fit.params, fit.units, strict=True)
        },
        "covariance": [[float(value) for value in line] for line in fit.cov],
        "loglik": fit.loglik,
        "aic": fit.aic,
        "rows": fit.n_rows,
        "censored_fraction": fit.censored_fraction,
        "newton_decrement": fit.newton_decrement,
        "condition_number": fit.condition_number,
        "iterations": fit.iterations,
    }


def _cell_json(cell: CellCurve) -> dict[str, object]:
    return {
        "temperature_c": cell.temperature_c,
        "naoh_pct": cell.naoh_pct,
        "bottles": cell.n_bottles,
        "lo_s": list(cell.lo),
        "hi_s": [_number(value) for value in cell.hi],
        "turnbull": {
            "left_s": list(cell.left),
            "right_s": [_number(value) for value in cell.right],
            "mass": list(cell.mass),
        },
    }


def _estimates_json(estimates: Mapping[str, Estimate]) -> dict[str, object]:
    return {family: _estimate_json(estimate) for family, estimate in estimates.items()}


def _estimate_json(estimate: Estimate) -> dict[str, object]:
    return {
        "value": _number(estimate.value),
        "lower": _number(estimate.lower),
        "upper": _number(estimate.upper),
        "confidence": estimate.conf,
        "method": estimate.method,
        "unit": estimate.unit,
        "reason": str(estimate.reason),
        "extrapolated": estimate.extrapolated,
        "population": estimate.population,
        "replicates": estimate.replicates,
        "failed": estimate.failed,
        "terms": {name: float(part) for name, part in estimate.terms.items()},
    }


def _warn_json(warning: Warn) -> dict[str, object]:
    return {"code": str(warning.code), "detail": warning.detail}


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None

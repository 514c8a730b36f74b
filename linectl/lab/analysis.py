"""From label releases to verdicts: fits of both families per glue, bounds at the asked points, curves, warnings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import numpy as np

from linectl.lab.decision import asked_points, decide
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import Cell, ReleaseData
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit, fit_families
from linectl.lab.kinetics.goodness import unexplained_stuck
from linectl.lab.kinetics.intervals import ReleaseTimes, wald
from linectl.lab.kinetics.trace import NO_LAG
from linectl.lab.kinetics.turnbull import turnbull
from linectl.lab.results import Analysis, CellCurve, Estimate, GlueResult, PointBound, Warn
from linectl.model.experiments import Decision, Glass
from linectl.words import tr

__all__ = ["FAMILY_NAMES", "analyse", "to_json"]

FAMILY_NAMES = ("lognormal", "weibull")  # both are always fitted: the wrong one costs more than any interval
_FEW_BATHS = 8
_CONFOUNDED = 0.5
_UNDECIDED_AIC = 10.0

Fits = Mapping[str, ReleaseFit | NotFitted]


def analyse(
    data: ReleaseData,
    *,
    decision: Decision,
    glass: Glass,
    runs: Sequence[str] = (),
    experiment: str = "",
    simulated: bool = False,
) -> Analysis:
    """Return what `data` say about every glue in it, judged by `decision` through the lag of `glass`."""
    return Analysis(
        runs=tuple(runs),
        experiment=experiment,
        simulated=simulated,
        glues=tuple(_glue(data.of_glue(name), name, decision, glass) for name in data.glues),
        decision=decision,
        glass=glass,
        data=data,
        data_hash=data.sha256(),
        versions={name: version(name) for name in ("linectl", "numpy", "scipy")},
        warnings=(*data.warnings, *_confounded(data)),
    )


def _glue(data: ReleaseData, name: str, decision: Decision, glass: Glass) -> GlueResult:
    fits = fit_families(data, FAMILY_NAMES, glass=glass)
    plain = fit_families(data, FAMILY_NAMES, glass=NO_LAG)
    points = _points(fits, decision)
    cells = tuple(_curve(data.of_cell(cell), cell) for cell in data.cells)
    released = [math.isfinite(row.hi_s) for row in data.records]
    at_first = [row.lo_s == 0 for row in data.records]
    return GlueResult(
        glue=name,
        n_bottles=len(data),
        n_left=sum(at_first),
        n_interval=sum(released) - sum(at_first),
        n_right=len(data) - sum(released),
        n_baths=len(data.baths),
        fits={family: fit for family, fit in fits.items() if isinstance(fit, ReleaseFit)},
        activation_energy=_parameter(fits, "E", decision.confidence),
        activation_energy_no_lag=_parameter(plain, "E", decision.confidence),
        caustic_order=_caustic_order(fits, decision.confidence),
        points=points,
        cells=cells,
        verdict=decide(decision, points, data),
        warnings=tuple(_warnings(data, fits, points, cells, decision)),
    )


def _points(fits: Fits, decision: Decision) -> tuple[PointBound, ...]:
    times = {family: ReleaseTimes(fit) for family, fit in fits.items() if isinstance(fit, ReleaseFit)}
    return tuple(
        PointBound(
            temperature_c,
            naoh_pct,
            {
                family: times[family].bound(
                    temp_c=temperature_c, naoh_pct=naoh_pct, p=decision.removal, conf=decision.confidence
                )
                if isinstance(fit, ReleaseFit)
                else Estimate(None, conf=decision.confidence, method="profile", unit="s", reason=fit.code)
                for family, fit in fits.items()
            },
        )
        for temperature_c, naoh_pct in asked_points(decision)
    )


def _parameter(fits: Fits, name: str, conf: float) -> dict[str, Estimate]:
    return {
        family: wald(fit, name, conf)
        if isinstance(fit, ReleaseFit)
        else Estimate(None, conf=conf, method="wald", reason=fit.code)
        for family, fit in fits.items()
    }


def _caustic_order(fits: Fits, conf: float) -> dict[str, Estimate]:
    """Return n of time ~ (c + 0.1)^-n: the coefficient with its sign turned, and its bounds with it."""
    found = {}
    for family, slope in _parameter(fits, "caustic", conf).items():
        if slope.value is None or slope.lower is None or slope.upper is None:
            found[family] = slope
        else:
            found[family] = Estimate(-slope.value, -slope.upper, -slope.lower, slope.conf, slope.method)
    return found


def _curve(data: ReleaseData, cell: Cell) -> CellCurve:
    lo, hi = (tuple(float(getattr(row, end)) for row in data.records) for end in ("lo_s", "hi_s"))
    estimate = turnbull(lo, hi)
    left, right, mass = (tuple(map(float, part)) for part in (estimate.left, estimate.right, estimate.mass))
    return CellCurve(cell[0], cell[1], len(data), lo, hi, left, right, mass)


def _warnings(
    data: ReleaseData, fits: Fits, points: Sequence[PointBound], cells: Sequence[CellCurve], decision: Decision
) -> list[Warn]:
    found = list(dict.fromkeys(Warn(fit.code, fit.detail) for fit in fits.values() if isinstance(fit, NotFitted)))
    if len(data.baths) < _FEW_BATHS:
        found.append(Warn(Code.FEW_BATHS, str(len(data.baths))))
    if any(isinstance(fit, ReleaseFit) and not fit.has_caustic for fit in fits.values()):
        found.append(Warn(Code.SINGLE_CAUSTIC))
    for cell in cells:
        name = f"{cell.temperature_c:g} °C, {cell.naoh_pct:g} %"
        if all(map(math.isinf, cell.hi)):
            found.append(Warn(Code.ALL_CENSORED_CELL, name))
        elif not any(cell.lo):
            found.append(Warn(Code.FIRST_CHECK_CELL, name))
    found += [
        Warn(Code.EXTRAPOLATED, f"{point.temperature_c:g} °C, {point.naoh_pct:g} %")
        for point in points
        if any(estimate.extrapolated for estimate in point.by_family.values())
    ]
    return found + _undecided(fits, points, decision) + _plateau(fits)


def _undecided(fits: Fits, points: Sequence[PointBound], decision: Decision) -> list[Warn]:
    criteria = [fit.aic for fit in fits.values() if isinstance(fit, ReleaseFit)]
    if len(criteria) < len(FAMILY_NAMES) or max(criteria) - min(criteria) >= _UNDECIDED_AIC:
        return []
    text = tr("{point}: AIC differs by {difference:.1f} only")
    return [
        Warn(
            Code.FAMILY_UNDECIDED,
            text.format(
                point=f"{point.temperature_c:g} °C, {point.naoh_pct:g} %", difference=max(criteria) - min(criteria)
            ),
        )
        for point in points
        if len({e.upper is not None and e.upper <= decision.soak_s for e in point.by_family.values()}) > 1
    ]


def _plateau(fits: Fits) -> list[Warn]:
    text = tr("{family}: {count} of {n} labels still on where the fit leaves none")
    counts = {
        family: (unexplained_stuck(fit), fit.n_bottles) for family, fit in fits.items() if isinstance(fit, ReleaseFit)
    }
    return [
        Warn(Code.PLATEAU, text.format(family=family, count=count, n=n))
        for family, (count, n) in counts.items()
        if count
    ]


def _confounded(data: ReleaseData) -> list[Warn]:
    """Return a warning when the baths' temperatures go with their order: depletion or drift would pass for E."""
    bath_temperature = {row.bath: row.temperature_c for row in data.records}
    temperatures = np.array([bath_temperature[bath] for bath in data.baths])
    if temperatures.size < 3 or not np.ptp(temperatures):
        return []
    correlation = float(np.corrcoef(temperatures, np.arange(temperatures.size))[0, 1])
    return [Warn(Code.TEMP_TIME_CONFOUNDED, f"{correlation:.2f}")] if abs(correlation) > _CONFOUNDED else []


def to_json(analysis: Analysis) -> dict[str, object]:
    """Return the analysis as JSON holds it: finite numbers, or null with its reason; a label still on has hi null."""
    decision, glass = analysis.decision, analysis.glass
    return {
        "kind": "linectl.analysis",
        "schema": 1,
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
        "glass": {"tau_glass_s": glass.tau_glass_s, "bottle_in_c": glass.bottle_in_c},
        "glues": [_glue_json(glue) for glue in analysis.glues],
        "warnings": [_warn_json(warning) for warning in analysis.warnings],
    }


def _glue_json(glue: GlueResult) -> dict[str, object]:
    verdict = glue.verdict
    return {
        "glue": glue.glue,
        "verdict": {
            "word": verdict.word.value,
            "reason": verdict.reason,
            "temperature_c": _number(verdict.temperature_c),
            "naoh_pct": _number(verdict.naoh_pct),
            "bound_s": _number(verdict.bound_s),
            "soak_s": _number(verdict.soak_s),
        },
        "bottles": glue.n_bottles,
        "released_at_first_check": glue.n_left,
        "released_between_checks": glue.n_interval,
        "still_on": glue.n_right,
        "baths": glue.n_baths,
        "fits": {family: _fit_json(fit) for family, fit in glue.fits.items()},
        "activation_energy": _estimates_json(glue.activation_energy),
        "activation_energy_no_lag": _estimates_json(glue.activation_energy_no_lag),
        "caustic_order": _estimates_json(glue.caustic_order),
        "points": [
            {
                "temperature_c": point.temperature_c,
                "naoh_pct": point.naoh_pct,
                "release_time": _estimates_json(point.by_family),
            }
            for point in glue.points
        ],
        "cells": [_cell_json(cell) for cell in glue.cells],
        "warnings": [_warn_json(warning) for warning in glue.warnings],
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
    }


def _warn_json(warning: Warn) -> dict[str, object]:
    return {"code": str(warning.code), "detail": warning.detail}


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None

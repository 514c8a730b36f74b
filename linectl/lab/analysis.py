"""From label releases to verdicts: fits of both families per glue, bounds at the asked points, curves, warnings."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version

from scipy.special import expit, ndtri

from linectl.lab.analysis_json import to_json
from linectl.lab.bound_engine import BoundEngine, Replicas
from linectl.lab.decision import Standing, decide
from linectl.lab.fitted import FAMILY_NAMES, Fits, Fitted
from linectl.lab.glue_bounds import GlueBounds
from linectl.lab.glue_warnings import data_warnings, glue_warnings
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import Cell, ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.goodness import Goodness, gof
from linectl.lab.kinetics.intervals import wald
from linectl.lab.kinetics.sandwich import cluster_interval
from linectl.lab.kinetics.turnbull import turnbull
from linectl.lab.results import (
    Analysis,
    CellCurve,
    Estimate,
    GlueResult,
    GlueVerdict,
    PointBound,
    SensorDoubt,
    Verdict,
    Verdicts,
)
from linectl.model.experiments import Decision, Glass, Prior
from linectl.words import language

__all__ = ["FAMILY_NAMES", "REPLICATES", "SEED", "analyse", "judge", "to_json"]

REPLICATES = 499
"""Of each bound; 499 are what its coverage was studied with."""
SEED = 20260101
"""Of all that is drawn, so that the same data give the same record."""
_REMEMBERED = 16  # glues
_GOODNESS_REPLICATES = 19  # so few tell p = .05: none of them is as far off
_MOST_BOTTLES = 1000  # beyond, the distance of fit and labels is given without its chance


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of every glue."""

    decision: Decision
    glass: Glass
    doubt: SensorDoubt
    replicas: Replicas


def analyse(
    data: ReleaseData,
    *,
    decision: Decision,
    glass: Glass,
    runs: Sequence[str] = (),
    experiment: str = "",
    simulated: bool = False,
    doubt: SensorDoubt | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
    bath_sd: float = Prior().bath_sd,
) -> Analysis:
    """Return what `data` say about every glue in it, judged by `decision` through the lag of `glass`.

    `doubt` is what calibrations leave open (None: nothing is known of them, and that is told), `bath_sd` the planner's
    guess of how baths differ (sd of ln t). The answer depends on the arguments alone.
    """
    known = doubt or SensorDoubt()
    asked = _Asked(decision, glass, known, Replicas(replicates, seed, bath_sd))
    return Analysis(
        runs=tuple(runs),
        experiment=experiment,
        simulated=simulated,
        glues=tuple(_glue(_Part.of(data.of_glue(name), name), asked) for name in data.glues),
        decision=decision,
        glass=glass,
        data=data,
        data_hash=data.sha256(),
        versions={name: version(name) for name in ("linectl", "numpy", "scipy")},
        warnings=data_warnings(data, known),
        doubt=known,
        seed=seed,
        replicates=replicates,
    )


def judge(
    data: ReleaseData,
    *,
    decision: Decision,
    glass: Glass,
    doubt: SensorDoubt | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
    bath_sd: float = Prior().bath_sd,
) -> Verdicts:
    """Return the verdicts of `analyse` alone, without what only a report prints."""
    asked = _Asked(decision, glass, doubt or SensorDoubt(), Replicas(replicates, seed, bath_sd))
    return Verdicts(tuple(_judged(_Part.of(data.of_glue(name), name), asked) for name in data.glues), decision)


@dataclass(frozen=True, slots=True)
class _Part:
    """One glue's bottles. Two parts are equal when all that an answer depends on is: rows, checks, traces, language."""

    name: str
    key: str
    language: str
    data: ReleaseData = field(compare=False)

    @classmethod
    def of(cls, data: ReleaseData, name: str) -> _Part:
        looks = hashlib.sha256(repr([(row.bottle, row.checks_s) for row in data.records]).encode()).hexdigest()
        ends = hashlib.sha256(data.lo_s.tobytes() + data.hi_s.tobytes()).hexdigest()
        return cls(name, f"{data.sha256()} {looks} {ends}", language(), data)


class _Studied:
    """What is known of one glue whatever is asked: fits, replicates, curves, goodness; each made when asked for."""

    def __init__(self, data: ReleaseData, glass: Glass, replicas: Replicas) -> None:
        self.data = data
        self.fitted = Fitted(data, glass)
        self.engine = BoundEngine(self.fitted, replicas)

    @cached_property
    def goodness(self) -> dict[str, Goodness]:
        """The distance of fit and labels in each family."""
        return _goodness(self.fitted, self.engine.replicas.seed)

    @cached_property
    def cells(self) -> tuple[CellCurve, ...]:
        """The bottles of every cell with their release curve."""
        return tuple(_curve(self.data.of_cell(cell), cell) for cell in self.data.cells)

    def verdict(self, decision: Decision, points: Sequence[PointBound]) -> Verdict:
        """Return the verdict by bounds at the asked points."""
        criteria = {family: fit.aic for family, fit in self.fitted.fits.items()}
        sticks = self.fitted.may_stick(decision.removal, decision.confidence)
        return decide(decision, points, self.data, Standing(criteria, sticks))


@lru_cache(maxsize=_REMEMBERED)
def _studied(part: _Part, glass: Glass, replicas: Replicas) -> _Studied:
    """Return what is known of one glue; the last ones are kept, for another question asks the same fits."""
    return _Studied(part.data, glass, replicas)


@lru_cache(maxsize=_REMEMBERED)
def _judged(part: _Part, asked: _Asked) -> GlueVerdict:
    """Return the verdict on one glue, and make nothing that it does not rest on."""
    studied = _studied(part, asked.glass, asked.replicas)
    points = GlueBounds(studied.engine, asked.decision, asked.doubt).points()
    return GlueVerdict(part.name, len(part.data), studied.verdict(asked.decision, points))


@lru_cache(maxsize=_REMEMBERED)
def _glue(part: _Part, asked: _Asked) -> GlueResult:
    """Return what is found out about one glue; the last ones are kept, for a report asks what a verdict asked."""
    data, name = part.data, part.name
    decision, conf = asked.decision, asked.decision.confidence
    studied = _studied(part, asked.glass, asked.replicas)
    fitted = studied.fitted
    bounds = GlueBounds(studied.engine, decision, asked.doubt)
    points = bounds.points()
    released = [math.isfinite(row.hi_s) for row in data.records]
    at_first = [row.lo_s == 0 for row in data.records]
    return GlueResult(
        glue=name,
        n_bottles=len(data),
        n_left=sum(at_first),
        n_interval=sum(released) - sum(at_first),
        n_right=len(data) - sum(released),
        n_baths=len(data.baths),
        fits=fitted.fits,
        activation_energy=_parameter(fitted.found, "E", conf),
        activation_energy_no_lag=_parameter(fitted.no_lag, "E", conf),
        caustic_order=_caustic_order(fitted.found, conf),
        points=points,
        cells=studied.cells,
        verdict=studied.verdict(decision, points),
        warnings=glue_warnings(fitted, points, studied.cells, studied.goodness, decision),
        family=fitted.family,
        aic=fitted.aic,
        tests=fitted.tests,
        goodness=studied.goodness,
        robust_energy={family: cluster_interval(fit, "E", conf) for family, fit in fitted.fits.items()},
        bath_sd=_bath_sd(fitted, conf),
        agitation=_agitation(fitted, conf),
        never_share=_never_share(fitted, conf),
        coolest=bounds.coolest(),
        soaks=bounds.soaks(),
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


def _agitation(fitted: Fitted, conf: float) -> dict[str, Estimate]:
    fits: Mapping[str, ReleaseFit] = fitted.fits
    return {family: wald(fit, "agitation", conf) for family, fit in fits.items() if "agitation" in fit.names}


def _bath_sd(fitted: Fitted, conf: float) -> dict[str, Estimate]:
    """Return the standard deviation of ln t between baths with its Wald interval, cut off at 0."""
    found = {}
    for family, bath in fitted.baths.items():
        if bath.boundary:
            found[family] = Estimate(0.0, conf=conf, method="wald", unit="ln s", reason=Code.BATHS_ALIKE)
            continue
        reach = float(ndtri(0.5 + conf / 2)) * bath.se("omega")
        lower = max(0.0, bath.omega - reach)
        found[family] = Estimate(bath.omega, lower, bath.omega + reach, conf, "wald", "ln s")
    return found


def _never_share(fitted: Fitted, conf: float) -> dict[str, Estimate]:
    """Return the share of labels that never comes off with its Wald interval on the logit, 0 where there is none."""
    found = {}
    for family in fitted.fits:
        cured = fitted.cured.get(family)
        if cured is None:
            test = fitted.test("plateau")[family]
            value = 0.0 if test.reason == Code.NO_PLATEAU else None
            found[family] = Estimate(value, conf=conf, method="wald", reason=test.reason)
            continue
        logit, reach = cured.value("logit_pi"), float(ndtri(0.5 + conf / 2)) * cured.se("logit_pi")
        ends = (float(expit(-(logit + sign * reach))) for sign in (0.0, 1.0, -1.0))
        value, lower, upper = ends
        found[family] = Estimate(value, lower, upper, conf, "wald")
    return found


def _goodness(fitted: Fitted, seed: int) -> dict[str, Goodness]:
    """Return the distance of fit and labels in each family; its chance in the one that describes them best."""
    replicates = _GOODNESS_REPLICATES if len(fitted.data) <= _MOST_BOTTLES else 0
    return {
        family: gof(fit, fitted.data, replicates=replicates if family == fitted.family else 0, seed=seed)
        for family, fit in fitted.fits.items()
        if not fit.model.exact.row.size
    }


def _curve(data: ReleaseData, cell: Cell) -> CellCurve:
    lo, hi = (tuple(float(getattr(row, end)) for row in data.records) for end in ("lo_s", "hi_s"))
    estimate = turnbull(lo, hi)
    left, right, mass = (tuple(map(float, part)) for part in (estimate.left, estimate.right, estimate.mass))
    return CellCurve(cell[0], cell[1], len(data), lo, hi, left, right, mass)

"""Which of several fits: likelihood-ratio tests between nested ones, Akaike's criterion between all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.special import chdtrc

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit, fit_families, fit_release
from linectl.lab.kinetics.formula import Formula
from linectl.lab.kinetics.identifiable import NotFitted
from linectl.model.experiments import Glass

__all__ = [
    "LikelihoodRatio",
    "Ranking",
    "compare",
    "curvature_test",
    "glue_caustic_test",
    "glue_energy_test",
    "mixed_chi2",
    "plateau_test",
    "select_model",
    "sigma_by_temperature_test",
]

_PLAIN = Formula()
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Twice the gain in log-likelihood of the wider fit, its additional parameters, and the chance of as much by luck.

    `boundary`: of the `df`, so many are variances or shares that the narrower fit has at the edge of what they can be.
    """

    statistic: float
    df: int
    p: float
    boundary: int = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """The fits with the smallest criterion first, and what could not be fitted, with its family and formula."""

    fits: tuple[ReleaseFit, ...]
    refused: tuple[tuple[str, Formula, NotFitted], ...]

    @property
    def deltas(self) -> tuple[float, ...]:
        """How far each fit's criterion lies above the best."""
        return tuple(fit.aic - self.fits[0].aic for fit in self.fits)


def mixed_chi2(statistic: float, df: int, boundary: int = 0) -> float:
    """Return P(X > statistic) for chi-squared of `df`; with one parameter at its edge, half of df - 1 and half of df.

    Self & Liang 1987, case 5. chi-squared of 0 is 0 for sure.
    """
    if df == 0:
        return 1.0 if statistic <= 0 else 0.0
    tail = float(chdtrc(df, max(statistic, 0.0)))
    return tail if not boundary else 0.5 * tail + 0.5 * mixed_chi2(statistic, df - 1)


def compare(fit_a: ReleaseFit, fit_b: ReleaseFit) -> LikelihoodRatio:
    """Test the wider of two nested fits of the same bottles against the narrower, in whichever order they are given.

    A share that cannot release has its 0 at the edge: half chi-squared of 0, half of 1.

    Raises:
        ValueError: the fits are not nested: other bottles, families or glass, or parameters of which neither set holds
            the other.
    """
    narrow, wide = sorted((fit_a, fit_b), key=lambda fit: len(fit.names))
    same = (narrow.family, narrow.n_bottles, narrow.glass) == (wide.family, wide.n_bottles, wide.glass)
    if not same or len(narrow.names) == len(wide.names) or not _nested(narrow, wide):
        msg = f"not nested: {narrow.family} {narrow.names} and {wide.family} {wide.names}"
        raise ValueError(msg)
    return _ratio(narrow, wide)


def _nested(narrow: ReleaseFit, wide: ReleaseFit) -> bool:
    names, wider = set(narrow.names), set(wide.names)
    if wide.model.sigmas > 1:
        names = {name for name in names if not name.startswith("ln_sigma")}
    return names <= wider and (narrow.glues[:1] == wide.glues[:1] or len(narrow.glues) < 2)


def _ratio(narrow: ReleaseFit, wide: ReleaseFit) -> LikelihoodRatio:
    statistic = max(0.0, 2 * (wide.loglik - narrow.loglik))
    df = len(wide.names) - len(narrow.names)
    boundary = int("logit_pi" in wide.names and "logit_pi" not in narrow.names)
    return LikelihoodRatio(statistic, df, mixed_chi2(statistic, df, boundary), boundary)


def select_model(data: ReleaseData, dists: Sequence[str], formulas: Sequence[Formula], glass: Glass) -> Ranking:
    """Fit every formula by every family and rank the fits by Akaike's criterion.

    All rows are densities or chances of the time itself, so families compare; formulas must be of the same bottles.
    """
    fits: list[ReleaseFit] = []
    refused: list[tuple[str, Formula, NotFitted]] = []
    for formula in formulas:
        for dist, found in fit_families(data, dists, glass=glass, formula=formula).items():
            if isinstance(found, NotFitted):
                refused.append((dist, formula, found))
            else:
                fits.append(found)
    return Ranking(tuple(sorted(fits, key=lambda fit: fit.aic)), tuple(refused))


def plateau_test(data: ReleaseData, dist: str, glass: Glass, formula: Formula = _PLAIN) -> LikelihoodRatio | NotFitted:
    """Test whether some labels never come off: pi = 1 against pi < 1, half chi-squared of 0 and half of 1.

    A plateau that the soaks do not reach cannot be told from slow labels; the test then rarely rejects.
    """
    return _against(data, dist, glass, formula, replace(formula, cure=True))


def curvature_test(
    data: ReleaseData, dist: str, glass: Glass, formula: Formula = _PLAIN
) -> LikelihoodRatio | NotFitted:
    """Test whether the Arrhenius line is bent (a glue that melts or swells): q = 0 in ln rate = E u + q u^2."""
    return _against(data, dist, glass, formula, replace(formula, curvature=True))


def sigma_by_temperature_test(
    data: ReleaseData, dist: str, glass: Glass, formula: Formula = _PLAIN
) -> LikelihoodRatio | NotFitted:
    """Test whether one sigma does for all temperatures, the most useful single check (df: temperatures - 1)."""
    return _against(data, dist, glass, formula, replace(formula, sigma_by_temperature=True))


def glue_energy_test(
    data: ReleaseData, dist: str, glass: Glass, formula: Formula = _PLAIN
) -> LikelihoodRatio | NotFitted:
    """Test whether one activation energy does for all glues (df: glues - 1)."""
    narrow = replace(formula, glue=True)
    return _against(data, dist, glass, narrow, replace(narrow, glue_energy=True))


def glue_caustic_test(
    data: ReleaseData, dist: str, glass: Glass, formula: Formula = _PLAIN
) -> LikelihoodRatio | NotFitted:
    """Test whether one order of NaOH does for all glues (df: glues - 1)."""
    narrow = replace(formula, glue=True)
    return _against(data, dist, glass, narrow, replace(narrow, glue_caustic=True))


def _against(data: ReleaseData, dist: str, glass: Glass, narrow: Formula, wide: Formula) -> LikelihoodRatio | NotFitted:
    base = fit_release(data, dist, glass=glass, formula=narrow)
    if isinstance(base, NotFitted):
        return base
    wider = fit_release(data, dist, glass=glass, formula=wide)
    if isinstance(wider, NotFitted):
        if wider.code is Code.NO_PLATEAU:
            return LikelihoodRatio(0.0, 1, 1.0, boundary=1)
        return wider
    if len(wider.names) == len(base.names):
        return NotFitted(Code.SINGLE_LEVEL)
    if wider.loglik < base.loglik - _ROUNDING * (1 + abs(base.loglik)):
        return NotFitted(Code.NOT_CONVERGED)
    return _ratio(base, wider)

"""All fits of one glue: both families with and without the lag of the glass, baths that differ, and what was tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial

from scipy.special import expit, ndtri

from linectl.lab.kinetics.bath_effect import BathEffectFit, fit_bath_effect
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit, fit_families
from linectl.lab.kinetics.formula import Formula
from linectl.lab.kinetics.goodness import unexplained_stuck
from linectl.lab.kinetics.model_choice import compare
from linectl.lab.kinetics.trace import NO_LAG
from linectl.lab.results import FitTest
from linectl.model.experiments import Glass

__all__ = ["FAMILY_NAMES", "LEVEL", "Fits", "Fitted"]

FAMILY_NAMES = ("lognormal", "weibull")  # both are always fitted: the wrong one costs more than any interval
LEVEL = 0.05  # of the tests whose rejection is told
_THIRD = "loglogistic"  # for the choice of the model alone
_WIDER: Mapping[str, Callable[[Formula], Formula]] = {  # what each test compares the plain formula with
    "plateau": partial(replace, cure=True),
    "curvature": partial(replace, curvature=True),
    "sigma_by_temperature": partial(replace, sigma_by_temperature=True),
}

Fits = Mapping[str, ReleaseFit | NotFitted]


class Fitted:
    """The fits of one glue by family, each made when it is first asked for and then kept.

    `data` are its bottles, `glass` is what they are of.
    """

    def __init__(self, data: ReleaseData, glass: Glass) -> None:
        self.data, self.glass = data, glass
        self._formula = _formula(data)
        self._baths: dict[str, BathEffectFit] = {}
        self._wide: dict[str, Fits] = {}
        self._tested: dict[str, Mapping[str, FitTest]] = {}

    @cached_property
    def found(self) -> Fits:
        """The fit of each family through the lag of the glass, or why there is none."""
        return fit_families(self.data, FAMILY_NAMES, glass=self.glass, formula=self._formula)

    @cached_property
    def fits(self) -> dict[str, ReleaseFit]:
        """The fits through the lag of the glass, as far as there are any."""
        return {name: fit for name, fit in self.found.items() if isinstance(fit, ReleaseFit)}

    @cached_property
    def no_lag(self) -> Fits:
        """The fit of each family as if the glass had no lag."""
        return fit_families(self.data, FAMILY_NAMES, glass=NO_LAG, formula=self._formula)

    @cached_property
    def aic(self) -> dict[str, float]:
        """The criterion of every family that could be fitted, of those too that decide nothing."""
        third = fit_families(self.data, (_THIRD,), glass=self.glass, formula=self._formula)
        every = {**self.found, **third}
        return {name: fit.aic for name, fit in every.items() if isinstance(fit, ReleaseFit)}

    def bath(self, family: str) -> BathEffectFit:
        """Return the fit of `family` in which baths differ."""
        if family not in self._baths:
            self._baths[family] = fit_bath_effect(self.fits[family])
        return self._baths[family]

    @property
    def baths(self) -> dict[str, BathEffectFit]:
        """The fits in which baths differ."""
        return {family: self.bath(family) for family in self.fits}

    @cached_property
    def cured(self) -> dict[str, ReleaseFit]:
        """The fits with a share of labels that never comes off, as far as there is one."""
        return {name: fit for name, fit in self._wider("plateau").items() if isinstance(fit, ReleaseFit)}

    @cached_property
    def tests(self) -> dict[str, Mapping[str, FitTest]]:
        """What was tested, by name and family; lots are where there are some."""
        found = {name: self.test(name) for name in (*_WIDER, "bath_effect", "lots")}
        return {name: test for name, test in found.items() if test or name != "lots"}

    def test(self, name: str) -> Mapping[str, FitTest]:
        """Return the test `name` (plateau, curvature, sigma_by_temperature, bath_effect, lots) in each family."""
        if name not in self._tested:
            self._tested[name] = self._test(name)
        return self._tested[name]

    @property
    def family(self) -> str:
        """The family whose bounds decide first: the smaller criterion; "" without a fit."""
        return min(self.fits, key=lambda name: self.fits[name].aic, default="")

    @cached_property
    def plateau(self) -> str:
        """The family in which a share of labels never comes off, "" where none shows.

        It is looked for in the family that describes the bottles best, a plateau allowed: a family that is wrong in
        its tail would make one of it.
        """
        best = min(
            self.fits,
            key=lambda name: min(fit.aic for fit in (self.fits[name], self.cured.get(name)) if fit is not None),
            default="",
        )
        return best if best in self.cured and self.rejects("plateau", best) else ""

    def may_stick(self, removal: float, conf: float) -> bool:
        """Tell whether labels may stick for good so often that `removal` is out of reach.

        A plateau shows of which the upper bound at `conf` says so; or, without one, labels are still on where the fit
        leaves none.
        """
        if not self.plateau:
            return any(unexplained_stuck(fit) for fit in self.fits.values())
        cured = self.cured[self.plateau]
        lowest = cured.value("logit_pi") - float(ndtri(conf)) * cured.se("logit_pi")
        return float(expit(lowest)) < removal

    def rejects(self, test: str, family: str) -> bool:
        """Tell whether a test rejects the narrower fit at the level of 5 %."""
        found = self.test(test).get(family)
        return found is not None and found.p is not None and found.p < LEVEL

    def _test(self, name: str) -> Mapping[str, FitTest]:
        if name == "bath_effect":
            return {family: FitTest(bath.lr, 1, bath.p_value) for family, bath in self.baths.items()}
        if name == "lots":
            return _lots(self.data, self.fits, self.glass, self._formula)
        return {family: _test(self.fits[family], wide) for family, wide in self._wider(name).items()}

    def _wider(self, test: str) -> Fits:
        """Return the fits of the wider formula that `test` compares with."""
        if test not in self._wide:
            formula = _WIDER[test](self._formula)
            families = tuple(self.fits)
            fitted = fit_families(self.data, families, glass=self.glass, formula=formula) if families else {}
            self._wide[test] = fitted
        return self._wide[test]


def _formula(data: ReleaseData) -> Formula:
    stirred = {row.agitation_pct for row in data.records}
    return Formula(agitation=len(stirred) > 1 and None not in stirred)


def _test(narrow: ReleaseFit, wide: ReleaseFit | NotFitted) -> FitTest:
    if isinstance(wide, NotFitted):
        if wide.code is Code.NO_PLATEAU:
            return FitTest(0.0, 1, 1.0, wide.code)
        return FitTest(None, 0, None, wide.code)
    if len(wide.names) == len(narrow.names):
        return FitTest(None, 0, None, Code.SINGLE_TEMPERATURE)
    found = compare(narrow, wide)
    return FitTest(found.statistic, found.df, found.p)


def _lots(data: ReleaseData, fits: Mapping[str, ReleaseFit], glass: Glass, formula: Formula) -> dict[str, FitTest]:
    """Test lots of the glue against one time for all; nothing where there is one lot, or a bottle of none."""
    lots = {row.lot for row in data.records}
    if len(lots) < 2 or "" in lots:
        return {}
    named = replace(data, records=tuple(replace(row, glue=row.lot) for row in data.records))
    wide = fit_families(named, tuple(fits), glass=glass, formula=replace(formula, glue=True)) if fits else {}
    return {family: _test(fit, wide[family]) for family, fit in fits.items()}

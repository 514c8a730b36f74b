"""All fits of one glue: both families with and without the lag of the glass, baths that differ, and what was tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

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

Fits = Mapping[str, ReleaseFit | NotFitted]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The fits of one glue by family: `found` through the lag of the glass, `no_lag` without; `data` are its bottles.

    `aic` knows every family that could be fitted. `cured` are fits with a share of labels that never comes off, as
    far as there is one; `tests` by name and family.
    """

    data: ReleaseData
    found: Fits
    no_lag: Fits
    aic: Mapping[str, float]
    baths: Mapping[str, BathEffectFit]
    cured: Mapping[str, ReleaseFit]
    tests: Mapping[str, Mapping[str, FitTest]]

    @classmethod
    def of(cls, data: ReleaseData, glass: Glass) -> Fitted:
        """Fit the bottles of one glue through the lag of `glass`; stirring is in the formula where it was varied."""
        formula = _formula(data)
        every = fit_families(data, (*FAMILY_NAMES, _THIRD), glass=glass, formula=formula)
        found = {name: every[name] for name in FAMILY_NAMES}
        fits = {name: fit for name, fit in found.items() if isinstance(fit, ReleaseFit)}
        wider = {
            "plateau": replace(formula, cure=True),
            "curvature": replace(formula, curvature=True),
            "sigma_by_temperature": replace(formula, sigma_by_temperature=True),
        }
        wide = {
            name: fit_families(data, tuple(fits), glass=glass, formula=each) if fits else {}
            for name, each in wider.items()
        }
        baths = {name: fit_bath_effect(fit) for name, fit in fits.items()}
        tests = {name: {family: _test(fit, wide[name][family]) for family, fit in fits.items()} for name in wider}
        tests["bath_effect"] = {name: FitTest(bath.lr, 1, bath.p_value) for name, bath in baths.items()}
        lots = _lots(data, fits, glass, formula)
        if lots:
            tests["lots"] = lots
        return cls(
            data=data,
            found=found,
            no_lag=fit_families(data, FAMILY_NAMES, glass=NO_LAG, formula=formula),
            aic={name: fit.aic for name, fit in every.items() if isinstance(fit, ReleaseFit)},
            baths=baths,
            cured={name: fit for name, fit in wide["plateau"].items() if isinstance(fit, ReleaseFit)},
            tests=tests,
        )

    @property
    def fits(self) -> dict[str, ReleaseFit]:
        """The fits through the lag of the glass, as far as there are any."""
        return {name: fit for name, fit in self.found.items() if isinstance(fit, ReleaseFit)}

    @property
    def family(self) -> str:
        """The family whose bounds decide first: the smaller criterion; "" without a fit."""
        return min(self.fits, key=lambda name: self.aic[name], default="")

    @property
    def plateau(self) -> str:
        """The family in which a share of labels never comes off, "" where none shows.

        It is looked for in the family that describes the bottles best, a plateau allowed: a family that is wrong in
        its tail would make one of it.
        """
        best = min(
            self.fits,
            key=lambda name: min(self.aic[name], self.cured[name].aic if name in self.cured else self.aic[name]),
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
        found = self.tests.get(test, {}).get(family)
        return found is not None and found.p is not None and found.p < LEVEL


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

"""Bounds of one glue: release times at the asked points, the coolest temperature within the soak, each bath's soak."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from linectl.lab.bound_engine import BoundEngine, OnDemand
from linectl.lab.decision import asked_points
from linectl.lab.kinetics.calibration import with_calibration
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.derived import equivalent_soak, min_temperature
from linectl.lab.kinetics.fit import NotFitted
from linectl.lab.results import BathSoak, CoolestPoint, Estimate, PointBound, SensorDoubt
from linectl.model.experiments import Decision

__all__ = ["GlueBounds"]

_NEAR_K = 0.5  # a bath within its band stands at what it was meant to


class GlueBounds:
    """The bounds of one glue in each family, as one question asks for them; each is made when it is looked at."""

    def __init__(self, engine: BoundEngine, decision: Decision, doubt: SensorDoubt) -> None:
        self._engine, self._fitted = engine, engine.fitted
        self._decision, self._doubt = decision, doubt

    def points(self) -> tuple[PointBound, ...]:
        """Return the bounds at every asked point, in the order of `asked_points`."""
        return tuple(
            PointBound(
                temp_c,
                naoh_pct,
                by_family=OnDemand(self._fitted.found, partial(self._deciding, temp_c, naoh_pct)),
                conditional=OnDemand(self._engine.simulated, partial(self._conditional, temp_c, naoh_pct)),
                profile=OnDemand(self._fitted.fits, partial(self._profiled, temp_c, naoh_pct)),
            )
            for temp_c, naoh_pct in asked_points(self._decision)
        )

    def coolest(self) -> tuple[CoolestPoint, ...]:
        """Return, at each asked NaOH, the coolest temperature that is shown to do within the soak."""
        tested = self._tested_c()
        soak_s = self._decision.soak_s
        return tuple(
            CoolestPoint(
                naoh_pct,
                soak_s,
                OnDemand(self._fitted.found, partial(self._coolest, naoh_pct, tested)),
            )
            for naoh_pct in sorted(set(self._decision.naoh_pct))
        )

    def soaks(self) -> tuple[BathSoak, ...]:
        """Return the soak of every bath, from its first bottle to its last look, as minutes at 60 °C."""
        data, fits = self._fitted.data, self._fitted.fits
        seen = data.inserted_at_s + np.where(np.isfinite(data.hi_s), data.hi_s, data.lo_s)
        found = []
        for number, (name, trace) in enumerate(zip(data.baths, data.traces, strict=True)):
            mine = data.bath == number
            first, last = float(data.inserted_at_s[mine].min()), float(seen[mine].max())
            found.append(BathSoak(name, OnDemand(fits, partial(self._soak, trace, first, last))))
        return tuple(found)

    def _soak(self, trace: BathTrace, first_s: float, last_s: float, family: str) -> Estimate:
        return equivalent_soak(
            self._fitted.fits[family],
            trace,
            last_s - first_s,
            inserted_at_s=first_s,
            conf=self._decision.confidence,
            extrapolate=True,  # a cold bottle's first seconds are no other bath
        )

    def _deciding(self, temp_c: float, naoh_pct: float, family: str) -> Estimate:
        """Return the bound that decides."""
        fit, conf = self._fitted.found[family], self._decision.confidence
        if isinstance(fit, NotFitted):
            return Estimate(None, conf=conf, method="bootstrap-t", unit="s", reason=fit.code, population="marginal")
        plateau = self._beyond_plateau(family)
        if plateau is not None:
            return replace(plateau, conf=conf)
        found = self._bound(family, temp_c, naoh_pct)
        return with_calibration(found, fit, self._doubt, temp_c=temp_c, naoh_pct=naoh_pct)

    def _bound(self, family: str, temp_c: float, naoh_pct: float) -> Estimate:
        """Return the bootstrap-t bound, or the profile's where there are exact times or very many bottles."""
        if family in self._engine.simulated:
            asked = self._decision
            found = self._engine.marginal(family, temp_c, naoh_pct, asked.removal, asked.confidence, "marginal")
            if found.reason != Code.NOT_SIMULATED:
                return found
        return replace(self._profiled(temp_c, naoh_pct, family), population="conditional")

    def _beyond_plateau(self, family: str) -> Estimate | None:
        """Return that there is no such time, where a share above 1 - removal never comes off."""
        cured = self._fitted.cured.get(family)
        if not self._fitted.plateau or cured is None or not self._fitted.rejects("plateau", family):
            return None
        if self._decision.removal < cured.releasing_share:
            return None
        return Estimate(None, method="bootstrap-t", unit="s", reason=Code.PLATEAU, population="marginal")

    def _conditional(self, temp_c: float, naoh_pct: float, family: str) -> Estimate:
        asked = self._decision
        return self._engine.marginal(family, temp_c, naoh_pct, asked.removal, asked.confidence, "conditional")

    def _profiled(self, temp_c: float, naoh_pct: float, family: str) -> Estimate:
        return self._engine.profiled(family, temp_c, naoh_pct, self._decision.removal, self._decision.confidence)

    def _tested_c(self) -> list[float]:
        """Return the tested temperatures, within what the baths really stood at."""
        fit = next(iter(self._fitted.fits.values()), None)
        if fit is None:
            return []
        low, high = fit.temperatures_c
        # what was meant, where the baths stood near it: asked points are often the same
        cells = {cell[0] for cell in self._fitted.data.cells}
        return sorted({c if low - _NEAR_K <= c <= high + _NEAR_K else min(max(c, low), high) for c in cells})

    def _coolest(self, naoh_pct: float, tested_c: list[float], family: str) -> Estimate:
        fit, conf = self._fitted.found[family], self._decision.confidence
        if isinstance(fit, NotFitted):
            return Estimate(None, conf=conf, method="bound", unit="°C", reason=fit.code)
        return min_temperature(
            lambda temp_c: self._deciding(temp_c, naoh_pct, family),
            tested_c,
            within_s=self._decision.soak_s,
            conf=conf,
        )

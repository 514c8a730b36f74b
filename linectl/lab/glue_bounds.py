"""Bounds of one glue: release times at the asked points, the coolest temperature within the soak, each bath's soak."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linectl.lab.decision import asked_points
from linectl.lab.fitted import Fitted
from linectl.lab.kinetics.bootstrap import MarginalTimes
from linectl.lab.kinetics.calibration import with_calibration
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.derived import equivalent_soak, min_temperature
from linectl.lab.kinetics.fit import NotFitted
from linectl.lab.kinetics.intervals import ReleaseTimes
from linectl.lab.results import BathSoak, CoolestPoint, Estimate, PointBound, SensorDoubt
from linectl.model.experiments import Decision

__all__ = ["GlueBounds", "Replicas"]

_NEAR_K = 0.5  # a bath within its band stands at what it was meant to
_MOST_BOTTLES = 3000  # beyond, bounds are by profile likelihood: replicates would take minutes


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many bootstrap replicates, from which seed, and the planner's guess of how baths differ (sd of ln t)."""

    count: int
    seed: int
    bath_sd: float


class GlueBounds:
    """The bounds of one glue in each family; replicates are drawn once for all points."""

    def __init__(self, fitted: Fitted, decision: Decision, doubt: SensorDoubt, replicas: Replicas) -> None:
        self._fitted, self._decision, self._doubt = fitted, decision, doubt
        self._known: dict[tuple[str, float, float], Estimate] = {}
        self._profile = {family: ReleaseTimes(fit) for family, fit in fitted.fits.items()}
        self._marginal = {
            family: MarginalTimes(
                fit,
                fitted.data,
                bath_effect=fitted.baths[family],
                seed=replicas.seed,
                replicates=replicas.count,
                bath_sd=replicas.bath_sd,
            )
            for family, fit in fitted.fits.items()
            if len(fitted.data) <= _MOST_BOTTLES
        }

    def points(self) -> tuple[PointBound, ...]:
        """Return the bounds at every asked point, in the order of `asked_points`."""
        return tuple(
            PointBound(
                temp_c,
                naoh_pct,
                by_family={family: self._deciding(family, temp_c, naoh_pct) for family in self._fitted.found},
                conditional={family: self._conditional(family, temp_c, naoh_pct) for family in self._marginal},
                profile={family: self._profiled(family, temp_c, naoh_pct) for family in self._profile},
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
                {family: self._coolest(family, naoh_pct, tested) for family in self._fitted.found},
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
            by_family = {
                family: equivalent_soak(
                    fit,
                    trace,
                    last - first,
                    inserted_at_s=first,
                    conf=self._decision.confidence,
                    extrapolate=True,  # a cold bottle's first seconds are no other bath
                )
                for family, fit in fits.items()
            }
            found.append(BathSoak(name, by_family))
        return tuple(found)

    def _deciding(self, family: str, temp_c: float, naoh_pct: float) -> Estimate:
        """Return the bound that decides; asked points are often tested ones too, and asked again."""
        key = (family, temp_c, naoh_pct)
        if key not in self._known:
            self._known[key] = self._decided(family, temp_c, naoh_pct)
        return self._known[key]

    def _decided(self, family: str, temp_c: float, naoh_pct: float) -> Estimate:
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
        if family in self._marginal:
            found = self._marginal[family].bound(
                temp_c=temp_c, naoh_pct=naoh_pct, p=self._decision.removal, conf=self._decision.confidence
            )
            if found.reason != Code.NOT_SIMULATED:
                return found
        return replace(self._profiled(family, temp_c, naoh_pct), population="conditional")

    def _beyond_plateau(self, family: str) -> Estimate | None:
        """Return that there is no such time, where a share above 1 - removal never comes off."""
        cured = self._fitted.cured.get(family)
        if not self._fitted.plateau or cured is None or not self._fitted.rejects("plateau", family):
            return None
        if self._decision.removal < cured.releasing_share:
            return None
        return Estimate(None, method="bootstrap-t", unit="s", reason=Code.PLATEAU, population="marginal")

    def _conditional(self, family: str, temp_c: float, naoh_pct: float) -> Estimate:
        return self._marginal[family].bound(
            temp_c=temp_c,
            naoh_pct=naoh_pct,
            p=self._decision.removal,
            conf=self._decision.confidence,
            population="conditional",
        )

    def _profiled(self, family: str, temp_c: float, naoh_pct: float) -> Estimate:
        return self._profile[family].bound(
            temp_c=temp_c, naoh_pct=naoh_pct, p=self._decision.removal, conf=self._decision.confidence
        )

    def _tested_c(self) -> list[float]:
        """Return the tested temperatures, within what the baths really stood at."""
        fit = next(iter(self._fitted.fits.values()), None)
        if fit is None:
            return []
        low, high = fit.temperatures_c
        # what was meant, where the baths stood near it: asked points are often the same
        cells = {cell[0] for cell in self._fitted.data.cells}
        return sorted({c if low - _NEAR_K <= c <= high + _NEAR_K else min(max(c, low), high) for c in cells})

    def _coolest(self, family: str, naoh_pct: float, tested_c: list[float]) -> Estimate:
        fit, conf = self._fitted.found[family], self._decision.confidence
        if isinstance(fit, NotFitted):
            return Estimate(None, conf=conf, method="bound", unit="°C", reason=fit.code)
        return min_temperature(
            lambda temp_c: self._deciding(family, temp_c, naoh_pct),
            tested_c,
            within_s=self._decision.soak_s,
            conf=conf,
        )

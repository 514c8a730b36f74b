"""Maximum-likelihood fits of label release on measured bath traces.

ln t* = x'b + sigma W in equivalent seconds at 60 °C; a label is off when its dose reaches t*. What x holds, and what
else depends on what, is said by a `Formula`; without one: b0 + caustic ln((c + 0.1)/1.6), one glue at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.aft import AftFit, fit_aft
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.distributions import Distribution, family
from linectl.lab.kinetics.formula import Formula, Layout, agitation_covariate, caustic_covariate
from linectl.lab.kinetics.identifiable import NotFitted, bath_means, refused, unfinished
from linectl.lab.kinetics.likelihood import CURVATURE_UNIT, ENERGY_UNIT, Model
from linectl.lab.kinetics.solver import Optimum, condition_number, inverse, maximise
from linectl.lab.kinetics.start import least_squares_start
from linectl.lab.kinetics.trace import TraceDose, dose_of
from linectl.model.experiments import Glass

__all__ = ["AftFit", "NotFitted", "ReleaseFit", "caustic_covariate", "fit_aft", "fit_families", "fit_release"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
_PLAIN = Formula()
_SAME = 1e-6  # a log-likelihood that a share which cannot release does not raise by more


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseFit:
    """The fit by one family.

    `params` in the order of `names`: b0 (ln s at 60 °C, 1.5 % NaOH, half stirring, the reference glue), caustic,
    glue:NAME, agitation, caustic:NAME, E (kJ/mol), E:NAME, curvature, logit_pi, ln_sigma (or ln_sigma:°C); what the
    formula does not ask is absent. `dose` is the exact dose at every check, `model` the likelihood in the solver's
    units, whose rows stand in the baths `row_bath` (numbers in the data's order). `glues`: the reference first.
    """

    family: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    params: Array
    cov: Array
    loglik: float
    n_bottles: int
    n_rows: int
    n_baths: int
    censored_fraction: float
    newton_decrement: float
    condition_number: float
    iterations: int
    glass: Glass
    temperatures_c: tuple[float, float]  # coolest and hottest mean of a bath
    naoh_pct: tuple[float, float]
    model: Model = field(repr=False)
    theta: Array = field(repr=False)
    dose: TraceDose = field(repr=False)
    row_bath: Index = field(repr=False)
    formula: Formula = _PLAIN
    glues: tuple[str, ...] = ()

    @property
    def aic(self) -> float:
        """Akaike's criterion; compare fits of the same rows only."""
        return 2 * len(self.params) - 2 * self.loglik

    def value(self, name: str) -> float:
        """Return the parameter called `name`."""
        return float(self.params[self.names.index(name)])

    def se(self, name: str) -> float:
        """Return the standard error of the parameter called `name`."""
        k = self.names.index(name)
        return float(np.sqrt(self.cov[k, k]))

    @property
    def energy(self) -> float:
        """The activation energy in kJ/mol (of the reference glue)."""
        return self.value("E")

    def energy_of(self, glue: str = "") -> float:
        """Return the activation energy (kJ/mol) of `glue`, "" the reference's."""
        more = f"E:{glue}"
        return self.energy + (self.value(more) if more in self.names else 0.0)

    @property
    def curvature(self) -> float:
        """The curvature q of ln rate = E u + q u^2 in (kJ/mol)^2; 0 when it was not asked."""
        return self.value("curvature") if "curvature" in self.names else 0.0

    @property
    def sigma(self) -> float:
        """The scale of ln t.

        Raises:
            ValueError: each temperature has its own; see `sigma_at`.
        """
        if self.model.sigmas > 1:
            msg = "this fit has a sigma for each temperature: ask sigma_at"
            raise ValueError(msg)
        return float(np.exp(self.params[-1]))

    def sigma_at(self, temperature_c: float) -> float:
        """Return the scale of ln t at a tested temperature (°C).

        Raises:
            ValueError: each temperature has its own, and this one was not tested.
        """
        return float(np.exp(self.value(f"ln_sigma:{temperature_c:g}" if self.model.sigmas > 1 else "ln_sigma")))

    @property
    def has_caustic(self) -> bool:
        """Whether NaOH was varied, so that its effect is a parameter."""
        return "caustic" in self.names

    @property
    def releasing_share(self) -> float:
        """Pi, the share of labels that can come off; 1 when it was not asked."""
        return self.model.released_share(self.theta)

    def score_of(self, p: float) -> float | None:
        """Return w with P(W <= w) = p/pi: the quantile score of `p` among all labels; None when p >= pi < 1."""
        pi = self.releasing_share
        return self.model.dist.quantile(p / pi) if p < pi else None

    def point(self, naoh_pct: float, *, glue: str = "", agitation_pct: float | None = None) -> Array:
        """Return x of a bath at `naoh_pct` %, for `glue` ("" the reference) and stirring (None: half speed).

        Raises:
            ValueError: the glue is none of the fit's.
        """
        if glue and glue not in self.glues:
            msg = f"glue {glue!r}: the fit knows {', '.join(self.glues)}"
            raise ValueError(msg)
        caustic = float(caustic_covariate(naoh_pct))
        stirred = 0.0 if agitation_pct is None else float(agitation_covariate(agitation_pct))
        known = {"b0": 1.0, "caustic": caustic, "agitation": stirred, f"glue:{glue}": 1.0, f"caustic:{glue}": caustic}
        return np.array([known.get(name, 0.0) for name in self.names[: self.model.columns]])

    def location(self, naoh_pct: float, *, glue: str = "", agitation_pct: float | None = None) -> float:
        """Return x'b: the median's (Weibull: 63 % point's) ln s of dose at `naoh_pct` NaOH."""
        x = self.point(naoh_pct, glue=glue, agitation_pct=agitation_pct)
        return float(x @ self.params[: self.model.columns])


def fit_release(
    data: ReleaseData, dist: str = "lognormal", *, glass: Glass, formula: Formula = _PLAIN
) -> ReleaseFit | NotFitted:
    """Fit bottles on their baths' measured temperature through the lag of `glass` (tau 0: none).

    Returns:
        The fit, or why there is none: nothing (or hardly anything) released, one temperature only, no spread left,
        factors that were only changed together, no share that cannot release.

    Raises:
        ValueError: the data hold more than one glue and `formula` none, or `dist` is unknown.
        ConfigError: a glue or agitation that `formula` names is not in the data.
    """
    return fit_families(data, (dist,), glass=glass, formula=formula)[dist]


def fit_families(
    data: ReleaseData, dists: Sequence[str], *, glass: Glass, formula: Formula = _PLAIN
) -> dict[str, ReleaseFit | NotFitted]:
    """Fit as `fit_release` does by every family of `dists`; the dose is integrated once for all."""
    if not len(data):
        return dict.fromkeys(dists, NotFitted(Code.NO_BOTTLES))
    layout, means_c = Layout.of(data, formula), bath_means(data)
    why = refused(data, layout, means_c)
    if why is not None:
        return dict.fromkeys(dists, why)
    dosed = _Dosed.of(data, layout, glass, means_c)
    return {dist: dosed.fit(family(dist)) for dist in dists}


@dataclass(frozen=True, slots=True, eq=False)
class _Dosed:
    """The distinct rows of some data with their dose, ready for any family."""

    data: ReleaseData
    layout: Layout
    glass: Glass
    means_c: Array
    dose: TraceDose
    ends: tuple[Index, Index]
    first: Index  # of the bottles, one of each kind of row
    counts: Array

    @classmethod
    def of(cls, data: ReleaseData, layout: Layout, glass: Glass, means_c: Array) -> _Dosed:
        kind = layout.row_glue if layout.formula.glue_energy else None
        dose, lower, upper = dose_of(data, glass, kind)
        key = lower + 1  # an end belongs to one bath and one insertion
        numbers = [upper + 1, data.bath, layout.row_glue, layout.row_warmth]
        numbers += [np.unique(column, return_inverse=True)[1] for column in layout.columns.T[1:]]
        for number in numbers:
            key = key * (int(number.max()) + 1) + number
            if key.max() > 2**40:  # dense again, long before it overflows
                key = np.unique(key, return_inverse=True)[1]
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return cls(data, layout, glass, means_c, dose, (lower[first], upper[first]), first, counts.astype(np.float64))

    def model(self, dist: Distribution, *, cure: bool) -> Model:
        """Return the likelihood of the distinct rows."""
        layout, formula = self.layout, self.layout.formula
        plain = Model.of(dist, layout.columns[self.first], self.counts, self.ends, self.dose, energy=True)
        sigmas = np.eye(len(layout.warmths_c))[layout.row_warmth[self.first]] if formula.sigma_by_temperature else None
        return replace(
            plain,
            energy_design=layout.energy_design(),
            row_class=layout.row_glue[self.first] if formula.glue_energy else None,
            has_curvature=formula.curvature,
            has_cure=cure,
            sigma_design=sigmas,
        )

    def fit(self, dist: Distribution) -> ReleaseFit | NotFitted:
        model = self.model(dist, cure=False)
        best = _search(model, least_squares_start(model))
        if self.layout.formula.cure:
            plain, model = best, self.model(dist, cure=True)
            best = _best_cured(model, plain)
            if best.at.value <= plain.at.value + _SAME:
                return unfinished(plain, condition_number(-plain.at.hessian)) or NotFitted(Code.NO_PLATEAU)
        condition = condition_number(-best.at.hessian)
        why = unfinished(best, condition)
        return why if why is not None else self._result(dist, model, best, condition)

    def _result(self, dist: Distribution, model: Model, best: Optimum, condition: float) -> ReleaseFit:
        data, layout = self.data, self.layout
        back = _units(model)
        return ReleaseFit(
            family=dist.name,
            names=layout.names,
            units=layout.units,
            params=best.theta * back,
            cov=inverse(-best.at.hessian) * np.outer(back, back),
            loglik=best.at.value,
            n_bottles=len(data),
            n_rows=len(self.first),
            n_baths=len(data.baths),
            censored_fraction=float(np.isinf(data.hi_s).mean()),
            newton_decrement=best.decrement,
            condition_number=condition,
            iterations=best.iterations,
            glass=self.glass,
            temperatures_c=(float(self.means_c.min()), float(self.means_c.max())),
            naoh_pct=(float(data.caustic_pct.min()), float(data.caustic_pct.max())),
            model=model,
            theta=best.theta,
            dose=self.dose,
            row_bath=data.bath[self.first],
            formula=layout.formula,
            glues=layout.glues,
        )


def _units(model: Model) -> Array:
    """Return what turns the solver's theta into parameters in their own units."""
    back = np.ones(model.size)
    after = model.columns + model.energies
    back[model.columns : after] = ENERGY_UNIT
    if model.has_curvature:
        back[after] = CURVATURE_UNIT
    return back


def _search(model: Model, start: Array) -> Optimum:
    return maximise(model.evaluate, start, limited=model.sigmas + int(model.has_cure))


def _best_cured(model: Model, plain: Optimum) -> Optimum:
    """Return the best maximum from starts around the fit without a plateau, of which there may be several."""
    at = model.size - model.sigmas - 1
    counts = model.weights
    on = float(counts[model.right.row].sum() / counts.sum())
    found = []
    for guess, narrower in ((1 - 0.9 * on, 0.5), (1 - 0.3 * on, 0.2), (0.5, 0.5)):
        share = min(max(guess, 0.05), 0.999)
        start = np.insert(plain.theta, at, np.log(share / (1 - share)))
        start[at + 1 :] -= narrower
        found.append(_search(model, start))
        if found[-1].converged and found[-1].at.value > plain.at.value + _SAME:
            break
    return max(found, key=lambda best: (best.converged, best.at.value))

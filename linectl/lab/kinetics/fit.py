"""Maximum-likelihood fits: plain accelerated failure times, and label release on measured bath traces.

`fit_aft` is the core, with covariates as given. `fit_release` fits one glue:
ln t* = b0 + caustic ln((c + 0.1)/1.6) + sigma W, in equivalent seconds at 60 °C, released when the dose reaches t*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linectl.errors import ConfigError
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.distributions import Distribution, family
from linectl.lab.kinetics.likelihood import ENERGY_UNIT, FixedTimes, Model
from linectl.lab.kinetics.solver import Optimum, maximise
from linectl.lab.kinetics.trace import TraceDose, dose_of
from linectl.model.experiments import Glass
from linectl.words import tr

__all__ = ["AftFit", "NotFitted", "ReleaseFit", "caustic_covariate", "fit_aft", "fit_families", "fit_release"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
CAUSTIC_ZERO_PCT = 0.1  # c0: keeps plain water on the axis
CAUSTIC_REF_PCT = 1.6  # 1.5 % + c0, so that b0 belongs to 1.5 % NaOH
_START_ENERGY = 50.0  # kJ/mol
_MIN_TEMPERATURE_SPAN_K = 2.0
_RELEASED_PER_PARAMETER = 2
_PERFECT = 1e-4  # a log-likelihood so near 0 means that every interval is certain: sigma has gone to 0
_WORST_CONDITION = 1e10


def caustic_covariate(naoh_pct: ArrayLike) -> Array:
    """Return ln((c + 0.1)/1.6) for c in % NaOH; 0 at 1.5 %."""
    return np.log((np.asarray(naoh_pct, dtype=np.float64) + CAUSTIC_ZERO_PCT) / CAUSTIC_REF_PCT)


@dataclass(frozen=True, slots=True, eq=False)
class AftFit:
    """ln t = x'b + sigma W: `params` are b in the order of `names`, then ln sigma; `cov` belongs to them."""

    dist: Distribution
    names: tuple[str, ...]
    params: Array
    cov: Array
    loglik: float
    converged: bool
    newton_decrement: float
    iterations: int

    @property
    def se(self) -> Array:
        """Standard errors of `params`."""
        return np.sqrt(np.diag(self.cov))

    @property
    def sigma(self) -> float:
        """The scale of ln t (1/shape of a Weibull)."""
        return float(np.exp(self.params[-1]))

    def log_quantile(self, x: ArrayLike, p: float) -> tuple[float, float]:
        """Return ln t_p at covariates `x` and its standard error by the delta method."""
        w = self.dist.quantile(p)
        gradient = np.append(np.asarray(x, dtype=np.float64), self.sigma * w)
        value = float(gradient[:-1] @ self.params[:-1] + gradient[-1])
        return value, float(np.sqrt(gradient @ self.cov @ gradient))


def fit_aft(
    lo: ArrayLike,
    hi: ArrayLike,
    X: ArrayLike,  # noqa: N803  # the design matrix goes by its usual name
    names: Sequence[str],
    dist: str,
    weights: ArrayLike | None = None,
) -> AftFit:
    """Fit ln t = X b + sigma W to rows (lo, hi], by maximum likelihood.

    lo = 0 left-censored, hi = inf right-censored, lo = hi exact. `X` holds the intercept's column too, if one is
    wanted; its columns may be badly scaled. `weights` are counts.

    Raises:
        ConfigError: rows that cannot be used, or columns that depend on each other.
    """
    low, high = np.asarray(lo, dtype=np.float64), np.asarray(hi, dtype=np.float64)
    design = np.asarray(X, dtype=np.float64)
    counts = np.ones_like(low) if weights is None else np.asarray(weights, dtype=np.float64)
    _refuse_rows(low, high, design, names, counts)
    basis, back = _orthogonal(design, counts, names)
    times, lower, upper = _ends(low, high)
    model = Model.of(family(dist), basis, counts, (lower, upper), FixedTimes(np.log(times)), energy=False)
    best = maximise(model.evaluate, _start(model, energy=None))
    matrix = np.eye(design.shape[1] + 1)
    matrix[:-1, :-1] = back
    return AftFit(
        dist=model.dist,
        names=(*names, "ln_sigma"),
        params=matrix @ best.theta,
        cov=matrix @ _inverse(-best.at.hessian) @ matrix.T,
        loglik=best.at.value,
        converged=best.converged,
        newton_decrement=best.decrement,
        iterations=best.iterations,
    )


@dataclass(frozen=True, slots=True)
class NotFitted:
    """Why a glue has no fit: a machine word and its detail."""

    code: Code
    detail: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseFit:
    """The fit of one glue by one family.

    `params` in the order of `names`: b0 (ln s at 60 °C, 1.5 % NaOH), caustic (absent when one NaOH was tested),
    E (kJ/mol), ln_sigma. `dose` is the exact dose at every check, `model` the likelihood in the solver's units.
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
        """The activation energy in kJ/mol."""
        return self.value("E")

    @property
    def sigma(self) -> float:
        """The scale of ln t."""
        return float(np.exp(self.params[-1]))

    @property
    def has_caustic(self) -> bool:
        """Whether NaOH was varied, so that its effect is a parameter."""
        return "caustic" in self.names

    def location(self, naoh_pct: float) -> float:
        """Return x'b: the median's (Weibull: 63 % point's) ln s of dose at `naoh_pct` NaOH."""
        caustic = self.value("caustic") * float(caustic_covariate(naoh_pct)) if self.has_caustic else 0.0
        return self.value("b0") + caustic


def fit_release(data: ReleaseData, dist: str = "lognormal", *, glass: Glass) -> ReleaseFit | NotFitted:
    """Fit one glue's bottles on their baths' measured temperature through the lag of `glass` (tau 0: none).

    Returns:
        The fit, or why there is none: nothing (or hardly anything) released, one temperature only, no spread left.

    Raises:
        ValueError: the data hold more than one glue, or `dist` is unknown.
    """
    return fit_families(data, (dist,), glass=glass)[dist]


def fit_families(data: ReleaseData, dists: Sequence[str], *, glass: Glass) -> dict[str, ReleaseFit | NotFitted]:
    """Fit as `fit_release` does by every family of `dists`; the dose is integrated once for all."""
    if len(data.glues) > 1:
        msg = f"one glue at a time, not {', '.join(data.glues)}: see ReleaseData.of_glue"
        raise ValueError(msg)
    refused = _refused(data)
    if refused is not None:
        return dict.fromkeys(dists, refused)
    dose, lower, upper = dose_of(data, glass)
    return {dist: _fit_dosed(data, dist, dose, (lower, upper), glass) for dist in dists}


def _fit_dosed(
    data: ReleaseData, dist: str, dose: TraceDose, ends: tuple[Index, Index], glass: Glass
) -> ReleaseFit | NotFitted:
    columns, names = _release_design(data)
    model, kept = _collapsed(family(dist), columns, ends, dose)
    best = maximise(model.evaluate, _start(model, energy=_START_ENERGY / ENERGY_UNIT))
    condition = _condition(-best.at.hessian)
    refused = _failed(best, condition)
    if refused is not None:
        return refused
    back = np.ones(model.size)
    back[-2] = ENERGY_UNIT
    means = _bath_means(data)
    return ReleaseFit(
        family=dist,
        names=names,
        units=tuple(_UNITS[name] for name in names),
        params=best.theta * back,
        cov=_inverse(-best.at.hessian) * np.outer(back, back),
        loglik=best.at.value,
        n_bottles=len(data),
        n_rows=kept,
        n_baths=len(data.baths),
        censored_fraction=float(np.isinf(data.hi_s).mean()),
        newton_decrement=best.decrement,
        condition_number=condition,
        iterations=best.iterations,
        glass=glass,
        temperatures_c=(float(means.min()), float(means.max())),
        naoh_pct=(float(data.caustic_pct.min()), float(data.caustic_pct.max())),
        model=model,
        theta=best.theta,
        dose=dose,
    )


_UNITS = {"b0": "ln s", "caustic": "", "E": "kJ/mol", "ln_sigma": ""}


def _refused(data: ReleaseData) -> NotFitted | None:
    if not len(data):
        return NotFitted(Code.NO_BOTTLES)
    released = int(np.isfinite(data.hi_s).sum())
    if not released:
        return NotFitted(Code.ALL_CENSORED, tr("0 of {n} labels came off").format(n=len(data)))
    means = _bath_means(data)
    if np.ptp(means) < _MIN_TEMPERATURE_SPAN_K:
        return NotFitted(Code.SINGLE_TEMPERATURE, f"{means.min():.1f}..{means.max():.1f} °C")
    parameters = len(_release_design(data)[1])
    if released < _RELEASED_PER_PARAMETER * parameters:
        text = tr("{released} of {n} labels came off; {needed} are needed for {parameters} parameters")
        needed = _RELEASED_PER_PARAMETER * parameters
        return NotFitted(
            Code.FEW_RELEASED, text.format(released=released, n=len(data), needed=needed, parameters=parameters)
        )
    return None


def _failed(best: Optimum, condition: float) -> NotFitted | None:
    if best.at.value > -_PERFECT:
        return NotFitted(Code.SEPARATION, tr("every interval is certain: shorter check intervals are needed"))
    if not best.converged:
        return NotFitted(Code.NOT_CONVERGED, tr("after {n} iterations").format(n=best.iterations))
    if condition > _WORST_CONDITION:
        return NotFitted(Code.ILL_CONDITIONED, f"{condition:.2g}")
    return None


def _bath_means(data: ReleaseData) -> Array:
    """Return the mean temperature (°C) of each bath while bottles stood in it."""
    means = []
    for k, trace in enumerate(data.traces):
        rows = data.bath == k
        start = float(data.inserted_at_s[rows].min())
        last = np.where(np.isfinite(data.hi_s[rows]), data.hi_s[rows], data.lo_s[rows])
        end = float((data.inserted_at_s[rows] + last).max())
        inner = trace.t_s[(trace.t_s > start) & (trace.t_s < end)]
        t_s = np.concatenate([[start], inner, [end]])
        means.append(np.trapezoid(np.interp(t_s, trace.t_s, trace.temp_c), t_s) / (end - start))
    return np.array(means)


def _release_design(data: ReleaseData) -> tuple[Array, tuple[str, ...]]:
    caustic = caustic_covariate(data.caustic_pct)
    one = np.ones(len(data))
    if np.ptp(caustic) < 0.05:  # a few per cent of NaOH between baths is scatter, not a level
        return one[:, None], ("b0", "E", "ln_sigma")
    return np.column_stack([one, caustic]), ("b0", "caustic", "E", "ln_sigma")


def _collapsed(dist: Distribution, columns: Array, ends: tuple[Index, Index], dose: TraceDose) -> tuple[Model, int]:
    """Return the model of the distinct rows, weighted by how often they occur, and how many they are."""
    keys = np.column_stack([ends[0], ends[1], columns])
    distinct, counts = np.unique(keys, axis=0, return_counts=True)
    lower, upper = distinct[:, 0].astype(np.intp), distinct[:, 1].astype(np.intp)
    weights = counts.astype(np.float64)
    model = Model.of(dist, distinct[:, 2:], weights, (lower, upper), dose, energy=True)
    return model, len(distinct)


def _start(model: Model, energy: float | None) -> Array:
    """Return a start by weighted least squares on interval midpoints (at `energy`, in the solver's unit)."""
    log = model.dose.log(ENERGY_UNIT * (energy or 0.0)).value
    middle = np.empty(model.design.shape[0])
    middle[model.left.row] = log[model.left.upper] - 0.7  # half the time: somewhere before the first check
    middle[model.right.row] = log[model.right.lower]
    both = model.interval
    middle[both.row] = 0.5 * (log[both.lower] + log[both.upper])
    middle[model.exact.row] = log[model.exact.upper]
    root = np.sqrt(model.weights)
    coefficients = np.linalg.lstsq(model.design * root[:, None], middle * root, rcond=None)[0]
    residual = (middle - model.design @ coefficients) * root
    sigma = max(0.05, float(np.sqrt(residual @ residual / model.weights.sum())))
    middle_parameters = [] if energy is None else [energy]
    return np.concatenate([coefficients, middle_parameters, [np.log(sigma)]])


def _ends(low: Array, high: Array) -> tuple[Array, Index, Index]:
    known = np.concatenate([low, high])
    times = np.unique(known[(known > 0) & np.isfinite(known)])
    lower = np.where(low > 0, np.searchsorted(times, low), -1).astype(np.intp)
    upper = np.where(np.isfinite(high), np.searchsorted(times, high), -1).astype(np.intp)
    return times, lower, upper


def _refuse_rows(low: Array, high: Array, design: Array, names: Sequence[str], counts: Array) -> None:
    if design.ndim != 2 or design.shape != (low.size, len(names)) or not low.shape == high.shape == counts.shape:
        raise ConfigError(tr("lo, hi, weights and the columns of X must have one entry per row, one name per column"))
    bad = ~((low >= 0) & (high >= low) & (high > 0) & np.isfinite(low) & (counts > 0))
    if bad.any():
        rows = ", ".join(str(k + 1) for k in np.flatnonzero(bad)[:10])
        raise ConfigError(tr("rows {rows}: need 0 <= lo <= hi, hi > 0 and a count above 0").format(rows=rows))


def _orthogonal(design: Array, counts: Array, names: Sequence[str]) -> tuple[Array, Array]:
    """Return columns of unit information that span the same space, and the matrix that leads back."""
    scale = np.sqrt((counts[:, None] * design**2).sum(axis=0))
    if (scale == 0).any():
        raise ConfigError(tr("column {name} is zero everywhere").format(name=names[int(np.argmin(scale))]))
    triangle = np.linalg.qr(np.sqrt(counts)[:, None] * design / scale, mode="r")
    weak = np.abs(np.diag(triangle)) < 1e-11
    if weak.any():
        name = names[int(np.flatnonzero(weak)[0])]
        raise ConfigError(tr("column {name} depends on the columns before it").format(name=name))
    back = np.linalg.inv(triangle) * np.sqrt(counts.sum()) / scale[:, None]
    return design @ back, back


def _inverse(information: Array) -> Array:
    scale = np.sqrt(np.abs(np.diag(information)))
    outer = np.outer(scale, scale)
    return np.asarray(np.linalg.inv(information / outer) / outer)


def _condition(information: Array) -> float:
    scale = np.sqrt(np.abs(np.diag(information)))
    if not np.isfinite(scale).all() or (scale == 0).any():
        return np.inf
    return float(np.linalg.cond(information / np.outer(scale, scale)))

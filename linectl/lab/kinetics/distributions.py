"""Weibull, lognormal and loglogistic on the log-time axis, with log-likelihood terms that never subtract two CDFs.

Each term comes with its first and second derivatives by z. W is standard: smallest extreme value, normal, logistic.
The forms are the textbook ones, arranged so that z from -40 to +21 keeps full relative precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr, logit, ndtr, ndtri

__all__ = ["FAMILIES", "Distribution", "IntervalTerms", "Terms", "family"]

Array = NDArray[np.float64]
_LN_SQRT_2PI = 0.5 * np.log(2 * np.pi)
_NARROW = 1e-3  # below this width the difference of two lnΦ loses digits; the midpoint form keeps 1e-13
_Z_MAX = 700.0  # e^z stays finite


class Terms(NamedTuple):
    """Log-likelihood of rows with one finite end, and its derivatives by z."""

    value: Array
    first: Array
    second: Array


class IntervalTerms(NamedTuple):
    """Log-likelihood of interval rows, and its derivatives by the lower and upper z."""

    value: Array
    lower: Array
    upper: Array
    lower2: Array
    upper2: Array
    cross: Array


class Distribution(Protocol):
    """A standard distribution of W in ln t = x'b + sigma W."""

    @property
    def name(self) -> str:
        """The family of t: weibull, lognormal or loglogistic."""

    def quantile(self, p: float) -> float:
        """Return w with P(W <= w) = `p`."""

    def cdf(self, z: Array) -> Array:
        """Return P(W <= z)."""

    def left(self, z: Array) -> Terms:
        """Return the terms of rows known to lie below z."""

    def right(self, z: Array) -> Terms:
        """Return the terms of rows known to lie above z."""

    def interval(self, lower: Array, upper: Array) -> IntervalTerms:
        """Return the terms of rows known to lie between two finite z."""

    def exact(self, z: Array) -> Terms:
        """Return the terms of the log density of W."""


class _Weibull:
    name = "weibull"

    def quantile(self, p: float) -> float:
        return float(np.log(-np.log1p(-p)))

    def cdf(self, z: Array) -> Array:
        return np.asarray(-np.expm1(-np.exp(np.minimum(z, _Z_MAX))))

    def left(self, z: Array) -> Terms:
        b = np.exp(np.minimum(z, _Z_MAX))
        m = -np.expm1(-b)
        first = b * np.exp(-b) / m
        return Terms(np.log(m), first, first * (1 - b) - first**2)

    def right(self, z: Array) -> Terms:
        a = np.exp(z)
        return Terms(-a, -a, -a)

    def interval(self, lower: Array, upper: Array) -> IntervalTerms:
        a = np.exp(lower)
        d = a * np.expm1(upper - lower)
        b = np.exp(np.minimum(upper, _Z_MAX))
        m = -np.expm1(-d)
        down, up = a / m, b * np.exp(-d) / m
        return IntervalTerms(-a + np.log(m), -down, up, -down * (1 - a) - down**2, up * (1 - b) - up**2, down * up)

    def exact(self, z: Array) -> Terms:
        a = np.exp(z)
        return Terms(z - a, 1 - a, -a)


class _Lognormal:
    name = "lognormal"

    def quantile(self, p: float) -> float:
        return float(ndtri(p))

    def cdf(self, z: Array) -> Array:
        return np.asarray(ndtr(z))

    def left(self, z: Array) -> Terms:
        value = log_ndtr(z)
        r = np.exp(_ln_phi(z) - value)
        return Terms(value, r, -z * r - r**2)

    def right(self, z: Array) -> Terms:
        value = log_ndtr(-z)
        r = np.exp(_ln_phi(z) - value)
        return Terms(value, -r, z * r - r**2)

    def interval(self, lower: Array, upper: Array) -> IntervalTerms:
        value = _ln_normal_between(lower, upper)
        down, up = np.exp(_ln_phi(lower) - value), np.exp(_ln_phi(upper) - value)
        return IntervalTerms(value, -down, up, lower * down - down**2, -upper * up - up**2, down * up)

    def exact(self, z: Array) -> Terms:
        return Terms(_ln_phi(z), -z, -np.ones_like(z))


class _Loglogistic:
    name = "loglogistic"

    def quantile(self, p: float) -> float:
        return float(logit(p))

    def cdf(self, z: Array) -> Array:
        return np.asarray(expit(z))

    def left(self, z: Array) -> Terms:
        f = expit(z)
        return Terms(-np.logaddexp(0.0, -z), expit(-z), -f * expit(-z))

    def right(self, z: Array) -> Terms:
        f = expit(z)
        return Terms(-np.logaddexp(0.0, z), -f, -f * expit(-z))

    def interval(self, lower: Array, upper: Array) -> IntervalTerms:
        rho = 1 / np.expm1(upper - lower)
        value = np.log(-np.expm1(lower - upper)) - np.logaddexp(0.0, -upper) - np.logaddexp(0.0, lower)
        low, high, curve = expit(lower), expit(upper), rho * (1 + rho)
        return IntervalTerms(
            value,
            -rho - low,
            rho + 1 - high,
            -curve - low * expit(-lower),
            -curve - high * expit(-upper),
            curve,
        )

    def exact(self, z: Array) -> Terms:
        f = expit(z)
        return Terms(-z - 2 * np.logaddexp(0.0, -z), 1 - 2 * f, -2 * f * expit(-z))


def _ln_phi(z: Array) -> Array:
    return np.asarray(-0.5 * z * z - _LN_SQRT_2PI)


def _ln_normal_between(lower: Array, upper: Array) -> Array:
    flip = lower + upper > 0  # work in the lower tail, where lnΦ keeps its digits
    low, high = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    below, above = log_ndtr(low), log_ndtr(high)
    width, middle = upper - lower, 0.5 * (lower + upper)
    narrow = width < _NARROW
    safe = np.where(narrow, 1.0, width)
    wide_value = above + np.log1p(-np.exp(np.where(narrow, -safe, below - above)))
    narrow_value = _ln_phi(middle) + np.log(width) + np.log1p(width**2 * (middle**2 - 1) / 24)
    return np.where(narrow, narrow_value, wide_value)


FAMILIES: Mapping[str, Distribution] = {d.name: d for d in (_Weibull(), _Lognormal(), _Loglogistic())}


def family(name: str) -> Distribution:
    """Return the distribution called `name`.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in FAMILIES:
        msg = f"distribution {name!r}: expected one of {', '.join(FAMILIES)}"
        raise ValueError(msg)
    return FAMILIES[name]

"""What a fit says of omega, the standard deviation between baths: its weight on a grid, by Laplace's method.

Around the mode of (theta, u) at one omega, the log-likelihood is taken as quadratic; theta (flat) and the intercepts u
are integrated out for every omega of the grid, as REML does for normal data. The prior of omega is proportional to
omega exp(-omega^2/(2 s^2)) (Rayleigh; Chung et al. 2013 on priors that keep off the boundary): with few baths the
data cannot tell omega, and the prior then says how large it may well be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.replicas import Refits

__all__ = ["NO_BATH_EFFECT", "OMEGAS", "Mixture", "log_prior", "mixture", "spread_modes"]

Array = NDArray[np.float64]
OMEGAS = np.array(
    [0.01, 0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.25, 0.3, 0.36, 0.43, 0.52, 0.63, 0.78, 1.0], dtype=np.float64
)
NO_BATH_EFFECT = np.zeros(1)
_LONGEST = 1.5  # of a step from the mode at one omega to that at another
_LEAST = 1e-9


class Mixture(NamedTuple):
    """For each replicate and omega: its weight, theta there and its covariance, in the solver's units."""

    weight: Array
    theta: Array
    cov: Array


def log_prior(scale: float) -> Array:
    """Return the log prior mass of each of `OMEGAS`; `scale` is the most probable omega."""
    return np.asarray(np.log(np.gradient(OMEGAS)) + np.log(OMEGAS) - 0.5 * (OMEGAS / scale) ** 2)


def mixture(refits: Refits, precision: float, prior: Array | None) -> Mixture:
    """Return the mixture over `OMEGAS` from modes found at `precision` (1/omega^2); `prior` None: no bath effect."""
    good = refits.good
    size = refits.theta.shape[1]
    terms = refits.terms
    information = np.where(good[:, None, None], terms.information, np.eye(size))
    if prior is None:
        one = np.ones((good.size, 1))
        return Mixture(one, refits.theta[:, None], _inverse(_positive(information)[0])[:, None])
    bend = np.where(good[:, None], np.maximum(terms.bath_information - precision, _LEAST), 1.0)
    shift = np.where(good[:, None], refits.shift, 0.0)
    slope = np.where(good[:, None], terms.bath_score, 0.0) + precision * shift
    cross = np.where(good[:, None, None], terms.cross, 0.0)
    penalty = OMEGAS[:, None] ** -2
    inverse = 1.0 / (bend[:, None] + penalty)  # (replicate, omega, bath)
    pull = slope[:, None] - penalty * shift[:, None]
    squares = (cross[..., None] * cross[..., None, :]).reshape(good.size, -1, size * size)
    held = information[:, None] - (inverse @ squares).reshape(good.size, OMEGAS.size, size, size)
    held, positive = _positive(held)
    cov = _inverse(held)
    wanted = (inverse * pull) @ cross
    step = (cov @ wanted[..., None])[..., 0]
    value = 0.5 * (
        (pull**2 * inverse).sum(axis=2) + (wanted * step).sum(axis=2) - (penalty * shift[:, None] ** 2).sum(2)
    )
    value -= 0.5 * (np.log1p(OMEGAS[:, None] ** 2 * bend[:, None]).sum(axis=2) + np.linalg.slogdet(held)[1])
    step = np.asarray(step + _spared(cov, (bend[:, None] * inverse).sum(axis=2)))
    weight = _normalised(np.where(positive, value + prior, -np.inf))
    return Mixture(weight, refits.theta[:, None] + np.clip(step, -_LONGEST, _LONGEST), cov)


def spread_modes(refits: Refits, prior: Array) -> Mixture:
    """Return the mixture of one set of data from its modes at each of `OMEGAS`, one a line of `refits`."""
    terms, penalty = refits.terms, OMEGAS**-2
    inverse = 1.0 / terms.bath_information
    held = terms.information - terms.cross.transpose(0, 2, 1) @ (inverse[..., None] * terms.cross)
    held, positive = _positive(held)
    cov = _inverse(held)
    value = terms.value + 0.5 * terms.bath_score.shape[1] * np.log(penalty)
    value -= 0.5 * (np.log(terms.bath_information).sum(axis=1) + np.linalg.slogdet(held)[1])
    usable = positive & refits.good & np.isfinite(value)
    theta = refits.theta + _spared(cov, (1 - penalty[:, None] * inverse).sum(axis=1))
    weight = _normalised(np.where(usable, value + prior, -np.inf)[None])
    return Mixture(weight, theta[None], cov[None])


def _spared(cov: Array, spent: Array) -> Array:
    """Return the step from the joint mode of (theta, u) to that of theta with u integrated out.

    The intercepts spend `spent` degrees of freedom, which makes sigma too small at the joint mode.
    """
    return np.asarray(cov[..., -1] * spent[..., None])


def _inverse(matrices: Array) -> Array:
    return np.asarray(np.linalg.inv(matrices), dtype=np.float64)


def _positive(matrices: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the matrices, unit matrices for those that are not positive definite, and which are."""
    scale = np.sqrt(np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)) + _LEAST)
    scaled = matrices / (scale[..., :, None] * scale[..., None, :])
    positive = np.linalg.eigvalsh(scaled)[..., 0] > _LEAST
    return np.where(positive[..., None, None], matrices, np.eye(matrices.shape[-1])), positive


def _normalised(log_weight: Array) -> Array:
    top = log_weight.max(axis=-1, keepdims=True)
    weight = np.exp(log_weight - np.where(np.isfinite(top), top, 0.0))
    return np.asarray(weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-300))

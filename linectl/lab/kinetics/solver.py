"""Newton's method on a log-likelihood, with a Levenberg shift where the curvature or the step does not serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.likelihood import Curvature

__all__ = ["Optimum", "condition_number", "inverse", "maximise"]

Array = NDArray[np.float64]
_ENOUGH = 1e-8  # Newton decrement; one polishing step follows
_ROUNDING = 1e-9  # a fall of the log-likelihood below this share is rounding
_MAX_SHIFT = 1e8


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """Where the search ended. `converged` means a true maximum: small decrement and negative definite Hessian."""

    theta: Array
    at: Curvature
    decrement: float
    converged: bool
    iterations: int


def maximise(
    evaluate: Callable[[Array], Curvature],
    start: Array,
    *,
    max_iterations: int = 60,
    last_step_max: float = 1.5,
    limited: int = 1,
) -> Optimum:
    """Return the maximum of `evaluate` (value, score, Hessian) reached from `start`.

    `last_step_max` limits the step of the last `limited` parameters (ln sigma, and a share on the logit scale).
    """
    theta, here, shift = start, evaluate(start), 0.0
    for iteration in range(1, max_iterations + 1):
        moved = _step(evaluate, theta, here, shift, (last_step_max, limited))
        if moved is None:
            return Optimum(theta, here, np.inf, converged=False, iterations=iteration)
        new_theta, new, shift, decrement = moved
        theta, here = new_theta, new
        if shift == 0 and decrement < _ENOUGH:
            return _polished(evaluate, theta, here, iteration)
        shift = shift / 10 if shift > 1e-4 else 0.0
    return Optimum(theta, here, np.inf, converged=False, iterations=max_iterations)


def _step(
    evaluate: Callable[[Array], Curvature], theta: Array, here: Curvature, shift: float, limit: tuple[float, int]
) -> tuple[Array, Curvature, float, float] | None:
    """Return the next theta with its curvature, the shift that it took and the decrement; None when none rises."""
    while shift < _MAX_SHIFT:
        step = _newton(here, shift)
        if step is not None:
            decrement = float(here.score @ step)
            step *= min(1.0, limit[0] / max(np.abs(step[-limit[1] :]).max(), 1e-300))
            new = evaluate(theta + step)
            if _usable(new) and new.value >= here.value - _ROUNDING * (1 + abs(here.value)):
                return theta + step, new, shift, decrement
        shift = max(10 * shift, 1e-3)
    return None


def _newton(at: Curvature, shift: float) -> Array | None:
    information = -at.hessian
    scale = np.sqrt(np.abs(np.diag(information)) + 1e-12)
    scaled = information / np.outer(scale, scale) + shift * np.eye(scale.size)
    try:
        factor = np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        return None
    half = np.linalg.solve(factor, at.score / scale)
    return np.asarray(np.linalg.solve(factor.T, half) / scale)


def inverse(information: Array) -> Array:
    """Return the inverse of an information matrix, scaled to a unit diagonal on the way."""
    scale = np.sqrt(np.abs(np.diag(information)))
    outer = np.outer(scale, scale)
    return np.asarray(np.linalg.inv(information / outer) / outer)


def condition_number(information: Array) -> float:
    """Return the condition number of an information matrix with a unit diagonal."""
    scale = np.sqrt(np.abs(np.diag(information)))
    if not np.isfinite(scale).all() or (scale == 0).any():
        return np.inf
    return float(np.linalg.cond(information / np.outer(scale, scale)))


def _usable(at: Curvature) -> bool:
    return bool(np.isfinite(at.value) and np.isfinite(at.score).all() and np.isfinite(at.hessian).all())


def _polished(evaluate: Callable[[Array], Curvature], theta: Array, here: Curvature, iteration: int) -> Optimum:
    step = _newton(here, 0.0)
    if step is None:
        return Optimum(theta, here, np.inf, converged=False, iterations=iteration)
    new = evaluate(theta + step)
    if _usable(new) and new.value >= here.value - _ROUNDING * (1 + abs(here.value)):
        theta, here = theta + step, new
    last = _newton(here, 0.0)
    if last is None:
        return Optimum(theta, here, np.inf, converged=False, iterations=iteration)
    return Optimum(theta, here, float(here.score @ last), converged=True, iterations=iteration)

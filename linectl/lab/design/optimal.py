"""Where to put the baths so that one wanted quantile becomes as precise as can be: c-optimal weights, whole baths.

Minimise c'M^-1 c over M = sum_k w_k I_k by the multiplicative algorithm w_k <- w_k sqrt(g_k), g_k = c'M^-1 I_k M^-1 c
(Silvey, Titterington and Torsney 1978), and stop by the equivalence theorem: at the optimum no g_k exceeds c'M^-1 c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Weights", "c_optimal", "quantile_variance", "sensitivities", "whole_baths"]

Array = NDArray[np.float64]
_RIDGE = 1e-12
_ROUNDS = 20000


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Shares of the bottles (or baths) per candidate; `variance` is c'M^-1 c for one of them in all.

    `gap`: by so much, as a share, could any other design be better at most (equivalence theorem).
    """

    weights: Array
    variance: float
    gap: float
    iterations: int


def c_optimal(information: Array, target: ArrayLike, *, gap: float = 1e-3) -> Weights:
    """Return the shares of candidates with `information` (K x P x P) that make `target` (P, or L x P: the sum) best.

    Raises:
        ValueError: the candidates together cannot tell the target.
    """
    scale = np.sqrt(np.einsum("kpp->p", information))
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError("a parameter of the target is not told by any candidate")
    cells = information / np.outer(scale, scale)
    wanted = np.atleast_2d(np.asarray(target, dtype=np.float64)) / scale
    weights = np.full(len(cells), 1.0 / len(cells))
    best = Weights(weights, np.inf, np.inf, 0)
    for iteration in range(1, _ROUNDS + 1):
        gain, variance = sensitivities(cells, wanted, weights)
        excess = float(gain.max()) / variance - 1.0
        if excess < best.gap:
            best = Weights(weights, variance, excess, iteration)
        if excess <= gap:
            break
        weights = weights * np.sqrt(gain)
        weights /= weights.sum()
    return best


def sensitivities(information: Array, target: Array, weights: Array) -> tuple[Array, float]:
    """Return g_k of each candidate and c'M^-1 c, summed over the targets, for `weights`."""
    wanted, size = np.atleast_2d(target), information.shape[1]
    flat = information.reshape(len(information), -1)  # called a thousand times: plain products
    matrix = (weights @ flat).reshape(size, size)
    matrix[np.diag_indices(size)] += _RIDGE * np.trace(matrix)
    solved = np.linalg.solve(matrix, wanted.T)  # P x L
    gain = flat @ (solved @ solved.T).ravel()
    return gain, float((wanted.T * solved).sum())


def quantile_variance(information: Array, target: Array) -> float:
    """Return c'M^-1 c for the whole information `information` (P x P); inf where it cannot tell the target."""
    scale = np.sqrt(np.abs(np.diag(information)))
    scale = np.where(scale > 0, scale, 1.0)
    scaled, wanted = information / np.outer(scale, scale), target / scale
    values, vectors = np.linalg.eigh(scaled)
    parts = (vectors.T @ wanted) ** 2
    known = values > 1e-10 * values.max()
    if parts[~known].sum() > 1e-10 * parts.sum():
        return float("inf")
    return float((parts[known] / values[known]).sum())


def whole_baths(weights: Array, baths: int, levels: Sequence[Sequence[object]]) -> list[int]:
    """Return how many of `baths` each candidate gets: largest remainder, and no level of any factor left out.

    `levels` gives each candidate's level of every factor. A level that the weights leave out takes a bath from the
    candidate that has most beyond its share and that no other level hangs on.

    Raises:
        ValueError: there are fewer baths than a factor has levels.
    """
    shares = weights / weights.sum() * baths
    counts = np.floor(shares + 1e-9).astype(int)
    for candidate in np.argsort(counts - shares, kind="stable")[: baths - int(counts.sum())]:
        counts[candidate] += 1
    for _ in range(4 * len(weights)):
        missing = _missing(counts, levels)
        if not missing:
            return [int(count) for count in counts]
        covers = [sum((factor, level[factor]) in missing for factor in range(len(level))) for level in levels]
        order = sorted(range(len(weights)), key=lambda k: (-covers[k], -weights[k], k))
        giver = _spare(counts, shares, levels)
        if giver is None:
            break
        counts[giver] -= 1
        counts[order[0]] += 1
    raise ValueError(f"{baths} baths cannot hold every level of each factor")


def _missing(counts: NDArray[np.int_], levels: Sequence[Sequence[object]]) -> set[tuple[int, object]]:
    wanted = {(factor, value) for level in levels for factor, value in enumerate(level)}
    present = {
        (factor, value)
        for count, level in zip(counts, levels, strict=True)
        if count
        for factor, value in enumerate(level)
    }
    return wanted - present


def _spare(counts: NDArray[np.int_], shares: Array, levels: Sequence[Sequence[object]]) -> int | None:
    """Return the candidate that can best give a bath away without leaving out a level."""
    before = len(_missing(counts, levels))
    for candidate in np.argsort(-(counts - shares), kind="stable"):
        if not counts[candidate]:
            continue
        left = counts.copy()
        left[candidate] -= 1
        if len(_missing(left, levels)) == before:
            return int(candidate)
    richest = int(np.argmax(counts))
    return richest if counts[richest] > 1 else None

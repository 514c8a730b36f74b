"""What each row adds to a log-likelihood: its value, its score, and how it answers to a shift of its bath.

Random bath effects integrate these terms over the shift; the cluster sandwich sums the scores by bath.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.likelihood import Model

__all__ = ["RowTerms", "row_terms"]

Array = NDArray[np.float64]


class RowTerms(NamedTuple):
    """Terms of n rows in the order of `Model.design`, unweighted.

    `value` (n): log-likelihood; `score` (n, p): its gradient by theta; `slope` and `bend` (n): its first and second
    derivative by eta = x'b + offset.
    """

    value: Array
    score: Array
    slope: Array
    bend: Array


def row_terms(model: Model, theta: Array, offset: Array | None = None) -> RowTerms:
    """Return the terms of each collapsed row of `model` at `theta`.

    `offset` (n rows, on the ln s scale) is added to the linear predictor: a random bath effect enters so. A row open
    on both sides is 0 throughout. `model.weights` are the counts to multiply by.
    """
    n = model.design.shape[0]
    found = RowTerms(np.zeros(n), np.zeros((n, model.size)), np.zeros(n), np.zeros(n))
    with np.errstate(all="ignore"):  # far from the optimum terms overflow; the caller turns back from those
        for part, sigma in model.parts(theta, offset):
            found.value[part.row] = part.value
            score = sum((end.first[:, None] * end.jacobian for end in part.ends), start=np.zeros(1))
            if part.cure_first is not None:
                score[:, model.size - model.sigmas - 1] += part.cure_first
            found.score[part.row] = score if part.direct is None else score + part.direct
            first = sum((end.first for end in part.ends), start=np.zeros(1))
            second = sum((end.second for end in part.ends), start=np.zeros(1))
            found.slope[part.row] = -first / sigma
            found.bend[part.row] = (second if part.cross is None else second + 2 * part.cross) / sigma**2
    return found

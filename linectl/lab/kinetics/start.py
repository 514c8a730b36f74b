"""Where the search for a maximum begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.likelihood import ENERGY_UNIT, Model

__all__ = ["START_ENERGY", "least_squares_start"]

Array = NDArray[np.float64]
START_ENERGY = 50.0  # kJ/mol
_LEFT = -0.7  # half the time: somewhere before the first check
_LEAST_SIGMA = 0.05


def least_squares_start(model: Model) -> Array:
    """Return theta by weighted least squares of ln dose on interval midpoints, E at 50 kJ/mol where it is asked.

    Energies beyond the first and a curvature begin at 0, pi at 95 %, every sigma at the residuals' spread.
    """
    theta = np.zeros(model.size)
    if model.has_energy:
        theta[model.columns] = START_ENERGY / ENERGY_UNIT
    middle, known = _middles(model, model.log_dose(theta).value)
    root = np.sqrt(np.where(known, model.weights, 0.0))
    coefficients = np.linalg.lstsq(model.design * root[:, None], middle * root, rcond=None)[0]
    residual = (middle - model.design @ coefficients) * root
    theta[: model.columns] = coefficients
    theta[-model.sigmas :] = np.log(max(_LEAST_SIGMA, float(np.sqrt(residual @ residual / (root @ root)))))
    if model.has_cure:
        theta[-model.sigmas - 1] = 3.0
    return theta


def _middles(model: Model, log: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return a ln dose for each row, and which rows have any."""
    middle, known = np.zeros(model.design.shape[0]), np.zeros(model.design.shape[0], dtype=bool)
    middle[model.left.row] = log[model.left.upper] + _LEFT
    middle[model.right.row] = log[model.right.lower]
    both = model.interval
    middle[both.row] = 0.5 * (log[both.lower] + log[both.upper])
    middle[model.exact.row] = log[model.exact.upper]
    for rows in (model.left, model.right, model.interval, model.exact):
        known[rows.row] = True
    return middle, known

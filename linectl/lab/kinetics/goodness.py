"""What a fit cannot explain: labels still on long after the family says that the last should be off."""

from __future__ import annotations

import numpy as np

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.likelihood import ENERGY_UNIT

__all__ = ["unexplained_stuck"]

_CHANCE = 0.01  # that a fit without a plateau would leave even one such label on


def unexplained_stuck(fit: ReleaseFit) -> int:
    """Return how many labels were still on where the fit leaves none on, by the chance of 1 % over all its bottles.

    Such labels stretch sigma, for the fit has no share that never comes off; a count above 0 says that the release
    time of 99 % of all labels may not exist. It is no test of a plateau that is not yet reached.
    """
    model, columns = fit.model, fit.model.design.shape[1]
    rows = model.right
    if not rows.row.size:
        return 0
    dose = model.dose.log(ENERGY_UNIT * float(fit.theta[columns])).value[rows.lower]
    z = (dose - model.design[rows.row] @ fit.theta[:columns]) / fit.sigma
    log_share_on = model.dist.right(z).value
    return int(model.weights[rows.row][log_share_on < np.log(_CHANCE / fit.n_bottles)].sum())

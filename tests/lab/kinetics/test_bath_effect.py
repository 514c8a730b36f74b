"""The random intercept of baths against converged values (closed form, 25 to 41 nodes), and at its boundary."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from linectl.lab.kinetics.bath_effect import BathModel, fit_bath_effect, half_chi2
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.trace import NO_LAG

Batch = Callable[[str], ReleaseData]
Soaked = Callable[[int, int, float], ReleaseData]
CONVERGED = {  # b0, E, sigma, omega, log-likelihood, likelihood ratio of omega
    ("exact", "lognormal"): (5.24265489, 68.4952511, 0.45228504, 0.28704155, -169.498734147, 42.4695),
    ("interval", "weibull"): (5.47409223, 67.4733393, 0.43309159, 0.27091495, -602.7405078, 39.4120),
    ("interval", "lognormal"): (5.24960813, 68.2184264, 0.45547982, 0.27860162, -588.8212455, 37.2647),
}


def fitted(data: ReleaseData, family: str = "lognormal") -> ReleaseFit:
    fit = fit_release(data, family, glass=NO_LAG)
    assert isinstance(fit, ReleaseFit), fit
    return fit


@pytest.mark.parametrize(("kind", "family"), list(CONVERGED))
def test_agrees_with_the_converged_values(batch: Batch, kind: str, family: str) -> None:
    data = batch(kind)
    found = fit_bath_effect(fitted(data, family))
    b0, energy, sigma, omega, loglik, lr = CONVERGED[kind, family]
    assert found.converged
    assert not found.boundary
    values = (found.value("b0"), found.value("E"), np.exp(found.value("ln_sigma")), found.omega)
    np.testing.assert_allclose(values, (b0, energy, sigma, omega), rtol=1e-6)
    of_ln_t = float(np.log(data.lo_s).sum()) if kind == "exact" else 0.0
    assert found.loglik + of_ln_t == pytest.approx(loglik, abs=1e-6)
    assert found.lr == pytest.approx(lr, abs=1e-3)
    assert found.p_value < 1e-8


def test_errors_of_the_normal_model_agree_with_lmer(batch: Batch) -> None:
    found = fit_bath_effect(fitted(batch("exact")))
    assert found.se("b0") == pytest.approx(0.065476086, rel=2e-4)
    assert found.se("E") == pytest.approx(6.792425641, rel=2e-4)
    assert 0.02 < found.se("omega") < 0.12


def test_the_score_is_the_gradient_of_the_likelihood(batch: Batch) -> None:
    fit = fitted(batch("interval"), "weibull")
    model = BathModel.of(fit.model, fit.row_bath, fit.n_baths)
    at = np.array([5.4, 6.5, -0.8, 0.35])
    score = model.evaluate(at).score
    for k in range(at.size):
        step = np.eye(at.size)[k] * 1e-4
        slope = (model.evaluate(at + step).value - model.evaluate(at - step).value) / 2e-4
        assert score[k] == pytest.approx(slope, rel=1e-5, abs=1e-4)


def test_baths_that_are_equal_give_omega_zero(soaked: Soaked) -> None:
    # the scatter of bath means in this seed is below what sigma alone would make
    found = [fit_bath_effect(fitted(soaked(seed, 6, 0.0))) for seed in range(6)]
    at_boundary = [fit for fit in found if fit.boundary]
    assert at_boundary
    for fit in at_boundary:
        assert (fit.omega, fit.lr, fit.p_value, fit.converged) == (0.0, 0.0, 1.0, True)
        assert np.isfinite(fit.cov).all()
        assert fit.se("E") > 0
    assert all(fit.p_value > 0.01 for fit in found)


def test_the_p_value_is_that_of_half_chi2() -> None:
    assert half_chi2(2.705543) == pytest.approx(0.05, abs=1e-6)
    assert half_chi2(0.0) == 1.0

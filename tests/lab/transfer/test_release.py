from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from scipy.special import ndtr

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.results import Analysis
from linectl.lab.transfer.forecast import Flow, forecast, glue_forecast
from linectl.lab.transfer.release import Knowledge, Passage, released, zone_doses
from linectl.lab.transfer.words import forecast_lines
from linectl.model.washing import Agitation, Corner, Recipe, Stay, Washer, ZoneKind, pocket_way
from linectl.sim.glue.labels import GLUES, Glue, GlueClass, LabelState, soak, t50_s

PSA = GLUES[GlueClass.PSA]


def fits(screening: Analysis, glue: str) -> Mapping[str, ReleaseFit]:
    return next(result.fits for result in screening.glues if result.glue == glue)


def knowing(fit: ReleaseFit, glue: Glue) -> Knowledge:
    """Return the fit as it would be with the simulator's own parameters, known without error."""
    truth = {"b0": log(glue.t60_s), "caustic": -glue.caustic_order, "E": glue.ea_kj_mol, "ln_sigma": log(glue.sigma)}
    params = np.array([truth[name] for name in fit.names])
    return Knowledge.plain(replace(fit, params=params, cov=np.zeros((params.size, params.size))))


def unlagged(washer: Washer, recipe: Recipe) -> tuple[Stay, ...]:
    return tuple(replace(stay, tau_s=1e-3) for stay in pocket_way(washer, recipe))


def test_a_glue_that_passes_in_the_bath_fails_on_the_line(
    screening: Analysis, washer: Washer, reference: Recipe
) -> None:
    assert t50_s(PSA, 80.0, 1.5) * exp(PSA.sigma * 2.3263) == pytest.approx(669, abs=1.0)  # t99 within 15 min
    truth = knowing(fits(screening, "psa")["lognormal"], PSA)
    passage = Passage.of(unlagged(washer, reference), washer.bottle_in_c)
    without = released(truth, passage, agitation_order=0.0)
    jets = released(truth, passage, agitation_order=washer.agitation_order)
    assert without.value == pytest.approx(0.82, abs=0.02)
    assert jets.value == pytest.approx(0.95, abs=0.01)
    assert without.lower == without.value  # nothing is uncertain here
    # the lag of the glass takes some more
    lagged = released(truth, Passage.of(pocket_way(washer, reference), washer.bottle_in_c), agitation_order=0.0)
    assert lagged.value is not None
    assert without.value is not None
    assert 0.02 < without.value - lagged.value < 0.06


def test_a_campaign_finds_the_same_by_itself(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    made = forecast(screening.glues, washer, reference)
    psa = next(glue for glue in made.glues if glue.glue == "psa")
    without, jets = psa.at(Corner.NOMINAL), psa.at(Corner.NOMINAL, Flow.ASSUMED)
    assert without is not None
    assert jets is not None
    truth = {flow: _truth(washer, reference, order) for flow, order in ((Flow.WITHOUT, 0.0), (Flow.ASSUMED, 0.3))}
    for release in (without, jets):
        found = release.by_family["lognormal"]
        assert found.value == pytest.approx(truth[release.flow], abs=0.05)
        assert release.lower is not None
        assert release.lower < truth[release.flow]
        assert release.value is not None
        assert release.value < made.removal
    casein = next(glue for glue in made.glues if glue.glue == "casein").at(Corner.EDGE)
    assert casein is not None
    assert casein.lower is not None
    assert casein.lower > 0.99  # the control: a good glue passes even at the edge
    permanent = next(glue for glue in made.glues if glue.glue == "permanent")
    assert permanent.releases == ()
    assert permanent.at(Corner.NOMINAL) is None


def _truth(washer: Washer, recipe: Recipe, order: float) -> float:
    fit_free = 0.0
    glass_c = washer.bottle_in_c
    for stay in pocket_way(washer, recipe):
        label = LabelState(int(GlueClass.PSA), 1, float("inf"), glass_c, 0.0)
        mech = stay.mech ** (order / 0.3)
        for _ in range(round(stay.seconds * 2)):
            after, _ = soak([label], stay.temperature_c, stay.naoh_pct, 0.5, tau_glass_s=stay.tau_s, mech=mech)
            assert after[0] is not None
            label = after[0]
        fit_free += label.dose
        glass_c = label.glass_c
    return float(ndtr(log(fit_free) / PSA.sigma))


def test_the_dose_is_the_simulators(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    casein = GLUES[GlueClass.CASEIN]
    truth = knowing(fits(screening, "casein")["lognormal"], casein)
    for tau_s in (15.0, 490.0):
        stay = Stay("z", ZoneKind.CAUSTIC, 300.0, 80.0, 1.5, 1.0, tau_s)
        passage = Passage.of([stay], 15.0)
        label: LabelState | None = LabelState(int(GlueClass.CASEIN), 1, float("inf"), 15.0, 0.0)
        for _ in range(3000):
            (label,), _ = soak([label], 80.0, 1.5, 0.1, tau_glass_s=tau_s)
        assert label is not None
        found = passage.doses(np.array([casein.ea_kj_mol]))[0, 0] / casein.t60_s
        assert found == pytest.approx(label.dose, rel=1e-4)
        share = released(truth, passage, agitation_order=0.0).value
        assert share == pytest.approx(float(ndtr(log(label.dose) / casein.sigma)), abs=1e-4)


def test_bounds_are_seeded_and_widen_with_confidence(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    fit = fits(screening, "psa")["weibull"]
    passage = Passage.of(pocket_way(washer, reference), washer.bottle_in_c)
    one, again = (released(Knowledge.plain(fit), passage, agitation_order=0.0, seed=5) for _ in range(2))
    other = released(Knowledge.plain(fit), passage, agitation_order=0.0, seed=6)
    surer = released(Knowledge.plain(fit), passage, agitation_order=0.0, seed=5, conf=0.99)
    assert one == again
    assert one.lower != other.lower
    assert one.lower == pytest.approx(other.lower, abs=0.02)
    assert surer.lower is not None
    assert one.lower is not None
    assert surer.lower < one.lower < (one.value or 0.0)


def test_what_was_never_tested_is_named_with_its_share(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    fit = fits(screening, "casein")["lognormal"]
    passage = Passage.of(pocket_way(washer, reference), washer.bottle_in_c)
    assert not any(zone.extrapolated for zone in zone_doses(Knowledge.plain(fit), passage, agitation_order=0.0))
    narrow = replace(fit, temperatures_c=(50.0, 60.0))
    named = {
        zone.zone: zone
        for zone in zone_doses(Knowledge.plain(narrow), passage, agitation_order=0.0)
        if zone.extrapolated
    }
    assert named["z3"].outside.temperature == "hotter"
    assert named["z3"].share > 0.5
    assert released(Knowledge.plain(narrow), passage, agitation_order=0.0).extrapolated
    assert not released(Knowledge.plain(fit), passage, agitation_order=0.0).extrapolated


def test_naoh_beyond_the_tested_earns_no_credit(
    screening: Analysis, washer: Washer, reference: Recipe, stronger: Recipe
) -> None:
    fit = fits(screening, "psa")["lognormal"]
    weak, strong = (Passage.of(pocket_way(washer, each), washer.bottle_in_c) for each in (reference, stronger))
    assert released(Knowledge.plain(fit), strong, agitation_order=0.0).value == pytest.approx(
        released(Knowledge.plain(fit), weak, agitation_order=0.0).value, abs=0.005
    )
    tested = replace(fit, naoh_pct=(0.0, 2.0))
    assert (released(Knowledge.plain(tested), strong, agitation_order=0.0).value or 0) > 0.03 + (
        released(Knowledge.plain(tested), weak, agitation_order=0.0).value or 0
    )
    slows = fit.params.copy()
    slows[fit.names.index("caustic")] = 0.5  # a glue that caustic slows is charged for it all the same
    slower = replace(fit, params=slows)
    assert (released(Knowledge.plain(slower), strong, agitation_order=0.0).value or 0) < (
        released(Knowledge.plain(slower), weak, agitation_order=0.0).value or 0
    ) - 0.01


def test_without_a_caustic_order_zones_of_other_naoh_are_left_out(
    screening: Analysis, washer: Washer, reference: Recipe
) -> None:
    fit = fits(screening, "casein")["lognormal"]
    keep = [k for k, name in enumerate(fit.names) if name != "caustic"]
    plain = replace(
        fit,
        names=tuple(fit.names[k] for k in keep),
        params=fit.params[keep],
        cov=fit.cov[np.ix_(keep, keep)],
        naoh_pct=(1.5, 1.5),
    )
    zones = zone_doses(Knowledge.plain(plain), Passage.of(pocket_way(washer, reference), 15.0), agitation_order=0.0)
    assert {zone.zone for zone in zones if zone.counted} == {"z2", "z3"}
    assert all(zone.share == 0.0 for zone in zones if not zone.counted)
    # at the edge each zone is weaker in NaOH than tested: a share of 0 % would be a claim, and so would any other
    made = glue_forecast("casein", {"lognormal": plain}, washer, reference, draws=50)
    edge, nominal = made.at(Corner.EDGE), made.at(Corner.NOMINAL)
    assert edge is not None
    assert nominal is not None
    assert (edge.value, edge.lower, edge.by_family["lognormal"].reason) == (None, None, "naoh_not_tested")
    assert nominal.value is not None
    lines = list(forecast_lines(replace(forecast([], washer, reference), glues=(made,))))
    assert "casein, at the edge, bottle came in full, without jets: not known, its NaOH is weaker than any" in str(
        lines
    )
    assert any("is NOT shown at the edge" in line for line in lines)


def test_a_fitted_agitation_is_taken_in_place_of_the_assumption(
    screening: Analysis, washer: Washer, reference: Recipe
) -> None:
    fit = fits(screening, "psa")["lognormal"]
    m = 0.3
    names, last = (*fit.names, "agitation"), fit.params.size
    cov = np.zeros((last + 1, last + 1))
    cov[:last, :last] = fit.cov
    params = np.append(fit.params, -m * log(Agitation.GENTLE.factor))
    stirred = replace(fit, names=names, params=params, cov=cov)
    passage = Passage.of(pocket_way(washer, reference), washer.bottle_in_c)
    assert released(Knowledge.plain(stirred), passage, agitation_order=None).value == pytest.approx(
        released(Knowledge.plain(fit), passage, agitation_order=m).value, rel=1e-9
    )


def test_labels_that_never_come_off_lower_the_share(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    fit = fits(screening, "casein")["lognormal"]
    last = fit.params.size
    cov = np.zeros((last + 1, last + 1))
    cov[:last, :last] = fit.cov
    cure = replace(fit, names=(*fit.names, "logit_pi"), params=np.append(fit.params, log(0.98 / 0.02)), cov=cov)
    passage = Passage.of(pocket_way(washer, reference), washer.bottle_in_c)
    assert released(Knowledge.plain(cure), passage, agitation_order=0.0).value == pytest.approx(0.98, abs=1e-6)


def test_baths_that_differ_widen_what_a_line_may_do(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    passage = Passage.of(pocket_way(washer, reference), washer.bottle_in_c)
    for family, fit in fits(screening, "psa").items():
        plain, found = Knowledge.plain(fit), Knowledge.of(fit)
        assert found.omega < 0.1, family  # the simulator's baths are alike
        apart = replace(plain, omega=0.3)
        equal, spread = (released(known, passage, agitation_order=0.0) for known in (plain, apart))
        assert equal.population == "conditional"
        assert (spread.value or 0.0) < (equal.value or 0.0) - 0.02
    lognormal = Knowledge.plain(fits(screening, "psa")["lognormal"])
    sigma = lognormal.fit.sigma
    wide = lognormal.params.copy()
    wide[lognormal.fit.names.index("ln_sigma")] = log(float(np.hypot(sigma, 0.3)))
    same = released(replace(lognormal, params=wide), passage, agitation_order=0.0).value
    assert released(replace(lognormal, omega=0.3), passage, agitation_order=0.0).value == pytest.approx(same)

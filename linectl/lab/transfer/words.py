"""A forecast in words, in the language in use: every figure with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator

from linectl.lab.transfer.forecast import Flow, Forecast, GlueForecast
from linectl.lab.transfer.passage import GlassCheck
from linectl.lab.transfer.recommend import Envelope, Recommendation
from linectl.lab.transfer.release import ZoneDose
from linectl.laws.glass import ShockLevel
from linectl.laws.hygiene import A0_FLOOR_S, F_FLOOR_MIN
from linectl.model.washing import Corner
from linectl.words import decimal, tr

__all__ = ["forecast_lines", "percent", "recommendation_lines"]


def percent(share: float | None) -> str:
    """Return a share of 1 in %, with a second decimal near 100 %, which is never reached; a dash for none."""
    if share is None:
        return "-"
    if share >= 0.99995:
        return f"> {decimal(99.99, 2)} %"
    digits = 2 if share >= 0.99 else 1
    return f"{decimal(100 * share, digits)} %"


def forecast_lines(made: Forecast) -> Iterator[str]:
    """Yield the whole forecast."""
    text = tr("{recipe} on {washer}: {cycle} s from infeed to exit, {rate:.0f} bottles per hour")
    cycle_s = made.recipe.cycle_s
    yield text.format(
        recipe=made.recipe.name,
        washer=made.washer.name,
        cycle=f"{cycle_s:.0f}",
        rate=made.washer.rate_b_h(cycle_s),
    )
    yield from _hygiene_lines(made)
    for check in made.glass:
        yield from _glass_lines(check, made)
    for glue in made.glues:
        yield ""
        yield from _glue_lines(glue, made)
    text = tr("bounds: {conf} % one-sided, from {draws} draws of the fit's parameters (seed {seed}); the lesser family")
    yield ""
    yield text.format(conf=f"{100 * made.confidence:g}", draws=made.draws, seed=made.seed)
    yield tr(
        "without jets: the washer is taken to move the liquid as the lab's bath does. With jets: an assumption, time"
        " goes with the factor (still 1, gentle 1.5, jets 3) to the power -{order}; no decision rests on it."
    ).format(order=decimal(made.washer.agitation_order, 1))


def recommendation_lines(glue: str, found: Recommendation) -> Iterator[str]:
    """Yield the recipes that pass for one glue, or that none does."""
    if found.coolest is None or found.shortest is None:
        yield tr("{glue}: no recipe of this washer keeps removal and hygiene at its edge ({tried} tried)").format(
            glue=glue, tried=found.tried
        )
        return
    yield tr("{glue}: coolest that passes: {recipe}").format(glue=glue, recipe=_envelope(found.coolest))
    yield tr("{glue}: shortest that passes: {recipe}").format(glue=glue, recipe=_envelope(found.shortest))


def _envelope(found: Envelope) -> str:
    text = tr(
        "{zone} {temperature} °C, {naoh} % NaOH, cycle {cycle:.0f} s ({rate:.0f} b/h); at its edge {released}, F {f}"
    )
    return text.format(
        zone=found.hot_zone,
        temperature=decimal(found.temperature_c),
        naoh=decimal(found.naoh_pct, 2),
        cycle=found.recipe.cycle_s,
        rate=found.rate_b_h,
        released=percent(found.released_lower),
        f=decimal(found.f_min),
    )


def _hygiene_lines(made: Forecast) -> Iterator[str]:
    names = {Corner.NOMINAL: tr("at its settings"), Corner.EDGE: tr("at the edge of its tolerances")}
    for corner, name in names.items():
        found = made.hygiene[corner]
        text = tr("hygiene {corner}: F {f} min (by the liquid alone {liquid}), A0 {a0:.0f} s: {judged}")
        judged = tr("passes") if found.bottle.passed() else tr("MISSES the floor")
        yield text.format(
            corner=name,
            f=decimal(found.bottle.f_min),
            liquid=decimal(found.liquid.f_min),
            a0=found.bottle.a0_s,
            judged=judged,
        )
    yield tr("   floor: F {f} min or A0 {a0:.0f} s, by the bottle's own temperature").format(
        f=decimal(F_FLOOR_MIN), a0=A0_FLOOR_S
    )


def _glass_lines(check: GlassCheck, made: Forecast) -> Iterator[str]:
    told = {
        ShockLevel.WARN: tr("near the limit"),
        ShockLevel.BLOCK: tr("beyond what used glass bears"),
        ShockLevel.HARD: tr("BREAKS GLASS"),
    }
    worst = [(zone, step) for zone, step in check.steps if step.level is not ShockLevel.FINE]
    bottle = tr("glass, bottles of {temperature} °C:").format(temperature=decimal(check.bottle_in_c, 0))
    if not worst:
        yield tr("{bottle} no step beyond 25 K").format(bottle=bottle)
    for zone, step in worst:
        yield tr("{bottle} {step} K into {zone}: {judged}").format(
            bottle=bottle, step=decimal(step.step_k), zone=zone, judged=told[step.level]
        )
    if check.exit_c >= made.washer.exit_below_c:
        yield tr("{bottle} leave at {temperature} °C: too warm to fill").format(
            bottle=bottle, temperature=decimal(check.exit_c)
        )


def _glue_lines(glue: GlueForecast, made: Forecast) -> Iterator[str]:
    if not glue.releases:
        yield tr("{glue}: no fit, so nothing can be foretold").format(glue=glue.glue)
        return
    corners = {
        Corner.NOMINAL: tr("at the settings"),
        Corner.EDGE: tr("at the edge, bottle came in full"),
        Corner.FULL: tr("bottle full of cold liquid all the way"),
    }
    flows = {Flow.WITHOUT: tr("without jets"), Flow.ASSUMED: tr("with jets"), Flow.FITTED: tr("agitation fitted")}
    for release in glue.releases:
        text = tr("{glue}, {corner}, {flow}: {value} off, at least {lower}")
        if release.value is None:
            text = tr("{glue}, {corner}, {flow}: not known, its NaOH is weaker than any that was tested")
        yield text.format(
            glue=glue.glue,
            corner=corners[release.corner],
            flow=flows[release.flow],
            value=percent(release.value),
            lower=percent(release.lower),
        )
    shares = ", ".join(f"{zone.zone} {percent(zone.share)}" for zone in glue.zones if zone.share >= 0.005)
    yield tr("   share of the dose: {shares}").format(shares=shares)
    for zone in glue.zones:
        if zone.extrapolated or not zone.counted:
            yield _extrapolated(zone)
    if glue.never_upper is not None:
        text = tr("   labels that never come off are not in this fit: {n} bottles rule out no fewer than {share}")
        yield text.format(n=glue.bottles, share=percent(glue.never_upper))
    edge = glue.at(Corner.EDGE)
    if edge is not None and (edge.lower is None or edge.lower < made.removal):
        text = tr(
            "   {removal} off is NOT shown at the edge of this recipe: a bath temperature that passes is no recipe"
        )
        yield text.format(removal=percent(made.removal))


def _extrapolated(zone: ZoneDose) -> str:
    words = {
        "colder": tr("colder than tested"),
        "hotter": tr("hotter than tested"),
        "weaker": tr("weaker in NaOH than tested"),
        "stronger": tr("stronger in NaOH than tested: no credit is given for it"),
    }
    why = [words[each] for each in (zone.outside.temperature, zone.outside.naoh) if each]
    if not zone.counted:
        return tr("   zone {zone} is left out: the effect of NaOH was not tested").format(zone=zone.zone)
    text = tr("   EXTRAPOLATED: zone {zone} ({share} of the dose) is {why}")
    return text.format(zone=zone.zone, share=percent(zone.share), why=", ".join(why))

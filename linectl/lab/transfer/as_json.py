"""A forecast as JSON holds it: finite numbers, or null."""

from __future__ import annotations

from linectl.lab.results import Estimate
from linectl.lab.transfer.forecast import Forecast, GlueForecast
from linectl.lab.transfer.passage import Cleanliness, GlassCheck
from linectl.lab.transfer.recommend import Envelope, Recommendation
from linectl.laws.hygiene import Hygiene

__all__ = ["envelope_json", "forecast_json", "recommendation_json"]


def forecast_json(made: Forecast) -> dict[str, object]:
    """Return the forecast as plain data; shares are of 1, F in min, A0 in s."""
    return {
        "washer": {"name": made.washer.name, "hash": made.washer.file_hash},
        "recipe": {"name": made.recipe.name, "hash": made.recipe.file_hash, "cycle_s": made.recipe.cycle_s},
        "rate_b_h": made.washer.rate_b_h(made.recipe.cycle_s),
        "removal": made.removal,
        "confidence": made.confidence,
        "draws": made.draws,
        "seed": made.seed,
        "agitation_order_assumed": made.washer.agitation_order,
        "hygiene": {corner.value: _clean_json(found) for corner, found in made.hygiene.items()},
        "glass": [_glass_json(check) for check in made.glass],
        "glues": [_glue_json(glue) for glue in made.glues],
    }


def recommendation_json(found: Recommendation) -> dict[str, object]:
    """Return a recommendation as plain data."""
    return {
        "coolest": None if found.coolest is None else envelope_json(found.coolest),
        "shortest": None if found.shortest is None else envelope_json(found.shortest),
        "tried": found.tried,
    }


def envelope_json(found: Envelope) -> dict[str, object]:
    """Return one recommended recipe as plain data."""
    return {
        "recipe": found.recipe.name,
        "hot_zone": found.hot_zone,
        "temperature_c": found.temperature_c,
        "naoh_pct": found.naoh_pct,
        "cycle_s": found.recipe.cycle_s,
        "rate_b_h": found.rate_b_h,
        "released_lower": found.released_lower,
        "f_min": found.f_min,
        "a0_s": found.a0_s,
        "dwell_s": {phase.zone: phase.dwell_s for phase in found.recipe.phases},
    }


def _clean_json(found: Cleanliness) -> dict[str, object]:
    return {"bottle": _sums(found.bottle), "liquid": _sums(found.liquid), "passes": found.bottle.passed()}


def _sums(found: Hygiene) -> dict[str, float]:
    return {"f_min": found.f_min, "spores_min": found.spores_min, "coli_min": found.coli_min, "a0_s": found.a0_s}


def _glass_json(check: GlassCheck) -> dict[str, object]:
    return {
        "bottle_in_c": check.bottle_in_c,
        "exit_c": check.exit_c,
        "caustic_s": check.caustic_s,
        "steps": [{"zone": zone, "step_k": step.step_k, "level": step.level.value} for zone, step in check.steps],
    }


def _glue_json(glue: GlueForecast) -> dict[str, object]:
    return {
        "glue": glue.glue,
        "counts": glue.counts.value,
        "bottles": glue.bottles,
        "never_upper": glue.never_upper,
        "released": [
            {
                "corner": each.corner.value,
                "agitation": each.flow.value,
                "value": each.value,
                "lower": each.lower,
                "by_family": {name: _estimate(found) for name, found in each.by_family.items()},
            }
            for each in glue.releases
        ],
        "zones": [
            {
                "zone": zone.zone,
                "share_of_dose": zone.share,
                "temperature": zone.outside.temperature,
                "naoh": zone.outside.naoh,
                "extrapolated": zone.extrapolated,
                "counted": zone.counted,
            }
            for zone in glue.zones
        ],
    }


def _estimate(found: Estimate) -> dict[str, object]:
    return {
        "value": found.value,
        "lower": found.lower,
        "confidence": found.conf,
        "method": found.method,
        "population": found.population,
        "extrapolated": found.extrapolated,
        "replicates": found.replicates,
        "failed": found.failed,
        "reason": found.reason,
    }

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pytest

from linectl import words
from linectl.errors import ConfigError
from linectl.sim.glue.labels import GLUES, GlueClass, t50_s
from linectl.sim.glue.lots import (
    BURGUNDY_75CL,
    CLAVELIN_62CL,
    GLUE_SPANS,
    LOT_SPANS,
    MODEL_SPANS,
    BottleModel,
    Lot,
    bottle_model,
    glue_of,
    own_glue,
)

FIGURES = {"t60_s": 240.0, "ea_kj_mol": 42.0, "caustic_order": 0.2, "sigma": 0.3, "p_never": 0.01}


def test_models_have_the_heat_of_their_glass() -> None:
    assert BURGUNDY_75CL.kj_k == pytest.approx(0.470, abs=0.001)
    assert CLAVELIN_62CL.kj_k == pytest.approx(0.437, abs=0.001)
    assert bottle_model("clavelin_62cl") is CLAVELIN_62CL
    with pytest.raises(ConfigError, match="burgundy_75cl"):
        bottle_model("magnum")
    with pytest.raises(ConfigError, match="mass_g 50 g is outside 150 to 1500 g"):
        BottleModel("thimble", 10.0, 50.0, 20.0)


@pytest.mark.parametrize("figure", [name for name in GLUE_SPANS if name != "opens_at_c"])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_glue_outside_its_range_is_refused_with_range_and_source(figure: str, side: int) -> None:
    span = GLUE_SPANS[figure]
    outside = span.low - 0.5 if side < 0 else span.high + 0.5
    with pytest.raises(ConfigError) as refused:
        own_glue("jura_7", **{**FIGURES, figure: outside})
    for told in (f"glue jura_7: {figure} ", f"{span.low:g} to {span.high:g}", span.source()):
        assert told in refused.value.message
    assert refused.value.exit_code == 3
    own_glue("jura_7", **{**FIGURES, figure: span.low})
    own_glue("jura_7", **{**FIGURES, figure: span.high})


def test_every_known_class_is_within_the_ranges() -> None:
    for glue in GLUES.values():
        figures = {name: getattr(glue, name) for name in GLUE_SPANS}
        made = own_glue("copy", **figures)
        assert replace(made, code=glue.code) == glue


def wrong(figure: str, value: float) -> dict[str, Any]:
    return {figure: value}


@pytest.mark.parametrize("figure", LOT_SPANS)
def test_a_lot_outside_its_range_is_refused(figure: str) -> None:
    span = LOT_SPANS[figure]
    with pytest.raises(ConfigError) as refused:
        replace(Lot("a", 10), **wrong(figure, span.high + 1))
    assert f"lot a: {figure}" in refused.value.message
    assert span.source() in refused.value.message
    with pytest.raises(ConfigError):
        replace(Lot("a", 10), **wrong(figure, nan))


def test_a_refusal_is_worded_once_and_in_the_language_of_the_moment() -> None:
    with pytest.raises(ConfigError, match=r"^lot 2: age 9 is outside 1 to 1\.5 \(engineering estimate; sun and"):
        replace(Lot("lot 2", 10), age=9.0)
    with pytest.raises(ConfigError, match=r"count 20000000 is outside 1 to 10000000 \("):
        Lot("a", 20_000_000)
    with pytest.raises(ConfigError, match=r"opens_at_c 90 °C is above 80 °C \(coats open"):
        own_glue("late", **FIGURES, opens_at_c=90.0)
    words.use("fr")
    try:
        sources = [each.source() for spans in (GLUE_SPANS, LOT_SPANS, MODEL_SPANS) for each in spans.values()]
        with pytest.raises(ConfigError, match=r"^lot 2\u00a0: age = 9 est hors de 1 à 1,5 \(estimation\u00a0; soleil"):
            replace(Lot("lot 2", 10), age=9.0)
    finally:
        words.use("en")
    english = [each.source() for spans in (GLUE_SPANS, LOT_SPANS, MODEL_SPANS) for each in spans.values()]
    assert not set(sources) & set(english)


def test_a_glue_is_known_by_name_or_by_its_own_figures() -> None:
    assert Lot("a", 1, "psa").law is GLUES[GlueClass.PSA]
    own = own_glue("jura_7", **FIGURES, opens_at_c=50.0)
    assert Lot("a", 1, "jura_7", own=own).law is own
    with pytest.raises(ConfigError, match="casein, starch, pvoh, psa, permanent"):
        Lot("a", 1, "jura_7")
    with pytest.raises(ConfigError, match="opens_at_c 90"):
        own_glue("late", **FIGURES, opens_at_c=90.0)


def test_age_varnish_and_glue_slow_the_release_as_the_law_has_it() -> None:
    plain = Lot("a", 1)
    assert plain.quickness == 1.0
    assert replace(plain, age=1.5).quickness == pytest.approx(1 / 1.5)
    assert replace(plain, coverage=0.3).quickness == pytest.approx(0.3)
    assert replace(plain, glue_g_m2=40.0).quickness == pytest.approx(0.25)
    assert t50_s(glue_of("casein"), 80.0, 1.5) / plain.quickness == pytest.approx(60.0, rel=0.01)

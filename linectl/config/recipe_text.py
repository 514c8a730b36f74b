"""A recipe as YAML that `load_recipe` reads back, with the verdict behind it."""

from __future__ import annotations

import dataclasses
from typing import Any

import yaml

from linectl.config.dump import PlainDumper
from linectl.model.washing import Phase, Recipe

__all__ = ["dump_recipe"]


def dump_recipe(recipe: Recipe) -> str:
    """Return the YAML text of a recipe."""
    document: dict[str, Any] = {
        "kind": "recipe",
        "name": recipe.name,
        "description": recipe.description,
        "washer": recipe.washer,
        "phases": [_phase(phase) for phase in recipe.phases],
    }
    if recipe.promotion is not None:
        document["promotion"] = dataclasses.asdict(recipe.promotion)
        document["promotion"]["runs"] = list(recipe.promotion.runs)
    text: str = yaml.dump(document, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _phase(phase: Phase) -> dict[str, Any]:
    values = dataclasses.asdict(phase)
    values["agitation"] = phase.agitation.value
    return {
        key: value
        for key, value in values.items()
        if value != 0.0 or not key.endswith(("_k", "tolerance_pct", "tolerance_s"))
    }

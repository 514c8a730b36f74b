"""The verdict that lets a recipe onto the line, and what a confirmation has to know of that recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from linectl.lab.confirmation.evaluate import ConfirmationVerdict, Evidence
from linectl.lab.results import VerdictWord
from linectl.lab.transfer.forecast import Forecast
from linectl.laws.glass import COOLING, HEATING
from linectl.model.washing import Corner

__all__ = ["Approval", "canonical_hash", "confirmation_record", "line_figures"]


@dataclass(frozen=True, slots=True)
class Approval:
    """A verdict on one glue: its word, the point (°C, %, s) it names, the runs and data it rests on.

    `verdict_hash` is the SHA-256 of the verdict's record in canonical JSON.
    """

    word: VerdictWord
    glue: str
    verdict_hash: str
    runs: tuple[str, ...]
    data_hash: str
    version: str
    temperature_c: float | None = None
    naoh_pct: float | None = None
    soak_s: float | None = None


def canonical_hash(record: Mapping[str, object]) -> str:
    """Return the SHA-256 of `record` as canonical JSON: sorted keys, no spaces, UTF-8, no infinite numbers."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def confirmation_record(verdict: ConfirmationVerdict, screening_data_hash: str, recipe_hash: str) -> dict[str, object]:
    """Return what a confirmation's verdict says and rests on, in machine words: the same in every language."""
    return {
        "kind": "linectl.confirmation_verdict",
        "schema": 1,
        "confirmation": verdict.confirmation.id,
        "registered": verdict.confirmation.sha256(),
        "word": verdict.word.value,
        "criteria": [[each.code.value, each.passed, each.refuted] for each in verdict.criteria],
        "counts": [verdict.bottles, verdict.stuck, verdict.baths],
        "screening_data": screening_data_hash,
        "recipe": recipe_hash,
    }


def line_figures(made: Forecast, glue: str) -> Evidence:
    """Return what the recipe of `made` was computed to do, as a confirmation of `glue` asks for it.

    The corner is the recipe's edge, by the flow that counts; hygiene is by the bottle's own temperature; the glass step
    is the one nearest to its limit, for bottles of the usual temperature.
    """
    found = next((each for each in made.glues if each.glue == glue), None)
    corner = found.at(Corner.EDGE) if found is not None else None
    nominal, edge = made.hygiene[Corner.NOMINAL].bottle, made.hygiene[Corner.EDGE].bottle
    steps = [step.step_k for _, step in made.glass[0].steps]
    limits = [HEATING.block_k if step >= 0 else COOLING.block_k for step in steps]
    tightest = max(range(len(steps)), key=lambda k: abs(steps[k]) - limits[k])
    return Evidence(
        corner_lower=None if corner is None else corner.lower,
        hygiene_f_min=nominal.f_min,
        hygiene_a0_s=nominal.a0_s,
        hygiene_edge_f_min=edge.f_min,
        glass_step_k=abs(steps[tightest]),
        glass_limit_k=limits[tightest],
    )

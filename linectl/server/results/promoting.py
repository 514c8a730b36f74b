"""From a GO to a line recipe that names its verdict."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.clock import wall_ns
from linectl.errors import Refused
from linectl.model.records import Act
from linectl.model.washing import Corner, Promotion, Recipe, Washer
from linectl.server.results.finished import FinishedRun
from linectl.server.results.forecasting import result_of
from linectl.server.washing.recipes import write_recipe
from linectl.store.store import open_store
from linectl.words import decimal, tr

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import ConfirmationVerdict
    from linectl.lab.confirmation.registry import Register
    from linectl.lab.results import Analysis
    from linectl.lab.transfer.approval import Approval
    from linectl.lab.transfer.forecast import Forecast

__all__ = ["approval_of", "promote", "write_promoted"]


def approval_of(found: FinishedRun, analysis: Analysis, glue: str, made: Forecast) -> Approval:
    """Return the GO for `glue` on the recipe of `made`: that of a confirmation registered after the run.

    The confirmation is judged with what the recipe was computed to do. A screening alone never approves.

    Raises:
        Refused: no confirmation is registered, or it says something else than GO; the message tells what is open.
    """
    from linectl.lab.results import VerdictWord
    from linectl.lab.transfer.approval import Approval, canonical_hash, confirmation_record, line_figures
    from linectl.server.results.confirming import confirmation_verdict

    figures = line_figures(made, glue)
    entries = _registered_for(found, analysis, glue, made.recipe.name)
    verdicts = [confirmation_verdict(found.reader, entry, line_figures=figures) for entry in entries]
    go = next((verdict for verdict in verdicts if verdict.word is VerdictWord.GO), None)
    if go is None:
        raise _open(verdicts[-1], made)
    confirmed = go.confirmation
    return Approval(
        word=go.word,
        glue=glue,
        verdict_hash=canonical_hash(confirmation_record(go, analysis.data_hash, made.recipe.file_hash)),
        runs=(*analysis.runs, confirmed.id),
        data_hash=analysis.data_hash,
        version=analysis.versions.get("linectl", ""),
        temperature_c=confirmed.temperature_c,
        naoh_pct=confirmed.naoh_pct,
        soak_s=confirmed.soak_s,
    )


def _registered_for(found: FinishedRun, analysis: Analysis, glue: str, recipe: str) -> list[Register]:
    """Return the confirmations of `glue` after the run that were registered for `recipe`, oldest first."""
    from linectl.lab.report.sentences import verdict_title
    from linectl.server.results.registration import registered

    result = result_of(analysis, glue)
    mine = [
        entry
        for entry in registered(found.reader)
        if entry.present.glue == glue and found.run.id in entry.present.screening_runs
    ]
    fitting = [entry for entry in mine if entry.present.recipe == recipe]
    if fitting:
        return fitting
    fields = {"run": found.run.id, "glue": glue, "recipe": recipe}
    hint = tr("linectl confirm register {run} --glue {glue} --lot LOT --recipe {recipe}").format(**fields)
    if mine:
        names = ", ".join(f"{entry.present.id} ({entry.present.recipe or '-'})" for entry in mine)
        text = tr("no confirmation of {glue} is registered for {recipe}; there are: {names}")
        raise Refused(text.format(glue=glue, recipe=recipe, names=names), hint=hint)
    text = tr("{glue}: {word} is not GO: register a confirmation")
    raise Refused(text.format(glue=glue, word=verdict_title(result.verdict)), hint=hint)


def _open(verdict: ConfirmationVerdict, made: Forecast) -> Refused:
    from linectl.lab.results import VerdictWord

    if verdict.word is VerdictWord.SUSPENDED:
        text = tr("{name} is SUSPENDED by the line for {recipe}: it promotes nothing")
        return Refused(
            text.format(name=verdict.confirmation.id, recipe=made.recipe.name),
            hint=tr("see the lots with: linectl chart {glue}").format(glue=verdict.confirmation.glue),
        )
    names = ", ".join(each.code.value for each in verdict.criteria if not each.passed)
    text = tr("{name} is not GO for {recipe}; still open or failed: {names}")
    return Refused(
        text.format(name=verdict.confirmation.id, recipe=made.recipe.name, names=names),
        hint=tr("see it with: linectl confirm status {name}").format(name=verdict.confirmation.id),
    )


def promote(approval: Approval, made: Forecast) -> Recipe:
    """Return the recipe of `made` with the verdict behind it and what it lets one expect at its edge.

    Raises:
        Refused: the approval is no GO, or the recipe at its edge misses the hygiene floor or breaks glass.
    """
    from linectl.lab.results import VerdictWord
    from linectl.lab.transfer.passage import worst_level
    from linectl.laws.glass import ShockLevel

    if approval.word is not VerdictWord.GO:
        raise Refused(tr("{glue}: {word} is not GO").format(glue=approval.glue, word=approval.word))
    edge = made.hygiene[Corner.EDGE].bottle
    if not edge.passed():
        text = tr("{recipe} misses the hygiene floor at its edge: F {f} of 5 min, A0 {a0:.0f} of 600 s")
        raise Refused(
            text.format(recipe=made.recipe.name, f=decimal(edge.f_min), a0=edge.a0_s),
            hint=tr("more NaOH, a hotter zone, a slower chain or narrower tolerances: linectl predict --recommend"),
        )
    if worst_level(made.glass[0]) in {ShockLevel.BLOCK, ShockLevel.HARD}:
        raise Refused(tr("{recipe} has a step of temperature that breaks glass").format(recipe=made.recipe.name))
    released = next((each.at(Corner.EDGE) for each in made.glues if each.glue == approval.glue), None)
    if released is None or released.value is None or released.lower is None:
        raise Refused(tr("{glue} has no fit to foretell the recipe's edge by").format(glue=approval.glue))
    promotion = Promotion(
        glue=approval.glue,
        verdict=approval.word.value,
        verdict_hash=approval.verdict_hash,
        runs=approval.runs,
        data_hash=approval.data_hash,
        version=approval.version,
        removal=made.removal,
        confidence=made.confidence,
        released=released.value,
        released_lower=released.lower,
        f_min=edge.f_min,
        a0_s=edge.a0_s,
        basis=made.recipe.name,
        washer_hash=made.washer.file_hash,
    )
    return replace(made.recipe, name=f"{made.recipe.name}_{approval.glue}", promotion=promotion)


def write_promoted(found: FinishedRun, recipe: Recipe, washer: Washer, target: Path, *, by: str) -> Path:
    """Write the promoted `recipe` to `target`; that `by` did so is in the audit trail of the run's store before.

    Raises:
        Refused: another process writes the store; nothing is written.
        ConfigError: the recipe does not fit its washer.
        StoreError: the trail or the file cannot be written.
    """
    behind = recipe.promotion
    new: dict[str, object] = {"recipe": recipe.name, "file": str(target.absolute())}
    if behind is not None:
        new |= {"glue": behind.glue, "verdict": behind.verdict, "verdict_hash": behind.verdict_hash}

    async def record() -> None:
        store = open_store(found.reader.path, line=found.reader.line(), virtual=True)
        await store.open()
        try:
            await store.audit(Act(wall_ns(), by, "promote_recipe", found.run.id, new=new))
        finally:
            await store.close()

    asyncio.run(record())
    return write_recipe(recipe, washer, target)

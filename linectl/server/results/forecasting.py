"""From a run and a recipe to a forecast of the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linectl.errors import Refused
from linectl.model.washing import Recipe, Washer
from linectl.server.results.finished import NOTHING_ASKED, Asked, FinishedRun, analyse_run
from linectl.server.washing.recipes import find_recipe
from linectl.store.reader import StoreReader
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import Evidence
    from linectl.lab.results import Analysis, GlueResult
    from linectl.lab.transfer.forecast import Forecast
    from linectl.model.confirmations import Confirmation

__all__ = ["confirmation_figures", "forecast_run", "result_of"]


def forecast_run(
    found: FinishedRun, recipe: Recipe, washer: Washer, *, glue: str = "", asked: Asked = NOTHING_ASKED
) -> tuple[Analysis, Forecast]:
    """Return the analysis of a run and what `recipe` on `washer` will do by its fits (of `glue` alone if named).

    Raises:
        Refused: the run has no bottles, or none of that glue.
    """
    from linectl.lab.transfer.forecast import forecast

    analysis = analyse_run(found, asked)
    results = [result_of(analysis, glue)] if glue else analysis.glues
    decision = analysis.decision
    made = forecast(results, washer, recipe, removal=decision.removal, confidence=decision.confidence)
    return analysis, made


def result_of(analysis: Analysis, glue: str) -> GlueResult:
    """Return what was found out about `glue`.

    Raises:
        Refused: the run has no such glue; the message names those it has.
    """
    for result in analysis.glues:
        if result.glue == glue:
            return result
    names = ", ".join(result.glue for result in analysis.glues)
    raise Refused(tr("no glue {glue} in this run; it has {names}").format(glue=glue, names=names))


def confirmation_figures(reader: StoreReader, confirmation: Confirmation) -> Evidence | None:
    """Return what the recipe that a confirmation names will do by its screening's fits; None when it names none.

    Raises:
        ConfigError: no such recipe, or mistakes in it.
        Refused: the screening is not in the store, or does not hold the glue.
    """
    from linectl.lab.transfer.approval import line_figures

    if not confirmation.recipe or not confirmation.screening_runs:
        return None
    recipe, washer = find_recipe(confirmation.recipe)
    found = FinishedRun(reader, reader.run(confirmation.screening_runs[0]))
    _, made = forecast_run(found, recipe, washer, glue=confirmation.glue)
    return line_figures(made, confirmation.glue)

"""What the glues of a run, or a promoted recipe, are worth on the line: inputs from the economics file or given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.config.economics_file import value_problem
from linectl.config.files import find_file
from linectl.config.plant_files import load_economics
from linectl.config.schema import nearest
from linectl.errors import ConfigError, Refused
from linectl.lab.worth import Sensitivities, Worth, operation, sensitivities, worth
from linectl.model.economics import INPUTS, Economics
from linectl.model.washing import Corner, Recipe, Washer
from linectl.server.results.finished import FinishedRun
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.results import Analysis
    from linectl.lab.transfer.forecast import Forecast

__all__ = ["Valued", "economics_of", "value_forecast", "value_promoted", "value_run"]


@dataclass(frozen=True, slots=True)
class Valued:
    """One glue on one recipe: its worth, what small changes are worth, and the worth of the recipes that just pass.

    `released_from` says which share of released labels was taken: "nominal" (the fit at the settings, without what was
    not fitted of the washer's agitation) or "promotion" (the edge that a promoted recipe names).
    """

    glue: str
    recipe: str
    released_from: str
    worth: Worth
    changes: Sensitivities
    coolest: Worth | None = None
    shortest: Worth | None = None


def economics_of(file: Path | None, settings: Iterable[str]) -> Economics:
    """Return the economics in `file` (else the shipped one) with `settings` (`name=value`) in place of its own.

    Raises:
        ConfigError: mistakes in the file, or a setting that is none.
    """
    economics = load_economics(find_file(file or "economics"))
    given: dict[str, float] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in INPUTS:
            raise ConfigError(
                tr("--set {setting}: no input {name!r}; {nearest}").format(
                    setting=setting, name=name, nearest=nearest(name, list(INPUTS))
                )
            )
        given[name] = _number(setting, name, text)
    return economics.given(given, tr("given on the command line"))


def _number(setting: str, name: str, text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    problem = value_problem(name, value) if value == value and abs(value) < float("inf") else tr("no number")  # noqa: PLR0124  # the test for NaN
    if problem:
        raise ConfigError(tr("--set {setting}: {problem}").format(setting=setting, problem=problem))
    return value


def value_promoted(recipe: Recipe, washer: Washer, economics: Economics) -> Valued:
    """Return what a promoted recipe is worth, by the share released at its edge that its verdict names.

    Raises:
        Refused: no verdict stands behind the recipe.
    """
    behind = recipe.promotion
    if behind is None:
        raise Refused(
            tr("{recipe} was set by hand: no verdict tells what it releases").format(recipe=recipe.name),
            hint=tr("value a run on it: linectl value RUN --recipe {recipe}").format(recipe=recipe.name),
        )
    run = operation(washer, recipe, behind.released)
    return Valued(behind.glue, recipe.name, "promotion", worth(economics, run), sensitivities(economics, run))


def value_run(
    found: FinishedRun, recipe: Recipe, washer: Washer, economics: Economics, *, glue: str = ""
) -> list[Valued]:
    """Return what each glue of a run (or `glue` alone) is worth on `recipe`; a glue without a fit is left out.

    Raises:
        Refused: the run has no bottles, none of that glue, or no glue with a fit.
    """
    from linectl.server.results.forecasting import forecast_run

    return value_forecast(*forecast_run(found, recipe, washer, glue=glue), economics)


def value_forecast(analysis: Analysis, made: Forecast, economics: Economics) -> list[Valued]:
    """Return what each glue of the forecast `made` by `analysis` is worth on its recipe; see `value_run`.

    Raises:
        Refused: no glue with a fit.
    """
    from linectl.lab.transfer.recommend import Need, recommend
    from linectl.server.results.forecasting import result_of

    recipe, washer = made.recipe, made.washer
    valued = []
    for each in made.glues:
        release = each.at(Corner.NOMINAL)
        if release is None or release.value is None:
            continue
        run = operation(washer, recipe, release.value)
        need = Need(made.removal, made.confidence)
        passing = recommend(result_of(analysis, each.glue).fits, washer, recipe, need)
        coolest, shortest = (
            None if found is None else worth(economics, operation(washer, found.recipe, found.released_lower))
            for found in (passing.coolest, passing.shortest)
        )
        changes = sensitivities(economics, run)
        valued.append(Valued(each.glue, recipe.name, "nominal", worth(economics, run), changes, coolest, shortest))
    if not valued:
        raise Refused(
            tr("no glue of run {run} has a fit: there is nothing to value").format(run=", ".join(analysis.runs))
        )
    return valued

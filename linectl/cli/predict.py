"""`linectl predict`: what a line recipe will do to the labels that a run has seen in the lab bath."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import glues
from linectl.cli.options import common, question, run_argument
from linectl.cli.output import emit
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.monitoring.standing import LineAnswer
    from linectl.lab.results import Analysis, VerdictWord
    from linectl.lab.transfer.forecast import Forecast
    from linectl.lab.transfer.recommend import Recommendation

__all__ = ["command"]


@click.command(
    "predict",
    help=tr("Integrate the fits of RUN over a line recipe, zone after zone, and bound what is off at its exit."),
)
@run_argument
@click.option("--recipe", default="reference_80c", show_default=True, help=tr("recipe of the washer: a name or a file"))
@click.option("--washer", type=click.Path(path_type=Path), help=tr("washer file (else the one that the recipe names)"))
@click.option("--glue", default="", shell_complete=glues, help=tr("one glue alone"))
@click.option("--recommend", is_flag=True, help=tr("also find the coolest and the shortest recipe that pass"))
@question
@common
def command(
    run: str,
    recipe: str,
    washer: Path | None,
    glue: str,
    recommend: bool,
    soak_s: float | None,
    tau_glass_s: float | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Print the forecast, and with --recommend what passes."""
    from linectl.lab.monitoring.standing import answer_record
    from linectl.lab.report.confirmation import confirmation_title
    from linectl.lab.report.line_answer import answer_lines
    from linectl.lab.transfer.as_json import forecast_json, recommendation_json
    from linectl.lab.transfer.words import forecast_lines, recommendation_lines
    from linectl.server.results.finished import Asked, find_run
    from linectl.server.results.forecasting import forecast_run
    from linectl.server.washing.recipes import find_recipe

    chosen, machine = find_recipe(recipe, washer)
    asked = Asked(soak_s, tau_glass_s)
    analysis, made = forecast_run(find_run(run, data), chosen, machine, glue=glue, asked=asked)
    found = _recommended(analysis, made) if recommend else {}
    answers = _answers(data, made)
    if as_json:
        advice = {name: recommendation_json(each) for name, each in found.items()}
        lines = {name: {"verdict": word.value, **answer_record(line)} for name, (word, line) in answers.items()}
        emit("predict", {"runs": list(analysis.runs), **forecast_json(made), "recommended": advice, "line": lines})
        return 0
    for line in forecast_lines(made):
        click.echo(line)
    for name, (word, answer) in answers.items():
        click.echo(tr("{glue} on the line: {word}").format(glue=name, word=confirmation_title(word)))
        for line in answer_lines(answer):
            click.echo(f"  {line}")
    for name, each in found.items():
        for line in recommendation_lines(name, each):
            click.echo(line)
    return 0


def _recommended(analysis: Analysis, made: Forecast) -> dict[str, Recommendation]:
    from linectl.lab.transfer.recommend import Need, recommend
    from linectl.server.results.forecasting import result_of

    need = Need(made.removal, made.confidence)
    return {
        each.glue: recommend(result_of(analysis, each.glue).fits, made.washer, made.recipe, need) for each in made.glues
    }


def _answers(data: Path | None, made: Forecast) -> dict[str, tuple[VerdictWord, LineAnswer]]:
    """Return, for each glue that was GO on this recipe, where its GO stands and what the line says of it."""
    from linectl.server.results.suspensions import answers_in, of_glue_on_recipe, store_folder

    answers = answers_in(store_folder(data), made.glues[0].glue if len(made.glues) == 1 else "")
    found = {each.glue: of_glue_on_recipe(answers, each.glue, made.recipe.name) for each in made.glues}
    return {
        glue: (each.verdict.word, each.verdict.line)
        for glue, each in found.items()
        if each is not None and each.verdict.line is not None
    }

"""`linectl chart`: what inspectors reject of each glue that has a GO, lot by lot, against what the GO foretold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import glues
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.errors import Refused
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.server.results.suspensions import Answered

__all__ = ["command"]


@click.command("chart", help=tr("Chart the inspector's rejects of GLUE lot by lot (else of each glue) against its GO."))
@click.argument("glue", default="", shell_complete=glues)
@click.option("--check", is_flag=True, help=tr("exit 11 when the line has disproved a GO, 10 when one is watched"))
@common
def command(glue: str, check: bool, data: Path | None, as_json: bool) -> int:
    """Print a chart per confirmation, the latest first."""
    from linectl.lab.monitoring.chart import ChartState
    from linectl.server.results.suspensions import answers_in, store_folder

    found = answers_in(store_folder(data), glue)
    if not found:
        raise Refused(_nothing(glue), hint=tr("a chart needs a registered confirmation, and a lot washed since"))
    if as_json:
        emit("chart", [_as_data(each) for each in found])
    else:
        for each in found:
            _print(each)
    states = {each.verdict.line.state for each in found if each.verdict.line is not None}
    if not check or not states & {ChartState.DISPROVED, ChartState.WATCH}:
        return 0
    return 11 if ChartState.DISPROVED in states else 10


def _nothing(glue: str) -> str:
    if glue:
        return tr("no lot of {glue} has been washed since a confirmation of it was registered").format(glue=glue)
    return tr("no lot has been washed since a confirmation of its glue was registered")


def _as_data(found: Answered) -> dict[str, object]:
    from linectl.lab.monitoring.standing import answer_record

    verdict = found.verdict
    point = verdict.confirmation
    line = None if verdict.line is None else answer_record(verdict.line)
    return {
        "confirmation": point.id,
        "glue": point.glue,
        "recipe": point.recipe,
        "word": verdict.word.value,
        "store": str(found.store),
        "line": line,
    }


def _print(found: Answered) -> None:
    from linectl.lab.report.confirmation import confirmation_title
    from linectl.lab.report.line_answer import answer_lines, chart_rows, foretold_sentence, prediction_sentence

    verdict = found.verdict
    point = verdict.confirmation
    title = tr("{glue}, {name} ({recipe}): {word}")
    word = confirmation_title(verdict.word)
    click.echo(title.format(glue=point.glue, name=point.id, recipe=point.recipe or "-", word=word))
    if verdict.line is None:
        click.echo(f"  {tr('the line: no lot washed since')}")
        return
    present = verdict.line.chart
    for told in (*answer_lines(verdict.line), prediction_sentence(present), foretold_sentence(present)):
        if told:
            click.echo(f"  {told}")
    for chart in verdict.line.charts:
        if chart.points:
            click.echo(table(*chart_rows(chart)))

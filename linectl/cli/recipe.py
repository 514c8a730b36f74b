"""`linectl recipe`: list and show line recipes, and promote one on the strength of a GO."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.complete import glues, recipes
from linectl.cli.list_first import ListFirst
from linectl.cli.options import common, run_argument
from linectl.cli.output import emit, table
from linectl.words import number, tr

if TYPE_CHECKING:
    from linectl.lab.monitoring.standing import LineAnswer
    from linectl.lab.results import VerdictWord
    from linectl.model.washing import Promotion
    from linectl.server.results.suspensions import Answered

__all__ = ["command"]

_SELECT_WITHIN_S = 60.0


@click.group("recipe", cls=ListFirst, help=tr("List and show line recipes; set the line to one; promote one by a GO."))
def command() -> None:
    """Hold `ls`, `show`, `select` and `promote`."""


@command.command("ls", help=tr("List the recipes in ./recipes and those that came with linectl."))
@common
def ls(data: Path | None, as_json: bool) -> int:
    """List all recipes; one with a mistake is named with it, one whose GO the line has disproved with that."""
    from linectl.config.plant_files import load_recipe
    from linectl.errors import ConfigError
    from linectl.server.washing.recipes import recipe_files

    answers: list[Answered] | None = None  # asked for when the first promoted recipe is met
    rows: list[dict[str, object]] = []
    for file in recipe_files():
        try:
            recipe = load_recipe(file)
        except ConfigError as error:
            rows.append({"name": file.stem, "file": str(file), "problem": error.message})
            continue
        row: dict[str, object] = {"name": recipe.name, "file": str(file), "cycle_s": recipe.cycle_s, "glue": ""}
        if recipe.promotion is not None:
            answers = _answers(data, "") if answers is None else answers
            row |= {"glue": recipe.promotion.glue, "verdict": _standing(answers, recipe.promotion)[0].value}
        rows.append(row)
    if as_json:
        emit("recipes", rows)
        return 0
    columns = [tr("recipe"), tr("cycle, s"), tr("promoted for"), tr("file")]
    cells = [[str(r["name"]), _cycle(r), _behind(r), str(r["file"])] for r in rows]
    click.echo(table(columns, cells))
    return 0


def _behind(row: dict[str, object]) -> str:
    if "verdict" not in row:
        return str(row.get("problem") or "-")
    suspended = row["verdict"] == "suspended"
    return tr("{glue}: SUSPENDED").format(glue=row["glue"]) if suspended else str(row["glue"])


def _answers(data: Path | None, glue: str) -> list[Answered]:
    from linectl.server.results.suspensions import answers_in, store_folder

    return answers_in(store_folder(data), glue)


def _standing(answers: Iterable[Answered], behind: Promotion) -> tuple[VerdictWord, LineAnswer | None]:
    """Return where the GO behind a recipe stands today, and what the line says of it."""
    from linectl.lab.results import VerdictWord
    from linectl.server.results.suspensions import of_glue_on_recipe

    found = of_glue_on_recipe(answers, behind.glue, behind.basis)
    suspended = found is not None and found.verdict.word is VerdictWord.SUSPENDED
    return VerdictWord.SUSPENDED if suspended else VerdictWord.GO, None if found is None else found.verdict.line


def _cycle(row: dict[str, object]) -> str:
    cycle_s = row.get("cycle_s")
    return number(cycle_s) if isinstance(cycle_s, float) else "-"


@command.command("show", help=tr("Show a recipe: its phases and the verdict behind it."))
@click.argument("name", shell_complete=recipes)
@common
def show(name: str, data: Path | None, as_json: bool) -> int:
    """Show one recipe, and where the GO behind it stands today."""
    from linectl.lab.monitoring.standing import answer_record
    from linectl.lab.report.line_answer import answer_lines
    from linectl.lab.results import VerdictWord
    from linectl.server.washing.recipes import find_recipe

    recipe, washer = find_recipe(name)
    behind = recipe.promotion
    word, line = (None, None) if behind is None else _standing(_answers(data, behind.glue), behind)
    if as_json:
        today = {"verdict": word.value, "line": None if line is None else answer_record(line)} if word else None
        emit("recipe", {**asdict(recipe), "today": today})
        return 0
    click.echo(f"{recipe.name}  {recipe.description}  {recipe.source}".rstrip())
    rows = [
        [
            phase.zone,
            f"{number(phase.temperature_c)} ± {number(phase.temperature_tolerance_k)}",
            f"{number(phase.naoh_pct)} ± {number(phase.naoh_tolerance_pct)}",
            number(phase.dwell_s),
            phase.agitation.value,
        ]
        for phase in recipe.phases
    ]
    click.echo(table([tr("zone"), "°C", "NaOH %", "s", tr("agitation")], rows))
    text = tr("{cycle} s, {rate:.0f} bottles per hour on {washer}")
    click.echo(text.format(cycle=number(recipe.cycle_s), rate=washer.rate_b_h(recipe.cycle_s), washer=washer.name))
    if behind is not None:
        text = tr("promoted for {glue} by verdict {hash}, runs {runs}, linectl {version}")
        click.echo(
            text.format(glue=behind.glue, hash=behind.verdict_hash, runs=", ".join(behind.runs), version=behind.version)
        )
        if word is VerdictWord.SUSPENDED:
            click.echo(tr("its GO is SUSPENDED: do not wash by it until it is confirmed anew, or lifted"))
        for told in () if line is None else answer_lines(line):
            click.echo(told)
    return 0


@command.command("select", help=tr("Set the served line to the recipe NAME: each value written and read back."))
@click.argument("name", shell_complete=recipes)
@click.option("--reason", default="", help=tr("why; kept in the record"))
@click.option("--dry-run", is_flag=True, help=tr("say what would be written; nothing is sent"))
@of_line
def select(name: str, reason: str, dry_run: bool, line: str, data: Path | None, as_json: bool) -> int:
    """Select a recipe; a file is named by its place on this machine."""
    file = Path(name)
    args = {"recipe": str(file.absolute()) if file.is_file() else name, "reason": reason, "dry_run": dry_run}
    with asking(data, line) as server:
        told = server.ask("recipe_select", args, within_s=_SELECT_WITHIN_S)
    if as_json:
        emit("recipe_select", told)
        return 0
    click.echo(table([tr("tag"), tr("value")], [[tag, number(value)] for tag, value in told["values"].items()]))
    if dry_run:
        click.echo(tr("nothing was sent"))
        return 0
    text = tr("the machine is set to {recipe} (hash {hash})")
    click.echo(text.format(recipe=told["recipe"], hash=told["recipe_hash"][:12]))
    return 0


@command.command("promote", help=tr("Write a recipe with the GO behind it; without a GO it is refused."))
@run_argument
@click.option("--glue", required=True, shell_complete=glues, help=tr("the glue that the GO is for"))
@click.option("--recipe", required=True, help=tr("recipe of the washer: a name or a file"))
@click.option("--washer", type=click.Path(path_type=Path), help=tr("washer file (else the one that the recipe names)"))
@click.option("-o", "--to", "target", type=click.Path(path_type=Path), required=True, help=tr("file to write"))
@common
def promote(
    run: str, glue: str, recipe: str, washer: Path | None, target: Path, data: Path | None, as_json: bool
) -> int:
    """Judge, and write."""
    from linectl.cli.operator import operator_name
    from linectl.server.results.finished import find_run
    from linectl.server.results.forecasting import forecast_run
    from linectl.server.results.promoting import approval_of, write_promoted
    from linectl.server.results.promoting import promote as promoted
    from linectl.server.washing.recipes import find_recipe

    chosen, machine = find_recipe(recipe, washer)
    found = find_run(run, data)
    analysis, made = forecast_run(found, chosen, machine, glue=glue)
    new = promoted(approval_of(found, analysis, glue, made), made)
    file = write_promoted(found, new, machine, target, by=operator_name())
    if as_json:
        emit("recipe", asdict(new))
    else:
        assert new.promotion is not None
        click.echo(
            tr("{file}: {recipe}, by verdict {hash}").format(
                file=file, recipe=new.name, hash=new.promotion.verdict_hash
            )
        )
    return 0

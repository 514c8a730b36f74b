"""`linectl recipe`: list and show line recipes, and promote one on the strength of a GO."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from linectl.cli.asking import asking, of_line
from linectl.cli.options import common, run_argument
from linectl.cli.output import emit, table
from linectl.words import number, tr

__all__ = ["command"]

_SELECT_WITHIN_S = 60.0


@click.group("recipe", help=tr("List and show line recipes; set the line to one; promote one by a GO."))
def command() -> None:
    """Hold `ls`, `show`, `select` and `promote`."""


@command.command("ls", help=tr("List the recipes in ./recipes and those that came with linectl."))
@common
def ls(data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """List all recipes; one with a mistake is named with it."""
    from linectl.config.plant_files import load_recipe
    from linectl.errors import ConfigError
    from linectl.server.recipes import recipe_files

    rows: list[dict[str, object]] = []
    for file in recipe_files():
        try:
            recipe = load_recipe(file)
        except ConfigError as error:
            rows.append({"name": file.stem, "file": str(file), "problem": error.message})
            continue
        glue = recipe.promotion.glue if recipe.promotion else ""
        rows.append({"name": recipe.name, "file": str(file), "cycle_s": recipe.cycle_s, "glue": glue})
    if as_json:
        emit("recipes", rows)
        return 0
    columns = [tr("recipe"), tr("cycle, s"), tr("promoted for"), tr("file")]
    cells = [[str(r["name"]), _cycle(r), str(r.get("problem") or r.get("glue") or "-"), str(r["file"])] for r in rows]
    click.echo(table(columns, cells))
    return 0


def _cycle(row: dict[str, object]) -> str:
    cycle_s = row.get("cycle_s")
    return number(cycle_s) if isinstance(cycle_s, float) else "-"


@command.command("show", help=tr("Show a recipe: its phases and the verdict behind it."))
@click.argument("name")
@common
def show(name: str, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Show one recipe."""
    from linectl.server.recipes import find_recipe

    recipe, washer = find_recipe(name)
    if as_json:
        emit("recipe", asdict(recipe))
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
    if recipe.promotion is not None:
        text = tr("promoted for {glue} by verdict {hash}, runs {runs}, linectl {version}")
        behind = recipe.promotion
        click.echo(
            text.format(glue=behind.glue, hash=behind.verdict_hash, runs=", ".join(behind.runs), version=behind.version)
        )
    return 0


@command.command("select", help=tr("Set the served line to the recipe NAME: each value written and read back."))
@click.argument("name")
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
@click.option("--glue", required=True, help=tr("the glue that the GO is for"))
@click.option("--recipe", required=True, help=tr("recipe of the washer: a name or a file"))
@click.option("--washer", type=click.Path(path_type=Path), help=tr("washer file (else the one that the recipe names)"))
@click.option("-o", "--to", "target", type=click.Path(path_type=Path), required=True, help=tr("file to write"))
@common
def promote(
    run: str, glue: str, recipe: str, washer: Path | None, target: Path, data: Path | None, as_json: bool
) -> int:
    """Judge, and write."""
    from linectl.cli.operator import operator_name
    from linectl.server.finished import find_run
    from linectl.server.forecasting import forecast_run
    from linectl.server.promoting import approval_of, write_promoted
    from linectl.server.promoting import promote as promoted
    from linectl.server.recipes import find_recipe

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

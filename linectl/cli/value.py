"""`linectl value`: cost per accepted bottle, margin, break-even reject rate, and what small changes are worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import runs
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import decimal, number, tr

if TYPE_CHECKING:
    from linectl.lab.worth import Worth
    from linectl.model.economics import Economics
    from linectl.server.results.valuing import Valued

__all__ = ["command"]


@click.command(
    "value", help=tr("Say what a washed bottle costs and earns: of RUN's glues, or of a promoted recipe file.")
)
@click.argument("run", default="last", shell_complete=runs)
@click.option("--recipe", default="reference_80c", show_default=True, help=tr("recipe of the washer: a name or a file"))
@click.option("--washer", type=click.Path(path_type=Path), help=tr("washer file (else the one that the recipe names)"))
@click.option("--economics", type=click.Path(path_type=Path), help=tr("economics file (else the shipped one)"))
@click.option("--glue", default="", help=tr("one glue alone"))
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help=tr("an input in place of the file's"))
@common
def command(
    run: str,
    recipe: str,
    washer: Path | None,
    economics: Path | None,
    glue: str,
    settings: tuple[str, ...],
    data: Path | None,
    as_json: bool,
) -> int:
    """Print the worth of each glue, then every input with its source."""
    from linectl.server.results.finished import find_run
    from linectl.server.results.valuing import economics_of, value_promoted, value_run
    from linectl.server.washing.recipes import find_recipe

    inputs = economics_of(economics, settings)
    if run.endswith(".yaml"):
        valued = [value_promoted(*find_recipe(run, washer), inputs)]
    else:
        valued = value_run(find_run(run, data), *find_recipe(recipe, washer), inputs, glue=glue)
    if as_json:
        figures = {name: asdict(figure) for name, figure in inputs.figures.items()}
        emit("value", {"glues": [_as_data(each) for each in valued], "inputs": figures, "file": inputs.source})
        return 0
    for each in valued:
        for line in _lines(each, inputs):
            click.echo(line)
    for line in _sources(inputs):
        click.echo(line)
    return 0


def _as_data(each: Valued) -> dict[str, object]:
    changes = {
        "removal_over_cooler": each.changes.removal_over_cooler,
        "minute_over_cooler": each.changes.minute_over_cooler,
    }
    body: dict[str, object] = asdict(each)
    return {**body, "changes": {**asdict(each.changes), **changes}}


def _lines(each: Valued, inputs: Economics) -> Iterator[str]:
    from linectl.lab.transfer.words import percent

    found = each.worth
    text = tr("{glue} on {recipe}: {cost} c per accepted bottle ({released} % released, {rate:.0f} bottles per hour)")
    yield text.format(
        glue=each.glue,
        recipe=each.recipe,
        cost=_cents(found.cost),
        released=percent(found.operation.released).removesuffix(" %"),
        rate=found.operation.rate_b_h,
    )
    names = _names()
    parts = ", ".join(f"{names[part]} {_cents(cost)}" for part, cost in found.parts.items())
    yield tr("   per bottle washed, c: {parts}; accepted {accepted} %").format(
        parts=parts, accepted=decimal(100 * found.accepted)
    )
    for k, name in enumerate(("discount_low", "discount_high")):
        text = tr("   sold {discount} % below new at {price} c: margin {margin} c, gone at {reject} rejected")
        even = found.break_even_reject[k]
        yield text.format(
            discount=number(100 * inputs.value(name)),
            price=_cents(found.prices[k]),
            margin=_cents(found.margins[k]),
            reject=tr("none at all") if even is None else f"{decimal(100 * even)} %",
        )
    yield from _beside(each)
    text = tr(
        "   1 point of removal is worth {removal} x, 1 min of cycle {minute} x a hot zone cooler by 20 K ({cooler} c)"
    )
    yield text.format(
        removal=decimal(each.changes.removal_over_cooler),
        minute=decimal(each.changes.minute_over_cooler),
        cooler=_cents(each.changes.cooler_20_k, 3),
    )


def _beside(each: Valued) -> Iterator[str]:
    both: list[tuple[str, Worth | None]] = [(tr("coolest"), each.coolest), (tr("shortest"), each.shortest)]
    for name, found in both:
        if found is None:
            continue
        text = tr("   {name} recipe that passes ({temperature} °C, {naoh} % NaOH, {cycle} s): {cost} c")
        run = found.operation
        yield text.format(
            name=name,
            temperature=number(run.temperature_c),
            naoh=number(run.naoh_pct),
            cycle=f"{run.cycle_s:.0f}",
            cost=_cents(found.cost),
        )
    if each.released_from == "nominal" and each.coolest is None:
        yield tr("   no recipe of this washer keeps removal and hygiene at its edge for this glue")


def _sources(inputs: Economics) -> Iterator[str]:
    yield ""
    yield tr("inputs from {file}; those marked * were given on the command line").format(file=inputs.source)
    rows = [
        [f"{'*' if figure.given else ' '} {name}", number(figure.value), _unit(figure.unit), figure.source]
        for name, figure in inputs.figures.items()
    ]
    yield table([tr("input"), tr("value"), tr("unit"), tr("source")], rows)


def _unit(unit: str) -> str:
    return "-" if unit == "1" else unit


def _names() -> dict[str, str]:
    return {
        "fixed": tr("fixed"),
        "labour": tr("labour"),
        "heat": tr("heat"),
        "electricity": tr("electricity"),
        "water": tr("water"),
        "naoh": tr("NaOH"),
        "rewash": tr("rewash"),
    }


def _cents(euros: float, digits: int = 2) -> str:
    return decimal(100 * euros, digits)

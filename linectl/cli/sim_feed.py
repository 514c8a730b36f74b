"""`linectl sim feed`: put a lot of bottles before the simulated washer that is up."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.sim_options import pairs, which
from linectl.words import tr

__all__ = ["command"]

_TEXTS = frozenset({"model", "paper", "grower"})


@click.command(
    "feed",
    help=tr("Put COUNT bottles before the washer; more of the lot as NAME=VALUE (model, inlet_c, age, coverage ...)."),
)
@click.argument("count", type=click.IntRange(min=1))
@click.argument("figures", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--glue", default="casein", show_default=True, help=tr("what their labels are stuck with"))
@click.option("--lot", default="", help=tr("the lot's name"))
@which
@common
def command(
    count: int,
    figures: tuple[str, ...],
    glue: str,
    lot: str,
    which: str,
    data: Path | None,
    as_json: bool,
) -> int:
    """Feed, and say what waits there now."""
    from linectl.cli.output import emit
    from linectl.server.simulation.client import connect_to_sim

    said = {name: _value(name, text) for name, text in pairs(figures, "NAME=VALUE").items()}
    options = {"count": count, "glue": glue, **({"name": lot} if lot else {})}
    for name in ("count", "glue", "name"):
        if name in said:
            raise click.UsageError(tr("{name} is no figure: give COUNT, --glue and --lot").format(name=name))
    with connect_to_sim(data, which) as sim:
        told = sim.call("lots", **options, **said)
    if as_json:
        emit("sim_feed", told)
    else:
        click.echo(tr("{lot}: {count} bottles, {glue}; {waiting} wait at the infeed").format(**told))
    return 0


def _value(name: str, text: str) -> str | float:
    try:
        return text if name in _TEXTS else float(text.replace(",", "."))
    except ValueError:
        return text

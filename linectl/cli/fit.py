"""`linectl fit`: the release kinetics of a run, per glue and family."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.options import common, question, runs_argument
from linectl.cli.output import emit, table
from linectl.words import decimal, number, tr

if TYPE_CHECKING:
    from linectl.lab.results import Estimate

__all__ = ["command"]


@click.command(
    "fit", help=tr("Fit the release kinetics of RUN (Weibull and lognormal, censored, on the measured trace).")
)
@runs_argument
@question
@common
def command(
    runs: tuple[str, ...], soak_s: float | None, tau_glass_s: float | None, data: Path | None, as_json: bool
) -> int:
    """Print activation energy and release times per glue and family."""
    from linectl.lab.analysis import to_json
    from linectl.server.results.finished import Asked, analyse_pool, find_pool

    pool = find_pool(runs, data)
    analysis = analyse_pool(pool, Asked(soak_s, tau_glass_s))
    names = {result.glue: pool.names.get(result.glue, result.glue) for result in analysis.glues}
    if as_json:
        emit("fit", to_json(analysis))
        return 0
    rows = [
        [names[result.glue], str(result.n_bottles), family, _interval(energy), _interval(result.bath_sd.get(family), 2)]
        for result in analysis.glues
        for family, energy in result.activation_energy.items()
    ]
    spread = tr("baths, sd of ln t (95 %)")
    click.echo(table([tr("glue"), tr("bottles"), tr("family"), tr("activation energy, kJ/mol (95 %)"), spread], rows))
    click.echo()
    rows = [
        [names[result.glue], number(point.temperature_c), number(point.naoh_pct), family, _interval(estimate)]
        for result in analysis.glues
        for point in result.points
        for family, estimate in point.by_family.items()
    ]
    share = f"{number(round(100 * analysis.decision.removal, 6))} %"
    heading = tr("time for {share} off, s (one-sided bounds)").format(share=share)
    click.echo(table([tr("glue"), "°C", "NaOH %", tr("family"), heading], rows))
    click.echo()
    rows = [
        [names[result.glue], number(each.naoh_pct), family, _alone(estimate)]
        for result in analysis.glues
        for each in result.coolest
        for family, estimate in each.by_family.items()
    ]
    soak = decimal(analysis.decision.soak_s / 60)
    heading = tr("coolest for {share} off within {soak} min, °C (bound)").format(share=share, soak=soak)
    click.echo(table([tr("glue"), "NaOH %", tr("family"), heading], rows))
    for warning in analysis.warnings:
        click.echo(f"{warning.code} {warning.detail}", err=True)
    for result in analysis.glues:
        for warning in result.warnings:
            click.echo(f"{names[result.glue]}: {warning.code} {warning.detail}", err=True)
    return 0


def _interval(estimate: Estimate | None, digits: int = 1) -> str:
    from linectl.lab.report.sentences import reason_sentence

    if estimate is None:
        return tr("none")
    if estimate.value is None:
        return reason_sentence(estimate.reason)
    low, high = (tr("none") if end is None else decimal(end, digits) for end in (estimate.lower, estimate.upper))
    return f"{decimal(estimate.value, digits)} [{low}; {high}]"


def _alone(estimate: Estimate) -> str:
    """Return a value that is a bound itself, and what its reader must know of it."""
    from linectl.lab.report.sentences import reason_sentence

    told = reason_sentence(estimate.reason) if estimate.reason else ""
    if estimate.value is None:
        return told
    return f"{decimal(estimate.value)} ({told})" if told else decimal(estimate.value)

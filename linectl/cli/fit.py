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
    from linectl.server.finished import Asked, analyse_pool, find_pool

    pool = find_pool(runs, data)
    analysis = analyse_pool(pool, Asked(soak_s, tau_glass_s))
    names = {result.glue: pool.names.get(result.glue, result.glue) for result in analysis.glues}
    if as_json:
        emit("fit", to_json(analysis))
        return 0
    rows = []
    for result in analysis.glues:
        for family, energy in result.activation_energy.items():
            rows.append([names[result.glue], str(result.n_bottles), family, _interval(energy)])
    click.echo(table([tr("glue"), tr("bottles"), tr("family"), tr("activation energy, kJ/mol (95 %)")], rows))
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
    for warning in analysis.warnings:
        click.echo(f"{warning.code} {warning.detail}", err=True)
    return 0


def _interval(estimate: Estimate) -> str:
    from linectl.lab.report.sentences import reason_sentence

    if estimate.value is None:
        return reason_sentence(estimate.reason)
    low, high = (tr("none") if end is None else decimal(end) for end in (estimate.lower, estimate.upper))
    return f"{decimal(estimate.value)} [{low}; {high}]"

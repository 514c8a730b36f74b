"""`linectl next-soak`: the bath to soak next, why, and what it will buy."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from linectl.cli.complete import glues
from linectl.cli.options import common, run_argument
from linectl.cli.output import emit
from linectl.words import decimal, tr

__all__ = ["command"]


@click.command("next-soak", help=tr("Propose the bath to soak next in RUN: which, why, and what it will buy."))
@run_argument
@click.option("--per-minute", is_flag=True, help=tr("the bath that gains most per minute, not per bath"))
@click.option(
    "--glue", default="", shell_complete=glues, help=tr("for this glue alone (else for all without a verdict)")
)
@click.option("--line", type=click.Path(path_type=Path), help=tr("line file whose limits hold (else the run's own)"))
@common
def command(run: str, per_minute: bool, glue: str, line: Path | None, data: Path | None, as_json: bool) -> int:
    """Print the proposed bath and the reason for it."""
    from linectl.lab.plan_text import treatment_text
    from linectl.server.results.finished import find_run
    from linectl.server.results.proposing import propose_soak

    proposal = propose_soak(find_run(run, data), glue=glue, per_minute=per_minute, line=line)
    soak = proposal.soak
    if as_json:
        emit("next_soak", {**asdict(proposal), "soak": asdict(soak)})
        return 0
    text = tr("next: {treatment}, soak {minutes} min, {bottles} bottles of each glue; {total:.0f} min with everything")
    click.echo(
        text.format(
            treatment=treatment_text(soak.treatment),
            minutes=decimal(soak.soak_s / 60),
            bottles=soak.bottles,
            total=soak.minutes,
        )
    )
    click.echo(soak.reason)
    if proposal.decided:
        click.echo(tr("Every glue has its verdict: this bath would only sharpen the figures."))
    else:
        click.echo(tr("For: {glues}.").format(glues=", ".join(proposal.glues)))
    if not proposal.line:
        click.echo(tr("The line's file was not found: nothing hotter than tested is proposed."), err=True)
    return 0

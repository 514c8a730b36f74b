"""`linectl resume`: take up a run whose program died, or close it for good."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common, run_argument
from linectl.words import tr

__all__ = ["command"]


@click.command("resume", help=tr("Take up RUN, whose program died, by its experiment's on_crash rules."))
@run_argument
@click.option("--line", "line", type=click.Path(path_type=Path), help=tr("line file (else the line of the last run)"))
@click.option("--sim", is_flag=True, help=tr("a run of run --sim: on a new simulated rig, its bottles are gone"))
@click.option("--speed", default="max", help=tr("with --sim: max, or how many times faster than real time"))
@click.option("--memory", is_flag=True, help=tr("with --sim: without wires"))
@click.option(
    "--answers", type=click.Path(path_type=Path), help=tr("answers file; heat needs a line of its own, arm-heat-*")
)
@click.option(
    "--yes", is_flag=True, help=tr("ask nobody what becomes of the bath: abort; heat is asked for all the same")
)
@click.option("--abandon", is_flag=True, help=tr("close the run for good; its data stay"))
@click.option("-q", "--quiet", is_flag=True, help=tr("no progress"))
@common
def command(
    run: str,
    line: Path | None,
    sim: bool,
    speed: str,
    memory: bool,
    answers: Path | None,
    yes: bool,
    abandon: bool,
    quiet: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Take up the run, and end with its exit code."""
    from linectl.cli.resume_run import Request, carry_out
    from linectl.cli.run import must_apply, speed_of

    must_apply(click.get_current_context(), is_script=False, sim=sim)
    request = Request(
        run=run,
        line=line,
        sim=sim,
        speed=speed_of(speed),
        memory=memory,
        answers=answers,
        yes=yes,
        abandon=abandon,
        quiet=quiet or as_json,
        data=data,
        as_json=as_json,
    )
    return carry_out(request)

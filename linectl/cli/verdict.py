"""`linectl verdict`: a line per glue, and what is still asked of it; a registered confirmation's own verdict below."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from linectl.cli.options import common, question, runs_argument
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("verdict", help=tr("Say per glue: CANDIDATE, NO-GO or MORE BOTTLES."))
@runs_argument
@click.option("--check", is_flag=True, help=tr("exit 0 when any glue is CANDIDATE, else 11 when any is open, else 9"))
@question
@common
def command(
    runs: tuple[str, ...],
    check: bool,
    soak_s: float | None,
    tau_glass_s: float | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Print the verdicts; with --check the exit code says them."""
    from linectl.lab.report.confirmation import confirmation_lines
    from linectl.lab.report.sentences import verdict_lines
    from linectl.lab.results import VerdictWord
    from linectl.server.finished import Asked, find_pool, judge_pool
    from linectl.server.reporting import confirmations_of

    pool = find_pool(runs, data)
    judged = judge_pool(pool, Asked(soak_s, tau_glass_s))
    if as_json:
        emit("verdict", {result.glue: asdict(result.verdict) for result in judged.glues})
    else:
        lines = verdict_lines(judged, pool.names)
        for line in (*lines, *(line for each in confirmations_of(pool) for line in confirmation_lines(each))):
            click.echo(line)
    words = {result.verdict.word for result in judged.glues}
    if not check or VerdictWord.CANDIDATE in words:
        return 0
    return 11 if VerdictWord.MORE_BOTTLES in words else 9

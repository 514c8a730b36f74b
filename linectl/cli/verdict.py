"""`linectl verdict`: a line per glue, and what is still asked of it; a registered confirmation's own verdict below."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.options import common, question, runs_argument
from linectl.cli.output import emit
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import ConfirmationVerdict
    from linectl.lab.results import GlueVerdict, VerdictWord

__all__ = ["command"]


@click.command("verdict", help=tr("Say per glue: CANDIDATE, NO-GO or MORE BOTTLES."))
@runs_argument
@click.option(
    "--check",
    is_flag=True,
    help=tr("exit 0 when any glue is CANDIDATE or GO, else 11 if any is open or suspended, else 9"),
)
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
    from linectl.server.results.finished import Asked, find_pool, judge_pool
    from linectl.server.results.reporting import confirmations_of

    pool = find_pool(runs, data)
    judged = judge_pool(pool, Asked(soak_s, tau_glass_s))
    confirmed = confirmations_of(pool)
    if as_json:
        emit("verdict", {result.glue: _as_data(result, confirmed) for result in judged.glues})
    else:
        for line in (*verdict_lines(judged, pool.names), *(t for each in confirmed for t in confirmation_lines(each))):
            click.echo(line)
    return _checked({_word(result, confirmed) for result in judged.glues}) if check else 0


def _as_data(result: GlueVerdict, confirmed: Sequence[ConfirmationVerdict]) -> dict[str, object]:
    """Return a glue's verdict; with those of its confirmations, if there are any."""
    from linectl.lab.monitoring.standing import answer_record

    told = [
        {
            "confirmation": each.confirmation.id,
            "word": each.word.value,
            "line": None if each.line is None else answer_record(each.line),
        }
        for each in _of(result, confirmed)
    ]
    return asdict(result.verdict) | ({"confirmations": told} if told else {})


def _word(result: GlueVerdict, confirmed: Sequence[ConfirmationVerdict]) -> VerdictWord:
    """Return where a glue stands: by its latest confirmation that was GO, still or once; else by the screening."""
    from linectl.lab.results import VerdictWord

    words = [each.word for each in _of(result, confirmed) if each.word in {VerdictWord.GO, VerdictWord.SUSPENDED}]
    return words[-1] if words else result.verdict.word


def _of(result: GlueVerdict, confirmed: Sequence[ConfirmationVerdict]) -> list[ConfirmationVerdict]:
    mine = [each for each in confirmed if each.confirmation.glue == result.glue]
    return sorted(mine, key=lambda each: each.confirmation.registered_ns)


def _checked(words: Collection[VerdictWord]) -> int:
    from linectl.lab.results import VerdictWord

    if {VerdictWord.CANDIDATE, VerdictWord.GO} & set(words):
        return 0
    return 11 if {VerdictWord.MORE_BOTTLES, VerdictWord.SUSPENDED} & set(words) else 9

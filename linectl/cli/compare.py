"""`linectl compare`: a new glue against a reference on their common baths, in looks that keep the error."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import glues
from linectl.cli.options import common, runs_argument
from linectl.cli.output import emit, table
from linectl.words import decimal, tr

if TYPE_CHECKING:
    from linectl.lab.comparison import ComparedLook

__all__ = ["command"]


@click.command("compare", help=tr("Compare a new glue with a reference in RUN, in looks: is it faster?"))
@runs_argument
@click.option("--glue", required=True, shell_complete=glues, help=tr("the new glue"))
@click.option("--with", "reference", required=True, help=tr("the glue it is compared with"))
@click.option("--looks", type=click.IntRange(1, 20), default=5, show_default=True, help=tr("looks planned"))
@click.option("--baths", type=click.IntRange(min=1), help=tr("baths planned in all (else those of the run)"))
@click.option("--family", type=click.Choice(["lognormal", "weibull"]), default="lognormal", show_default=True)
@click.option("--tau-glass-s", type=click.FloatRange(min=0), help=tr("glass lag, s (else the run's)"))
@common
def command(
    runs: tuple[str, ...],
    glue: str,
    reference: str,
    looks: int,
    baths: int | None,
    family: str,
    tau_glass_s: float | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Print every look: time ratio, z, its bounds, what it says."""
    from linectl.lab.comparison import compare_glues
    from linectl.server.results.finished import Asked, find_pool
    from linectl.server.results.pooling import pooled_data

    rows, _, glass = pooled_data(find_pool(runs, data), Asked(tau_glass_s=tau_glass_s))
    found = compare_glues(rows, glue, reference, glass=glass, looks=looks, planned_baths=baths, family=family)
    if as_json:
        emit("compare", asdict(found))
        return 0
    heads = [tr("look"), tr("baths"), tr("bottles"), tr("time ratio (95 %)"), "z", tr("bound"), tr("futility"), ""]
    click.echo(table(heads, [_row(number, look) for number, look in enumerate(found.looks, start=1)]))
    click.echo(_says(found.looks[-1], glue, reference))
    return 0


def _row(number: int, look: ComparedLook) -> list[str]:
    from linectl.lab.report.sentences import interval

    ends = ["–", "–", "–", tr("no fit yet")]
    if look.look is not None:
        futile = "–" if look.look.futility is None else decimal(look.look.futility, 2)
        ends = [decimal(look.look.z, 2), decimal(look.look.upper, 2), futile, _word(str(look.look.word))]
    return [str(number), str(look.baths), str(look.bottles), interval(look.ratio, 2), *ends]


def _word(word: str) -> str:
    names = {
        "faster": tr("faster"),
        "futile": tr("stop: hardly to be shown"),
        "go_on": tr("go on"),
        "not_shown": tr("not shown"),
    }
    return names[word]


def _says(last: ComparedLook, glue: str, reference: str) -> str:
    from linectl.lab.report.sentences import reason_sentence

    if last.look is None:
        text = tr("{glue} and {reference} cannot be compared so far: {reason}.")
        return text.format(glue=glue, reference=reference, reason=reason_sentence(last.ratio.reason))
    texts = {
        "faster": tr("{glue} comes off faster than {reference} (5 % error over all looks)."),
        "futile": tr("{glue} will hardly be shown to be faster than {reference}: stop here."),
        "not_shown": tr("{glue} is not shown to be faster than {reference}."),
    }
    text = texts.get(str(last.look.word), tr("{glue} and {reference}: open, soak on."))
    return text.format(glue=glue, reference=reference)

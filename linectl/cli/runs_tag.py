"""`linectl runs tag`: words that people keep with a run, to find it again."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.complete import run_words, runs
from linectl.cli.operator import operator_name
from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("tag", help=tr("Keep WORDs with RUN, to find it again: runs ls --tag WORD; --remove takes them away."))
@click.argument("run", shell_complete=runs)
@click.argument("words", metavar="WORD...", nargs=-1, required=True, shell_complete=run_words)
@click.option("--remove", is_flag=True, help=tr("take them away"))
@click.option("--reason", default="", help=tr("why; kept in the record"))
@common
def command(run: str, words: tuple[str, ...], remove: bool, reason: str, data: Path | None, as_json: bool) -> int:
    """Give words to a run."""
    from linectl.server.results.finished import find_run
    from linectl.server.results.run_words import tag_run

    found = find_run(run, data)
    kept = tag_run(found, words, data, remove=remove, operator=operator_name(), reason=reason)
    if as_json:
        emit("run_tag", {"run": found.run.id, "tags": list(kept)})
    else:
        click.echo(tr("{run}: {words}").format(run=found.run.id, words=", ".join(kept) or tr("no words")))
    return 0

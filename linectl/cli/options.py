"""Options that verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from linectl.cli.complete import runs
from linectl.words import LANGUAGES, tr

__all__ = ["common", "question", "run_argument", "runs_argument"]

F = TypeVar("F", bound=Callable[..., Any])

data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help=tr("folder of the store (else the line's own)")
)
json_option = click.option("--json", "as_json", is_flag=True, help=tr("one JSON object on standard output"))
run_argument = click.argument("run", default="last", shell_complete=runs)
runs_argument = click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=runs)  # none: the last one


def _lang_option(function: F) -> F:
    """Declare --lang, which has acted before click was loaded."""
    return click.option("--lang", type=click.Choice(LANGUAGES), expose_value=False, help=tr("fr or en"))(function)


def common(function: F) -> F:
    """Add --data, --json and --lang to a verb."""
    return data_option(json_option(_lang_option(function)))


def question(function: F) -> F:
    """Add --soak-s and --tau-glass-s, which ask another question than the run's own."""
    soak = click.option("--soak-s", type=click.FloatRange(min=1), help=tr("soak to decide for, s (else the run's)"))
    lag = click.option("--tau-glass-s", type=click.FloatRange(min=0), help=tr("glass lag, s (else the run's)"))
    return soak(lag(function))

"""`linectl experiment`: check an experiment file, print its plan."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.complete import experiments
from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command", "day_option"]

line_option = click.option(
    "--line", "line", type=click.Path(path_type=Path), help=tr("line file (else the experiment's own)")
)
day_option = click.option(
    "--day-h", type=click.FloatRange(min=1, max=24), default=8.0, help=tr("hours of a working day (8)")
)


@click.group("experiment", help=tr("Check an experiment file; print its plan."))
def command() -> None:
    """Hold `check` and `plan`."""


@command.command(
    "check", help=tr("Check FILE: its mistakes as file:line:column, the order of its baths, its warnings.")
)
@click.argument("file", type=click.Path(path_type=Path), shell_complete=experiments)
@line_option
@common
def check(file: Path, line: Path | None, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Load the file and plan it; nothing is started."""
    from linectl.cli.experiment_plan import line_of, make_plan, sentences, warn
    from linectl.config.files import find_file
    from linectl.config.load import load_experiment

    place = find_file(file, folder="experiments")
    experiment = load_experiment(place)
    if line is None and not experiment.line:
        click.echo(tr("{file} names no line: looked at on the simulated one").format(file=file), err=True)
        line = Path("simulated")
    found = make_plan(experiment, line_of(experiment, place, line))
    if found.refusal is not None:
        raise found.refusal
    warn(found)
    if as_json:
        facts = {"file": str(place), "name": experiment.name, "line": found.line.name, "baths": len(found.baths)}
        emit("experiment_check", {**facts, **sentences(found)})
    else:
        text = tr("{file}: a sound experiment, {name}: {baths} baths on {line}")
        values = {"file": place, "name": experiment.name, "baths": len(found.baths), "line": found.line.name}
        click.echo(text.format(**values))
    return 0


@command.command("plan", help=tr("Print the timeline of FILE, bath by bath, its totals and what it can tell."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=experiments)
@line_option
@day_option
@common
def plan(file: Path, line: Path | None, day_h: float, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # the same
    """Print the plan; exit 6 when physics forbids it."""
    from linectl.cli.experiment_plan import line_of, make_plan, show
    from linectl.config.files import find_file
    from linectl.config.load import load_experiment

    place = find_file(file, folder="experiments")
    experiment = load_experiment(place)
    return show(make_plan(experiment, line_of(experiment, place, line)), as_json=as_json, day_h=day_h)

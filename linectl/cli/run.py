"""`linectl run`: an experiment file on the line or on the simulated rig, or an R&D script."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.complete import lines, runnable
from linectl.cli.options import common
from linectl.words import tr

__all__ = ["command", "must_apply", "speed_of"]

_NOT_FOR_SCRIPTS = {"line", "speed", "memory", "dry_run", "answers", "no_input", "sheet", "at", "detach"}
_SIMULATED = {"speed", "memory"}


@click.command("run", help=tr("Run FILE (an experiment, .yaml) or a script (.py) on the line, or simulated."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=runnable)
@click.option("--sim", is_flag=True, help=tr("on the simulated rig, in virtual time unless --speed is given"))
@click.option(
    "--line",
    "line",
    type=click.Path(path_type=Path),
    shell_complete=lines,
    help=tr("line file (else the experiment's own)"),
)
@click.option("--seed", type=int, help=tr("seed of the simulated rig (else the experiment's)"))
@click.option("--speed", default="max", help=tr("with --sim: max, or how many times faster than real time"))
@click.option("--memory", is_flag=True, help=tr("with --sim: without wires, bit for bit the same from the same seed"))
@click.option("--dry-run", is_flag=True, help=tr("check and print the timeline; start nothing"))
@click.option("--answers", type=click.Path(path_type=Path), help=tr("file with answers to the run's questions"))
@click.option("--no-input", is_flag=True, help=tr("nobody is there: refuse to start if a question has no answer"))
@click.option("--sheet", is_flag=True, help=tr("labels are looked at by a person: all positions on one screen"))
@click.option("--at", default="", metavar="TIME", help=tr("start at that time (06:30, 2026-11-24 06:30)"))
@click.option("--detach", is_flag=True, help=tr("hand it in to the line's server, and return at once"))
@click.option("-q", "--quiet", is_flag=True, help=tr("no progress"))
@common
def command(
    file: Path,
    sim: bool,
    line: Path | None,
    seed: int | None,
    speed: str,
    memory: bool,
    dry_run: bool,
    answers: Path | None,
    no_input: bool,
    sheet: bool,
    at: str,
    detach: bool,
    quiet: bool,
    data: Path | None,
    as_json: bool,
) -> int:
    """Run, and end with the run's exit code."""
    must_apply(click.get_current_context(), is_script=file.suffix == ".py", sim=sim)
    if file.suffix == ".py":
        from linectl.server.scripts import run_script

        run_script(file, sim=sim, seed=seed, data=data)
        return 0
    from linectl.cli.run_experiment import Request, carry_out

    request = Request(
        file=file,
        line=line,
        sim=sim,
        seed=seed,
        speed=speed_of(speed),
        memory=memory,
        dry_run=dry_run,
        quiet=quiet or as_json,
        data=data,
        as_json=as_json,
        answers=answers,
        no_input=no_input,
        sheet=sheet,
        at=at,
        detach=detach,
    )
    return carry_out(request)


def must_apply(context: click.Context, *, is_script: bool, sim: bool) -> None:
    """Refuse options that would do nothing: a --dry-run that starts a script all the same does harm.

    Raises:
        click.UsageError: there is one.
    """
    names = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    given = {
        name for name in names if name and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    if is_script and (idle := given & _NOT_FOR_SCRIPTS):
        text = tr("a script opens its own line and asks its own questions: {options} would do nothing")
        raise click.UsageError(text.format(options=", ".join(sorted(str(names[name]) for name in idle))))
    if "detach" in given and (idle := given & {"sim", "sheet"}):
        text = tr("--detach leaves the run to the line's server: {options} cannot go with it")
        raise click.UsageError(text.format(options=", ".join(sorted(str(names[name]) for name in idle))))
    if not sim and (idle := given & _SIMULATED):
        text = tr("{options}: only with --sim")
        raise click.UsageError(text.format(options=", ".join(sorted(str(names[name]) for name in idle))))


def speed_of(text: str) -> float | None:
    """Return the factor that `text` names, None for "max"."""
    if text == "max":
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise click.BadParameter(tr("expected max, or a number above 0 and at most 100"), param_hint="--speed")
    return value

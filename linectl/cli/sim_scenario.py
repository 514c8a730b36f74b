"""`linectl sim scenario`: play a timeline of faults in virtual time, and tell what happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.complete import scenarios
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.server.scenario.play import Happened
    from linectl.server.scenario.witness import Happening

__all__ = ["command"]


@click.command(
    "scenario",
    help=tr("Play the timeline FILE on a simulated line of its own, in virtual time, and tell what happened."),
)
@click.argument("file", type=click.Path(path_type=Path), shell_complete=scenarios)
@click.option("--seed", type=int, help=tr("seed of all that is random (else the file's)"))
@click.option("--wires", is_flag=True, help=tr("on real wires: the same story, but not byte for byte"))
@common
def command(file: Path, seed: int | None, wires: bool, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Play, and tell each happening as it comes."""
    from linectl.cli.output import emit
    from linectl.cli.scenario_text import happening_text, heading_text, summary_text
    from linectl.config.scenario_file import find_scenario, load_scenario
    from linectl.server.logs import quiet_libraries
    from linectl.server.scenario.play import play_in_virtual_time
    from linectl.sim.faults.feasible import check_feasible

    quiet_libraries()
    scenario = load_scenario(find_scenario(file))
    check_feasible(scenario)
    chosen = scenario.seed if seed is None else seed
    again = f"linectl sim scenario {file} --seed {chosen}{' --wires' if wires else ''}"
    if not as_json:
        click.echo(heading_text(scenario, chosen, wires=wires))
    told = play_in_virtual_time(
        scenario, seed=chosen, wires=wires, tell=_nothing if as_json else lambda each: click.echo(happening_text(each))
    )
    if as_json:
        emit("sim_scenario", _as_data(told, again, wires=wires))
    else:
        click.echo(summary_text(told, again))
    return 0


def _nothing(_happening: Happening) -> None:
    """Tell nobody yet."""


def _as_data(told: Happened, again: str, *, wires: bool) -> dict[str, Any]:
    scenario = told.scenario
    return {
        "scenario": scenario.name,
        "file_hash": scenario.file_hash,
        "line": scenario.line,
        "seed": told.seed,
        "wires": wires,
        "duration_s": scenario.duration_s,
        "again": again,
        "happened": [{"t_s": each.t_s, "what": each.what, **each.data} for each in told.happenings],
        "unshown": told.unshown,
        "state": told.end.plc_state,
        "alarms": list(told.end.alarms),
        "counts": dict(told.end.counts),
    }

"""`linectl sim stop`: end the simulated line that is up, as Ctrl+C in its terminal would."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.options import common
from linectl.cli.sim_options import which
from linectl.words import tr

__all__ = ["command"]


@click.command("stop", help=tr("End the simulated line that is up."))
@which
@common
def command(which: str, data: Path | None, as_json: bool) -> int:
    """Ask it to end; it takes its wires and its file away."""
    from linectl.cli.output import emit
    from linectl.server.simulation.client import connect_to_sim

    with connect_to_sim(data, which) as sim:
        sim.call("stop")
        endpoint = sim.endpoint
    if as_json:
        emit("sim_stop", {"line": endpoint.line, "pid": endpoint.pid})
    else:
        click.echo(tr("{line} (process {pid}) ends").format(line=endpoint.line, pid=endpoint.pid))
    return 0

"""`linectl doctor`: what is wrong with a line, its wires and this computer, and what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import lines
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.errors import ConfigError
    from linectl.model.lines import LineDefinition
    from linectl.server.doctor.examine import Diagnosis

__all__ = ["command"]


@click.command(
    "doctor", help=tr("Look at LINE (else at this computer alone): links, rights, ports, clock, store, every tag.")
)
@click.argument("line", type=click.Path(path_type=Path), required=False, shell_complete=lines)
@click.option("--sim", is_flag=True, help=tr("on a simulated rig of its own: no equipment is touched"))
@click.option("--seed", type=int, default=1, help=tr("with --sim: seed of the rig"))
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 3600), default=5.0, help=tr("how long topics are listened to, s (5)")
)
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    help=tr("write all that helps to find a fault into this zip, without passwords and tokens"),
)
@common
def command(
    line: Path | None,
    sim: bool,
    seed: int,
    wait_s: float,
    bundle: Path | None,
    data: Path | None,
    as_json: bool,
) -> int:
    """Look, tell, and end with 0, or with the first cause's code: 3 a file, 4 a wire, 5 a device, 6 a holder."""
    from linectl.cli.doctor_text import as_data, as_text
    from linectl.cli.output import emit
    from linectl.server.doctor.finding import exit_code
    from linectl.server.logs import quiet_libraries

    if sim and line is None:
        raise click.UsageError(tr("--sim needs a line: linectl doctor simulated --sim"))
    quiet_libraries()
    if bundle is not None:
        from linectl.server.doctor.bundle import must_be_new

        must_be_new(bundle)
    file, definition = _find(line)
    found = _look(definition, sim, seed, wait_s, data)
    if bundle is not None:
        _write(bundle, found, file, definition, data)
    if as_json:
        emit("doctor", as_data(found) | ({"bundle": str(bundle)} if bundle else {}))
    else:
        click.echo(as_text(found))
    return exit_code(found.findings)


def _find(line: Path | None) -> tuple[Path | None, LineDefinition | ConfigError | None]:
    """Return the line's file, as far as it is there, and what it says or why it cannot be used."""
    from linectl.config.files import find_file
    from linectl.config.load import load_line
    from linectl.errors import ConfigError

    if line is None:
        return None, None
    file = None
    try:
        file = find_file(line, folder="config")
        return file, load_line(file)
    except ConfigError as error:
        return file, error


def _look(
    definition: LineDefinition | ConfigError | None, sim: bool, seed: int, wait_s: float, data: Path | None
) -> Diagnosis:
    from linectl.errors import ConfigError
    from linectl.server.commissioning import site
    from linectl.server.doctor.examine import examine, examine_computer, wrong_file
    from linectl.server.places import store_path

    if definition is None:
        return examine_computer(store_path(None, data))
    if isinstance(definition, ConfigError):
        return wrong_file(definition, store_path(None, data))

    async def work() -> Diagnosis:
        async with site(definition, sim=sim, data=data, seed=seed) as at:
            return await examine(at, wait_s=wait_s)

    return asyncio.run(work())


def _write(
    bundle: Path,
    found: Diagnosis,
    file: Path | None,
    definition: LineDefinition | ConfigError | None,
    data: Path | None,
) -> None:
    from linectl.cli.doctor_text import as_data, as_text
    from linectl.errors import ConfigError
    from linectl.server.doctor.bundle import collect, known_secrets, write
    from linectl.server.doctor.redact import Redactor

    line = None if isinstance(definition, ConfigError) else definition
    made = collect(file, line, data)
    made.files |= {"doctor.json": as_data(found), "doctor.txt": as_text(found)}
    names = write(bundle, made, Redactor(known_secrets(line, data)))
    text = tr("{file} holds {names}; passwords and tokens are blotted out: look through it before you send it")
    click.echo(text.format(file=bundle, names=", ".join(names)), err=True)

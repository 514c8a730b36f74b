"""`linectl config`: check a file of any kind; the JSON Schema of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import click

from linectl.cli.complete import any_file
from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["KINDS", "command"]


KINDS = ("line", "device", "experiment", "calibration", "answers", "scenario", "washer", "recipe", "economics")
"""As in `linectl.config.json_schema`, which help must not load."""


@click.group("config", help=tr("Check a file of any kind; print the JSON Schema of a kind."))
def command() -> None:
    """Hold the verbs."""


@command.command("check", help=tr("Check FILE; every mistake is named as file:line:column."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=any_file)
@common
def check(file: Path, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Load the file, and say what it is."""
    from linectl.config.load import load_any
    from linectl.model.faults import Scenario

    loaded = load_any(file)
    if isinstance(loaded, Scenario):
        from linectl.sim.faults.feasible import check_feasible

        check_feasible(loaded)
    kind = type(loaded).__name__.replace("Definition", "").lower()
    if as_json:
        emit("config_check", {"file": str(file), "kind": kind, "name": loaded.name})
    else:
        click.echo(tr("{file}: a sound {kind}, {name}").format(file=file, kind=kind, name=loaded.name))
        for note in getattr(loaded, "unverified", ()):
            click.echo(tr("  not verified: {note}").format(note=note))
    return 0


@command.command("schema", help=tr("Print the JSON Schema of files of KIND, for editors that know YAML."))
@click.argument("kind", type=click.Choice(KINDS))
@common
def schema(kind: str, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Print the schema as it is, to be kept as a file; with --json in the envelope."""
    from linectl.config.json_schema import json_schema

    found = json_schema(kind)
    if as_json:
        emit("config_schema", {"kind": kind, "schema": found})
    else:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    return 0

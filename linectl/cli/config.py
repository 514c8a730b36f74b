"""`linectl config`: check, show, compare, edit and migrate files of any kind; test interlocks; print JSON Schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from linectl.cli import config_diff, config_edit, config_migrate, config_test
from linectl.cli.complete import any_file
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.config.shown import Shown, ShownFile

__all__ = ["KINDS", "command"]


KINDS = (
    "line",
    "device",
    "experiment",
    "calibration",
    "answers",
    "scenario",
    "washer",
    "recipe",
    "economics",
    "interlocks",
    "alarms",
)
"""As in `linectl.config.json_schema`, which help must not load."""


@click.group(
    "config",
    help=tr("Check, show, compare, edit and migrate files of any kind; test interlocks; print JSON Schemas."),
)
def command() -> None:
    """Hold the verbs."""


command.add_command(config_test.command)
command.add_command(config_diff.command)
command.add_command(config_edit.command)
command.add_command(config_migrate.command)


@command.command("check", help=tr("Check FILE; every mistake is named as file:line:column."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=any_file)
@common
def check(file: Path, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Load the file, and say what it is."""
    from linectl.cli.config_checked import checked, told
    from linectl.config.files import find_any

    loaded = checked(find_any(file))
    if as_json:
        emit("config_check", {"file": str(file), "kind": loaded.kind, "name": loaded.name})
    else:
        click.echo(told(loaded, file))
    return 0


@command.command("show", help=tr("Show FILE as it is used: defaults and instruments written out."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=any_file)
@click.option("--with-source", is_flag=True, help=tr("value by value, each with the file:line:column that says it"))
@common
def show(file: Path, with_source: bool, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Print the whole, for people: a line with instruments is no file to be read back (`sim up --write-config` is)."""
    from linectl.config.dump import plain_text
    from linectl.config.files import find_any, read_source
    from linectl.config.nodes import where
    from linectl.config.shown import show_text

    found = show_text(read_source(find_any(file)))
    if as_json:
        emit("config_show", _shown_as_data(found, with_source=with_source))
    elif with_source:
        rows = [[where(each.loc), json.dumps(each.value, ensure_ascii=False), _source(each)] for each in found.values]
        click.echo(table([tr("key"), tr("value"), tr("source")], rows))
    else:
        click.echo(plain_text(found.data), nl=False)
    return 0


def _source(shown: Shown) -> str:
    return f"{shown.file}:{shown.line}:{shown.column}" if shown.file else tr("default")


def _shown_as_data(found: ShownFile, *, with_source: bool) -> dict[str, Any]:
    data = {"file": found.file, "kind": found.kind, found.kind: found.data}
    if not with_source:
        return data
    places = [
        {
            "path": list(each.loc),
            "value": each.value,
            "source": {"file": each.file, "line": each.line, "column": each.column} if each.file else None,
        }
        for each in found.values
    ]
    return {**data, "values": places}


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

"""`linectl secrets`: passwords and keys kept outside every file: taken in unseen, listed by name, never shown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import lines
from linectl.cli.list_first import ListFirst
from linectl.cli.options import common
from linectl.cli.output import emit, table
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.config.named_secrets import Found
    from linectl.model.lines import LineDefinition

__all__ = ["command"]

_LONGEST = 8192  # characters taken from standard input


@click.group("secrets", cls=ListFirst, help=tr("Keep passwords and keys outside every file; they are never shown."))
def command() -> None:
    """Hold the verbs."""


@command.command("set", help=tr("Keep the secret NAME: asked for unseen, or read from standard input."))
@click.argument("name")
@common
def keep(name: str, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Write it into a file of the user's own that nobody else may read."""
    from linectl.config.named_secrets import Where, is_name, places_of
    from linectl.config.named_secrets import keep as put

    if not is_name(name):
        text = tr("`{name}` is no name of a secret: small letters, digits and _, a letter first")
        raise click.BadParameter(text.format(name=name[:40]))
    file = put(name, _value(name))
    before = [each for each in places_of(name) if each.where is Where.CREDENTIALS]
    if as_json:
        emit("secrets_set", {"name": name, "file": str(file), "hidden_by": before[0].at if before else None})
        return 0
    click.echo(
        tr("{name} is kept in {file}; a line names it by `password_secret: {name}`").format(name=name, file=file)
    )
    if before:
        click.echo(tr("but {place} has it too, and counts first").format(place=before[0].at), err=True)
    return 0


def _value(name: str) -> str:
    """Return what is typed unseen, twice the same; without a terminal the one line on standard input."""
    from linectl.errors import ConfigError

    if sys.stdin.isatty():
        text: str = click.prompt(
            tr("Value of {name} (not shown)").format(name=name),
            hide_input=True,
            confirmation_prompt=tr("Once more"),
            err=True,
        )
        return text
    try:
        said = sys.stdin.read(_LONGEST)
    except UnicodeDecodeError as error:
        raise ConfigError(tr("a secret is one line of text, and not empty"), code="E-SEC-001") from error
    return said.removesuffix("\n").removesuffix("\r")


@command.command("ls", help=tr("List secrets by name: where each is kept, and what of LINE needs it."))
@click.argument("line", type=click.Path(path_type=Path), required=False, shell_complete=lines)
@common
def ls(line: Path | None, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """List every name that is kept anywhere, or that the line needs; no value is read aloud."""
    needed = {} if line is None else _needed(_line(line))
    rows = _rows(needed)
    if as_json:
        emit("secrets", [_as_data(name, places, needed) for name, places in rows.items()])
        return 0
    found = [
        [name, places[0].at if places else "-", _state(places), ", ".join(needed.get(name, ())) or "-"]
        for name, places in rows.items()
    ]
    click.echo(table([tr("secret"), tr("kept in"), tr("state"), tr("needed by")], found))
    return 0


@command.command("check", help=tr("Check that what LINE needs can be used; without LINE, all that is kept."))
@click.argument("line", type=click.Path(path_type=Path), required=False, shell_complete=lines)
@common
def check(line: Path | None, data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Look each of them up as the line would; what is missing or open to others is told with its place."""
    from linectl.config.named_secrets import known
    from linectl.config.secrets import with_secrets
    from linectl.errors import ConfigError

    if line is not None:
        definition = _line(line)
        with_secrets(definition)
        count = len([each for each in definition.secrets.values() if each.name or each.file or each.env])
    else:
        wrong = [each.trouble for places in known().values() for each in places if each.trouble]
        if wrong:
            raise ConfigError("\n".join(wrong), code="E-SEC-001")
        count = len(known())
    if as_json:
        emit("secrets_check", {"line": str(line) if line else None, "secrets": count})
    else:
        click.echo(tr("{n} looked up: each can be used, and none is open to others").format(n=count))
    return 0


def _line(line: Path) -> LineDefinition:
    from linectl.config.files import find_file
    from linectl.config.load import load_line

    return load_line(find_file(line, folder="config"))


def _needed(definition: LineDefinition) -> dict[str, list[str]]:
    """Return the links that need each named secret."""
    found: dict[str, list[str]] = {}
    for link, secret in definition.secrets.items():
        if secret.name:
            found.setdefault(secret.name, []).append(f"links.{link}")
    return found


def _rows(needed: dict[str, list[str]]) -> dict[str, list[Found]]:
    from linectl.config.named_secrets import known

    kept = known()
    return {name: kept.get(name, []) for name in sorted({*kept, *needed})}


def _state(places: list[Found]) -> str:
    if not places:
        return tr("MISSING")
    if places[0].trouble:
        return places[0].trouble
    return (
        tr("ok") if len(places) == 1 else tr("ok; also in {places}").format(places=", ".join(p.at for p in places[1:]))
    )


def _as_data(name: str, places: list[Found], needed: dict[str, list[str]]) -> dict[str, object]:
    kept = [{"where": each.where, "at": each.at, "trouble": each.trouble or None} for each in places]
    return {"name": name, "kept": kept, "needed_by": needed.get(name, [])}

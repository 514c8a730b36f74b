"""The table by which TAB is answered without click: each verb that was completed once, as click tells of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from linectl.cli.complete import Completer
from linectl.cli.tab import stamp, table_file

__all__ = ["learn"]


def learn(group: click.Group, args: list[str]) -> None:
    """Keep what click tells of the verbs that `args` begin with; a cache that cannot be written is left."""
    file = Path(table_file())
    table = _before(file)
    found = {path: node for path, command in _on_the_way(group, args) if (node := _told(command)) is not None}
    table["commands"] |= found
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(table, ensure_ascii=False), encoding="utf-8")
        part.replace(file)


def _before(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        table: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if table["stamp"] == stamp() and isinstance(table["commands"], dict):
            return table
    return {"stamp": stamp(), "commands": {}}


def _on_the_way(group: click.Group, args: list[str]) -> Iterator[tuple[str, click.Command]]:
    """Yield the group, and each verb that is named one after the other, by its path."""
    path = ""
    command: click.Command | None = group
    for word in [*args, ""]:
        if command is None:
            return
        yield path, command
        if not isinstance(command, click.Group):
            return
        command, path = command.get_command(click.Context(command), word), f"{path} {word}".strip()


def _told(command: click.Command) -> dict[str, Any] | None:
    """Return all that TAB needs of a command; None: it is one of a kind of its own."""
    context = click.Context(command)
    params = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    is_group = isinstance(command, click.Group)
    if context.ignore_unknown_options or (context.allow_extra_args and not is_group):
        return None
    if is_group and type(command).__name__ not in {"Group", "LazyGroup", "ListFirst"}:
        return None
    options = [each for each in params if isinstance(each, click.Option)]
    arguments = [each for each in params if isinstance(each, click.Argument)]
    return {
        "verbs": _verbs(command, context),
        "options": [_option(each) for each in options],
        "arguments": [{"name": each.name, "many": each.nargs == -1, **_how(each)} for each in arguments],
    }


def _verbs(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    if not isinstance(command, click.Group):
        return []
    return [(each.value, each.help or "") for each in command.shell_complete(context, "")]


def _option(option: click.Option) -> dict[str, Any]:
    takes = not (option.is_flag or option.count)
    words = [*option.opts, *option.secondary_opts]
    told = {"name": option.name, "words": words, "takes": takes, "many": option.multiple, "help": option.help or ""}
    return {**told, **(_how(option) if takes else {"how": ""})}


def _how(param: click.Parameter) -> dict[str, Any]:
    """Return how the values of a parameter are completed; `click`: only click knows."""
    own = param._custom_shell_complete  # noqa: SLF001  # click keeps it under no other name
    kind = param.type
    if param.nargs > 1:
        return {"how": "click"}
    if own is not None:
        return {"how": "names", "kind": own.kind} if isinstance(own, Completer) else {"how": "click"}
    if isinstance(kind, click.Choice):
        return {"how": "choice", "choices": [str(each) for each in kind.choices]}
    if isinstance(kind, click.Path):
        return {"how": "dir" if kind.dir_okay and not kind.file_okay else "file"}
    plain = type(kind).shell_complete is click.ParamType.shell_complete
    return {"how": "" if plain else "click"}

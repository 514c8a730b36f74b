"""Asking whoever serves the line: what the verbs share that are clients of the local API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from linectl.cli.complete import served_lines
from linectl.cli.operator import operator_name
from linectl.cli.options import common
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.server.api.client import Caller

__all__ = ["asking", "line_name", "of_line"]

F = TypeVar("F", bound=Callable[..., Any])


def of_line(function: F) -> F:
    """Add --line, --data, --json and --lang to a verb that asks a served line."""
    option = click.option(
        "--line",
        default="",
        metavar="NAME",
        shell_complete=served_lines,
        help=tr("which line, where several are served"),
    )
    return option(common(function))


def line_name(line: str) -> str:
    """Return the name of a line that was given by its name or its file."""
    return Path(line).stem if line.endswith((".yaml", ".yml")) else line


def asking(data: Path | None, line: str = "") -> Caller:
    """Return a connection to whoever serves `line`, for a `with` block.

    Raises:
        Unreachable: nobody does.
        Refused: several lines are served, and none was named.
    """
    from linectl.server.finding import connect

    return connect(data, line_name(line), operator=operator_name())

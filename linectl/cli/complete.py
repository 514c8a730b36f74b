"""What a shell completes at TAB, for click: each parameter says by one of these which names it takes."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from linectl.cli.names import named

__all__ = [
    "Completer",
    "alarms",
    "any_file",
    "codes",
    "experiments",
    "fault_kinds",
    "glues",
    "lines",
    "lots",
    "recipes",
    "run_words",
    "runnable",
    "runs",
    "scenarios",
    "served_lines",
    "served_tags",
    "stored_tags",
    "tags",
]


class Completer:
    """Completes with the names of one `kind` (see `linectl.cli.names`)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Return the names that begin as `incomplete`."""
        found = named(self.kind, ctx.params, param.name or "", incomplete)
        return [CompletionItem(word, type=how, help=told or None) for how, word, told in found]


alarms = Completer("alarms")
any_file = Completer("any_file")
codes = Completer("codes")
experiments = Completer("experiments")
fault_kinds = Completer("fault_kinds")
glues = Completer("glues")
lines = Completer("lines")
lots = Completer("lots")
recipes = Completer("recipes")
run_words = Completer("run_words")
runnable = Completer("runnable")
runs = Completer("runs")
scenarios = Completer("scenarios")
served_lines = Completer("served_lines")
served_tags = Completer("served_tags")
stored_tags = Completer("stored_tags")
tags = Completer("tags")

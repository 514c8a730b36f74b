"""`linectl config migrate`: files of an earlier linectl, brought to this one's form."""

from __future__ import annotations

from pathlib import Path

import click

from linectl.cli.complete import any_file
from linectl.cli.options import common
from linectl.cli.output import emit
from linectl.words import tr

__all__ = ["command"]


@click.command("migrate", help=tr("Bring each FILE of an earlier linectl to the form of this one."))
@click.argument(
    "files", metavar="FILE...", type=click.Path(path_type=Path), nargs=-1, required=True, shell_complete=any_file
)
@common
def command(files: tuple[Path, ...], data: Path | None, as_json: bool) -> int:  # noqa: ARG001  # --data is common to all verbs
    """Check each file, and say that it is in the form of this linectl: there has been no other form so far.

    A file is rewritten only when a form changes; a sound file has none to change, an unsound one is told as `check`
    tells it.
    """
    from linectl.cli.config_checked import checked
    from linectl.config.files import find_any

    found = [(path, checked(path)) for path in map(find_any, files)]
    if as_json:
        emit("config_migrate", [{"file": str(path), "kind": each.kind, "changed": False} for path, each in found])
    else:
        for path, each in found:
            click.echo(
                tr("{file}: {kind}, in the form of this linectl; nothing to change").format(file=path, kind=each.kind)
            )
    return 0

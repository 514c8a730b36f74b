"""`linectl config edit`: change a file in an editor; what is wrong never takes the place of what works."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from linectl.cli.complete import any_file
from linectl.cli.options import common
from linectl.cli.output import complaint, emit
from linectl.cli.questions import agreed, must_be_somebody
from linectl.errors import ConfigError, NotConfirmed, Refused
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.cli.config_checked import Checked
    from linectl.config.drafts import Draft

__all__ = ["command"]

_TAKEN_AT_START = ("line", "device", "calibration", "interlocks", "alarms")
_USUAL = ("nano", "vim", "vi", "notepad")


@click.command("edit", help=tr("Change FILE in your editor ($VISUAL, $EDITOR); checked before it takes effect."))
@click.argument("file", type=click.Path(path_type=Path), shell_complete=any_file)
@common
def command(file: Path, data: Path | None, as_json: bool) -> int:
    """Edit a draft beside the file until it is sound, then put it in the file's place; the previous one is kept."""
    from linectl.config.drafts import begin
    from linectl.config.files import find_any

    must_be_somebody(tr("edit the file itself, then: linectl config check {file}").format(file=file))
    editor = _editor()
    draft = begin(find_any(file))
    if draft.found:
        _ask_about(draft)
    found = _edited(draft, editor)
    if found is None:
        draft.drop()
        _tell(draft, None, None, as_json=as_json)
        return 0
    kept = draft.accept()
    _tell(draft, found, kept, as_json=as_json)
    if found.kind in _TAKEN_AT_START:
        _tell_of_server(data)
    return 0


def _ask_about(draft: Draft) -> None:
    """Ask whether a draft that an earlier edit left is to be gone on with, else begin anew."""
    overtaken = draft.of.stat().st_mtime_ns > draft.path.stat().st_mtime_ns
    if overtaken:
        text = tr("{draft} is left from an earlier edit, and {file} was changed after it. Go on with that draft?")
    else:
        text = tr("{draft} is left from an earlier edit. Go on with it?")
    if not agreed(text.format(draft=draft.path, file=draft.of), default=not overtaken):
        draft.anew()


def _edited(draft: Draft, editor: list[str]) -> Checked | None:
    """Return what the draft is once it is sound, None when nothing was changed.

    Raises:
        ConfigError: it has mistakes, and the person does not go on; the draft is kept.
        NotConfirmed: the editor failed, or the terminal was closed; the draft is kept.
    """
    from linectl.cli.config_checked import checked

    while True:
        ended = _run([*editor, str(draft.path)])
        if ended:
            raise NotConfirmed(
                tr("{editor} ended with {code}: {file} is as it was").format(
                    editor=editor[0], code=ended, file=draft.of
                ),
                hint=_kept(draft),
            )
        if not draft.changed:
            return None
        try:
            found = checked(draft.path)
            return replace(found, name=draft.of.stem) if found.name == draft.path.stem else found
        except ConfigError as error:
            click.echo(complaint(error), err=True)
            if not agreed(tr("Edit again?"), default=True):
                text = tr("{file} is as it was: the draft has mistakes").format(file=draft.of)
                raise ConfigError(text, hint=_kept(draft)) from error


def _kept(draft: Draft) -> str:
    text = tr("the draft is kept in {draft}; go on with: linectl config edit {file}")
    return text.format(draft=draft.path, file=draft.of)


def _editor() -> list[str]:
    """Return the command of the person's editor.

    Raises:
        Refused: none is set, and none of the usual ones is installed.
    """
    for name in ("VISUAL", "EDITOR"):
        words = shlex.split(os.environ.get(name, ""), posix=os.name == "posix")
        if words:
            return words
    usual = next((found for name in _USUAL if (found := shutil.which(name))), None)
    if usual is None:
        raise Refused(tr("no editor is known"), hint=tr("name yours: export EDITOR=nano"))
    return [usual]


def _run(words: list[str]) -> int:
    """Return what the editor ended with; Ctrl+C is the editor's while it is open.

    Raises:
        Refused: it cannot be started.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(words, check=False, stdout=sys.stderr).returncode  # noqa: S603  # the person's own choice
    except OSError as error:
        raise Refused(
            tr("{editor} cannot be started: {why}").format(editor=words[0], why=error.strerror or error),
            hint=tr("name yours: export EDITOR=nano"),
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(draft: Draft, found: Checked | None, kept: Path | None, *, as_json: bool) -> None:
    from linectl.cli.config_checked import told

    if as_json:
        emit("config_edit", {"file": str(draft.of), "changed": found is not None, "kept": str(kept) if kept else None})
    elif found is None:
        click.echo(tr("{file}: nothing was changed").format(file=draft.of))
    else:
        click.echo(told(found, draft.of))
        click.echo(tr("  the previous one is kept in {file}").format(file=kept))


def _tell_of_server(data: Path | None) -> None:
    """Say that a server which runs has read its files when it began."""
    from linectl.server.finding import find_if_up

    try:
        up = find_if_up(data)
    except Refused:  # several
        served = True
    else:
        served = up is not None
    if served:
        click.echo(tr("a line is being served with its files as they were: start its server again"), err=True)

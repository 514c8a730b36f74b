"""The `linectl` command: verbs loaded when they are called, and one place that maps errors to exit codes."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.cli.flags import after_verb, chosen_language, wants_json
from linectl.errors import LinectlError, NotConfirmed, WrongUse
from linectl.words import tr

if TYPE_CHECKING:
    from click import ClickException

__all__ = ["run"]

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # their errors name no file when it was open already


def run(argv: list[str]) -> int:
    """Run the command line on `argv` (without the program's name) and return its exit code."""
    with ExitStack() as nowhere:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed by whoever started us (`>&-`): what is written goes nowhere
                setattr(sys, name, nowhere.enter_context(Path(os.devnull).open("w", encoding="utf-8")))
        return _run(argv)


def _run(argv: list[str]) -> int:
    argv = after_verb(argv)
    as_json = wants_json(argv)
    try:
        return _called(chosen_language(argv), as_json=as_json)
    except LinectlError as error:
        return _tell(error, as_json=as_json)
    except KeyboardInterrupt:  # while the verb was still being loaded
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more: the interpreter must not complain at exit
        return 0
    except OSError as error:
        if error.filename is None and error.errno not in _DISK:
            raise
        return _tell(_unwritten(error), as_json=as_json)


def _called(argv: list[str], *, as_json: bool) -> int:
    if argv in (["--version"], ["--json", "--version"]):
        return _version(as_json=as_json)
    if as_json and argv[:1] == ["status"]:
        from linectl.cli.status_json import answered_at_once

        code = answered_at_once(argv)
        if code is not None:
            return code
    return _dispatch(argv, as_json=as_json)


def _unwritten(error: OSError) -> LinectlError:
    """Return what is told of a file that could not be read or written, where nothing nearer to it knew better."""
    from linectl.errors import StoreError

    return StoreError(
        f"{error.filename}: {error.strerror}" if error.filename is not None else str(error.strerror),
        hint=tr("is there room left, and may you write there? name another place, or free some space"),
    )


def _version(*, as_json: bool) -> int:
    from linectl.cli.version import installed

    if as_json:
        from linectl.cli.output import emit

        emit("version", {"version": installed()})
    else:
        sys.stdout.write(f"linectl {installed()}\n")
    sys.stdout.flush()
    return 0


def _dispatch(argv: list[str], *, as_json: bool) -> int:
    import click

    group = import_module("linectl.cli.verbs").group
    if "_LINECTL_COMPLETE" in os.environ:  # a shell asks for words: group.main answers
        import_module("linectl.cli.completion").prepare(after_verb)
    try:
        result = group.main(args=argv, prog_name="linectl", standalone_mode=False)
    except click.exceptions.Abort as abort:
        if not isinstance(abort.__cause__, EOFError):
            return 130
        raise NotConfirmed(
            tr("nobody answered: the terminal was closed"), hint=tr("answer at a terminal, or say it by an option")
        ) from abort
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the help
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _tell_wrong_use(error, as_json=as_json)
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _tell_wrong_use(error: ClickException, *, as_json: bool) -> int:
    """Tell what click did not understand, with the usage of the verb; a machine gets it as any other error."""
    from linectl.cli.output import envelope, explained_by

    ours = WrongUse(error.format_message())
    if as_json:
        sys.stdout.write(envelope("error", None, ours) + "\n")
    error.show()
    sys.stderr.write(explained_by(ours.code) + "\n")
    return ours.exit_code


def _tell(error: LinectlError, *, as_json: bool) -> int:
    from linectl.cli.output import columns_of, complaint, envelope

    if as_json:
        sys.stdout.write(envelope("error", None, error) + "\n")
    sys.stderr.write(complaint(error, columns_of(sys.stderr)) + "\n")
    return error.exit_code

"""The `linectl` command: verbs loaded when they are called, and one place that maps errors to exit codes."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from linectl import words
from linectl.errors import LinectlError

__all__ = ["run"]

_VALUE_FLAGS = ("--data", "--line", "--lang")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # their errors name no file when it was open already
_BARE_FLAGS = ("--json", "--sim", "-q", "--quiet", "--dry-run")


def run(argv: list[str]) -> int:
    """Run the command line on `argv` (without the program's name) and return its exit code."""
    with ExitStack() as nowhere:
        for name in ("stdout", "stderr"):
            if getattr(sys, name) is None:  # closed by whoever started us (`>&-`): what is written goes nowhere
                setattr(sys, name, nowhere.enter_context(Path(os.devnull).open("w", encoding="utf-8")))
        return _run(argv)


def _run(argv: list[str]) -> int:
    if argv == ["--version"]:
        return _version()
    argv = _flags_after_verb(argv)
    try:
        return _dispatch(_choose_language(argv))
    except LinectlError as error:
        return _tell(error, as_json="--json" in argv)
    except KeyboardInterrupt:  # while the verb was still being loaded
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more: the interpreter must not complain at exit
        return 0
    except OSError as error:
        if error.filename is None and error.errno not in _DISK:
            raise
        return _tell(_unwritten(error), as_json="--json" in argv)


def _unwritten(error: OSError) -> LinectlError:
    """Return what is told of a file that could not be read or written, where nothing nearer to it knew better."""
    from linectl.errors import StoreError
    from linectl.words import tr

    return StoreError(
        f"{error.filename}: {error.strerror}" if error.filename is not None else str(error.strerror),
        hint=tr("is there room left, and may you write there? name another place, or free some space"),
    )


def _version() -> int:
    from importlib.metadata import version

    sys.stdout.write(f"linectl {version('linectl')}\n")
    return 0


def _flags_after_verb(argv: list[str]) -> list[str]:
    """Move global flags given before the verb behind it, where each verb declares them."""
    early: list[str] = []
    rest = list(argv)
    while rest and rest[0].startswith("-"):
        name = rest[0].split("=", 1)[0]
        if name in _VALUE_FLAGS:
            taken = 1 if "=" in rest[0] else 2
        elif name in _BARE_FLAGS:
            taken = 1
        else:
            break
        early += rest[:taken]
        rest = rest[taken:]
    return rest + early


def _choose_language(argv: list[str]) -> list[str]:
    """Speak the language of --lang before click is imported; return `argv` without it (a wrong one stays)."""
    rest: list[str] = []
    lang, left = words.language(), list(argv)
    while left:
        word = left.pop(0)
        value = word.removeprefix("--lang=") if word.startswith("--lang=") else left[0] if left else ""
        if word.split("=")[0] != "--lang" or value not in words.LANGUAGES:
            rest.append(word)
            continue
        lang = value
        if word == "--lang":
            left.pop(0)
    words.use(lang)
    return rest


def _dispatch(argv: list[str]) -> int:
    import click

    group = import_module("linectl.cli.verbs").group
    if "_LINECTL_COMPLETE" in os.environ:  # a shell asks for words: group.main answers
        import_module("linectl.cli.completion").prepare(_flags_after_verb)
    try:
        result = group.main(args=argv, prog_name="linectl", standalone_mode=False)
    except click.exceptions.Abort as abort:
        return 7 if isinstance(abort.__cause__, EOFError) else 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _tell(error: LinectlError, *, as_json: bool) -> int:
    from linectl.cli.output import complaint, envelope

    if as_json:
        sys.stdout.write(envelope("error", None, error) + "\n")
    sys.stderr.write(complaint(error) + "\n")
    return error.exit_code

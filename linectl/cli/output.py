"""What every verb prints alike: the JSON envelope and plain tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from linectl.errors import LinectlError
from linectl.words import tr

__all__ = ["columns_of", "complaint", "emit", "envelope", "explained_by", "table"]


_INDENT = " " * 9


def envelope(schema: str, data: Any, error: LinectlError | None = None) -> str:
    """Return the one-line JSON object that `--json` prints: schema, ok, data, error.

    The error's `docs` is the command that explains its code.
    """
    problem = None
    if error is not None:
        problem = {"code": error.code, "message": error.message, "hint": error.hint, "docs": _docs(error.code)}
    body = {"schema": f"linectl.{schema}/1", "ok": error is None, "data": data, "error": problem}
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def complaint(error: LinectlError, columns: int = 0) -> str:
    """Return what is told of `error` on standard error: the message, what to do, and the command that explains it.

    Lines longer than `columns` break between words; with 0 none does.
    """
    rest = [line for line in (*error.hint.splitlines(), explained_by(error.code)) if line]
    lines = [*f"linectl: {error.message}".splitlines(), *(f"{_INDENT}{line}" for line in rest)]
    return "\n".join(broken for line in lines for broken in _broken(line, columns))


def _broken(line: str, columns: int) -> list[str]:
    if not columns or len(line) <= columns:
        return [line]
    import textwrap  # what answers a program never breaks a line

    return textwrap.wrap(
        line, columns, subsequent_indent=_INDENT, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def columns_of(stream: TextIO) -> int:
    """Return how wide the terminal behind `stream` is; 0 when it is none: what reads it wants whole lines."""
    if not stream.isatty():
        return 0
    import shutil

    return shutil.get_terminal_size().columns


def explained_by(code: str) -> str:
    """Return the line that says how to learn more of an error's `code`."""
    return tr("more: {command}").format(command=_docs(code))


def _docs(code: str) -> str:
    return f"linectl explain {code}"


def emit(schema: str, data: Any) -> None:
    """Print `data` in its envelope."""
    sys.stdout.write(envelope(schema, data) + "\n")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under their headings: aligned on a terminal, tab-separated in a pipe; nothing moves a cursor."""
    from linectl.tui.styled import printable

    lines = [[printable(cell) for cell in line] for line in (headings, *rows)]
    if not sys.stdout.isatty():
        return "\n".join("\t".join(line) for line in lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )

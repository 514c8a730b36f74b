"""What every verb prints alike: the JSON envelope and plain tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from linectl.errors import LinectlError

__all__ = ["emit", "envelope", "table"]


def envelope(schema: str, data: Any, error: LinectlError | None = None) -> str:
    """Return the one-line JSON object that `--json` prints: schema, ok, data, error."""
    problem = None
    if error is not None:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
    body = {"schema": f"linectl.{schema}/1", "ok": error is None, "data": data, "error": problem}
    return json.dumps(body, ensure_ascii=False, allow_nan=False)


def emit(schema: str, data: Any) -> None:
    """Print `data` in its envelope."""
    sys.stdout.write(envelope(schema, data) + "\n")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under their headings: aligned on a terminal, tab-separated in a pipe."""
    lines = [list(headings), *map(list, rows)]
    if not sys.stdout.isatty():
        return "\n".join("\t".join(line) for line in lines)
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )

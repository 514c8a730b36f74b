"""The report's building blocks: escaped tables, notes, folded parts, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from statistics import median

from linectl.units import NS_PER_S
from linectl.words import decimal, tr

__all__ = ["details", "elapsed", "heading", "minutes", "note", "percent", "seconds", "spread", "stamp", "table"]

_EPOCH = datetime.fromtimestamp(0, UTC)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, css: str = "") -> str:
    """Return a table; heads and cells are plain text. Without `heads` the first cell of each row names it."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    kind = css or ("" if heads else "facts")
    opened = f'<table class="{kind}">' if kind else "<table>"
    return f"{opened}{f'<thead><tr>{head}</tr></thead>' if heads else ''}<tbody>{body}</tbody></table>"


def heading(text: str) -> str:
    """Return a heading within a section."""
    return f"<h3>{escape(text)}</h3>"


def note(text: str) -> str:
    """Return a small paragraph of plain text."""
    return f'<p class="note">{escape(text)}</p>'


def details(summary: str, body: str) -> str:
    """Return `body` folded under its plain-text `summary`; on paper it is open."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def stamp(ns: int) -> str:
    """Return a wall time (ns UTC) with its offset; always UTC, so that the page does not depend on where it is made."""
    return f"{_EPOCH + timedelta(seconds=ns // NS_PER_S):%Y-%m-%d %H:%M:%S} +00:00"


def elapsed(ns: int) -> str:
    """Return a duration (ns) as hours, minutes and seconds."""
    total = round(ns / NS_PER_S)
    sign, total = ("-", -total) if total < 0 else ("", total)
    return f"{sign}{total // 3600}:{total // 60 % 60:02d}:{total % 60:02d}"


def minutes(value_s: float) -> str:
    """Return a time in s as minutes with a unit; below two minutes in seconds."""
    if value_s < 120:
        return seconds(value_s)
    return tr("{minutes} min").format(minutes=decimal(value_s / 60, 1))


def seconds(value_s: float) -> str:
    """Return a time in whole seconds, with its unit; with one decimal below 10 s."""
    return tr("{s} s").format(s=decimal(value_s, 0 if value_s >= 10 or value_s == 0 else 1))


def percent(share: float, digits: int = 1) -> str:
    """Return a share (0 to 1) in per cent."""
    return f"{decimal(100 * share, digits)} %"


def spread(values: Sequence[float]) -> str:
    """Return the median and the largest of `values` (s)."""
    return tr("{median} (at most {most})").format(median=seconds(median(values)), most=seconds(max(values)))

"""Tables of what tags say, as wide as the terminal and no wider."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from linectl.cli.output import table
from linectl.cli.tags_text import age_text, quality_text, raw_text, tag_row, value_text
from linectl.model.lines import LineDefinition, Tag
from linectl.server.commissioning import Look
from linectl.words import tr

__all__ = ["fitted", "headings", "looks_text", "row", "tags_text"]

_COLUMNS_KEPT = 5  # name, unit, address, kind, rights
_LONG = 28  # characters of a cell on a narrow terminal


def headings() -> list[str]:
    """Return the headings of `row`."""
    return [tr("tag"), tr("value"), tr("unit"), tr("quality"), tr("age"), tr("raw")]


def row(look: Look) -> list[str]:
    """Return the cells of one tag."""
    value = value_text(look.tag, look.reading.value)
    if look.registers:
        return [look.tag.name, "-", look.tag.unit or "-", tr("good"), age_text(look.age_s), raw_text(look.raw)]
    quality = quality_text(look.reading.quality)
    seen = look.raw is not None and look.raw.value is not None
    age = age_text(look.age_s) if seen or look.is_good else "-"
    return [look.tag.name, value, look.tag.unit or "-", quality, age, raw_text(look.raw)]


def looks_text(looks: Sequence[Look]) -> str:
    """Return the table of `tags read`, with why below it for each tag that has no value."""
    lines = [table(headings(), [row(look) for look in looks])]
    why = {look.reading.detail: look.tag.name for look in reversed(looks) if not look.is_good and look.reading.detail}
    lines += [tr("{what}: {text}").format(what=name, text=detail) for detail, name in reversed(why.items())]
    return "\n".join(lines)


def tags_text(definition: LineDefinition, tags: Sequence[Tag]) -> str:
    """Return the table of `tags ls`; on a narrow terminal without its last columns, which is said."""
    heads = [tr("tag"), tr("unit"), tr("address"), tr("kind"), tr("rights"), tr("scaling"), tr("range")]
    columns = [list(column) for column in zip(*(tag_row(definition, tag) for tag in tags), strict=True)]
    named = [(head, column) for head, column in zip([*heads, tr("scan"), tr("device")], columns, strict=True)]
    if not sys.stdout.isatty():
        return _table(named)
    width = shutil.get_terminal_size().columns
    shown = [(head, column) for head, column in named if set(column) != {"-"}]
    if _width(shown) > width:
        shown = [(head, [_cut(cell, _LONG) for cell in column]) for head, column in shown]
    left_out: list[str] = []
    while len(shown) > _COLUMNS_KEPT and _width(shown) > width:
        left_out.insert(0, shown.pop()[0])
    lines = fitted(_table(shown).splitlines(), width, len(tags) + 1)
    if left_out:
        lines.append(tr("(left out on this narrow terminal: {columns})").format(columns=", ".join(left_out)))
    return "\n".join(lines)


def _table(columns: Sequence[tuple[str, list[str]]]) -> str:
    rows = list(zip(*(column for _, column in columns), strict=True))
    return table([head for head, _ in columns], rows)


def _width(columns: Sequence[tuple[str, list[str]]]) -> int:
    return sum(max(map(len, [head, *column])) + 2 for head, column in columns) - 2


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def fitted(lines: Sequence[str], columns: int, rows: int) -> list[str]:
    """Return `lines` cut to a terminal of that size; what finds no room is counted in the last line."""
    shown = [_cut(line, columns) for line in lines]
    if len(shown) <= rows:
        return shown
    more = tr("... and {count} more").format(count=len(shown) - rows + 1)
    return [*shown[: rows - 1], more]

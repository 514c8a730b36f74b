"""The journal: what happened last, the newest below."""

from __future__ import annotations

from linectl.tui.styled import Line, Mood, cut, printable
from linectl.tui.watch.feed import items, text
from linectl.tui.watch.run_block import rule
from linectl.tui.watch.sight import Sight, clock_text
from linectl.words import tr

__all__ = ["journal"]


def journal(sight: Sight, width: int, height: int) -> list[Line]:
    """Return a title and the last entries that fit: `height` lines."""
    wanted = sight.filter.lower()
    entries = [each for each in items(sight.state, "journal") if wanted in text(each.get("text")).lower()]
    lines: list[Line] = [rule(tr("journal"), width)]
    for entry in entries[-(height - 1) :] if height > 1 else []:
        who = printable(text(entry.get("who")))
        lines.append(
            cut(
                (
                    (f" {clock_text(entry.get('time'), sight.now)} ", Mood.QUIET),
                    (printable(text(entry.get("text"))), Mood.NORMAL),
                    (f"  {who}" if who else "", Mood.QUIET),
                ),
                width,
            )
        )
    return [*lines, *[()] * (height - len(lines))]

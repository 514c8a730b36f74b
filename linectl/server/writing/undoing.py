"""What `undo` may take back: the last set, while it is fresh and nobody has changed the value since. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from linectl.line.convert import same
from linectl.model.lines import Tag
from linectl.model.readings import Value
from linectl.words import tr

__all__ = ["UNDO_WITHIN_S", "LastSet", "why_not_undone"]

UNDO_WITHIN_S = 600.0


@dataclass(frozen=True, slots=True)
class LastSet:
    """The last set: what `tag` held before and after it, and when (process time in s)."""

    tag: Tag
    old: Value | None
    got: Value | None
    at_s: float


def why_not_undone(last: LastSet | None, now_s: float, holds: Value | None) -> str:
    """Return why `last` is not undone at `now_s` while its tag holds `holds` (None: unreadable); "" when it is."""
    if last is None:
        return tr("there is nothing to undo: nothing was set, or it was undone already")
    if now_s - last.at_s > UNDO_WITHIN_S:
        text = tr("the last set, of {tag}, is more than {minutes:.0f} minutes old: set the value that you want")
        return text.format(tag=last.tag.name, minutes=UNDO_WITHIN_S / 60)
    if last.old is None:
        return tr("nobody knows what {tag} held before").format(tag=last.tag.name)
    if holds is None or last.got is None:
        return tr("{tag} cannot be read now").format(tag=last.tag.name)
    if not same(last.tag, holds, last.got):
        return tr("{tag} was changed since: it holds {value}").format(tag=last.tag.name, value=holds)
    return ""

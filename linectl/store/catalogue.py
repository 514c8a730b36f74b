"""Which number each scan group, tag and layout has in the file; new ones are numbered as they appear."""

from __future__ import annotations

import sqlite3
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from linectl.model.lines import Tag
from linectl.model.readings import ScanLayout

__all__ = ["Catalogue", "TagKind", "kinds_of", "pack", "unpack"]


@dataclass(frozen=True, slots=True)
class TagKind:
    """A tag's unit, and the type its values come back in: float, int or bool."""

    unit: str = ""
    dtype: str = "float"


def kinds_of(tags: Mapping[str, Tag] | Mapping[str, tuple[str, str]]) -> dict[str, TagKind]:
    """Return unit and type by tag name, from a line's tags or from (unit, dtype) pairs."""
    return {name: TagKind(tag.unit, tag.dtype) if isinstance(tag, Tag) else TagKind(*tag) for name, tag in tags.items()}


@dataclass(slots=True)
class Catalogue:
    """Numbers already looked up in this file; a tag that was not declared is a float without unit."""

    kinds: Mapping[str, TagKind]
    _groups: dict[str, int] = field(default_factory=dict)
    _layouts: dict[ScanLayout, int] = field(default_factory=dict)

    def group(self, connection: sqlite3.Connection, name: str, period_s: float | None = None) -> int:
        """Return the number of a scan group; `period_s` is noted when it is known."""
        if name not in self._groups or period_s is not None:
            connection.execute(
                """INSERT INTO scan_group(name, period_ms) VALUES(?, ?) ON CONFLICT(name)
 DO UPDATE SET period_ms = max(period_ms * (excluded.period_ms = 0), excluded.period_ms)""",
                (name, round((period_s or 0.0) * 1000)),
            )
            (number,) = connection.execute("SELECT id FROM scan_group WHERE name = ?", (name,)).fetchone()
            self._groups[name] = number
        return self._groups[name]

    def layout(self, connection: sqlite3.Connection, layout: ScanLayout) -> int:
        """Return the number of `layout`."""
        if layout not in self._layouts:
            group = self.group(connection, layout.group, layout.period_s)
            ids = pack([self._tag(connection, name) for name in layout.tags])
            connection.execute("INSERT OR IGNORE INTO layout(grp, tags) VALUES(?, ?)", (group, ids))
            row = connection.execute("SELECT id FROM layout WHERE grp = ? AND tags = ?", (group, ids)).fetchone()
            self._layouts[layout] = row[0]
        return self._layouts[layout]

    def _tag(self, connection: sqlite3.Connection, name: str) -> int:
        kind = self.kinds.get(name, TagKind())
        row = (name, kind.unit, kind.dtype)
        connection.execute("INSERT OR IGNORE INTO tag(path, unit, dtype) VALUES(?, ?, ?)", row)
        (number,) = connection.execute("SELECT id FROM tag WHERE path = ? AND unit = ? AND dtype = ?", row).fetchone()
        return int(number)


def pack(ids: Sequence[int]) -> bytes:
    """Return tag ids as the bytes of a layout."""
    return _little(array("H", ids)).tobytes()


def unpack(data: bytes) -> list[int]:
    """Return the tag ids of a layout's bytes."""
    return _little(array("H", data)).tolist()


def _little(ids: array[int]) -> array[int]:
    if sys.byteorder == "big":
        ids.byteswap()
    return ids

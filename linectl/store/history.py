"""What a store holds of one tag between two wall times: of runs, and of the time between them. Read-only."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from linectl.errors import Refused
from linectl.model.readings import Quality, Value
from linectl.store.catalogue import unpack
from linectl.store.codec import BlockHead, decode
from linectl.store.reader import StoredTag, StoreReader
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["HistoryReader", "Piece", "Sample"]

_PAGE = 64  # blocks fetched at once: in virtual time one holds 600 scans
_STEP_NS = 3600 * NS_PER_S  # a start's wall time goes back by no more than this, when the computer's clock is set
_FAR = 2.5  # periods between two scans that still belong together
_UNKNOWN_PERIOD_S = 60.0  # of past trials from a file, whose times are those of looks


@dataclass(frozen=True, slots=True)
class Piece:
    """One start of the program with scans of a tag of `period_s` (s), between two wall times (ns UTC).

    `seq0` and `seq1` are its first scan and its last, `layout` what its scans hold.
    """

    boot: str
    layout: int
    period_s: float
    seq0: int
    seq1: int
    t0_ns: int
    t1_ns: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One value as it was recorded: wall time (ns UTC), quality, the start that made it, and what is usual between two.

    `value` is None where the quality is BAD. `far_ns` is how far from the one before it may be and still belong to it.
    """

    t_ns: int
    value: Value | None
    quality: Quality
    unit: str
    boot: str
    far_ns: int


class HistoryReader(StoreReader):
    """Reads values by tag and wall time. Memory stays flat however long the time is.

    Raises (every call):
        StoreError: no store there, or one that this linectl cannot read.
    """

    def tag_names(self) -> list[str]:
        """Return the names of the tags that were ever recorded, in order."""
        return [name for (name,) in self._fetch("SELECT DISTINCT path FROM tag ORDER BY path")]

    def must_know(self, tag: str) -> None:
        """Return when `tag` was ever recorded.

        Raises:
            Refused: it never was; the message names those that are near (E-HIS-001).
        """
        names = self.tag_names()
        if tag in names:
            return
        near = difflib.get_close_matches(tag, names, n=3, cutoff=0.5)
        known = [name for name in names if tag and (tag in name or name in tag)][:3]
        text = tr("no values of {tag} are recorded in {file}; there are: {tags}")
        told = ", ".join(dict.fromkeys([*near, *known])) or ", ".join(names[:6]) or tr("none")
        raise Refused(
            text.format(tag=tag, file=self.path, tags=told),
            hint=tr("a tag is recorded while its line is served, or in a run: linectl tags ls LINE names them"),
            code="E-HIS-001",
        )

    def unit_of(self, tag: str) -> str:
        """Return the unit in which `tag` was recorded last."""
        found = [stored for number, stored in sorted(self._names().items()) if stored.name == tag]
        return found[-1].unit if found else ""

    def pieces(self, tag: str) -> list[Piece]:
        """Return where `tag` was recorded, by start of the program, in the order of their times."""
        names = self._names()
        layouts = {
            number: period_ms / 1000
            for number, tags, period_ms in self._fetch(_LAYOUTS)
            if any(names[each].name == tag for each in unpack(tags))
        }
        found = []
        for boot, layout, first, last in self._fetch(_STARTS):
            if layout in layouts and first is not None:
                ends = self._fetch(_ENDS, first, last)
                (seq0, t0), (seq1, t1) = ends[0][:2], ends[-1][2:]
                found.append(Piece(boot, layout, layouts[layout], seq0, seq1, t0, t1))
        return sorted(found, key=lambda piece: (piece.t0_ns, piece.boot))

    def samples(self, tag: str, pieces: Sequence[Piece], since_ns: int, until_ns: int) -> Iterator[Sample]:
        """Yield the values of `tag` from `since_ns` to before `until_ns` (ns UTC), start by start."""
        names = self._names()
        for piece in pieces:
            if piece.t1_ns + _STEP_NS < since_ns or piece.t0_ns - _STEP_NS >= until_ns:
                continue
            yield from self._of(tag, piece, names, since_ns, until_ns)

    def _of(
        self, tag: str, piece: Piece, names: dict[int, StoredTag], since_ns: int, until_ns: int
    ) -> Iterator[Sample]:
        far_ns = round(max(_FAR * (piece.period_s or _UNKNOWN_PERIOD_S), 1.0) * NS_PER_S)
        after, last = self._sequence_at(piece, since_ns - _STEP_NS) - 1, self._sequence_at(piece, until_ns + _STEP_NS)
        while page := self._fetch(_BLOCKS, piece.boot, piece.layout, after, last, since_ns, until_ns, _PAGE):
            after = page[-1][1]
            for row in page:
                yield from _samples(row, tag, names, (since_ns, until_ns), far_ns)

    def _sequence_at(self, piece: Piece, t_ns: int) -> int:
        """Return a scan of the first block of `piece` that ends at `t_ns` or later: found by halves, not by reading."""
        return bisect_left(_Ends(self, piece), t_ns, piece.seq0, piece.seq1)

    def end_of(self, piece: Piece, sequence: int) -> int:
        """Return the last wall time (ns UTC) of the block of `piece` that holds scan `sequence` or the next one."""
        found = self._fetch(_END_AT, piece.boot, piece.layout, sequence)
        return int(found[0][0]) if found else piece.t1_ns


@dataclass(frozen=True, slots=True)
class _Ends:
    """The ends of a piece's blocks by scan, for `bisect`."""

    reader: HistoryReader
    piece: Piece

    def __len__(self) -> int:
        return self.piece.seq1 + 1

    def __getitem__(self, sequence: int) -> int:
        return self.reader.end_of(self.piece, sequence)


def _samples(
    row: tuple[Any, ...], tag: str, names: dict[int, StoredTag], span: tuple[int, int], far_ns: int
) -> Iterator[Sample]:
    stored = [names[number] for number in unpack(row[7])]
    index = next(at for at, each in enumerate(stored) if each.name == tag)
    boot, seq1, seq0, t0, t1, m0_ns, n = row[0], row[1], row[2], row[3], row[4], row[5], row[6]
    head = BlockHead(boot, seq0, seq1, m0_ns, t0, t1, n)
    block = decode(row[8], head, [(each.name, each.dtype) for each in stored], [index])
    unit = stored[index].unit
    between = [later - earlier for earlier, later in pairwise(block.t_ns)]
    if len(between) > 1:  # a simulated line that is served faster than time is not scanned as often as its file says
        far_ns = max(far_ns, round(_FAR * median(between)))
    for t_ns, value, byte in zip(block.t_ns, block.values[0], block.quality[0], strict=True):
        if span[0] <= t_ns < span[1]:
            yield Sample(t_ns, value, _QUALITIES[byte], unit, boot, far_ns)


class _Qualities(dict[int, Quality]):
    def __missing__(self, byte: int) -> Quality:
        found = self[byte] = Quality.from_byte(byte)
        return found


_QUALITIES = _Qualities()
_LAYOUTS = "SELECT l.id, l.tags, g.period_ms FROM layout l JOIN scan_group g ON g.id = l.grp"
# by the index on (boot, layout, seq1) from one start to the next, never through their scans
_STARTS = """WITH RECURSIVE start(boot) AS (
 SELECT min(boot) FROM hot
 UNION ALL SELECT (SELECT min(boot) FROM hot WHERE boot > start.boot) FROM start WHERE start.boot IS NOT NULL
) SELECT start.boot, l.id,
 (SELECT id FROM hot WHERE boot = start.boot AND layout = l.id ORDER BY seq1 LIMIT 1),
 (SELECT id FROM hot WHERE boot = start.boot AND layout = l.id ORDER BY seq1 DESC LIMIT 1)
 FROM start JOIN layout l WHERE start.boot IS NOT NULL"""
_ENDS = "SELECT seq0, t0, seq1, t1 FROM hot WHERE id IN (?, ?) ORDER BY seq1"
_END_AT = "SELECT t1 FROM hot WHERE boot = ? AND layout = ? AND seq1 >= ? ORDER BY seq1 LIMIT 1"
_BLOCKS = """SELECT h.boot, h.seq1, h.seq0, h.t0, h.t1, h.m0_ns, h.n, l.tags, h.data
 FROM hot h JOIN layout l ON l.id = h.layout
 WHERE h.boot = ? AND h.layout = ? AND h.seq1 > ? AND h.seq0 <= ? AND h.t1 >= ? AND h.t0 < ? ORDER BY h.seq1 LIMIT ?"""

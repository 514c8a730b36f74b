r"""The audit trail: entries that only grow, each bound to the one before by a hash.

Canonical form of an entry, over which its hash is taken: the JSON array

    [id, ts_ns, actor, action, target, old, new, reason, prev]

with `id` and `ts_ns` (ns UTC) as integers, `actor`, `action`, `target` and `reason` as strings, `old` and `new` as
strings that hold the JSON texts as they are stored (or null), and `prev` as the 64 lower-case hexadecimal digits of
the hash of the entry before (64 zeros in the first). It is written without spaces after `,`, every character outside
ASCII escaped as `\uXXXX` (in lower case, by surrogate pairs above U+FFFF): Python's
`json.dumps(array, separators=(",", ":"))`. The hash is the SHA-256 of these bytes. Ids count from 1 without a gap.

What the chain shows: any change of an entry, and any entry taken out or put in between. Entries cut off at the end are
shown by the store's own count, and by a head (id and hash of the last entry) that is kept elsewhere, as every export
does in its manifest. Whoever can write the file can also make a whole new chain: only a head kept elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from linectl.model.records import Act
from linectl.words import tr

__all__ = [
    "GENESIS",
    "AuditEntry",
    "Broken",
    "Head",
    "append",
    "canonical",
    "counted_by",
    "first_broken",
    "has_trail",
    "head_of",
    "pages",
    "time_text",
]

GENESIS = bytes(32)
_PAGE = 500  # entries fetched at once: memory stays flat
_COLUMNS = "id, ts_ns, actor, action, target, old, new, reason, prev, hash"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry as it is stored; `old` and `new` are JSON texts, `ts_ns` is ns UTC."""

    id: int
    ts_ns: int
    actor: str
    action: str
    target: str
    old: str | None
    new: str | None
    reason: str
    prev: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a trail at some moment: its hash (hex), and its id where that is known (0: an empty trail)."""

    hash: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that is not what the chain says: its id, its time (ns UTC), what is wrong.

    The time is the one that stands in it; None: the entry is gone. `kind` is a machine word: missing, cut, content,
    link, rewritten, head.
    """

    id: int
    ts_ns: int | None
    kind: str
    what: str


def canonical(entry: AuditEntry) -> bytes:
    """Return the bytes over which the hash of `entry` is taken (see the module)."""
    array = [
        *(entry.id, entry.ts_ns, entry.actor, entry.action, entry.target, entry.old, entry.new, entry.reason),
        entry.prev.hex(),
    ]
    return json.dumps(array, separators=(",", ":")).encode("ascii")


def append(connection: sqlite3.Connection, act: Act) -> None:
    """Append `act` in the transaction that is open, bound to the last entry.

    Raises:
        ValueError: its old or new value is none that JSON can hold (NaN, infinity).
    """
    last = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone() or (0, GENESIS)
    number = max(last[0], _counted(connection)) + 1  # an id cut off is never given again: the gap stays to be seen
    texts = (act.actor, act.action, act.target, _json(act.old), _json(act.new), act.reason)
    entry = AuditEntry(number, act.ts_ns, *texts, prev=last[1], hash=b"")
    digest = hashlib.sha256(canonical(entry)).digest()
    connection.execute(
        f"INSERT INTO audit({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, act.ts_ns, *texts, entry.prev, digest),
    )


def pages(connection: sqlite3.Connection, since_ns: int | None = None) -> Iterator[AuditEntry]:
    """Yield the entries by id, those of `since_ns` (ns UTC) and later; none from a store that has no trail yet.

    Bytes that are no text come as U+FFFD, which breaks their hash.
    """
    if not has_trail(connection):
        return
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    last = -(1 << 63)
    query = f"SELECT {_COLUMNS} FROM audit WHERE id > ? AND ts_ns >= ? ORDER BY id LIMIT ?"  # noqa: S608
    while page := connection.execute(query, (last, -(1 << 63) if since_ns is None else since_ns, _PAGE)).fetchall():
        yield from map(_entry, page)
        last = page[-1][0]


def _entry(row: tuple[Any, ...]) -> AuditEntry:
    """Return a row as an entry; what is not of its type (in a table made anew) becomes what breaks its hash."""
    number, ts_ns = (value if isinstance(value, int) else 0 for value in row[:2])
    actor, action, target, reason = (value if isinstance(value, str) else "" for value in (*row[2:5], row[7]))
    old, new = (value if isinstance(value, str | None) else "" for value in row[5:7])
    prev, digest = (value if isinstance(value, bytes) else b"" for value in row[8:])
    return AuditEntry(number, ts_ns, actor, action, target, old, new, reason, prev, digest)


def has_trail(connection: sqlite3.Connection) -> bool:
    """Tell whether the store has a table of the audit trail."""
    return (
        connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audit'").fetchone() is not None
    )


def head_of(connection: sqlite3.Connection) -> Head:
    """Return the last entry's id and hash; id 0 and 64 zeros when there is none."""
    row = None
    if has_trail(connection):
        row = connection.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        return Head(GENESIS.hex(), 0)
    number, digest = row
    return Head(digest.hex() if isinstance(digest, bytes) else "", number if isinstance(number, int) else 0)


def first_broken(entries: Iterable[AuditEntry], *, counted: int = 0, head: Head | None = None) -> Broken | None:
    """Return the first entry that is not what the chain says, None when all are.

    `counted` is how many entries the store says it has written, `head` one that was kept elsewhere.
    """
    before: AuditEntry | None = None
    met = head is None or head.id == 0
    for entry in entries:
        broken = _against(entry, before)
        if broken is None and head is not None and entry.id == head.id and entry.hash.hex() != head.hash:
            broken = Broken(
                entry.id, entry.ts_ns, "head", tr("its hash is not the head's: it, or one before it, was rewritten")
            )
        if broken is not None:
            return broken
        met = met or (head is not None and entry.hash.hex() == head.hash)
        before = entry
    last = 0 if before is None else before.id
    if not met or counted > last:
        return Broken(last + 1, None, "cut", _cut(counted, head, last, met=met))
    return None


def time_text(ts_ns: int) -> str:
    """Return a time (ns UTC) as ISO 8601 with milliseconds; one that no calendar holds as its number."""
    try:
        return (_EPOCH + timedelta(milliseconds=ts_ns // 1_000_000)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{ts_ns} ns"


def _against(entry: AuditEntry, before: AuditEntry | None) -> Broken | None:
    """Return what is wrong with `entry` after `before`, which is right in itself."""
    due, prev = (1, GENESIS) if before is None else (before.id + 1, before.hash)
    if entry.id > due:
        text = tr("it is gone; the next entry there is {id}, of {time}")
        return Broken(due, None, "missing", text.format(id=entry.id, time=time_text(entry.ts_ns)))
    if entry.id < due:
        return Broken(entry.id, entry.ts_ns, "content", tr("its number is none that the store gives"))
    is_whole = hashlib.sha256(canonical(entry)).digest() == entry.hash
    if entry.prev == prev:
        if is_whole:
            return None
        return Broken(entry.id, entry.ts_ns, "content", tr("what it says, or its hash, was changed"))
    if not is_whole or before is None:
        return Broken(entry.id, entry.ts_ns, "link", tr("its link to the entry before was changed"))
    # whole in itself, it was written after another entry than the one that stands before it now
    text = tr("it was rewritten with a hash of its own: entry {id} follows another one")
    return Broken(before.id, before.ts_ns, "rewritten", text.format(id=entry.id))


def _cut(counted: int, head: Head | None, last: int, *, met: bool) -> str:
    if met:
        return tr("the trail ends with entry {last}, the store has counted {counted}").format(
            last=last, counted=counted
        )
    if head is not None and head.id is not None:
        return tr("the trail ends with entry {last}, the head is entry {head}").format(last=last, head=head.id)
    return tr("the trail ends with entry {last}, and none has the hash of the head: cut off, or rewritten").format(
        last=last
    )


def counted_by(connection: sqlite3.Connection) -> int:
    """Return how many entries the store says it has written; 0 when it has no trail."""
    return _counted(connection) if has_trail(connection) else 0


def _counted(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    return 0 if row is None else int(row[0])


def _json(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, default=str)

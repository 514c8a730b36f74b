"""Wash lots, quarantines and counters to rows and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from linectl.model.lots import Lot, Quarantine, Use

__all__ = ["COUNTERS", "LOTS", "QUARANTINES", "Counted", "lots_from", "put_counters", "put_lots"]

Counted = Mapping[str, tuple[int, int]]
"""By counter: its last raw value, and the total."""

_LOT_COLUMNS = (
    *("name", "grower", "bottle", "glue", "started_ns", "started_by", "glue_lot", "note", "recipe", "recipe_hash"),
    *("verdict", "verdict_hash", "ended_ns", "ended_by", "washed_ns", "reuse_by_ns", "delivered_ns", "delivered_by"),
    *("bottles_in", "bottles_seen", "rejected", "label_rejects"),
)
_USE_COLUMNS = ("water_l", "energy_wh", "naoh_g")
_ALL_COLUMNS = (*_LOT_COLUMNS, *_USE_COLUMNS, "marks")
_QUARANTINE_COLUMNS = (
    *("id", "lot", "reason", "first", "last", "since_ns", "by", "told", "released_ns", "released_by"),
    "release_reason",
)
LOTS = f"SELECT {', '.join(_ALL_COLUMNS)} FROM lot ORDER BY rowid"  # noqa: S608  # the names above, no input
QUARANTINES = f"SELECT {', '.join(_QUARANTINE_COLUMNS)} FROM quarantine ORDER BY id"  # noqa: S608  # as above
COUNTERS = "SELECT name, raw, total FROM counter"


def put_lots(connection: sqlite3.Connection, lots: Sequence[Lot], loose: Sequence[Quarantine]) -> None:
    """Write `lots` with their quarantines, and those of bottles that belong to no lot: as new, or in place of old."""
    for lot in lots:
        told = [getattr(lot, name) for name in _LOT_COLUMNS] + [getattr(lot.used, name) for name in _USE_COLUMNS]
        _put(connection, "lot", _ALL_COLUMNS, [*told, json.dumps(dict(lot.marks), sort_keys=True)])
    for each in [*loose, *(each for lot in lots for each in lot.quarantines)]:
        _put(connection, "quarantine", _QUARANTINE_COLUMNS, [getattr(each, name) for name in _QUARANTINE_COLUMNS])


def _put(connection: sqlite3.Connection, table: str, columns: Sequence[str], values: Sequence[object]) -> None:
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns[1:])
    connection.execute(
        f"INSERT INTO {table}({', '.join(columns)}) VALUES({', '.join('?' * len(columns))})"
        f" ON CONFLICT({columns[0]}) DO UPDATE SET {changes}",
        values,
    )


def put_counters(connection: sqlite3.Connection, counted: Counted) -> None:
    """Write what the line's counters stand at."""
    connection.executemany(
        "INSERT INTO counter(name, raw, total) VALUES(?, ?, ?)"
        " ON CONFLICT(name) DO UPDATE SET raw = excluded.raw, total = excluded.total",
        [(name, raw, total) for name, (raw, total) in counted.items()],
    )


def lots_from(
    lots: Sequence[tuple[Any, ...]], quarantines: Sequence[tuple[Any, ...]]
) -> tuple[list[Lot], list[Quarantine]]:
    """Return the lots of rows of `LOTS`, each with its quarantines, and the quarantines of bottles of none."""
    by_lot: dict[str, list[Quarantine]] = {}
    for row in quarantines:
        by_lot.setdefault(row[1], []).append(Quarantine(*row))
    found = [replace(_lot_from(row), quarantines=tuple(by_lot.get(row[0], ()))) for row in lots]
    return found, by_lot.get("", [])


def _lot_from(row: tuple[Any, ...]) -> Lot:
    told = dict(zip(_LOT_COLUMNS, row, strict=False))
    used = Use(*row[len(_LOT_COLUMNS) : len(_LOT_COLUMNS) + len(_USE_COLUMNS)])
    return Lot(**told, used=used, marks=json.loads(row[-1]))

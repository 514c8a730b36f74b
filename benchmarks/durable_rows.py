"""Acknowledged rows per second of the store's group commit, against plain sqlite3 that commits each row.

Both on the same disk with WAL and synchronous=FULL: each acknowledged row has been through an fsync. Ratios survive a
noisy machine, the absolute figures do not. What a row costs within a group commit (from the call to its
acknowledgement, the fsync included, over the rows of the commit; the median of commits) is aimed at 50 µs.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import Event
from linectl.store.store import open_store

__all__ = ["measure"]

_FOR_S = 1.0
_ROUNDS = 3
_GROUP = 500  # rows in one commit
_GROUPS = 40
_TAGS = tuple(f"bath.t{k}" for k in range(12))
_LAYOUT = ScanLayout("bath", 1.0, _TAGS)


def measure() -> list[dict[str, object]]:
    """Return the figures: rows acknowledged per second at 1, 16 and 200 producers, and scans stored per second."""
    rounds: dict[str, list[float]] = {}
    for _ in range(_ROUNDS):  # interleaved, so that a busy minute of the machine hits all alike
        for name, take in _TAKES.items():
            with TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:  # not /tmp, which may be memory
                rounds.setdefault(name, []).append(take(Path(folder) / "bench.db"))
    rates = {name: statistics.median(found) for name, found in rounds.items()}
    plain = rates.pop("plain sqlite3, a commit per row")
    cost_us = rates.pop("a row within a group commit")
    cost = {
        "name": "durable rows: cost of a row in a group commit",
        "value": round(cost_us, 1),
        "unit": "us",
        "reference": "plain sqlite3, WAL FULL, a commit per row",
        "reference_value": round(1e6 / plain, 1),
        "ratio": round(cost_us / (1e6 / plain), 4),
    }
    return [cost] + [
        {
            "name": f"durable rows: {name}",
            "value": round(rate, 1),
            "unit": "rows/s",
            "reference": "plain sqlite3, WAL FULL, a commit per row",
            "reference_value": round(plain, 1),
            "ratio": round(rate / plain, 2),
        }
        for name, rate in rates.items()
    ]


def _plain(file: Path) -> float:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE event(id INTEGER PRIMARY KEY, ts_ns INTEGER, run TEXT, kind TEXT, data TEXT)")
        rows, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < _FOR_S:
            connection.execute("INSERT INTO event(ts_ns, run, kind, data) VALUES(?, 'r', 'n', '{}')", (rows,))
            rows += 1
        return rows / (time.perf_counter() - begin)


def _grouped(producers: int) -> Callable[[Path], float]:
    return lambda file: asyncio.run(_produce(file, producers))


async def _produce(file: Path, producers: int) -> float:
    store = open_store(file, line="bench", virtual=False)
    await store.open()
    begin = time.perf_counter()

    async def producer() -> int:
        rows = 0
        while time.perf_counter() - begin < _FOR_S:
            await store.add_event(Event(rows, "n", {}, "r"))
            rows += 1
        return rows

    counts = await asyncio.gather(*(producer() for _ in range(producers)))
    elapsed_s = time.perf_counter() - begin
    await store.close()
    return sum(counts) / elapsed_s


def _cost_us(file: Path) -> float:
    """Return the median cost of a row (µs) over commits of 500 rows, each from the first call to the last ack."""

    async def cost() -> float:
        store = open_store(file, line="bench", virtual=False)
        await store.open()
        found = []
        for group in range(_GROUPS):
            events = [Event(row, "n", {"n": group}, "r") for row in range(_GROUP)]
            begin = time.perf_counter()
            await asyncio.gather(*map(store.add_event, events))
            found.append((time.perf_counter() - begin) / _GROUP * 1e6)
        await store.close()
        return statistics.median(found)

    return asyncio.run(cost())


def _scans(file: Path) -> float:
    """Return scans of 12 tags per second through the queue, closed and durable."""
    scans = [_scan(k) for k in range(10_000)]

    async def log() -> float:
        store = open_store(file, line="bench", virtual=False)
        await store.open()
        begin = time.perf_counter()
        for scan in scans:
            store.log_scan(scan)
        await store.close()
        return len(scans) / (time.perf_counter() - begin)

    return asyncio.run(log())


def _scan(k: int) -> Scan:
    readings = tuple(Reading(tag, 60.0 + (k % 37) / 10, GOOD, k, k, k) for tag in _TAGS)
    return Scan(_LAYOUT, "bench", k, k * 10**9, k * 10**9, readings)


_TAKES: dict[str, Callable[[Path], float]] = {
    "plain sqlite3, a commit per row": _plain,
    "group commit, 1 producer": _grouped(1),
    "group commit, 16 producers": _grouped(16),
    "group commit, 200 producers": _grouped(200),
    "scans of 12 tags": _scans,
    "a row within a group commit": _cost_us,
}


def main() -> None:
    """Print the figures."""
    for figure in measure():
        print(f"{figure['name']:40} {figure['value']:>10} {figure['unit']}  x{figure['ratio']}")


if __name__ == "__main__":
    main()

"""Finished runs: found and analysed, read-only, with no line and no server running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.model.records import Run
from linectl.server.places import last_run
from linectl.server.results.opened import open_reader
from linectl.server.results.pooling import NOTHING_ASKED, Asked, Pool, analyse_pool, judge_pool, pool_of
from linectl.store.reader import StoreReader

if TYPE_CHECKING:
    from linectl.lab.results import Analysis

__all__ = [
    "NOTHING_ASKED",
    "Asked",
    "FinishedRun",
    "analyse_pool",
    "analyse_run",
    "find_pool",
    "find_run",
    "judge_pool",
    "open_reader",
]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run in its store."""

    reader: StoreReader
    run: Run


def find_run(run: str, data: Path | None) -> FinishedRun:
    """Return the run that `run` names: "last", an id, or the beginning of one.

    Raises:
        Refused: no run answers to the name; the message lists those near it.
    """
    if run == "last":
        last = last_run(data)
        reader = StoreReader(last.store)
        return FinishedRun(reader, reader.run(last.run))
    reader = open_reader(data)
    return FinishedRun(reader, reader.run(run))


def find_pool(names: Sequence[str], data: Path | None, *, maker: str = "") -> Pool:
    """Return the runs that `names` name (none: the last one) as one body of data, for `maker` his part of it.

    Raises:
        Refused: no such run, or runs that contradict each other (see `pool_of`).
    """
    found = [find_run(name, data) for name in names or ("last",)]
    return pool_of(found[0].reader, [each.run for each in found], maker=maker)


def analyse_run(found: FinishedRun, asked: Asked = NOTHING_ASKED) -> Analysis:
    """Return the analysis of a run: fits, bounds and a verdict per glue; a run that is still blind shows codes.

    Raises:
        Refused: the run has no bottles.
    """
    return analyse_pool(pool_of(found.reader, [found.run]), asked)

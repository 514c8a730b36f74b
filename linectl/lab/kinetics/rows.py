"""Rows of a likelihood by how much was seen of them: off at once, still on, in between, at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows"]

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one kind: their numbers in the design matrix and the numbers of their ends."""

    row: Index
    lower: Index
    upper: Index

    @classmethod
    def split(cls, lower: Index, upper: Index) -> tuple[Rows, Rows, Rows, Rows]:
        """Return the left, right, interval and exact rows of end numbers, -1 where a side is open.

        A row open on both sides says nothing and is in none of them.
        """
        exact = (lower >= 0) & (lower == upper)
        kinds = (
            (lower < 0) & (upper >= 0),
            (lower >= 0) & (upper < 0),
            (lower >= 0) & (upper >= 0) & ~exact,
            exact,
        )
        left, right, interval, at = (np.flatnonzero(kind).astype(np.intp) for kind in kinds)
        return (
            cls(left, lower[left], upper[left]),
            cls(right, lower[right], upper[right]),
            cls(interval, lower[interval], upper[interval]),
            cls(at, lower[at], upper[at]),
        )

"""Scans as one compressed block: column by column, so that like stands beside like. Pure, standard library alone.

Before zlib (level 1), little-endian: sequences, wall times (ns) and loop times (ns) as int64 differences, the values
of each tag as float64, the quality bytes of each tag. A missing value is filled with the last good one, because a NaN
would spoil the compression of its column; its quality byte says that it is missing, and the decoder returns None.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from linectl.model.readings import GOOD, Level, Quality, Reading, Scan, ScanLayout, Value, bad

__all__ = ["Block", "BlockHead", "Row", "decode", "encode", "head", "row_of"]

_EXACT = 2**53  # above it a float64 no longer holds each whole number
_value, _quality = (itemgetter(Reading._fields.index(name)) for name in ("value", "quality"))
_IS_BAD = bytes(byte & 0xC0 == Level.BAD for byte in range(256))


class Row(NamedTuple):
    """What is kept of a scan, in the layout's order: while scans gather for a block, no reading lives on for them."""

    layout: ScanLayout
    boot: str
    sequence: int
    loop_ns: int
    t_ns: int
    values: tuple[Value | None, ...]
    qualities: tuple[Quality, ...]


def row_of(scan: Scan) -> Row:
    """Return what is kept of `scan`."""
    readings = scan.readings
    values, qualities = tuple(map(_value, readings)), tuple(map(_quality, readings))
    return Row(scan.layout, scan.boot, scan.sequence, scan.loop_ns, scan.t_ns, values, qualities)


@dataclass(frozen=True, slots=True)
class BlockHead:
    """What a block's row says beside its data: boot, sequences, first loop time, wall times (ns), number of scans."""

    boot: str
    seq0: int
    seq1: int
    m0_ns: int
    t0: int
    t1: int
    n: int


@dataclass(frozen=True, slots=True)
class Block:
    """Decoded scans of one group: per scan its sequence and times (ns), per tag its values and quality bytes."""

    tags: tuple[str, ...]
    boot: str
    sequence: array[int]
    t_ns: array[int]
    loop_ns: array[int]
    values: tuple[list[Value | None], ...]
    quality: tuple[bytes, ...]


def head(rows: Sequence[Row]) -> BlockHead:
    """Return the head of the block that holds `rows`: one boot, one layout, in the order of their sequence."""
    first, last = rows[0], rows[-1]
    return BlockHead(first.boot, first.sequence, last.sequence, first.loop_ns, first.t_ns, last.t_ns, len(rows))


def encode(rows: Sequence[Row]) -> bytes:
    """Return `rows`, all of one layout, as a block."""
    parts = [
        _differences(row.sequence for row in rows),
        _differences(row.t_ns for row in rows),
        _differences(row.loop_ns for row in rows),
    ]
    columns = zip(*(row.values for row in rows), strict=True), zip(*(row.qualities for row in rows), strict=True)
    qualities = []
    for said, of_quality in zip(*columns, strict=True):
        values, quality = _column(said, of_quality)
        parts.append(_to_little(values))
        qualities.append(quality)
    return zlib.compress(b"".join(parts) + b"".join(qualities), 1)


def decode(data: bytes, at: BlockHead, tags: Sequence[tuple[str, str]], only: Sequence[int] | None = None) -> Block:
    """Return the block `data`; `tags` are its (name, dtype) in order, `only` picks some of them by index."""
    raw, n = zlib.decompress(data), at.n
    wanted = range(len(tags)) if only is None else only
    qualities = 8 * n * (3 + len(tags))
    values, quality = [], []
    for index in wanted:
        flags = raw[qualities + index * n : qualities + (index + 1) * n]
        numbers = _from_little("d", raw[8 * n * (3 + index) : 8 * n * (4 + index)])
        values.append(_typed(numbers, flags, tags[index][1]))
        quality.append(flags)
    return Block(
        tags=tuple(tags[index][0] for index in wanted),
        boot=at.boot,
        sequence=_sums(raw[: 8 * n], at.seq0),
        t_ns=_sums(raw[8 * n : 16 * n], at.t0),
        loop_ns=_sums(raw[16 * n : 24 * n], at.m0_ns),
        values=tuple(values),
        quality=tuple(quality),
    )


def _column(values: Sequence[Value | None], qualities: Sequence[Quality]) -> tuple[array[float], bytes]:
    return _good_column(values, qualities) or _any_column(values, qualities)


def _good_column(values: Sequence[Value | None], qualities: Sequence[Quality]) -> tuple[array[float], bytes] | None:
    """Return the column of values that are all good and exact, as most are; else None."""
    if qualities.count(GOOD) < len(qualities):
        return None
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values) or not -_EXACT <= min(numbers) <= max(numbers) <= _EXACT:
        return None
    return array("d", [number + 0.0 for number in numbers]), bytes((GOOD.byte,)) * len(numbers)


def _any_column(values: Sequence[Value | None], qualities: Sequence[Quality]) -> tuple[array[float], bytes]:
    pairs = [_storable(value, quality) for value, quality in zip(values, qualities, strict=True)]
    filler = next((value for value, _ in pairs if value is not None), 0.0)
    column = array("d")
    for value, _ in pairs:
        if value is not None:
            filler = value
        column.append(filler)
    return column, bytes(flag for _, flag in pairs)


def _storable(value: Value | None, quality: Quality) -> tuple[float | None, int]:
    """Return value and quality byte; None always has a BAD byte, so that no filler is ever taken for a reading."""
    if value is None or quality.level is Level.BAD:
        return None, _missing(quality).byte
    if isinstance(value, int) and abs(value) > _EXACT:
        return None, bad("out_of_range").byte
    return float(value) + 0.0, quality.byte  # + 0.0: -0.0 is stored as 0.0


def _missing(quality: Quality) -> Quality:
    if quality.level is Level.BAD and quality.reason:
        return quality
    return bad(quality.reason or "waiting_for_initial_data")


def _typed(numbers: array[float], flags: bytes, dtype: str) -> list[Value | None]:
    missing = flags.translate(_IS_BAD)
    typed: list[Value | None]
    if dtype == "bool":
        typed = [number != 0.0 for number in numbers]
    elif dtype == "int":
        typed = [int(number) if number.is_integer() else number for number in numbers]
    else:
        typed = list(numbers)
    index = missing.find(1)
    while index >= 0:
        typed[index] = None
        index = missing.find(1, index + 1)
    return typed


def _differences(numbers: Iterable[int]) -> bytes:
    column = array("q", numbers)
    return _to_little(array("q", [0, *(after - before for before, after in pairwise(column))]))


def _sums(raw: bytes, first: int) -> array[int]:
    steps = _from_little("q", raw)
    steps[0] = first
    return array("q", accumulate(steps))


def _to_little(column: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _from_little(code: str, raw: bytes) -> array[Any]:
    column = array(code, raw)
    if sys.byteorder == "big":
        column.byteswap()
    return column

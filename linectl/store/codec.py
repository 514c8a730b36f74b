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
from typing import Any

from linectl.model.readings import GOOD, Level, Quality, Reading, Scan, Value, bad

__all__ = ["Block", "BlockHead", "decode", "encode", "head"]

_EXACT = 2**53  # above it a float64 no longer holds each whole number
_IS_BAD = bytes(byte & 0xC0 == Level.BAD for byte in range(256))


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


def head(scans: Sequence[Scan]) -> BlockHead:
    """Return the head of the block that holds `scans`: one boot, one layout, in the order of their sequence."""
    first, last = scans[0], scans[-1]
    return BlockHead(first.boot, first.sequence, last.sequence, first.loop_ns, first.t_ns, last.t_ns, len(scans))


def encode(scans: Sequence[Scan]) -> bytes:
    """Return `scans`, all of one layout, as a block."""
    parts = [
        _differences(scan.sequence for scan in scans),
        _differences(scan.t_ns for scan in scans),
        _differences(scan.loop_ns for scan in scans),
    ]
    qualities = []
    for column in zip(*(scan.readings for scan in scans), strict=True):
        values, quality = _column(column)
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


def _column(readings: Sequence[Reading]) -> tuple[array[float], bytes]:
    return _good_column(readings) or _any_column(readings)


def _good_column(readings: Sequence[Reading]) -> tuple[array[float], bytes] | None:
    """Return the column of readings that are all good and exact, as most are; else None."""
    numbers = [reading.value for reading in readings if reading.quality is GOOD and reading.value is not None]
    if len(numbers) < len(readings) or not -_EXACT <= min(numbers) <= max(numbers) <= _EXACT:
        return None
    return array("d", [number + 0.0 for number in numbers]), bytes((GOOD.byte,)) * len(numbers)


def _any_column(readings: Sequence[Reading]) -> tuple[array[float], bytes]:
    pairs = [_storable(reading) for reading in readings]
    filler = next((value for value, _ in pairs if value is not None), 0.0)
    values = array("d")
    for value, _ in pairs:
        if value is not None:
            filler = value
        values.append(filler)
    return values, bytes(quality for _, quality in pairs)


def _storable(reading: Reading) -> tuple[float | None, int]:
    """Return value and quality byte; None always has a BAD byte, so that no filler is ever taken for a reading."""
    value, quality = reading.value, reading.quality
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

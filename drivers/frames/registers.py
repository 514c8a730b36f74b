"""Registers to values and back, for every kind and byte order; pure and exact.

Modbus carries a register's high byte first (Modbus application protocol V1.1b3, 4.2) and says nothing about values of
several registers: the four orders here are those that devices use.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

from drivers.link import RawValue

__all__ = ["Decode", "decoder", "registers_of", "value_of"]

_FORMATS = {"i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f", "u64": ">Q", "i64": ">q", "f64": ">d"}
_FLOATS = ("f32", "f64")
_SWAPPED_BYTES = ("BADC", "DCBA")
_LOW_WORD_FIRST = ("CDAB", "DCBA")

Decode = Callable[[Sequence[int]], RawValue]


def value_of(kind: str, registers: Sequence[int], order: str = "ABCD", bit: int = -1) -> RawValue:
    """Return what `registers` hold as `kind`; a block as a tuple, a bit of a register or a whole bit as a bool.

    A float may be NaN or infinite (how instruments say "failed"). `order` puts the bytes of a value in their places;
    of a string it swaps the bytes of each register only, and a block and a bit are as they came.

    Raises:
        ValueError: the registers hold no printable ASCII text where `kind` is str.
    """
    return decoder(kind, order, bit)(registers)


@lru_cache(maxsize=512)
def decoder(kind: str, order: str = "ABCD", bit: int = -1) -> Decode:
    """Return what turns the registers (or bits) of one point into its value; see `value_of`."""
    if kind == "block":
        return _block
    if kind == "bool":
        return _bit if bit < 0 else lambda registers: bool(registers[0] >> bit & 1)
    swapped = order in _SWAPPED_BYTES
    if kind == "str":
        return lambda registers: _text(_exchanged(registers) if swapped else registers)
    if kind == "u16" and not swapped:
        return _register
    if kind == "i16" and not swapped:
        return _signed
    return _number(kind, swapped=swapped, low_first=order in _LOW_WORD_FIRST)


def _number(kind: str, *, swapped: bool, low_first: bool) -> Decode:
    unpack = struct.Struct(_FORMATS.get(kind, ">H")).unpack
    packers = [struct.Struct(f"{'<' if swapped else '>'}{count}H").pack for count in range(5)]

    def number(registers: Sequence[int]) -> RawValue:
        words = registers[::-1] if low_first else registers
        value: int | float = unpack(packers[len(words)](*words))[0]
        return value

    return number


def _register(registers: Sequence[int]) -> int:
    return registers[0]


def _signed(registers: Sequence[int]) -> int:
    value = registers[0]
    return value - 0x1_0000 if value & 0x8000 else value


def _bit(registers: Sequence[int]) -> bool:
    return bool(registers[0])


def _block(registers: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(int, registers))  # bits come as booleans


def _exchanged(registers: Sequence[int]) -> tuple[int, ...]:
    return tuple((register & 0xFF) << 8 | register >> 8 for register in registers)


def _text(registers: Sequence[int]) -> str:
    """Return the text up to the first NUL, without the spaces around it."""
    data = struct.pack(f">{len(registers)}H", *registers).partition(b"\0")[0]
    if not data.isascii() or not data.decode("ascii").isprintable():
        raise ValueError(f"{data.hex(' ')} is no printable ASCII text")
    return data.decode("ascii").strip(" ")


def registers_of(kind: str, value: RawValue, order: str = "ABCD", count: int = 0) -> tuple[int, ...]:
    """Return the registers (or bits, as 0 and 1) that hold `value` as `kind`.

    `count` is how many a string or a block takes: a string is filled up with NUL, a block must have just so many
    (0: as many as it has).

    Raises:
        ValueError: the value does not fit; the message says what does.
    """
    if kind == "u16" and type(value) is int and 0 <= value <= 0xFFFF and order == "ABCD":  # a heartbeat, mostly
        return (value,)
    if kind == "block":
        return _block_registers(value, count)
    if kind == "str":
        return _text_registers(value, order, count)
    if isinstance(value, str | tuple):
        raise ValueError(f"{kind} takes a number, not {value!r}")  # noqa: TRY004  # one error for all that does not fit
    if kind == "bool":
        return (int(bool(value)),)
    if kind not in _FLOATS and isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{kind} takes a whole number, not {value!r}")
    registers = _packed(kind, value)
    if order in _LOW_WORD_FIRST:
        registers = registers[::-1]
    return _exchanged(registers) if order in _SWAPPED_BYTES else registers


def _packed(kind: str, value: float) -> tuple[int, ...]:
    try:
        packed = struct.pack(_FORMATS.get(kind, ">H"), value if kind in _FLOATS else int(value))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value!r} does not fit {kind}") from error
    return struct.unpack(f">{len(packed) // 2}H", packed)


def _block_registers(value: RawValue, count: int) -> tuple[int, ...]:
    registers = tuple(value) if isinstance(value, tuple) else ()
    if not registers or not all(0 <= register <= 0xFFFF for register in registers):
        raise ValueError(f"a block takes a tuple of values from 0 to 65535, not {value!r}")
    if count and len(registers) != count:
        raise ValueError(f"it takes {count} values, not {len(registers)}")
    return registers


def _text_registers(value: RawValue, order: str, count: int) -> tuple[int, ...]:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise ValueError(f"str takes printable ASCII text, not {value!r}")
    count = count or math.ceil(len(value) / 2)
    if len(value) > 2 * count:
        raise ValueError(f"{value!r} does not fit {2 * count} characters")
    registers = struct.unpack(f">{count}H", value.encode("ascii").ljust(2 * count, b"\0"))
    return _exchanged(registers) if order in _SWAPPED_BYTES else registers

"""Registers to values and back: every kind in every order, and what instruments really send."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frames.registers import registers_of, value_of
from drivers.link import RawValue

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
RANGES = {
    "u16": (0, 2**16),
    "i16": (-(2**15), 2**15),
    "u32": (0, 2**32),
    "i32": (-(2**31), 2**31),
    "u64": (0, 2**64),
    "i64": (-(2**63), 2**63),
}
words = st.integers(0, 0xFFFF)
text = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8).map(lambda said: said.strip(" "))
VALUES: dict[str, st.SearchStrategy[RawValue]] = {
    **{kind: st.integers(low, beyond - 1) for kind, (low, beyond) in RANGES.items()},
    "f32": st.floats(width=32, allow_nan=False),
    "f64": st.floats(allow_nan=False),
    "str": text,
    "block": st.lists(words, min_size=1, max_size=8).map(tuple),
    "bool": st.booleans(),
}


@given(st.data(), st.sampled_from(sorted(VALUES)), st.sampled_from(ORDERS))
def test_every_kind_comes_back_in_every_order(data: st.DataObject, kind: str, order: str) -> None:
    value = data.draw(VALUES[kind])
    back = value_of(kind, registers_of(kind, value, order, 4 if kind == "str" else 0), order)
    assert back == value
    assert type(back) is type(value)


@given(st.data(), st.sampled_from(sorted(RANGES)), st.sampled_from(ORDERS))
def test_every_register_pattern_is_a_number_that_comes_back(data: st.DataObject, kind: str, order: str) -> None:
    count = {"16": 1, "32": 2, "64": 4}[kind[1:]]
    registers = tuple(data.draw(st.lists(words, min_size=count, max_size=count)))
    assert registers_of(kind, value_of(kind, registers, order), order) == registers


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", [kind for kind in RANGES if kind != "u16"] + ["f32", "f64", "u16"])
def test_the_orders_are_permutations_of_the_bytes(kind: str, order: str) -> None:
    """Against `struct` on bytes that are put in their places one by one."""
    size = int(kind[1:]) // 8
    value = 1.5 if kind[0] == "f" else 0x0102030405060708 & (1 << 8 * size) - 1
    code = {"u": "BHIQ", "i": "bhiq", "f": "  fd"}[kind[0]][size.bit_length() - 1]
    highest_first = struct.pack(f">{code}", value)
    pairs = [highest_first[at : at + 2] for at in range(0, size, 2)]
    if order in {"CDAB", "DCBA"}:
        pairs.reverse()
    if order in {"BADC", "DCBA"}:
        pairs = [pair[::-1] for pair in pairs]
    wire = tuple(int.from_bytes(pair, "big") for pair in pairs)
    assert registers_of(kind, value, order) == wire
    assert value_of(kind, wire, order) == value


@pytest.mark.parametrize(
    ("kind", "order", "wire", "value"),
    [
        ("f32", "CDAB", "00 00 41 A0", 20.0),  # a Twinno T6000 and a Suto S418 send the low word first
        ("f32", "ABCD", "41 A0 00 00", 20.0),
        ("f32", "BADC", "A0 41 00 00", 20.0),
        ("f32", "DCBA", "00 00 A0 41", 20.0),
        ("f64", "ABCD", "40 34 00 00 00 00 00 00", 20.0),
        ("i16", "ABCD", "80 00", -32768),
        ("i16", "BADC", "00 80", -32768),
        ("i16", "ABCD", "FF FB", -5),
        ("u32", "ABCD", "00 01 00 02", 65538),
        ("u32", "CDAB", "00 02 00 01", 65538),
        ("i32", "DCBA", "FE FF FF FF", -2),
        ("u64", "CDAB", "00 00 00 00 00 00 80 00", 1 << 63),
        ("str", "ABCD", "41 72 63 20 00 00", "Arc"),
        ("str", "BADC", "72 41 00 63 00 00", "Arc"),
        ("str", "CDAB", "41 72 63 00", "Arc"),
    ],
)
def test_known_wires(kind: str, order: str, wire: str, value: object) -> None:
    data = bytes.fromhex(wire)
    registers = struct.unpack(f">{len(data) // 2}H", data)
    assert value_of(kind, registers, order) == value


def test_a_wrong_order_gives_another_value() -> None:
    """The negative control: with the words the other way round, 20.0 is next to nothing."""
    assert value_of("f32", (0x0000, 0x41A0), "ABCD") != 20.0


@given(words.map(lambda word: word | 0x7F80), words, st.sampled_from(ORDERS))
def test_a_float_that_is_no_number_is_not_finite_whatever_its_payload(high: int, low: int, order: str) -> None:
    wire = registers_of("u32", high << 16 | low, order)
    value = value_of("f32", wire, order)
    assert isinstance(value, float)
    assert not math.isfinite(value)
    failed = value_of("f32", (0x7FA0, 0x0000))  # how an E+H transmitter says "failed"
    assert isinstance(failed, float)
    assert math.isnan(failed)


@given(words, st.integers(0, 15))
def test_a_bit_of_a_register(register: int, bit: int) -> None:
    assert value_of("bool", (register,), bit=bit) is bool(register & 1 << bit)


@pytest.mark.parametrize("registers", [(0x41E9,), (0x0741,), (0xFFFF, 0xFFFF)])
def test_what_is_no_text_is_said(registers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="no printable ASCII"):
        value_of("str", registers)


@given(st.sampled_from(sorted(RANGES)))
def test_the_first_number_outside_is_refused(kind: str) -> None:
    low, beyond = RANGES[kind]
    for outside in (low - 1, beyond, 10**400):
        with pytest.raises(ValueError, match="does not fit"):
            registers_of(kind, outside)
    for broken in (0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match="whole number"):
            registers_of(kind, broken)


@pytest.mark.parametrize(
    ("kind", "value", "count"),
    [
        ("u16", "x", 0),
        ("f32", 1e39, 0),
        ("f64", 10**400, 0),
        ("f32", (1, 2), 0),
        ("block", (70_000,), 0),
        ("block", (1, 2), 3),
        ("block", (), 0),
        ("block", 3, 0),
        ("str", "abcdefg", 3),
        ("str", "grün", 3),
        ("str", "a\n", 3),
        ("str", 5, 3),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, value: RawValue, count: int) -> None:
    with pytest.raises(ValueError, match=r"fit|takes"):
        registers_of(kind, value, count=count)

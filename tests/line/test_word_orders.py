from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import Point
from linectl.line.word_orders import ORDERS, guesses, likely_order
from linectl.model.lines import Scaling, Tag

SHUFFLE = {"ABCD": (0, 1, 2, 3), "CDAB": (2, 3, 0, 1), "BADC": (1, 0, 3, 2), "DCBA": (3, 2, 1, 0)}


def on_wire(data: bytes, order: str) -> tuple[int, int]:
    """The two registers in which a device of that order sends four bytes."""
    first, second = struct.unpack(">2H", bytes(data[k] for k in SHUFFLE[order]))
    return first, second


def a_tag(kind: str, order: str = "ABCD", *, low: float | None = -20.0, high: float | None = 120.0) -> Tag:
    gain = 1.0 if kind.startswith("f") else 0.1
    return Tag("t.t", "°C", point=Point("1/hr0", kind, order=order), low=low, high=high, scaling=Scaling(gain))


@pytest.mark.parametrize("is_order", ORDERS)
@pytest.mark.parametrize("set_order", ORDERS)
def test_a_float_in_the_wrong_order_is_found_and_the_right_order_named(is_order: str, set_order: str) -> None:
    registers = on_wire(struct.pack(">f", 71.3), is_order)
    assert likely_order(a_tag("f32", set_order), registers) == ("" if is_order == set_order else is_order)


@given(st.floats(0.5, 120.0, width=32), st.sampled_from(ORDERS))
def test_the_right_order_is_never_blamed(value: float, order: str) -> None:
    assert likely_order(a_tag("f32", order), on_wire(struct.pack(">f", value), order)) == ""


def test_swapped_words_that_give_a_tiny_number_are_not_taken_for_a_measured_zero() -> None:
    own, *_ = guesses(a_tag("f32", "CDAB"), on_wire(struct.pack(">f", 71.3), "ABCD"))
    assert isinstance(own.value, float)
    assert abs(own.value) < 1e-20  # inside -20 to 120
    assert own.plausible is False


def test_without_a_range_nothing_is_judged() -> None:
    registers = on_wire(struct.pack(">f", 71.3), "CDAB")
    assert {guess.plausible for guess in guesses(a_tag("f32", low=None), registers)} == {None}
    assert likely_order(a_tag("f32", low=None), registers) == ""


def test_integers_and_single_registers() -> None:
    assert likely_order(a_tag("i32"), on_wire(struct.pack(">i", 713), "CDAB")) == "CDAB"
    assert likely_order(a_tag("i16"), (0xC902,)) == "BADC"  # 0x02C9 = 713 with its bytes swapped
    assert guesses(a_tag("bool"), (1,)) == []

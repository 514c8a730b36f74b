from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import Point, RawReading
from linectl.line.convert import NotRepresentable, decoder, encode, judged
from linectl.model.lines import Scaling, Tag
from linectl.model.readings import GOOD, bad


def tag(kind: str = "i16", dtype: str = "float", **fields: Any) -> Tag:
    return Tag("bath.x", "°C", link="plc", point=Point("2/ir10", kind), dtype=dtype, **fields)


TENTHS = tag(scaling=Scaling(gain=0.1, bad_raw=(-32768.0,)), low=-20.0, high=120.0)


@given(st.integers(-200, 1200))
def test_tenths_are_exact(raw: int) -> None:
    assert decoder(TENTHS)(raw) == (float(f"{raw / 10:.1f}"), GOOD, "")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (-32768, "sensor_failure"),
        (math.nan, "sensor_failure"),
        (math.inf, "sensor_failure"),
        (1201, "out_of_range"),
        (-201, "out_of_range"),
        (-1270, "out_of_range"),
        ("warm", "bad_reply"),
        (True, "bad_reply"),
        ((1, 2), "bad_reply"),
    ],
)
def test_what_is_no_temperature_is_no_value(raw: Any, reason: str) -> None:
    value, quality, _detail = decoder(TENTHS)(raw)
    assert value is None
    assert quality == bad(reason)


def test_bool_and_int_tags() -> None:
    assert decoder(tag("bool", "bool"))(False) == (False, GOOD, "")
    assert decoder(tag("bool", "bool"))(1)[1] == bad("bad_reply")
    assert decoder(tag("u16", "int"))(7) == (7, GOOD, "")
    assert isinstance(decoder(tag("u16", "int"))(7)[0], int)


def test_gain_and_offset() -> None:
    scaled = tag(scaling=Scaling(gain=2.5, offset=-10.0))
    assert decoder(scaled)(8)[0] == 10.0
    assert encode(scaled, 10.0) == 8


@given(st.integers(-32768, 32767), st.sampled_from([1.0, 0.1, 0.01, 0.001, 2.5, -0.5]))
def test_what_is_written_is_what_is_read_back(raw: int, gain: float) -> None:
    point = tag(scaling=Scaling(gain=gain))
    value = decoder(point)(raw)[0]
    assert value is not None
    assert encode(point, value) == raw


@pytest.mark.parametrize("value", [math.nan, math.inf, 4000.0, -4000.0, 1.7e308, True])
def test_what_a_register_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(NotRepresentable):
        encode(TENTHS, value)


def test_a_bool_point_takes_only_a_bool() -> None:
    assert encode(tag("bool", "bool"), value=True) is True
    with pytest.raises(NotRepresentable):
        encode(tag("bool", "bool"), 1)


STATES = {0: "stopped", 1: "running", 5: "held"}


def test_a_number_that_is_no_state_is_no_value() -> None:
    state = tag("u16", "int", states=STATES)
    assert decoder(state)(5) == (5, GOOD, "")
    assert (state.state(5), state.state(2), state.state(None), tag().state(5)) == ("held", "", "", "")
    value, quality, detail = decoder(state)(2)
    assert (value, quality) == (None, bad("out_of_range"))
    assert detail == "2 is none of 0 stopped, 1 running, 5 held"
    assert decoder(tag("u16", "int"))(2) == (2, GOOD, "")  # the control


def test_only_a_state_is_written() -> None:
    state = tag("u16", "int", states=STATES)
    assert encode(state, 5) == 5
    with pytest.raises(NotRepresentable, match="2 is none of 0 stopped"):
        encode(state, 2)


@given(st.sampled_from(["u32", "i32", "u64", "i64"]), st.data())
def test_whole_numbers_of_many_registers_are_exact(kind: str, data: st.DataObject) -> None:
    bits, signed = int(kind[1:]), kind[0] == "i"
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    raw = data.draw(st.integers(max(low, -(2**53)), min(high, 2**53)))
    whole = tag(kind, "int")
    assert decoder(whole)(raw)[0] == raw
    assert encode(whole, raw) == raw
    with pytest.raises(NotRepresentable):
        encode(whole, high + 1)


def test_a_wires_reason_is_kept() -> None:
    decode = decoder(TENTHS)
    assert judged(RawReading(None, "not_connected", "gone"), decode) == (None, bad("not_connected"), "gone")
    assert judged(RawReading(None, "odd"), decode)[1] == bad("sensor_failure")


def test_what_is_remembered_of_a_register_is_of_its_whole_numbers_alone() -> None:
    decode = decoder(tag("u16", "int"))
    assert decode(1) == decode(1) == (1, GOOD, "")
    assert decode(True)[1] == bad("bad_reply")  # equal to 1, and no number
    assert type(decode(1.0)[0]) is int

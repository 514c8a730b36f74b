"""The text commands of circulators in both dialects."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadReply, DeviceFault
from drivers.frames import circulator
from drivers.frames.circulator import Dialect

PARSERS: list[Callable[[bytes], object]] = [
    circulator.dialect_of,
    circulator.parse_number,
    circulator.parse_switch,
    circulator.parse_ok,
    circulator.parse_identity,
    circulator.parse_status,
    circulator.parse_fault_flags,
]


@pytest.mark.parametrize(
    ("line", "dialect"),
    [
        (b"0", Dialect.LAUDA),
        (b"-1\r", Dialect.LAUDA),
        (b"ERR_3", Dialect.LAUDA),
        (b"03 REMOTE START", Dialect.JULABO),
        (b"-08 INVALID COMMAND", Dialect.JULABO),
    ],
)
def test_the_dialect_shows_in_the_status(line: bytes, dialect: Dialect) -> None:
    assert circulator.dialect_of(line) is dialect


@pytest.mark.parametrize(("line", "value"), [(b"061.25", 61.25), (b"-012.50", -12.5), (b"55.5\r", 55.5), (b"7", 7.0)])
def test_temperatures(line: bytes, value: float) -> None:
    assert circulator.parse_number(line) == value


@pytest.mark.parametrize(
    "line", [b"", b".", b"-", b".25", b"61.", b"nan", b"1e3", b"12345", b"6 1", b"OK", b"03 REMOTE START", b"\xb0"]
)
def test_what_is_no_temperature(line: bytes) -> None:
    with pytest.raises(BadReply):
        circulator.parse_number(line)


@pytest.mark.parametrize("parse", PARSERS[1:])
def test_an_error_has_the_circulators_code(parse: Callable[[bytes], object]) -> None:
    with pytest.raises(DeviceFault, match=r"ERR_6 \(value not permitted\)") as caught:
        parse(b"ERR_6\r\n")
    assert caught.value.code == 6


@pytest.mark.parametrize("line", [b"", b"61.25", b"0", b"OK", b"03 REMOTE START", b"-01 LOW LEVEL ALARM", b"A\x01B"])
def test_a_name_is_never_what_another_question_is_answered_with(line: bytes) -> None:
    with pytest.raises(BadReply):
        circulator.parse_identity(line)


def test_names_switches_and_acknowledgements() -> None:
    assert (
        circulator.parse_identity(b"JULABO HIGHTECH FL HL/SL VERSION 4.0\r") == "JULABO HIGHTECH FL HL/SL VERSION 4.0"
    )
    assert circulator.parse_identity(b"BC_LOOP") == "BC_LOOP"
    assert circulator.parse_switch(b"1") == 1
    circulator.parse_ok(b"OK")
    for parse, line in (
        (circulator.parse_switch, b"2"),
        (circulator.parse_switch, b"1.0"),
        (circulator.parse_ok, b"0"),
    ):
        with pytest.raises(BadReply):
            parse(line)


@pytest.mark.parametrize(
    ("line", "fault", "blind", "refused"),
    [
        (b"0", False, False, False),
        (b"-1", True, False, False),
        (b"00 MANUAL STOP", False, False, False),
        (b"-01 LOW LEVEL ALARM", True, False, False),
        (b"-05 WORKING SENSOR ALARM", True, True, False),
        (b"-06 SENSOR DIFFERENCE ALARM", True, True, False),
        (b"-13 TEMPERATURE MEASUREMENT ALARM", True, True, False),
        (b"-13 VALUE EXCEEDS TEMPERATURE LIMITS", False, False, True),
        (b"-09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE", False, False, True),
        (b"-11 VALUE TOO LARGE", False, False, True),
    ],
)
def test_a_status_tells_faults_from_refused_commands(line: bytes, fault: bool, blind: bool, refused: bool) -> None:
    status = circulator.parse_status(line)
    assert (status.fault, status.blind, status.refused) == (fault, blind, refused)
    assert status.text == line.decode("ascii")


def test_the_flags_of_a_fault_have_names() -> None:
    assert circulator.parse_fault_flags(b"0000000") == ()
    assert circulator.parse_fault_flags(b"1000100") == ("error", "low level")
    assert circulator.parse_fault_flags(b"010000") == ("alarm",)
    with pytest.raises(BadReply):
        circulator.parse_fault_flags(b"00002")


def test_commands_of_both_dialects() -> None:
    julabo, lauda = circulator.JULABO, circulator.LAUDA
    assert circulator.encode_command(julabo.set_setpoint.format(55.5)) == b"out_sp_00 55.50\r"
    assert circulator.encode_command(lauda.set_setpoint.format(-5)) == b"OUT_SP_00_-5.00\r"
    assert (julabo.start, lauda.start, julabo.running, lauda.running) == (
        "out_mode_05 1",
        "START",
        "in_mode_05",
        "IN_MODE_02",
    )


TEXTS = st.from_regex(r"(ERR_[0-9]{0,5}|-?[0-9]{1,3}( [A-Z ]{0,20})?|[01]{0,8}|OK|[ -~]{0,90})", fullmatch=True)


@pytest.mark.parametrize("parse", PARSERS)
@given(line=st.one_of(st.binary(max_size=100), TEXTS.map(str.encode)))
def test_any_line_is_an_answer_or_a_refusal(parse: Callable[[bytes], object], line: bytes) -> None:
    with contextlib.suppress(BadReply, DeviceFault):
        parse(line)


@given(st.floats(-99, 400))
def test_a_setpoint_comes_back_as_it_was_sent(value_c: float) -> None:
    for commands in (circulator.LAUDA, circulator.JULABO):
        text = commands.set_setpoint.format(value_c)
        assert circulator.parse_number(text[len("OUT_SP_00_") :].encode()) == pytest.approx(value_c, abs=0.006)

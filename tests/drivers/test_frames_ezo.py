"""The EZO text protocol, both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadReply
from drivers.frames import ezo


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"7.82", ezo.Values((7.82,))),
        (b"-1023.000", ezo.Values((ezo.NO_PROBE_RTD,))),
        (b"1413.00,763.02", ezo.Values((1413.0, 763.02))),
        (b"\n71.234", ezo.Values((71.234,))),
        (b"*OK", ezo.Code.OK),
        (b"*ER", ezo.Code.UNKNOWN_COMMAND),
        (b"*OV", ezo.Code.OVER_VOLTAGE),
        (b"*UV", ezo.Code.UNDER_VOLTAGE),
        (b"*RS", ezo.Code.RESET),
        (b"*RE", ezo.Code.READY),
        (b"*SL", ezo.Code.SLEEP),
        (b"*WA", ezo.Code.WAKE),
        (b"?i,RTD,2.10", ezo.Info("RTD", "2.10")),
        (b"?I,EC,2.16", ezo.Info("EC", "2.16")),
        (b"?*OK,1", ezo.Answer("*OK", ("1",))),
        (b"?O,EC,TDS", ezo.Answer("O", ("EC", "TDS"))),
        (b"?Slope,99.7,100.3,-0.89", ezo.Answer("Slope", ("99.7", "100.3", "-0.89"))),
    ],
)
def test_what_a_circuit_says(line: bytes, reply: ezo.Reply) -> None:
    assert ezo.parse_reply(line) == reply


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nan",
        b"inf",
        b"1e5",
        b"1_0",
        b"7.82,",
        b"7..8",
        b"T=7",
        b"*XX",
        b"?i,RTD",
        b"?i,,",
        b"\xff\xfe7.82",
        b"0x10",
        b"9" * 40,
    ],
)
def test_what_is_no_reply(line: bytes) -> None:
    with pytest.raises(BadReply):
        ezo.parse_reply(line)


@given(st.binary(max_size=80))
def test_any_line_is_a_reply_or_a_bad_reply(line: bytes) -> None:
    try:
        reply = ezo.parse_reply(line)
    except BadReply:
        return
    assert isinstance(reply, ezo.Values | ezo.Code | ezo.Info | ezo.Answer)


@given(st.lists(st.floats(-2000, 500_000), min_size=1, max_size=4))
def test_values_come_back_as_they_were_said(values: list[float]) -> None:
    line = ezo.encode_values(tuple(values), 3)
    reply = ezo.parse_reply(line.removesuffix(b"\r"))
    assert isinstance(reply, ezo.Values)
    assert reply.fields == pytest.approx(values, abs=0.0005)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_circuit_cannot_say_nan(value: float) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        ezo.encode_values((value,), 3)


@pytest.mark.parametrize("reply", [*ezo.Code, ezo.Info("RTD", "2.10"), ezo.Answer("C", ("0",)), ezo.Answer("X", ())])
def test_answers_come_back_as_they_were_said(reply: ezo.Code | ezo.Info | ezo.Answer) -> None:
    line = ezo.encode_answer(reply)
    assert line.endswith(ezo.TERMINATOR)
    assert ezo.parse_reply(line.removesuffix(b"\r")) == reply


def test_commands_are_read_whatever_their_case() -> None:
    assert ezo.encode_command("C,0") == b"C,0\r"
    assert ezo.parse_command(b"c,0") == ezo.Command("C", ("0",))
    assert ezo.parse_command(b"i") == ezo.Command("I")
    assert ezo.parse_command(b"*ok,?") == ezo.Command("*OK", ("?",))


@pytest.mark.parametrize("line", [b"", b",0", b"R\x01", b"\xff"])
def test_what_a_circuit_does_not_understand(line: bytes) -> None:
    assert ezo.parse_command(line) is None


def test_the_answer_that_names_the_fields_of_a_reading() -> None:
    assert ezo.parse_reply(b"?,O,EC,TDS,S,SG") == ezo.Answer("", ("O", "EC", "TDS", "S", "SG"))

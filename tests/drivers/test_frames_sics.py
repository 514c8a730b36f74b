"""The MT-SICS text protocol."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadReply, DeviceFault
from drivers.frames import sics
from drivers.frames.sics import Fault, Weight

PARSERS: list[Callable[[bytes], object]] = [
    sics.parse_weight,
    sics.parse_tare,
    sics.parse_zero,
    sics.parse_serial_number,
]


@pytest.mark.parametrize(
    ("line", "weight"),
    [
        (b"S S     100.00 g", Weight(100.0, stable=True)),
        (b"S S    -100.0  g", Weight(-100.0, stable=True)),
        (b"S D       0.00 g\r\n", Weight(0.0, stable=False)),
        (b"S S 1.5 kg", Weight(1500.0, stable=True)),
        (b"S S 250 mg", Weight(0.25, stable=True)),
    ],
)
def test_weights_are_cut_at_spaces_and_given_in_grams(line: bytes, weight: Weight) -> None:
    assert sics.parse_weight(line) == weight


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"S I", Fault.NOT_EXECUTABLE),
        (b"S +", Fault.OVERLOAD),
        (b"S -", Fault.UNDERLOAD),
        (b"S L", Fault.LOGICAL),
        (b"ES", Fault.SYNTAX),
        (b"ET", Fault.TRANSMISSION),
        (b"EL", Fault.LOGICAL),
        (b"S S Error 10b", Fault.HARDWARE),
    ],
)
def test_what_a_balance_could_not_do_has_its_code(line: bytes, fault: Fault) -> None:
    with pytest.raises(DeviceFault) as caught:
        sics.parse_weight(line)
    assert caught.value.code == fault


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"S",
        b"S S",
        b"S S 100.00",
        b"S S 1e5 g",
        b"S S nan g",
        b"S S 1_0 g",
        b"S X 1.0 g",
        b"T S 100.00 g",
        b"S S 5 pcs",
        b"71.2",
        b"\xff",
        b"I4 A",
    ],
)
def test_what_is_no_weight(line: bytes) -> None:
    with pytest.raises(BadReply):
        sics.parse_weight(line)


def test_tare_zero_and_serial_number() -> None:
    assert sics.parse_tare(b"T S     100.00 g") == Weight(100.0, stable=True)
    sics.parse_zero(b"Z A")
    assert sics.parse_serial_number(b'I4 A "B021 0025-93"') == "B021 0025-93"
    with pytest.raises(DeviceFault, match=r"T \+: overload"):
        sics.parse_tare(b"T +")
    with pytest.raises(DeviceFault, match="Z I"):
        sics.parse_zero(b"Z I")
    for parse, line in (
        (sics.parse_zero, b"Z S"),
        (sics.parse_zero, b"T S 1.0 g"),
        (sics.parse_serial_number, b'I4 A "'),
        (sics.parse_serial_number, b"S S 1.0 g"),
    ):
        with pytest.raises(BadReply):
            parse(line)


@given(st.floats(-9000, 9000), st.booleans(), st.sampled_from(["g", "kg", "mg"]))
def test_a_weight_comes_back_as_it_was_sent(grams: float, stable: bool, unit: str) -> None:
    line = sics.encode_weight(Weight(grams, stable=stable), 6, unit=unit)
    assert line.endswith(sics.TERMINATOR)
    weight = sics.parse_weight(line)
    assert weight.stable is stable
    assert weight.grams == pytest.approx(grams, abs=0.001)


FRAGMENTS = st.lists(
    st.sampled_from(
        [b"S", b"D", b"T", b"Z", b"A", b"I", b"I4", b"+", b"-", b"g", b"kg", b"1.0", b'"x"', b"Error", b"\xff"]
    )
).map(b" ".join)


@pytest.mark.parametrize("parse", PARSERS)
@given(line=st.one_of(st.binary(max_size=60), FRAGMENTS))
def test_any_line_is_an_answer_or_a_refusal(parse: Callable[[bytes], object], line: bytes) -> None:
    with contextlib.suppress(BadReply, DeviceFault):
        parse(line)

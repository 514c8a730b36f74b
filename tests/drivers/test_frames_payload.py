"""JSON payloads: hostile text never becomes a value."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import BadReply
from drivers.frames.payload import (
    DEPTH_LIMIT,
    SIZE_LIMIT,
    BadPayload,
    Json,
    decode,
    decode_number,
    field_at,
    source_time_ns,
    typed,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(JSON)
def test_sound_json_is_read(document: Json) -> None:
    text = json.dumps(document).encode()
    if len(text) <= SIZE_LIMIT:
        assert decode(text) == document


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:0123456789.eE-+ tfn\\', max_size=200).map(str.encode))
def test_anything_else_is_a_bad_reply(payload: bytes) -> None:
    try:
        document = decode(payload)
    except BadReply:
        return
    assert document is None or isinstance(document, bool | int | float | str | list | dict)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "bad_json"),
        (b"NaN", "not_finite"),
        (b"-Infinity", "not_finite"),
        (b"1e999", "not_finite"),
        (b'{"v": NaN}', "not_finite"),
        (b"9" * 30, "bad_number"),
        (b"\xff\xfe", "bad_utf8"),
        (b'{"v": "\xc3\x28"}', "bad_utf8"),
        (b'{"v": 1', "bad_json"),
        (b'{"v": 1, "v": 2}', "double_key"),
        (b'{"w": {"v": 1, "v": 1}}', "double_key"),
        (b"[" * 2000 + b"]" * 2000, "too_deep"),
        (b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1), "too_deep"),
        (b'"' + b"x" * SIZE_LIMIT + b'"', "oversize"),
    ],
)
def test_hostile_payloads(payload: bytes, reason: str) -> None:
    with pytest.raises(BadPayload) as caught:
        decode(payload)
    assert caught.value.reason == reason


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["", " ", "\n", "\r\n"]))
def test_a_plain_number_is_read(number: float, space: str) -> None:
    assert decode_number(f"{space}{number!r}{space}".encode()) == number


@given(st.binary(max_size=100) | st.text(alphabet="0123456789.eE+-_ xinfNa", max_size=80).map(str.encode))
def test_any_other_text_is_no_number(payload: bytes) -> None:
    try:
        number = decode_number(payload)
    except BadPayload:
        return
    assert math.isfinite(number)
    assert float(payload) == number  # never anything that it does not say


@pytest.mark.parametrize(
    "payload", [b"", b"21,5", b"21.5 C", b"nan", b"1e999", b"1_0", b"\xff", b"1" * 5000, b".", b"\xd9\xa1"]
)
def test_what_is_no_plain_number(payload: bytes) -> None:
    with pytest.raises(BadPayload):
        decode_number(payload)


def test_brackets_in_text_are_no_depth() -> None:
    assert decode(b'["' + b"[" * 50 + b'\\""]') == ["[" * 50 + '"']
    assert decode(b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT) is not None


@pytest.mark.parametrize("piece", ['"\\', '"', '"\\"', "[", '["', '{"a":', "\\", '"\\\n'])
def test_hostile_text_takes_no_longer_than_it_is_long(piece: str) -> None:
    payload = ("[" * 20 + piece * SIZE_LIMIT).encode()
    started = time.process_time()
    for cut in range(50):
        with pytest.raises(BadPayload):
            decode(payload[: SIZE_LIMIT - cut])
    assert time.process_time() - started < 2.0  # usually 0.01 s; quadratic: 6 s


def depth_of(value: Json) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(st.text(alphabet='[]{}"\\a', max_size=60))
def test_depth_is_what_the_parser_would_go_into(text: str) -> None:
    wrapped = "[" * DEPTH_LIMIT + text + "]" * DEPTH_LIMIT
    try:
        document = json.loads(wrapped)
    except ValueError:
        return
    if depth_of(document) > DEPTH_LIMIT:
        with pytest.raises(BadPayload):
            decode(wrapped.encode())
    else:
        assert decode(wrapped.encode()) == document


def test_fields_are_found_by_their_path() -> None:
    document: Json = {"a": [{"b": 1}, {"b": 2}], "c": None}
    assert field_at(document, ("a", "1", "b")) == 2
    assert field_at(document, ("c",)) is None
    assert field_at(7, ()) == 7
    for path in (("x",), ("a", "2"), ("a", "b"), ("c", "d"), ("a", "-1")):
        with pytest.raises(BadReply, match="no field"):
            field_at(document, path)


def test_infinity_is_no_integer() -> None:
    with pytest.raises(BadReply):
        typed(math.inf, "u16")


@pytest.mark.parametrize(
    ("ts", "expected_ns"),
    [
        ("2026-01-01T00:00:00.250Z", 1_767_225_600_250_000_000),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600_000_000_000),
        ("2026-01-01T00:00:00", None),
        ("yesterday", None),
        (1_767_225_600, 1_767_225_600_000_000_000),
        (1_680_962_879.62, 1_680_962_879_620_000_000),
        (1_767_225_600_123, 1_767_225_600_123_000_000),
        (12, None),
        (True, None),
        (None, None),
    ],
)
def test_a_devices_own_time(ts: Json, expected_ns: int | None) -> None:
    assert source_time_ns({"ts": ts}) == expected_ns


def test_without_a_time_there_is_none() -> None:
    assert source_time_ns({}) is None
    assert source_time_ns([1]) is None

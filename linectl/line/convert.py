"""Raw values of wires <-> values in a tag's unit, with quality. Pure functions, made once per tag."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

from drivers.link import RawReading, RawValue
from linectl.model.lines import Tag
from linectl.model.readings import BAD_REASONS, GOOD, Quality, Value, bad
from linectl.words import tr

__all__ = ["Decoded", "NotRepresentable", "decoder", "encode", "judged"]

Decoded = tuple[Value | None, Quality, str]
Decoder = Callable[[RawValue], Decoded]

_RANGES = {"u16": (0, 0xFFFF), "i16": (-0x8000, 0x7FFF), "u32": (0, 0xFFFFFFFF), "i32": (-0x80000000, 0x7FFFFFFF)}


class NotRepresentable(ValueError):
    """The value has no raw form that the point can hold."""


def decoder(tag: Tag) -> Decoder:
    """Return the function that turns a raw value of `tag` into value, quality and detail.

    A code of `bad_raw`, and a number that is none, are a failed sensor; outside low..high is out of range. Either way
    the value is None.
    """
    return _bool_decoder() if tag.dtype == "bool" else _number_decoder(tag)


def _bool_decoder() -> Decoder:
    true, false = (True, GOOD, ""), (False, GOOD, "")

    def decode(raw: RawValue) -> Decoded:
        if raw is True or raw is False:
            return true if raw else false
        return None, bad("bad_reply"), f"expected true or false, got {raw!r}"

    return decode


def _number_decoder(tag: Tag) -> Decoder:
    scale, low, high = _scale(tag), tag.low, tag.high
    least = float("-inf") if low is None else low
    most = float("inf") if high is None else high
    whole = tag.dtype == "int"
    bad_raw = frozenset(tag.scaling.bad_raw)

    def decode(raw: RawValue) -> Decoded:
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            return None, bad("bad_reply"), f"expected a number, got {raw!r}"
        if raw in bad_raw or not isfinite(raw):
            return None, bad("sensor_failure"), f"raw {raw}"
        value = scale(raw)
        if not least <= value <= most:
            return None, bad("out_of_range"), f"{value:g} {tag.unit}"
        return (round(value) if whole else value), GOOD, ""

    return decode


def _scale(tag: Tag) -> Callable[[float], float]:
    """Return raw -> unit; a gain of 0.1 divides by 10, so that 231 becomes 23.1 and not 23.100000000000001."""
    gain, offset = tag.scaling.gain, tag.scaling.offset
    divisor = round(1.0 / gain)
    if divisor and abs(divisor * gain - 1.0) < 1e-12:
        return lambda raw: raw / divisor + offset
    return lambda raw: raw * gain + offset


def encode(tag: Tag, value: Value) -> RawValue:
    """Return the raw form of `value` (in the tag's unit) that the tag's point takes.

    Raises:
        NotRepresentable: it has none (wrong type, not finite, beyond the register).
    """
    assert tag.point is not None
    kind = tag.point.kind
    if kind == "bool" or tag.dtype == "bool":
        if value is True or value is False:
            return value
        raise NotRepresentable(tr("expected true or false, not {value}").format(value=value))
    if isinstance(value, bool) or not isfinite(value):
        raise NotRepresentable(tr("expected a finite number, not {value}").format(value=value))
    raw = (value - tag.scaling.offset) / tag.scaling.gain
    if kind not in _RANGES:
        return raw
    low, high = _RANGES[kind]
    if not low <= round(raw) <= high:
        raise NotRepresentable(tr("{value:g} does not fit into the register ({kind})").format(value=value, kind=kind))
    return round(raw)


def judged(raw: RawReading, decode: Decoder) -> Decoded:
    """Return the value of a raw reading, or None with the wire's own reason."""
    if raw.value is None:
        reason = raw.reason if raw.reason in BAD_REASONS else "sensor_failure"
        return None, bad(reason), raw.detail
    return decode(raw.value)

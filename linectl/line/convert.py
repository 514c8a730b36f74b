"""Raw values of wires <-> values in a tag's unit, with quality. Pure functions (but of counters), made once per tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isclose, isfinite

from drivers.link import RawReading, RawValue
from linectl.line.counters import COUNTER_BITS, Total
from linectl.model.lines import Tag
from linectl.model.readings import BAD_REASONS, GOOD, Quality, Value, bad
from linectl.words import tr

__all__ = ["Decoded", "NotRepresentable", "decoder", "encode", "judged", "kept", "resolution", "same"]

Decoded = tuple[Value | None, Quality, str]
Decoder = Callable[[RawValue], Decoded]

_RANGES = {
    kind: (-(1 << int(kind[1:]) - 1), (1 << int(kind[1:]) - 1) - 1) if kind[0] == "i" else (0, (1 << int(kind[1:])) - 1)
    for kind in ("u16", "i16", "u32", "i32", "u64", "i64")
}
_NUMBER = (int, float)  # made once: `int | float` would be made anew for each value
_KNOWN = 1000  # decoded values of a register that are remembered
_LARGEST_WHOLE = 1 << 53  # the store keeps values as float64: whole numbers beyond are not kept exactly


class NotRepresentable(ValueError):
    """The value has no raw form that the point can hold."""


def decoder(tag: Tag) -> Decoder:
    """Return the function that turns a raw value of `tag` into value, quality and detail.

    A code of `bad_raw`, and a number that is none, are a failed sensor; outside low..high, and none of the tag's
    states, is out of range. Either way the value is None. The range is the instrument's: it holds before the correction
    of the tag's calibration. The decoder of a counter remembers: it is for one wire's readings in their order, and
    low..high hold for the total.
    """
    if tag.dtype == "bool":
        return _bool_decoder()
    if tag.counter:
        return _counting(tag, _number_decoder(tag))
    registers = tag.point is not None and tag.point.kind in _RANGES
    return _remembering(_number_decoder(tag)) if registers else _number_decoder(tag)


def _remembering(decode: Decoder) -> Decoder:
    """Return `decode` for registers: they hold few values, which come again and again."""
    known: dict[int, Decoded] = {}

    def remembered(raw: RawValue) -> Decoded:
        if type(raw) is not int:  # 1.0 and True would find what is known of 1
            return decode(raw)
        decoded = known.get(raw)
        if decoded is None:
            if len(known) >= _KNOWN:
                known.clear()
            decoded = known[raw] = decode(raw)
        return decoded

    return remembered


def _counting(tag: Tag, decode: Decoder) -> Decoder:
    """Return `decode` for the total of a counter in place of its raw values."""
    assert tag.point is not None
    bits = COUNTER_BITS[tag.point.kind]
    total, bad_raw = Total(bits), frozenset(tag.scaling.bad_raw)

    def count(raw: RawValue) -> Decoded:
        if type(raw) is not int or raw in bad_raw or not 0 <= raw < 1 << bits:
            return decode(raw)
        return decode(total.add(raw))

    return count


def _bool_decoder() -> Decoder:
    true, false = (True, GOOD, ""), (False, GOOD, "")

    def decode(raw: RawValue) -> Decoded:
        if raw is True or raw is False:
            return true if raw else false
        return None, bad("bad_reply"), f"expected true or false, got {raw!r}"

    return decode


def _number_decoder(tag: Tag) -> Decoder:
    scale, low, high, correct = _scale(tag), tag.low, tag.high, tag.correction
    whole = tag.dtype == "int"
    bound = _LARGEST_WHOLE if whole else float("inf")
    least = -bound if low is None else max(low, -bound)
    most = bound if high is None else min(high, bound)
    bad_raw, states = frozenset(tag.scaling.bad_raw), tag.states

    def decode(raw: RawValue) -> Decoded:
        if type(raw) is not int and (isinstance(raw, bool) or not isinstance(raw, _NUMBER)):
            return None, bad("bad_reply"), f"expected a number, got {raw!r}"
        if (bad_raw and raw in bad_raw) or not isfinite(raw):
            return None, bad("sensor_failure"), f"raw {raw}"
        value = scale(raw) if scale is not None else raw
        if not least <= value <= most:
            return None, bad("out_of_range"), f"{value:g} {tag.unit}"
        if states and value not in states:
            return None, bad("out_of_range"), f"{value:g} is none of {_listed(states)}"
        if correct is not None:
            return correct(value), GOOD, ""
        return (round(value) if whole and type(value) is not int else value), GOOD, ""

    return decode


def _listed(states: Mapping[int, str]) -> str:
    return ", ".join(f"{number} {label}" for number, label in states.items())


def _scale(tag: Tag) -> Callable[[float], float] | None:
    """Return raw -> unit, None where they are the same.

    A gain of 0.1 divides by 10, so that 231 becomes 23.1 and not 23.100000000000001.
    """
    gain, offset = tag.scaling.gain, tag.scaling.offset
    if gain == 1.0 and offset == 0.0 and tag.dtype == "int":
        return None  # a float would lose what is beyond 2^53
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
    if tag.states and value not in tag.states:
        states = _listed(tag.states)
        raise NotRepresentable(tr("{value:g} is none of {states}").format(value=value, states=states))
    plain = tag.scaling.gain == 1.0 and tag.scaling.offset == 0.0
    raw = value if plain else (value - tag.scaling.offset) / tag.scaling.gain
    if kind not in _RANGES:
        return raw
    low, high = _RANGES[kind]
    if not isfinite(raw) or not low <= round(raw) <= high:
        raise NotRepresentable(tr("{value:g} does not fit into the register ({kind})").format(value=value, kind=kind))
    return round(raw)


def judged(raw: RawReading, decode: Decoder) -> Decoded:
    """Return the value of a raw reading, or None with the wire's own reason."""
    if raw.value is None:
        reason = raw.reason if raw.reason in BAD_REASONS else "sensor_failure"
        return None, bad(reason), raw.detail
    return decode(raw.value)


def resolution(tag: Tag) -> float:
    """Return the smallest change that the register of `tag` can keep, in its unit; 0: any."""
    whole = tag.point is not None and tag.point.kind in _RANGES
    return abs(tag.scaling.gain) if whole else 0.0


def kept(tag: Tag, value: Value) -> Value:
    """Return what the register of `tag` keeps of `value`: the nearest that it can hold.

    Raises:
        NotRepresentable: it has no raw form.
    """
    raw, scale = encode(tag, value), _scale(tag)
    assert not isinstance(raw, str | tuple)  # what is written is a number or a bool
    return raw if isinstance(raw, bool) or scale is None else scale(raw)


def same(tag: Tag, one: Value, other: Value) -> bool:
    """Return whether two values of `tag` are the same to its register."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one == other
    return isclose(one, other, rel_tol=1e-6, abs_tol=max(resolution(tag) / 2.0, 1e-9))

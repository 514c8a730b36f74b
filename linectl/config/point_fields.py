"""What tags of a line and points of an instrument say alike: kind, order, scaling, range, states, counter."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from linectl.config.nodes import Document, Loc
from linectl.config.schema import FileModel, Finite
from linectl.model.scaling import Scaling
from linectl.words import tr

__all__ = ["POINT_KEYS", "Kind", "Order", "PointFields", "check_fields", "usual_bad_raw"]

Kind = Literal["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bool", "str", "block", "float"]
Order = Literal["ABCD", "CDAB", "BADC", "DCBA"]
Text = Annotated[str, Field(min_length=1)]

I16_FAULT = -32_768.0
"""The raw value by which a device with 16-bit numbers says, as a rule, that its sensor failed."""

_COUNTERS = ("u16", "u32", "u64")
_WHOLE = ("u16", "i16", "u32", "i32", "u64", "i64")
_ORDERS: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("u32", "i32", "u64", "i64", "f32", "f64"), ("ABCD", "CDAB", "BADC", "DCBA")
)
_ORDERS.update(dict.fromkeys(("u16", "i16", "str"), ("ABCD", "BADC")))
_STATE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")


class PointFields(FileModel):
    """How the raw value of a point becomes a value in its unit; `bad_raw` of an i16 is [-32768] when not stated."""

    unit: str = ""
    description: str = ""
    kind: Kind = "u16"
    order: Order = "ABCD"
    readback: bool = True
    low: Finite | None = None
    high: Finite | None = None
    gain: Finite = 1.0
    offset: Finite = 0.0
    bad_raw: tuple[Finite, ...] | None = None
    writable: bool = False
    states: dict[str, Text] = Field(default_factory=dict)
    counter: bool = False
    dtype: Literal["float", "int", "bool"] | None = None

    def scaling(self) -> Scaling:
        """Return gain, offset and the raw values that say "sensor fault"."""
        bad = usual_bad_raw(self.kind) if self.bad_raw is None else self.bad_raw
        return Scaling(self.gain, self.offset, bad)

    def names(self) -> dict[int, str]:
        """Return the states by number."""
        return {int(key): label for key, label in self.states.items() if _STATE.fullmatch(key)}

    def type_of_value(self) -> str:
        """Return `dtype`: unless stated, a bool point is a bool, states and unscaled counters are whole numbers."""
        if self.dtype is not None:
            return self.dtype
        if self.kind == "bool":
            return "bool"
        plain = self.gain == 1.0 and self.offset == 0.0
        return "int" if plain and (self.states or self.counter or self.kind in {"u64", "i64"}) else "float"


def usual_bad_raw(kind: str) -> tuple[float, ...]:
    """Return the raw values that say "sensor fault" where nothing else is stated."""
    return (I16_FAULT,) if kind == "i16" else ()


POINT_KEYS = tuple(PointFields.model_fields)
"""The keys that a tag takes over from the point of an instrument, unless it states them itself."""


def check_fields(fields: PointFields, loc: Loc, document: Document, *, modbus: bool) -> None:
    """Add to the document what does not fit together in `fields`; `modbus` says whether it has registers."""
    if fields.low is not None and fields.high is not None and fields.low >= fields.high:
        message = tr("{low:g} is not below high, {high:g}").format(low=fields.low, high=fields.high)
        document.complain((*loc, "low"), message)
    if fields.gain == 0:
        document.complain((*loc, "gain"), tr("expected a number other than 0"))
    if "order" in fields.model_fields_set and fields.order != "ABCD":
        _check_order(fields, loc, document, modbus=modbus)
    if fields.states:
        _check_states(fields, loc, document)
    if fields.counter:
        _check_counter(fields, loc, document)


def _check_order(fields: PointFields, loc: Loc, document: Document, *, modbus: bool) -> None:
    orders = _ORDERS.get(fields.kind, ()) if modbus else ()
    if fields.order in orders:
        return
    if not orders:
        message = tr("a {kind} has no order of bytes here: leave `order` out").format(kind=fields.kind)
    else:
        message = tr("a {kind} has no order {order}; expected one of {words}")
        message = message.format(kind=fields.kind, order=fields.order, words=", ".join(orders))
    document.complain((*loc, "order"), message)


def _check_states(fields: PointFields, loc: Loc, document: Document) -> None:
    for key in fields.states:
        if not _STATE.fullmatch(key):
            document.complain((*loc, "states", key), tr("expected a whole number, such as `0: stopped`"))
    if fields.kind == "bool":
        if not set(fields.states) <= {"0", "1"}:
            document.complain((*loc, "states"), tr("a bool has the states 0 and 1"))
    elif fields.kind not in {*_WHOLE, "float"}:
        document.complain((*loc, "states"), tr("a {kind} has no states").format(kind=fields.kind))
    elif fields.gain != 1.0 or fields.offset != 0.0 or fields.dtype not in {None, "int"}:
        message = tr("states are the device's own whole numbers: leave `gain`, `offset` and `dtype` out")
        document.complain((*loc, "states"), message)


def _check_counter(fields: PointFields, loc: Loc, document: Document) -> None:
    if fields.kind not in _COUNTERS:
        message = tr("a counter is of kind {words}, not {kind}")
        document.complain((*loc, "counter"), message.format(words=", ".join(_COUNTERS), kind=fields.kind))
    if fields.writable:
        document.complain((*loc, "writable"), tr("a counter is read, never written"))
    if fields.states:
        document.complain((*loc, "states"), tr("a counter has no states"))

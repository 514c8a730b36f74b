"""`linectl tags trace`: one tag from the bytes on the wire to its value, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drivers.frames.explain import explain
from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SicsSettings,
)
from drivers.wire_tap import Direction, Frame
from linectl.cli.tags_text import quality_text, raw_text, value_text
from linectl.line.links import address_of
from linectl.line.trace import Trace
from linectl.line.word_orders import Guess, guesses, likely_order
from linectl.model.lines import LineDefinition, Tag
from linectl.server.as_data import reading_as_data
from linectl.words import number, tr

__all__ = ["as_data", "as_text", "wire_of"]

_WIDTH = 10  # characters of the names of the steps


def wire_of(settings: LinkSettings) -> str:
    """Return the word by which `explain` knows the wire."""
    match settings:
        case ModbusTcpSettings():
            return "modbus_tcp"
        case ModbusRtuSettings():
            return "modbus_rtu"
        case EzoSettings() | SicsSettings() | CirculatorSettings():
            return "line"
        case MqttSettings():
            return "mqtt"
        case _:
            return ""


def as_text(definition: LineDefinition, trace: Trace) -> str:
    """Return the trace as lines for people."""
    tag, settings = trace.tag, definition.links[trace.tag.link]
    lines = [_head(tag, settings)]
    for frame in trace.frames:
        lines += _frame(frame, wire_of(settings))
    if not trace.frames:
        lines.append(_step(tr("wire"), tr("nothing went over it: the last value is in the memory of the link")))
    lines += _steps(trace)
    lines += _orders(trace)
    return "\n".join(lines)


def _head(tag: Tag, settings: LinkSettings) -> str:
    assert tag.point is not None
    order = f" {tag.point.order}" if tag.point.order != "ABCD" else ""
    place = f"{tag.link} ({address_of(settings)})"
    return f"{tag.name}: {tag.point.address} {tag.point.kind}{order}, {place}"


def _step(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}}{text}"


def _frame(frame: Frame, wire: str) -> Iterator[str]:
    names = {Direction.SENT: tr("sent"), Direction.RECEIVED: tr("received"), Direction.NOTE: tr("note")}
    in_hex = bool(frame.data) and wire != "mqtt"  # a message is text
    if in_hex:
        yield _step(names[frame.direction], frame.data[:64].hex(" "))
    said = explain(frame, wire)
    if said and said != "no bytes":
        yield _step("" if in_hex else names[frame.direction], said)


def _steps(trace: Trace) -> Iterator[str]:
    tag, reading = trace.tag, trace.reading
    assert tag.point is not None
    if trace.registers:
        words = " ".join(f"{word:04x}" for word in trace.registers)
        yield _step(tr("registers"), f"{words}  ({', '.join(map(str, trace.registers))})")
    if trace.raw.value is not None:
        yield _step(tr("raw"), f"{raw_text(trace.raw)} ({tag.point.kind})")
    if isinstance(trace.raw.value, int | float) and not isinstance(trace.raw.value, bool):
        yield _step(tr("scaling"), _scaling(tag, trace.raw.value))
    if tag.correction is not None and isinstance(reading.value, float):
        before, after = (f"{each:.9g}" for each in (tag.correction.before(reading.value), reading.value))
        text = tr("{before} -> {after} {unit}, by its calibration")
        told = text.format(before=number(float(before)), after=number(float(after)), unit=tag.unit)
        yield _step(tr("corrected"), told)
    if isinstance(trace.raw.value, tuple):
        return
    value = f"{value_text(tag, reading.value)} {tag.unit}".strip()
    why = f": {reading.detail}" if reading.detail else ""
    yield _step(tr("value"), f"{value}  ({quality_text(reading.quality)}{why})")


def _scaling(tag: Tag, raw: float) -> str:
    scaling = tag.scaling
    if scaling.gain == 1.0 and scaling.offset == 0.0:
        return tr("none")
    result = number(float(f"{raw * scaling.gain + scaling.offset:.9g}"))
    return f"{number(raw)} × {number(scaling.gain)} + {number(scaling.offset)} = {result} {tag.unit}".rstrip()


def _orders(trace: Trace) -> Iterator[str]:
    """Give the value in the other orders, the plausible ones marked, where there are registers."""
    found = guesses(trace.tag, trace.registers)
    if not found:
        return
    yield _step(tr("orders"), tr("the same registers in each byte order:"))
    for guess in found:
        yield _step("", f"{guess.order}  {_guess(trace.tag, guess)}")
    likely = likely_order(trace.tag, trace.registers)
    if likely:
        text = tr("only {order} is plausible: write `order: {order}` at this tag")
        yield _step("", text.format(order=likely))


def _guess(tag: Tag, guess: Guess) -> str:
    value = tr("no number") if guess.value is None else f"{value_text(tag, guess.value)} {tag.unit}".strip()
    judged = {True: tr("plausible"), False: tr("not plausible"), None: ""}[guess.plausible]
    return f"{value}  {judged}".rstrip()


def as_data(definition: LineDefinition, trace: Trace) -> dict[str, Any]:
    """Return the trace for machines."""
    tag, settings = trace.tag, definition.links[trace.tag.link]
    assert tag.point is not None
    wire = wire_of(settings)
    raw = trace.raw.value
    return {
        "tag": tag.name,
        "link": tag.link,
        "link_address": address_of(settings),
        "address": tag.point.address,
        "kind": tag.point.kind,
        "order": tag.point.order,
        "frames": [_frame_as_data(frame, wire) for frame in trace.frames],
        "registers": list(trace.registers),
        "raw": list(raw) if isinstance(raw, tuple) else raw,
        "gain": tag.scaling.gain,
        "offset": tag.scaling.offset,
        "correction": None if tag.correction is None else list(tag.correction.coefficients),
        "reading": reading_as_data(tag, trace.reading),
        "orders": [
            {
                "order": guess.order,
                "raw": str(guess.raw) if guess.value is None else guess.raw,
                "value": guess.value,
                "plausible": guess.plausible,
            }
            for guess in guesses(tag, trace.registers)
        ],
        "likely_order": likely_order(tag, trace.registers) or None,
    }


def _frame_as_data(frame: Frame, wire: str) -> dict[str, Any]:
    return {
        "direction": str(frame.direction),
        "device": frame.device,
        "data": frame.data.hex(" "),
        "note": frame.note,
        "text": explain(frame, wire),
    }

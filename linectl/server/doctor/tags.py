"""The doctor's judgement of what each tag said: wrong register, unit id or byte order, silence, nonsense. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from drivers.addresses import modbus_address
from drivers.errors import BadAddress
from drivers.link import RawReading
from linectl.line.word_orders import guesses, likely_order
from linectl.model.devices import Device, Expectation
from linectl.model.lines import Tag
from linectl.model.readings import Reading
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.words import ntr, number, tr

__all__ = ["Said", "deaf_units", "judge_deaf_unit", "judge_expectation", "judge_tag"]

_ROOM = "tags"
_DEAF = frozenset({"not_connected", "timeout", "bad_reply"})
_UNITS_NAMED = 8


@dataclass(frozen=True, slots=True)
class Said:
    """What a tag said when it was asked: its reading, the raw value, its registers, and where it is defined.

    `waited_s` is how long a value was waited for, `patience_s` after which silence is a fault, `only_retained` whether
    the broker's memory was all that came.
    """

    tag: Tag
    reading: Reading
    raw: RawReading | None = None
    registers: tuple[int, ...] = ()
    file: str = ""
    waited_s: float = 0.0
    patience_s: float = 0.0
    only_retained: bool = False

    @property
    def place(self) -> Place:
        """The tag with its address and its line in the file."""
        address = "" if self.tag.point is None else f"{self.tag.link} {self.tag.point.address}"
        return Place(self.tag.name, address, self.file)

    @property
    def unit(self) -> int | None:
        """The Modbus unit that the tag stands in; None on any other wire."""
        if self.tag.point is None:
            return None
        try:
            return modbus_address(self.tag.point).unit
        except BadAddress:
            return None


def judge_tag(said: Said) -> Iterator[Finding]:
    """Give what is wrong with one tag whose wire and unit answer."""
    reason = said.reading.quality.reason
    if isinstance(said.raw, RawReading) and isinstance(said.raw.value, tuple | str):
        return  # a block or a text was read as it should be
    order = likely_order(said.tag, said.registers)
    if order:
        yield _wrong_order(said, order)
    elif reason == "out_of_service":
        yield from _not_there(said)
    elif reason in {"waiting_for_initial_data", "stale"}:
        yield _silent(said)
    elif reason:
        yield _bad(said, reason)


def _wrong_order(said: Said, order: str) -> Finding:
    own, right = (
        next(each for each in guesses(said.tag, said.registers) if each.order == name)
        for name in (said.tag.point.order if said.tag.point is not None else order, order)
    )
    text = tr("the order {own} gives {wrong}, outside {low} to {high} {unit}; only {order} makes sense: {value} {unit}")
    what = text.format(
        own=own.order,
        wrong=tr("no number") if own.value is None else number(float(own.value)),
        low=number(said.tag.low or 0.0),
        high=number(said.tag.high or 0.0),
        unit=said.tag.unit,
        order=order,
        value=number(float(right.value or 0.0)),
    )
    return Finding(
        Level.ERROR, _ROOM, "wrong_order", what, tr("write `order: {order}`").format(order=order), said.place
    )


def _not_there(said: Said) -> Iterator[Finding]:
    """Give what it means that a place says it holds nothing: a register that is none, or an empty place."""
    if said.unit is not None:
        yield _wrong_register(said)
    elif said.tag.point is not None and said.tag.point.readback:  # otherwise a command, which nobody can read
        what = tr("it says that there is nothing to measure ({why})").format(why=said.reading.detail)
        do = tr("nothing, when its place is empty; else look at the probe and its cable")
        yield Finding(Level.NOTE, _ROOM, "nothing_there", what, do, said.place)


def _wrong_register(said: Said) -> Finding:
    what = tr("the unit has no such register: {why}").format(why=said.reading.detail)
    do = tr("look into its register list: is the address counted from 0, and the table (ir, hr, di, co) right?")
    return Finding(Level.ERROR, _ROOM, "wrong_register", what, do, said.place)


def _silent(said: Said) -> Finding:
    seconds = number(round(said.waited_s))
    if said.only_retained:
        what = tr("only the broker's memory (a retained message), nothing from the sensor itself in {s} s")
        do = tr("is the sensor on, and does it publish? A retained value may be years old")
        return Finding(Level.WARNING, "topics", "retained_only", what.format(s=seconds), do, said.place)
    if said.waited_s < said.patience_s:
        what = tr("nothing heard in {s} s; it may publish every {period} s").format(
            s=seconds, period=number(round(said.patience_s))
        )
        do = tr("wait for it: --wait {s}").format(s=number(round(said.patience_s)))
        return Finding(Level.NOTE, "topics", "not_heard_yet", what, do, said.place)
    what = tr("nothing heard in {s} s").format(s=seconds)
    do = tr(
        "is the sensor on, its topic right, and may this user read it (the broker's access list)? "
        "`linectl scan mqtt` lists the topics that speak"
    )
    return Finding(Level.WARNING, "topics", "silent_topic", what, do, said.place)


def _bad(said: Said, reason: str) -> Finding:
    detail = said.reading.detail
    if reason == "out_of_range":
        what = tr("it says {value}, outside {low} to {high} {unit}").format(
            value=detail,
            low=number(said.tag.low or 0.0),
            high=number(said.tag.high or 0.0),
            unit=said.tag.unit,
        )
        do = tr("is it the right register, kind and gain? `linectl tags trace` shows each step")
        return Finding(Level.WARNING, _ROOM, "implausible", what, do, said.place)
    if reason == "sensor_failure":
        what = tr("the instrument reports a failure ({why})").format(why=detail)
        return Finding(Level.WARNING, _ROOM, "sensor_failure", what, tr("look at the probe and its cable"), said.place)
    if reason == "bad_reply" and said.unit is None:
        what = tr("what it sends cannot be used: {why}").format(why=detail)
        do = tr("are its address and form those of this sensor? `linectl tags trace` shows what comes")
        return Finding(Level.ERROR, _ROOM, reason, what, do, said.place)
    what = tr("no good value ({why})").format(why=f"{reason} {detail}".strip())
    do = tr("`linectl tags trace` shows what goes over the wire")
    return Finding(Level.ERROR, _ROOM, reason, what, do, said.place)


def deaf_units(said: Iterable[Said]) -> dict[tuple[str, int], list[Said]]:
    """Return the tags of the units of which not one tag was answered rightly, by link and unit."""
    by_unit: dict[tuple[str, int], list[Said]] = {}
    for each in said:
        if each.unit is not None:
            by_unit.setdefault((each.tag.link, each.unit), []).append(each)
    return {key: tags for key, tags in by_unit.items() if all(tag.reading.quality.reason in _DEAF for tag in tags)}


def judge_deaf_unit(link: str, unit: int, tags: Sequence[Said], answering: Sequence[int], file: str) -> Finding:
    """Return the finding on a unit that does not answer; `answering` are those that do on the same wire."""
    names = ", ".join(each.tag.name for each in tags[:3]) + (" ..." if len(tags) > 3 else "")
    text = ntr(
        "unit {unit} of {link} does not answer ({n} tag: {names})",
        "unit {unit} of {link} does not answer ({n} tags: {names})",
        len(tags),
    )
    what = text.format(unit=unit, link=link, n=len(tags), names=names)
    why = tags[0].reading.detail
    what = tr("{what}: {text}").format(what=what, text=why) if why else what
    others = [each for each in answering if each != unit]
    if others:
        listed = ", ".join(map(str, others[:_UNITS_NAMED])) + (" ..." if len(others) > _UNITS_NAMED else "")
        do = tr("these units answer there: {units}; is the unit id in the points right?").format(units=listed)
    else:
        do = tr("no other unit answers there either: is the device on, its cable in, its baud rate and parity right?")
    first = tags[0]
    place = Place(first.tag.name, first.place.address, first.file or file)
    return Finding(Level.ERROR, "units", "unit_silent", what, do, place, exit_code=4)


def judge_expectation(device: Device, wanted: Expectation, said: Said) -> Iterator[Finding]:
    """Give it when an instrument does not say what a sound one of its kind says."""
    value = said.raw.value if said.raw is not None and wanted.constant is not None else said.reading.value
    where = tr("{device} ({kind}), {point}").format(device=device.name, kind=device.definition.name, point=wanted.point)
    if value is None:
        what = tr("{where}: no value ({why})").format(where=where, why=said.reading.detail or said.reading.quality)
    elif wanted.constant is not None and value != wanted.constant:
        what = tr("{where}: it says {value}, a sound one says {constant}").format(
            where=where, value=value, constant=wanted.constant
        )
    elif wanted.constant is None and not _within(value, wanted):
        what = tr("{where}: it says {value}, a sound one between {low} and {high}").format(
            where=where, value=value, low=wanted.low, high=wanted.high
        )
    else:
        return
    do = wanted.meaning or tr("is it this kind of instrument, and its unit id right?")
    place = Place("", said.place.address, said.file)
    yield Finding(Level.ERROR, "devices", "unexpected", what, do, place)


def _within(value: object, wanted: Expectation) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    least = float("-inf") if wanted.low is None else wanted.low
    most = float("inf") if wanted.high is None else wanted.high
    return least <= value <= most

"""What must fit together in a line file for its writes: paces and doubts of tags, watched heating, the safe state."""

from __future__ import annotations

from linectl.config.line_file import HeatingFile, LineFile, SafeStepFile, TagFile
from linectl.config.nodes import Document, Loc
from linectl.config.schema import nearest
from linectl.words import tr

__all__ = ["check_writes"]

_PACE = ("step", "per_min")
_OF_WRITES = ("warn_low", "warn_high", *_PACE)


def check_writes(file: LineFile, document: Document) -> None:
    """Add to the document what does not fit together about writes."""
    for name, tag in file.tags.items():
        _check_tag(tag, ("tags", name), document)
    for zone_name, zone in file.zones.items():
        if zone.heating is not None:
            _check_heating(zone.heating, zone_name, file, document)
    for number, step in enumerate(file.safe_state):
        _check_step(step, ("safe_state", number), file, document)


def _check_tag(tag: TagFile, loc: Loc, document: Document) -> None:
    given = [key for key in _OF_WRITES if getattr(tag, key) is not None]
    for key in given:
        if not tag.writable:
            document.complain((*loc, key), tr("only for what is written: the tag is not `writable`"))
        elif tag.type_of_value() == "bool":
            document.complain((*loc, key), tr("a bool is on or off: it has no such limit"))
        elif key in _PACE and not tag.readback:
            document.complain((*loc, key), tr("the tag cannot be read back: nobody knows from where a step begins"))
    low, high = tag.warn_low, tag.warn_high
    if low is not None and high is not None and low >= high:
        text = tr("{low:g} is not below {key}, {high:g}").format(low=low, key="warn_high", high=high)
        document.complain((*loc, "warn_low"), text)
    for key, value in (("warn_low", low), ("warn_high", high)):
        beyond = value is not None and (
            (tag.low is not None and value < tag.low) or (tag.high is not None and value > tag.high)
        )
        if beyond:
            document.complain(
                (*loc, key), tr("{value:g} is outside low to high: nobody would be asked").format(value=value)
            )


def _check_heating(heating: HeatingFile, zone: str, file: LineFile, document: Document) -> None:
    loc: Loc = ("zones", zone, "heating")
    rule = heating.of(zone)
    for key, name in (("temperature", rule.temperature), ("setpoint", rule.setpoint), ("enable", rule.enable)):
        place = (*loc, key) if getattr(heating, key) is not None else loc
        tag = file.tags.get(name)
        if tag is None:
            _unknown(name, place, file, document)
        elif key == "temperature" and not tag.scan:
            document.complain(place, tr("{tag} is in no scan group: nobody would see it").format(tag=name))
        elif key == "enable" and tag.type_of_value() != "bool":
            document.complain(place, tr("{tag} is no bool: it switches no heater").format(tag=name))
        elif key == "enable" and not tag.readback:
            document.complain(place, tr("{tag} cannot be read back").format(tag=name))


def _check_step(step: SafeStepFile, loc: Loc, file: LineFile, document: Document) -> None:
    if (step.tag is None) == (step.command is None) or (step.tag is None) != (step.value is None):
        document.complain(loc, tr("expected `tag` and `value`, or `command`"))
        return
    if step.command is not None:
        heartbeat = "" if file.control is None else file.control.heartbeat
        if f"{heartbeat.rpartition('.')[0]}.command" not in file.tags:
            document.complain((*loc, "command"), tr("the line has no PLC that takes commands"))
        return
    assert step.tag is not None
    tag = file.tags.get(step.tag)
    if tag is None:
        _unknown(step.tag, (*loc, "tag"), file, document)
    elif not tag.writable or not tag.readback:
        document.complain((*loc, "tag"), tr("{tag} cannot be written and read back").format(tag=step.tag))
    elif (tag.type_of_value() == "bool") != isinstance(step.value, bool):
        document.complain(
            (*loc, "value"), tr("{tag} is of another kind: {dtype}").format(tag=step.tag, dtype=tag.type_of_value())
        )
    elif step.value is not None and (
        (tag.low is not None and step.value < tag.low) or (tag.high is not None and step.value > tag.high)
    ):
        document.complain(
            (*loc, "value"), tr("{value:g} is outside the range of {tag}").format(value=step.value, tag=step.tag)
        )


def _unknown(name: str, loc: Loc, file: LineFile, document: Document) -> None:
    text = tr("`{name}` is not known here; {nearest}")
    document.complain(loc, text.format(name=name, nearest=nearest(name, list(file.tags))))

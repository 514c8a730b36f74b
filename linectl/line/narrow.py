"""A line cut down to what somebody wants of it: some of its tags, or what stands on one wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from drivers.settings import MqttSettings
from linectl.model.lines import LineDefinition, Tag

__all__ = ["LOOK", "SETTINGS", "only_tags", "only_wire", "read_only", "with_inputs", "with_settings"]

LOOK = "look"  # the scan group of tags that somebody looks at
SETTINGS = "settings"  # that of what can be set, and no other group scans
SETTINGS_PERIOD_S = 5.0


def read_only(definition: LineDefinition) -> LineDefinition:
    """Return the line with nothing that could write: no tag, no heartbeat, no owner of its PLC."""
    tags = {name: replace(tag, writable=False) for name, tag in definition.tags.items()}
    zones = {name: replace(zone, heating=None) for name, zone in definition.zones.items()}
    return replace(definition, tags=tags, control=None, safe_state=(), zones=zones)


def with_inputs(definition: LineDefinition, names: Iterable[str]) -> list[str]:
    """Return `names` and the tags from which the derived ones among them are computed, inputs first, each once."""
    found: dict[str, None] = {}
    for name in names:
        derived = definition.tags[name].derived
        found |= dict.fromkeys(with_inputs(definition, derived.inputs) if derived is not None else ())
        found[name] = None
    return list(found)


def only_tags(definition: LineDefinition, names: Iterable[str], *, period_s: float | None = None) -> LineDefinition:
    """Return the line with the tags `names` and their inputs alone.

    With `period_s` what is polled is scanned in one group of that period (s), setpoints too; without it nothing polled
    is scanned. What publishes by itself keeps its own group, which says how old a value may be.
    """

    def as_looked_at(tag: Tag) -> Tag:
        by_itself = isinstance(definition.links.get(tag.link), MqttSettings)
        return tag if by_itself else replace(tag, scan="" if period_s is None else LOOK)

    wanted = {name: as_looked_at(definition.tags[name]) for name in with_inputs(definition, names)}
    scans = {name: each for name, each in definition.scans.items() if name != LOOK}
    if period_s is not None:
        scans[LOOK] = period_s
    return replace(definition, tags=wanted, scans=scans)


def with_settings(definition: LineDefinition) -> LineDefinition:
    """Return the line with what can be set on it scanned too, slowly: who looks at it wants to see what it is set to.

    Not so what the line itself writes all the time (heartbeat, owner), and what cannot be read back.
    """
    control = definition.control
    own = set() if control is None else {control.heartbeat, control.owner}
    unseen = {
        name: replace(tag, scan=SETTINGS)
        for name, tag in definition.tags.items()
        if tag.writable and not tag.scan and tag.point is not None and tag.point.readback and name not in own
    }
    if not unseen:
        return definition
    scans = {**definition.scans, SETTINGS: SETTINGS_PERIOD_S}
    return replace(definition, tags={**definition.tags, **unseen}, scans=scans)


def only_wire(definition: LineDefinition, link: str) -> LineDefinition:
    """Return the line with the tags on `link` and on its PLC's wire alone: a sensor that is off hinders no write.

    The wires by which its interlocks see stay: without them nothing could be switched on.
    """
    control, rules = definition.control, definition.interlocks
    plc = "" if control is None else definition.tags[control.heartbeat].link
    wires = {link, plc} - {""}
    if rules is not None and link == plc:
        wires |= {definition.tags[name].link for name in with_inputs(definition, rules.stale_s)}
    tags = {name: tag for name, tag in definition.tags.items() if tag.link in wires}
    steps = tuple(step for step in definition.safe_state if not step.tag or step.tag in tags)
    return replace(definition, tags=tags, safe_state=steps)

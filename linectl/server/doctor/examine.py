"""The doctor: looks at a line's file, computer, ports, links, units, tags, PLC and topics, and says what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drivers.settings import MqttSettings
from linectl.config.files import read_source
from linectl.config.named_secrets import known
from linectl.config.nodes import parse
from linectl.errors import ConfigError, LinectlError, Refused
from linectl.line.line import Line
from linectl.model.lines import LineDefinition
from linectl.server.calibration_dates import day_of
from linectl.server.commissioning import Site, looking
from linectl.server.discovery.ports import port_facts
from linectl.server.doctor.calibrations import judge_calibrations
from linectl.server.doctor.devices import judge_devices, with_expectations
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.server.doctor.links import judge_pace, judge_unopened
from linectl.server.doctor.machine import (
    clock_facts,
    judge_clock,
    judge_store,
    named_secrets,
    packages,
    secrets,
    store_facts,
)
from linectl.server.doctor.plc import judge_plc
from linectl.server.doctor.ports import judge_port, port_of, shared_ports
from linectl.server.doctor.tags import Said, deaf_units, judge_deaf_unit, judge_tag
from linectl.server.doctor.wire import ask_all, units_there
from linectl.words import ntr, tr

__all__ = ["ROOMS", "Diagnosis", "examine", "examine_computer", "wrong_file"]

ROOMS = (
    "config",
    "packages",
    "clock",
    "store",
    "secrets",
    "calibrations",
    "ports",
    "links",
    "units",
    "tags",
    "devices",
    "topics",
    "plc",
)


@dataclass(slots=True)
class Diagnosis:
    """What was found, and per room what was looked at (`rooms`: the room to a few words for people)."""

    findings: list[Finding] = field(default_factory=list)
    rooms: dict[str, str] = field(default_factory=dict)

    def looked(self, room: str, at: str, findings: Iterable[Finding]) -> None:
        """Note that `room` was looked at, and what is wrong there."""
        self.rooms[room] = at
        self.findings += findings


def examine_computer(store: Path, step_s: float = 0.0, *, of_line: bool = False) -> Diagnosis:
    """Return what is wrong with this computer, whatever line it runs.

    `store` is the store of a line, or with `of_line` false that of imports, in the folder where those of lines go.
    """
    found = Diagnosis()
    found.looked("packages", tr("no foreign package in the way"), packages())
    found.looked("clock", tr("date and time service"), judge_clock(clock_facts(step_s)))
    kept = len(known())
    if kept:
        found.looked("secrets", ntr("{n} kept by name", "{n} kept by name", kept).format(n=kept), named_secrets())
    facts = store_facts(store)
    if of_line:
        found.looked("store", str(store), judge_store(facts))
    else:
        named = facts if facts.cannot_read else replace(facts, file=store.parent)
        found.looked("store", tr("folder {folder}").format(folder=store.parent), judge_store(named))
    return found


def wrong_file(error: ConfigError, store: Path) -> Diagnosis:
    """Return what is wrong with this computer and with a line file that cannot be used: every mistake in it."""
    found = examine_computer(store)
    do = error.hint or tr("put it right, then: linectl config check FILE")
    if error.problems:
        mistakes = [
            (f"{each.where}: {each.message}" if each.where else each.message, f"{each.file}:{each.line}:{each.column}")
            for each in error.problems
        ]
    else:
        mistakes = [(error.message, "")]
    findings = [
        Finding(Level.ERROR, "config", "config", what, do, Place(file=file), exit_code=3) for what, file in mistakes
    ]
    found.looked("config", "-", findings)
    return found


async def examine(at: Site, *, wait_s: float = 5.0) -> Diagnosis:
    """Return what is wrong with the line and the computer it hangs on; `wait_s` is how long topics are listened to.

    Nothing is written, and nobody takes the PLC.
    """
    places = _places(at.definition)
    definition = at.definition
    shut = secrets(definition)
    wires = await _wires(at, places, wait_s, shut)
    found = examine_computer(at.store_file, at.clock.step_s(), of_line=True)
    tags, links = len(definition.tags), len(definition.links)
    text = ntr("{file}: {tags} tags on {n} link", "{file}: {tags} tags on {n} links", links)
    found.looked("config", text.format(file=definition.source, tags=tags, n=links), [])
    if definition.secrets or shut:
        count = len(definition.secrets)
        passwords = ntr("{n} password", "{n} passwords", count).format(n=count)
        found.looked("secrets", passwords, [one for each in shut.values() for one in each])
    if definition.calibrations and not definition.simulated:  # the sensors of a simulator do not age
        count = len(definition.calibrations)
        text = ntr("{n} sensor", "{n} sensors", count).format(n=count)
        found.looked("calibrations", text, judge_calibrations(definition, day_of(at.clock.now_ns())))
    _look_at_ports(found, definition, places)
    found.rooms |= wires.rooms
    if any(each.code == "held" for each in wires.findings):  # by linectl, and it says so: no program to be ended
        found.findings = [each for each in found.findings if each.code != "port_held"]
    told = {each.place.address for each in found.findings if each.room == "ports" and each.level is Level.ERROR}
    found.findings += [each for each in wires.findings if each.room != "links" or each.place.address not in told]
    return found


def _look_at_ports(found: Diagnosis, definition: LineDefinition, places: Mapping[str, str]) -> None:
    """Judge the serial ports; our own look at the line is over, so whoever holds one is another."""
    ports = {name: port for name, settings in definition.links.items() if (port := port_of(settings))}
    if not ports:
        return
    findings = [*shared_ports(definition.links, places)]
    for name, port in ports.items():
        facts = port_facts(port)
        if definition.simulated:  # the simulator has the other end of each of its terminals
            facts = replace(facts, holders=())
        findings += judge_port(name, facts, places.get(name, ""))
    found.looked("ports", ", ".join(ports), findings)


async def _wires(at: Site, places: Mapping[str, str], wait_s: float, shut: Collection[str]) -> Diagnosis:
    """Look at everything that needs the line's wires; when another process has them, only say so.

    The links `shut` want a password or certificate that cannot be used: told elsewhere, and left alone here.
    """
    found = Diagnosis()
    definition = with_expectations(at.definition)
    names = [name for name, tag in definition.tags.items() if tag.point is not None and tag.link not in shut]
    try:
        async with looking(Site(definition, at.clock, at.store_file), names, period_s=1.0, patient=True) as line:
            said = await ask_all(line, at.clock, places, wait_s)
            unopened = dict(line.unopened)
            await _plc(found, line, at, places)
    except Refused as held:
        do = tr("wait for it to end: its wires were not looked at")
        found.looked("links", "-", [Finding(Level.ERROR, "links", "held", held.message, do, Place(), 6)])
        return found
    _judge(found, at.definition, said, unopened, places)
    await _judge_units(found, at.definition, [each for each in said if each.tag.link not in unopened], places)
    return found


async def _plc(found: Diagnosis, line: Line, at: Site, places: Mapping[str, str]) -> None:
    control = at.definition.control
    if control is None or at.definition.tags[control.heartbeat].link in line.unopened:
        return
    if (await line.read(control.owner)).value is None:
        return  # told with the tags
    findings = [each async for each in judge_plc(line, at.definition, control, places)]
    found.looked("plc", tr("identity, owner and counter"), findings)


def _judge(
    found: Diagnosis,
    definition: LineDefinition,
    said: Sequence[Said],
    unopened: Mapping[str, str],
    places: Mapping[str, str],
) -> None:
    """Judge the links, and the tags, topics and instruments on those that opened."""
    used = [name for name in definition.links if any(each.tag.link == name for each in said)]
    closed = [judge_unopened(name, definition.links[name], why, places.get(name, "")) for name, why in unopened.items()]
    paces = [judge_pace(name, definition.links[name], places.get(name, "")) for name in used]
    found.looked("links", ", ".join(used) or "-", [*closed, *(each for each in paces if each is not None)])
    deaf = {id(each) for tags in deaf_units(said).values() for each in tags}
    heard = [each for each in said if each.tag.link not in unopened and id(each) not in deaf]
    own = [each for each in heard if each.tag.name in definition.tags]
    if own:
        found.looked(
            "tags",
            ntr("{n} tag read", "{n} tags read", len(own)).format(n=len(own)),
            [one for each in own for one in judge_tag(each)],
        )
    topics = sum(isinstance(definition.links.get(each.tag.link), MqttSettings) for each in own)
    if topics:
        found.looked("topics", ntr("{n} topic listened to", "{n} topics listened to", topics).format(n=topics), [])
    if definition.devices:
        kinds = tr("{n} described by files").format(n=len(definition.devices))
        found.looked("devices", kinds, judge_devices(definition, {each.tag.name: each for each in heard}))


async def _judge_units(
    found: Diagnosis, definition: LineDefinition, said: Sequence[Said], places: Mapping[str, str]
) -> None:
    """Judge the Modbus units of which no tag was answered: ask who else is there."""
    deaf = deaf_units(said)
    own = {key: [each for each in tags if each.tag.name in definition.tags] for key, tags in deaf.items()}
    count = len({(each.tag.link, each.unit) for each in said if each.unit is not None})
    if count:
        found.looked("units", ntr("{n} Modbus unit", "{n} Modbus units", count).format(n=count), [])
    known: dict[str, list[int]] = {}
    for (link, unit), tags in deaf.items():
        if link not in known:
            known[link] = await units_there(definition.links[link])
        told = own[link, unit] or tags
        found.findings.append(judge_deaf_unit(link, unit, told, known[link], places.get(link, "")))


def _places(definition: LineDefinition) -> dict[str, str]:
    """Return where each tag and link stands in the line's file (file:line), as far as there is one."""
    try:
        source = read_source(definition.source)
    except LinectlError:
        return {}
    marks = parse(source).marks
    return {
        str(loc[1]): f"{Path(source.path).name}:{line}"
        for loc, (line, _) in marks.items()
        if len(loc) == 2 and loc[0] in {"links", "tags"}
    }

"""The doctor's look at serial ports: there, ours to use, named by a path that stays, held by nobody else. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from drivers.settings import CirculatorSettings, EzoSettings, LinkSettings, ModbusRtuSettings, SicsSettings
from linectl.server.discovery.ports import PortFacts, is_tty
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.words import tr

__all__ = ["judge_port", "port_of", "shared_ports"]

_ROOM = "ports"


def port_of(settings: LinkSettings) -> str:
    """Return the device of this computer that a link needs, "" for a link that needs none."""
    match settings:
        case EzoSettings():
            port = settings.port
        case ModbusRtuSettings() | SicsSettings() | CirculatorSettings():
            port = settings.serial.port
        case _:
            return ""
    return port if is_tty(port) else ""


def shared_ports(links: Mapping[str, LinkSettings], where: Mapping[str, str]) -> Iterator[Finding]:
    """Give the links that name the same port: only one of them can have it. `where` tells each link's file:line."""
    for one, other in combinations(links, 2):
        port = port_of(links[one])
        if port and port == port_of(links[other]):
            what = tr("the links {one} and {other} name the same port").format(one=one, other=other)
            do = tr("several Modbus units on one port are one link; other instruments need a port each")
            yield Finding(Level.ERROR, _ROOM, "port_shared", what, do, Place("", port, where.get(other, "")), 3)


def judge_port(link: str, facts: PortFacts, file: str) -> Iterator[Finding]:
    """Give what keeps the link called `link` from its port; `file` is where it is named (file:line)."""
    place = Place("", facts.path, file)
    if not facts.exists:
        what = tr("{link}: there is no such port").format(link=link)
        do = tr("is the cable in? `linectl scan serial` lists the ports that are there")
        yield Finding(Level.ERROR, _ROOM, "port_missing", what, do, place, 4)
        return
    if not facts.may_use:
        what = tr("{link}: you may not use this port (it belongs to the group {group})")
        do = tr("sudo usermod -aG {group} $USER, then log in again").format(group=facts.group)
        text = what.format(link=link, group=facts.group)
        yield Finding(Level.ERROR, _ROOM, "port_rights", text, do, place, 4)
    for holder in facts.holders:
        what = tr("{link}: process {pid} ({name}) has this port open")
        do = tr("end that program: two of them would tear each other's answers apart")
        text = what.format(link=link, pid=holder.pid, name=holder.name)
        yield Finding(Level.ERROR, _ROOM, "port_held", text, do, place, 4)
    if facts.by_id and facts.path != facts.by_id:
        what = tr("{link}: this name moves when another adapter is plugged in").format(link=link)
        do = tr("write `port: {path}`").format(path=facts.by_id)
        yield Finding(Level.WARNING, _ROOM, "port_name", what, do, place)

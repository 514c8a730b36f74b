"""The serial ports of this computer: which there are, their steady names, who may use them and who does."""

from __future__ import annotations

import grp
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Holder", "PortFacts", "is_tty", "port_facts", "serial_ports"]

_BY_ID = Path("dev/serial/by-id")
_NAMES = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttyXRUSB*", "ttymxc*")
_BUILT_IN = "ttyS*"  # made by the kernel whether there is a chip or not: only those with one count
_NO_CHIP = "0"  # /sys/class/tty/ttyS*/type of a port without hardware


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the port open."""

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class PortFacts:
    """One port: `path` as it was named, the `device` behind it, its name that stays (by-id, "" when it has none).

    `may_use` is whether this user can read and write it, `group` the group that can.
    """

    path: str
    device: str
    exists: bool
    by_id: str = ""
    may_use: bool = False
    group: str = ""
    holders: tuple[Holder, ...] = ()


def is_tty(port: str) -> bool:
    """Return whether `port` names a device of this computer, and not a socket or a port server."""
    return "://" not in port


def serial_ports(root: Path = Path("/")) -> list[PortFacts]:
    """Return the serial ports below `root`, each once, named by its by-id path where it has one."""
    found: dict[str, str] = {}
    for name in sorted((root / _BY_ID).glob("*")):
        found.setdefault(str(name.resolve()), str(name))
    for pattern in _NAMES:
        for device in sorted((root / "dev").glob(pattern)):
            found.setdefault(str(device), str(device))
    for device in sorted((root / "dev").glob(_BUILT_IN)):
        if _has_chip(device, root):
            found.setdefault(str(device), str(device))
    return [port_facts(path, root) for path in found.values()]


def _has_chip(device: Path, root: Path) -> bool:
    try:
        return (root / "sys/class/tty" / device.name / "type").read_text("ascii").strip() != _NO_CHIP
    except OSError:
        return False


def port_facts(path: str, root: Path = Path("/")) -> PortFacts:
    """Return how things stand with the port `path`."""
    named = Path(path)
    device = named.resolve()
    if not device.exists():
        return PortFacts(path, str(device), exists=False)
    may_use = os.access(device, os.R_OK | os.W_OK)
    by_id = next((str(each) for each in sorted((root / _BY_ID).glob("*")) if each.resolve() == device), "")
    return PortFacts(path, str(device), True, by_id, may_use, _group(device), tuple(_holders(device)))


def _group(device: Path) -> str:
    number = device.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _holders(device: Path) -> Iterator[Holder]:
    """Give the other processes that have `device` open, as far as this user may know."""
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        pid = int(process.name)
        if pid != os.getpid() and _has_open(process, str(device)):
            yield Holder(pid, _name(process))


def _has_open(process: Path, device: str) -> bool:
    try:
        return any(_target(entry) == device for entry in (process / "fd").iterdir())
    except OSError:  # another user's process, or one that has just ended
        return False


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except OSError:
        return ""


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text("utf-8", "replace").strip()
    except OSError:
        return "?"

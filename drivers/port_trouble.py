"""Why a serial port could not be opened, in words that say what to do about it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

__all__ = ["programs_that_have", "why_not_opened"]

_BY_ID = "/dev/serial/by-id"
_PLAIN = ("ttyUSB*", "ttyACM*", "ttyAMA*")  # USB adapters and boards' own ports, where nothing makes names by id
_NAMED = 5  # ports or programs named in one message
_MISSING = (errno.ENOENT, errno.ENXIO, errno.ENODEV)
_DENIED = (errno.EACCES, errno.EPERM)
_WORDS = {
    errno.ENOTTY: "it is no serial port",
    errno.EIO: "it does not answer the computer: unplug the adapter and plug it in again",
}
_BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EBUSY)


def why_not_opened(path: str, error: Exception) -> str:
    """Return what is wrong with the port at `path`, and what a person can do."""
    number = _number(error)
    if number in _MISSING:
        return f"there is no such port ({_ports_there()})"
    if number in _DENIED:
        return f"permission denied ({_who_may(path)})"
    if number in _BUSY:
        return f"another program has it{_whose(path)}"
    said = _WORDS.get(number or 0) or (os.strerror(number) if number else str(error))
    if re.search("PermissionError|Access is denied", said):  # Windows: pyserial gives its text, and no number
        return "another program has it, or you may not open it"
    return said


def programs_that_have(path: str) -> list[str]:
    """Return the programs that have the file at `path` open, as `name (pid)`; those of other users stay unseen."""
    target = os.path.realpath(path)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            if any(str(link.readlink()) == target for link in (folder / "fd").iterdir()):
                found.append(f"{(folder / 'comm').read_text(encoding='utf-8').strip()} ({folder.name})")
    return found


def _number(error: BaseException | None) -> int | None:
    """Return the number of the operating system's error; pyserial sometimes keeps it one or two errors back."""
    while error is not None:
        if error.args and isinstance(error.args[0], int):
            return error.args[0]
        error = error.__cause__ or error.__context__
    return None


def _whose(path: str) -> str:
    programs = programs_that_have(path)
    if programs:
        return f": {', '.join(programs[:_NAMED])}; end that program first"
    return f", of another user: sudo fuser -v {path} names it; often it is ModemManager, or linectl as a service"


def _ports_there() -> str:
    """Return what is plugged in."""
    ports = _some(Path(_BY_ID).glob("*")) or _some(port for name in _PLAIN for port in Path("/dev").glob(name))
    if ports:
        return f"plugged in: {ports}"
    return f"nothing is plugged in at {_BY_ID}: check the cable, the adapter and, on the computer, dmesg"


def _some(ports: Iterable[Path]) -> str:
    return ", ".join(sorted(map(str, ports))[:_NAMED])


def _who_may(path: str) -> str:
    """Return who may open the port at `path`, and how one of them becomes who runs this program."""
    import grp  # POSIX only; this module is loaded everywhere
    import pwd

    try:
        port = os.stat(path)  # noqa: PTH116  # the text as given, links followed
        owner, group = pwd.getpwuid(port.st_uid).pw_name, grp.getgrgid(port.st_gid)
        we = pwd.getpwuid(os.geteuid()).pw_name
    except (OSError, KeyError):
        return "ask who administers this computer"
    for_group = stat.S_IRGRP | stat.S_IWGRP
    if os.geteuid() == 0 or (port.st_gid in {os.getegid(), *os.getgroups()} and port.st_mode & for_group == for_group):
        return f"{we} may open it, yet something forbids it; a container must be given the port: --device {path}"
    if port.st_mode & for_group != for_group or port.st_gid == 0:
        return f"{owner} alone may open it ({stat.filemode(port.st_mode)}): give it to a group by a udev rule"
    if we in group.gr_mem:
        return f"{we} has joined the group {group.gr_name} since this login: log in again, or restart the service"
    return f"the port belongs to the group {group.gr_name}: sudo usermod -a -G {group.gr_name} {we}, then log in again"

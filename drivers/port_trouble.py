"""Why a serial port could not be opened, in words that say what to do about it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path

__all__ = ["programs_that_have", "why_not_opened"]

_BY_ID = Path("/dev/serial/by-id")
_NAMED = 5  # ports or programs named in one message
_MISSING = (errno.ENOENT, errno.ENXIO, errno.ENODEV)
_DENIED = (errno.EACCES, errno.EPERM)
_BUSY = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EBUSY)


def why_not_opened(path: str, error: Exception) -> str:
    """Return what is wrong with the port at `path`, and what a person can do."""
    number = _number(error)
    if number in _MISSING:
        return f"there is no such port ({_ports_there()})"
    if number in _DENIED:
        return f"permission denied ({_who_may(path)})"
    if number in _BUSY:
        return f"another program has it{_named(programs_that_have(path))}; end that program first"
    if number == errno.ENOTTY:
        return "it is no serial port"
    said = os.strerror(number) if number else str(error)
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


def _named(programs: list[str]) -> str:
    return f": {', '.join(programs[:_NAMED])}" if programs else ""


def _ports_there() -> str:
    ports = sorted(map(str, _BY_ID.glob("*")))
    if not ports:
        return "no serial port is plugged in by name; ls -l /dev/serial/by-id shows them"
    return f"plugged in: {', '.join(ports[:_NAMED])}"


def _who_may(path: str) -> str:
    import grp  # POSIX only; this module is loaded everywhere

    try:
        owner = os.stat(path).st_gid  # noqa: PTH116  # the text as given, links followed
        group = grp.getgrgid(owner).gr_name
    except (OSError, KeyError):
        return "ask who administers this computer"
    return f"the port belongs to the group {group}: sudo usermod -a -G {group} $USER, then log in again"

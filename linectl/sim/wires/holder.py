"""Who holds a TCP port of this computer, as far as it can be known: what a refused server says."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path

from linectl.errors import Unreachable
from linectl.words import tr

__all__ = ["cannot_listen", "holder_of"]

_TABLES = ("tcp", "tcp6")
_LISTENS = "0A"  # state of a socket in /proc/net/tcp
_COMMAND_LIMIT = 120  # characters


def holder_of(port: int, *, proc: Path = Path("/proc")) -> str:
    """Return the program that listens on TCP `port`, such as `mosquitto -p 1883 (process 812)`.

    Empty where that cannot be known: no Linux, nobody listens there, or another user's program.
    """
    sockets = _sockets(port, proc)
    if not sockets:
        return ""
    with suppress(OSError):
        for process in proc.iterdir():
            if process.name.isdecimal() and _has(process, sockets):
                return tr("{command} (process {pid})").format(command=_command(process), pid=process.name)
    return ""


def cannot_listen(host: str, port: int, exc: Exception, what: str) -> Unreachable:
    """Return the error of a server of the simulator that did not get its port; it names who has it.

    `what` is a whole sentence with the places `{host}`, `{port}` and `{why}`.
    """
    holder = holder_of(port) if port else ""
    if _is_no_address(exc):
        hint = tr("give an address of this computer, such as 127.0.0.1")
    elif holder:
        hint = tr("port {port} is held by {holder}: end it, or choose another port").format(port=port, holder=holder)
    elif _number(exc) == errno.EACCES:
        hint = tr("ports below 1024 are not everybody's: choose another one")
    else:
        hint = tr("choose another port")
    return Unreachable(what.format(host=host, port=port, why=_reason(exc)), hint=hint)


def _reason(exc: Exception) -> str:
    """Return why there is no listening there, in plain words where the case is a common one."""
    number = _number(exc)
    if _is_no_address(exc):
        return tr("this computer has no such address")
    if number == errno.EADDRINUSE:
        return tr("another program has this port")
    if number == errno.EACCES:
        return tr("this user may not have this port")
    if number in {errno.EMFILE, errno.ENFILE}:
        return tr("too many files and connections are open")
    if number is not None:
        return tr("error {name} of the operating system").format(name=errno.errorcode.get(number, number))
    return str(exc)


def _is_no_address(exc: Exception) -> bool:
    return isinstance(_root(exc), socket.gaierror) or _number(exc) == errno.EADDRNOTAVAIL


def _number(exc: Exception) -> int | None:
    root = _root(exc)
    return root.errno if isinstance(root, OSError) else None


def _root(exc: BaseException) -> BaseException:
    """Return the operating system's own error, where a library has wrapped it in one of its own."""
    inner: BaseException | None = exc
    while inner is not None and not isinstance(inner, OSError):
        inner = inner.__cause__ or inner.__context__
    return exc if inner is None else inner


def _sockets(port: int, proc: Path) -> set[str]:
    """Return the targets that descriptors of the listening sockets on `port` have."""
    found = set()
    for table in _TABLES:
        with suppress(OSError):
            for row in (proc / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = row.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found


def _has(process: Path, sockets: set[str]) -> bool:
    with suppress(OSError):  # another user's process, or one that has just ended
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                if str(descriptor.readlink()) in sockets:
                    return True
    return False


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "?"
    text = " ".join(word.decode("utf-8", "replace") for word in words)
    return text if len(text) <= _COMMAND_LIMIT else f"{text[:_COMMAND_LIMIT]}…"

"""Finding whoever serves a line on this machine."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from linectl.errors import Refused, Unreachable
from linectl.server.api.client import Caller
from linectl.server.api.endpoint import Endpoint, alive, endpoint_folders, endpoints_in
from linectl.words import tr

__all__ = ["connect", "find", "find_if_up"]

_PREFIX = "line-"
_RANKS = {"view": 0, "operate": 1, "research": 2, "service": 3}  # as `model.people.Role`, which a verb need not load


def find(data: Path | None = None, line: str = "") -> Endpoint:
    """Return where `line` is served (empty: the one that is).

    Raises:
        Unreachable: nobody serves it (E-SRV-001); what a killed server left is named and put away.
        Refused: several lines are served, and it was not said which (E-SRV-002).
    """
    folders = endpoint_folders(data)
    up, left = [], []
    for file, endpoint in endpoints_in(folders, _PREFIX):
        if line and line != endpoint.line:
            continue
        if alive(endpoint.pid):
            up.append(endpoint)
            continue
        left.append(endpoint)
        with suppress(OSError):
            file.unlink()
    lines = {each.line for each in up}
    if len(lines) > 1:
        raise Refused(
            tr("several lines are served: {lines}").format(lines=", ".join(sorted(lines))),
            hint=tr("say which one with --line NAME"),
            code="E-SRV-002",
        )
    if up:  # with several tokens for it, that of most rights
        return max(up, key=lambda each: _RANKS.get(each.role, -1))
    if left:
        text = tr("the server of {line} (process {pid}, {who}) is dead")
        last = left[-1]
        message = text.format(line=last.line, pid=last.pid, who=last.operator or "?")
        raise Unreachable(message, hint=_start(last.line), code="E-SRV-001")
    what = tr("nobody serves the line {line}").format(line=line) if line else tr("no line is served")
    where = tr("(looked into {folder})").format(folder=", ".join(map(str, folders)))
    raise Unreachable(f"{what} {where}", hint=_start(line), code="E-SRV-001")


def find_if_up(data: Path | None = None, line: str = "") -> Endpoint | None:
    """Return where `line` is served, None when nobody serves it."""
    try:
        return find(data, line)
    except Unreachable:
        return None


def connect(data: Path | None = None, line: str = "", *, operator: str = "", face: str = "cli") -> Caller:
    """Connect to whoever serves `line`.

    Raises:
        Unreachable, Refused: see `find`; or it does not answer.
    """
    return Caller(find(data, line), gone=_gone, operator=operator, face=face)


def _gone(endpoint: Endpoint) -> Unreachable:
    text = tr("the server of {line} (process {pid}) does not answer at {host}:{port}")
    message = text.format(line=endpoint.line, pid=endpoint.pid, host=endpoint.host, port=endpoint.port)
    return Unreachable(message, hint=_start(endpoint.line), code="E-SRV-001")


def _start(line: str) -> str:
    return tr("start it in another terminal: linectl serve {line}").format(line=line or "LINE")

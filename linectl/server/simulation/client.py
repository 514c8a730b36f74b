"""Finding the simulated line that another process serves, and speaking to it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from linectl.errors import Refused, Unreachable
from linectl.server.api.client import Caller
from linectl.server.api.endpoint import Endpoint, alive, endpoint_folders, endpoints_in
from linectl.server.simulation.control import PREFIX
from linectl.words import tr

__all__ = ["SimClient", "connect_to_sim"]


class SimClient(Caller):
    """One connection to a control socket, for the time of a `with` block.

    Raises:
        Unreachable: nobody listens there, or whoever does is no simulator of ours.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint, gone=_gone)


def connect_to_sim(data: Path | None = None, which: str = "") -> SimClient:
    """Connect to the simulated line that is up; `which` is its name or process id where several are.

    Raises:
        Unreachable: none is up; a file that a killed one left behind is named (and put away).
        Refused: several are up, and `which` does not say which one; they are named.
    """
    up: list[SimClient] = []
    left: list[tuple[Path, Endpoint]] = []
    for file, endpoint in endpoints_in(endpoint_folders(data), PREFIX):
        if which and which not in {endpoint.line, str(endpoint.pid)}:
            continue
        try:
            up.append(SimClient(endpoint))
        except Unreachable:
            left.append((file, endpoint))
    if len(up) == 1:
        return up[0]
    for client in up:
        client.close()
    if up:
        raise _which([client.endpoint for client in up])
    raise _none(data, which, left)


def _which(up: list[Endpoint]) -> Refused:
    return Refused(
        tr("several simulated lines are up: {lines}").format(lines=_named(up)),
        hint=tr("say which one with --sim: its name, or its process id"),
        code="E-SIM-002",
    )


def _named(endpoints: list[Endpoint]) -> str:
    return ", ".join(tr("{line} (pid {pid})").format(line=each.line, pid=each.pid) for each in endpoints)


def _none(data: Path | None, which: str, left: list[tuple[Path, Endpoint]]) -> Unreachable:
    for file, endpoint in left:
        if not alive(endpoint.pid):
            with suppress(OSError):
                file.unlink()
    if left:
        file, endpoint = left[-1]
        if not alive(endpoint.pid):
            text = tr("the simulated line {line} was served by process {pid}, which is dead; it left {file}")
            return Unreachable(
                text.format(line=endpoint.line, pid=endpoint.pid, file=file), hint=_start(), code="E-SIM-001"
            )
        return _gone(endpoint)
    folders = endpoint_folders(data)
    what = tr("no simulated line {name} is up").format(name=which) if which else tr("no simulated line is up")
    where = tr("(looked into {folder})").format(folder=folders[0])
    others = [found for _, found in endpoints_in(folders, PREFIX) if which and alive(found.pid)]
    hint = tr("these are up: {lines}").format(lines=_named(others)) if others else _start()
    return Unreachable(f"{what} {where}", hint=hint, code="E-SIM-001")


def _gone(endpoint: Endpoint) -> Unreachable:
    text = tr("the simulated line {line} (process {pid}) does not answer at {host}:{port}")
    return Unreachable(
        text.format(line=endpoint.line, pid=endpoint.pid, host=endpoint.host, port=endpoint.port),
        hint=_start(),
        code="E-SIM-001",
    )


def _start() -> str:
    return tr("start one in another terminal: linectl sim up")

"""Speaking to a simulated line that another process serves: a plain blocking socket, so that a verb starts fast."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linectl.errors import ConfigError, DeviceError, LinectlError, Refused, Unreachable
from linectl.server.sim_endpoint import API, Endpoint, endpoint_files, endpoint_folder, read_endpoint
from linectl.words import language, tr

__all__ = ["SimClient", "connect_to_sim"]

_WITHIN_S = 10.0
_ANSWER_BYTES = 4 << 20
_KINDS: Mapping[int, type[LinectlError]] = {
    kind.exit_code: kind for kind in (LinectlError, ConfigError, Unreachable, DeviceError, Refused)
}


class SimClient:
    """One connection to a control socket, for the time of a `with` block.

    Raises:
        Unreachable: nobody listens there, or whoever does is no simulator of ours.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._number = 0
        self._rest = b""
        try:
            self._socket = socket.create_connection((endpoint.host, endpoint.port), _WITHIN_S)
        except OSError as error:
            raise _gone(endpoint) from error
        try:
            self._greet()
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        """Return the open connection."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._socket.close()

    def call(self, op: str, /, **args: Any) -> Any:
        """Ask for `op` and return its answer.

        Raises:
            LinectlError: the simulator refused, as it would have done in this process.
            Unreachable: it went away before it answered.
        """
        self._number += 1
        self._send({"id": self._number, "op": op, "args": args})
        answer = self._receive()
        if answer.get("ok"):
            return answer.get("data")
        problem = answer.get("error") or {}
        kind = _KINDS.get(problem.get("exit_code", 0), DeviceError)
        raise kind(str(problem.get("message")), hint=str(problem.get("hint", "")), code=str(problem.get("code", "")))

    def _greet(self) -> None:
        self._send({"api": API, "token": self.endpoint.token, "client": "cli", "lang": language()})
        answer = self._receive()
        if not answer.get("ok"):
            raise Unreachable(str((answer.get("error") or {}).get("message")), hint=_start())

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise _gone(self.endpoint) from error

    def _receive(self) -> dict[str, Any]:
        try:
            while b"\n" not in self._rest:
                part = self._socket.recv(65_536)
                if not part or len(self._rest) > _ANSWER_BYTES:
                    raise _gone(self.endpoint)
                self._rest += part
        except OSError as error:
            raise _gone(self.endpoint) from error
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise _gone(self.endpoint) from error
        return answer if isinstance(answer, dict) else {}


def connect_to_sim(data: Path | None = None, which: str = "") -> SimClient:
    """Connect to the simulated line that is up; `which` is its name or process id where several are.

    Raises:
        Unreachable: none is up; a file that a killed one left behind is named (and put away).
        Refused: several are up, and `which` does not say which one; they are named.
    """
    up: list[SimClient] = []
    left: list[tuple[Path, Endpoint]] = []
    for file in endpoint_files(data):
        endpoint = read_endpoint(file)
        if endpoint is None or (which and which not in {endpoint.line, str(endpoint.pid)}):
            continue
        try:
            up.append(SimClient(endpoint))
        except Unreachable:
            left.append((file, endpoint))
    if len(up) == 1:
        return up[0]
    for client in up:
        client.__exit__(None, None, None)
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
        if not _alive(endpoint.pid):
            with suppress(OSError):
                file.unlink()
    if left:
        file, endpoint = left[-1]
        if not _alive(endpoint.pid):
            text = tr("the simulated line {line} was served by process {pid}, which is dead; it left {file}")
            return Unreachable(
                text.format(line=endpoint.line, pid=endpoint.pid, file=file), hint=_start(), code="E-SIM-001"
            )
        return _gone(endpoint)
    what = tr("no simulated line {name} is up").format(name=which) if which else tr("no simulated line is up")
    where = tr("(looked into {folder})").format(folder=endpoint_folder(data))
    others = [found for file in endpoint_files(data) if which and (found := read_endpoint(file)) and _alive(found.pid)]
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


def _alive(pid: int) -> bool:
    """Return whether a process of that number is there (signal 0 asks, and does nothing)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is there, and not ours
        return True
    return True

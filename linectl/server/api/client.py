"""Speaking to whoever serves a line: a plain blocking socket, so that a verb starts fast."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from linectl.errors import Unreachable
from linectl.server.api.endpoint import Endpoint
from linectl.server.api.protocol import API, as_object, data_of, error_of, line_of
from linectl.words import language

__all__ = ["Caller"]

_WITHIN_S = 10.0
_ANSWER_BYTES = 16 << 20


class Caller:
    """One connection, for the time of a `with` block; `gone` makes the error of a server that does not answer.

    Raises:
        Unreachable: nobody listens there, or whoever does is no server of ours.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        gone: Callable[[Endpoint], Unreachable],
        operator: str = "",
        face: str = "cli",
        within_s: float = _WITHIN_S,
    ) -> None:
        self.endpoint = endpoint
        self._gone = gone
        self._number = 0
        self._rest = b""
        try:
            self._socket = _connected(endpoint.host, endpoint.port, within_s)
        except OSError as error:
            raise gone(endpoint) from error
        try:
            self.role = self._greet(operator, face)
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
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(self, op: str, /, **args: Any) -> Any:
        """Ask for `op` and return its answer (see `ask`)."""
        return self.ask(op, args)

    def ask(
        self, op: str, args: Mapping[str, Any], *, within_s: float | None = None, key: str = "", reason: str = ""
    ) -> Any:
        """Ask for `op` and return its answer, waited for `within_s` at most (else as long as the connection waits).

        Raises:
            LinectlError: the server refused, as it would have done in this process.
            Unreachable: it went away before it answered.
        """
        if within_s is not None:
            self._socket.settimeout(within_s)
        number = self._request(op, args, key=key, reason=reason)
        while True:
            answer = self._receive()
            if answer.get("id") == number and "event" not in answer:
                return data_of(answer)

    def listen(self, **args: Any) -> Iterator[tuple[str, Any]]:
        """Subscribe, and yield each (section, data) as it comes, for as long as it is iterated over."""
        number = self._request("subscribe", args)
        self._socket.settimeout(None)
        while True:
            told = self._receive()
            if "event" in told:
                yield str(told["event"]), told.get("data")
            elif told.get("id") == number and not told.get("ok"):
                raise error_of(told.get("error"))

    def _request(self, op: str, args: Mapping[str, Any], *, key: str = "", reason: str = "") -> int:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "op": op, "args": args}
        self._send(message | {name: text for name, text in (("key", key), ("reason", reason)) if text})
        return self._number

    def _greet(self, operator: str, face: str) -> str:
        hello = {"api": API, "token": self.endpoint.token, "client": face, "operator": operator, "lang": language()}
        self._send(hello)
        answer = self._receive()
        if not answer.get("ok"):
            told = error_of(answer.get("error"))
            raise Unreachable(told.message, hint=self._gone(self.endpoint).hint, code=told.code)
        return str((answer.get("data") or {}).get("role", ""))

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._socket.sendall(line_of(message))
        except OSError as error:
            raise self._gone(self.endpoint) from error

    def _receive(self) -> dict[str, Any]:
        try:
            while b"\n" not in self._rest:
                part = self._socket.recv(65_536)
                if not part or len(self._rest) > _ANSWER_BYTES:
                    raise self._gone(self.endpoint)
                self._rest += part
        except OSError as error:
            raise self._gone(self.endpoint) from error
        line, _, self._rest = self._rest.partition(b"\n")
        found = as_object(line)
        if not found:
            raise self._gone(self.endpoint)
        return found


def _connected(host: str, port: int, within_s: float) -> socket.socket:
    """Return a connection to an address of this machine; to look a name up would cost more than to be answered."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.settimeout(within_s)
        found.connect((host, port))
    except BaseException:
        found.close()
        raise
    return found

"""The control socket of a simulated line: what another process may ask of it while it is up.

JSON lines over the loopback. The first line carries the token of the endpoint file; without it the connection is cut
off, so that a web page that posts to the port gets nowhere. Then one request a line, `{"id", "op", "args"}`, each
answered by one line, `{"id", "ok", "data", "error"}`, in the language that the client asked for.
"""

from __future__ import annotations

import asyncio
import difflib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linectl import words
from linectl.errors import LinectlError, Refused
from linectl.server.sim_endpoint import API, Endpoint, published
from linectl.words import tr

__all__ = ["Op", "SimControl"]

Op = Callable[[Mapping[str, Any]], Any]
"""Answers the `args` of a request with what can be said in JSON; raises LinectlError to refuse."""

_LOG = logging.getLogger(__name__)
_LINE_BYTES = 64 << 10
_GREETING_WITHIN_S = 5.0
_CONNECTIONS = 16
_HOST = "127.0.0.1"


class SimControl:
    """Serves `ops` by name for the time of an `async with` block, and publishes where.

    Raises:
        OSError: the endpoint file cannot be written.
    """

    def __init__(self, line: str, ops: Mapping[str, Op], *, data: Path | None = None) -> None:
        self._line = line
        self._ops = dict(ops)
        self._data = data
        self._token = secrets.token_urlsafe(24)
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._open = AsyncExitStack()
        self.file = Path()

    async def __aenter__(self) -> Self:
        """Listen, then say where."""
        async with AsyncExitStack() as stack:
            server = await asyncio.start_server(self._accept, _HOST, 0, limit=_LINE_BYTES)
            stack.push_async_callback(self._hang_up, server)
            port = server.sockets[0].getsockname()[1]
            endpoint = Endpoint(self._line, os.getpid(), _HOST, port, self._token)
            self.file = stack.enter_context(published(endpoint, self._data))
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the file away, then hang up."""
        await self._open.aclose()

    async def _hang_up(self, server: asyncio.Server) -> None:
        server.close()
        for writer in self._writers:
            writer.transport.abort()  # not cancelled: asyncio complains of that in Python 3.11
        await asyncio.gather(*self._talks, return_exceptions=True)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note a connection at once, not when its task gets its first turn: it may be hung up before."""
        self._writers.add(writer)
        talk = asyncio.create_task(self._serve(reader, writer), name="control socket")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._writers) <= _CONNECTIONS:
                await self._talk(reader, writer)
        except (ConnectionError, TimeoutError):
            writer.transport.abort()  # it went away, or never said who it is
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_GREETING_WITHIN_S):
            hello = _object(await _line(reader))
        if not hmac.compare_digest(str(hello.get("token", "")).encode(), self._token.encode()):
            return
        lang = hello.get("lang")
        if hello.get("api") != API:
            text = tr("this simulator speaks version {ours} of the control socket, not {theirs}")
            await _say(writer, None, error=Refused(text.format(ours=API, theirs=hello.get("api")), code="E-SIM-003"))
            return
        await _say(writer, None, {"api": API, "line": self._line, "pid": os.getpid()})
        while line := await _line(reader):
            request = _object(line)
            number = request.get("id")
            try:
                data = self._answer(request, lang if lang in words.LANGUAGES else words.language())
            except LinectlError as error:
                await _say(writer, number, error=error)
            except Exception as error:  # noqa: BLE001  # a supervisor: a mistake in one operation ends no line
                _LOG.exception("operation %s of the control socket", request.get("op"))
                text = tr("internal error: {error}").format(error=f"{type(error).__name__}: {error}")
                await _say(writer, number, error=LinectlError(text))
            else:
                await _say(writer, number, data)

    def _answer(self, request: Mapping[str, Any], lang: str) -> Any:
        """Return the answer, worded in `lang`; nothing is awaited meanwhile, so nobody else speaks it."""
        ours = words.language()
        words.use(lang)
        try:
            args = request.get("args")
            return self._op(request)(args if isinstance(args, dict) else {})
        finally:
            words.use(ours)

    def _op(self, request: Mapping[str, Any]) -> Op:
        name = str(request.get("op", ""))
        op = self._ops.get(name)
        if op is None:
            near = difflib.get_close_matches(name, self._ops, n=1)
            raise Refused(
                tr("the simulator knows no operation {name}; it knows {known}").format(
                    name=name or "-", known=", ".join(self._ops)
                ),
                hint=tr("did you mean `{word}`?").format(word=near[0]) if near else "",
                code="E-SIM-004",
            )
        return op


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line, empty at the end, or when it is longer than a line may be."""
    try:
        return await reader.readline()
    except ValueError:  # over the limit: whoever speaks so is none of ours
        return b""


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def _say(writer: asyncio.StreamWriter, number: Any, data: Any = None, error: LinectlError | None = None) -> None:
    problem = None
    if error is not None:
        problem = {"code": error.code, "exit_code": error.exit_code, "message": error.message, "hint": error.hint}
    body = {"id": number, "ok": error is None, "data": data, "error": problem}
    writer.write(json.dumps(body, ensure_ascii=False).encode() + b"\n")
    await writer.drain()

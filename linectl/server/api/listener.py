"""The socket of the local API: who is let in, what they may ask, and that nobody is kept waiting by another.

The first line carries a token of an endpoint file; without it the connection is cut off, so that a web page that posts
to the port gets nowhere. Each request is carried out beside the others of its connection, in the client's language.
"""

from __future__ import annotations

import asyncio
import difflib
import hmac
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from linectl import words
from linectl.errors import LinectlError, Refused
from linectl.model.people import Role, Who
from linectl.server.api.pace import Pace
from linectl.server.api.protocol import API, HOST, LINE_BYTES, answer_line, as_object, line_of, whole_text
from linectl.words import tr

__all__ = ["Handler", "Listener", "Request", "Talk"]

_LOG = logging.getLogger(__name__)
_GREETING_WITHIN_S = 5.0
_CONNECTIONS = 32
_AT_ONCE = 16  # requests of one connection under way
_BEHIND_BYTES = 8 << 20  # what waits for a client that does not read, before it is cut off


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `args` as they came, `key` by which the same request is known again, and who asks."""

    op: str
    args: Mapping[str, Any]
    who: Who
    talk: Talk
    key: str = ""
    reason: str = ""
    dry_run: bool = False


Handler = Callable[[Request], Awaitable[Any]]
"""Answers a request with what can be said in JSON; raises LinectlError to refuse."""


class Talk:
    """One connection that was let in."""

    def __init__(self, writer: asyncio.StreamWriter, who: Who, lang: str) -> None:
        self.who = who
        self.lang = lang
        self._writer = writer
        self.closed = asyncio.Event()

    def say(self, line: bytes) -> None:
        """Send `line` without waiting; a client that does not read is cut off before it fills the memory."""
        if self.closed.is_set():
            return
        transport = self._writer.transport
        if transport.get_write_buffer_size() > _BEHIND_BYTES:
            transport.abort()
            return
        self._writer.write(line)

    def tell(self, event: str, number: int, data: Any) -> None:
        """Send what a subscription tells; `number` rises."""
        self.say(line_of({"event": event, "seq": number, "data": data}))

    @property
    def is_behind(self) -> bool:
        """Whether the client has not read what was sent."""
        return self._writer.transport.get_write_buffer_size() > LINE_BYTES


class Listener:
    """Serves `handlers` by operation for the time of an `async with` block; `tokens` says what each bearer may."""

    def __init__(self, line: str, handlers: Mapping[str, Handler], tokens: Mapping[str, Role]) -> None:
        self._line = line
        self._handlers = dict(handlers)
        self._tokens = {token.encode(): role for token, role in tokens.items()}
        self._writers: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._accept, HOST, 0, limit=LINE_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()  # not cancelled: asyncio complains of that in Python 3.11
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note a connection at once, not when its task gets its first turn: it may be hung up before."""
        self._writers.add(writer)
        talk = asyncio.create_task(self._serve(reader, writer), name="local API")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._writers) <= _CONNECTIONS:
                talk = await self._greeted(reader, writer)
                if talk is not None:
                    await self._converse(reader, talk)
        except (ConnectionError, TimeoutError):
            writer.transport.abort()  # it went away, or never said who it is
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Talk | None:
        async with asyncio.timeout(_GREETING_WITHIN_S):
            hello = as_object(await _line(reader))
        role = self._role(str(hello.get("token", "")).encode())
        if role is None:
            return None
        lang = hello.get("lang")
        with words.speaking(lang if lang in words.LANGUAGES else words.language()):
            if hello.get("api") != API:
                text = tr("this server speaks version {ours} of the local API, not {theirs}")
                wrong = Refused(text.format(ours=API, theirs=hello.get("api")), code="E-API-001")
                writer.write(answer_line(None, error=wrong))
                await writer.drain()
                return None
            wished = hello.get("role")
            if wished in list(Role) and role.may(Role(wished)):
                role = Role(wished)
            who = Who(whole_text(hello.get("operator"), 80), whole_text(hello.get("client"), 20) or "script", role)
            writer.write(answer_line(None, {"api": API, "line": self._line, "pid": os.getpid(), "role": str(role)}))
            await writer.drain()
            return Talk(writer, who, words.language())

    def _role(self, token: bytes) -> Role | None:
        """Return what the bearer of `token` may; every token is compared, so that time tells nothing."""
        found = [role for known, role in self._tokens.items() if hmac.compare_digest(token, known)]
        return found[0] if found else None

    async def _converse(self, reader: asyncio.StreamReader, talk: Talk) -> None:
        under_way: set[asyncio.Task[None]] = set()
        pace = Pace()
        try:
            while line := await _line(reader):
                if len(under_way) >= _AT_ONCE:
                    await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                work = asyncio.create_task(self._carry_out(as_object(line), talk, pace))
                under_way.add(work)
                work.add_done_callback(under_way.discard)
            if under_way:  # whoever sends and closes its half still gets its answers
                await asyncio.wait(under_way, timeout=_GREETING_WITHIN_S)
        finally:
            talk.closed.set()
            for work in under_way:
                work.cancel()

    async def _carry_out(self, told: Mapping[str, Any], talk: Talk, pace: Pace) -> None:
        number = told.get("id")
        with words.speaking(talk.lang):
            try:
                answer = answer_line(number, await self._answer(told, talk, pace))
            except LinectlError as error:
                talk.say(answer_line(number, error=error))
            except Exception as error:  # noqa: BLE001  # a supervisor: a mistake in one operation ends no line
                _LOG.exception("operation %s of the local API", told.get("op"))
                text = tr("internal error: {error}").format(error=f"{type(error).__name__}: {error}")
                talk.say(answer_line(number, error=LinectlError(text)))
            else:
                talk.say(answer)

    async def _answer(self, told: Mapping[str, Any], talk: Talk, pace: Pace) -> Any:
        name = whole_text(told.get("op"), 80)
        handler = self._handlers.get(name)
        if handler is None:
            near = difflib.get_close_matches(name, self._handlers, n=1)
            raise Refused(
                tr("this server knows no operation {name}; it knows {known}").format(
                    name=name or "-", known=", ".join(self._handlers)
                ),
                hint=tr("did you mean `{word}`?").format(word=near[0]) if near else "",
                code="E-API-002",
            )
        pace.take(name)
        args = told.get("args")
        request = Request(
            name,
            args if isinstance(args, dict) else {},
            talk.who,
            talk,
            key=whole_text(told.get("key"), 80),
            reason=whole_text(told.get("reason"), 2000),
            dry_run=told.get("dry_run") is True,
        )
        return await handler(request)


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Return the next line, empty at the end, or when it is longer than a line may be."""
    try:
        return await reader.readline()
    except ValueError:  # over the limit: whoever speaks so is none of ours
        return b""

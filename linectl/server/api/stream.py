"""Following a line from an asyncio program: its state kept up to date, and whether it is still told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any

from linectl.errors import LinectlError, Unreachable
from linectl.server.api.endpoint import Endpoint
from linectl.server.api.protocol import API, as_object, data_of, error_of, line_of
from linectl.words import language, tr

__all__ = ["Watcher"]

_ANSWER_BYTES = 16 << 20
_LOST_S = 2.0  # without a word of the server it is taken for dead
_AGAIN_S = 0.5
_CONNECT_S = 3.0
_JOURNAL = 200  # entries kept


class Watcher:
    """A client that stays: it connects, follows, notices when nobody answers, and connects again.

    `find` gives the endpoint to connect to; it may be another one after a restart of the server.
    """

    def __init__(
        self,
        find: Callable[[], Endpoint],
        *,
        operator: str = "",
        face: str = "watch",
        wanted: tuple[str, ...] = (),
        period_s: float = 0.25,
    ) -> None:
        self._find = find
        self._hello = {"operator": operator, "client": face}
        self._subscription: Mapping[str, Any] = {"sections": list(wanted), "period_s": period_s}
        self._writer: asyncio.StreamWriter | None = None
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._dirty: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._told: set[str] = set()  # sections since the last connection: the first of each is whole
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}
        self.connected = False
        self.lost_s: float | None = None
        """When the server was last heard, by the loop's clock; None while it is heard."""
        self.why = ""
        """Why it is not heard, for people."""

    async def start(self) -> None:
        """Begin to follow; returns at once."""
        self._task = asyncio.create_task(self._follow(), name="watcher of a line")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def changes(self) -> AsyncIterator[str]:
        """Yield the name of each section when it has changed; "lost" and "back" tell of the server itself."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            names, self._dirty = list(self._dirty), {}
            for name in names:
                yield name

    async def call(self, op: str, /, **args: Any) -> Any:
        """Ask for `op` and return its answer (see `ask`)."""
        return await self.ask(op, args)

    async def ask(self, op: str, args: Mapping[str, Any], *, key: str = "", reason: str = "") -> Any:
        """Ask for `op` and return its answer.

        Raises:
            LinectlError: the server refused.
            Unreachable: it is not there, or went away before it answered.
        """
        if self._writer is None:
            raise Unreachable(self.why or tr("the server of the line does not answer"), code="E-SRV-001")
        self._number += 1
        number = self._number
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        message: dict[str, Any] = {"id": number, "op": op, "args": args}
        self._writer.write(line_of(message | {name: text for name, text in (("key", key), ("reason", reason)) if text}))
        try:
            return data_of(await waiting)
        finally:
            self._waiting.pop(number, None)

    async def _follow(self) -> None:
        while True:
            try:
                await self._once()
            except (OSError, TimeoutError, LinectlError, asyncio.IncompleteReadError) as error:
                self._lose(error)
            finally:
                self._hang_up()
            await asyncio.sleep(_AGAIN_S)

    async def _once(self) -> None:
        endpoint = self._find()
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port, limit=_ANSWER_BYTES)
            self._writer = writer
            writer.write(line_of({"api": API, "token": endpoint.token, "lang": language(), **self._hello}))
            answer = as_object(await reader.readline())
        if not answer.get("ok"):
            raise error_of(answer.get("error"))
        self._told.clear()
        subscribed = asyncio.create_task(self.ask("subscribe", self._subscription))
        try:
            await self._read(reader)
        finally:
            subscribed.cancel()
            with suppress(asyncio.CancelledError, LinectlError):
                await subscribed

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            async with asyncio.timeout(_LOST_S):
                line = await reader.readline()
            if not line:
                raise Unreachable(tr("the server of the line has ended"), code="E-SRV-001")
            self._take(as_object(line))

    def _take(self, told: Mapping[str, Any]) -> None:
        if "event" not in told:
            waiting = self._waiting.get(int(told.get("id") or 0))
            if waiting is not None and not waiting.done():
                waiting.set_result(told)
            return
        if not self.connected:
            self.connected, self.lost_s, self.why = True, None, ""
            self._wake("back")
        name: str = str(told["event"])
        data: Any = told.get("data")
        whole = name not in self._told
        self._told.add(name)
        if name == "values" and not whole:
            self.state["values"] = {**self.state["values"], **data}
        elif name == "journal" and not whole:
            self.state["journal"] = [*self.state["journal"], *data][-_JOURNAL:]
        elif name != "beat":
            self.state[name] = data
        self._wake(name)

    def _wake(self, name: str) -> None:
        self._dirty[name] = None
        self._woken.set()

    def _lose(self, error: Exception) -> None:
        self.why = error.message if isinstance(error, LinectlError) else tr("the server of the line does not answer")
        if self.connected or self.lost_s is None:
            self.lost_s = asyncio.get_running_loop().time()
            self.connected = False
            self._wake("lost")

    def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Unreachable(tr("the server of the line has ended"), code="E-SRV-001"))

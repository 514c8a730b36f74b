"""While a line is served: its names for TAB are written anew with each run and lot, aside from the line."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from linectl.errors import LinectlError
from linectl.model.records import Event
from linectl.server.kept_names import keep_names
from linectl.server.line_server import LineServer

__all__ = ["NameKeeper"]

_WHEN = ("run_started", "run_ended", "lot_")


class NameKeeper:
    """Keeps the names of a served line for the time of an `async with` block: anew with each run and lot."""

    def __init__(self, server: LineServer) -> None:
        self._server = server
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Write them a first time, while the line goes on."""
        assert self._server.store is not None, "the server is not open"
        self._server.store.listen(self._happened)
        self._due.set()
        self._task = asyncio.create_task(self._follow(), name="names for TAB")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _happened(self, event: Event) -> None:
        if event.kind.startswith(_WHEN):
            self._due.set()

    async def _follow(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            with suppress(LinectlError):  # the next run or lot writes them again
                await asyncio.to_thread(keep_names, self._server.store_file, self._server.definition)

"""While a line is served: where each GO stands is worked out again when that may have changed, aside from the line.

It may when a lot was washed here, and when a store of the folder holds something new: a suspension that another process
has lifted, a confirmation, lots that were imported, a run that has ended.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from linectl.errors import LinectlError
from linectl.model.records import Event
from linectl.server.line_server import LineServer
from linectl.server.results.glue_standings import GlueStandings

__all__ = ["GlueWatch"]

_LOOK_S = 30.0  # loop time between two looks at the stores
_WHEN = frozenset({"lot_washed", "lot_released", "lot_quarantined"})


class GlueWatch:
    """Keeps `standings` up to date for the time of an `async with` block; what goes wrong is noted, and tried again."""

    def __init__(self, server: LineServer) -> None:
        self._server = server
        self._due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.standings = GlueStandings(server.store_file.parent)

    async def __aenter__(self) -> Self:
        """Work it out a first time, while the line goes on."""
        assert self._server.store is not None, "the server is not open"
        self._server.store.listen(self._happened)
        self._server.glues = self.standings
        self._due.set()
        self._task = asyncio.create_task(self._follow(), name="standings of the glues")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _happened(self, event: Event) -> None:
        if event.kind in _WHEN:
            self._due.set()

    async def _follow(self) -> None:
        while True:
            before = {str(each["glue"]) for each in self._suspended()}
            try:
                await self._is_due()
                self._due.clear()
                await self.standings.refresh()
            except LinectlError as error:
                self._server.tell("glues_unknown", {"error": error.message})
                continue
            for each in self._suspended():
                if str(each["glue"]) not in before:
                    self._server.tell("glue_suspended", {"name": each["glue"], "lots": each["lots"]})

    async def _is_due(self) -> None:
        """Return when a lot was washed, or when the stores were found to hold something new."""
        while not self._due.is_set():
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._due.wait()
            except TimeoutError:
                if await self.standings.is_behind():
                    return

    def _suspended(self) -> list[dict[str, object]]:
        return [each for each in self.standings.section if each["suspended"] is not None]

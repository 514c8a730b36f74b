"""The dashboard's feed from a served line: the stream of the local API, and its operations by their names there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from linectl.errors import Refused, Unreachable
from linectl.server.api.stream import Watcher
from linectl.tui.watch.feed import section
from linectl.words import tr

__all__ = ["ServedFeed"]

_FIRST_S = 5.0
_OF_RUN = {
    "hold": "run_hold",
    "abort": "run_abort",
    "pause": "run_pause",
    "resume": "run_resume",
    "next": "run_next",
    "cancel": "run_cancel",
}
"""What a run is asked for: hold and abort are the machine's own as well, where there is one."""
_OF_MACHINE_FIRST = {"abort"}  # ends the run too
_ROOMS = ("machine_", "alarm_", "alarms_", "write_")


class ServedFeed:
    """A `Feed` over a `Watcher`."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._loop = asyncio.get_running_loop()
        self._known: frozenset[str] | None = None
        self.heard_s: float | None = None

    @property
    def state(self) -> Mapping[str, Any]:
        """The line's state as last heard."""
        return self._watcher.state

    @property
    def lost_why(self) -> str:
        """Why the server cannot be reached now."""
        watcher = self._watcher
        return "" if watcher.connected else watcher.why or tr("the server of the line does not answer")

    async def first(self) -> None:
        """Wait for the first whole state.

        Raises:
            Unreachable: the server does not tell it within some seconds.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_S):
                async for name in self.changes():
                    if name != "lost" and "values" in self.state:
                        return
        raise Unreachable(self.lost_why, code="E-SRV-001")

    async def changes(self) -> AsyncIterator[str]:
        """Give the name of each section that has changed; every word of the server is a sign of life."""
        async for name in self._watcher.changes():
            if name in {"lost", "back"}:
                self._known = None  # another server may know other operations
            if name != "lost":
                self.heard_s = self._loop.time()
            if name != "beat":
                yield name

    async def call(self, op: str, /, **args: Any) -> Mapping[str, Any]:
        """Ask the server; an answer without data is an empty one.

        Raises:
            LinectlError: it was refused, this server does not know the operation, or cannot be reached.
        """
        said = await self._watcher.call(await self._named(op), **args)
        return said if isinstance(said, Mapping) else {}

    async def _named(self, op: str) -> str:
        """Return what the server calls `op`: a run under way is meant before the machine."""
        if self._known is None:
            self._known = frozenset(str(each["name"]) for each in await self._watcher.call("operations"))
        of_run = _OF_RUN.get(op, "")
        own = [op, *(f"{room}{op}" for room in _ROOMS)]
        names = [of_run, *own] if section(self.state, "run") and op not in _OF_MACHINE_FIRST else [*own, of_run]
        for name in names:
            if name in self._known:
                return name
        raise Refused(tr("the server of this line does not know `{op}`").format(op=op), code="E-API-002")

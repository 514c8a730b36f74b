"""LineServer: holds one line, its store and its lease, and runs experiments on it. Every face goes through here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.link import Link
from linectl.clock import Clock, VirtualTimeLoop
from linectl.lab.progress import Progress
from linectl.lab.runner import Runner, RunOutcome
from linectl.line.line import Line
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition
from linectl.model.prompts import Prompter
from linectl.store.store import Store, open_store

__all__ = ["LineServer"]


class LineServer:
    """One line with its store, open for the time of an `async with` block.

    `links` replaces the wires that the definition names (the rig in memory). The store is written inline when the
    loop's clock jumps, else by its own thread.
    """

    def __init__(
        self,
        definition: LineDefinition,
        clock: Clock,
        store_file: Path,
        *,
        boot: str,
        links: Mapping[str, Link] | None = None,
    ) -> None:
        self.definition = definition
        self.clock = clock
        self.store_file = store_file
        self.line = Line(definition, clock, links=links, boot=boot)
        self.store: Store | None = None
        self._runner: Runner | None = None
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the store, then the line."""
        virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
        self.store = open_store(self.store_file, line=self.definition.name, virtual=virtual, tags=self.definition.tags)
        async with AsyncExitStack() as stack:
            await self.store.open()
            stack.push_async_callback(self.store.close)
            await stack.enter_async_context(self.line)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the line (heater off, lease given back), then the store."""
        await self._open.aclose()

    async def run(
        self,
        experiment: Experiment,
        prompter: Prompter,
        *,
        operator: str,
        seed: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> RunOutcome:
        """Run `experiment` to its end, or to where a stop request or its policy ends it."""
        assert self.store is not None, "the server is not open"
        self._runner = Runner(
            self.line,
            self.store,
            prompter,
            self.clock,
            experiment,
            operator=operator,
            seed=seed,
            on_progress=on_progress,
        )
        return await self._runner.run()

    def request_stop(self) -> None:
        """End the run at its next safe point."""
        if self._runner is not None:
            self._runner.request_stop()

    def stop_now(self) -> None:
        """End the run at once: heater off, data kept."""
        if self._runner is not None:
            self._runner.stop_now()

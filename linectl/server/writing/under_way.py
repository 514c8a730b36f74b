"""What goes on after a set has been answered: a ramp on its way, a value that will be written back."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field

from drivers.link import Outcome
from linectl.clock import Clock
from linectl.errors import LinectlError
from linectl.line.convert import same
from linectl.line.line import Line
from linectl.line.reports import WriteReport
from linectl.model.lines import Tag
from linectl.model.people import Who
from linectl.model.readings import Value
from linectl.server.writing.ramps import Ramp
from linectl.server.writing.said import Book

__all__ = ["Ground", "Holding", "Ramping", "Work"]

_AGAIN_S = 5.0  # process time between two attempts to write back
_ATTEMPTS = 60
_PASSING = frozenset({"link", "lease", "rate", "step"})  # what refuses now and may let it pass later


@dataclass(slots=True)
class Ground:
    """What work stands on. `moved` is told where a ramp has come to, `over` what has ended by itself."""

    line: Line
    clock: Clock
    book: Book
    lock: asyncio.Lock
    moved: Callable[[str, Value], None]
    over: Callable[[Work], None]
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Work(ABC):
    """Something under way for one tag; it ends by itself, or is stopped."""

    def __init__(self, ground: Ground, tag: Tag, who: Who) -> None:
        self.tag = tag
        self.who = who
        self.writing = False
        self._ground = ground
        work, name = self._whole(), f"{type(self).__name__} of {tag.name}"
        # a context of its own: it speaks the server's language, not that of whoever asked
        self._task = asyncio.get_running_loop().create_task(work, name=name, context=Context())
        ground.tasks.add(self._task)
        self._task.add_done_callback(ground.tasks.discard)

    @abstractmethod
    async def _run(self) -> str:
        """Do the work; return how it ended, as a machine word."""

    @abstractmethod
    def _told(self, why: str) -> tuple[str, dict[str, object]]:
        """Return the kind of event and its data that tell of an end."""

    def stop(self, why: str) -> Value | None:
        """End it where it stands; return the value that was to be written back, None: there is none."""
        self._task.cancel()
        self._tell(why)
        return None

    async def close(self, *, safe: bool) -> None:
        """End it with the line; `safe`: the line's safe state sets this tag next."""
        self.stop("safe" if safe else "closed")

    async def _whole(self) -> None:
        try:
            why = await self._run()
        except LinectlError as error:  # the record cannot be kept: nothing more is written by itself
            why = error.code
        self._ground.over(self)
        self._tell(why)

    def _tell(self, why: str) -> None:
        kind, data = self._told(why)
        told = {"tag": self.tag.name, "who": self.who.operator, **data, "why": why}
        self._ground.book.tell(kind, told)

    async def _write(self, value: Value, why: str) -> WriteReport:
        self.writing = True
        try:
            return await self._ground.book.write(self.tag.name, value, who=self.who.operator, why=why)
        finally:
            self.writing = False

    async def _holds(self) -> Value | None:
        return (await self._ground.line.before(self.tag.name)).value


class Ramping(Work):
    """A set point on its way: each step is checked, allowed, written and read back like any other write."""

    def __init__(self, ground: Ground, tag: Tag, way: Ramp, who: Who, why: str) -> None:
        self.way = way
        self.at: Value = way.start
        self.ends_s = ground.clock.process_s() + way.lasts_s
        self._why = why
        super().__init__(ground, tag, who)

    async def _run(self) -> str:
        for wait_s, value in self.way.steps():
            await self._ground.clock.sleep(wait_s)
            async with self._ground.lock:
                ended = await self._step(value)
            if ended:
                return ended
        return "done"

    async def _step(self, value: Value) -> str:
        """Go one step; return why that ends the ramp, "" when it does not."""
        holds = await self._holds()
        if holds is None:
            return "unreadable"
        if not same(self.tag, holds, self.at):
            self.at = holds
            return "changed"
        report = await self._write(value, self._why)
        if report.outcome is not Outcome.REFUSED:
            self.at = value if report.got is None else report.got
            self._ground.moved(self.tag.name, self.at)
        return "" if report.outcome is Outcome.CONFIRMED else report.refused_by or str(report.outcome)

    def _told(self, why: str) -> tuple[str, dict[str, object]]:  # noqa: ARG002  # the same for every end
        return "ramp_ended", {"at": self.at, "target": self.way.target}


class Holding(Work):
    """A value that stands for a time, and is then written back; not when somebody changed it meanwhile."""

    def __init__(self, ground: Ground, tag: Tag, old: Value, got: Value, for_s: float, who: Who) -> None:
        self.old = old
        self.ends_s = ground.clock.process_s() + for_s
        self._got = got
        self._for_s = for_s
        super().__init__(ground, tag, who)

    def stop(self, why: str) -> Value | None:
        """Forget the way back, and return it."""
        super().stop(why)
        return self.old

    async def close(self, *, safe: bool) -> None:
        """Write back now, with the line still open; what the safe state sets next is left to it."""
        self._task.cancel()
        self._tell("safe" if safe else await self._back())

    async def _run(self) -> str:
        await self._ground.clock.sleep(self._for_s)
        for _ in range(_ATTEMPTS):
            async with self._ground.lock:
                ended = await self._back()
            if ended not in _PASSING | {"unknown", "unreadable"}:
                break
            await self._ground.clock.sleep(_AGAIN_S)
        return ended

    async def _back(self) -> str:
        """Write the old value back; return how that ended."""
        holds = await self._holds()
        if holds is None:
            return "unreadable"
        if same(self.tag, holds, self.old):
            return "done"
        if not same(self.tag, holds, self._got):
            return "changed"
        report = await self._write(self.old, "--for")
        return "done" if report.outcome is Outcome.CONFIRMED else report.refused_by or str(report.outcome)

    def _told(self, why: str) -> tuple[str, dict[str, object]]:
        return ("put_back" if why == "done" else "not_put_back"), {"value": self.old}

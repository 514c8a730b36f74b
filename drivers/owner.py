"""One task that owns a wire: a priority queue, one outstanding request, absolute deadlines, and its own reconnect."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from drivers.errors import DriverError, LinkDown, ReplyTimeout
from drivers.link import Priority

__all__ = ["Owner", "backoff"]

T = TypeVar("T")


def backoff(first_s: float, last_s: float, seed: int) -> Iterator[float]:
    """Yield pauses (s) that double from `first_s` to `last_s`, each shortened by up to a half at random."""
    draw = random.Random(f"{seed}/backoff")  # noqa: S311  # jitter, no secret
    pause_s = first_s
    while True:
        yield pause_s * (0.5 + 0.5 * draw.random())
        pause_s = min(2 * pause_s, last_s)


class _Job:
    """One action that waits for the wire or is on it, and the future that its caller awaits."""

    __slots__ = ("action", "reply", "timer")

    def __init__(self, action: Callable[[], Awaitable[Any]], reply: asyncio.Future[Any]) -> None:
        self.action = action
        self.reply = reply
        self.timer: asyncio.TimerHandle | None = None

    def succeed(self, result: object) -> None:
        if not self.reply.done():
            self.reply.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)

    def forget(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Owner:
    """Runs actions on one wire, one at a time, the most urgent first.

    `connect` brings the wire up and raises a `DriverError` or an `OSError` when it cannot; `disconnect` may be called
    at any time, and never fails. After `lost()` the owner reconnects by itself until it is stopped, with pauses of
    `backoff_s` (first and longest, s) and a jitter drawn from `seed`.

    `ready_at` says (loop time, s) when the wire may be used next; until then nothing is begun, and what is more urgent
    still overtakes. With `whole` an action is never cut by its caller's deadline: the caller is told at once, and the
    action, which must end by itself, goes on to its end with nobody waiting for it.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Awaitable[None]],
        disconnect: Callable[[], Awaitable[None]],
        *,
        backoff_s: tuple[float, float] = (0.1, 1.0),
        seed: int = 0,
        whole: bool = False,
        ready_at: Callable[[], float] | None = None,
    ) -> None:
        self.name = name
        self.is_open = False
        self.reconnects = 0
        self.last_error = ""
        self._connect = connect
        self._disconnect = disconnect
        self._backoff_s = backoff_s
        self._seed = seed
        self._whole = whole
        self._ready_at = ready_at
        self._queue: list[tuple[int, int, _Job]] = []
        self._order = 0
        self._idle: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._running: _Job | None = None
        self._interruption: DriverError | None = None

    def __repr__(self) -> str:
        """Return the wire's name and state."""
        state = "open" if self.is_open else "stopped" if self._task is None else "reconnecting"
        return f"<Owner {self.name} {state}, {len(self._queue)} waiting>"

    async def start(self) -> None:
        """Connect once, then own the wire until `stop`; does nothing when it is owned already.

        Raises:
            LinkDown: the first connection failed; nothing is left running.
        """
        if self._task is not None:
            return
        try:
            await self._connect()
        except (DriverError, OSError) as error:
            await self._disconnect()
            raise LinkDown(str(error)) from error
        self.is_open = True
        self._task = asyncio.create_task(self._own(), name=f"owner of {self.name}")

    async def stop(self) -> None:
        """Disconnect for good; whatever waits or is on the wire fails as LinkDown."""
        self.is_open = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        self._fail_waiting("was closed")
        await self._disconnect()

    def lost(self, why: str = "connection lost") -> None:
        """Say that the wire died: what waits or is on it fails at once, and the owner begins to reconnect.

        May be called from a callback of the transport or by the action that is on the wire, which then ends by itself.
        """
        if not self.is_open:
            return
        self.is_open = False
        self.last_error = why
        self._fail_waiting(f"is not connected: {why}")
        if asyncio.current_task() is not self._task:
            self._interrupt(LinkDown(f"{self.name} is not connected: {why}"))
        self._awake()

    async def call(self, action: Callable[[], Awaitable[T]], *, deadline: float, priority: Priority) -> T:
        """Run `action` on the wire in its turn and return its result.

        Cancelling the caller leaves an action that is on the wire alone; one that still waits is not begun, nor is one
        whose deadline (loop time, s) passed while it waited.

        Raises:
            LinkDown: the wire is not connected, or was lost meanwhile.
            ReplyTimeout: the deadline passed.
            DriverError: what the action itself raised.
        """
        if not self.is_open:
            raise LinkDown(f"{self.name} is not connected: {self.last_error or 'not opened'}")
        loop = asyncio.get_running_loop()
        if loop.time() >= deadline:
            raise ReplyTimeout(f"{self.name}: the deadline had passed before the request was made")
        reply: asyncio.Future[T] = loop.create_future()
        job = _Job(action, reply)
        job.timer = loop.call_at(deadline, self._expire, job)
        self._order += 1
        heapq.heappush(self._queue, (priority, self._order, job))
        self._awake()
        return await reply

    def _awake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _expire(self, job: _Job) -> None:
        if job is self._running:
            error = ReplyTimeout(f"{self.name}: no reply by the deadline")
            if self._whole:
                job.fail(error)
            else:
                self._interrupt(error)
        else:
            job.fail(ReplyTimeout(f"{self.name}: the deadline passed in the queue, nothing was sent"))

    def _interrupt(self, error: DriverError) -> None:
        """End the action on the wire with `error`, as `asyncio.timeout` does: by a cancellation of our own."""
        if self._running is not None and self._interruption is None and self._task is not None:
            self._interruption = error
            self._task.cancel()

    def _fail_waiting(self, why: str) -> None:
        waiting, self._queue = self._queue, []
        for _, _, job in waiting:
            job.forget()
            job.fail(LinkDown(f"{self.name} {why}"))

    async def _own(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self.is_open:
                await self._reconnect()
            elif self._queue:
                await self._next(loop)
            else:
                self._idle = loop.create_future()
                await self._idle

    async def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Carry out the most urgent action, or wait until the wire is ready for it."""
        if self._ready_at is not None:  # bytes that the line brought already may change when that is
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        if not self._queue or not self.is_open:
            return
        if self._queue[0][2].reply.done():  # expired, or its caller went away: not begun
            heapq.heappop(self._queue)[2].forget()
        elif self._ready_at is not None and (ready_s := self._ready_at()) > loop.time():
            self._idle = loop.create_future()
            timer = loop.call_at(ready_s, self._awake)
            try:
                await self._idle
            finally:
                timer.cancel()
        else:
            await self._carry_out(heapq.heappop(self._queue)[2])

    async def _carry_out(self, job: _Job) -> None:
        self._begin(job)
        try:
            job.succeed(await job.action())
        except asyncio.CancelledError:
            job.fail(self._interruption or LinkDown(f"{self.name} was closed"))
            if self._cancelled_from_outside():
                raise
        except Exception as error:  # noqa: BLE001  # the supervisor of the wire: a broken action must not end the owner
            job.fail(error)
        finally:
            self._running = None
            job.forget()
            if self._interruption is not None:
                _this_task().uncancel()

    def _begin(self, job: _Job) -> None:
        self._running, self._interruption = job, None

    def _cancelled_from_outside(self) -> bool:
        return _this_task().cancelling() > (self._interruption is not None)

    async def _reconnect(self) -> None:
        await self._disconnect()
        for pause_s in backoff(*self._backoff_s, self._seed + self.reconnects):
            await asyncio.sleep(pause_s)
            try:
                await self._connect()
            except (DriverError, OSError) as error:
                self.last_error = str(error)
                await self._disconnect()
                continue
            self.reconnects += 1
            self.is_open = True
            return


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task

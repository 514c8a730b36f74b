"""An event loop in a thread of its own, so that a plain test drives what lives in it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from linectl.clock import VirtualTimeLoop

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """A loop that `do` gives work to, from any other thread.

    In virtual time it runs while `do` waits, and stands still between: nothing happens behind a test's back. In real
    time it always runs, so that others can talk to what it serves.
    """

    def __init__(self, *, virtual: bool) -> None:
        self.virtual = virtual
        self._thread = ThreadPoolExecutor(1, "simulated line")
        self._ident = self._thread.submit(threading.get_ident).result()
        self._loop: asyncio.AbstractEventLoop = VirtualTimeLoop() if virtual else asyncio.new_event_loop()
        self._closing = False
        if not virtual:
            self._thread.submit(self._run_on)

    def __repr__(self) -> str:
        """Return which time it keeps and how far it is."""
        return f"<LoopThread {'virtual' if self.virtual else 'real'} time, {self._loop.time():.1f} s>"

    @property
    def is_here(self) -> bool:
        """Whether the caller is inside the loop's thread already."""
        return threading.get_ident() == self._ident

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work` in the loop and return its result, or raise what it raised.

        Raises:
            RuntimeError: the caller runs in the loop itself, and must await instead.
        """
        __tracebackhide__ = True
        if self.is_here:
            work.close()
            raise RuntimeError("the line is running this already: await the bench instead of calling run")
        ended = self._submit(work)
        try:
            task = ended.result()
        except BaseException:  # an interrupt of this thread: end the work too, and leave nothing running
            self._loop.call_soon_threadsafe(_cancel_all, self._loop)
            raise
        error = task.exception()
        if error is not None:
            raise error
        return task.result()

    def call(self, function: Callable[[], T]) -> T:
        """Return `function()`, called in the loop's thread while the loop runs."""
        __tracebackhide__ = True
        return function() if self.is_here else self.do(_called(function))

    def close(self) -> None:
        """End what still runs, and the thread."""
        self._closing = True
        if not self.virtual:
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[asyncio.Task[T]]:
        context = contextvars.copy_context()
        if not self.virtual:
            return asyncio.run_coroutine_threadsafe(_ended(work, context), self._loop)
        return self._thread.submit(self._run, _ended(work, context))

    def _run(self, ending: Coroutine[Any, Any, asyncio.Task[T]]) -> asyncio.Task[T]:
        task = self._loop.create_task(ending)
        while not task.done():
            with contextlib.suppress(SystemExit, KeyboardInterrupt):  # a script's own: `do` tells the test
                self._loop.run_until_complete(task)
        return task.result()

    def _run_on(self) -> None:
        while not self._closing:
            with contextlib.suppress(SystemExit, KeyboardInterrupt):  # the same; the line goes on
                self._loop.run_forever()

    def _end(self) -> None:
        _cancel_all(self._loop)
        self._loop.run_until_complete(_all_ended())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _ended(work: Coroutine[Any, Any, T], context: contextvars.Context) -> asyncio.Task[T]:
    """Return the task that did `work`, once it has ended in whatever way."""
    task = asyncio.create_task(work, context=context)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    return task


async def _called(function: Callable[[], T]) -> T:
    return function()


async def _all_ended() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()

"""Who drives the core: a thread that commits whatever has gathered, or the caller itself in virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from linectl.errors import StoreError
from linectl.model.records import Event
from linectl.store import rows
from linectl.store.codec import Row
from linectl.store.core import Action, Core, Item, Job, Results
from linectl.words import tr

__all__ = ["InlineWriter", "ThreadWriter", "Writer"]

_BATCH = 500  # items in one commit
_PLAIN_WAIT_S = 0.5  # what nobody waits for
_QUEUE = 20_000  # items; at 2 scans a second, hours of a disk that does not answer
_VIRTUAL_SCANS = 600


class Writer(Protocol):
    """Takes items and makes them durable."""

    core: Core

    async def open(self) -> None:
        """Open the core."""

    async def close(self) -> None:
        """Write what is left and close the core."""

    def put(self, item: Item) -> None:
        """Take an item that nobody waits for."""

    async def submit(self, action: Action, *, last_words: bool = False) -> None:
        """Return when `action` is durable, or raise why it is not."""


class InlineWriter:
    """Writes in the caller's own turn: at each awaited call, after 600 items, at close; never by a timer."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._waiting: list[Item] = []

    async def open(self) -> None:
        """Open the core."""
        self.core.now_s = asyncio.get_running_loop().time
        self.core.open()

    async def close(self) -> None:
        """Write what is left and close the core."""
        self._write()
        self.core.close()

    def put(self, item: Item) -> None:
        """Take an item; the 600th makes a commit."""
        self._waiting.append(item)
        if len(self._waiting) >= _VIRTUAL_SCANS:
            self._write()

    async def submit(self, action: Action, *, last_words: bool = False) -> None:
        """Write `action` and all that waited before it."""
        job = Job(action, last_words=last_words)
        self._waiting.append(job)
        for done, error in self._write():
            if done is job and error is not None:
                raise error

    def _write(self) -> Results:
        items, self._waiting = self._waiting, []
        return self.core.write(items) if items else []


class ThreadWriter:
    """One thread owns the connection. While one commit is being synced, the next batch gathers."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._queue: deque[Item] = deque()
        self._news = threading.Condition()
        self._awaited = 0  # queued jobs that someone waits for
        self._closing = False
        self._overflow = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Open the core and start the thread."""
        self._loop = asyncio.get_running_loop()
        self.core.now_s = self._loop.time
        self.core.open()
        self._thread = threading.Thread(target=self._work, name="linectl-store", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Let the thread write what is left, and wait for its end."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        with self._news:
            self._closing = True
            self._news.notify()
        await asyncio.get_running_loop().run_in_executor(None, thread.join)
        self.core.close()

    def put(self, item: Item) -> None:
        """Take an item; when the queue is full it is counted as lost, and the gap is told as an event."""
        with self._news:
            if len(self._queue) >= _QUEUE:
                self._overflow += 1
                return
            self._queue.append(item)
            self._news.notify()

    async def submit(self, action: Action, *, last_words: bool = False) -> None:
        """Queue `action` and wait for its commit."""
        assert self._loop is not None, "the store is not open"
        job = Job(action, self._loop.create_future(), last_words)
        with self._news:
            if len(self._queue) >= _QUEUE or self._closing:
                raise StoreError(tr("the store takes no more rows: the disk is too slow, or it is closing"))
            self._queue.append(job)
            self._awaited += 1
            self._news.notify()
        assert job.future is not None
        await job.future

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                results = self.core.write(batch)
            except Exception as error:  # noqa: BLE001  # the thread's supervisor: nobody may wait for ever
                self.core.latch(error)
                results = self.core.write(batch)
            self._settle(results)

    def _next_batch(self) -> list[Item]:
        """Return what to commit now; empty when all is written and the store closes."""
        with self._news:
            self._news.wait_for(lambda: self._queue or self._closing)
            self._news.wait_for(self._is_due, timeout=_PLAIN_WAIT_S)
            batch = [self._queue.popleft() for _ in range(min(_BATCH, len(self._queue)))]
            self._awaited -= sum(isinstance(item, Job) and item.future is not None for item in batch)
            lost, self._overflow = self._overflow, 0
        return [*batch, _overflow_event(batch, lost)] if lost else batch

    def _is_due(self) -> bool:
        return bool(self._awaited) or self._closing or len(self._queue) >= _BATCH

    def _settle(self, results: Results) -> None:
        waited = [(job.future, error) for job, error in results if job.future is not None]
        if waited:
            assert self._loop is not None
            try:
                self._loop.call_soon_threadsafe(_resolve, waited)
            except RuntimeError:  # the loop has been closed: nobody waits any more
                return


def _resolve(waited: Sequence[tuple[asyncio.Future[None], Exception | None]]) -> None:
    for future, error in waited:
        if future.done():  # its caller was cancelled; the row is durable all the same
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _overflow_event(batch: Sequence[Item], lost: int) -> Job:
    """Return the gap record: how many items found the queue full. Its time is that of the last scan that found room."""
    ts_ns = max((item.t_ns for item in batch if isinstance(item, Row)), default=0)
    event = Event(ts_ns, "store_overflow", {"lost": lost})
    return Job(lambda connection, _spans: rows.add_event(connection, event, rows.event_data(event)))

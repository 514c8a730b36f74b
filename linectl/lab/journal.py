"""The run's own story: phases committed before they act, faults as they come, questions with who answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from linectl.clock import Clock
from linectl.model.prompts import Answer, Prompt, Prompter
from linectl.model.records import Event
from linectl.units import NS_PER_S

__all__ = ["EventStore", "Journal", "Questions"]


class EventStore(Protocol):
    """The part of the store that a journal needs."""

    async def add_event(self, event: Event) -> None:
        """Store `event`; return after the commit."""

    def log_event(self, event: Event) -> None:
        """Store `event` soon, without waiting for the disk."""


class Journal:
    """Writes the events of one run, each stamped with the run's clock."""

    def __init__(self, store: EventStore, run: str, clock: Clock) -> None:
        self._store = store
        self._run = run
        self._clock = clock

    async def event(self, kind: str, **data: object) -> None:
        """Store that `kind` (a machine word) happened now; return after the commit.

        Raises:
            StoreError: it could not be stored; what it announces must not be done.
        """
        await self._store.add_event(self._now(kind, data))

    def note(self, kind: str, data: Mapping[str, object]) -> None:
        """Store soon that `kind` happened now; for callers that cannot wait (a listener of the line)."""
        self._store.log_event(self._now(kind, data))

    def _now(self, kind: str, data: Mapping[str, object]) -> Event:
        return Event(self._clock.now_ns(), kind, dict(data), self._run)


class Questions:
    """Puts the run's questions to a person, one at a time, and records who answered what, and how long it took."""

    def __init__(self, prompter: Prompter, journal: Journal) -> None:
        self._prompter = prompter
        self._journal = journal
        self._one = asyncio.Lock()

    async def ask(self, prompt: Prompt) -> Answer:
        """Return the answer to `prompt`."""
        async with self._one:
            answer = await self._prompter.ask(prompt)
        value = list(answer.value) if isinstance(answer.value, tuple) else answer.value
        latency_s = (answer.answered_ns - answer.asked_ns) / NS_PER_S
        told = {"id": prompt.id, "task": prompt.task, "value": value, "who": answer.who, "face": answer.face}
        times = {"asked_ns": answer.asked_ns, "answered_ns": answer.answered_ns, "latency_s": round(latency_s, 3)}
        self._journal.note("prompt", {**told, **times})
        return answer

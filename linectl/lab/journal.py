"""The run's own story: phases committed before they act, faults as they come, questions with who answered."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from linectl.clock import Clock
from linectl.lab.acts import of_command, of_write, planned_by, with_act
from linectl.line.reports import CommandReport, WriteReport
from linectl.model.prompts import Answer, Prompt, Prompter, PromptKind
from linectl.model.readings import Value
from linectl.model.records import Act, Event

__all__ = ["CALIBRATIONS", "EventStore", "Journal", "Questions"]

CALIBRATIONS = "calibrations"  # an event of each run: its sensors' calibrations, as they were then


class EventStore(Protocol):
    """The part of the store that a journal needs."""

    async def add_event(self, event: Event) -> None:
        """Store `event`; return after the commit."""

    def log_event(self, event: Event) -> None:
        """Store `event` soon, without waiting for the disk."""

    def log_act(self, act: Act) -> None:
        """Append `act` to the audit trail soon, without waiting for the disk."""


class Journal:
    """Writes the events of one run, each stamped with the run's clock; those that are acts also to the audit trail.

    What the run writes to its line is told by the line (its events); here it goes to the audit trail alone, as done by
    the run in the name of its `operator`.
    """

    def __init__(self, store: EventStore, run: str, clock: Clock, *, operator: str = "") -> None:
        self._store = store
        self._run = run
        self._clock = clock
        self._planned_by = planned_by(operator or "?", run)

    async def event(self, kind: str, **data: object) -> None:
        """Store that `kind` (a machine word) happened now; return after the commit.

        Raises:
            StoreError: it could not be stored; what it announces must not be done.
        """
        await self._store.add_event(self._now(kind, data))

    def note(self, kind: str, data: Mapping[str, object]) -> None:
        """Store soon that `kind` happened now; for callers that cannot wait (a listener of the line)."""
        self._store.log_event(self._now(kind, data))

    def wrote(self, report: WriteReport, *, before: Value | None, unit: str = "") -> None:
        """Keep in the audit trail that the run's plan wrote, and what the tag held `before` (None: nobody knows)."""
        act = of_write(report, self._clock.now_ns(), self._planned_by, old=before, unit=unit)
        self._store.log_act(act)

    def commanded(self, report: CommandReport, zone: str) -> None:
        """Keep in the audit trail that the run's plan gave a command to the controller of `zone`."""
        self._store.log_act(of_command(report, self._clock.now_ns(), self._planned_by, zone))

    def _now(self, kind: str, data: Mapping[str, object]) -> Event:
        return with_act(Event(self._clock.now_ns(), kind, dict(data), self._run))


class Questions:
    """Puts the run's questions to a person, one at a time, and records who answered what, and how long it took."""

    def __init__(self, prompter: Prompter, journal: Journal, *, speed: float = 1.0) -> None:
        self._prompter = prompter
        self._journal = journal
        self._speed = speed
        self._one = asyncio.Lock()
        self._given: dict[str, object] = {}  # by question: what was answered last

    async def ask(self, prompt: Prompt, *, left_s: Callable[[], float] | None = None) -> Answer:
        """Return the answer to `prompt`; `left_s` gives its timeout (process s) at the moment in which it is put.

        Latency is the loop's time: no setting of a clock changes it. Of a picture the SHA-256 is kept.
        """
        loop = asyncio.get_running_loop()
        async with self._one:
            if left_s is not None:
                prompt = replace(prompt, timeout_s=max(left_s(), 0.0) / self._speed)
            began_s = loop.time()
            answer = await self._prompter.ask(prompt)
            latency_s = loop.time() - began_s
        value = list(answer.value) if isinstance(answer.value, tuple) else answer.value
        told = {"id": prompt.id, "task": prompt.task, "value": value, "who": answer.who, "face": answer.face}
        times = {"asked_ns": answer.asked_ns, "answered_ns": answer.answered_ns, "latency_s": round(latency_s, 3)}
        data: dict[str, object] = {**told, **times}
        if prompt.id in self._given:  # asked again: what was said before is what this answer replaces
            data["before"] = self._given[prompt.id]
        self._given[prompt.id] = value
        if prompt.kind is PromptKind.PHOTO:
            data["sha256"] = await asyncio.to_thread(_sha256, str(answer.value))
        self._journal.note("prompt", data)
        return answer


def _sha256(path: str) -> str:
    """Return the SHA-256 of a picture's bytes; the record then tells whether it is still the same picture."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

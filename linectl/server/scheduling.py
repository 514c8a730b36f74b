"""A run that was handed in to start later: one a line. It lives as long as the server that holds it, and no longer.

That is meant so: heat never comes on by itself after a crash. What was lost with a server is told by the next one.
The time is that of the computer's clock, looked at every few seconds: where it is put back the run waits longer, where
it jumps over the time by more than some minutes (or the computer slept) the run is not started, and that is told.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Protocol

from linectl.clock import Clock
from linectl.errors import LinectlError, Refused
from linectl.model.records import Act, Event
from linectl.server.as_data import iso
from linectl.server.start_times import local_time, must_be_in_time
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["KIND", "Due", "Schedule", "lost_of"]

KIND = "run_to_come"
"""The kind of the events that tell of it, each with all of it, and with how it stands."""
_LOG = logging.getLogger(__name__)
_PUT, _CLOSED, _LOST, _STARTING = "put", "closed", "lost", "starting"
_LOOK_S = 5.0  # of loop time, until the computer's clock is looked at again


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be run at `at_ns` (UTC), by its files (absolute paths), and who handed it in when."""

    experiment: str
    file: str
    answers: str
    at_ns: int
    who: str
    asked_ns: int

    def as_data(self) -> dict[str, Any]:
        """Return it for the record and for faces."""
        told = {"experiment": self.experiment, "file": self.file, "answers": self.answers, "who": self.who}
        return {**told, "at": iso(self.at_ns), "at_ns": self.at_ns, "asked_ns": self.asked_ns}


class Tell(Protocol):
    """Records an event of the line, and what it is in the audit trail."""

    def __call__(self, kind: str, data: Mapping[str, object], act: Act | None = None) -> None:
        """Record it now."""


Start = Callable[[Due, Callable[[], None]], Awaitable[object]]
"""Checks a run once more and starts it; calls what it is given as soon as it cannot be taken back any more."""


class Schedule:
    """The run to come of one line; `start` checks it once more and starts it, `tell` records."""

    def __init__(self, clock: Clock, start: Start, tell: Tell) -> None:
        self._clock, self._start, self._tell = clock, start, tell
        self._due: Due | None = None
        self._state, self._why = "", ""
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Return what is waited for."""
        return f"<Schedule {self._state or 'empty'}>"

    @property
    def waits(self) -> bool:
        """Whether a run is to come."""
        return self._state == "waiting"

    @property
    def failed(self) -> bool:
        """Whether a run was to start and did not, and nobody has taken note."""
        return self._state in {"refused", _LOST}

    def now_ns(self) -> int:
        """Return the wall time, UTC, as the computer's clock says it: steps of it count here."""
        return self._clock.now_ns() + round(self._clock.step_s() * NS_PER_S)

    def must_be_free(self) -> None:
        """Look whether nothing waits.

        Raises:
            Refused: a run does (E-RUN-010).
        """
        if self.waits and self._due is not None:
            text = tr("{experiment} is to start at {time} already (handed in by {who})")
            raise Refused(
                text.format(experiment=self._due.experiment, time=local_time(self._due.at_ns), who=self._due.who),
                hint=tr("take it back first: linectl cancel --scheduled"),
                code="E-RUN-010",
            )

    def put(self, due: Due) -> None:
        """Wait for the time of `due`, then start it.

        Raises:
            Refused: another one waits (E-RUN-010).
        """
        self.must_be_free()
        self._due, self._state, self._why = due, "waiting", ""
        act = Act(self._clock.now_ns(), due.who, "schedule_run", due.experiment, new={"at": iso(due.at_ns)})
        self._tell(KIND, {**due.as_data(), "how": _PUT}, act)
        # a context of its own: what is told later is told in the server's language
        self._task = asyncio.get_running_loop().create_task(self._keep(due), name="run to come", context=Context())

    def take_back(self, who: str, why: str = "") -> dict[str, Any]:
        """Forget the run to come, or what was told of one that did not start; return what it was.

        Raises:
            Refused: there is none (E-RUN-006).
        """
        told = self.section()
        if self._due is None or told is None or self._state == _STARTING:
            raise Refused(tr("no run is to start"), code="E-RUN-006")
        if self.waits:
            act = Act(self._clock.now_ns(), who, "unschedule_run", self._due.experiment, reason=why)
            self._end("taken_back", {"by": who, "why": why}, act)
        self.forget()
        return told

    def drop(self, how: str) -> None:
        """Give the run to come up, because the line was aborted or is `closed`; nothing where there is none."""
        if self.waits:
            self._end(how, {})
            self.forget()

    def close(self) -> None:
        """Give it up with the server."""
        self.drop(_CLOSED)

    def forget(self) -> None:
        """Tell no more of a run that did not start."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._due, self._state, self._why = None, "", ""

    def told(self) -> None:
        """Tell no more of a run that did not start: another one has."""
        if self.failed:
            self._due, self._state, self._why = None, "", ""

    def lost(self, due: Due) -> None:
        """Tell that `due` was to start, and went with the server that held it."""
        self._due, self._state = due, _LOST
        self._why = tr("the server that held it has ended: hand it in again")
        self._tell(KIND, {**due.as_data(), "how": _LOST})

    def section(self) -> dict[str, Any] | None:
        """Return what faces see: waiting, refused (with why) or lost; None when there is nothing to tell."""
        if self._due is None:
            return None
        told = {key: each for key, each in self._due.as_data().items() if key not in {"at_ns", "asked_ns"}}
        return {**told, "asked": iso(self._due.asked_ns), "state": self._state, "why": self._why}

    async def _keep(self, due: Due) -> None:
        """Start `due` at its time; a fault of the program is told too: what shows as waiting does wait."""
        try:
            await self._kept(due)
        except Exception as error:  # noqa: BLE001  # a supervisor: what shows as waiting is waited for
            _LOG.exception("%s was not started: unexpected error", due.experiment)
            if self._due is due:
                self._state = "refused"
                self._why = tr("a fault in the program: {error}").format(error=f"{type(error).__name__}: {error}")
                self._end("refused", {"why": self._why})

    async def _kept(self, due: Due) -> None:
        late_s = await self._until(due.at_ns)
        try:
            must_be_in_time(late_s, speed=self._clock.speed)
            await self._start(due, self._begun)
        except LinectlError as error:
            self._state, self._why = "refused", error.message
            self._end("refused", {"why": error.message, "code": error.code})
        else:
            self._due, self._state = None, ""  # it runs, whatever becomes of telling so
            self._tell(KIND, {**due.as_data(), "how": "started"})

    def _begun(self) -> None:
        self._state = _STARTING

    async def _until(self, at_ns: int) -> float:
        """Wait for a moment of the computer's clock; return how many s it is past."""
        while (left_s := (at_ns - self.now_ns()) / NS_PER_S) > 0.0:
            await self._clock.sleep(max(0.001, min(left_s, _LOOK_S * self._clock.speed)))
        return -left_s

    def _end(self, how: str, more: Mapping[str, object], act: Act | None = None) -> None:
        assert self._due is not None, "there is something to end"
        self._tell(KIND, {**self._due.as_data(), "how": how, **more}, act)


def lost_of(last: Event | None) -> Due | None:
    """Return the run to come that the server before this one held as it ended, by the last event of `KIND`, if any.

    One that was told as lost once is not told again.
    """
    if last is None or last.data.get("how") not in {_PUT, _CLOSED}:
        return None
    return _due_of(last.data)


def _due_of(data: Mapping[str, object]) -> Due | None:
    at_ns, asked_ns = data.get("at_ns"), data.get("asked_ns")
    if not (isinstance(at_ns, int) and isinstance(asked_ns, int)):
        return None  # of a version that told it otherwise
    texts = [str(data.get(name, "")) for name in ("experiment", "file", "answers")]
    return Due(texts[0], texts[1], texts[2], at_ns, str(data.get("who", "")), asked_ns)

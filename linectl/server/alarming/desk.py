"""The alarm desk: judges each scan, keeps what happened, and does what people ask of the alarms."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Protocol

from linectl.clock import Clock
from linectl.errors import Refused
from linectl.line.alarms.figures import figures
from linectl.line.alarms.gate import Gate
from linectl.line.alarms.step import act, next_due_s, standing, step
from linectl.line.alarms.table import next_state
from linectl.model import alarms as model
from linectl.model.alarms import AlarmEvent, Alarms, AlarmState, Change, Priority, State, Trouble
from linectl.model.lines import Tag
from linectl.model.people import Who
from linectl.model.readings import Reading, Scan
from linectl.model.records import Event
from linectl.server.alarming.operations import (
    Acknowledge,
    Comment,
    FiguresOf,
    History,
    ListAlarms,
    OutOfService,
    Reset,
    Shelve,
    Unshelve,
)
from linectl.server.alarming.record import COMMENT, comment_event, event_of, is_worth_keeping, restored
from linectl.server.alarming.refusals import missing_reason, not_known, not_now, too_long
from linectl.server.alarming.section import row, said, section
from linectl.store.audit import time_text
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["AlarmDesk", "Notifier"]

_HISTORY = 1000  # steps that are looked up without the store
_MOST_HISTORY = 1000  # in one answer
_MOST_HOURS = 31 * 24.0
_SHORTEST_S = 60.0  # of a shelving
_NO_TAGS: Mapping[str, Tag] = {}


class Notifier(Protocol):
    """Whoever else is told; returns at once and never fails."""

    def tell(self, changes: Sequence[Change], state: State) -> None:
        """Take what changed, and the alarms after it."""


class AlarmDesk:
    """The alarms of one line, fed with `scan` and `event` of the line.

    `note` keeps an event without waiting, `keep` until it is on disk (without it acts are noted like the rest).
    `events` are those of the store, oldest first: shelved alarms and those that nobody acknowledged go on from there.
    """

    def __init__(
        self,
        rules: Alarms,
        clock: Clock,
        note: Callable[[Event], None],
        *,
        tags: Mapping[str, Tag] = _NO_TAGS,
        keep: Callable[[Event], Awaitable[None]] | None = None,
        events: Iterable[Event] = (),
        notifier: Notifier | None = None,
    ) -> None:
        self.rules = rules
        self._clock = clock
        self._note = note
        self._keep = keep
        self._tags = tags
        self._notifier = notifier
        self._gate = Gate(rules)
        self._readings: dict[str, Reading] = {}
        self._lost: set[str] = set()
        self._troubles: frozenset[Trouble] = frozenset()
        self._history: deque[Event] = deque(events, maxlen=_HISTORY)
        self._state = restored(rules, self._history, clock)
        self._due_s = float("-inf")
        self._listeners: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        """Return how many there are, and what stands."""
        return f"<AlarmDesk {len(self.rules.alarms)} alarms, standing: {', '.join(self.standing) or 'none'}>"

    @property
    def state(self) -> State:
        """All alarms now."""
        return self._state

    @property
    def standing(self) -> tuple[str, ...]:
        """The alarms that ask for somebody."""
        return standing(self.rules, self._state)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the section has changed."""
        self._listeners.append(listener)

    # what the line tells

    def scan(self, scan: Scan) -> None:
        """Take a scan; most end here at once, for nothing that matters has changed."""
        readings = self._gate.touched(scan)
        now_s = self._clock.process_s()
        due = now_s >= self._due_s
        if not readings and not due:
            return
        for reading in readings:
            self._readings[reading.tag] = reading
        self._step(None if due else self._gate.alarms_of(readings), now_s)
        self._gate.seen(readings, self._state)

    def event(self, kind: str, data: Mapping[str, object]) -> None:
        """Take an event of the line: a link that was lost, or is back."""
        link = str(data.get("link", ""))
        if kind == "link_lost":
            self._lost.add(link)
        elif kind == "link_back":
            self._lost.discard(link)
        else:
            return
        self._step(None, self._clock.process_s())

    def troubles(self, found: frozenset[Trouble]) -> None:
        """Take the server's own troubles as they are now; most calls end here at once, for none has come or gone."""
        if found != self._troubles:
            self._troubles = found
            self._step(None, self._clock.process_s())

    def _step(self, names: Iterable[str] | None, now_s: float) -> None:
        before = self._state
        lost = self._lost | self._troubles
        state, changes = step(self.rules, before, self._readings, max(now_s, before.now_s), lost, names)
        if state is before and names is not None:
            return
        self._taken(state, changes)

    def _taken(self, state: State, changes: Sequence[Change]) -> list[Event]:
        """Take over a new state: noted, told."""
        before, self._state = self._state, state
        self._due_s = next_due_s(self.rules, state)
        worth = [each for each in changes if is_worth_keeping(each)]
        events = [event_of(each, state.entry(each.name), self.rules, self._clock) for each in worth]
        for event in events:
            self._history.append(event)
            if event.act is None or self._keep is None:
                self._note(event)
        if changes and self._notifier is not None:
            self._notifier.tell(changes, state)
        if changes or state.flood is not before.flood:
            self._tell()
        return events

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def section(self) -> dict[str, Any]:
        """Return the alarms as faces see them, texts in the language in use."""
        return section(self.rules, self._state, self._clock, self._tags, self._readings)

    # what people ask for

    async def listed(self, args: ListAlarms, who: Who) -> dict[str, Any]:  # noqa: ARG002  # whoever may look
        """Return the section; with `all`, every alarm."""
        found = self.section()
        if args.all:
            found["list"] = [self._row(name) for name in self.rules.alarms]
        return found

    async def ack(self, args: Acknowledge, who: Who) -> dict[str, Any]:
        """Acknowledge alarms, active or gone.

        Raises:
            Refused: one is unknown, or has nothing to acknowledge; then none is.
        """
        low = [name for name in self._unseen() if self.rules.alarms[name].priority is Priority.LOW]
        ids = dict.fromkeys((*args.ids, *(low if args.all_low else ())))
        if not ids and not args.all_low:
            raise Refused(tr("name the alarms to acknowledge"), hint="linectl alarms", code="E-ALM-001")
        return await self._act_all(tuple(ids), AlarmEvent.ACKNOWLEDGE, who, args.comment)

    async def reset(self, args: Reset, who: Who) -> dict[str, Any]:
        """Reset latched alarms.

        Raises:
            Refused: one is unknown, stands, or was not acknowledged; then none is reset.
        """
        return await self._act_all(args.ids, AlarmEvent.RESET, who, "")

    async def shelve(self, args: Shelve, who: Who) -> dict[str, Any]:
        """Put alarms aside for a time.

        Raises:
            Refused: one is unknown, the time is too long, or there is no reason.
        """
        if not args.reason.strip():
            raise missing_reason()
        most_s = self.rules.shelve_most_s
        if not _SHORTEST_S <= args.for_s <= most_s:
            raise too_long(args.for_s, _SHORTEST_S, most_s)
        until_s = self._clock.process_s() + args.for_s
        return await self._act_all(args.ids, AlarmEvent.SHELVE, who, args.reason.strip(), until_s)

    async def unshelve(self, args: Unshelve, who: Who) -> dict[str, Any]:
        """Take shelved alarms back.

        Raises:
            Refused: one is unknown or not shelved.
        """
        return await self._act_all(args.ids, AlarmEvent.UNSHELVE, who, "")

    async def out_of_service(self, args: OutOfService, who: Who) -> dict[str, Any]:
        """Take an alarm out of service, or put it back.

        Raises:
            Refused: it is unknown, already there, or there is no reason.
        """
        if not args.back and not args.reason.strip():
            raise missing_reason()
        event = AlarmEvent.RETURN if args.back else AlarmEvent.REMOVE
        return await self._act_all((args.id,), event, who, args.reason.strip())

    async def comment(self, args: Comment, who: Who) -> dict[str, Any]:
        """Keep what somebody says about an alarm.

        Raises:
            Refused: it is unknown, or nothing is said.
        """
        name, text = self._called(args.id), args.text.strip()
        if not text:
            raise Refused(tr("a comment says something"), code="E-ALM-003")
        comment = model.Comment(self._clock.now_ns(), who.operator, text)
        entry = self._state.entry(name)
        entries = {**self._state.entries, name: replace(entry, comments=(*entry.comments, comment))}
        self._state = replace(self._state, entries=entries)
        event = comment_event(name, comment)
        self._history.append(event)
        await self._kept([event])
        self._tell()
        return {"alarms": [self._row(name)]}

    async def history(self, args: History, who: Who) -> dict[str, Any]:  # noqa: ARG002  # whoever may look
        """Return what happened to the alarms, newest first."""
        wanted = self._called(args.id) if args.id else ""
        most = max(1, min(args.limit, _MOST_HISTORY))
        found = [each for each in reversed(self._history) if wanted in {"", each.data.get("alarm")}]
        return {"history": [self._happened(each) for each in found[:most]]}

    async def figures(self, args: FiguresOf, who: Who) -> dict[str, Any]:  # noqa: ARG002  # whoever may look
        """Return the figures of the last hours, as far back as this desk remembers."""
        to_s = self._clock.now_ns() / NS_PER_S
        hours = max(0.1, min(args.hours, _MOST_HOURS))
        told = [
            (each.ts_ns / NS_PER_S, str(each.data["alarm"])) for each in self._history if each.data.get("announced")
        ]
        back_s = to_s - self._clock.process_s()
        stands = [(name, back_s + self._state.entry(name).since_s) for name in self._active()]
        found = asdict(figures(told, stands, to_s - timedelta(hours=hours).total_seconds(), to_s))
        return {**found, "flood": self._state.flood}

    # how it is done

    def _called(self, name: str) -> str:
        """Return the alarm that somebody calls `name`, capital letters or not."""
        found = name.lower()  # as a file names every alarm
        if found not in self.rules.alarms:
            raise not_known(name, self.rules)
        return found

    async def _act_all(
        self, called: Sequence[str], event: AlarmEvent, who: Who, why: str, until_s: float | None = None
    ) -> dict[str, Any]:
        """Do `event` to each of the alarms `called` so, or refuse all of them."""
        names = tuple(dict.fromkeys(map(self._called, called)))
        for name in names:
            entry = self._state.entry(name)
            if next_state(entry.state, event) is None:
                raise not_now(name, event, entry)
        events: list[Event] = []
        for name in names:
            now_s = max(self._clock.process_s(), self._state.now_s)
            done = act(self.rules, self._state, name, event, now_s, who=who.operator, why=why, until_s=until_s)
            if done is not None:
                events += self._taken(*done)
        await self._kept([each for each in events if each.act is not None and self._keep is not None])
        return {"alarms": [self._row(name) for name in names]}

    async def _kept(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._keep is None:
                self._note(event)
            else:
                await self._keep(event)

    def _unseen(self) -> list[str]:
        return [
            name
            for name in self.standing
            if next_state(self._state.entry(name).state, AlarmEvent.ACKNOWLEDGE) is not None
        ]

    def _active(self) -> list[str]:
        shown = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED)
        return [name for name in self.standing if self._state.entry(name).state in shown]

    def _row(self, name: str) -> dict[str, Any]:
        return row(self.rules.alarms[name], self._state.entry(name), self._clock, self._tags, self._readings)

    def _happened(self, event: Event) -> dict[str, Any]:
        data = event.data
        name = str(data.get("alarm"))
        alarm = self.rules.alarms.get(name)
        return {
            "time": time_text(event.ts_ns),
            "id": name,
            "event": data.get("event"),
            "before": data.get("before", ""),
            "after": data.get("after", ""),
            "announced": bool(data.get("announced")),
            "priority": data.get("priority") if alarm is None else int(alarm.priority),
            "value": data.get("value"),
            "who": data.get("who", ""),
            "why": data.get("why", ""),
            "message": "" if alarm is None else said(alarm.message),
            "is_comment": data.get("event") == COMMENT,
        }

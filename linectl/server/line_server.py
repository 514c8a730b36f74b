"""LineServer: holds one line, its store and its lease, and runs experiments on it. Every face goes through here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from drivers.link import Link, Outcome
from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import LinectlError, Refused, StoreError
from linectl.lab.acts import of_write
from linectl.lab.commands import Commands
from linectl.lab.control import Control
from linectl.lab.desk import PromptDesk
from linectl.lab.outcome import RunOutcome
from linectl.lab.phases import State
from linectl.lab.progress import Progress
from linectl.lab.resume import TakeUp
from linectl.lab.runner import Runner
from linectl.line.heating_guard import HeatingTrip
from linectl.line.interlocks import State as Rules
from linectl.line.line import Command, Line, WriteReport
from linectl.model.experiments import Experiment
from linectl.model.interlocks import TripPolicy
from linectl.model.lines import LineDefinition
from linectl.model.prompts import Prompter
from linectl.model.readings import Reading, Scan, Value
from linectl.model.records import Act, Event, Run
from linectl.server.alarming.desk import AlarmDesk
from linectl.server.alarming.room import opened_desk
from linectl.server.alarming.troubles import troubles_of
from linectl.server.calibration_dates import day_of, refuse_overdue
from linectl.server.diary import Diary
from linectl.server.guarding import Guard
from linectl.server.results.glue_standings import GlueStandings
from linectl.server.results.registration import registration_of
from linectl.server.scheduling import Schedule
from linectl.server.stamps import Stamps
from linectl.server.washing.machine import Machine
from linectl.server.wire_faults import WireFaults, wire_folder
from linectl.server.writing.writer import Writer
from linectl.store.reader import StoreReader
from linectl.store.store import Store, open_store
from linectl.words import tr

__all__ = ["LineServer"]

SCRIPT = "script"  # who writes when nobody is named: a program that holds the line
INTERLOCK = "interlock"  # who holds or ends a run when an interlock trips
NO_TRIPS = Rules()
_EXECUTE = 6  # PackML
_HOLD_WITHIN_S = 5.0  # process time for a command that a trip gives


class LineServer(Commands):
    """One line with its store, open for the time of an `async with` block.

    `links` replaces the wires that the definition names (the rig in memory). The store is written inline when the
    loop's clock jumps, else by its own thread. `records`: scans are kept all the time, not during runs alone.
    `holder` is who is named to others that would like to have the line.
    """

    def __init__(
        self,
        definition: LineDefinition,
        clock: Clock,
        store_file: Path,
        *,
        boot: str,
        links: Mapping[str, Link] | None = None,
        records: bool = False,
        holder: str = "",
    ) -> None:
        self.definition = definition
        self.clock = clock
        self.store_file = store_file
        self.line = Line(definition, clock, links=links, boot=boot)
        self.line.on_write(self._written)
        self.store: Store | None = None
        self.desk = PromptDesk(clock)
        self.writer = Writer(self.line, clock, self)
        self.diary = Diary()
        self.guard: Guard | None = None
        self.glues: GlueStandings | None = None
        """Where each GO stands; None when nobody works it out here."""
        self.machine: Machine | None = None
        self.alarms: AlarmDesk | None = None
        self.schedule: Schedule | None = None
        """The run to come; None where none may be handed in."""
        self.progress: Progress | None = None
        """Where the run under way stands; None when nothing runs."""
        self.experiment: Experiment | None = None
        """What is run, or was last."""
        self.interrupted: Run | None = None
        """The last run, when its program died and nobody has taken it up yet."""
        self.unrecorded: tuple[int, StoreError] | None = None
        """Since when (ns UTC) nothing is recorded, and why; None: all is."""
        self._stamps = Stamps(clock, self._note)
        self._records = records
        self._holder = holder
        self._acts: set[asyncio.Future[None]] = set()
        self._runner: Runner | None = None
        self._runner_works = False
        self._calibrated: LineDefinition | None = None  # whose calibrations are to be taken after the run under way
        self._got: dict[str, tuple[int, Value | None]] = {}  # by tag: when it was written last, what it held then
        self._named: set[str] = set()  # tags that somebody whose name is known writes now
        self._recorded = ""  # the id of the run under way, once it is in the store
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open the store, then the line."""
        virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
        self.store = open_store(
            self.store_file,
            line=self.definition.name,
            virtual=virtual,
            tags=self.definition.tags,
            repeatable=virtual,
            holder=self._holder,
        )
        async with AsyncExitStack() as stack:
            self.store.listen(self.diary.take)
            await self.store.open()
            stack.push_async_callback(self.store.close)
            await stack.enter_async_context(
                WireFaults(self.line.taps, self.definition, wire_folder(self.store_file), self.clock, self._note)
            )
            if self.definition.alarms is not None:
                self.alarms = await stack.enter_async_context(
                    opened_desk(self.definition.alarms, self.definition, self.clock, self.store, self.store_file)
                )
            await stack.enter_async_context(self.line)
            stack.push_async_callback(self._acted)
            stack.push_async_callback(self.writer.close)  # with the line still open: what was set for a time goes back
            self._watch()
            self._open = stack.pop_all()
        return self

    def _watch(self) -> None:
        """Begin to record and to guard, now that the line has been scanned once."""
        assert self.store is not None
        self.line.on_scan(self._look_around)
        if self._records:
            self.line.on_scan(self.store.log_scan)
            self.line.on_event(self._happened)
        if self.alarms is not None:
            self.line.on_scan(self.alarms.scan)
            self.line.on_event(self.alarms.event)
            for link in self.line.taps:
                if (why := self.line.lost(link)) is not None:
                    self.alarms.event("link_lost", {"link": link, "reason": why})
        rules = self.definition.interlocks
        if rules is not None:
            keep = self.store.log_event
            self.guard = Guard(rules, self.line, self.clock, note=keep, start=self._start, acts=self._trip)
            self.guard.watch()
        self.machine = self._made_machine(self.store)
        self.machine.open(StoreReader(self.store_file))

    def _made_machine(self, store: Store) -> Machine:
        """Return the room of the line's machine; it listens after the guard, so that it sees its trips at once."""
        guard = self.guard
        return Machine(
            self.line,
            self.clock,
            store,
            runs=self,
            write=partial(self.write, planned=True),  # a recipe was checked as a whole
            refusing=self._against,
            rules=None if guard is None else guard.rules,
            rules_state=lambda: NO_TRIPS if guard is None else guard.state,
        )

    async def _against(self, command: str) -> tuple[str, ...]:
        """Return what stands against `command` now."""
        why = "" if self.guard is None else await self.guard.refusal(command, None)
        return (why,) if why else ()

    def _happened(self, kind: str, data: Mapping[str, object]) -> None:
        """Keep an event of the line where no run does; a write that somebody asked for is told with who and why."""
        if not self._recorded and not (kind == "write" and data.get("tag") in self._named):
            self._note(kind, data)

    def _look_around(self, _scan: Scan) -> None:
        """Tell of steps of the clock, of a record that has stopped, and of one that goes on; called at each scan."""
        self._stamps.see(running=self._runner_works)
        self._look_at_record()
        if self.alarms is not None:
            self.alarms.troubles(troubles_of(self))

    def _look_at_record(self) -> None:
        assert self.store is not None
        failure = self.store.failure
        if (failure is None) == (self.unrecorded is None):
            return
        now_ns = self.clock.now_ns()
        if failure is not None:
            self.unrecorded = now_ns, failure
            self.diary.take(Event(now_ns, "record_lost", {"why": failure.message, "hint": failure.hint}))
            return
        self.unrecorded = None
        if self.store.last_gap is not None:  # it is on disk already
            self.diary.take(self.store.last_gap)

    def _start(self, work: Awaitable[None]) -> None:
        """Carry out `work` beside everything else."""
        task = asyncio.ensure_future(work)
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

    async def _acted(self) -> None:
        if self._acts:
            await asyncio.wait(self._acts, timeout=_HOLD_WITHIN_S)

    async def _trip(self, policy: TripPolicy, why: str) -> None:
        """Carry out what a trip asks for; what fails on the way is noted, and the rest is done."""
        steps: list[Callable[[], Awaitable[object]]] = []
        if policy is TripPolicy.ABORT:
            self.abort(who=INTERLOCK, why=why)
        elif self.state is State.RUNNING:
            steps.append(lambda: self.hold(who=INTERLOCK, why=why))
        if policy is TripPolicy.HOLD and self._recorded == "" and self._executes():
            steps.append(lambda: self.line.command(Command.HOLD, within_s=_HOLD_WITHIN_S))
        if policy is TripPolicy.ABORT and self._executes():
            steps.append(lambda: self.line.command(Command.ABORT, within_s=_HOLD_WITHIN_S))
        if policy.rank >= TripPolicy.SAFE.rank:
            steps.append(self.line.safe)
        for step in steps:
            try:
                await step()
            except LinectlError as error:
                self._note("safe_not_proved", {"why": why, "error": error.message})

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the line (heater off, lease given back), then the store."""
        if self.machine is not None:
            self.machine.close()
        await self._open.aclose()

    def _executes(self) -> bool:
        """Return whether the line's machine is executing (PackML), as far as it is known."""
        control = self.definition.control
        state = "" if control is None else f"{control.heartbeat.rpartition('.')[0]}.state"
        return state in self.definition.tags and self.line.reading(state).value == _EXECUTE

    def _note(self, kind: str, data: Mapping[str, object]) -> None:
        """Store an event of the line, beside those of the run under way."""
        if self.store is not None:
            self.store.log_event(Event(self.clock.now_ns(), kind, data))

    def record(self, kind: str, data: Mapping[str, object], at_ns: int) -> None:
        """Store that `kind` happened at `at_ns`; it becomes part of the record of the run under way."""
        if self.store is not None:
            self.store.log_event(Event(at_ns, kind, data, self._recorded))

    async def write(self, tag: str, value: Value, *, who: str, why: str = "", planned: bool = False) -> WriteReport:
        """Write `value` (in the tag's unit) as every write goes, for `who`; how it ended is on disk when this returns.

        A write that is cancelled on its way is recorded as `unknown`. `planned`: see `Line.write`.

        Raises:
            StoreError: the write was made, but could not be recorded.
        """
        assert self.store is not None, "the server is not open"
        before = await self._before(tag)
        self._named.add(tag)
        try:
            report = await self.line.write(tag, value, planned=planned)
        except asyncio.CancelledError:
            cancelled = WriteReport(tag, Outcome.UNKNOWN, value, None, "", "cancelled")
            self.store.log_event(self._write_event(cancelled, before, who, why))
            raise
        finally:
            self._named.discard(tag)
        await self.store.add_event(self._write_event(report, before, who, why))
        return report

    async def refused(self, report: WriteReport, *, who: str, why: str = "") -> None:
        """Record a write that was refused before it reached the line."""
        assert self.store is not None, "the server is not open"
        before = None if report.tag not in self.definition.tags else self.line.reading(report.tag).value
        await self.store.add_event(self._write_event(report, before, who, why))

    def concern(self, tag: str) -> str:
        """Return why somebody should be asked before `tag` is written by hand now; "" when nothing runs."""
        experiment = self.experiment if self._recorded else None
        if experiment is None or not tag.startswith(f"{experiment.zone}."):
            return ""
        text = tr("the run {run} works with {zone}: a write by hand is no part of its plan")
        return text.format(run=self._recorded, zone=experiment.zone)

    def tell(self, kind: str, data: Mapping[str, object], act: Act | None = None) -> None:
        """Record something that happened now, beside the run under way, and what it is in the audit trail."""
        if self.store is not None:
            self.store.log_event(Event(self.clock.now_ns(), kind, data, act=act))

    def reset_heating(
        self, zones: Collection[str] | None = None, *, who: str, why: str = ""
    ) -> tuple[HeatingTrip, ...]:
        """Forget the faults of the heating of `zones` (None: all), for a person who has looked at it; return them."""
        stood = self.line.reset_heating(zones)
        if stood:
            old = {trip.zone: trip.text for trip in stood}
            act = Act(self.clock.now_ns(), who, "reset_heating", self.definition.name, old=old, reason=why)
            self.tell("heating_reset", {"who": who, "zones": list(old), "why": why}, act)
        return stood

    async def _before(self, name: str) -> Value | None:
        """Return what `name` holds before a write, read now; None: nobody knows."""
        tag = self.definition.tags.get(name)
        if tag is None or tag.point is None or not tag.point.readback:
            return None
        return (await self.line.read(name)).value

    def _written(self, report: WriteReport, before: Reading | None) -> None:
        """Record a write of a script that holds the line; a run tells of its own in its journal."""
        old = None if before is None else before.value
        last_ns, got = self._got.get(report.tag, (0, None))
        if before is not None and before.received_time_ns <= last_ns:
            old = got  # the last scan was before the last write
        if report.outcome is not Outcome.REFUSED:
            self._got[report.tag] = (self.clock.now_ns(), report.got)
        if self.store is not None and not self._recorded and report.tag not in self._named:
            self.store.log_event(self._write_event(report, old, SCRIPT, ""))

    def _write_event(self, report: WriteReport, old: Value | None, who: str, why: str) -> Event:
        now_ns, tag = self.clock.now_ns(), self.definition.tags.get(report.tag)
        told = {"outcome": str(report.outcome), "asked": report.asked, "got": report.got}
        told |= {"refused_by": report.refused_by, "detail": report.detail}
        act = of_write(report, now_ns, who, old=old, unit="" if tag is None else tag.unit, why=why)
        return Event(now_ns, "write", {"tag": report.tag, **told, "who": who, "why": why}, act=act)

    async def run(
        self,
        experiment: Experiment,
        prompter: Prompter | None = None,
        *,
        operator: str,
        seed: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        take_up: TakeUp | None = None,
        on_start: Callable[[str], None] | None = None,
    ) -> RunOutcome:
        """Run `experiment` to its end, or to where a stop request or its policy ends it.

        Its questions stand on `desk`; `prompter` is a face there for the time of the run, beside those attached.
        `take_up` goes on with a run whose program died; `on_start` is told the run's id once it is in the store.

        Raises:
            Refused: a calibration is overdue, and the line's policy is to block.
        """
        assert self.store is not None, "the server is not open"
        self._take_calibrations()
        self.clock.set_by_wall()
        if take_up is None:  # a run that has begun is not lost for a date that passed meanwhile
            refuse_overdue(self.definition, day_of(self.clock.now_ns()))
        detach = self.desk.attach(prompter) if prompter is not None else _nothing

        def started(run: str) -> None:
            self._recorded = run
            self.experiment = experiment
            if on_start is not None:
                on_start(run)

        def told(progress: Progress) -> None:
            self.progress = progress
            if on_progress is not None:
                on_progress(progress)

        self._runner = Runner(
            self.line,
            self.store,
            self.desk,
            self.clock,
            experiment,
            operator=operator,
            seed=seed,
            on_progress=told,
            registration=registration_of(self.store_file, experiment),
            take_up=take_up,
            on_start=started,
            keeps_scans=not self._records,
        )
        self._runner_works = True
        try:
            return await self._runner.run()
        finally:
            self._recorded = ""
            self.progress = None
            self._runner_works = False
            self._take_calibrations()
            detach()

    def recalibrate(self, definition: LineDefinition) -> None:
        """Correct readings by the calibrations of `definition` (this line) now, or once the run under way has ended."""
        self._calibrated = definition
        self._take_calibrations()

    def _take_calibrations(self) -> None:
        if self._calibrated is None or self._runner_works:
            return
        self.line.recalibrate(self._calibrated)
        self.definition, self._calibrated = self.line.definition, None

    # the run under way: each raises Refused when there is none, and what `Runner` says

    @property
    def is_running(self) -> bool:
        """Whether a run is under way, also before its first record is in the store."""
        return self._runner_works

    @property
    def run_id(self) -> str:
        """The id of the run under way, empty when nothing runs."""
        return self._recorded

    @property
    def operator(self) -> str:
        """Who started the run under way, empty when nothing runs."""
        return self._runner.operator if self._recorded and self._runner is not None else ""

    @property
    def state(self) -> State:
        """Where the last run stands; idle before the first one."""
        return State.IDLE if self._runner is None else self._runner.state

    def would_lose(self) -> str:
        """Return what ending the run now would lose."""
        return tr("nothing is running") if self._runner is None else self._runner.would_lose()

    def cancel(self, *, who: str = "", why: str = "") -> None:
        """End the run at its next safe point; nothing when there is none."""
        if self._runner is not None:
            self._runner.cancel(who=who, why=why)

    def abort(self, *, who: str = "", why: str = "") -> None:
        """End the run at once: heater off, data kept; nothing when there is none. One to come is given up too."""
        if self.schedule is not None:
            self.schedule.drop("aborted")
        if self._runner is not None:
            self._runner.abort(who=who, why=why)

    async def resume(self, *, who: str = "") -> None:
        """Go on after a pause or a hold (see `Commands.resume`); what an interlock holds waits for its reset.

        Raises:
            Refused: an interlock stands.
        """
        why = "" if self.guard is None else self.guard.standing_text()
        if why:
            hint = tr("see to the cause, then reset it")
            raise Refused(tr("the run is held by an interlock: {why}").format(why=why), hint=hint, code="E-ILK-002")
        await super().resume(who=who)

    def live(self) -> Control:
        """Return the control of the run under way (see `Commands`)."""
        if self._runner is None:
            raise Refused(tr("nothing is running"), code="E-RUN-006")
        return self._runner.live()


def _nothing() -> None:
    """Detach nobody."""

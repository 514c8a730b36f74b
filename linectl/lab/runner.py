"""Runs an experiment on a line: bath after bath, everything stored before it matters, heat off at every end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import version

from linectl.clock import Clock
from linectl.errors import LinectlError, Refused
from linectl.lab.asking import START, blind_names
from linectl.lab.bath_run import BathRun
from linectl.lab.commands import Commands
from linectl.lab.confirmation.registry import STARTED
from linectl.lab.context import RunContext
from linectl.lab.control import Control
from linectl.lab.design.baths import POSITIONS, PlannedBath, trials
from linectl.lab.desk import PromptDesk
from linectl.lab.halt import Halt, StopRequested
from linectl.lab.journal import CALIBRATIONS, Journal, Questions
from linectl.lab.outcome import BROKEN, FORGOTTEN, RunOutcome, failed, judged
from linectl.lab.phases import State
from linectl.lab.progress import Progress, Reporter
from linectl.lab.resume import TakeUp
from linectl.lab.safe import make_safe
from linectl.lab.schedule import plan, problems
from linectl.lab.soak import camera_tag
from linectl.lab.taking_up import TakingUp, identity_of
from linectl.lab.watch import ClockWatch, Faults, PlcWatch, SensorWatch
from linectl.line.limits import check_limits
from linectl.line.line import Line
from linectl.model.experiments import Experiment, Observation
from linectl.model.prompts import Prompter
from linectl.model.readings import Scan
from linectl.model.records import ExitStatus, Run, Trial, TrialState
from linectl.store.store import Store, new_run_id
from linectl.units import s_to_ns
from linectl.words import tr

__all__ = ["RunOutcome", "Runner"]

_FINAL = {ExitStatus.SUCCESS: State.COMPLETE, ExitStatus.FAIL: State.ABORTED}


class Runner(Commands):
    """One run of one experiment on an open line, into an open store.

    `run` returns how it ended; only what is refused before anything starts, a cancelled caller and errors of the
    program itself are raised. `cancel` ends it at the next safe point, `abort` at once; either way, and after any
    error, the heater is switched off, what was stored stays, and the run is marked. What it asks stands on its
    `desk`, to which `prompter` is attached unless it is a desk itself.
    """

    def __init__(
        self,
        line: Line,
        store: Store,
        prompter: Prompter | PromptDesk,
        clock: Clock,
        experiment: Experiment,
        *,
        operator: str,
        seed: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        run_id: str = "",
        registration: str = "",
        take_up: TakeUp | None = None,
        on_start: Callable[[str], None] | None = None,
        keeps_scans: bool = True,
    ) -> None:
        check_limits(experiment, line.definition)
        self._line = line
        self._store = store
        self._clock = clock
        self._experiment = experiment
        self._operator = operator
        self._seed = seed
        self._registration = registration
        self._zone = line.definition.zones[experiment.zone]
        if take_up is not None:
            run_id = take_up.point.run.id
        self.run_id = run_id or new_run_id(clock.now_ns(), secrets.token_hex(8))
        self._take_up = take_up
        self._on_start = on_start
        self._keeps_scans = keeps_scans
        design = trials(experiment, self._zone.positions or POSITIONS)
        self._baths = design if take_up is None else take_up.all_baths(design)
        self._journal = Journal(store, self.run_id, clock, operator=operator)
        self.desk = prompter if isinstance(prompter, PromptDesk) else PromptDesk(clock)
        if prompter is not self.desk:
            self.desk.attach(prompter)
        self._halt = Halt(clock)
        self._reporter = Reporter(clock, plan(self._baths, experiment, self._zone), on_progress)
        faults = Faults(experiment, self._hold_for)
        self._sensors = SensorWatch(self._zone.name, self._journal, faults)
        self._plc = PlcWatch(line.definition, self._journal, self._break)
        self._clock_watch = ClockWatch(clock, self._journal)
        questions = Questions(self.desk, self._journal, speed=clock.speed)
        self._context = RunContext(
            self.run_id,
            line,
            store,
            clock,
            self._zone,
            experiment,
            self._journal,
            questions,
            self._halt,
            faults,
            self._look,
        )
        self._bath = BathRun(self._context, self._sensors, self._enter)
        self._control = Control(
            clock,
            self._journal,
            self._halt,
            self._bath,
            operator=operator,
            broken=self._break,
            told=self._stands,
            forgotten=self._forget,
            longest_hold_s=experiment.longest_hold_s,
        )
        self._work: asyncio.Task[None] | None = None
        self._taking_up = None if take_up is None else TakingUp(take_up, self._context, self._bath, self._baths)
        self._to_do = self._baths if self._taking_up is None else self._taking_up.work
        self._present: Trial | None = None
        self._running = False
        self._at_once = False
        self._broken, self._broken_code = "", BROKEN
        self._index = 0
        self._done, self._flagged = (0, 0) if take_up is None else take_up.point.done

    # from outside

    @property
    def state(self) -> State:
        """Where the run stands (ISA-88)."""
        return self._control.state

    @property
    def operator(self) -> str:
        """Who started the run."""
        return self._operator

    def live(self) -> Control:
        """Return the control of the run while it runs (see `Commands`)."""
        if not self._running:
            raise Refused(tr("nothing is running"), code="E-RUN-006")
        return self._control

    def would_lose(self) -> str:
        """Return what ending the run now would lose, for the question before `cancel`."""
        if not self._running:
            return tr("nothing is running")
        stands = self._reporter.progress()
        return self._control.would_lose(stands.elapsed_s, stands.eta_s, len(self._baths) - self._index - 1)

    def cancel(self, *, who: str = "", why: str = "") -> None:
        """End the run at its next safe point: bottles are asked out, heater off, data kept, exit status abort.

        Whoever calls has asked the person and named `would_lose`.
        """
        if self._running:
            self._control.stopping(who or self._operator, why)
        else:
            self._halt.ask()

    def abort(self, *, who: str = "", why: str = "") -> None:
        """End the run at once: heater off, data kept, exit status abort."""
        self._at_once = True
        if self._running:
            self._control.aborting(who or self._operator, why)
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> RunOutcome:
        """Run the experiment to its end, or to where a person, a fault or its own policy ends it.

        Raises:
            Refused: before anything was started: a limit, an order that physics forbids, a bath too small.
        """
        self._preflight()
        await self._begin()
        self._work = asyncio.create_task(self._all_baths())
        if self._at_once:
            self._work.cancel()
        try:
            await asyncio.wait([self._work])
        finally:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            outcome = await self._end(self._work)
        error = None if self._work.cancelled() else self._work.exception()
        if error is not None and not isinstance(error, LinectlError | StopRequested):
            raise error
        return outcome

    # before and after

    def _preflight(self) -> None:
        found = problems(self._to_do, self._experiment, self._zone)
        if found:
            raise Refused("\n".join(found), hint=tr("see the timeline: linectl run FILE --dry-run"))
        if self._experiment.observation is not Observation.CAMERA:
            return
        wanted = sorted({bottle.position for bath in self._baths for bottle in bath.bottles})
        missing = [camera_tag(place) for place in wanted if camera_tag(place) not in self._line.definition.tags]
        if missing:
            raise Refused(
                tr("the line {line} has no label camera: {tags}").format(
                    line=self._line.definition.name, tags=", ".join(missing)
                ),
                hint=tr("say observation: operator in the experiment, or add the tags to the line's file"),
            )

    async def _begin(self) -> None:
        if self._taking_up is None:
            await self._start()
        else:
            await self._taking_up.open()
        for group in self._line.layouts:
            await self._store.start_span(self.run_id, None, group)
        self._line.on_scan(self._on_scan)
        self._line.on_event(self._on_event)
        self._running = True
        await self._control.begin()
        if self._on_start is not None:
            self._on_start(self.run_id)  # from here on it may be commanded
        if self._taking_up is None:
            told = {"experiment": self._experiment.name, "baths": len(self._baths), "who": self._operator}
            rules = self._line.definition.interlocks
            if rules is not None:
                told["interlocks"] = rules.file_hash
            origin_ns = self._clock.now_ns() - s_to_ns(self._clock.process_s())
            await self._journal.event("run_started", **told, clock_origin_ns=origin_ns, **self._identity())

    async def _start(self) -> None:
        definition, experiment = self._line.definition, self._experiment
        run = Run(
            id=self.run_id,
            kind="experiment",
            ref=experiment.name,
            line=definition.name,
            state="running",
            operator=self._operator,
            started_ns=self._clock.now_ns(),
            config_hash=definition.config_hash,
            simulated=definition.simulated,
            definition=experiment.text,
            version=version("linectl"),
            seed=self._seed,
            calibration_hash=definition.calibration_hash,
            speed=self._clock.speed,
        )
        await self._store.start_run(run)
        await self._store.add_trials([self._trial(bath) for bath in self._baths])
        if definition.calibrations:
            known = {tag: asdict(each) for tag, each in definition.calibrations.items()}
            await self._journal.event(CALIBRATIONS, hash=definition.calibration_hash, sensors=known)
        if experiment.confirmation:
            await self._journal.event(STARTED, confirmation=experiment.confirmation, hash=self._registration)

    async def _end(self, work: asyncio.Task[None]) -> RunOutcome:
        """Switch the heater off, mark the run, and return how it ended."""
        so_far = RunOutcome(self.run_id, ExitStatus.SUCCESS, "", self._done, self._flagged)
        outcome = judged(so_far, work, self._broken, self._left_in, self._broken_code)
        await make_safe(self._line, self._journal)
        self._plc.close()
        aborted = State.ABORTED if work.cancelled() else State.STOPPED
        self._control.end(_FINAL.get(outcome.exit_status, aborted), outcome.reason)
        told = {"status": str(outcome.exit_status), "reason": outcome.reason}
        try:
            if not self._store.degraded:
                await self._keep_present()
                await self._journal.event("run_ended", **told)
            await self._store.end_run(self.run_id, outcome.exit_status, outcome.reason, self._clock.now_ns())
        except LinectlError as error:  # the disk is full or gone: the run is over, its heater off; say so
            if outcome.exit_status is ExitStatus.SUCCESS:
                outcome = failed(so_far, error, self._left_in)
        finally:
            self._running = False
        return outcome

    async def _keep_present(self) -> None:
        """Keep what was seen in the bath at which the run ended early, and mark it."""
        trial = self._present
        if self._bath.soaking is not None:
            await self._bath.soaking.close()
        if trial is not None:
            naoh = self._sensors.end()
            aborted = replace(trial, state=TrialState.ABORTED, ended_ns=self._clock.now_ns(), naoh_measured_pct=naoh)
            await self._store.update_trial(aborted)

    @property
    def _left_in(self) -> tuple[int, ...]:
        """The positions that hold bottles now."""
        return () if self._bath.soaking is None else self._bath.soaking.positions

    # bath after bath

    async def _all_baths(self) -> None:
        if self._taking_up is None:
            await self._bath.procedure.make_ready()
            await self._bath.ask_covariates("run", START)
            await self._bath.ask_questions(START)
        else:
            await self._taking_up.clear()
        for bath in self._to_do:
            await self._halt.boundary()
            self._index = self._baths.index(bath)
            await self._one_bath(bath)
        names = blind_names(self._experiment, self._baths)
        if names:  # the last observation is stored: the codes may be known
            await self._journal.event("unblinded", codes=dict(names))

    async def _one_bath(self, bath: PlannedBath) -> None:
        under_way = None if self._take_up is None else self._take_up.under_way(bath)
        started = replace(self._trial(bath), state=TrialState.RUNNING, started_ns=self._clock.now_ns())
        self._present = under_way or started
        await self._store.update_trial(self._present)
        for group in self._line.layouts:
            await self._store.start_span(self.run_id, bath.ord, group)
        flags = await self._carry_out(bath, goes_on=under_way is not None)
        self._control.complete_phase()
        ended = replace(
            self._present,
            state=TrialState.FLAGGED if flags else TrialState.COMPLETE,
            ended_ns=self._clock.now_ns(),
            naoh_measured_pct=self._sensors.end(),
        )
        await self._store.update_trial(ended)
        for group in self._line.layouts:
            await self._store.end_span(self.run_id, bath.ord, group)
        self._present = None
        self._done += 1
        if flags:
            self._flagged += 1
            await self._journal.event("bath_flagged", trial=bath.ord, flags=flags)

    async def _carry_out(self, bath: PlannedBath, *, goes_on: bool) -> list[str]:
        taking_up, first = self._taking_up, bath is self._to_do[0]
        if taking_up is None:
            return await self._bath.run(bath, first=first)
        if not first:
            if taking_up.continues and bath is self._to_do[1]:
                await taking_up.go_on()
            return await self._bath.run(bath, first=False)
        if goes_on and taking_up.continues:
            return await self._bath.go_on(bath, taking_up.point, taking_up.arming)
        return await self._bath.run(bath, first=taking_up.fresh_water)

    # while it goes on

    def _trial(self, bath: PlannedBath) -> Trial:
        return Trial(self.run_id, bath.ord, bath.treatment, bath.replicate, bath.block)

    async def _enter(self, phase: str) -> None:
        """Announce a phase; it is on disk before anything acts on it."""
        trial = self._baths[self._index].ord
        self._reporter.enter(self._index, phase)
        await self._control.enter(phase, trial)
        await self._journal.event("phase", trial=trial, phase=phase, **self._identity())
        self._look()
        await self._bath.ask_questions(phase)

    def _identity(self) -> dict[str, int | None]:
        """Return which controller answers, for the journal: after a crash it must be the same, without a restart."""
        return asdict(identity_of(self._line))

    def _look(self) -> None:
        self._reporter.tell(self._bath.procedure.value("temperature"))

    def _stands(self, state: State) -> None:
        self._reporter.stands(state, self._bath.procedure.value("temperature"))

    def _hold_for(self, fault: str) -> None:
        self._control.hold_for(fault)

    def _on_scan(self, scan: Scan) -> None:
        if self._running:
            if self._keeps_scans:
                self._store.log_scan(scan)
            self._sensors.see(scan)
            failure = self._store.failure
            if failure is not None and not self._broken:
                self._broken_code = failure.code
                self._break(failure.message)  # between two records hours may pass: no heat without a record
            self._clock_watch.see()

    def _on_event(self, kind: str, data: Mapping[str, object]) -> None:
        if self._running:
            self._plc.see(kind, data)

    def _break(self, reason: str) -> None:
        """End the run for a fault of the controller."""
        if not self._broken:
            self._broken = reason
            self._journal.note("broken", {"reason": reason})
            if self._work is not None:
                self._work.cancel()

    def _forget(self, reason: str) -> None:
        """End a held run that nobody resumes."""
        if not self._broken:
            self._broken_code = FORGOTTEN
        self._break(reason)

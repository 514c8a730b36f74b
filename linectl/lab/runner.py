"""Runs an experiment on a line: bath after bath, everything stored before it matters, heat off at every end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version

from linectl.clock import Clock
from linectl.errors import LinectlError, Refused, RunFailed
from linectl.lab.bath import BathProcedure
from linectl.lab.design.baths import POSITIONS, PlannedBath, trials
from linectl.lab.halt import Halt, StopRequested
from linectl.lab.journal import Journal, Questions
from linectl.lab.progress import Progress, Reporter
from linectl.lab.schedule import plan, problems, refill_reason
from linectl.lab.soak import Soaking, camera_tag
from linectl.lab.watch import PlcWatch, SensorWatch
from linectl.line.limits import check_limits
from linectl.line.line import Line
from linectl.model.experiments import Experiment, FaultPolicy, Observation
from linectl.model.prompts import Prompter
from linectl.model.readings import Scan
from linectl.model.records import ExitStatus, Run, Trial, TrialState
from linectl.store.store import Store, new_run_id
from linectl.words import tr

__all__ = ["RunOutcome", "Runner"]

_SAFE_WITHIN_S = 15.0  # loop time for proving that the heater is off


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended: `baths_done` went through their soak, `flagged` of them with a fault that its events tell.

    `reason`, `hint` and `code` are those of what ended it early; `exit_code` is the command line's.
    """

    run_id: str
    exit_status: ExitStatus
    reason: str
    baths_done: int
    flagged: int
    hint: str = ""
    code: str = ""
    exit_code: int = 0


class Runner:
    """One run of one experiment on an open line, into an open store.

    `run` returns how it ended; only what is refused before anything starts, a cancelled caller and errors of the
    program itself are raised. `request_stop` ends it at the next safe point, `stop_now` at once; either way, and
    after any error, the heater is switched off, what was stored stays, and the run is marked.
    """

    def __init__(
        self,
        line: Line,
        store: Store,
        prompter: Prompter,
        clock: Clock,
        experiment: Experiment,
        *,
        operator: str,
        seed: int | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        run_id: str = "",
    ) -> None:
        check_limits(experiment, line.definition)
        self._line = line
        self._store = store
        self._clock = clock
        self._experiment = experiment
        self._operator = operator
        self._seed = seed
        self._zone = line.definition.zones[experiment.zone]
        self.run_id = run_id or new_run_id(clock.now_ns(), secrets.token_hex(8))
        self._baths = trials(experiment, self._zone.positions or POSITIONS)
        self._journal = Journal(store, self.run_id, clock)
        self._questions = Questions(prompter, self._journal)
        self._halt = Halt(clock)
        self._sensors = SensorWatch(self._zone.name, self._journal)
        self._plc = PlcWatch(line.definition, self._journal, self._break)
        self._reporter = Reporter(clock, plan(self._baths, experiment, self._zone), on_progress)
        self._bath = BathProcedure(
            line,
            clock,
            self._zone,
            self._questions,
            self._journal,
            halt=self._halt,
            enter=self._enter,
            look=self._look,
        )
        self._work: asyncio.Task[None] | None = None
        self._present: Trial | None = None
        self._soaking: Soaking | None = None
        self._running = False
        self._at_once = False
        self._broken = ""
        self._index = 0
        self._done = 0
        self._flagged = 0

    # from outside

    def request_stop(self) -> None:
        """End the run at its next safe point: bottles are asked out, heater off, data kept, exit status abort."""
        self._halt.ask()

    def stop_now(self) -> None:
        """End the run at once: heater off, data kept, exit status abort."""
        self._at_once = True
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> RunOutcome:
        """Run the experiment to its end, or to where a person, a fault or its own policy ends it.

        Raises:
            Refused: before anything was started: a limit, an order that physics forbids, a bath too small.
        """
        self._preflight()
        await self._begin()
        self._running = True
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
        found = problems(self._baths, self._experiment, self._zone)
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
            speed=self._clock.speed,
        )
        await self._store.start_run(run)
        await self._store.add_trials([self._trial(bath) for bath in self._baths])
        for group in self._line.layouts:
            await self._store.start_span(self.run_id, None, group)
        self._line.on_scan(self._on_scan)
        self._line.on_event(self._on_event)
        await self._journal.event("run_started", experiment=experiment.name, baths=len(self._baths))

    async def _end(self, work: asyncio.Task[None]) -> RunOutcome:
        """Switch the heater off, mark the run, and return how it ended."""
        outcome = self._outcome(work)
        await self._safe()
        self._plc.close()
        told = {"status": str(outcome.exit_status), "reason": outcome.reason}
        try:
            if not self._store.degraded:
                await self._keep_present()
                await self._journal.event("run_ended", **told)
            await self._store.end_run(self.run_id, outcome.exit_status, outcome.reason, self._clock.now_ns())
        except LinectlError as error:  # the disk is full or gone: the run is over, its heater off; say so
            if outcome.exit_status is ExitStatus.SUCCESS:
                outcome = self._failed(error)
        finally:
            self._running = False
        return outcome

    async def _safe(self) -> None:
        """Switch the heater off, and keep what could not be proved."""
        try:
            async with asyncio.timeout(_SAFE_WITHIN_S):
                await self._line.safe()
        except (LinectlError, TimeoutError) as error:
            self._journal.note("safe_not_proved", {"detail": str(error)})
        else:
            self._journal.note("safe", {"heater": "off"})

    async def _keep_present(self) -> None:
        """Keep what was seen in the bath at which the run ended early, and mark it."""
        trial = self._present
        if self._soaking is not None:
            await self._soaking.close()
        if trial is not None:
            naoh = self._sensors.end()
            aborted = replace(trial, state=TrialState.ABORTED, ended_ns=self._clock.now_ns(), naoh_measured_pct=naoh)
            await self._store.update_trial(aborted)

    def _outcome(self, work: asyncio.Task[None]) -> RunOutcome:
        if self._broken:
            return self._ended(ExitStatus.FAIL, self._broken + self._left_in(), 5, "E-RUN-002")
        if work.cancelled():
            return self._ended(ExitStatus.ABORT, tr("stopped at once") + self._left_in(), 8, "E-RUN-001")
        error = work.exception()
        if error is None:
            return self._ended(ExitStatus.SUCCESS, "", 0)
        if isinstance(error, StopRequested):
            return self._ended(ExitStatus.ABORT, tr("stopped on request"), 8, "E-RUN-001")
        return self._failed(error)

    def _failed(self, error: BaseException) -> RunOutcome:
        if isinstance(error, LinectlError):
            text = error.message + self._left_in()
            return replace(self._ended(ExitStatus.FAIL, text, error.exit_code, error.code), hint=error.hint)
        return self._ended(ExitStatus.FAIL, f"{type(error).__name__}: {error}", 1, LinectlError.code)

    def _ended(self, status: ExitStatus, reason: str, exit_code: int, code: str = "") -> RunOutcome:
        return RunOutcome(self.run_id, status, reason, self._done, self._flagged, code=code, exit_code=exit_code)

    def _left_in(self) -> str:
        """Return the warning that bottles are still in the bath."""
        places = self._soaking.positions if self._soaking is not None else ()
        if not places:
            return ""
        return tr("; bottles are still in the bath: positions {places}").format(places=", ".join(map(str, places)))

    # bath after bath

    async def _all_baths(self) -> None:
        await self._bath.make_ready()
        for index, bath in enumerate(self._baths):
            self._halt.safe_point()
            self._index = index
            await self._one_bath(bath)

    async def _one_bath(self, bath: PlannedBath) -> None:
        self._present = replace(self._trial(bath), state=TrialState.RUNNING, started_ns=self._clock.now_ns())
        await self._store.update_trial(self._present)
        for group in self._line.layouts:
            await self._store.start_span(self.run_id, bath.ord, group)
        await self._prepare(bath)
        flags = await self._soak(bath)
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

    async def _prepare(self, bath: PlannedBath) -> None:
        """Bring the bath to its treatment."""
        experiment, treatment = self._experiment, bath.treatment
        before = None if self._index == 0 else self._bath.state()
        reason = refill_reason(before, treatment, experiment, self._zone)
        self._bath.flags.clear()
        if reason:
            await self._journal.event("refill", trial=bath.ord, reason=reason)
            await self._bath.refill(experiment.stirrer_pct)
        else:
            await self._bath.top_up(experiment.stirrer_pct)
        await self._bath.dose(treatment.naoh_pct)
        if self._bath.flags and experiment.on_sensor_fault is FaultPolicy.ABORT:
            raise self._abort(tr("the NaOH of the bath cannot be measured"))
        await self._bath.heat_to(treatment.temperature_c)
        await self._bath.stabilise(treatment.temperature_c, experiment.stabilisation)
        self._halt.safe_point()

    async def _soak(self, bath: PlannedBath) -> list[str]:
        """Load, soak and unload; return what the bath is flagged for."""
        soaking = self._soaking = Soaking(
            self._line,
            self._store,
            self._clock,
            self._questions,
            self._journal,
            self._halt,
            self._experiment,
            self.run_id,
            bath,
            fault=self._sensors.fault,
            look=self._look,
        )
        await self._bath.lid(opened=True)
        await self._enter("load")
        self._sensors.begin()
        try:
            await soaking.load_and_watch(self._all_in)
        except RunFailed:
            await self._out(soaking)
            raise
        await self._out(soaking)
        self._halt.safe_point()
        dead = [f"no_{tag.rpartition('.')[2]}" for tag in self._sensors.dead]
        return self._bath.flags + dead + (["checks_missed"] if soaking.missed else [])

    async def _all_in(self) -> None:
        await self._bath.lid(opened=False)
        await self._enter("soak")

    async def _out(self, soaking: Soaking) -> None:
        """Store what was last seen, and have the bottles taken out."""
        await soaking.close()
        await self._enter("unload")
        await self._bath.lid(opened=True)
        await soaking.unload()
        self._soaking = None
        await self._bath.lid(opened=False)

    # while it goes on

    def _trial(self, bath: PlannedBath) -> Trial:
        return Trial(self.run_id, bath.ord, bath.treatment, bath.replicate, bath.block)

    async def _enter(self, phase: str) -> None:
        """Announce a phase; it is on disk before anything acts on it."""
        self._reporter.enter(self._index, phase)
        await self._journal.event("phase", trial=self._baths[self._index].ord, phase=phase)
        self._look()

    def _look(self) -> None:
        self._reporter.tell(self._bath.value("temperature"))

    def _on_scan(self, scan: Scan) -> None:
        if self._running:
            self._store.log_scan(scan)
            self._sensors.see(scan)

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

    def _abort(self, fault: str) -> RunFailed:
        return RunFailed(tr("{fault}; the experiment says to abort").format(fault=fault))

"""Runs whose program died: found, closed, or taken up on their line under the same id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path

from linectl.clock import Clock, wall_ns
from linectl.config.files import SourceText
from linectl.config.load import load_experiment_text
from linectl.errors import NotConfirmed, Refused
from linectl.lab.acts import with_act
from linectl.lab.journal import Journal, Questions
from linectl.lab.outcome import RunOutcome
from linectl.lab.progress import Progress
from linectl.lab.resume import (
    CrashDecision,
    Identity,
    Present,
    ResumePoint,
    TakeUp,
    check_same,
    decide,
    replay,
    rule_of,
)
from linectl.lab.resume_asking import crash_prompt, heat_prompt
from linectl.lab.taking_up import identity_of
from linectl.line.line import Line
from linectl.model.answers import Answers
from linectl.model.experiments import CrashPolicy, Experiment
from linectl.model.lines import LineDefinition
from linectl.model.readings import Level, Quality
from linectl.model.records import Event, ExitStatus, Run, TrialState
from linectl.server.line_server import LineServer
from linectl.store.reader import StoreReader
from linectl.store.store import Store, open_store
from linectl.words import tr

__all__ = [
    "KilledRun",
    "abandon",
    "close_by_rule",
    "close_here",
    "find_killed",
    "interrupted_run",
    "killed_run",
    "leave_of",
    "must_be_behind",
    "take_up",
]

_ARMS = "arm-heat-"  # with what a line of an answers file must begin to allow heat


@dataclass(frozen=True, slots=True)
class KilledRun:
    """A run that can be taken up, where it stood, and its experiment as it was then."""

    file: Path
    point: ResumePoint
    experiment: Experiment

    @property
    def must_close(self) -> bool:
        """Whether its experiment's rule closes it, whatever is found: no line is needed for that."""
        point = self.point
        if point.closed is not None or point.trial is None or not point.phase:
            return False
        return rule_of(point.phase, self.experiment.on_crash).policy is CrashPolicy.ABORT


async def find_killed(file: Path, definition: LineDefinition, name: str) -> KilledRun:
    """Return the run `name` ("last", an id or its beginning) of the store `file`, after giving dead runs their end.

    Raises:
        Refused: no such run; it was not killed; a later run has used the line since; its process still writes.
        ConfigError: its experiment cannot be read any more.
    """
    StoreReader(file)  # a store that is not there is not made
    store = open_store(file, line=definition.name, virtual=True)
    await store.open()
    await store.close()
    return killed_run(file, name)


def killed_run(file: Path, name: str) -> KilledRun:
    """Return the run `name` of a store in which dead runs have their end, as in one that is open for writing.

    Raises:
        LinectlError: as `find_killed`.
    """
    reader = StoreReader(file)
    run = reader.run(name)
    events = reader.events(run.id)
    point = replay(run, reader.trials(run.id), reader.bottles(run.id), reader.checks(run.id), events)
    if run.state != "interrupted" and point.closed is None:
        raise Refused(
            tr("run {run} was not killed: there is nothing to take up").format(run=run.id),
            hint=tr("it ended: {status} {reason}").format(status=run.exit_status, reason=run.reason),
            code="E-RES-003",
        )
    ids = [each.id for each in reader.runs() if each.line == run.line]  # as they were started
    later = ids[ids.index(run.id) + 1 :]
    if later:
        raise Refused(
            tr("run {run} is not taken up: the line was used since, by run {later}").format(
                run=run.id, later=later[-1]
            ),
            hint=tr("its data stay as they are; run its experiment again"),
            code="E-RES-004",
        )
    if not run.definition:
        raise Refused(
            tr("run {run} was made by a script: only its data can be kept").format(run=run.id), code="E-RES-005"
        )
    experiment = load_experiment_text(SourceText(run.ref, run.definition, run.config_hash))
    last = _last_temperature(reader, run.id, f"{experiment.zone}.temperature")
    if last is not None:
        point = replace(point, temperature_ns=last[0], temperature_c=last[1])
    return KilledRun(file, point, experiment)


def interrupted_run(file: Path, line: str) -> Run | None:
    """Return the last run of `line` in a store when its program died and nobody took it up; no script's."""
    runs = [each for each in StoreReader(file).runs() if each.line == line]
    return runs[-1] if runs and runs[-1].state == "interrupted" and runs[-1].definition else None


def must_be_behind(killed: KilledRun, now_ns: int) -> None:
    """Refuse a run whose record goes on after now: of a clock that was set, or that was faster than time.

    Raises:
        Refused: it does (E-RES-007).
    """
    if killed.point.last_ns > now_ns:
        text = tr("run {run} was recorded up to a time that this server's clock has not reached")
        raise Refused(
            text.format(run=killed.point.run.id),
            hint=tr("wait until then, or end the server, then: linectl resume"),
            code="E-RES-007",
        )


async def close_by_rule(killed: KilledRun, definition: LineDefinition) -> RunOutcome:
    """Close a killed run as its rule says; no line is opened. It can still be taken up, its bath given up.

    Raises:
        Refused: line or calibration have changed since.
    """
    check_same(killed.point.run, definition.config_hash, definition.calibration_hash)
    return await _with_store(killed, definition, "crash_closed", "linectl")


async def abandon(killed: KilledRun, definition: LineDefinition, who: str) -> RunOutcome:
    """Close a killed run for good; its data stay."""
    return await _with_store(killed, definition, "abandoned", who)


async def close_here(server: LineServer, killed: KilledRun, *, who: str, abandoned: bool) -> RunOutcome:
    """Close a killed run of a line that is open: for good (`abandoned`), or as its rule says.

    Raises:
        Refused: line or calibration have changed since, and it is closed by its rule.
    """
    point, definition = killed.point, server.definition
    if not abandoned:
        check_same(point.run, definition.config_hash, definition.calibration_hash)
    kind, by = ("abandoned", who) if abandoned else ("crash_closed", "linectl")
    return await _close(_store_of(server), point, kind, by, point.last_ns, acted_ns=server.clock.now_ns())


async def take_up(
    server: LineServer,
    killed: KilledRun,
    *,
    operator: str,
    same_plant: bool = True,
    unasked: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunOutcome:
    """Take up a killed run on the open line of `server`, or close it where that is decided; return how it ended.

    The line is made safe first. What must be asked stands on the server's desk.

    `same_plant` is False when a new simulated rig stands for the one that died with its program. `unasked` takes the
    safe answer, abort, in place of asking a person what becomes of the bath. Heat is asked for by itself, always.

    Raises:
        Refused: line or calibration have changed since.
        NotConfirmed: nobody allowed the bath to be heated; the run stays as it was.
    """
    point, store = killed.point, _store_of(server)
    check_same(point.run, server.definition.config_hash, server.definition.calibration_hash)
    journal = Journal(store, point.run.id, server.clock)
    await server.line.safe()  # whoever is quicker than the watchdog finds the heater still on, or a drain under way
    await journal.event("safe", heater="off")
    now = _present(server.line, server.clock, killed.experiment.zone, same_plant=same_plant)
    questions = Questions(server.desk, journal, speed=server.clock.speed)
    decided = decide(point, killed.experiment.on_crash, now, band_c=killed.experiment.stabilisation.band_c)
    policy = decided.policy
    if point.closed is not None:
        policy = CrashPolicy.ABORT
    elif policy is CrashPolicy.ASK:
        policy = CrashPolicy.ABORT if unasked else await _asked(questions, point, decided, now)
    if policy is CrashPolicy.ABORT and point.closed is None:
        return await _close(store, point, "crash_closed", operator, server.clock.now_ns())
    chosen = TakeUp(point, now, policy, operator, decided)
    if not chosen.continues:
        await _arm(questions, point, now)
    return await server.run(
        killed.experiment,
        operator=operator,
        seed=point.run.seed,
        on_progress=on_progress,
        take_up=chosen,
    )


async def _asked(questions: Questions, point: ResumePoint, decided: CrashDecision, now: Present) -> CrashPolicy:
    answer = await questions.ask(crash_prompt(point, decided, now))
    return CrashPolicy(str(answer.value))


async def _arm(questions: Questions, point: ResumePoint, now: Present) -> None:
    wanted_c = None if point.trial is None else point.trial.treatment.temperature_c
    answer = await questions.ask(heat_prompt(point, now, wanted_c))
    if answer.value is not True:
        raise NotConfirmed(
            tr("nobody allowed the bath to be heated: run {run} stays interrupted").format(run=point.run.id),
            hint=tr("look at the bath, then: linectl resume {run}").format(run=point.run.id),
        )


def leave_of(answers: Answers, by_hand: AbstractSet[str]) -> set[str]:
    """Return the tasks that an answers file leaves to others: `by_hand`, and heat without a line of its own."""
    preset = answers.find(f"{_ARMS}1")
    armed = preset is not None and preset.pattern.startswith(_ARMS)
    return set(by_hand) | (set() if armed else {"arm_heat"})


def _present(line: Line, clock: Clock, zone: str, *, same_plant: bool) -> Present:
    reading = line.reading(f"{zone}.temperature")
    temperature_c = float(reading.value) if reading.value is not None and reading.quality.is_good else None
    return Present(clock.now_ns(), temperature_c, identity_of(line) if same_plant else Identity())


def _store_of(server: LineServer) -> Store:
    assert server.store is not None, "the server is not open"
    return server.store


async def _with_store(killed: KilledRun, definition: LineDefinition, kind: str, who: str) -> RunOutcome:
    store = open_store(killed.file, line=definition.name, virtual=True)
    await store.open()
    try:
        return await _close(store, killed.point, kind, who, killed.point.last_ns, acted_ns=wall_ns())
    finally:
        await store.close()


async def _close(
    store: Store, point: ResumePoint, kind: str, who: str, now_ns: int, *, acted_ns: int | None = None
) -> RunOutcome:
    """Close a run as failed, its bath given up with its bottles as they were last seen.

    `acted_ns`: when that was done, for the audit trail, where the run's own clock has stood still since its end.
    """
    trial, run = point.trial, point.run
    places = point.positions if trial is not None else ()
    data: Mapping[str, object] = {
        "trial": 0 if trial is None else trial.ord,
        "phase": point.phase,
        "positions": list(places),
        "who": who,
    }
    event = with_act(Event(now_ns, kind, data, run.id), at_ns=acted_ns)
    if trial is None:
        await store.add_event(event)
        await store.end_run(run.id, ExitStatus.FAIL, run.reason, point.last_ns)
    else:
        aborted = replace(trial, state=TrialState.ABORTED, ended_ns=point.last_ns)
        await store.give_up_trial(aborted, point.bottles, event, failed_because=run.reason, ended_ns=point.last_ns)
    left_in = (
        tr("bottles are still in the bath: positions {places}").format(places=", ".join(map(str, places)))
        if places
        else ""
    )
    done, flagged = point.done
    return RunOutcome(run.id, ExitStatus.FAIL, run.reason, done, flagged, left_in, "E-RES-006", 5)


def _last_temperature(reader: StoreReader, run: str, tag: str) -> tuple[int, float] | None:
    """Return time (ns) and value (°C) of the last good temperature of a run."""
    series = reader.series(run, tag)
    for t_ns, value, quality in zip(
        reversed(series.t_ns), reversed(series.value), reversed(series.quality), strict=True
    ):
        if value is not None and Quality.from_byte(quality).level is Level.GOOD:
            return t_ns, float(value)
    return None

"""Where a killed run stood, what becomes of it, and how it goes on: first pure, then in a laboratory in memory."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import SourceText, find_file
from linectl.config.load import load_experiment_text, load_line
from linectl.errors import NotConfirmed, Refused
from linectl.lab.design.baths import PlannedBath, PlannedBottle
from linectl.lab.kinetics.codes import Code
from linectl.lab.outcome import RunOutcome
from linectl.lab.release_rows import BRIDGE_S, release_data
from linectl.lab.resume import (
    CrashDecision,
    Identity,
    Present,
    ResumePoint,
    TakeUp,
    again,
    baths_of,
    check_same,
    decide,
    replay,
    work_of,
)
from linectl.lab.resume_asking import crash_prompt, heat_prompt
from linectl.model.experiments import (
    PHASES,
    CrashPolicy,
    CrashRule,
    Experiment,
)
from linectl.model.lines import LineDefinition
from linectl.model.prompts import Answer, Prompt
from linectl.model.records import Bottle, Check, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.server.line_server import LineServer
from linectl.server.resuming import abandon, close_by_rule, find_killed, take_up
from linectl.server.simulation.simulated import hands_of
from linectl.sim.rig import Rig
from linectl.store.reader import StoreReader

LINE_FILE = find_file("simulated", folder="config")
S = 1_000_000_000
T0 = 1_767_225_600 * S
RUN = Run("r1", "experiment", "glue", "simulated", "interrupted", "Zoé", T0, "c0ffee", True, "text", "0.1", None)
KILLED = replace(RUN, ended_ns=T0 + 1000 * S, exit_status=ExitStatus.FAIL, reason="process killed", speed=40.0)
TRIALS = (
    Trial("r1", 1, Treatment(60.0, 1.5), 1, "R1", TrialState.COMPLETE, T0, T0 + 500 * S),
    Trial("r1", 2, Treatment(70.0, 1.5), 1, "R1", TrialState.RUNNING, T0 + 500 * S),
    Trial("r1", 3, Treatment(65.0, 1.5), 1, "R1"),
)
BOTTLES = (Bottle("r1", 1, "T01-P03", 3, "psa", T0), Bottle("r1", 2, "T02-P05", 5, "psa", T0 + 700 * S, T0 + 940 * S))
CHECKS = tuple(Check("r1", 2, "T02-P05", T0 + at * S, T0 + at * S, True) for at in (910, 940))
HERE = Identity(3, 1)
DESIGN = [
    PlannedBath(trial.ord, trial.treatment, 1, "R1", (PlannedBottle(f"T{trial.ord:02d}-P05", 5, "psa"),))
    for trial in TRIALS
]


def event(at: float, kind: str, **data: object) -> Event:
    return Event(T0 + round(at * S), kind, data, "r1")


def phase(at: float, trial: int, name: str, **data: object) -> Event:
    return event(at, "phase", trial=trial, phase=name, boot_counter=3, schema_version=1, **data)


JOURNAL = (
    event(0, "run_started", clock_origin_ns=T0 - 5 * S),
    phase(1, 1, "soak"),
    event(500, "refill", trial=2, reason="naoh"),
    phase(501, 2, "drain"),
    phase(690, 2, "load"),
    event(695, "bottle_left_out", bottle="T02-P07", position=7),
    event(800, "bottle_skipped", trial=2, bottle="T02-P05", reason="fell over"),
    phase(900, 2, "soak"),
    event(1000, "run_interrupted"),
)


def point(name: str = "soak", journal: tuple[Event, ...] = JOURNAL) -> ResumePoint:
    found = replay(KILLED, TRIALS, BOTTLES, CHECKS, journal, (T0 + 999 * S, 69.9))
    return replace(found, phase=name)


def now(gap_s: float = 20.0, temperature_c: float | None = 69.8, identity: Identity = HERE) -> Present:
    return Present(T0 + round((1000 + gap_s) * S), temperature_c, identity)


def test_the_journal_tells_where_the_run_stood() -> None:
    found = point()
    assert found.trial == TRIALS[1]
    assert found.phase == "soak"
    assert found.last_ns == T0 + 1000 * S
    assert found.bottles == (BOTTLES[1],)
    assert found.positions == (5,)
    assert found.elapsed_s == {"T02-P05": 300.0}  # the journalled elapsed soak, no new timer
    assert found.left_out == {"T02-P07"}
    assert found.skipped == {"T02-P05": "fell over"}
    assert found.checked_ns == T0 + 940 * S
    assert found.temperature_c == 69.9
    assert found.identity == HERE
    assert found.refilled
    assert (found.crashes, found.closed) == (0, None)


def test_the_time_of_a_run_on_an_accelerated_rig_goes_on_while_no_program_runs() -> None:
    assert point().wall_ns(T0 - 5 * S + 30 * S) == T0 - 5 * S + 1200 * S  # 30 s of the computer at 40 x


def test_between_baths_nothing_is_lost_and_nothing_is_asked() -> None:
    done = replace(TRIALS[1], state=TrialState.COMPLETE)
    found = replay(KILLED, (TRIALS[0], done, TRIALS[2]), BOTTLES, CHECKS, JOURNAL)
    assert (found.trial, found.phase, found.bottles) == (None, "", ())
    assert decide(found, {}, now()).why == ("between_baths",)
    assert decide(found, {}, now()).policy is CrashPolicy.REDO


@pytest.mark.parametrize("name", PHASES)
def test_without_a_rule_labels_in_the_bath_mean_abort_and_water_alone_means_redo(name: str) -> None:
    decision = decide(point(name), {}, now())
    assert decision.policy is (CrashPolicy.ABORT if name in {"load", "soak", "unload"} else CrashPolicy.REDO)
    assert decision.why == ("default",)


@pytest.mark.parametrize("policy", [CrashPolicy.ABORT, CrashPolicy.REDO, CrashPolicy.ASK])
@pytest.mark.parametrize("name", PHASES)
def test_a_rule_of_the_experiment_holds_whatever_is_found(name: str, policy: CrashPolicy) -> None:
    rules = {name: CrashRule(policy)}
    for present in (now(), now(1e6), now(temperature_c=None), now(identity=Identity(4, 1))):
        assert decide(point(name), rules, present).policy is policy


@pytest.mark.parametrize(
    ("present", "why"),
    [
        (now(61.0), ("gap_too_long",)),
        (now(-1.0), ("clock_set_back",)),
        (now(temperature_c=69.4), ("temperature_out_of_band",)),
        (now(temperature_c=70.6), ("temperature_out_of_band",)),
        (now(temperature_c=None), ("temperature_unknown",)),
        (now(identity=Identity(4, 1)), ("controller_changed",)),
        (now(identity=Identity(3, 2)), ("controller_changed",)),
        (now(identity=Identity()), ("controller_changed",)),
        (now(90.0, 20.0, Identity()), ("gap_too_long", "temperature_out_of_band", "controller_changed")),
    ],
)
def test_continue_becomes_a_question_when_the_present_is_not_as_journalled(
    present: Present, why: tuple[str, ...]
) -> None:
    rules = {"soak": CrashRule(CrashPolicy.CONTINUE)}
    decision = decide(point(), rules, present)
    assert decision.policy is CrashPolicy.ASK
    assert decision.why == ("rule", *why)


def test_continue_stays_continue_when_all_is_as_journalled() -> None:
    rules = {"soak": CrashRule(CrashPolicy.CONTINUE, max_gap_s=100.0)}
    assert decide(point(), rules, now(100.0)).policy is CrashPolicy.CONTINUE
    assert decide(point(), rules, now(100.0, 69.5)).policy is CrashPolicy.CONTINUE
    heating = {"heat": CrashRule(CrashPolicy.CONTINUE)}
    assert decide(point("heat"), heating, now(temperature_c=40.0)).policy is CrashPolicy.CONTINUE  # still on its way


def test_a_journal_without_the_controller_s_identity_is_never_the_same_controller() -> None:
    old = tuple(
        Event(e.ts_ns, e.kind, {k: e.data[k] for k in ("trial", "phase") if k in e.data}, "r1") for e in JOURNAL
    )
    rules = {"soak": CrashRule(CrashPolicy.CONTINUE)}
    assert decide(point(journal=old), rules, now(identity=Identity())).why == ("rule", "controller_changed")


def test_a_changed_line_or_calibration_is_refused_with_both_hashes() -> None:
    check_same(RUN, "c0ffee", "")
    with pytest.raises(Refused, match=r"line's file.*c0ffee.*badf00d") as raised:
        check_same(RUN, "badf00d", "")
    assert raised.value.exit_code == 6
    assert raised.value.code == "E-RES-001"
    with pytest.raises(Refused, match=r"line's file.*c0ffee.*badf00d.*calibration.*aaaa.*bbbb"):
        check_same(replace(RUN, calibration_hash="aaaa"), "badf00d", "bbbb")


def _take_up(policy: CrashPolicy, where: ResumePoint) -> TakeUp:
    return TakeUp(where, now(), policy, "Zoé", CrashDecision(policy, (), 20.0, 60.0))


def _orders(take_up: TakeUp) -> list[int]:
    return [bath.ord for bath in work_of(take_up, baths_of(take_up.point, DESIGN))]


def test_what_is_left_to_do_under_each_policy() -> None:
    assert _orders(_take_up(CrashPolicy.CONTINUE, point())) == [2, 3]
    assert _orders(_take_up(CrashPolicy.REDO, point("heat"))) == [2, 3]
    assert _orders(_take_up(CrashPolicy.REDO, point())) == [4, 3]  # made again at once, under a number of its own
    closed = replay(
        KILLED,
        (TRIALS[0], replace(TRIALS[1], state=TrialState.ABORTED), TRIALS[2]),
        BOTTLES,
        CHECKS,
        (*JOURNAL, event(1020, "crash_closed", trial=2)),
    )
    assert closed.closed == 2
    assert _orders(_take_up(CrashPolicy.ABORT, closed)) == [3, 4]


def test_a_replacement_is_the_same_bath_with_bottles_of_its_own() -> None:
    new = again(DESIGN[1], 4)
    assert (new.ord, new.treatment, new.block) == (4, DESIGN[1].treatment, "R1 again 2")
    assert [(bottle.label, bottle.position, bottle.glue) for bottle in new.bottles] == [("T04-P05", 5, "psa")]


def test_a_replacement_of_a_replacement_is_still_the_bath_of_the_design() -> None:
    trials = (
        *TRIALS[:1],
        replace(TRIALS[1], state=TrialState.ABORTED),
        TRIALS[2],
        Trial("r1", 4, Treatment(70.0, 1.5), 1, "R1 again 2", TrialState.ABORTED),
        Trial("r1", 5, Treatment(70.0, 1.5), 1, "R1 again 4", TrialState.RUNNING),
    )
    journal = (
        *JOURNAL,
        event(1100, "crash"),
        event(1100, "resumed", boot_counter=3, schema_version=1),
        event(1100, "trial_replaced", trial=2, by=4),
        event(1200, "trial_replaced", trial=4, by=5),
        phase(1300, 5, "heat"),
    )
    found = replay(KILLED, trials, BOTTLES, CHECKS, journal)
    assert found.crashes == 1
    assert found.origins == {4: 2, 5: 2}
    assert [bath.ord for bath in baths_of(found, DESIGN)] == [1, 2, 3, 4, 5]
    assert _orders(_take_up(CrashPolicy.REDO, found)) == [5, 3]


def test_a_design_that_is_no_longer_the_run_s_is_refused() -> None:
    other = [replace(bath, treatment=Treatment(61.0, 1.5)) for bath in DESIGN]
    for design in (other, DESIGN[:2], [*DESIGN, replace(DESIGN[0], ord=4)]):
        with pytest.raises(Refused, match="other baths"):
            baths_of(point(), design)


def test_the_question_tells_gap_temperatures_and_what_each_choice_loses() -> None:
    decision = decide(point(), {"soak": CrashRule(CrashPolicy.ASK)}, now(75.0, 66.2))
    prompt = crash_prompt(point(), decision, now(75.0, 66.2))
    assert (prompt.task, prompt.options, prompt.default) == ("crash", ("continue", "redo", "abort"), "abort")
    for told in ("bath 2", "soak", "75 s", "69.9", "66.2", "1 labels soak on", "fresh ones", "closed as failed"):
        assert told in prompt.text
    assert prompt.facts["gap_s"] == 75.0
    assert set(crash_prompt(point("heat"), decision, now()).options) == {"continue", "redo", "abort"}
    assert heat_prompt(point(), now(), 70.0).facts["wanted_c"] == 70.0


# in a laboratory in memory: the program is killed, the bath stays


FILE = """\
kind: experiment
name: two_baths
question: does it go on?
factors: {temperature_c: [58], naoh_pct: [1.5, 0.5], glue: [psa, casein]}
replicates: 1
bottles_per_glue: 1
order: {randomised: false, seed: 5}
soak: {cap_s: 90, check_s: 15}
stabilisation: {band_c: 1.0, hold_s: 10, within_s: 7200}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 60, temperatures_c: [58], naoh_pct: [1.5]}
line: simulated
"""
WAY = ((1, "fill"), *((2, name) for name in PHASES))  # the first bath was empty, the second is drained first


@dataclass
class Bench:
    """A rig that outlives the programs that run it, and the file that the last of them left behind."""

    folder: Path
    rig: Rig
    clock: Clock
    definition: LineDefinition
    starts: int = 0
    file: Path = field(init=False)
    _left: Path = Path()

    def __post_init__(self) -> None:
        self.file = self.folder / "store-0.db"

    @asynccontextmanager
    async def server(self) -> AsyncIterator[LineServer]:
        """Start a program: a line, its store, and an operator who does as asked."""
        self.starts += 1
        links = self.rig.links()
        boot = f"boot-{self.starts}"
        async with LineServer(self.definition, self.clock, self.file, boot=boot, links=links) as server:
            hands = hands_of(self.definition, self.clock, line=server.line, simulate_as={}, links=links)
            async with hands as operator:
                server.desk.attach(operator)
                yield server

    async def killed(self, experiment: Experiment, seen: Callable[[Any], bool]) -> str:
        """Run `experiment` until `seen` (called with what each commit holds) and die there; return the run's id.

        What a kill leaves is the file as it is at that moment. The controller's watchdog ends heat, filling and
        dosing soon after; here the dying program does, and its last words go to a file that nobody reads.
        """
        async with self.server() as server:
            await self._until(server, server.run(experiment, operator="test", seed=3), seen)
        self.file = self._left
        return StoreReader(self.file).run("last").id

    async def killed_again(self, seen: Callable[[Any], bool]) -> None:
        """Take the run up and die again where `seen` says so; when it never does, the run has ended."""
        killed = await find_killed(self.file, self.definition, "last")
        if killed.must_close:
            return
        async with self.server() as server:
            if not await self._until(server, take_up(server, killed, operator="Zoé"), seen, must=False):
                return
        self.file = self._left

    async def _until(
        self, server: LineServer, work: Coroutine[Any, Any, Any], seen: Callable[[Any], bool], *, must: bool = True
    ) -> bool:
        """Do `work` until it dies; return whether it did."""
        died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = self.folder / f"store-{self.starts}.db"
        for name in ("add_event", "add_bottles", "add_checks", "update_trial", "update_bottle"):
            setattr(server.store, name, self._watched(getattr(server.store, name), died, self._left, seen))
        run = asyncio.create_task(work)
        await asyncio.wait([run, died], return_when=asyncio.FIRST_COMPLETED)
        if not died.done():
            assert not must, run.result()
            return False
        server.abort()
        await run
        return True

    def _watched(self, real: Any, died: asyncio.Future[None], copy: Path, seen: Callable[[Any], bool]) -> Any:
        """Return a call of the store that, once its rows are durable, may be the last one."""

        async def call(rows: Any) -> None:
            await real(rows)
            if not died.done() and seen(rows):
                died.set_result(None)
                for end in ("", "-wal"):
                    shutil.copy(f"{self.file}{end}", f"{copy}{end}")

        return call

    async def resume(self, gap_s: float = 20.0, **options: Any) -> RunOutcome:
        """Take the run up by a new program, `gap_s` after the kill."""
        await self.clock.sleep(gap_s)
        killed = await find_killed(self.file, self.definition, "last")
        killed = replace(killed, experiment=options.pop("experiment", killed.experiment))
        if killed.must_close:
            return await close_by_rule(killed, self.definition)
        async with self.server() as server:
            return await take_up(server, killed, operator="Zoé", **options)

    def reader(self) -> StoreReader:
        return StoreReader(self.file)

    def events(self, kind: str) -> list[Event]:
        return [event for event in self.reader().events(self.reader().run("last").id) if event.kind == kind]


@pytest.fixture
def on_bench(tmp_path: Path) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Run a coroutine with a bench, on virtual time."""

    def run(act: Callable[[Bench], Awaitable[None]]) -> None:
        async def main() -> None:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            clock = Clock(start_ns=VIRTUAL_START_NS)
            read = load_line(LINE_FILE)
            zones = {name: replace(zone, fill_temperature_c=58.0) for name, zone in read.zones.items()}
            definition = replace(read, zones=zones, hands="hands")
            async with Rig(clock, seed=3, directory=folder, wires=False, fill_temperature_c=58.0) as rig:
                await act(Bench(folder, rig, clock, definition))

        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(main())

    return run


def by(policy: str, max_gap_s: float = 60.0) -> Experiment:
    """Return the experiment with one rule for every phase."""
    rule = f"{{policy: {policy}, max_gap_s: {max_gap_s}}}"
    rules = ", ".join(f"{name}: {rule}" for name in PHASES)
    return load_experiment_text(SourceText("two_baths.yaml", f"{FILE}on_crash: {{{rules}}}\n", "f00"))


def at(trial: int, name: str) -> Callable[[Any], bool]:
    """Return what recognises the beginning of a phase."""
    return lambda rows: (
        isinstance(rows, Event) and rows.kind == "phase" and (rows.data["trial"], rows.data["phase"]) == (trial, name)
    )


def check_story(bench: Bench) -> None:
    """Check what holds of every run that was taken up: one id, one order, one series."""
    reader = bench.reader()
    (run,) = reader.runs()
    events = reader.events(run.id)
    times = [event.ts_ns for event in events if event.kind != "prompt"]
    assert times == sorted(times)
    for trial in (None, 1, 2):
        series = reader.series(run.id, "bath.temperature", trial=trial)
        assert list(series.t_ns) == sorted(set(series.t_ns))
    kinds = [event.kind for event in events]
    assert kinds.count("run_started") <= 1  # none when the very first rows were the last
    assert kinds.count("crash") == kinds.count("resumed")
    # nothing heats after a crash before a person has said so
    for index, event in enumerate(events):
        if event.kind == "resumed" and any(later.kind == "phase" for later in events[index:]):
            before = events[: index + 1]
            armed = [e for e in before if e.kind == "prompt" and e.data["task"] == "arm_heat"]
            assert armed or event.data["policy"] == "continue"


@pytest.mark.parametrize(("trial", "name"), WAY)
def test_killed_as_a_phase_begins_a_run_goes_on_to_its_end(on_bench: Any, trial: int, name: str) -> None:
    async def act(bench: Bench) -> None:
        await bench.killed(by("redo"), at(trial, name))
        outcome = await bench.resume()
        assert outcome.exit_status is ExitStatus.SUCCESS, outcome
        check_story(bench)
        states = [trial.state.value for trial in bench.reader().trials(outcome.run_id)]
        redone = name in {"load", "soak", "unload"}
        assert len(states) == 3 if redone else 2
        assert states.count("aborted") == int(redone)
        assert outcome.baths_done == 2

    on_bench(act)


class Says:
    """A person who answers some tasks, and has no answer to the others."""

    def __init__(self, clock: Clock, **answers: Any) -> None:
        self._clock = clock
        self._answers = answers
        self.asked: list[Prompt] = []

    async def ask(self, prompt: Prompt) -> Answer | None:
        if prompt.task not in self._answers:
            return None
        self.asked.append(prompt)
        now_ns = self._clock.now_ns()
        return Answer(prompt.id, self._answers[prompt.task], "Léa", "test", now_ns, now_ns)


async def resume_as(bench: Bench, gap_s: float = 20.0, **answers: Any) -> tuple[RunOutcome, Says]:
    """Take the run up with a person beside the operator's hands."""
    await bench.clock.sleep(gap_s)
    killed = await find_killed(bench.file, bench.definition, "last")
    says = Says(bench.clock, **answers)
    bench.starts += 1
    links = bench.rig.links()
    async with LineServer(
        bench.definition, bench.clock, bench.file, boot=f"boot-{bench.starts}", links=links
    ) as server:
        server.desk.attach(says)
        hands = hands_of(bench.definition, bench.clock, line=server.line, simulate_as={}, links=links)
        async with hands as operator:
            server.desk.attach(OnlyHands(operator))
            return await take_up(server, killed, operator="Zoé"), says


class OnlyHands:
    """The operator's hands, without a word of its own on a crash."""

    def __init__(self, operator: Any) -> None:
        self._operator = operator

    async def ask(self, prompt: Prompt) -> Answer | None:
        return None if prompt.task in {"crash", "arm_heat"} else await self._operator.ask(prompt)


def is_checks(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], Check)


def heats_after(bench: Bench, kind: str) -> list[int]:
    """Return when the heater was switched on after the last event of a kind."""
    begin = bench.events(kind)[-1].ts_ns
    on = [e for e in bench.events("write") if e.data["tag"] == "bath.heater_enable" and e.data["asked"] is True]
    return [event.ts_ns for event in on if event.ts_ns >= begin]


@pytest.mark.parametrize("asleep_s", [25.0, 75.0])
def test_a_soak_that_goes_on_keeps_its_time_and_widens_what_nobody_saw(on_bench: Any, asleep_s: float) -> None:
    async def act(bench: Bench) -> None:
        checks = count()
        await bench.killed(by("continue", 1e6), lambda rows: is_checks(rows) and next(checks) == 1)
        killed = bench.reader()
        run = killed.run("last").id
        before = {bottle.label: bottle for bottle in killed.bottles(run)}
        outcome, _ = await resume_as(bench, asleep_s, arm_heat=True)
        assert outcome.exit_status is ExitStatus.SUCCESS, outcome
        check_story(bench)
        reader = bench.reader()
        after = {bottle.label: bottle for bottle in reader.bottles(run) if bottle.trial == 1}
        assert {label: bottle.inserted_ns for label, bottle in after.items()} == {
            label: bottle.inserted_ns for label, bottle in before.items()
        }
        unloads = [e for e in reader.events(run) if at(1, "unload")(e)]
        last_in = max(bottle.inserted_ns for bottle in before.values())
        assert 90 <= (unloads[0].ts_ns - last_in) / S <= max(90 + 15, asleep_s + 60) + 5  # not 90 s anew
        crash, resumed = bench.events("crash")[0], bench.events("resumed")[0]
        missed = [check for check in reader.checks(run) if check.trial == 1 and check.done_ns is None]
        assert missed
        last_ns = crash.data["last_ns"]
        assert isinstance(last_ns, int)
        assert all(last_ns <= check.planned_ns <= resumed.ts_ns + S for check in missed)
        grid = {(check.planned_ns - min(b.inserted_ns for b in before.values())) % (15 * S) for check in missed}
        assert grid == {0}
        assert (resumed.data["policy"], resumed.data["who"]) == ("continue", "Zoé")
        assert bench.events("heat_armed")[0].data["who"] == "Léa"
        assert reader.trials(run)[0].state is TrialState.FLAGGED
        assert "crash" in str(bench.events("bath_flagged")[0].data["flags"])
        gap_s = crash.data["gap_s"]
        assert isinstance(gap_s, float)
        told = [warn.detail for warn in release_data(reader, [run]).warnings if warn.code == Code.TRACE_GAP]
        assert len(told) == 1  # the hole in the bath's record is told, and bridged by its stated length or not at all
        assert ("not bridged" in told[0]) is (gap_s > BRIDGE_S)

    on_bench(act)


def test_a_soak_goes_on_without_heat_when_nobody_allows_it(on_bench: Any) -> None:
    async def act(bench: Bench) -> None:
        await bench.killed(by("continue"), at(2, "soak"))
        outcome, _ = await resume_as(bench, arm_heat=False)
        assert outcome.exit_status is ExitStatus.SUCCESS, outcome
        assert bench.events("heat_not_armed")
        assert "heat_off" in str(bench.events("bath_flagged")[0].data["flags"])
        assert heats_after(bench, "resumed") == []
        assert not bench.rig.twin.plc.heater_enable

    on_bench(act)


@pytest.mark.parametrize("name", ["load", "unload"])
def test_loading_and_unloading_go_on_with_the_bottles_that_are_in(on_bench: Any, name: str) -> None:
    async def act(bench: Bench) -> None:
        if name == "load":
            await bench.killed(by("continue"), lambda rows: isinstance(rows, list) and isinstance(rows[0], Bottle))
        else:
            await bench.killed(by("continue"), at(1, name))
        outcome = await bench.resume()
        assert outcome.exit_status is ExitStatus.SUCCESS, outcome
        run = outcome.run_id
        labels = [bottle.label for bottle in bench.reader().bottles(run)]
        assert len(labels) == len(set(labels)) == 4
        assert len(bench.reader().trials(run)) == 2

    on_bench(act)


def test_an_aborted_bath_closes_the_run_and_is_replaced_when_it_is_taken_up_further(on_bench: Any) -> None:
    async def act(bench: Bench) -> None:
        checks = count()
        run = await bench.killed(by("abort"), lambda rows: is_checks(rows) and next(checks) == 1)
        closed = await bench.resume()
        assert (closed.run_id, closed.exit_status, closed.exit_code) == (run, ExitStatus.FAIL, 5)
        assert closed.reason.startswith("process killed at ")
        record = bench.reader().run(run)
        assert (record.state, record.exit_status, record.reason) == ("failed", ExitStatus.FAIL, closed.reason)
        assert not bench.reader().interrupted(record)
        assert [trial.state.value for trial in bench.reader().trials(run)] == ["aborted", "planned"]
        kept = {bottle.label: bottle.last_attached_ns for bottle in bench.reader().bottles(run)}
        assert all(kept.values())
        outcome, _ = await resume_as(bench, arm_heat=True)
        assert outcome.exit_status is ExitStatus.SUCCESS, outcome
        check_story(bench)
        trials = bench.reader().trials(run)
        assert [(trial.ord, trial.state.value) for trial in trials] == [
            (1, "aborted"),
            (2, "complete"),
            (3, "complete"),
        ]
        assert (trials[2].treatment, trials[2].block) == (trials[0].treatment, "R1 again 1")
        assert bench.events("trial_replaced")[0].data == {"trial": 1, "by": 3}
        bottles = bench.reader().bottles(run)
        assert {bottle.label: bottle.last_attached_ns for bottle in bottles if bottle.trial == 1} == kept
        assert len({bottle.label for bottle in bottles}) == 6

    on_bench(act)


@pytest.mark.parametrize("choice", ["continue", "redo", "abort"])
def test_a_person_who_is_asked_decides(on_bench: Any, choice: str) -> None:
    async def act(bench: Bench) -> None:
        checks = count()
        run = await bench.killed(by("ask"), lambda rows: is_checks(rows) and next(checks) == 1)
        outcome, says = await resume_as(bench, crash=choice, arm_heat=True)
        assert says.asked[0].task == "crash"
        assert says.asked[0].facts["temperature_c"] == pytest.approx(58.0, abs=2.0)
        assert says.asked[0].facts["gap_s"] == pytest.approx(20.0, abs=15.0)
        states = [trial.state.value for trial in bench.reader().trials(run)]
        assert (outcome.exit_status.value, states) == {
            "continue": ("success", ["flagged", "complete"]),
            "redo": ("success", ["aborted", "complete", "complete"]),
            "abort": ("fail", ["aborted", "planned"]),
        }[choice]
        check_story(bench)

    on_bench(act)


def test_without_a_yes_to_heat_the_run_stays_as_it_was(on_bench: Any) -> None:
    async def act(bench: Bench) -> None:
        run = await bench.killed(by("redo"), at(1, "heat"))
        for heat in (False, None):
            with pytest.raises(NotConfirmed, match="heated"):
                await resume_as(bench, **({} if heat is None else {"arm_heat": heat}))
            assert bench.reader().run(run).state == "interrupted"
            assert not bench.rig.twin.plc.heater_enable
        outcome, _ = await resume_as(bench, arm_heat=True)
        assert outcome.exit_status is ExitStatus.SUCCESS, outcome
        assert len(heats_after(bench, "resumed")) == 2

    on_bench(act)


def test_what_cannot_be_taken_up_is_refused(on_bench: Any) -> None:
    async def act(bench: Bench) -> None:
        await bench.killed(by("continue"), at(1, "soak"))
        kept, changed = bench.definition, replace(bench.definition, config_hash="other")
        bench.definition = changed
        with pytest.raises(Refused, match="has changed") as raised:
            await bench.resume()
        assert raised.value.exit_code == 6
        bench.definition = replace(kept, calibration_hash="other")
        with pytest.raises(Refused, match="calibration has changed"):
            await bench.resume()
        bench.definition = kept  # the control: nothing changed after all
        assert (await bench.resume()).exit_status is ExitStatus.SUCCESS
        with pytest.raises(Refused, match="was not killed"):
            await bench.resume()

    on_bench(act)


def test_a_run_is_abandoned_for_good_and_not_taken_up_after_a_later_one(on_bench: Any) -> None:
    async def act(bench: Bench) -> None:
        await bench.killed(by("redo"), at(1, "dose"))
        killed = await find_killed(bench.file, bench.definition, "last")
        assert (await abandon(killed, bench.definition, "Zoé")).exit_status is ExitStatus.FAIL
        with pytest.raises(Refused, match="was not killed"):
            await bench.resume()
        first = await bench.killed(by("redo"), at(1, "dose"))
        await bench.clock.sleep(5.0)
        await bench.killed(by("redo"), at(1, "dose"))
        with pytest.raises(Refused, match="the line was used since"):
            await find_killed(bench.file, bench.definition, first)

    on_bench(act)


@pytest.mark.parametrize("seed", range(6))
def test_killed_anywhere_twice_a_run_ends_as_its_policy_says(on_bench: Any, seed: int) -> None:
    """What a kill can leave is what some commit left: one of them is drawn, then one of the second start's."""

    async def act(bench: Bench) -> None:
        draw = Random(seed)
        policy = draw.choice(("redo", "continue", "abort"))
        point, number = draw.randrange(60), count()
        run = await bench.killed(by(policy, 1e6), lambda _: next(number) == point)
        again_at, second = draw.randrange(25), count()
        await bench.killed_again(lambda _: next(second) == again_at)
        for _ in range(3):
            if bench.reader().run(run).exit_status is ExitStatus.SUCCESS:
                break
            outcome = await bench.resume(draw.uniform(1, 50))
            assert outcome.exit_status is ExitStatus.SUCCESS or policy == "abort", outcome
        assert bench.reader().run("last").id == run
        assert bench.reader().run(run).exit_status is ExitStatus.SUCCESS
        check_story(bench)
        trials = bench.reader().trials(run)
        whole = [trial for trial in trials if trial.state in {TrialState.COMPLETE, TrialState.FLAGGED}]
        assert sorted(trial.treatment.naoh_pct for trial in whole) == [0.5, 1.5]
        assert all(trial.state is TrialState.ABORTED for trial in trials if trial not in whole)

    on_bench(act)

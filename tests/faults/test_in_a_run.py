"""Faults in the midst of an experiment: how its run ends, and that its record tells what was broken on purpose."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.scenario_file import machines_of
from linectl.lab.outcome import RunOutcome
from linectl.lab.progress import Progress
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.model.faults import FaultOrder
from linectl.model.records import Event, ExitStatus
from linectl.server.line_server import LineServer
from linectl.server.scenario.record import SIMULATED_FAULT, recorded
from linectl.server.simulation.simulated import hands_of, serve
from linectl.sim.faults.engine import FaultEngine
from linectl.store.reader import StoreReader
from tests.faults.benches import SIMULATED

FEED_C = 58.0  # two kelvins below the first bath: heating takes minutes
ONE_BATH = Experiment(
    name="one_bath",
    question="?",
    temperatures_c=(60.0,),
    naoh_pct=(1.5,),
    glues=("casein",),
    replicates=1,
    bottles_per_glue=2,
    seed=5,
    soak=Soak(cap_s=180.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 180.0, (60.0,), (1.5,)),
    text="name: one_bath",
)


@dataclass
class Lab:
    engine: FaultEngine
    server: LineServer
    file: Path
    run: str = ""
    reached: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def see(self, progress: Progress) -> None:
        self.reached[progress.phase].set()

    def events(self, kind: str) -> list[Event]:
        return [event for event in StoreReader(self.file).events(self.run) if event.kind == kind]


Break = Callable[[Lab], Coroutine[None, None, None]]
Judge = Callable[[Lab, RunOutcome], None]


def run_with(
    folder: Path, breaks: Break, judge: Judge, experiment: Experiment = ONE_BATH, *, interlocks: bool = False
) -> None:
    """Run an experiment in memory while `breaks` breaks things; `judge` looks at what came of it.

    Without `interlocks`, which would hold it first: then the run itself is watched.
    """

    async def main() -> None:
        clock, file = Clock(start_ns=VIRTUAL_START_NS), folder / "store.db"
        guards = SIMULATED.interlocks if interlocks else None
        zones = {name: replace(zone, fill_temperature_c=FEED_C) for name, zone in SIMULATED.zones.items()}
        async with (
            serve(replace(SIMULATED, zones=zones, interlocks=guards), clock, seed=3, wires=False) as up,
            LineServer(up.definition, clock, file, boot="test", links=up.links) as server,
            FaultEngine(up.rig, clock, on_event=recorded(server), machines=machines_of(SIMULATED)) as engine,
            hands_of(up.definition, clock, line=server.line, simulate_as={}, links=up.links) as hands,
        ):
            lab = Lab(engine, server, file)

            def started(run: str) -> None:
                lab.run = run

            task = asyncio.create_task(breaks(lab))
            outcome = await server.run(
                experiment, hands, operator="test", seed=3, on_start=started, on_progress=lab.see
            )
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            up.rig.advance()
            assert not up.rig.plc.heater_enable  # however it ended
            judge(lab, outcome)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def in_phase(phase: str, order: FaultOrder) -> Break:
    async def breaks(lab: Lab) -> None:
        await lab.reached[phase].wait()
        lab.engine.add(order)

    return breaks


def fails(*said: str) -> Judge:
    def judge(_lab: Lab, outcome: RunOutcome) -> None:
        assert outcome.exit_status is ExitStatus.FAIL
        for words in said:
            assert words in outcome.reason

    return judge


def flagged(event: str) -> Judge:
    def judge(lab: Lab, outcome: RunOutcome) -> None:
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 1)
        assert lab.events(event)

    return judge


@pytest.mark.parametrize(
    ("phase", "order", "judge"),
    [
        pytest.param("soak", FaultOrder("plc_reboot", for_s=1.0), fails("the controller restarted"), id="plc_reboot"),
        pytest.param("soak", FaultOrder("half_open", "plc"), fails("the controller has not answered"), id="half_open"),
        pytest.param("soak", FaultOrder("plc_watchdog", "bath"), fails("watchdog"), id="plc_watchdog"),
        pytest.param(
            "soak", FaultOrder("sensor_dead", "bath.controller_temperature"), fails("sensor"), id="controller's probe"
        ),
        pytest.param("soak", FaultOrder("serial_unplugged", "rtd", for_s=60.0), flagged("sensor_dead"), id="unplugged"),
        pytest.param("soak", FaultOrder("broker_restart", for_s=60.0), flagged("checks_missed"), id="broker_restart"),
        pytest.param(
            "heat",
            FaultOrder("heater_failed_off", "bath"),
            fails("gained less than", "heating was switched off"),
            id="no heat",
            marks=pytest.mark.fault("F16"),
        ),
        pytest.param(
            "heat", FaultOrder("probe_out_of_bath", "bath.temperature"), fails("gained", "of heating"), id="in air"
        ),
        pytest.param("dose", FaultOrder("dosing_failed", "bath"), fails("dose"), id="dosing_failed"),
        pytest.param(
            "fill", FaultOrder("wrong_compensation", "bath.conductivity"), fails("conductivity"), id="compensation"
        ),
        pytest.param("fill", FaultOrder("valve_stuck", "bath.fill"), fails("fill"), id="valve_stuck"),
    ],
)
def test_a_run_ends_or_goes_on_as_it_should(phase: str, order: FaultOrder, judge: Judge, tmp_path: Path) -> None:
    run_with(tmp_path, in_phase(phase, order), judge)


def test_a_small_drift_passes_unseen_and_the_record_tells_of_it(tmp_path: Path) -> None:
    """Nothing compares the two probes of the bath yet: a run does not notice half a kelvin. Its record does."""

    def judge(lab: Lab, outcome: RunOutcome) -> None:
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 0)
        began, ended = lab.events(SIMULATED_FAULT)
        assert began.data["fault"] == ended.data["fault"] == "sensor_drift"
        assert (began.data["what"], ended.data["what"], ended.data["why"]) == ("began", "ended", "over")
        assert began.data["values"] == {"per_h": 10.0}
        assert ended.ts_ns - began.ts_ns == 100 * 10**9

    order = FaultOrder("sensor_drift", "bath.temperature", for_s=100.0, values={"per_h": 10.0})
    run_with(tmp_path, in_phase("soak", order), judge)


@pytest.mark.parametrize("for_s", [60.0, None], ids=["for a minute", "for good"])
@pytest.mark.parametrize("phase", ["heat", "soak"])
def test_a_held_run_that_nobody_resumes_ends_by_itself(phase: str, for_s: float | None, tmp_path: Path) -> None:
    """A trip is taken back by a person alone; where nobody is, as in virtual time, the run must not hang."""

    def judge(lab: Lab, outcome: RunOutcome) -> None:
        assert (outcome.exit_status, outcome.code, outcome.exit_code) == (ExitStatus.FAIL, "E-RUN-014", 5)
        assert "held for 2 h 00, and nobody resumed it" in outcome.reason
        trip = next(
            each for each in StoreReader(lab.file).events_of("interlock_trip") if each.data["action"] != "ignore"
        )
        assert str(trip.data["why"]) in outcome.reason
        (held,) = lab.events("held")
        assert held.data["held_s"] == pytest.approx(7200.0, abs=1.0)
        assert StoreReader(lab.file).run(lab.run).reason == outcome.reason

    order = FaultOrder("sensor_dead", "bath.temperature", for_s=for_s)
    experiment = replace(ONE_BATH, longest_hold_s=7200.0)
    run_with(tmp_path, in_phase(phase, order), judge, experiment, interlocks=True)


def test_a_hold_that_is_resumed_ends_no_run(tmp_path: Path) -> None:
    def breaks(lab: Lab) -> Coroutine[None, None, None]:
        async def act() -> None:
            await lab.reached["soak"].wait()
            await lab.server.hold(who="anne")
            await asyncio.sleep(500.0)
            await lab.server.resume(who="anne")

        return act()

    def judge(lab: Lab, outcome: RunOutcome) -> None:
        assert (outcome.exit_status, outcome.code) == (ExitStatus.SUCCESS, "")
        assert lab.events("held")

    run_with(tmp_path, breaks, judge, replace(ONE_BATH, longest_hold_s=600.0))

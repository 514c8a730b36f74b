"""A served line whose computer's clock jumps, whose process stands still, and whose computer sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.people import Role, Who
from linectl.model.readings import Scan
from linectl.model.records import Event, ExitStatus
from linectl.server.alarming.operations import Shelve
from linectl.server.line_server import LineServer
from linectl.server.line_state import sections_of
from linectl.server.simulation.simulated import hands_of, serve
from linectl.sim.rig import Rig
from linectl.store.reader import StoreReader
from linectl.units import s_to_ns
from tests.faults.test_in_a_run import ONE_BATH

ZOE = Who("Zoé", "watch", Role.SERVICE)


class Computer:
    """A computer's clock that is set, and a lid that is closed for a while."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.set_by_s = 0.0
        self.slept_s = 0.0

    def wall_ns(self) -> int:
        return VIRTUAL_START_NS + s_to_ns(self._loop.time() + self.slept_s + self.set_by_s)

    def asleep_s(self) -> float:
        return self.slept_s


Act = Callable[[LineServer, Rig, Computer], Awaitable[None]]


def on_computer(folder: Path, act: Act) -> StoreReader:
    """Serve a simulated bath, recorded all the time, on a computer that `act` plays with; return its store."""

    async def main() -> None:
        computer = Computer()
        clock = Clock(wall_ns=computer.wall_ns, asleep_s=computer.asleep_s)
        definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
        async with (
            serve(
                definition, clock, seed=1, wires=False, initial={"bath.temperature": 50.0, "bath.level": 100.0}
            ) as up,
            LineServer(up.definition, clock, folder / "line.db", boot="b", links=up.links, records=True) as server,
        ):
            await act(server, up.rig, computer)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    return StoreReader(folder / "line.db")


def stand_still(seconds: float) -> None:
    """Let time pass in which this process does nothing, as it does between SIGSTOP and SIGCONT."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop._jumping.now_s += seconds


def of_kind(reader: StoreReader, kind: str) -> list[Event]:
    return list(reader.events_of(kind))


@pytest.mark.fault("F22")
@pytest.mark.parametrize("step_s", [3600.0, -3600.0], ids=["forward", "back"])
def test_a_clock_that_is_set_changes_no_duration_and_is_told_once(tmp_path: Path, step_s: float) -> None:
    stamps: list[int] = []

    async def act(server: LineServer, _rig: Rig, computer: Computer) -> None:
        assert server.alarms is not None
        server.line.on_scan(lambda scan: stamps.append(scan.t_ns))
        await asyncio.sleep(60.0)
        name = next(iter(server.alarms.rules.alarms))
        await server.alarms.shelve(Shelve((name,), 600.0, "known"), ZOE)
        server.writer.arm(ZOE, 5.0)
        report = await server.writer.set("bath.setpoint", 40.0, ZOE, for_s=120.0)
        assert report.outcome == "confirmed"
        await asyncio.sleep(10.0)
        computer.set_by_s += step_s
        for _ in range(4):
            await asyncio.sleep(0.5)
            ages = [
                each["age_s"]
                for each in sections_of(server, operator="", since_ns=0).make(("values",))["values"].values()
            ]
            assert max(ages) <= 75.0  # of what no scan reads, since the start
        await asyncio.sleep(88.0)
        assert (await server.line.read("bath.setpoint")).value == 40.0
        await asyncio.sleep(30.0)
        assert (await server.line.read("bath.setpoint")).value == 0.0
        assert server.writer.armed is not None
        await asyncio.sleep(160.0)
        assert server.writer.armed is not None
        await asyncio.sleep(20.0)
        assert server.writer.armed is None
        assert server.alarms._state.entry(name).state.value == "shelved"
        await asyncio.sleep(300.0)
        assert server.alarms._state.entry(name).state.value != "shelved"

    reader = on_computer(tmp_path, act)
    (step,) = of_kind(reader, "clock_step")
    assert step.data["step_s"] == pytest.approx(step_s, abs=0.01)
    assert stamps == sorted(stamps)  # no stamp before an earlier one
    forward = max(later - earlier for earlier, later in pairwise(stamps))
    assert forward == pytest.approx(s_to_ns(max(0.0, step_s) + 1.0), rel=0.01)  # a later start: at once; never back
    assert reader.audit_broken(reader.audit_head()) is None


@pytest.mark.fault("F32")
@pytest.mark.parametrize("how", ["sleeps", "stands still"])
def test_after_a_sleep_nothing_old_is_fresh_nothing_bursts_and_the_line_is_ours_again(tmp_path: Path, how: str) -> None:
    scans: list[tuple[float, Scan]] = []
    woken: list[tuple[object, float]] = []

    async def act(server: LineServer, rig: Rig, computer: Computer) -> None:
        loop = asyncio.get_running_loop()
        await server.write("bath.setpoint", 60.0, who="Zoé")
        await server.write("bath.heater_enable", value=True, who="Zoé")
        await asyncio.sleep(30.3)
        rig.advance()
        assert rig.plc.heater_enable
        server.writer.arm(ZOE, 5.0)

        def happened(kind: str, _data: object) -> None:
            if kind in {"slept", "missed_ticks"} and not woken:
                woken.append(
                    (server.line.reading("bath.temperature").quality.reason, server.line.age_s("bath.temperature"))
                )

        server.line.on_event(happened)
        server.line.on_scan(lambda scan: scans.append((loop.time(), scan)))
        before_ns = server.clock.now_ns()
        if how == "sleeps":
            computer.slept_s += 1800.0
        else:
            stand_still(1800.0)
            owner = await server.line.read("bath.owner")
            assert owner.value == 0  # its lease has ended in the PLC meanwhile
            refused = await server.write("bath.heater_enable", value=True, who="Zoé")
            assert (str(refused.outcome), refused.refused_by) == ("refused", "lease")
        await asyncio.sleep(5.0)
        assert woken[0][0] == "stale"
        assert woken[0][1] >= 1799.0
        assert server.clock.now_ns() - before_ns == pytest.approx(s_to_ns(1805.0), rel=0.002)
        assert server.writer.armed is None
        rig.advance()
        assert not rig.plc.heater_enable  # the PLC's own watchdog
        bath = [at_s for at_s, scan in scans if scan.layout.group == "bath"]
        assert 4 <= len(bath) <= 6
        assert all(later - earlier > 0.4 for earlier, later in pairwise(bath))
        again = await server.write("bath.setpoint", 55.0, who="Zoé")
        assert str(again.outcome) == "confirmed"
        assert not rig.plc.heater_enable  # nothing heats by itself

    reader = on_computer(tmp_path, act)
    assert of_kind(reader, "clock_step") == []
    if how == "sleeps":
        (slept,) = of_kind(reader, "slept")
        assert slept.data["slept_s"] == pytest.approx(1800.0, abs=1.0)
    else:
        missed = {event.data["group"]: event.data["missed"] for event in of_kind(reader, "missed_ticks")}
        assert missed["bath"] == pytest.approx(1800, abs=2)


def test_a_run_is_told_that_its_computer_slept_and_heats_no_more(tmp_path: Path) -> None:
    ended: list[str] = []

    async def act(server: LineServer, rig: Rig, computer: Computer) -> None:
        phases: list[str] = []
        async with hands_of(
            server.definition, server.clock, line=server.line, simulate_as={}, links=rig.links()
        ) as hands:
            run = asyncio.create_task(
                server.run(ONE_BATH, hands, operator="Zoé", on_progress=lambda each: phases.append(each.phase))
            )
            while "soak" not in phases:
                await asyncio.sleep(1.0)
            computer.slept_s += 600.0
            outcome = await run
        rig.advance()
        assert not rig.plc.heater_enable
        assert outcome.exit_status is ExitStatus.FAIL
        ended.append(outcome.run_id)

    reader = on_computer(tmp_path, act)
    slept = [event for event in reader.events(ended[0]) if event.kind == "slept"]
    assert [event.data["slept_s"] for event in slept] == [pytest.approx(600.0, abs=1.0)]
    assert [event for event in reader.events(ended[0]) if event.kind == "clock_step"] == []


def test_where_the_computer_cannot_tell_of_sleep_none_is_seen() -> None:
    async def main() -> None:
        clock = Clock(wall_ns=Computer().wall_ns, asleep_s=lambda: 0.0)
        await clock.sleep(10.5)
        assert clock.wake() == 0.0
        assert clock.process_s() == 10.5

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def test_a_wait_ends_when_its_time_has_passed_asleep() -> None:
    async def main() -> None:
        computer = Computer()
        clock = Clock(wall_ns=computer.wall_ns, asleep_s=computer.asleep_s)
        loop = asyncio.get_running_loop()
        waiting = asyncio.create_task(clock.sleep(600.0))
        await asyncio.sleep(100.0)
        computer.slept_s = 1000.0
        assert clock.step_s() == pytest.approx(0.0, abs=1e-6)  # the clock was not set: time has passed
        assert clock.wake() == 1000.0
        assert clock.wake() == 0.0
        await waiting
        assert loop.time() <= 102.0
        assert clock.step_s() == pytest.approx(0.0, abs=1e-6)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())

"""The engine by itself: when faults begin and end, what it tells, and that it puts back exactly what it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.errors import ConfigError
from linectl.model.faults import KINDS, FaultOrder, Scenario
from linectl.sim.faults.engine import FaultEngine, FaultEvent
from linectl.sim.rig import Rig

WARM = {"bath.temperature": 60.0, "bath.naoh": 1.5}
Act = Callable[[FaultEngine, Rig, Clock], Awaitable[None]]


def on_a_rig(
    folder: Path,
    act: Act,
    *,
    seed: int = 3,
    events: list[FaultEvent] | None = None,
    wires: bool = False,
    extra: Collection[str] = (),
) -> None:
    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        async with (
            Rig(clock, seed=seed, directory=folder, wires=wires, initial=WARM, extra=extra) as rig,
            FaultEngine(rig, clock, on_event=None if events is None else events.append) as engine,
        ):
            await act(engine, rig, clock)
        assert engine.standing() == ()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def story(engine: FaultEngine) -> list[tuple[float, int, str, str]]:
    return [(each.process_s, each.number, each.what, each.why) for each in engine.log]


def test_a_fault_of_a_person_begins_at_once_and_ends_when_cleared(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        await clock.sleep(10.0)
        rig.advance()
        truth = rig.twin.temperature_c()
        number = engine.add(FaultOrder("sensor_offset", "bath.temperature", values={"by": 5.0}))
        assert rig.twin.temperature_c() == truth + 5.0
        (standing,) = engine.standing()
        assert (standing.number, standing.active, standing.since_s, standing.ends_s) == (number, True, 10.0, None)
        await clock.sleep(2.0)
        engine.clear(number)
        assert not rig.twin.defects
        assert story(engine) == [(10.0, 1, "began", "ordered"), (12.0, 1, "ended", "cleared")]
        assert engine.log[0].values == {"by": 5.0}
        with pytest.raises(ConfigError, match="number 1"):
            engine.clear(number)

    on_a_rig(tmp_path, act)


def test_a_timeline_keeps_its_times_and_mends_everything(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        await clock.sleep(7.0)  # times of a timeline count from its own beginning
        orders = (
            FaultOrder("heater_failed_off", "bath", at_s=100.0, for_s=20.0),
            FaultOrder("sensor_stuck", "bath.level", at_s=30.0),
            FaultOrder("sensor_offset", "bath.temperature", at_s=0.0, for_s=5.5, values={"by": 1.0}),
        )
        await engine.run(Scenario("s", "simulated", 200.0, orders))
        assert clock.process_s() == 207.0
        assert story(engine) == [
            (0.0, 3, "began", "ordered"),
            (5.5, 3, "ended", "over"),
            (30.0, 2, "began", "due"),
            (100.0, 1, "began", "due"),
            (120.0, 1, "ended", "over"),
            (200.0, 2, "ended", "stopped"),
        ]
        assert not rig.twin.defects

    on_a_rig(tmp_path, act)


def test_a_condition_starts_a_fault_once_its_reading_meets_it(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        when = "bath.temperature < 55"
        engine.add(FaultOrder("sensor_dead", "bath.level", at_s=60.0, for_s=3.0, when=when))
        never = engine.add(FaultOrder("plc_reboot", when="bath.temperature > 90"))
        rig.twin.defects.spoil("bath.temperature", lambda _true, process_s: 50.0 if process_s in {10.0, 90.0} else 60.0)
        await clock.sleep(100.0)
        began, ended = engine.log
        assert (began.process_s, began.why) == (90.0, "condition")  # at 10 s it was too early
        assert began.detail == "bath.temperature < 55 (50)"
        assert (ended.process_s, ended.why) == (93.0, "over")
        (waiting,) = engine.standing()
        assert (waiting.number, waiting.active) == (never, False)
        engine.clear(never)  # one that waits is forgotten without a word
        assert len(engine.log) == 2

    on_a_rig(tmp_path, act)


def test_spikes_are_counted_and_drawn_from_the_seed(tmp_path: Path) -> None:
    shown: dict[tuple[int, int], list[float]] = {}

    def of(seed: int, again: int) -> Act:
        async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
            engine.add(
                FaultOrder(
                    "sensor_spike", "bath.temperature", count=3, values={"size": 30.0, "every_s": 10.0, "lasts_s": 2.0}
                )
            )
            for _ in range(200):
                await clock.sleep(1.0)
                rig.advance()
                shown.setdefault((seed, again), []).append(rig.twin.temperature_c())
            assert [each.why for each in engine.log] == ["ordered", "counted"]

        return act

    for seed, again in ((1, 0), (1, 1), (2, 0)):
        on_a_rig(tmp_path, of(seed, again), seed=seed)
    values = shown[1, 0]
    assert sum(value > 80.0 for value in values) in {5, 6}  # three spikes of 2 s; the first may have begun before
    assert values == shown[1, 1]
    assert [k for k, value in enumerate(values) if value > 80] != [k for k, v in enumerate(shown[2, 0]) if v > 80]


def test_faults_on_one_sensor_add_up_and_end_in_any_order(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, _clock: Clock) -> None:
        truth = rig.twin.temperature_c()
        first = engine.add(FaultOrder("sensor_offset", "bath.temperature", values={"by": 5.0}))
        second = engine.add(FaultOrder("sensor_offset", "bath.temperature", values={"by": -2.0}))
        engine.clear(first)
        assert rig.twin.temperature_c() == truth - 2.0
        engine.clear(second)
        assert rig.twin.temperature_c() == truth

    on_a_rig(tmp_path, act)


def test_what_cannot_be_done_is_refused_before_anything_began(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, _rig: Rig, _clock: Clock) -> None:
        with pytest.raises(ConfigError, match="did you mean `plc_reboot`"):
            engine.add(FaultOrder("plc_rebot"))
        sound = FaultOrder("sensor_dead", "bath.level", place=("s.yaml", 4, 5))
        wrong = FaultOrder("sensor_dead", "bath.levl", place=("s.yaml", 5, 5))
        with pytest.raises(ConfigError, match=r"s\.yaml:5:5: target"):
            await engine.run(Scenario("s", "simulated", 10.0, (sound, wrong)))
        assert engine.log == ()
        assert engine.standing() == ()

    on_a_rig(tmp_path, act)


def test_what_is_cleared_leaves_no_trace_in_what_comes_after(tmp_path: Path) -> None:
    shown: dict[bool, list[object]] = {False: [], True: []}

    def of(broken: bool) -> Act:
        async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
            if broken:
                values = {"sensor_offset": {"by": 9.0}}
                for kind in ("sensor_offset", "sensor_stuck", "sensor_dead", "probe_out_of_bath"):
                    engine.clear(engine.add(FaultOrder(kind, "bath.temperature", values=values.get(kind, {}))))
            for _ in range(30):
                await clock.sleep(1.0)
                rig.advance()
                twin = rig.twin
                shown[broken].append((twin.plant.state, twin.temperature_c(), twin.conductivity_us_cm()))

        return act

    for broken in (False, True):
        on_a_rig(tmp_path, of(broken))
    assert shown[False] == shown[True]


def test_each_event_is_told_as_it_comes_and_reads_as_a_record(tmp_path: Path) -> None:
    events: list[FaultEvent] = []

    async def act(engine: FaultEngine, _rig: Rig, clock: Clock) -> None:
        engine.add(FaultOrder("heater_weak", "bath"))
        assert [each.what for each in events] == ["began"]
        await clock.sleep(1.0)

    on_a_rig(tmp_path, act, events=events)
    assert events[1].data() == {
        "number": 1,
        "fault": "heater_weak",
        "target": "bath",
        "what": "ended",
        "why": "stopped",
        "process_s": 1.0,
        "values": {"power": 0.5},
    }
    assert events[1].time_ns == VIRTUAL_START_NS + 1_000_000_000


def _of_the_rig(rig: Rig) -> tuple[object, ...]:
    """Return all that faults can change."""
    twin, washer = rig.twin, rig.washer
    return (
        {name: list(each.ills) for name, each in rig.troubles.items()},
        dict(twin.defects.sensors),
        dict(twin.defects.drives),
        twin.plc.watchdog_s,
        twin.plc.host.watchdog_s,
        dict(washer.defects.sensors),
        dict(washer.defects.drives),
        washer.plc.watchdog_s,
        washer.sensing.compensation_per_k,
        washer.chain.inlet_offset_k,
        washer.chain.glue_instead,
        washer.state.screen_kg,
        sorted(rig._down),
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_clear_puts_back_exactly_what_was_there(kind: str, tmp_path: Path) -> None:
    asked = KINDS[kind]
    values = {each.name: each.high / 2 for each in asked.parameters if each.default is None}

    async def act(engine: FaultEngine, rig: Rig, _clock: Clock) -> None:
        before = _of_the_rig(rig)
        for target in asked.targets or ("",):
            number = engine.add(FaultOrder(kind, target, for_s=1e6, values=values))
            await engine.settled()
            changed = _of_the_rig(rig)
            engine.clear(number)
            await engine.settled()
            assert _of_the_rig(rig) == before, (kind, target)
            assert changed != before or kind in PASSING

    on_a_rig(tmp_path, act, wires=asked.on_wires, extra=("ph", "balance", "circulator"))


PASSING = {"instrument_reboot", "retained_garbage", "broker_frozen"}  # what they change is not the rig's but the wires'

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
from linectl.sim.wires.trouble import Asked

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


def test_a_counted_spike_of_the_washer_ends_between_its_steps(tmp_path: Path) -> None:
    """The washer looks at its sensors in the middle of a step: nothing may be mended there."""

    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        probes = ("z5.temperature", "z6.temperature")
        figures = {"size": 30.0, "every_s": 5.0, "lasts_s": 2.0}
        for name in probes:
            engine.add(FaultOrder("sensor_spike", name, count=1, values=figures))
        high: list[float] = []

        def noted(shown_c: float, process_s: float) -> float:
            high.extend([process_s] if shown_c > 40.0 else [])
            return shown_c

        rig.washer.defects.spoil(probes[0], noted)
        await clock.sleep(200.0)
        rig.advance()  # two hundred steps at once
        await clock.sleep(1.0)
        assert [each.why for each in engine.log] == ["ordered", "ordered", "counted", "counted"]
        assert rig.washer.defects.sensors.keys() == {probes[0]}
        assert rig.washer.second == 200
        assert high
        assert high[-1] - high[0] < 2.0  # one spike, and no other before the engine has its turn

    on_a_rig(tmp_path, act)


def test_what_passed_under_a_fault_passed_under_it_though_nobody_asked(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        number = engine.add(FaultOrder("heater_failed_on", "z3"))
        before_c = rig.washer.state.temperature_c[3]
        await clock.sleep(600.0)
        assert rig.washer.state.temperature_c[3] == before_c
        engine.clear(number)
        rig.advance()
        assert rig.washer.state.temperature_c[3] - before_c == pytest.approx(7.0, abs=0.5)  # 120 kW in 2,460 kg

    on_a_rig(tmp_path, act)


def test_a_timeline_that_breaks_is_not_silent(tmp_path: Path) -> None:
    def broken(event: FaultEvent) -> None:
        if event.what == "began":
            raise RuntimeError(event.kind)

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        async with Rig(clock, seed=3, directory=tmp_path, wires=False, initial=WARM) as rig:
            engine = FaultEngine(rig, clock, on_event=broken)
            engine.start()
            engine.add(FaultOrder("heater_failed_off", "bath", at_s=5.0))
            await clock.sleep(10.0)
            with pytest.raises(RuntimeError, match="heater_failed_off"):
                await engine.stop()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_faults_that_overlap_are_put_back_in_any_order(first: int, second: int, tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        washer = rig.washer

        def figures() -> tuple[object, ...]:
            return (
                washer.sensing.compensation_per_k,
                washer.chain.glue_instead,
                washer.plc.watchdog_s,
                washer.plc.host.watchdog_s,
                "rtd" in rig._down,
            )

        whole = figures()
        pairs = [
            [engine.add(FaultOrder("plc_compensation", values={"per_k": per_k})) for per_k in (2.0, 3.0)],
            [engine.add(FaultOrder("wrong_glue_lot", values={"glue": glue})) for glue in (2.0, 3.0)],
            [engine.add(FaultOrder("plc_watchdog", "washer", values={"after_s": s})) for s in (30.0, 40.0)],
            [engine.add(FaultOrder("serial_unplugged", "rtd")) for _ in range(2)],
        ]
        broken = figures()
        assert all(now != before for now, before in zip(broken, whole, strict=True))
        for pair in pairs:
            engine.clear(pair[first])
        assert all(now != before for now, before in zip(figures(), whole, strict=True))
        if first == 0:
            assert figures() == broken  # the latest still holds
        for pair in pairs:
            engine.clear(pair[second])
        assert figures() == whole
        await clock.sleep(0.0)

    on_a_rig(tmp_path, act)


def test_a_fault_that_has_a_length_of_its_own_ends_by_itself(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, _rig: Rig, clock: Clock) -> None:
        kinds = {name: kind.lasts_s for name, kind in KINDS.items() if kind.lasts_s and not kind.on_wires}
        for name in kinds:
            engine.add(FaultOrder(name))
        await clock.sleep(60.0)
        ends = {each.kind: each.process_s for each in engine.log if each.why == "over"}
        assert ends == kinds

    on_a_rig(tmp_path, act)


def test_a_second_power_cut_prolongs_the_first(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, clock: Clock) -> None:
        engine.add(FaultOrder("plc_reboot", for_s=5.0))
        engine.add(FaultOrder("plc_reboot", at_s=3.0, for_s=7.0))
        down = []
        for _ in range(12):
            await clock.sleep(1.0)
            down.append("plc" in rig._down)
        assert down == [True] * 9 + [down[9]] + [False] * 2
        assert rig.plc.boots == 2

    on_a_rig(tmp_path, act)


def test_a_cleared_screen_is_never_less_than_clean(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, _clock: Clock) -> None:
        washer = rig.washer
        number = engine.add(FaultOrder("screen_clogged"))
        assert washer.state.screen_kg == 20.0
        washer.state = washer.state._replace(screen_kg=4.0)  # the press has had most of it
        engine.clear(number)
        assert washer.state.screen_kg == 0.0

    on_a_rig(tmp_path, act)


def test_cold_lots_add_up(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, _clock: Clock) -> None:
        first, second = (engine.add(FaultOrder("cold_bottles", values={"by_k": by_k})) for by_k in (4.0, 8.0))
        assert rig.washer.chain.inlet_offset_k == -12.0
        engine.clear(first)
        assert rig.washer.chain.inlet_offset_k == -8.0
        engine.clear(second)
        assert rig.washer.chain.inlet_offset_k == 0.0

    on_a_rig(tmp_path, act)


def test_only_replies_that_were_struck_are_counted(tmp_path: Path) -> None:
    async def act(engine: FaultEngine, rig: Rig, _clock: Clock) -> None:
        engine.add(FaultOrder("reply_dropped", "plc", count=5, values={"share": 0.25}))
        trouble, lost = rig.troubles["plc"], 0
        for _ in range(200):
            lost += trouble.meet(Asked("tcp", 2, 3, 0, 1)).fate(b"reply").data == b""
        assert lost == 5
        assert trouble.exchanges > 8  # most of those that met it came through
        assert engine.log[-1].why == "counted"

    on_a_rig(tmp_path, act)

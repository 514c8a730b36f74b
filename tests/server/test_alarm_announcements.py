"""The shipped alarms on the twin: of one single fault people are told at most twice in ten minutes.

Each kind of fault in memory at each place of the bath and some of the washer, and at one place of each kind that needs
real wires; it stands for eight minutes on a line that works, is mended, and four minutes go by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import pytest

from linectl.clock import VIRTUAL_START_NS
from linectl.config.alarm_file import find_alarms
from linectl.config.load import load_alarms
from linectl.model.alarms import Alarms, Trouble
from linectl.model.faults import KINDS, FaultOrder, machine_of
from linectl.model.records import Event
from linectl.server.alarming.desk import AlarmDesk
from tests.faults.benches import WARM, WARMED_UP_S, Bench, on_a_line, start_washing
from tests.line.alarm_plant import without_guards

BEFORE_S, LASTS_S, AFTER_S = 60.0, 480.0, 240.0
WINDOW_S = 600.0
MOST = 2
FIGURES: Mapping[str, Mapping[str, float]] = {
    "sensor_drift": {"per_h": 60.0},
    "sensor_offset": {"by": 8.0},
    "sensor_spike": {"size": 30.0, "every_s": 20.0},
}
SOME = ("z3", "z3.temperature", "z3.conductivity", "z7.ph", "chain.torque", "z2.level", "estop", "mains", "shear_pin")
"""Places of the washer, where a kind of fault has more than that."""
HEATING = frozenset({Trouble.HEATING_FAULT})
BATH, WASHER = load_alarms(find_alarms("bath")), load_alarms(find_alarms("washer"))


@dataclass(frozen=True)
class Told:
    """What a fault came to: announcements as (s, alarm)."""

    announced: tuple[tuple[float, str], ...]

    @property
    def most_in_10_min(self) -> int:
        """The most announcements that fell into one stretch of ten minutes."""
        times = [at_s for at_s, _ in self.announced]
        return max((sum(at_s - WINDOW_S < each <= at_s for each in times) for at_s in times), default=0)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.announced]


def told(order: FaultOrder, rules: Alarms, *, wires: bool = False) -> Told:
    """Return what was announced of one fault."""
    washer = rules.line != "simulated"
    events: list[Event] = []

    async def act(bench: Bench) -> None:
        await bench.sleep(WARMED_UP_S)
        if washer:
            await start_washing(bench)
        else:
            await bench.line.write("bath.setpoint", 60.0)
            await bench.line.write("bath.heater_enable", value=True)
        desk = AlarmDesk(rules, bench.clock, events.append, tags=bench.line.definition.tags)
        bench.line.on_scan(desk.scan)
        bench.line.on_scan(lambda _scan: desk.troubles(HEATING if bench.line.heating_trips else frozenset()))
        bench.line.on_event(desk.event)
        await bench.sleep(BEFORE_S)
        assert not events, "a line that works announces nothing"
        number = bench.engine.add(order)
        await bench.sleep(LASTS_S)
        if any(each.number == number for each in bench.engine.standing()):
            bench.engine.clear(number)
        await bench.engine.settled()
        await bench.sleep(AFTER_S)

    on_a_line(act, washer=washer, wires=wires, initial={"washer.recipe": 1} if washer else WARM)
    found = [each for each in events if each.data.get("announced")]
    return Told(tuple(((each.ts_ns - VIRTUAL_START_NS) / 1e9, str(each.data["alarm"])) for each in found))


def in_memory() -> Iterator[tuple[FaultOrder, bool]]:
    """Give each fault that needs no wires, with whether it is the washer's."""
    for kind in KINDS.values():
        if kind.group in {"wire", "serial"} or kind.on_wires:
            continue
        for target in kind.targets or ("",):
            if len(kind.targets) > len(SOME) and machine_of(kind.name, target) == "washer" and target not in SOME:
                continue
            machine = machine_of(kind.name, target)
            for washer in (False, True):
                if machine != ("bath" if washer else "washer"):
                    yield FaultOrder(kind.name, target, values=FIGURES.get(kind.name, {})), washer


def on_wires() -> Iterator[tuple[FaultOrder, bool]]:
    """Give one of each kind of fault that needs wires, at the PLC where it can be, else at a serial instrument."""
    half = {"share": 0.5}
    for kind in KINDS.values():
        if kind.group not in {"wire", "serial"} and not kind.on_wires:
            continue
        target = next((each for each in ("plc", "rtd") if each in kind.targets), "")
        washer = kind.name == "wrong_word_order"
        yield FaultOrder(kind.name, target), washer
        if any(each.name == "share" for each in kind.parameters):
            yield FaultOrder(kind.name, target, values=half), washer


def name_of(case: tuple[FaultOrder, bool]) -> str:
    order, washer = case
    share = " half" if "share" in order.values else ""
    return f"{order.kind} {order.target}{share} at the {'washer' if washer else 'bath'}"


IN_MEMORY, ON_WIRES = tuple(in_memory()), tuple(on_wires())


@pytest.mark.fault("F43")
@pytest.mark.parametrize("case", IN_MEMORY, ids=name_of)
def test_a_single_fault_is_told_twice_in_ten_minutes_at_most(case: tuple[FaultOrder, bool]) -> None:
    order, washer = case
    found = told(order, WASHER if washer else BATH)
    assert found.most_in_10_min <= MOST, found.announced


@pytest.mark.fault("F43")
@pytest.mark.parametrize("case", ON_WIRES, ids=name_of)
def test_so_is_one_on_the_wires(case: tuple[FaultOrder, bool]) -> None:
    order, washer = case
    found = told(order, WASHER if washer else BATH, wires=True)
    assert found.most_in_10_min <= MOST, found.announced


def test_a_shift_without_a_fault_announces_nothing() -> None:
    events: list[Event] = []

    async def act(bench: Bench) -> None:
        await bench.sleep(WARMED_UP_S)
        await start_washing(bench)
        desk = AlarmDesk(WASHER, bench.clock, events.append, tags=bench.line.definition.tags)
        bench.line.on_scan(desk.scan)
        bench.line.on_event(desk.event)
        await bench.sleep(2700.0)
        assert bench.value("washer.bottles_out") > 1500

    on_a_line(act, washer=True, initial={"washer.recipe": 1})
    assert events == []


def test_every_kind_is_among_them() -> None:
    assert {order.kind for order, _ in (*IN_MEMORY, *ON_WIRES)} == set(KINDS)


@cache
def spiking() -> FaultOrder:
    return FaultOrder("sensor_spike", "bath.temperature", values=FIGURES["sensor_spike"])


def test_without_delays_and_deadbands_one_fault_is_told_again_and_again() -> None:
    assert told(spiking(), BATH).announced == ()
    assert told(spiking(), without_guards(BATH)).most_in_10_min > 10 * MOST


def test_without_suppression_a_lost_plc_is_many_alarms() -> None:
    bare = {
        name: replace(each, suppressed_by=(), behind=(), suppressed_when=None) for name, each in WASHER.alarms.items()
    }
    order = FaultOrder("plc_reboot", values={})
    assert told(order, WASHER).names == ["plc_lost", "chain_stands"]
    assert told(order, replace(WASHER, alarms=bare)).most_in_10_min > MOST


def test_a_broker_that_is_lost_is_one_alarm() -> None:
    assert told(FaultOrder("broker_frozen"), BATH).names == ["broker_lost"]
    assert told(FaultOrder("broker_frozen"), WASHER).names == ["broker_lost"]

"""What a request costs, learned from round trips, and plans that follow what was learned."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, cast

import pytest
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from drivers.link import LinkStats, Point, Priority
from drivers.modbus.costs import Costs, Learner, first_guess
from drivers.modbus.reader import Reader
from drivers.modbus.wire import Answer
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings

if TYPE_CHECKING:
    from drivers.modbus.wire import ModbusWire

SLOW = ModbusRtuSettings(SerialSettings("/dev/none", 9600, parity="E"))


@pytest.mark.parametrize(("baud", "hole"), [(9600, 14.4), (19200, 18.7), (115_200, 77.0)])
def test_the_first_guess_of_a_serial_line_is_its_wire_time(baud: int, hole: float) -> None:
    """13 characters, two gaps and 10 ms of turnaround against 2 characters a register, 11 bits each (8E1)."""
    guess = first_guess(ModbusRtuSettings(SerialSettings("/dev/none", baud, parity="E"), turnaround_s=0.1))
    assert guess.register_s == pytest.approx(22 / baud)
    assert guess.hole == pytest.approx(hole, rel=0.02)
    assert first_guess(ModbusTcpSettings("10.0.0.2")).hole > 125


def seen(learner: Learner, truth: Costs, spans: list[int], noise_s: float = 0.0, count: int = 300) -> None:
    draw = random.Random(1)
    for _ in range(count):
        span = draw.choice(spans)
        learner.saw(span, truth.of(span) + draw.uniform(-noise_s, noise_s))


@pytest.mark.parametrize("truth", [Costs(0.05, 0.002), Costs(0.012, 0.002_3), Costs(0.03, 0.0005)])
def test_both_costs_are_learned_from_requests_of_different_length(truth: Costs) -> None:
    learner = Learner(first_guess(SLOW))
    seen(learner, truth, [1, 5, 20, 60, 125], noise_s=0.001)
    assert learner.costs.request_s == pytest.approx(truth.request_s, rel=0.15)
    assert learner.costs.register_s == pytest.approx(truth.register_s, rel=0.15)


def test_requests_of_one_length_leave_the_slope_as_guessed() -> None:
    guess = first_guess(SLOW)
    learner = Learner(guess)
    seen(learner, Costs(0.1, guess.register_s), [10], noise_s=0.01)
    assert learner.costs.register_s == pytest.approx(guess.register_s, rel=0.05)
    assert learner.costs.request_s == pytest.approx(0.1, rel=0.1)


def test_what_was_is_forgotten() -> None:
    learner = Learner(first_guess(SLOW))
    seen(learner, Costs(0.02, 0.001), [1, 100])
    seen(learner, Costs(0.2, 0.001), [1, 100])
    assert learner.costs.request_s == pytest.approx(0.2, rel=0.1)


def test_one_pause_changes_little_and_a_jumping_clock_nothing() -> None:
    learner = Learner(first_guess(SLOW))
    seen(learner, Costs(0.03, 0.0023), [1, 60])
    before = learner.costs
    learner.saw(60, 0.0)
    assert learner.costs == before
    learner.saw(60, 20.0)
    assert learner.costs.of(60) < 1.2 * before.of(60)
    assert "ms" in repr(learner)


def test_costs_stay_positive_whatever_is_seen() -> None:
    learner = Learner(first_guess(ModbusTcpSettings("10.0.0.2")))
    draw = random.Random(3)
    for _ in range(500):
        learner.saw(draw.choice([0.5, 1, 125]), draw.choice([1e-6, 1e-3, 3.0]))
        assert learner.costs.request_s > 0
        assert learner.costs.register_s > 0
    version = learner.version
    seen(learner, Costs(0.004, 1e-6), [1, 125], noise_s=0.003)
    assert learner.version <= version + 3, "on TCP the cap decides, not the noise"


class Wire:
    """A wire in memory: every register holds its address, a request takes what `truth` says, in no time at all."""

    def __init__(self, truth: Costs) -> None:
        self.name = "a wire in memory"
        self.settings = ModbusRtuSettings(SerialSettings("/dev/none", 115_200, parity="E"))
        self.truth = truth
        self.asked: list[tuple[int, int]] = []

    def stats(self) -> LinkStats:
        return LinkStats()

    async def ask(self, request: ModbusPDU, *, deadline: float, priority: Priority) -> Answer:
        assert deadline > 0
        assert priority is Priority.SCAN
        self.asked.append((request.address, request.count))
        registers = list(range(request.address, request.address + request.count))
        return Answer(ReadHoldingRegistersResponse(registers=registers), 0.0, self.truth.of(request.count))


@pytest.mark.parametrize(
    ("truth", "requests"),
    [(Costs(0.02, 0.000_2), 1), (Costs(0.02, 0.01), 5)],
)
async def test_a_plan_follows_the_costs_that_were_learned(truth: Costs, requests: int) -> None:
    """At 115200 a hole of 20 registers is read along; from a unit that is slow over each register it is not."""
    wire = Wire(truth)
    reader = Reader(cast("ModbusWire", wire))
    scans = [[Point(f"1/hr{address}") for address in (0, 21, 42, 63, 84)], [Point("1/hr0")]]
    deadline = asyncio.get_running_loop().time() + 60
    for scan in scans * 40:
        readings = await reader.read(scan, deadline, Priority.SCAN)
        assert [found.value for found in readings.values()] == [int(point.address[4:]) for point in scan]
    assert wire.asked[0] == (0, 85), "the first guess"
    wire.asked.clear()
    await reader.read(scans[0], deadline, Priority.SCAN)
    assert len(wire.asked) == requests
    assert "unit 1" in repr(reader)

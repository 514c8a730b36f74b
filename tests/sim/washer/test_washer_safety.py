"""Whatever a host writes and whatever breaks: what must never happen does not happen."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linectl.sim.glue.lots import Lot
from linectl.sim.washer.interlocks import Block
from linectl.sim.washer.operator import Operator
from linectl.sim.washer.registers import Coil, Holding
from linectl.sim.washer.sensing import CONTACTS, SENSORS
from linectl.sim.washer.states import OFF, Command, State
from linectl.sim.washer.twin import DRIVES, WasherTwin
from linectl.sim.wires.bank import ModbusFault

CAUSTIC = (2, 3)
Step = tuple[str, int, int]

steps = st.one_of(
    st.tuples(st.just("command"), st.sampled_from([int(each) for each in Command]), st.integers(0, 4)),
    st.tuples(st.just("coil"), st.sampled_from([int(each) for each in Coil]), st.integers(0, 1)),
    st.tuples(st.just("setpoint"), st.integers(Holding.SP_TEMP_Z0, Holding.WATCHDOG), st.integers(0, 65535)),
    st.tuples(st.just("sensor"), st.integers(0, len(SENSORS) - 1), st.sampled_from([-1, 0, 5, 95, 200])),
    st.tuples(st.just("contact"), st.integers(0, len(CONTACTS) - 1), st.just(0)),
    st.tuples(st.just("drive"), st.integers(0, len(DRIVES) - 1), st.sampled_from([0, 1])),
    st.tuples(st.just("silence"), st.just(3), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 40), st.just(0)),
)


def take(plant: Operator, step: Step) -> None:
    what, which, value = step
    defects = plant.twin.defects
    if what == "command":
        plant.command(which, value)
    elif what == "coil":
        plant.set(which, on=bool(value))
    elif what == "setpoint":
        try:
            plant.write(which, value)
        except ModbusFault:
            assert which >= Holding.MAX_DT_ZONE
    elif what == "sensor":
        defects.spoil(SENSORS[which], lambda _value, _s: None if value < 0 else float(value))
    elif what == "contact":
        defects.spoil(list(CONTACTS)[which], lambda _value, _s: 0.0)
    elif what == "drive":
        defects.hamper(list(DRIVES)[which], lambda asked, _s: asked * value)
    elif what == "silence":
        plant.run(float(which), beating=False)
    else:
        plant.run(float(which))


def check(plant: Operator) -> None:
    plant.run(ceil(plant.now_s) + 1.0 - plant.now_s)
    plc = plant.twin.plc
    orders, seen = plc.orders, plc.seen
    assert seen is not None
    blocks = plc._blocks
    if plc.state in OFF and not plc.pushing:
        assert (orders.heater_kw, orders.dose_g_min, orders.feed) == ((0.0,) * 8, (0.0,) * 8, False)
        assert orders.speed_pockets_min == 0.0
        assert plant.bank.read("co", Coil.FEED_ENABLE, 4) == [0, 0, 0, 0]
    if seen.extraction_m_s < 2.0 or "extraction.speed" in seen.broken or blocks & Block.CAUSTIC_HEAT:
        assert all(orders.heater_kw[zone] == 0.0 for zone in CAUSTIC)
    if seen.extraction_m_s < 2.0 or blocks & Block.DOSE:
        assert orders.dose_g_min == (0.0,) * 8
    if blocks & Block.HEAT:
        assert orders.heater_kw == (0.0,) * 8
        assert not plc.heater_enable
    if blocks & Block.FEED or plc.state is not State.EXECUTE:
        assert not orders.feed
    if blocks & (Block.HOLD | Block.CHAIN) and not plc.pushing:
        assert orders.speed_pockets_min == 0.0
    if seen.open_contacts & (CONTACTS["contact.estop"] | CONTACTS["contact.doors"]):
        assert orders.speed_pockets_min == 0.0
    setpoints = plant.bank.read("hr", Holding.SP_TEMP_Z0, 11)
    assert all(word <= 850 for word in setpoints[:8])
    assert all(word <= 300 for word in setpoints[8:10])
    assert setpoints[10] == 0 or 500 <= setpoints[10] <= 3500
    assert plant.bank.read("ir", 62, 1) == [0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=14), st.booleans())
def test_never(asked: list[Step], runs: bool) -> None:
    plant = Operator(WasherTwin(3, initial={"washer.recipe": 1.0}))
    plant.twin.feed(Lot("lot", 500))
    if runs:
        assert plant.start(1)
    check(plant)
    for step in asked:
        take(plant, step)
        check(plant)


def test_the_check_can_fail() -> None:
    plant = Operator(WasherTwin(3, initial={"washer.recipe": 1.0}))
    plant.start(1)
    plant.run(20.0)
    plant.twin.plc.enable_heater = lambda *_, **__: None  # type: ignore[method-assign]  # without its interlock
    plant.twin.defects.spoil("contact.estop", lambda _value, _s: 0.0)
    with pytest.raises(AssertionError):
        check(plant)

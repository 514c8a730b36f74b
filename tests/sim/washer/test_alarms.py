from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from linectl.sim.washer.alarms import ALARMS, Alarm, Alarms, Device, armed, code, warnings
from linectl.sim.washer.seen import Contact, Doing, Seen
from tests.sim.washer.good_shift import GOOD, WARM

RUNNING = Doing(
    setpoint_c=(0.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 0.0),
    naoh_setpoint_pct=(1.5, 1.5),
    heating=True,
    dosing=True,
    pumping_s=3600.0,
    rinsing_s=3600.0,
    fan_s=3600.0,
    stand_s=0.0,
    max_step_k=30.0,
    min_z3_c=50.0,
    max_z3_c=88.0,
    armed=0xFFFF,
)
Change = Mapping[str, Any]
# what brings each alarm, and what brings its warning alone
BAD: dict[str, tuple[Change, Change]] = {
    "Z3_COLD": ({"temperature_c": (*WARM[:3], 77.9, *WARM[4:])}, {}),
    "Z3_HOT": ({"temperature_c": (*WARM[:3], 88.1, *WARM[4:])}, {}),
    "NAOH_LOW": ({"naoh_pct": (1.5, 1.29)}, {}),
    "NAOH_HIGH": ({"naoh_pct": (1.91, 1.5)}, {}),
    "CAUSTIC_IN_RINSE": ({"ph_final": 9.6}, {}),
    "RINSE_PRESSURE": ({"pressure_bar": (1.5, 0.8, 2.0, 1.1, 2.5)}, {}),
    "FRESH_WATER": ({"fresh_l_min": 0.0}, {}),
    "LEVEL": ({"level_pct": (100.0, 74.0, 100.0)}, {}),
    "DRY_RUN": ({"level_pct": (100.0, 100.0, 29.0)}, {}),
    "SCREEN": ({"screen_mbar": 61.0}, {}),
    "TORQUE": ({"torque_pct": 121.0}, {}),
    "EXHAUST": ({"extraction_m_s": 1.9}, {}),
    "ZONE_STEP": ({"temperature_c": (*WARM[:7], 7.0), "conductivity_ms_cm": (127.0, 151.0, 4.0, 0.35)}, {}),
    "STAND": ({}, {"stand_s": 121.0}),
    "SENSOR": ({"broken": frozenset({"z1.level"})}, {}),
    "VALVE_FRESH": ({"untrue": Device.VALVE_FRESH.value}, {}),
    "VALVE_DOSE": ({"untrue": Device.VALVE_DOSE.value}, {}),
    "VALVE_DRAIN": ({"untrue": Device.VALVE_DRAIN.value}, {}),
    "VALVE_RECIRCULATION": ({"untrue": Device.VALVE_RECIRCULATION.value}, {}),
    "CONTACTOR_CHAIN": ({"untrue": Device.CONTACTOR_CHAIN.value}, {}),
    "CONTACTOR_AXIAL": ({"untrue": Device.CONTACTOR_AXIAL.value}, {}),
    "CONTACTOR_JETS": ({"untrue": Device.CONTACTOR_JETS.value}, {}),
    "THERMAL_CHAIN": ({"open_contacts": Contact.CHAIN_THERMAL}, {}),
    "THERMAL_AXIAL": ({"open_contacts": Contact.AXIAL_THERMAL}, {}),
    "THERMAL_JETS": ({"open_contacts": Contact.JETS_THERMAL}, {}),
    "LABEL_PRESS": ({"open_contacts": Contact.PRESS}, {}),
    "SHEAR_PIN": ({"open_contacts": Contact.SHEAR_PIN}, {}),
    "ESTOP": ({"open_contacts": Contact.ESTOP}, {}),
    "DOOR": ({"open_contacts": Contact.DOORS}, {}),
}
# the bits of both words by name, for the enums' members compare as numbers
BITS: dict[str, Alarm | Device] = {str(row.bit.name): row.bit for row in ALARMS}
AFTER_S = {str(row.bit.name): row.after_s for row in ALARMS}


def watched(seen: Seen, doing: Doing, seconds: float) -> Alarms:
    alarms = Alarms()
    for _ in range(int(seconds)):
        alarms.scan(seen, doing, 1.0)
    return alarms


def provoked(name: str) -> tuple[Seen, Doing]:
    sees, does = BAD[name]
    return GOOD._replace(**sees), RUNNING._replace(**does)


def test_a_washer_in_order_has_no_alarm_and_no_warning() -> None:
    alarms = watched(GOOD, RUNNING, 600.0)
    assert (alarms.word_1, alarms.word_2, alarms.seq, alarms.first_code) == (0, 0, 0, 0)
    assert not alarms
    assert warnings(GOOD, RUNNING) == 0


def test_the_table_has_every_bit_once_and_word_3_none() -> None:
    assert [row.bit for row in ALARMS] == [*Alarm, *Device]
    assert sum(int(bit) for bit in Alarm) == 0xFFFF
    assert sum(int(bit) for bit in Device) == 0x3FFF
    assert {row.priority for row in ALARMS} == {"medium", "high", "critical"}
    assert [code(row.bit) for row in ALARMS] == [*range(100, 116), *range(200, 214)]


@pytest.mark.parametrize("name", BAD)
def test_each_bit_alone_after_its_delay_and_latched(name: str) -> None:
    seen, doing = provoked(name)
    bit, alarms = BITS[name], watched(seen, doing, AFTER_S[name])
    assert not alarms
    alarms.scan(seen, doing, 1.0)
    words = (alarms.word_1, alarms.word_2)
    assert words == ((int(bit), 0) if isinstance(bit, Alarm) else (0, int(bit)))
    assert (alarms.first_code, alarms.seq) == (code(bit), 1)
    alarms.scan(GOOD, RUNNING, 1.0)
    assert (alarms.word_1, alarms.word_2) == words  # latched
    alarms.acknowledge()
    assert not alarms
    assert alarms.first_code == 0


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_last_is_no_alarm(name: str) -> None:
    seen, doing = provoked(name)
    alarms = Alarms()
    for _ in range(5):
        for _ in range(int(AFTER_S[name])):
            alarms.scan(seen, doing, 1.0)
        alarms.scan(GOOD, RUNNING, 1.0)
    assert not alarms


def test_all_together() -> None:
    """Z3 cannot be cold and hot at once, nor its lye weak and strong: those come one after the other."""
    alarms, later = Alarms(), ("Z3_HOT", "NAOH_HIGH", "LEVEL", "ZONE_STEP")
    sees: dict[str, Any] = {}
    does: dict[str, Any] = {}
    for name in BAD.keys() - set(later):
        for key, value in BAD[name][0].items():
            sees[key] = sees.get(key, 0) | value if key in {"untrue", "open_contacts"} else value
        does |= BAD[name][1]
    for _ in range(60):
        alarms.scan(GOOD._replace(**sees), RUNNING._replace(**does), 1.0)
    for name in later:
        for _ in range(60):
            alarms.scan(*provoked(name), 1.0)
    alarms.raise_now(Alarm.WATCHDOG)
    assert (alarms.word_1, alarms.word_2) == (0xFFFF, 0x3FFF)


def test_acknowledging_leaves_what_stands_and_again_differs_from_still() -> None:
    alarms = watched(*provoked("SCREEN"), 30.0)
    alarms.acknowledge()
    assert alarms.word_1 == Alarm.SCREEN
    alarms.scan(*provoked("SCREEN"), 1.0)
    assert alarms.seq == 1  # still
    alarms.scan(GOOD, RUNNING, 1.0)
    for _ in range(20):
        alarms.scan(*provoked("SCREEN"), 1.0)
    assert alarms.seq == 2  # again


def test_the_first_out_stays_until_all_are_acknowledged() -> None:
    alarms = watched(*provoked("TORQUE"), 1.0)
    for _ in range(200):
        alarms.scan(GOOD._replace(speed_pockets_min=0.0), RUNNING._replace(stand_s=130.0), 1.0)
    assert alarms.word_1 == Alarm.TORQUE | Alarm.STAND
    assert (alarms.first_code, alarms.seq) == (code(Alarm.TORQUE), 2)


@pytest.mark.parametrize(
    ("bit", "sees", "does"),
    [
        (Alarm.Z3_COLD, {"temperature_c": (*WARM[:3], 78.9, *WARM[4:])}, {}),
        (Alarm.Z3_HOT, {"temperature_c": (*WARM[:3], 86.1, *WARM[4:])}, {"setpoint_c": (0.0,) * 8, "max_step_k": 40.0}),
        (Alarm.NAOH_LOW, {"naoh_pct": (1.39, 1.5)}, {}),
        (Alarm.NAOH_HIGH, {"naoh_pct": (1.5, 1.71)}, {}),
        (Alarm.CAUSTIC_IN_RINSE, {"ph_final": 9.1}, {}),
        (Alarm.CAUSTIC_IN_RINSE, {"conductivity_ms_cm": (127.0, 151.0, 4.0, 0.45)}, {}),
        (Alarm.RINSE_PRESSURE, {"pressure_bar": (1.5, 0.8, 2.0, 2.0, 1.7)}, {}),
        (Alarm.FRESH_WATER, {"fresh_l_min": 9.0}, {}),
        (Alarm.LEVEL, {"level_pct": (84.0, 100.0, 100.0)}, {}),
        (Alarm.SCREEN, {"screen_mbar": 41.0}, {}),
        (Alarm.TORQUE, {"torque_pct": 101.0}, {}),
        (Alarm.EXHAUST, {"extraction_m_s": 2.4}, {}),
        (Alarm.ZONE_STEP, {"temperature_c": (*WARM[:7], 9.0), "conductivity_ms_cm": (127.0, 151.0, 4.0, 0.35)}, {}),
        (Alarm.STAND, {}, {"stand_s": 601.0}),
    ],
)
def test_warnings_come_before_alarms_and_go_by_themselves(bit: Alarm, sees: Change, does: Change) -> None:
    seen, doing = GOOD._replace(**sees), RUNNING._replace(**does)
    assert warnings(seen, doing) == bit
    if bit is not Alarm.STAND:  # its warning is the ten minutes after the alarm's two
        assert not watched(seen, doing, 120.0)


def test_a_cold_final_rinse_is_not_taken_for_a_clean_one() -> None:
    """Cold water conducts less: 0.45 mS/cm at 15 °C is more salt than at 25 °C."""
    dirty = GOOD._replace(conductivity_ms_cm=(127.0, 151.0, 4.0, 0.55))
    assert watched(dirty, RUNNING, 30.0).word_1 == Alarm.CAUSTIC_IN_RINSE
    warm = dirty._replace(temperature_c=(*WARM[:7], 25.0))
    assert not watched(warm, RUNNING, 30.0)


def test_a_machine_that_warms_up_has_no_alarm() -> None:
    cold = GOOD._replace(
        temperature_c=(20.0,) * 8, naoh_pct=(0.0, 0.0), level_pct=(60.0, 60.0, 60.0), bottles=(0.0,) * 8
    )
    assert not watched(cold, RUNNING._replace(armed=0), 600.0)
    assert watched(cold, RUNNING, 600.0)  # the same cold is one, once it was warm


def test_arming() -> None:
    doing = RUNNING._replace(armed=0)
    all_bits = Alarm.Z3_COLD | Alarm.NAOH_LOW | Alarm.NAOH_HIGH | Alarm.LEVEL | Alarm.ZONE_STEP
    assert armed(GOOD, doing) == all_bits
    assert armed(GOOD, doing._replace(heating=False)) == all_bits & ~Alarm.Z3_COLD & ~Alarm.ZONE_STEP
    assert armed(GOOD, doing._replace(dosing=False)) == all_bits & ~Alarm.NAOH_LOW & ~Alarm.NAOH_HIGH
    assert armed(GOOD._replace(naoh_pct=(1.0, 1.5)), doing) == all_bits & ~Alarm.NAOH_LOW
    assert armed(GOOD._replace(naoh_pct=(2.0, 1.5)), doing) == all_bits & ~Alarm.NAOH_HIGH
    assert armed(GOOD._replace(temperature_c=(20.0,) * 8), doing) & Alarm.Z3_COLD == 0


def test_no_water_is_one_alarm_not_two() -> None:
    lost = GOOD._replace(fresh_l_min=0.0, pressure_bar=(1.5, 0.8, 2.0, 2.0, 0.0))
    assert watched(lost, RUNNING, 60.0).word_1 == Alarm.FRESH_WATER
    nozzles = GOOD._replace(pressure_bar=(1.5, 0.8, 2.0, 2.0, 1.0))
    assert watched(nozzles, RUNNING, 60.0).word_1 == Alarm.RINSE_PRESSURE

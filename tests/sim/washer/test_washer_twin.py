from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.errors import ConfigError
from linectl.sim.glue.lots import Lot
from linectl.sim.plc.handshake import Result
from linectl.sim.washer.alarms import Alarm, Device
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.operator import Operator
from linectl.sim.washer.registers import Coil, Holding, Input
from linectl.sim.washer.states import Command, State
from linectl.sim.washer.twin import CONTACTS, DRIVES, SENSORS, WasherTwin

WARM = {"washer.recipe": 1.0}


def running(seconds: float = 1200.0, *, seed: int = 3, bottles: int = 20_000, watchdog_s: float = 2.0) -> Operator:
    """A washer that has washed for a while."""
    plant = Operator(WasherTwin(seed, initial=WARM, watchdog_s=watchdog_s))
    plant.twin.feed(Lot("lot", bottles))
    assert plant.start(1)
    plant.run(seconds)
    assert plant.twin.plc.refused == ""
    return plant


def first_alarm(plant: Operator, within_s: float = 600.0) -> tuple[int, float]:
    """Run until an alarm comes; return its code and how long that took."""
    began_s = plant.now_s
    while not plant.twin.plc.alarms and plant.now_s - began_s < within_s:
        plant.run(1.0)
    return plant.ir(Input.LAST_ALARM_CODE), plant.now_s - began_s


def test_from_power_up_to_3000_bottles_an_hour() -> None:
    plant = Operator(WasherTwin(5, watchdog_s=60.0))
    plant.twin.feed(Lot("lot", 20_000))
    assert plant.start(1)
    plant.run(600.0)
    assert plant.ir(Input.TEMP_Z0 + 3) < 400
    assert plant.ir(Input.BOTTLES_IN, 2) == 0  # nothing goes into a cold bath
    assert plant.twin.plc.refused == "z3.temperature"
    while plant.twin.plc.refused and plant.now_s < 4 * 3600.0:
        plant.run(60.0)
    assert 3600.0 < plant.now_s < 2.5 * 3600.0  # 120 kW in 2.5 m3
    plant.run(1800.0)
    out = plant.ir(Input.BOTTLES_OUT, 2)
    plant.run(3600.0)
    assert plant.ir(Input.BOTTLES_OUT, 2) - out == pytest.approx(3000, abs=20)
    assert plant.ir(Input.TEMP_Z0 + 3) == pytest.approx(800, abs=5)
    assert plant.ir(Input.NAOH_Z3) == pytest.approx(150, abs=3)
    assert plant.alarms() == (0, 0)
    assert plant.ir(Input.WARN_WORD) == 0
    energy_kwh = plant.ir(Input.ENERGY_WH, 2) * 1e-3
    assert 400.0 < energy_kwh < 900.0  # 7 m3 from 20 °C, and 2,800 bottles
    assert plant.ir(Input.WATER_L, 2) * 0.1 == pytest.approx(15.0 * plant.now_s / 60.0, rel=0.15)


def test_a_shift_of_8_h_has_no_alarm_and_counts_only_up() -> None:
    plant = running(bottles=40_000, watchdog_s=60.0)
    counters = (Input.BOTTLES_IN, Input.BOTTLES_OUT, Input.REJECTED, Input.ENERGY_WH, Input.WATER_L)
    before = [plant.ir(address, 2) for address in counters]
    for _ in range(8):
        plant.run(3600.0)
        now = [plant.ir(address, 2) for address in counters]
        assert all(after >= earlier for after, earlier in zip(now, before, strict=True))
        before = now
        assert plant.alarms() == (0, 0)
        assert plant.ir(Input.WARN_WORD) == 0
    assert plant.ir(Input.LAST_ALARM_SEQ) == 0
    assert plant.state() is State.EXECUTE
    assert plant.ir(Input.BOTTLES_IN, 2) == pytest.approx(25_000, abs=60)


@pytest.mark.parametrize("speed", [1.0, 7.0])
def test_the_watchdog_trips_at_its_moment_on_wire_time_though_nobody_asks(speed: float) -> None:
    plant = Operator(WasherTwin(3, speed=speed, initial=WARM))
    plant.twin.feed(Lot("lot", 9000))
    assert plant.start(1)
    plant.run(60.0)
    heated_kj = plant.twin.state.ledger.heater_kj
    assert plant.twin.plc.heater_enable
    stops_s = plant.now_s + 2.0
    plant.twin.advance(stops_s - 0.01)
    assert plant.twin.plc.alarms.word_1 == 0
    early = WasherTwin(3, speed=speed, initial=WARM)  # negative control: the same without a host has no watchdog
    early.advance(stops_s + 600.0)
    assert early.plc.alarms.word_1 == 0
    plant.twin.advance(stops_s + 600.0)  # asked once, long after
    plant.now_s = stops_s + 600.0
    assert plant.alarms()[0] & Alarm.WATCHDOG
    assert plant.ir(Input.LAST_ALARM_CODE) == 114
    assert plant.state() in {State.HELD, State.STOPPING, State.STOPPED}
    assert plant.bank.read("co", 0, 8) == [0] * 8
    assert plant.bank.read("hr", Holding.SP_TEMP_Z0, 11) == [0] * 11
    most_kj = 330.0 * (2.0 * speed + 1.0)
    assert plant.twin.state.ledger.heater_kj - heated_kj <= most_kj


@pytest.mark.parametrize("asked_every_s", [0.5, 100.0])
def test_a_start_without_a_heartbeat_is_stopped_in_time_though_nobody_asks(asked_every_s: float) -> None:
    """The command itself wakes the watchdog, in a scan that comes after the request."""
    plant = Operator(WasherTwin(3, initial=WARM))
    plant.command(Command.SELECT_RECIPE, 1)
    plant.command(Command.RESET)
    assert plant.until(State.IDLE)
    plant.write(Holding.OWNER, 0)  # in order: the watchdog sleeps
    plant.write(Holding.OWNER, plant.token)
    plant.write(Holding.CMD_CODE, Command.START, 99, plant.token)
    asked_s = plant.now_s
    while plant.now_s < asked_s + 100.0:
        plant.now_s += asked_every_s
        plant.twin.advance(plant.now_s)
    plc = plant.twin.plc
    assert plant.alarms()[0] == Alarm.WATCHDOG
    assert (plant.state(), plant.twin.state.pockets) == (State.HELD, 0.0)
    assert plc.host.owner == 0


def test_a_watchdog_that_is_shortened_to_nothing_trips_at_once() -> None:
    plant = running(60.0)
    plant.run(1.0, beating=False)
    plc = plant.twin.plc
    plc.watchdog_s = plc.host.watchdog_s = 0.0
    ticks_s, tick = [plant.now_s], plc.tick

    def noted(now_s: float) -> None:
        ticks_s.append(now_s)
        tick(now_s)

    plc.tick = noted  # type: ignore[method-assign]  # to look on
    plant.run(0.1, beating=False)
    assert plant.alarms()[0] == Alarm.WATCHDOG
    assert ticks_s == sorted(ticks_s)  # its moment is past, and time does not go back


def test_within_half_a_second_of_the_watchdog_the_wire_shows_the_safe_state() -> None:
    plant = running(300.0)
    plant.run(1.99, beating=False)
    assert plant.alarms() == (0, 0)
    plant.run(0.51, beating=False)
    assert plant.alarms() == (Alarm.WATCHDOG, 0)
    assert plant.state() is State.HOLDING
    assert plant.ir(Input.HEATER_KW) == 0
    assert plant.bank.read("co", 3, 4) == [0, 0, 0, 0]


def test_heat_never_comes_back_by_itself() -> None:
    plant = running(300.0)
    plant.run(3.0, beating=False)
    plant.run(60.0)  # the heart beats again
    assert plant.alarms()[0] == Alarm.WATCHDOG
    assert plant.ir(Input.HEATER_KW) == 0
    assert not plant.set(Coil.HEATER_ENABLE)
    assert plant.command(Command.UNHOLD) is Result.INTERLOCK
    plant.set(Coil.ACK)
    plant.run(1.0)
    assert plant.alarms() == (0, 0)
    assert plant.ir(Input.HEATER_KW) == 0  # acknowledged, and still cold until somebody asks
    assert plant.bank.read("hr", Holding.SP_TEMP_Z0 + 3, 1) == [0]
    assert plant.command(Command.SELECT_RECIPE, 1) is Result.DONE
    assert plant.set(Coil.HEATER_ENABLE)
    assert plant.set(Coil.FRESH_VALVE)
    assert plant.set(Coil.FEED_ENABLE)
    assert plant.command(Command.UNHOLD) is Result.DONE
    assert plant.until(State.EXECUTE)
    plant.run(60.0)
    assert plant.ir(Input.HEATER_KW) > 0
    assert plant.twin.plc.refused == ""


def test_a_reboot_forgets_all_but_its_number() -> None:
    plant = running(300.0)
    out = plant.ir(Input.BOTTLES_IN, 2)
    plant.twin.plc.reboot()
    plant.run(1.0, beating=False)
    assert plant.state() is State.STOPPED
    assert plant.ir(Input.BOOT_COUNTER) == 2
    assert plant.ir(Input.HEARTBEAT) <= 1
    assert plant.bank.read("hr", Holding.OWNER, 1) == [0]
    assert plant.bank.read("hr", Holding.SP_TEMP_Z0, 11) == [0] * 11
    assert plant.ir(Input.BOTTLES_IN, 2) == out
    assert plant.command(Command.RESET) is Result.TOKEN  # nobody owns it
    plant.run(60.0, beating=False)
    assert plant.twin.did.heater_kw == (0.0,) * 8
    assert plant.twin.state.speed_pockets_min == 0.0


# one thing broken at a time: the name of the sensor or drive, what it does then, which alarm, and within what time
SENSOR_ALARMS = {
    "z3.temperature": (89.0, Alarm.Z3_HOT),
    "z3.conductivity": (100.0, Alarm.NAOH_LOW),
    "z2.conductivity": (190.0, Alarm.NAOH_HIGH),
    "z7.ph": (10.0, Alarm.CAUSTIC_IN_RINSE),
    "z7.conductivity": (0.9, Alarm.CAUSTIC_IN_RINSE),
    "z5.pressure": (0.8, Alarm.RINSE_PRESSURE),
    "fresh.flow": (0.0, Alarm.FRESH_WATER),
    "z1.level": (60.0, Alarm.LEVEL),
    "screen.dp": (80.0, Alarm.SCREEN),
    "chain.torque": (130.0, Alarm.TORQUE),
    "extraction.speed": (1.5, Alarm.EXHAUST),
    "z4.temperature": (45.0, Alarm.ZONE_STEP),
}


@pytest.mark.parametrize("name", SENSOR_ALARMS)
def test_an_alarm_from_what_a_sensor_shows(name: str) -> None:
    shown, alarm = SENSOR_ALARMS[name]
    plant = running(100.0)
    plant.twin.defects.spoil(name, lambda _value, _s: shown)
    code, after_s = first_alarm(plant, 120.0)
    assert code == 100 + int(alarm).bit_length() - 1
    assert after_s <= 40.0
    assert plant.alarms() == (alarm, 0)


def test_a_broken_wire_is_one_alarm_and_no_false_second_one() -> None:
    plant = running(60.0)
    for name in SENSORS:
        mend = plant.twin.defects.spoil(name, lambda _value, _s: None)
        plant.run(30.0)
        assert plant.alarms() == (Alarm.SENSOR, 0), name
        mend()
        plant.run(1.0)
        plant.set(Coil.ACK)
        plant.run(1.0)
        assert plant.alarms() == (0, 0), name
    assert plant.state() is State.EXECUTE


DRIVE_ALARMS = {
    "heater.z3": (100, 2400.0),  # Z3 cools slowly
    "pump.z5": (105, 30.0),
    "valve.fresh": (106, 30.0),
    "chain": (110, 10.0),
    "extraction": (111, 60.0),
    "dosing.z2": (201, 1500.0),
    "valve.recirculation": (203, 10.0),
    "contactor.chain": (204, 10.0),
    "contactor.axial": (205, 10.0),
    "contactor.jets": (206, 30.0),
}


@pytest.mark.parametrize("name", DRIVE_ALARMS)
def test_an_alarm_through_the_physics_of_a_failed_drive(name: str) -> None:
    code, within_s = DRIVE_ALARMS[name]
    plant = running(100.0)
    assert name in DRIVES
    plant.twin.defects.hamper(name, lambda _asked, _s: 0.0)
    came, _ = first_alarm(plant, within_s)
    assert came == code
    plant.run(100.0)
    assert sum(word.bit_count() for word in plant.alarms()) <= 2  # a single fault is no flood


CONTACT_ALARMS = {
    "contact.estop": Device.ESTOP,
    "contact.doors": Device.DOOR,
    "contact.clutch": Device.SHEAR_PIN,
    "contact.shear_pin": Device.SHEAR_PIN,
    "contact.press": Device.LABEL_PRESS,
    "contact.chain_thermal": Device.THERMAL_CHAIN,
    "contact.axial_thermal": Device.THERMAL_AXIAL,
    "contact.jets_thermal": Device.THERMAL_JETS,
}


@pytest.mark.parametrize("name", CONTACT_ALARMS)
def test_an_alarm_from_a_contact(name: str) -> None:
    plant = running(20.0)
    assert name in CONTACTS
    plant.twin.defects.spoil(name, lambda _value, _s: None)
    plant.run(5.0)
    assert plant.alarms() == (0, CONTACT_ALARMS[name])


def test_an_emergency_stop_needs_no_program() -> None:
    plant = running(240.0)
    release = plant.twin.defects.spoil("contact.estop", lambda _value, _s: 0.0)
    plant.run(2.0)
    assert plant.state() in {State.ABORTING, State.ABORTED}
    plant.run(30.0)
    did = plant.twin.did
    assert (did.heater_kw, did.pump, did.extraction) == ((0.0,) * 8, (0.0,) * 8, 0.0)
    assert plant.twin.state.speed_pockets_min == 0.0
    assert plant.command(Command.CLEAR) is Result.DONE
    assert plant.until(State.ABORTED)  # as long as it is pressed
    release()
    plant.run(2.0)
    assert plant.command(Command.ACKNOWLEDGE) is Result.DONE
    assert plant.command(Command.CLEAR) is Result.DONE
    assert plant.until(State.STOPPED)
    assert plant.bank.read("co", 0, 8) == [0] * 8


def test_a_lost_rinse_stops_the_outfeed_and_puts_bottles_in_quarantine() -> None:
    plant = running(1500.0)
    restore = plant.twin.defects.hamper("valve.fresh", lambda _asked, _s: 0.0)
    plant.run(30.0)
    assert plant.state() in {State.HOLDING, State.HELD}
    out = plant.ir(Input.BOTTLES_OUT, 2)
    plant.run(60.0)
    assert plant.ir(Input.BOTTLES_OUT, 2) == out
    doubt = plant.twin.plc.quarantines[-1]
    machine = plant.twin.chain.length
    at_exit = int(plant.twin.state.pockets - machine)
    assert doubt.holds(at_exit)
    assert doubt.holds(at_exit - int(machine) + 20)
    assert not doubt.holds(at_exit + 30)
    assert plant.command(Command.UNHOLD) is Result.INTERLOCK
    restore()
    plant.run(10.0)
    assert plant.command(Command.ACKNOWLEDGE) is Result.DONE
    assert plant.command(Command.UNHOLD) is Result.DONE
    plant.run(300.0)
    assert plant.alarms() == (0, 0)
    assert plant.ir(Input.BOTTLES_OUT, 2) > out
    assert len(plant.twin.plc.quarantines) == 1


def test_without_exhaust_no_caustic_is_heated_or_dosed_and_no_bottle_fed() -> None:
    plant = running(300.0)
    plant.twin.defects.hamper("extraction", lambda _asked, _s: 0.0)
    plant.run(30.0)
    fed = plant.ir(Input.BOTTLES_IN, 2)
    plant.run(300.0)
    did = plant.twin.did
    assert did.heater_kw[2] == did.heater_kw[3] == 0.0
    assert sum(did.heater_kw) > 0.0  # rinse zones have no hydrogen
    assert did.dose_g_min == (0.0,) * 8
    assert plant.ir(Input.BOTTLES_IN, 2) == fed
    assert plant.state() is State.EXECUTE  # bottles inside go on


def test_bottles_that_stand_in_caustic_are_warned_of_flushed_and_pushed_out() -> None:
    plant = running(300.0, watchdog_s=20.0)
    assert plant.command(Command.HOLD) is Result.DONE
    plant.run(125.0)
    assert plant.alarms() == (Alarm.STAND, 0)
    plant.run(470.0)
    assert plant.ir(Input.WARN_WORD) & Alarm.STAND == 0
    assert plant.twin.did.pump[3] == 0.0
    plant.run(30.0)
    assert plant.ir(Input.WARN_WORD) & Alarm.STAND
    assert plant.twin.did.pump[3] == 1.0
    assert plant.twin.did.heater_kw[3] == 0.0
    assert plant.state() is State.HELD
    plant.run(300.0)
    assert plant.twin.plc.pushing
    assert plant.state() is State.STOPPING
    assert plant.ir(Input.CHAIN_SPEED) == 100
    assert plant.until(State.STOPPED, 3600.0)
    inside = plant.twin.chain.occupancy()
    assert inside[2] == inside[3] == 0.0


def test_nothing_is_pushed_out_past_an_open_door() -> None:
    plant = running(300.0, watchdog_s=20.0)
    plant.command(Command.HOLD)
    plant.run(60.0)
    plant.twin.defects.spoil("contact.doors", lambda _value, _s: 0.0)
    plant.run(1000.0)
    assert not plant.twin.plc.pushing
    assert plant.twin.state.speed_pockets_min == 0.0


def test_a_jam_trips_on_torque_and_stays_until_it_is_cleared() -> None:
    plant = running(100.0)
    clear = plant.twin.defects.hamper("chain", lambda _asked, _s: 0.0)
    code, after_s = first_alarm(plant)
    assert (code, plant.alarms()[0]) == (110, Alarm.TORQUE)
    assert after_s <= 5.0
    plant.run(20.0)
    assert plant.state() is State.HELD
    clear()
    plant.run(5.0)
    assert plant.command(Command.ACKNOWLEDGE) is Result.DONE
    assert plant.command(Command.UNHOLD) is Result.DONE
    plant.run(60.0)
    assert plant.ir(Input.CHAIN_SPEED) == 500


def test_a_blocked_outfeed_suspends_and_goes_on_by_itself() -> None:
    plant = running(100.0)
    free = plant.twin.defects.spoil("contact.outfeed", lambda _value, _s: 0.0)
    plant.run(20.0)
    assert plant.state() is State.SUSPENDED
    assert plant.ir(Input.CHAIN_SPEED) == 0
    free()
    assert plant.until(State.EXECUTE)
    assert plant.alarms() == (0, 0)


def test_a_lot_that_is_through_completes() -> None:
    plant = running(60.0, bottles=500, watchdog_s=20.0)
    plant.run(600.0)
    plant.set(Coil.FEED_ENABLE, on=False)
    assert plant.until(State.COMPLETE, 1800.0)
    assert plant.ir(Input.BOTTLES_OUT, 2) == 500
    assert plant.ir(Input.CHAIN_SPEED) == 0


@pytest.mark.parametrize("recipe", [2, 3])
def test_the_other_recipes_run_without_an_alarm(recipe: int) -> None:
    plant = Operator(WasherTwin(3, initial={"washer.recipe": float(recipe)}, watchdog_s=60.0))
    plant.twin.feed(Lot("lot", 9000))
    assert plant.start(recipe)
    plant.run(3600.0)
    assert (plant.alarms(), plant.ir(Input.WARN_WORD)) == ((0, 0), 0)
    assert plant.ir(Input.BOTTLES_OUT, 2) > 2200


def test_winter_bottles_are_not_let_into_warm_water() -> None:
    plant = running(300.0)
    plant.twin.chain.inlet_offset_k = -15.0  # 0 °C
    plant.run(60.0)
    assert plant.alarms() == (Alarm.ZONE_STEP, 0)
    fed = plant.ir(Input.BOTTLES_IN, 2)
    plant.run(1500.0)
    assert plant.ir(Input.BOTTLES_IN, 2) == fed
    assert plant.twin.chain.counts.inside == 0  # those inside went on
    assert plant.twin.plc.refused


@pytest.mark.parametrize(("z6_c", "alarms"), [(38.0, Alarm.ZONE_STEP), (32.0, 0)])
def test_a_cold_winter_main_wants_a_cooler_zone_before_it(z6_c: float, alarms: int) -> None:
    plant = Operator(WasherTwin(3, initial={**WARM, "mains.temperature": 5.0, "z6.temperature": z6_c}))
    plant.twin.feed(Lot("lot", 2000))
    assert plant.start(1)
    plant.write(Holding.SP_TEMP_Z0 + 6, round(10 * z6_c))
    plant.run(700.0)
    assert plant.alarms() == (alarms, 0)


def test_draining() -> None:
    plant = Operator(WasherTwin(3, initial=WARM, watchdog_s=60.0))
    assert plant.command(Command.DRAIN) is Result.PENDING
    assert plant.command(Command.RESET) is Result.STATE
    plant.run(1800.0)
    assert plant.command(Command.DRAIN, seq=1) is Result.DONE  # the first one's end
    assert max(plant.ir(Input.LEVEL_Z1 + k) for k in range(3)) <= 5
    plant.command(Command.RESET)
    assert plant.until(State.IDLE)
    assert not plant.set(Coil.HEATER_ENABLE)  # nothing covers the elements
    plant.set(Coil.FRESH_VALVE)
    plant.run(4000.0)
    assert plant.set(Coil.HEATER_ENABLE)
    assert min(plant.ir(Input.LEVEL_Z1 + k) for k in range(3)) > 920


def test_a_washer_with_bottles_is_not_drained() -> None:
    plant = running(300.0)
    plant.command(Command.STOP)
    assert plant.until(State.STOPPED)
    assert plant.command(Command.DRAIN) is Result.INTERLOCK


def test_how_often_it_is_asked_changes_nothing() -> None:
    often, seldom = running(60.0), running(60.0)
    end_s = often.now_s + 1.5
    for k in range(150):
        often.twin.advance(often.now_s + 0.01 * k)
    for plant in (often, seldom):
        plant.twin.advance(end_s)
    assert often.twin.state == seldom.twin.state
    assert often.bank.read("ir", 0, 66) == seldom.bank.read("ir", 0, 66)


def test_the_seed_makes_the_noise_and_the_noise_alone() -> None:
    one, same, other = (running(120.0, seed=seed, bottles=10) for seed in (3, 3, 4))
    read = [plant.bank.read("ir", 10, 34) for plant in (one, same, other)]
    assert read[0] == read[1] != read[2]
    assert one.twin.state.temperature_c == pytest.approx(other.twin.state.temperature_c, abs=0.05)


def test_the_plc_goes_on_with_the_last_good_value_of_a_broken_wire() -> None:
    plant = running(60.0)
    seen = plant.twin.plc.seen
    assert seen is not None
    held_c = seen.temperature_c[0]
    plant.twin.defects.spoil("z0.temperature", lambda _value, _process_s: None)
    plant.run(600.0)
    seen = plant.twin.plc.seen
    assert seen is not None
    assert plant.twin.shown("z0.temperature") is None
    assert seen.temperature_c[0] == held_c
    assert abs(plant.twin.state.probe_c[0] - held_c) > 0.1  # the truth has gone on


def test_a_stuck_sensor_is_quiet_and_a_good_one_is_not() -> None:
    plant = running(300.0)
    held: list[float] = []

    def stuck(value: float, _process_s: float) -> float:
        held.append(value)
        return held[0]

    plant.twin.defects.spoil("z3.temperature", stuck)
    z2, z3 = [], []
    for _ in range(60):
        plant.run(1.0)
        z2.append(plant.twin.shown("z2.temperature"))
        z3.append(plant.twin.shown("z3.temperature"))
    assert len(set(z3)) == 1
    assert len(set(z2)) == 60


def test_a_wrong_compensation_is_the_plcs_own_mistake() -> None:
    plant = running(300.0)
    right = plant.ir(Input.NAOH_Z3)
    plant.twin.sensing.compensation_per_k = 0.020
    plant.run(2.0)
    assert right == pytest.approx(150, abs=2)
    assert plant.ir(Input.NAOH_Z3) < 0.94 * right  # -7 to -10 % at 80 °C


def test_what_it_cannot_start_with() -> None:
    with pytest.raises(ConfigError, match=r"z9\.temperature"):
        WasherTwin(1, initial={"z9.temperature": 20.0})
    with pytest.raises(ConfigError, match="between 1 and 95"):
        WasherTwin(1, initial={"z3.temperature": 120.0})


def test_another_machine() -> None:
    params = replace(reference_machine(), rated_b_h=2400.0)
    twin = WasherTwin(1, params=params, initial={**WARM, "room.temperature": 12.0})
    assert twin.room_c == 12.0
    twin.advance(10.0)
    assert "stopped" in repr(twin)

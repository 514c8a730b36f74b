from __future__ import annotations

import pytest

from linectl.sim.bath.banks import HandsBank, PlcBank, signed
from linectl.sim.bath.physics import BathParams, filled, level_pct, naoh_pct
from linectl.sim.bath.plc import DRY_PCT, LEASE_S
from linectl.sim.bath.registers import (
    HANDS_REGISTERS,
    PLC_REGISTERS,
    Alarm,
    Coil,
    Command,
    Discrete,
    Holding,
    Input,
    Result,
    State,
)
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.bank import Fault, ModbusFault

TOKEN = 7
PARAMS = BathParams(feed_c=45.0)


class Host:
    """A host program in miniature: time, heartbeat and the handshake."""

    def __init__(self, *, temperature_c: float | None = None, naoh: float = 0.0, speed: float = 1.0) -> None:
        initial = None if temperature_c is None else filled(PARAMS, temperature_c=temperature_c, naoh_pct=naoh)
        self.twin = Twin(PARAMS, 1, speed=speed, initial=initial)
        self.plc = self.twin.plc
        self.bank = PlcBank(self.twin)
        self.now_s = 0.0
        self.seq = 0
        self.beats = 0
        self.write(Holding.OWNER, TOKEN)

    def write(self, address: int, *values: int) -> None:
        self.twin.advance(self.now_s)
        self.bank.write("hr", address, list(values))

    def coil(self, address: int, on: bool) -> None:
        self.twin.advance(self.now_s)
        self.bank.write("co", address, [int(on)])

    def ir(self, address: int) -> int:
        self.twin.advance(self.now_s)
        return self.bank.read("ir", address, 1)[0]

    def hr(self, address: int) -> int:
        return self.bank.read("hr", address, 1)[0]

    def run(self, seconds: float, *, beating: bool = True) -> None:
        end_s = self.now_s + seconds
        while self.now_s < end_s - 1e-9:
            self.now_s = min(end_s, self.now_s + 0.5)
            if beating:
                self.beats += 1
                self.write(Holding.HEARTBEAT, self.beats & 0xFFFF)
        self.twin.advance(self.now_s)

    def command(self, code: int, *, token: int = TOKEN, seq: int | None = None) -> Result:
        self.seq = self.seq + 1 if seq is None else seq
        self.write(Holding.CODE, code, self.seq, token)
        assert self.ir(Input.ACK_SEQ) == self.seq
        return Result(self.ir(Input.ACK_RESULT))

    def until_done(self, limit_s: float = 3600.0) -> tuple[Result, float]:
        began_s = self.now_s
        while self.ir(Input.ACK_RESULT) == Result.PENDING and self.now_s - began_s < limit_s:
            self.run(1.0)
        return Result(self.ir(Input.ACK_RESULT)), self.now_s - began_s

    def state(self) -> State:
        return State(self.ir(Input.STATE))

    def heat(self, setpoint_c: float) -> bool:
        self.write(Holding.SETPOINT, round(setpoint_c * 10))
        self.coil(Coil.HEATER_ENABLE, True)
        return bool(self.bank.read("co", Coil.HEATER_ENABLE, 1)[0])


def test_fill_dose_and_drain_end_physically() -> None:
    host = Host()
    host.run(1.0)
    assert host.command(Command.FILL) is Result.PENDING
    assert host.state() is State.EXECUTE
    result, took_s = host.until_done()
    assert result is Result.DONE
    assert took_s == pytest.approx(240.0, abs=3.0)  # 40 L at 10 L/min
    assert host.ir(Input.LEVEL) == pytest.approx(1000, abs=2)
    assert host.twin.plant.state.temperature_c == pytest.approx(45.0, abs=0.5)
    assert host.state() is State.STOPPED
    host.write(Holding.NAOH_SETPOINT, 150)
    assert host.command(Command.DOSE) is Result.PENDING
    result, took_s = host.until_done()
    assert result is Result.DONE
    assert took_s == pytest.approx(310.0, abs=25.0)  # 0.6 kg at 120 g/min
    assert naoh_pct(host.twin.plant.state) == pytest.approx(1.5, abs=0.002)
    assert host.command(Command.DRAIN) is Result.PENDING
    result, _ = host.until_done()
    assert result is Result.DONE
    assert host.ir(Input.LEVEL) == 0
    assert not host.bank.read("di", Discrete.LEVEL_OK, 1)[0]


def test_naoh_goes_down_by_draining_alone() -> None:
    host = Host(temperature_c=45.0, naoh=2.0)
    host.write(Holding.NAOH_SETPOINT, 50)
    assert host.command(Command.DOSE) is Result.DONE  # there is more in it already: nothing to add
    assert naoh_pct(host.twin.plant.state) == pytest.approx(2.0, abs=0.01)
    assert host.command(Command.FILL) is Result.DONE
    host.run(60.0)
    assert naoh_pct(host.twin.plant.state) == pytest.approx(2.0, abs=0.01)


def test_what_is_done_already_is_done_at_once() -> None:
    assert Host(temperature_c=45.0).command(Command.FILL) is Result.DONE
    assert Host().command(Command.DRAIN) is Result.DONE


def test_repeated_sequence_number_never_acts_twice() -> None:
    host = Host()
    assert host.command(Command.FILL, seq=5) is Result.PENDING
    host.until_done()
    assert host.command(Command.DRAIN, seq=6) is Result.PENDING
    host.until_done()
    assert host.ir(Input.LEVEL) == 0
    assert host.command(Command.FILL, seq=5) is Result.DONE  # the stored answer
    host.run(30.0)
    assert host.ir(Input.LEVEL) == 0
    assert host.command(Command.FILL, seq=7) is Result.PENDING  # a new number does act
    host.run(30.0)
    assert host.ir(Input.LEVEL) > 100


@pytest.mark.parametrize(
    ("code", "token", "expected"),
    [
        (Command.FILL, TOKEN + 1, Result.TOKEN),
        (Command.FILL, 0, Result.TOKEN),
        (99, TOKEN, Result.UNKNOWN),
        (Command.DOSE, TOKEN, Result.INTERLOCK),  # no liquid
        (Command.CLEAR, TOKEN, Result.STATE),
        (Command.UNHOLD, TOKEN, Result.STATE),
        (Command.RESET, TOKEN, Result.DONE),
    ],
)
def test_refusals_have_their_code(code: int, token: int, expected: Result) -> None:
    host = Host()
    assert host.command(code, token=token) is expected


def test_a_second_action_waits_for_the_first() -> None:
    host = Host()
    host.command(Command.FILL)
    assert host.command(Command.DRAIN) is Result.STATE
    host.run(300.0)
    assert host.ir(Input.LEVEL) == pytest.approx(1000, abs=2)
    assert (host.ir(Input.ACK_SEQ), host.ir(Input.ACK_RESULT)) == (2, Result.STATE)  # the last command's answer stays
    assert host.command(Command.FILL, seq=1) is Result.DONE  # a repetition tells the end of the first


def test_stop_ends_a_fill_and_its_result_says_so() -> None:
    host = Host()
    host.command(Command.FILL, seq=1)
    host.run(20.0)
    assert host.command(Command.STOP, seq=2) is Result.DONE
    level = host.ir(Input.LEVEL)
    host.run(20.0)
    assert host.ir(Input.LEVEL) == level
    assert host.command(Command.FILL, seq=1) is Result.STATE


def test_the_states_of_packml() -> None:
    host = Host(temperature_c=40.0)
    walk = [
        (Command.RESET, State.IDLE),
        (Command.START, State.EXECUTE),
        (Command.HOLD, State.HELD),
        (Command.UNHOLD, State.EXECUTE),
        (Command.STOP, State.STOPPED),
        (Command.ABORT, State.ABORTED),
        (Command.CLEAR, State.STOPPED),
    ]
    for command, state in walk:
        assert host.command(command) is Result.DONE
        assert host.state() is state
    host.command(Command.ABORT)
    assert not host.heat(60.0)
    assert host.command(Command.FILL) is Result.STATE


@pytest.mark.parametrize(
    ("address", "asked", "got"),
    [
        (Holding.SETPOINT, 950, 920),
        (Holding.SETPOINT, 0x10000 - 50, 0),
        (Holding.SETPOINT, 605, 605),
        (Holding.NAOH_SETPOINT, 401, 400),
        (Holding.STIRRER, 150, 100),
    ],
)
def test_setpoints_are_clamped_without_a_word(address: int, asked: int, got: int) -> None:
    host = Host()
    host.write(address, asked)
    assert host.hr(address) == got


def test_the_thermostat_holds_its_setpoint() -> None:
    host = Host(temperature_c=45.0)
    assert host.heat(60.0)
    host.run(1200.0)
    assert host.twin.plant.state.temperature_c == pytest.approx(60.0, abs=0.3)
    assert signed(host.ir(Input.TEMPERATURE)) == pytest.approx(600, abs=5)
    assert 0 < host.ir(Input.HEATER) < 100  # holds against the losses
    assert host.state() is State.EXECUTE


def test_no_heat_in_a_dry_bath() -> None:
    host = Host()
    assert not host.heat(60.0)
    host.run(5.0)
    assert host.ir(Input.ALARMS) == 0


def test_a_drain_switches_the_heat_off_first() -> None:
    host = Host(temperature_c=50.0)
    assert host.heat(60.0)
    assert host.command(Command.DRAIN) is Result.PENDING
    assert not host.plc.heater_enable
    assert host.until_done()[0] is Result.DONE
    assert host.ir(Input.ALARMS) == 0


def test_over_temperature_trips_and_latches() -> None:
    host = Host(temperature_c=94.0)
    assert host.heat(92.0)
    host.twin.plant.state = filled(PARAMS, temperature_c=96.0)
    host.run(1.0)
    assert host.ir(Input.ALARMS) == Alarm.OVER_TEMPERATURE
    assert not host.plc.heater_enable
    assert not host.bank.read("di", Discrete.OVERTEMP_OK, 1)[0]
    assert host.command(Command.ACKNOWLEDGE) is Result.INTERLOCK  # the cause is still there
    host.twin.plant.state = filled(PARAMS, temperature_c=80.0)
    host.run(1.0)
    assert host.state() is State.HELD
    assert not host.heat(85.0)  # latched
    assert host.command(Command.ACKNOWLEDGE) is Result.DONE
    assert host.ir(Input.ALARMS) == 0
    assert not host.plc.heater_enable  # never by itself
    assert host.heat(85.0)


def test_a_dead_probe_is_a_sensor_fault() -> None:
    host = Host(temperature_c=60.0)
    assert host.heat(60.0)
    host.plc.probe_fault = True
    host.run(1.0)
    assert signed(host.ir(Input.TEMPERATURE)) == -32768
    assert host.ir(Input.ALARMS) == Alarm.SENSOR
    assert not host.plc.heater_enable


def test_losing_the_level_under_heat_is_a_dry_run() -> None:
    host = Host(temperature_c=60.0)
    assert host.heat(60.0)
    host.twin.plant.state = filled(PARAMS, temperature_c=60.0, level_pct=DRY_PCT - 5.0)
    host.run(1.0)
    assert host.ir(Input.ALARMS) == Alarm.DRY_RUN | Alarm.LEVEL
    assert not host.plc.heater_enable


def test_the_watchdog_leads_to_a_latched_safe_state() -> None:
    host = Host(temperature_c=55.0)
    host.write(Holding.NAOH_SETPOINT, 200)
    assert host.heat(60.0)
    host.run(10.0)
    assert host.command(Command.DOSE) is Result.PENDING
    host.run(1.9, beating=False)
    assert host.plc.heater_enable  # not yet: the limit is 2.0 s
    before = naoh_pct(host.twin.plant.state)
    host.run(0.2, beating=False)
    assert host.ir(Input.ALARMS) == Alarm.WATCHDOG
    assert host.state() is State.HELD
    assert (host.hr(Holding.SETPOINT), host.hr(Holding.NAOH_SETPOINT)) == (0, 0)
    assert host.ir(Input.ACK_RESULT) == Result.INTERLOCK
    host.run(60.0)  # the host is back
    assert not host.plc.heater_enable
    assert naoh_pct(host.twin.plant.state) == pytest.approx(before, abs=0.006)
    assert not host.heat(60.0)
    host.coil(Coil.ACKNOWLEDGE, True)
    assert not host.bank.read("co", Coil.ACKNOWLEDGE, 1)[0]  # a pulse
    assert host.ir(Input.ALARMS) == 0
    assert not host.plc.heater_enable
    assert host.heat(60.0)


def test_the_watchdog_trips_at_its_moment_even_if_nobody_looks() -> None:
    host = Host(temperature_c=45.0)
    host.heat(80.0)
    host.run(10.0)
    host.now_s += 3600.0
    host.twin.advance(host.now_s)
    heated_k = host.twin.plant.state.temperature_c - 45.0
    assert heated_k < 12 * 3.0 / 165.0 + 0.05  # twelve seconds of heat, then an hour of cooling: never more


def test_the_watchdog_sleeps_until_a_host_begins_and_after_it_left_in_order() -> None:
    host = Host(temperature_c=45.0)
    host.run(60.0, beating=False)
    assert host.ir(Input.ALARMS) == 0
    host.run(5.0)
    host.write(Holding.OWNER, 0)
    host.run(60.0, beating=False)
    assert host.ir(Input.ALARMS) == 0
    host.write(Holding.OWNER, TOKEN)
    host.run(5.0)
    host.run(5.0, beating=False)  # a host that vanishes instead
    assert host.ir(Input.ALARMS) == Alarm.WATCHDOG


def test_heat_without_any_heartbeat_lasts_for_the_watchdog_time_alone() -> None:
    host = Host(temperature_c=45.0)
    assert host.heat(60.0)
    host.run(2.1, beating=False)
    assert not host.plc.heater_enable
    assert host.ir(Input.ALARMS) == Alarm.WATCHDOG


def test_watchdog_goes_by_wire_time_and_physics_by_process_time() -> None:
    host = Host(temperature_c=45.0, speed=10.0)
    host.heat(80.0)
    host.run(60.0)
    assert host.ir(Input.ALARMS) == 0
    assert host.twin.plant.time_s == 600.0
    assert host.ir(Input.COUNTER) == 60
    host.run(1.9, beating=False)
    assert host.ir(Input.ALARMS) == 0
    host.run(0.2, beating=False)
    assert host.ir(Input.ALARMS) == Alarm.WATCHDOG


def test_the_owner_holds_a_lease_that_the_heartbeat_renews() -> None:
    host = Host()
    host.write(Holding.OWNER, TOKEN + 1)
    assert host.hr(Holding.OWNER) == TOKEN  # a second PC does not get it
    host.run(3 * LEASE_S)
    assert host.hr(Holding.OWNER) == TOKEN
    host.run(LEASE_S - 0.5, beating=False)
    assert host.hr(Holding.OWNER) == TOKEN
    host.run(1.0, beating=False)
    assert host.hr(Holding.OWNER) == 0
    host.write(Holding.OWNER, TOKEN + 1)
    assert host.hr(Holding.OWNER) == TOKEN + 1
    assert host.command(Command.RESET) is Result.TOKEN


def test_counters_of_seconds_and_boots() -> None:
    host = Host(temperature_c=60.0)
    host.run(70_000.0)
    assert host.ir(Input.COUNTER) == 70_000 % 65_536
    assert (host.ir(Input.SCHEMA), host.ir(Input.BOOTS)) == (1, 1)
    host.heat(65.0)
    host.plc.reboot()
    assert (host.ir(Input.BOOTS), host.ir(Input.COUNTER)) == (2, 0)
    assert not host.plc.heater_enable
    assert (host.hr(Holding.SETPOINT), host.hr(Holding.OWNER)) == (0, 0)


def test_every_register_of_the_map_answers_and_holes_say_zero() -> None:
    host = Host(temperature_c=60.0)
    strict = PlcBank(host.twin, strict_holes=True)
    for row in PLC_REGISTERS:
        assert len(strict.read(row.table, row.address, 1)) == 1
    assert host.bank.read("ir", 40, 3) == [0, 0, 0]
    with pytest.raises(ModbusFault):
        strict.read("ir", 40, 3)
    names = [row.name for row in (*PLC_REGISTERS, *HANDS_REGISTERS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("table", "address", "values", "code"),
    [
        ("hr", Holding.WATCHDOG, [600], Fault.ILLEGAL_ADDRESS),  # read-only
        ("hr", 50, [1], Fault.ILLEGAL_ADDRESS),
        ("co", 3, [1], Fault.ILLEGAL_ADDRESS),
        ("hr", Holding.CODE, [110], Fault.ILLEGAL_VALUE),  # not in one request
    ],
)
def test_refused_writes_change_nothing(table: str, address: int, values: list[int], code: Fault) -> None:
    host = Host()
    with pytest.raises(ModbusFault) as refused:
        host.bank.write(table, address, values)
    assert refused.value.code is code
    assert host.plc.watchdog_s == 2.0
    assert host.plc.action is None


def test_hands_put_bottles_in_and_out_and_lift_the_lid() -> None:
    host = Host(temperature_c=60.0)
    hands = HandsBank(host.twin)
    hands.write("hr", 0, [1, 0, 3])
    assert hands.read("hr", 0, 4) == [1, 0, 3, 0]
    first = host.twin.plant.labels[0]
    hands.write("hr", 0, [1])  # repeated: it is the same bottle still
    assert host.twin.plant.labels[0] is first
    hands.write("hr", 0, [0])
    assert hands.read("hr", 0, 1) == [0]
    hands.write("hr", 24, [1])
    assert host.bank.read("di", Discrete.LID_CLOSED, 1) == [0]
    for address, value, code in ((3, 9, Fault.ILLEGAL_VALUE), (25, 1, Fault.ILLEGAL_ADDRESS)):
        with pytest.raises(ModbusFault) as refused:
            hands.write("hr", address, [value])
        assert refused.value.code is code
    assert level_pct(host.twin.plant.state, PARAMS) == pytest.approx(100.0)

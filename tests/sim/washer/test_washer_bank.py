from __future__ import annotations

import pytest

from linectl.sim.glue.lots import Lot
from linectl.sim.plc.handshake import Result
from linectl.sim.washer.banks import WasherBank
from linectl.sim.washer.operator import Operator
from linectl.sim.washer.registers import INPUT_WORDS, SERIAL_NUMBER, Coil, Discrete, Holding, Input
from linectl.sim.washer.states import Command, Mode, State
from linectl.sim.washer.twin import WasherTwin
from linectl.sim.wires.bank import Bank, Fault, ModbusFault
from linectl.sim.wires.modbus_server import answer

WARM = {"washer.recipe": 1.0}


def operator(*, warm: bool = True) -> Operator:
    return Operator(WasherTwin(3, initial=WARM if warm else None))


def test_power_up_is_stopped_with_everything_off() -> None:
    plant = operator(warm=False)
    words = plant.bank.read("ir", 0, INPUT_WORDS)
    assert words[Input.MACHINE_STATE] == State.STOPPED
    assert words[Input.BOOT_COUNTER] == 1
    assert words[Input.UNIT_MODE] == Mode.PRODUCE
    assert words[Input.SCHEMA_VERSION] == 1
    assert plant.ir(Input.SERIAL_NUMBER, 2) == SERIAL_NUMBER
    assert words[Input.HEATER_KW] == words[Input.FRESH_FLOW] == words[Input.CHAIN_SPEED] == 0
    assert plant.bank.read("co", 0, 8) == [0] * 8
    assert plant.bank.read("hr", Holding.SP_TEMP_Z0, 11) == [0] * 11
    assert words[Input.ALARM_WORD_1 : Input.WARN_WORD + 1] == [0, 0, 0, 0]
    for coil in (Coil.FEED_ENABLE, Coil.CAUSTIC_DOSE_ENABLE, Coil.FRESH_VALVE, Coil.HEATER_ENABLE):
        assert not plant.set(coil)  # and nothing takes while Stopped
    plant.run(5.0)
    assert plant.twin.did.heater_kw == (0.0,) * 8


def test_setpoints_are_clamped_without_a_word() -> None:
    plant = operator()
    asked = {
        Holding.SP_TEMP_Z0 + 3: (900, 850),
        Holding.SP_TEMP_Z0 + 2: (-50 & 0xFFFF, 0),
        Holding.SP_TEMP_Z0 + 5: (850, 850),
        Holding.SP_NAOH_Z2: (301, 300),
        Holding.SP_NAOH_Z3: (199, 199),
        Holding.SP_SPEED: (4000, 3500),
    }
    for address, (word, kept) in asked.items():
        plant.write(address, word)
        assert plant.bank.read("hr", address, 1) == [kept]
    plant.write(Holding.SP_SPEED, 100)
    assert plant.bank.read("hr", Holding.SP_SPEED, 1) == [500]


def test_limits_want_the_service_key() -> None:
    plant = operator()
    before = plant.bank.read("hr", Holding.MAX_DT_ZONE, 4)
    assert before == [300, 500, 880, 20]
    for address in range(Holding.MAX_DT_ZONE, Holding.WATCHDOG + 1):
        with pytest.raises(ModbusFault) as refused:
            plant.write(address, 100)
        assert refused.value.code is Fault.ILLEGAL_ADDRESS
    assert plant.bank.read("hr", Holding.MAX_DT_ZONE, 4) == before
    plant.twin.plc.service_key = True
    plant.write(Holding.MAX_DT_ZONE, 250, 600, 860, 50)
    assert plant.bank.read("hr", Holding.MAX_DT_ZONE, 4) == [250, 600, 860, 50]
    plant.write(Holding.MAX_DT_ZONE, 9000)
    assert plant.bank.read("hr", Holding.MAX_DT_ZONE, 1) == [420]
    plant.write(Holding.WATCHDOG, 40_000)  # unsigned, as the others are not
    assert plant.bank.read("hr", Holding.WATCHDOG, 1) == [600]


def test_a_command_is_written_in_one_request() -> None:
    plant = operator()
    for address, words in ((0, [1]), (0, [1, 2]), (1, [2, 7]), (2, [7])):
        with pytest.raises(ModbusFault) as refused:
            plant.write(address, *words)
        assert refused.value.code is Fault.ILLEGAL_VALUE
    plant.write(Holding.CMD_CODE, Command.SELECT_RECIPE, 1, 7, 2)  # its argument may come along
    plant.run(0.2)
    assert plant.ir(Input.ACTIVE_RECIPE) == 2


def test_a_command_acts_at_the_next_scan_and_not_before() -> None:
    plant = operator()
    plant.run(1.0)
    plant.write(Holding.CMD_CODE, Command.RESET, 1, 7)
    assert plant.bank.read("hr", 0, 3) == [Command.RESET, 1, 7]
    assert plant.ir(Input.ACK_SEQ) == 0
    plant.twin.advance(1.09)
    assert plant.bank.read("ir", Input.ACK_SEQ, 1) == [0]
    plant.twin.advance(1.1)
    assert plant.bank.read("ir", Input.ACK_SEQ, 2) == [1, Result.DONE]
    assert plant.bank.read("ir", Input.MACHINE_STATE, 1) == [State.RESETTING]


def test_inputs_stand_still_within_a_scan() -> None:
    plant = operator()
    plant.run(2.0)
    first = plant.bank.read("ir", 0, INPUT_WORDS)
    for now_s in (2.01, 2.05, 2.09):
        plant.twin.advance(now_s)
        assert plant.bank.read("ir", 0, INPUT_WORDS) == first
    plant.twin.advance(3.0)
    assert plant.bank.read("ir", 0, INPUT_WORDS) != first


def test_a_repeated_command_acts_once_over_the_bank() -> None:
    plant = operator()
    assert plant.command(Command.RESET) is Result.DONE
    assert plant.until(State.IDLE)
    assert plant.command(Command.START, seq=9) is Result.DONE
    assert plant.command(Command.STOP) is Result.DONE
    assert plant.until(State.STOPPED)
    assert plant.command(Command.START, seq=9) is Result.DONE  # the stored answer
    assert plant.state() is State.STOPPED


def test_another_token_is_refused() -> None:
    plant = operator()
    thief = Operator(plant.twin, token=9)
    assert plant.bank.read("hr", Holding.OWNER, 1) == [7]
    assert thief.command(Command.RESET) is Result.TOKEN
    assert plant.state() is State.STOPPED
    assert plant.command(99) is Result.UNKNOWN


def test_recipes() -> None:
    plant = operator()
    assert plant.command(Command.SELECT_RECIPE, 2) is Result.DONE
    assert plant.ir(Input.ACTIVE_RECIPE) == 2
    assert plant.bank.read("hr", Holding.SP_TEMP_Z0 + 3, 1) == [800]
    assert plant.bank.read("hr", Holding.SP_NAOH_Z2, 3) == [150, 200, 3000]
    for number in (0, 31, 32, 65535):
        assert plant.command(Command.SELECT_RECIPE, number) is Result.RANGE
    assert plant.ir(Input.ACTIVE_RECIPE) == 2
    assert plant.start(1)
    assert plant.command(Command.SELECT_RECIPE, 2) is Result.STATE  # not while it runs


def test_modes() -> None:
    plant = operator()
    assert plant.command(Command.SELECT_MODE, 4) is Result.RANGE
    assert plant.command(Command.SELECT_MODE, Mode.MANUAL) is Result.DONE
    assert plant.ir(Input.UNIT_MODE) == Mode.MANUAL
    plant.command(Command.RESET)
    assert plant.until(State.IDLE)
    assert plant.command(Command.START) is Result.STATE
    assert plant.command(Command.SELECT_MODE, Mode.MAINTENANCE) is Result.DONE
    plant.command(Command.SELECT_RECIPE, 1)
    assert plant.command(Command.START) is Result.DONE
    assert plant.until(State.EXECUTE)
    assert not plant.set(Coil.FEED_ENABLE)
    assert not plant.set(Coil.HEATER_ENABLE)
    assert not plant.set(Coil.CAUSTIC_DOSE_ENABLE)
    plant.run(20.0)
    assert plant.ir(Input.CHAIN_SPEED) == 500  # the chain runs, empty


def test_pulses_are_cleared_by_the_plc_and_levels_stay() -> None:
    plant = operator()
    plant.command(Command.RESET)
    assert plant.until(State.IDLE)
    assert plant.set(Coil.START_REQ)
    plant.run(0.2)
    assert plant.bank.read("co", Coil.START_REQ, 1) == [0]
    assert plant.state() is State.STARTING
    assert plant.set(Coil.FRESH_VALVE)
    plant.set(Coil.LAMP_TEST)
    plant.run(0.2)
    assert plant.twin.plc.lamps
    plant.run(4.0)
    assert not plant.twin.plc.lamps
    assert plant.bank.read("co", Coil.FRESH_VALVE, 1) == [1]
    plant.set(Coil.STOP_REQ)
    plant.run(0.2)
    assert plant.state() is State.STOPPING
    assert plant.bank.read("co", 0, 8) == [0] * 8


def test_holes_answer_zero_or_exception_2() -> None:
    twin = WasherTwin(1)
    loose, strict = WasherBank(twin), WasherBank(twin, strict_holes=True)
    assert loose.read("ir", 44, 6) == [0] * 6
    assert loose.read("ir", 60, 10)[6:] == [0] * 4
    assert loose.read("ir", 500, 2) == [0, 0]
    assert loose.read("di", 10, 4)[2:] == [0, 0]
    assert strict.read("ir", 50, 16) == loose.read("ir", 50, 16)
    for table, address, count in (
        ("ir", 18, 2),
        ("ir", 44, 1),
        ("ir", 65, 2),
        ("hr", 4, 1),
        ("co", 8, 1),
        ("di", 11, 2),
    ):
        with pytest.raises(ModbusFault) as refused:
            strict.read(table, address, count)
        assert refused.value.code is Fault.ILLEGAL_ADDRESS
    for table, address in (("hr", 4), ("hr", 25), ("hr", 32), ("co", 8)):
        with pytest.raises(ModbusFault):
            loose.write(table, address, [1])


def test_a_broken_sensor_reads_minus_32768() -> None:
    plant = operator()
    for name in ("z3.temperature", "z2.conductivity", "z5.pressure"):
        plant.twin.defects.spoil(name, lambda _value, _s: None)
    plant.run(1.0)
    assert plant.ir(Input.TEMP_Z0 + 3) == plant.ir(Input.COND_Z2) == plant.ir(Input.PRESS_Z5) == 0x8000
    assert plant.ir(Input.TEMP_Z0 + 2) == pytest.approx(620, abs=5)


GOOD = [int(bit not in {Discrete.INFEED_FULL, Discrete.OUTFEED_BLOCKED}) for bit in Discrete]


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("contact.estop", Discrete.ESTOP_OK),
        ("contact.doors", Discrete.DOORS_OK),
        ("contact.clutch", Discrete.CHAIN_CLUTCH_OK),
        ("contact.shear_pin", Discrete.SHEAR_PIN_OK),
        ("contact.steam", Discrete.STEAM_OK),
        ("contact.mains", Discrete.MAINS_OK),
        ("contact.outfeed", Discrete.OUTFEED_BLOCKED),
    ],
)
def test_discrete_inputs(name: str, bit: Discrete) -> None:
    plant = operator()
    plant.start(1)
    plant.run(30.0)
    assert plant.bank.read("di", 0, 12) == GOOD
    plant.twin.defects.spoil(name, lambda _value, _s: None)
    plant.run(1.0)
    assert [k for k, value in enumerate(plant.bank.read("di", 0, 12)) if value != GOOD[k]] == [bit]


def test_bottles_wait_at_the_infeed() -> None:
    plant = operator()
    plant.twin.feed(Lot("lot", 10))
    plant.run(1.0)
    assert plant.bank.read("di", Discrete.INFEED_FULL, 1) == [1]


def test_energy_is_power_over_time() -> None:
    plant = operator(warm=False)
    assert plant.start(1)
    before_wh, power_kw = plant.ir(Input.ENERGY_WH, 2), []
    for _ in range(120):
        plant.run(1.0)
        power_kw.append(plant.ir(Input.HEATER_KW) * 0.1)
    assert min(power_kw) > 200.0
    assert plant.ir(Input.ENERGY_WH, 2) - before_wh == pytest.approx(sum(power_kw) / 3.6, abs=2.0 * power_kw[0] / 3.6)


def test_a_reboot_shows_within_the_scan() -> None:
    plant = operator()
    plant.run(10.0)
    assert plant.ir(Input.BOOT_COUNTER) == 1
    plant.twin.plc.reboot()
    assert (plant.ir(Input.BOOT_COUNTER), plant.ir(Input.HEARTBEAT)) == (2, 0)


def test_a_mask_and_a_write_with_a_read_on_unit_1() -> None:
    """Functions 22 and 23 of the Modbus application protocol V1.1b3, 6.16 and 6.17."""
    plant = operator()
    banks: dict[int, Bank] = {1: plant.bank}
    plant.write(Holding.SP_TEMP_Z0 + 3, 0x0212)
    # (0x0212 AND 0x00F2) OR (0x0125 AND NOT 0x00F2)
    assert answer(banks, 1, bytes.fromhex("16000d00f20125")) == bytes.fromhex("16000d00f20125")
    assert plant.bank.read("hr", Holding.SP_TEMP_Z0 + 3, 1) == [0x0117]
    assert answer(banks, 1, bytes.fromhex("1600000000ffff")) == b"\x96\x03"  # a command is written in one request
    assert answer(banks, 1, bytes.fromhex("1600040000ffff")) == b"\x96\x02"  # no register there
    asked = bytes.fromhex("17000d0001000d000102ffff")  # -0.1 °C: clamped before it is read
    assert answer(banks, 1, asked) == bytes.fromhex("17020000")
    assert answer(banks, 3, asked) == b"\x97\x0b"

"""The washer's PLC by itself, scan by scan: what it orders of what it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from linectl.sim.plc.handshake import Result
from linectl.sim.washer.alarms import Alarm
from linectl.sim.washer.interlocks import FLUSH_AFTER_S, PUSH_OUT_AFTER_S
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.plc import CREEP_POCKETS_MIN, RUN_UP_POCKETS_MIN_S, WasherPlc
from linectl.sim.washer.recipes import RECIPES
from linectl.sim.washer.seen import Contact
from linectl.sim.washer.states import Command, State
from tests.sim.washer.good_shift import GOOD

NONE = (0.0,) * 8


class Bench:
    """A PLC that is shown what a test wants, once a second; its wire time is its process time."""

    def __init__(self) -> None:
        self.plc = WasherPlc(reference_machine())
        self.now_s = 0.0
        self._beats = 0
        self.plc.claim(7)
        self.scan()

    def scan(self, times: int = 1, *, beating: bool = True, **shown: Any) -> None:
        for _ in range(times):
            self.now_s += 1.0
            self.plc.program(self.now_s)
            if beating:
                self._beats += 1
                self.plc.beat(self._beats)
            self.plc.tick(self.now_s)
            self.plc.scan(GOOD._replace(**shown))

    def execute(self) -> WasherPlc:
        """Start recipe A with everything released."""
        plc = self.plc
        plc.ask(RECIPES[1].setpoints)
        assert plc.command(Command.RESET) is Result.DONE
        self.scan(4)
        assert plc.command(Command.START) is Result.DONE
        plc.enable_heater(on=True)
        plc.enable_dose(on=True)
        plc.enable_feed(on=True)
        plc.open_fresh(on=True)
        self.scan(80)
        assert plc.state is State.EXECUTE
        assert (plc.refused, plc.alarms.word_1) == ("", 0)
        return plc


def test_a_horn_sounds_before_the_chain_runs_up() -> None:
    bench = Bench()
    plc = bench.plc
    plc.ask(RECIPES[1].setpoints)
    plc.command(Command.RESET)
    bench.scan(4)
    plc.command(Command.START)
    horn_s, began_s, speeds = 2.0, bench.now_s, []
    for _ in range(15):
        bench.scan(speed_pockets_min=0.0, bottles=NONE)
        speeds.append((bench.now_s - began_s, plc.orders.speed_pockets_min))
    assert all(speed == 0.0 for at_s, speed in speeds if at_s < horn_s)
    running = [speed for at_s, speed in speeds if at_s >= horn_s]
    steps = [RUN_UP_POCKETS_MIN_S * (k + 1) for k in range(len(running))]
    assert running == [min(50.0, speed) for speed in steps]


def test_a_dry_heater_loses_its_release_for_good() -> None:
    bench = Bench()
    plc = bench.execute()
    bench.scan(4, level_pct=(100.0, 100.0, 20.0))
    assert plc.alarms.word_1 & Alarm.DRY_RUN
    assert (plc.heater_enable, plc.orders.heater_kw) == (False, NONE)
    bench.scan(5)
    plc.acknowledge()
    bench.scan(5, temperature_c=(34.0, 45.0, 62.0, 70.0, 60.0, 50.0, 38.0, 15.0))
    assert (plc.heater_enable, plc.orders.heater_kw) == (False, NONE)


def test_a_bath_that_nobody_heats_is_not_too_cold() -> None:
    """Nor do steps between zones matter while they cool down."""
    cold: dict[str, Any] = {"temperature_c": (34.0, 45.0, 62.0, 40.0, 60.0, 50.0, 38.0, 15.0)}
    bench = Bench()
    plc = bench.execute()
    plc.enable_heater(on=False)
    bench.scan(30, **cold)
    assert plc.alarms.word_1 == 0
    control = Bench()
    control.execute()
    control.scan(30, **cold)
    assert control.plc.alarms.word_1 & Alarm.Z3_COLD


def test_the_watchdogs_orders_hold_before_the_next_scan() -> None:
    bench = Bench()
    plc = bench.execute()
    bench.scan(temperature_c=(34.0, 40.0, 60.0, 78.5, 58.0, 45.0, 35.0, 15.0), naoh_pct=(1.4, 1.4))
    assert min(plc.orders.heater_kw[2:4]) > 0.0
    assert min(plc.orders.dose_g_min[2:4]) > 0.0
    assert plc.orders.feed
    assert plc.orders.speed_pockets_min == 50.0
    plc.tick(bench.now_s + 2.0)
    orders = plc.orders
    assert (orders.heater_kw, orders.dose_g_min, orders.speed_pockets_min, orders.feed) == (NONE, NONE, 0.0, False)
    assert plc.setpoints.temperature_c == NONE


def test_a_lost_rinse_puts_those_in_doubt_too_that_still_move() -> None:
    bench = Bench()
    plc = bench.execute()
    doubtful: dict[str, Any] = {"fresh_l_min": 0.0}
    bench.scan(5, pockets=5000.0, **doubtful)
    (first,) = plc.quarantines
    bench.scan(pockets=5003.0, **doubtful)
    (grown,) = plc.quarantines
    assert (grown.first, grown.last) == (first.first, first.last + 3)
    assert plc.state is State.HOLDING


def test_a_gap_in_the_infeed_completes_nothing_while_bottles_may_come() -> None:
    bench = Bench()
    plc = bench.execute()
    bench.scan(20, bottles=NONE)
    assert plc.state is State.EXECUTE
    plc.enable_feed(on=False)
    bench.scan(bottles=NONE)
    assert bench.plc.state is State.COMPLETING


@pytest.mark.parametrize("zone", [2, 3])
def test_bottles_in_either_bath_stand_in_caustic(zone: int) -> None:
    bench = Bench()
    plc = bench.execute()
    bottles = tuple(10.0 if k == zone else 0.0 for k in range(8))
    bench.scan(119, speed_pockets_min=0.0, bottles=bottles)
    assert not plc.alarms.word_1 & Alarm.STAND
    bench.scan(3, speed_pockets_min=0.0, bottles=bottles)
    assert plc.alarms.word_1 & Alarm.STAND
    other = tuple(0.0 if k in {2, 3} else 10.0 for k in range(8))
    control = Bench()
    control.execute()
    control.scan(130, speed_pockets_min=0.0, bottles=other)
    assert not control.plc.alarms.word_1 & Alarm.STAND


def test_bottles_that_stand_are_kept_wet_whatever_was_released() -> None:
    bench = Bench()
    plc = bench.execute()
    plc.open_fresh(on=False)
    bench.scan(int(FLUSH_AFTER_S) - 1, speed_pockets_min=0.0)
    assert plc.orders.fresh_l_min == 0.0
    bench.scan(3, speed_pockets_min=0.0)
    assert plc.orders.fresh_l_min == plc.params.fresh_l_min
    assert plc.orders.heater_kw[2:4] == (0.0, 0.0)


def test_a_chain_that_tripped_pushes_nothing_out() -> None:
    stands: dict[str, Any] = {"speed_pockets_min": 0.0}
    bench = Bench()
    plc = bench.execute()
    bench.scan(torque_pct=130.0)
    assert plc.alarms.word_1 & Alarm.TORQUE
    bench.scan(int(PUSH_OUT_AFTER_S) + 5, **stands)
    assert (plc.pushing, plc.orders.speed_pockets_min) == (False, 0.0)
    plc.acknowledge()
    bench.scan(3, **stands)
    assert (plc.pushing, plc.orders.speed_pockets_min) == (True, CREEP_POCKETS_MIN)
    bench.scan(20, speed_pockets_min=CREEP_POCKETS_MIN)
    assert (plc.state, plc.orders.speed_pockets_min) == (State.STOPPING, CREEP_POCKETS_MIN)  # as long as it takes
    bench.scan(**stands, open_contacts=Contact.OUTFEED)
    assert (plc.pushing, plc.orders.speed_pockets_min) == (False, 0.0)


def test_a_drain_is_no_alarm_of_a_low_level() -> None:
    bench = Bench()
    plc = bench.plc
    bench.scan(30, level_pct=(99.0, 99.0, 99.0), bottles=NONE, speed_pockets_min=0.0)
    plc.do(Command.DRAIN, 1, 7)
    assert plc.handshake.ack_result is Result.PENDING
    for pct in (98.0, 95.0, 92.0, 80.0, *[60.0] * 30):
        bench.scan(level_pct=(pct, pct, pct), bottles=NONE, speed_pockets_min=0.0)
    assert plc.alarms.word_1 == 0
    assert plc.command(Command.RESET) is Result.STATE  # not while it drains
    bench.scan(level_pct=(0.3, 0.3, 0.3), bottles=NONE, speed_pockets_min=0.0)
    assert bench.plc.handshake.ack_result is Result.DONE
    assert plc.command(Command.RESET) is Result.DONE


@pytest.mark.parametrize("release", ["enable_heater", "enable_dose", "enable_feed"])
def test_whatever_is_dangerous_wakes_the_watchdog(release: str) -> None:
    bench = Bench()
    plc = bench.plc
    assert plc.command(Command.RESET) is Result.DONE
    bench.scan(4)
    plc.claim(0)
    assert plc.host.deadline_s() is None
    getattr(plc, release)(on=True)
    assert plc.host.deadline_s() == bench.now_s + plc.watchdog_s
    bench.scan(3, beating=False)
    assert plc.alarms.word_1 == Alarm.WATCHDOG
    assert (plc.heater_enable, plc.dose_enable, plc.feed_enable) == (False, False, False)


def test_a_host_leaves_in_order_only_when_nothing_is_left_on() -> None:
    bench = Bench()
    plc = bench.execute()
    plc.claim(0)
    assert plc.host.deadline_s() is not None
    plc.enable_heater(on=False)
    plc.enable_dose(on=False)
    plc.enable_feed(on=False)
    plc.claim(0)
    assert plc.host.deadline_s() is not None  # the chain runs
    assert plc.command(Command.STOP) is Result.DONE
    plc.claim(0)
    assert plc.host.deadline_s() is None


def test_the_first_alarm_is_told_until_the_last_is_gone() -> None:
    bench = Bench()
    plc = bench.execute()
    bench.scan(torque_pct=130.0)
    assert (plc.alarms.first_code, plc.alarms.seq) == (110, 1)
    bench.scan(15, torque_pct=130.0, screen_mbar=80.0)
    assert (plc.alarms.first_code, plc.alarms.seq) == (110, 2)
    bench.scan(screen_mbar=80.0)
    plc.acknowledge()
    assert (plc.alarms.word_1, plc.alarms.first_code) == (Alarm.SCREEN, 110)
    bench.scan()
    plc.acknowledge()
    assert (plc.alarms.word_1, plc.alarms.first_code, plc.alarms.seq) == (0, 0, 2)


def test_a_rinse_has_a_minute_to_become_clean() -> None:
    bench = Bench()
    plc = bench.execute()
    plc.open_fresh(on=False)
    bench.scan(10, ph_final=11.0)
    plc.open_fresh(on=True)
    bench.scan(60, ph_final=11.0)
    assert plc.alarms.word_1 == 0
    bench.scan(10, ph_final=11.0)
    assert plc.alarms.word_1 == Alarm.CAUSTIC_IN_RINSE


def test_the_number_of_alarms_stays_a_word() -> None:
    plc = Bench().plc
    plc.alarms.seq = 0xFFFF
    plc.alarms.raise_now(Alarm.WATCHDOG)
    assert plc.alarms.seq == 0


def test_a_chain_that_nobody_gave_a_speed_takes_no_bottles_and_says_so() -> None:
    bench = Bench()
    plc = bench.execute()
    plc.ask(replace(plc.setpoints, speed_b_h=0.0))
    bench.scan(3)
    assert (plc.refused, plc.orders.feed) == ("chain.setpoint", False)

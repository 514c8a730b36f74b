"""What the application shows of each fault of the washer: drives, chain, screen, bottles, contacts and its PLC."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.line.reports import Command
from linectl.line.word_orders import likely_order
from linectl.model.faults import FaultOrder
from tests.faults.benches import Act, Bench, Case, start_washing

EXECUTE, HELD = 6, 11
WORD_1, WORD_2 = "washer.alarm_word", "washer.alarm_word_2"


def alarmed(bit: int, word: str = WORD_1, *, within_s: float = 30.0, then: Act | None = None) -> Act:
    """Return what sees an alarm's bit within its time, told as an event where the line watches its word."""

    async def shows(bench: Bench) -> None:
        assert not bench.bit(bit, word)
        await bench.until(lambda: bench.bit(bit, word), within_s)
        if word == WORD_1:
            await bench.until(lambda: bool(bench.told("plc_alarm")), 2.0)
        if then is not None:
            await then(bench)

    return shows


async def acknowledged(bench: Bench) -> None:
    """Alarms stay until they are acknowledged; a washer that was held goes on when a person lets it."""
    await bench.sleep(15.0)
    assert bench.value(WORD_1) or bench.value(WORD_2)
    assert str((await bench.line.command(Command.ACKNOWLEDGE, within_s=10.0)).outcome) == "confirmed"
    await bench.until(lambda: bench.value(WORD_1) == bench.value(WORD_2) == 0.0, 30.0)
    if bench.value("washer.state") == HELD:
        assert str((await bench.line.command(Command.UNHOLD, within_s=10.0)).outcome) == "confirmed"
    await bench.until(lambda: bench.value("washer.state") == EXECUTE, 30.0)


async def going_on(bench: Bench) -> None:
    """After that, bottles come in again."""
    await acknowledged(bench)
    before = bench.value("washer.bottles_in")
    await bench.until(lambda: bench.value("washer.bottles_in") > before, 60.0)


async def _stands(bench: Bench) -> None:
    await bench.until(lambda: bench.value("washer.state") == HELD, 30.0)
    assert bench.value("washer.chain_speed") == 0.0
    before = bench.value("washer.bottles_in")
    await bench.sleep(30.0)
    assert bench.value("washer.bottles_in") == before


async def _no_feed(bench: Bench) -> None:
    await bench.sleep(5.0)
    before = bench.value("washer.bottles_in")
    await bench.sleep(60.0)
    assert bench.value("washer.bottles_in") == before
    assert bench.value("washer.state") == EXECUTE  # those inside go on


async def _no_fumes_drawn(bench: Bench) -> None:
    assert bench.value("washer.extraction") < 2.0
    await _no_feed(bench)


async def _no_water(bench: Bench) -> None:
    assert bench.value("washer.fresh_flow") < 1.0
    await bench.until(lambda: bench.bit(0, WORD_2), 10.0)  # and the valve's own contact says that it does not obey
    await _stands(bench)


async def _clogged(bench: Bench) -> None:
    assert bench.value("washer.screen_dp") > 100.0
    assert bench.value("z2.pressure") < 0.7  # of 0.8 bar


async def _dry_jets(bench: Bench) -> None:
    assert bench.value("z5.pressure") < 0.1


async def _open_door(bench: Bench) -> None:
    await bench.until(lambda: not bench.value("washer.doors_ok"), 6.0)
    await _stands(bench)


async def _cold(bench: Bench) -> None:
    assert bench.value("infeed.bottle_temperature") == pytest.approx(0.0, abs=1.5)
    await _no_feed(bench)


async def _wrong_glue(bench: Bench) -> None:
    """No sensor smells glue: what tells is the inspector behind the washer, twelve minutes later."""
    assert bench.value("washer.bottles_rejected") == 0
    await bench.until(lambda: bench.value("washer.bottles_rejected") > 10, 1200.0)
    assert bench.value(WORD_1) == 0.0
    tally = bench.rig.washer.chain.tallies["bench"]
    assert tally.rejected / tally.judged > 0.03  # casein alone: less than 0.5 %


async def _estimate_off(bench: Bench) -> None:
    await bench.sleep(5.0)
    ours, theirs = bench.value("z3.naoh"), bench.value("z3.naoh_plc")
    assert ours == pytest.approx(
        1.5, abs=0.03
    )  # made of raw conductivity by the law: the PLC's figure does not touch it
    assert theirs / ours == pytest.approx(0.905, abs=0.015)  # 9.5 % low at 80 °C
    await bench.until(lambda: bench.bit(2, "washer.warn_word"), 30.0)


async def _swapped(bench: Bench) -> None:
    before = bench.value("washer.bottles_in")
    await bench.sleep(2.0)
    assert bench.value("washer.bottles_in") > before + 65_536  # a counter alone can be any number: believed
    trace = await bench.line.trace("washer.serial_number")
    known = replace(trace.tag, low=3_000_000.0, high=3_999_999.0)  # what the plate on the PLC says
    assert likely_order(known, trace.registers) == "CDAB"
    assert trace.raw.value != 3_000_250


async def _right_again(bench: Bench) -> None:
    assert (await bench.line.read("washer.serial_number")).value == 3_000_250


async def _blind(bench: Bench) -> None:
    assert bench.quality("z3.temperature") == bench.quality("z3.naoh") == "BAD/sensor_failure"
    await _no_feed(bench)


_RECIPE = {"washer.recipe": 1.0}


def _case(order: FaultOrder, shows: Act, mended: Act | None = None, *, wires: bool = False) -> Case:
    return Case(order, shows, mended, wires=wires, washer=True, initial=_RECIPE, before=start_washing)


WASHER_CASES: tuple[Case, ...] = (
    _case(FaultOrder("chain_jam"), alarmed(10, then=_stands), going_on),
    _case(FaultOrder("screen_clogged"), alarmed(9, then=_clogged), acknowledged),
    _case(FaultOrder("extraction_failed"), alarmed(11, then=_no_fumes_drawn), going_on),
    _case(FaultOrder("valve_stuck", "fresh"), alarmed(6, then=_no_water), acknowledged),
    _case(FaultOrder("pump_failed", "z5"), alarmed(5, then=_dry_jets), acknowledged),
    _case(FaultOrder("contactor_open", "axial"), alarmed(5, WORD_2, then=_no_feed), going_on),
    _case(FaultOrder("contact_open", "doors"), alarmed(13, WORD_2, then=_open_door), acknowledged),
    _case(FaultOrder("cold_bottles"), alarmed(12, within_s=60.0, then=_cold), going_on),
    _case(FaultOrder("wrong_glue_lot"), _wrong_glue),
    _case(FaultOrder("plc_compensation"), _estimate_off),
    _case(FaultOrder("wrong_word_order"), _swapped, _right_again, wires=True),
    _case(FaultOrder("sensor_dead", "z3.temperature"), alarmed(15, then=_blind), going_on),
    _case(FaultOrder("plc_watchdog", "washer"), alarmed(14, then=_stands)),
)

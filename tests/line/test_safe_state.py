"""The declared safe state: its order, its proof, and what it is when nothing is declared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.link import RawValue
from linectl.errors import DeviceError
from linectl.line.narrow import only_wire, read_only
from linectl.line.reports import Command
from linectl.line.safe_state import safe_steps, safe_values
from linectl.model.lines import SafeStep
from tests.line.benches import COMMAND, HEATER, TEXT, Bench, definition, make, virtually

DECLARED = TEXT.replace(
    "zones:\n",
    "safe_state:\n  - {tag: bath.heater_enable, value: false}\n  - {tag: bath.stirrer, value: 10}\n"
    "  - {command: abort}\nzones:\n",
    1,
)


def sent(bench: Bench) -> list[tuple[str, RawValue]]:
    wanted = {HEATER, "2/hr12", COMMAND}
    return [(where, value) for _when, where, value in bench.plc.written if where in wanted]


def test_without_a_declaration_it_is_heater_off_then_stop() -> None:
    line = definition()
    assert safe_steps(line) == (SafeStep("bath.heater_enable", value=False), SafeStep(command="stop"))
    assert safe_values(line) == {"bath.heater_enable": False}
    assert safe_steps(read_only(line)) == ()


def test_the_declared_steps_are_carried_out_in_order() -> None:
    async def work() -> Bench:
        bench = make(DECLARED)
        async with bench.line:
            await bench.line.write("bath.heater_enable", value=True)
            bench.plc.written.clear()
            await bench.line.safe()
            steps = sent(bench)
            assert steps == [(HEATER, False), ("2/hr12", 10), (COMMAND, (Command.ABORT, 1, 1))]
            assert bench.line.safe_values == {"bath.heater_enable": False, "bath.stirrer": 10}
        return bench

    virtually(work)


def test_what_is_not_read_back_is_not_proved_and_hinders_nothing_after_it() -> None:
    async def work() -> None:
        bench = make(DECLARED)
        await bench.line.open()
        bench.plc.stuck[HEATER] = True
        with pytest.raises(DeviceError, match=r"bath\.heater_enable = false") as caught:
            await bench.line.safe()
        assert "stirrer" not in caught.value.message
        assert [where for where, _value in sent(bench)] == [HEATER, HEATER, HEATER, "2/hr12", COMMAND]
        bench.plc.stuck.clear()
        await bench.line.close()

    virtually(work)


def test_a_silent_wire_is_not_waited_for_once_more() -> None:
    async def work() -> None:
        bench = make(DECLARED)
        await bench.line.open()
        bench.links["plc"].silent = True
        began_s = bench.clock.process_s()
        with pytest.raises(DeviceError, match="heater_enable = false: unknown"):
            await bench.line.safe()
        assert bench.clock.process_s() - began_s <= 6.0  # three tries of each write, and no command
        bench.links["plc"].silent = False
        await bench.line.close()

    virtually(work)


def test_a_line_cut_down_to_one_wire_keeps_the_steps_that_it_can_do() -> None:
    line = definition(DECLARED)
    elsewhere = replace(line.tags["bath.stirrer"], link="rtd")
    line = replace(line, tags={**line.tags, "bath.stirrer": elsewhere})
    assert [step.tag or step.command for step in only_wire(line, "plc").safe_state] == ["bath.heater_enable", "abort"]

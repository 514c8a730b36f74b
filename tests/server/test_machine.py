"""The machine's commands on the twin: every state with every command, what is refused, what is proved, what is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import DeviceError, NotConfirmed, Refused
from linectl.line.packml import ENDS_IN, MOVES, STATE_COMMANDS, Mode, State, goal, mode_name, possible, state_name
from linectl.line.reports import Command, Result
from linectl.server.washing.machine_args import CommandArgs, ModeArgs, NoArgs, RecipeArgs, StartLot, StopArgs
from linectl.sim.glue.lots import Lot as Bottles
from linectl.sim.washer.states import COMPLETES
from linectl.sim.washer.states import MOVES as PLC_MOVES
from linectl.sim.washer.states import Command as PlcCommand
from linectl.sim.washer.states import State as PlcState
from tests.server.machine_bench import LEA, Bench, on_a_washer

NOW = CommandArgs()
GIVE = {
    Command.RESET: "reset",
    Command.START: "start",
    Command.HOLD: "hold",
    Command.UNHOLD: "unhold",
    Command.SUSPEND: "suspend",
    Command.UNSUSPEND: "unsuspend",
    Command.CLEAR: "clear",
    Command.ABORT: "abort",
}


async def put(bench: Bench, state: State) -> None:
    """Bring the PLC to a state, as nothing on a wire could, and let the line see it."""
    bench.plc.state, bench.plc._since_s = PlcState(state), bench.plc._process_s
    await bench.clock.sleep(0.2)


def give(bench: Bench, command: Command) -> Callable[[], Awaitable[dict[str, Any]]]:
    if command is Command.STOP:
        return lambda: bench.machine.stop(StopArgs(confirmed=True), LEA)
    return lambda: getattr(bench.machine, GIVE[command])(NOW, LEA)


def test_the_tables_are_those_of_the_plc_and_of_the_standard() -> None:
    theirs = {(int(state), int(command)): int(to) for (state, command), to in PLC_MOVES.items()}
    assert {(int(state), int(command)): int(to) for (state, command), to in MOVES.items()} == theirs
    assert {int(state): int(to) for state, to in ENDS_IN.items()} == {
        int(s): int(to) for s, (to, _) in COMPLETES.items()
    }
    assert {int(each) for each in PlcCommand} <= {int(each) for each in Command}
    assert goal(State.IDLE, Command.START) is State.EXECUTE
    assert goal(State.IDLE, Command.HOLD) is None
    assert possible(State.UNDEFINED) == ()
    assert len({state_name(state) for state in State}) == len(State)
    assert len({mode_name(mode) for mode in Mode}) == len(Mode)


@pytest.mark.parametrize("state", [state for state in State if state is not State.UNDEFINED])
def test_every_command_in_every_state(state: State, tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        for command in STATE_COMMANDS:
            await put(bench, state)
            written = bench.plc.written
            if (state, command) in MOVES:
                answer = await give(bench, command)()
                wanted = goal(state, command)
                assert wanted is not None
                assert (answer["outcome"], answer["state"]) == ("confirmed", wanted.name.lower()), (state, command)
                assert bench.plc.written[0] == command
            elif command is Command.ABORT:  # nobody looks at a state before an abort is sent
                assert (await give(bench, command)())["outcome"] == "confirmed"
            else:
                with pytest.raises(Refused) as caught:
                    await give(bench, command)()
                assert caught.value.code == "E-MCH-001"
                assert state_name(state) in caught.value.message
                assert bench.plc.written == written, "nothing was sent"
                await put(bench, state)
                forced = await bench.server.line.command(command, within_s=5.0)
                assert forced.result == Result.STATE, "the PLC would have refused it too"

    on_a_washer(tmp_path, act)


def test_what_is_possible_is_named(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        with pytest.raises(Refused, match="start is not possible while the machine is stopped") as caught:
            await bench.machine.start(NOW, LEA)
        assert caught.value.hint == "possible now: reset, abort"
        assert (await bench.machine.reset(CommandArgs(dry_run=True), LEA))["outcome"] == "possible"
        assert bench.section()["state"] == "stopped"

    on_a_washer(tmp_path, act)


def test_a_machine_without_a_recipe_is_not_started(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.machine.reset(NOW, LEA)
        with pytest.raises(Refused, match="no recipe") as caught:
            await bench.machine.start(NOW, LEA)
        assert caught.value.code == "E-MCH-002"
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        answer = await bench.machine.start(NOW, LEA)
        assert answer["outcome"] == "confirmed"
        assert answer["off"][0] == "washer.fresh_valve"
        assert answer["took_s"] >= 12.0

    on_a_washer(tmp_path, act)


def test_a_missing_permissive_keeps_a_start_off_the_wire_and_no_hold(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.machine.reset(NOW, LEA)
        bench.forbidden = ["a door is open"]
        written = bench.plc.written
        with pytest.raises(Refused, match="a door is open") as caught:
            await bench.machine.start(CommandArgs("first shift"), LEA)
        assert (caught.value.code, bench.plc.written) == ("E-MCH-002", written)
        bench.forbidden = []
        await bench.machine.start(NOW, LEA)
        bench.forbidden = ["a door is open"]
        assert (await bench.machine.hold(NOW, LEA))["outcome"] == "confirmed"
        with pytest.raises(Refused, match="a door is open"):
            await bench.machine.unhold(NOW, LEA)
        assert (await bench.machine.abort(NOW, LEA))["outcome"] == "confirmed"

    on_a_washer(tmp_path, act)


def test_taken_is_not_done(tmp_path: Path) -> None:
    """A start that a trip interrupts was taken by the PLC, and is not told as done."""

    async def act(bench: Bench) -> None:
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.machine.reset(NOW, LEA)
        early = await bench.machine.start(CommandArgs(within_s=-1.0), LEA)
        assert (early["outcome"], early["state"]) == ("unknown", "starting")
        assert "still starting" in early["detail"]
        await bench.until(lambda: bench.section()["state"] == "execute")
        await bench.machine.hold(NOW, LEA)
        go_on = bench.clock.process_s() + 3.0

        async def interrupted() -> dict[str, Any]:
            return await bench.machine.unhold(NOW, LEA)

        task = asyncio.create_task(interrupted())
        await bench.clock.sleep_until(go_on)
        bench.plc._go(PlcState.HOLDING)
        answer = await task
        assert (answer["outcome"], answer["state"]) == ("unknown", "holding")
        assert "not executing" in answer["detail"]

    on_a_washer(tmp_path, act)


async def silent(bench: Bench) -> None:
    await bench.clock.sleep(4.0)
    with pytest.raises(Refused, match="not known"):
        await bench.machine.start(NOW, LEA)
    answer = await bench.machine.hold(CommandArgs(within_s=6.0), LEA)
    assert (answer["outcome"], answer["state"]) == ("unknown", "undefined")
    with pytest.raises(DeviceError):
        await bench.machine.abort(CommandArgs(within_s=6.0), LEA)


def test_a_silent_plc_is_told_as_unknown_and_nothing_moving_is_sent(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.machine.reset(NOW, LEA)
        await bench.rig.stop_modbus()
        try:
            await silent(bench)
        finally:
            await bench.rig.start_modbus()
            await bench.clock.sleep(15.0)
        trail = [entry for entry in (await bench.stored()).audit() if entry.action == "command"]
        assert [(entry.target, json.loads(entry.new or "{}")["outcome"]) for entry in trail][-3:] == [
            ("washer start", "refused"),
            ("washer hold", "unknown"),
            ("washer abort", "unknown"),
        ]

    on_a_washer(tmp_path, act)


def test_an_abort_asks_nothing_and_takes_the_run_with_it(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.wash(Bottles("a", 100))
        await bench.until(lambda: bench.value("washer.bottles_in") > 0)
        bench.forbidden = ["everything is forbidden"]
        bench.run.run_id = "42"
        answer = await bench.machine.abort(CommandArgs("glass in the chain"), LEA)
        assert (answer["outcome"], answer["state"]) == ("confirmed", "aborted")
        assert bench.run.asked == [("abort", "Léa", "glass in the chain")]
        assert not bench.plc.heater_enable
        assert (await bench.machine.abort(NOW, LEA))["outcome"] == "confirmed"
        last = list((await bench.stored()).audit())[-2]
        assert (last.actor, last.target, last.old, last.reason) == (
            *("Léa", "washer abort", '"execute"', "glass in the chain"),
        )

    on_a_washer(tmp_path, act)


def test_a_stop_names_what_it_loses_and_wants_a_yes(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        assert (await bench.machine.would_lose(NoArgs(), LEA))["loses"] == []
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.machine.lots.lot_start(StartLot("Cave du Jura", "burgundy_75cl", "casein", name="L1"), LEA)
        bench.rig.washer.feed(Bottles("a", 100))
        await bench.start()
        await bench.until(lambda: bench.value("washer.bottles_in") >= 20)
        written = bench.plc.written
        with pytest.raises(NotConfirmed) as caught:
            await bench.machine.stop(StopArgs(), LEA)
        assert caught.value.code == "E-MCH-003"
        assert "bottles stay inside; lot L1 of Cave du Jura is not through" in caught.value.message
        assert bench.plc.written == written
        answer = await bench.machine.stop(StopArgs("Feierabend", confirmed=True), LEA)
        assert (answer["outcome"], answer["state"]) == ("confirmed", "stopped")
        assert len(answer["loses"]) == 3

    on_a_washer(tmp_path, act)


def test_modes_are_selected_at_rest(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        answer = await bench.machine.mode(ModeArgs("maintenance", "new nozzles"), LEA)
        assert answer["outcome"] == "confirmed"
        await bench.clock.sleep(1.5)
        assert bench.section()["mode"] == "maintenance"
        with pytest.raises(Refused, match="there is no mode"):
            await bench.machine.mode(ModeArgs("turbo"), LEA)
        await bench.machine.mode(ModeArgs("produce"), LEA)
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.machine.reset(NOW, LEA)
        await bench.machine.start(NOW, LEA)
        with pytest.raises(Refused, match="at rest; the machine is executing"):
            await bench.machine.mode(ModeArgs("manual"), LEA)
        modes = [json.loads(entry.new or "{}").get("mode") for entry in (await bench.stored()).audit()]
        assert [mode for mode in modes if mode] == ["maintenance", "produce"]

    on_a_washer(tmp_path, act)


def test_another_mode_is_asked_for_where_a_lot_would_be_left_behind(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        assert (await bench.machine.mode(ModeArgs("maintenance", dry_run=True), LEA))["loses"] == []
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.machine.lots.lot_start(StartLot("Cave du Jura", "burgundy_75cl", "casein", name="L1"), LEA)
        written = bench.plc.written
        with pytest.raises(NotConfirmed, match="lot L1 of Cave du Jura is not through") as caught:
            await bench.machine.mode(ModeArgs("maintenance"), LEA)
        assert caught.value.code == "E-MCH-003"
        possible = await bench.machine.mode(ModeArgs("maintenance", dry_run=True), LEA)
        assert (possible["outcome"], len(possible["loses"])) == ("possible", 1)
        assert bench.plc.written == written
        assert (await bench.machine.mode(ModeArgs("maintenance", confirmed=True), LEA))["outcome"] == "confirmed"
        assert (await bench.machine.mode(ModeArgs("produce"), LEA))["outcome"] == "confirmed"  # loses nothing

    on_a_washer(tmp_path, act)


def test_while_a_run_has_the_machine_commands_are_the_runs_or_refused(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.wash()
        bench.run.run_id = "42"
        written = bench.plc.written
        held = await bench.machine.hold(CommandArgs("look"), LEA)
        assert (held["outcome"], held["run"], held["text"]) == (
            *("confirmed", "42"),
            "hold: run 42 is held, its heater is off",
        )
        assert (await bench.machine.unhold(NOW, LEA))["text"] == "unhold: run 42 goes on"
        with pytest.raises(Refused, match="suspend: run 42 has the machine"):
            await bench.machine.suspend(NOW, LEA)
        with pytest.raises(Refused, match="select mode: run 42 has the machine"):
            await bench.machine.mode(ModeArgs("manual"), LEA)
        with pytest.raises(Refused, match="select recipe: run 42 has the machine"):
            await bench.machine.recipe(RecipeArgs("reference_80c_2pct"), LEA)
        with pytest.raises(NotConfirmed, match="run 42, bath 3 of 8"):
            await bench.machine.stop(StopArgs(), LEA)
        assert bench.run.asked == [("hold", "Léa", "look"), ("resume", "Léa", "")]
        assert bench.plc.written == written, "the machine itself was left to the run"
        stopped = await bench.machine.stop(StopArgs("fire drill", confirmed=True), LEA)
        assert (stopped["state"], bench.run.asked[-1]) == ("stopped", ("abort", "Léa", "fire drill"))

    on_a_washer(tmp_path, act)

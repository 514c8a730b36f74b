"""Recipes on the twin: all values or the one that failed is named, the hash is kept, and a change of any is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.link import Outcome
from linectl.config.files import find_file
from linectl.errors import ConfigError, DeviceError, Refused
from linectl.line.reports import WriteReport
from linectl.model.readings import Value
from linectl.server.washing.machine_args import CommandArgs, EndLot, RecipeArgs, StartLot
from linectl.sim.glue.lots import Lot as Bottles
from tests.server.machine_bench import LEA, Bench, on_a_washer

ALL = (
    *("z1.setpoint", "z2.setpoint", "z2.naoh_setpoint", "z3.setpoint", "z3.naoh_setpoint", "z4.setpoint"),
    *("z5.setpoint", "z6.setpoint", "washer.speed_setpoint"),
)


def test_all_values_are_written_read_back_and_kept_with_the_hash(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        planned = await bench.machine.recipe(RecipeArgs("reference_80c", dry_run=True), LEA)
        assert (tuple(planned["values"]), planned["outcome"]) == (ALL, "possible")
        assert bench.plc.setpoints.speed_b_h == 0.0, "nothing was written"
        answer = await bench.machine.recipe(RecipeArgs("reference_80c", "monday"), LEA)
        assert (answer["outcome"], tuple(answer["written"])) == ("confirmed", ALL)
        assert bench.plc.setpoints.temperature_c == (0.0, 45.0, 62.5, 80.0, 60.0, 50.0, 38.0, 0.0)
        assert (bench.plc.setpoints.naoh_pct, bench.plc.setpoints.speed_b_h) == ((1.5, 1.5), 3000.0)
        told = bench.section()
        assert (told["recipe"], told["recipe_hash"], told["recipe_left"]) == (
            *("reference_80c", answer["recipe_hash"]),
            [],
        )
        assert len(answer["recipe_hash"]) == 64
        act_ = next(entry for entry in (await bench.stored()).audit() if entry.action == "select_recipe")
        assert (act_.actor, act_.reason, json.loads(act_.new or "{}")["recipe_hash"]) == (
            *("Léa", "monday"),
            answer["recipe_hash"],
        )
        await bench.restart()
        assert bench.machine.recipes.standing().recipe == "reference_80c"

    on_a_washer(tmp_path, act)


def test_a_value_that_is_changed_afterwards_ends_the_recipe_and_brought_back_restores_it(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        await bench.clock.sleep(65.0)
        assert bench.machine.recipes.standing().recipe == "reference_80c"
        await bench.server.write("z3.setpoint", 75.0, who="Max")
        await bench.clock.sleep(31.0)
        assert bench.machine.recipes.standing().recipe == ""
        told = bench.section()
        assert (told["recipe"], told["recipe_left"]) == ("reference_80c", ["z3.setpoint"])
        await bench.server.write("z3.setpoint", 80.0, who="Max")
        await bench.clock.sleep(31.0)
        assert bench.machine.recipes.standing().recipe == "reference_80c"
        assert len((await bench.stored()).events_of("recipe_left")) == 1
        assert len((await bench.stored()).events_of("recipe_back")) == 1
        bench.rig.reboot_plc(1)  # it forgets its setpoints
        await bench.clock.sleep(40.0)
        assert bench.machine.recipes.standing().recipe == ""

    on_a_washer(tmp_path, act)


def test_a_value_that_is_not_taken_is_named_with_what_was_and_was_not_written(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)
        honest = bench.server.write

        async def clamps(tag: str, value: Value, *, who: str, why: str) -> WriteReport:
            if tag == "z3.setpoint":
                return WriteReport(tag, Outcome.CLAMPED, value, 75.0)
            return await honest(tag, value, who=who, why=why)

        bench.machine.recipes._write = clamps
        with pytest.raises(DeviceError) as caught:
            await bench.machine.recipe(RecipeArgs("reference_80c_2pct"), LEA)
        assert caught.value.code == "E-MCH-005"
        assert "z3.setpoint = 80.0 was not taken (clamped; it has 75.0)" in caught.value.message
        assert "written: z1.setpoint, z2.setpoint, z2.naoh_setpoint" in caught.value.message
        assert "not tried: z3.naoh_setpoint" in caught.value.message
        assert bench.machine.recipes.standing().recipe == "", "parts of two recipes are none"

    on_a_washer(tmp_path, act)


def test_what_is_beyond_the_limits_is_refused_before_the_first_write(tmp_path: Path) -> None:
    text = find_file("reference_80c", folder="config/recipes").read_text(encoding="utf-8")
    hot = tmp_path / "hot.yaml"
    washer = find_file("washer", folder="config")
    text = text.replace("washer: washer", f"washer: {washer}").replace("name: reference_80c", "name: hot")
    hot.write_text(text.replace("temperature_c: 60, naoh", "temperature_c: 70, naoh"), encoding="utf-8")

    async def act(bench: Bench) -> None:
        with pytest.raises(ConfigError, match="nowhere"):
            await bench.machine.recipe(RecipeArgs("nowhere"), LEA)
        limits = bench.server.definition.zones["z4"].limits
        assert limits["temperature"].block > 70.0
        object.__setattr__(limits["temperature"], "block", 65.0)
        try:
            with pytest.raises(Refused, match=r"z4.setpoint: 70(\.0)? °C is beyond the limit") as caught:
                await bench.machine.recipe(RecipeArgs(str(hot)), LEA)
        finally:
            object.__setattr__(limits["temperature"], "block", 85.0)
        assert caught.value.code == "E-MCH-004"
        assert bench.plc.setpoints.speed_b_h == 0.0

    on_a_washer(tmp_path, act)


def test_a_recipe_is_set_at_rest_or_held_and_between_two_lots(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        await bench.wash()
        with pytest.raises(Refused, match="the machine is executing") as caught:
            await bench.machine.recipe(RecipeArgs("reference_80c_2pct"), LEA)
        assert "hold" in caught.value.hint
        await bench.machine.hold(CommandArgs(), LEA)
        await bench.machine.recipe(RecipeArgs("reference_80c_2pct"), LEA)
        lots = bench.machine.lots
        lot = await lots.lot_start(StartLot("Zoé", "burgundy_75cl", "casein", name="L1"), LEA)
        assert (lot["recipe"], lot["verdict"]) == ("reference_80c_2pct", "")
        await bench.machine.recipe(RecipeArgs("reference_80c"), LEA)  # no bottle of it is in yet
        bench.rig.washer.feed(Bottles("a", 20))
        await bench.machine.unhold(CommandArgs(), LEA)
        await bench.until(lambda: bench.value("washer.bottles_in") > 0, 600.0)
        await bench.clock.sleep(1.0)
        assert lots.book.lot("L1").recipe == "reference_80c", "that of its first bottle"
        await bench.machine.hold(CommandArgs(), LEA)
        with pytest.raises(Refused, match="goes in with reference_80c:"):
            await bench.machine.recipe(RecipeArgs("reference_80c_2pct"), LEA)
        await bench.machine.lots.lot_end(EndLot(), LEA)
        await bench.machine.recipe(RecipeArgs("reference_80c_2pct"), LEA)

    on_a_washer(tmp_path, act)


def test_a_recipe_is_not_held_to_the_pace_of_writes_by_hand(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        by_hand = await bench.server.write("z3.setpoint", 80.0, who="Max")
        assert (by_hand.outcome, by_hand.refused_by) == (Outcome.REFUSED, "step"), "the control: at once from 0 °C"
        assert (await bench.machine.recipe(RecipeArgs("reference_80c"), LEA))["outcome"] == "confirmed"

    on_a_washer(tmp_path, act)

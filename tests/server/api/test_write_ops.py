"""Writing through a served line: armed, set, undone; faults of the heating among what is tripped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import ConfigError, Refused
from linectl.line.heating_guard import HeatingTrip
from linectl.line.heating_watch import HeatingFault
from linectl.server.finding import connect
from tests.server.lines import up

UNARMED = "writing is not armed: linectl arm, or --arm with this command"


async def ask(folder: Path, op: str, *, operator: str = "ana", key: str = "", **args: Any) -> Any:
    def asked() -> Any:
        with connect(folder, operator=operator) as server:
            return server.ask(op, args, key=key)

    return await asyncio.to_thread(asked)


async def test_armed_set_and_undone(tmp_path: Path) -> None:
    async with up(tmp_path):
        refused = await ask(tmp_path, "set", tag="bath.stirrer", value=40)
        assert (refused["outcome"], refused["refused_by"]) == ("refused", "arming")
        armed = await ask(tmp_path, "arm")
        assert (armed["who"], armed["face"]) == ("ana", "cli")
        assert (await ask(tmp_path, "status", sections=["armed"]))["armed"] == armed
        done = await ask(tmp_path, "set", tag="bath.stirrer", value="40,5", why="slower")
        assert (done["outcome"], done["got"], done["before"]) == ("confirmed", 40.0, 0.0)  # what the register holds
        done = await ask(tmp_path, "set", tag="bath.setpoint", value="62,5")
        assert (done["outcome"], done["got"], done["unit"], done["shown"]["got"]) == (
            "confirmed",
            62.5,
            "°C",
            "62.5 °C",
        )
        undone = await ask(tmp_path, "undo")
        assert (undone["tag"], undone["got"]) == ("bath.setpoint", 0.0)
        with pytest.raises(Refused, match="nothing to undo"):
            await ask(tmp_path, "undo")
        assert await ask(tmp_path, "disarm") is None
        assert (await ask(tmp_path, "status", sections=["armed"])) == {"armed": None}
        journal = (await ask(tmp_path, "status", sections=["journal"]))["journal"]
        told = [(each["kind"], each["text"], each["who"]) for each in journal]
        assert told[0][1:] == (
            f"setpoint written : bath.stirrer = 40, refused: {UNARMED}",
            "ana",
        )
        assert told[2:5] == [
            ("write", "setpoint written : bath.stirrer = 40.5: slower", "ana"),
            ("write", "setpoint written : bath.setpoint = 62.5", "ana"),
            ("write", "setpoint written : bath.setpoint = 0", "ana"),
        ]
        assert [kind for kind, _text, _who in told] == ["write", "armed", "write", "write", "write", "disarmed"]


async def test_another_person_is_told_the_three_ways_out_and_may_take_over(tmp_path: Path) -> None:
    async with up(tmp_path):
        await ask(tmp_path, "arm")
        with pytest.raises(Refused) as caught:
            await ask(tmp_path, "arm", operator="bo")
        assert caught.value.code == "E-ARM-002"
        assert caught.value.hint.count(";") == 2
        report = await ask(tmp_path, "set", operator="bo", tag="bath.stirrer", value=1, arm=True)
        assert report["refused_by"] == "arming"
        with pytest.raises(Refused):
            await ask(tmp_path, "arm", operator="bo", take_over=True)
        taken = await ask(tmp_path, "arm", operator="bo", take_over=True, why="shift change")
        assert taken["who"] == "bo"


async def test_what_does_not_fit_is_refused_in_words(tmp_path: Path) -> None:
    async with up(tmp_path):
        with pytest.raises(Refused) as caught:
            await ask(tmp_path, "set", tag="bath.sepoint", value=1)
        assert caught.value.code == "E-WRT-UNKNOWN_TAG"
        for value in ("1.500,0", "warm", "nan", ""):
            with pytest.raises(ConfigError):
                await ask(tmp_path, "set", tag="bath.setpoint", value=value)
        with pytest.raises(ConfigError):
            await ask(tmp_path, "set", tag="bath.setpoint", value=[1])
        heat = await ask(tmp_path, "set", tag="bath.heater_enable", value="oui", arm=True)
        assert heat["refused_by"] == "interlock"  # no heat before the level is proven


async def test_the_same_key_twice_is_one_write(tmp_path: Path) -> None:
    async with up(tmp_path) as (server, _):
        told = [await ask(tmp_path, "set", tag="bath.stirrer", value=40, arm=True, key="k") for _ in range(2)]
        assert told[0] == told[1]
        writes = [event for _number, event in server.diary if event.kind == "write"]
        assert [event.data["asked"] for event in writes if event.data["tag"] == "bath.stirrer"] == [40.0]


async def test_a_ramp_and_a_value_for_a_time_go_on_when_the_client_is_gone(tmp_path: Path) -> None:
    async with up(tmp_path) as (server, _):
        ramp = await ask(tmp_path, "set", tag="bath.setpoint", value=2, ramp_per_min=4.0, arm=True)
        assert (ramp["outcome"], ramp["ends_in_s"]) == ("ramping", 30.0)
        held = await ask(tmp_path, "set", tag="bath.stirrer", value=30, for_s=40.0, arm=True)
        assert (held["outcome"], held["back_to"]) == ("confirmed", 0)
        await server.clock.sleep(60.0)
        async with asyncio.timeout(20.0):
            while server.writer.under_way:
                await asyncio.sleep(0.05)
        assert (await server.line.read("bath.setpoint")).value == 2.0
        assert (await server.line.read("bath.stirrer")).value == 0


async def test_a_fault_of_the_heating_is_a_trip_that_is_reset_like_one(tmp_path: Path) -> None:
    async with up(tmp_path) as (server, _):
        rule = server.definition.zones["bath"].heating
        assert rule is not None
        trip = HeatingTrip("bath", HeatingFault.NO_GAIN, server.clock.now_ns(), rule, 40.0, 60.0)
        server.line._heating.trips["bath"] = trip
        tripped = (await ask(tmp_path, "status", sections=["interlocks"]))["interlocks"]["tripped"]
        assert [(each["name"], each["action"]) for each in tripped] == [("heating.bath", "safe")]
        report = await ask(tmp_path, "set", tag="bath.heater_enable", value=True, arm=True)
        assert report["refused_by"] == "interlock"
        assert await ask(tmp_path, "interlock_reset", names=["heating.bath"]) == {"reset": ["heating.bath"]}
        assert not server.line.heating_trips
        server.line._heating.trips["bath"] = trip
        assert await ask(tmp_path, "interlock_reset") == {"reset": ["heating.bath"]}

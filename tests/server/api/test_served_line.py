"""A served line over its sockets: what is told, what may be asked and by whom; slow and wrong clients."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import ConfigError, Refused, Unreachable
from linectl.model.people import Role
from linectl.server.api import pace
from linectl.server.api.endpoint import Endpoint, published
from linectl.server.api.feed import SECTIONS
from linectl.server.api.stream import Watcher
from linectl.server.finding import connect, find
from tests.server.lines import up


def asked(folder: Path, op: str, **args: Any) -> Any:
    with connect(folder, operator="op1") as server:
        return server.call(op, **args)


async def ask(folder: Path, op: str, **args: Any) -> Any:
    return await asyncio.to_thread(asked, folder, op, **args)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20.0):
        while not true():
            await asyncio.sleep(0.02)


async def test_its_state_stands_in_sections(tmp_path: Path) -> None:
    async with up(tmp_path) as (_server, found):
        state = await ask(tmp_path, "status")
        assert set(state) <= set(SECTIONS)
        assert state["line"]["name"] == "simulated"
        assert state["holder"]["who"] == "Zoé"
        assert state["values"].keys() == state["tags"].keys()
        level = state["values"]["bath.level"]
        assert (level["quality"], level["unit"]) == ("GOOD", "%")
        assert level["received_time"].endswith("+00:00")
        assert {each["name"] for each in state["interlocks"]["missing"]} >= {"heat", "dose"}
        assert (await ask(tmp_path, "status", sections=["run"])) == {"run": None}
        assert stat.S_IMODE(found.file.stat().st_mode) == 0o600
    with pytest.raises(Unreachable, match="no line is served"):
        find(tmp_path)


async def test_each_operation_has_a_schema_and_keeps_to_it(tmp_path: Path) -> None:
    async with up(tmp_path):
        operations = {each["name"]: each for each in await ask(tmp_path, "operations")}
        assert operations["subscribe"]["args"]["properties"]["period_s"] == {"type": "number", "default": 0.25}
        assert operations["answer"]["args"]["required"] == ["prompt", "value"]
        assert all(each["doc"].endswith(".") for each in operations.values())
        with pytest.raises(ConfigError, match="prompt is missing; value is missing") as caught:
            await ask(tmp_path, "answer")
        assert caught.value.code == "E-API-004"
        with pytest.raises(ConfigError, match="there is no argument sectoins"):
            await ask(tmp_path, "status", sectoins=[])
        with pytest.raises(ConfigError, match="sections: expected array"):
            await ask(tmp_path, "status", sections="run")
        with pytest.raises(Refused, match="there is no section runs"):
            await ask(tmp_path, "status", sections=["runs"])


async def test_whoever_follows_is_told_what_changes_and_nothing_else(tmp_path: Path) -> None:
    async with up(tmp_path) as (_server, found):
        watcher = Watcher(lambda: found.endpoint, operator="op1", period_s=0.05)
        await watcher.start()
        try:
            await until(lambda: "journal" in watcher.state)
            first = watcher.state["values"]["bath.plc_counter"]["value"]
            await until(lambda: watcher.state["values"]["bath.plc_counter"]["value"] != first)
            assert watcher.connected
            await watcher.call("note", text="a label has bubbles")
            await until(lambda: any("bubbles" in each["text"] for each in watcher.state["journal"]))
            (entry,) = [each for each in watcher.state["journal"] if each["kind"] == "note"]
            assert entry["who"] == "op1"
            numbers = [each["number"] for each in watcher.state["journal"]]
            assert numbers == sorted(set(numbers))
        finally:
            await watcher.stop()


async def test_a_watcher_says_that_the_server_is_gone_and_finds_the_next(tmp_path: Path) -> None:
    watcher = Watcher(lambda: find(tmp_path), operator="op1", period_s=0.05)
    try:
        async with up(tmp_path):
            await watcher.start()
            await until(lambda: watcher.connected)
        await until(lambda: not watcher.connected)
        assert watcher.lost_s is not None
        with pytest.raises(Unreachable):
            await watcher.call("status")
        async with up(tmp_path) as (server, _found):
            await until(lambda: watcher.connected and "line" in watcher.state)
            assert watcher.state["line"]["boot"] == server.line.boot
    finally:
        await watcher.stop()


async def test_a_client_that_does_not_read_slows_nobody(tmp_path: Path) -> None:
    async with up(tmp_path) as (_server, found):
        reader, writer = await asyncio.open_connection(found.endpoint.host, found.endpoint.port)
        hello = {"api": 1, "token": found.endpoint.token, "client": "slow", "lang": "en"}
        writer.write(json.dumps(hello).encode() + b"\n")
        await reader.readline()
        for number in range(20):
            writer.write(json.dumps({"id": number, "op": "subscribe", "args": {"period_s": 0.05}}).encode() + b"\n")
        before = (await ask(tmp_path, "status", sections=["values"]))["values"]["bath.plc_counter"]["value"]
        await asyncio.sleep(1.5)
        after = (await ask(tmp_path, "status", sections=["values"]))["values"]["bath.plc_counter"]["value"]
        assert after > before
        writer.close()


async def test_a_lesser_role_may_look_and_no_more(tmp_path: Path) -> None:
    async with up(tmp_path) as (_server, found):
        reader, writer = await asyncio.open_connection(found.endpoint.host, found.endpoint.port)

        async def said(message: dict[str, Any]) -> dict[str, Any]:
            writer.write(json.dumps(message).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer

        hello = {"api": 1, "token": found.endpoint.token, "client": "board", "operator": "op2", "lang": "en"}
        assert (await said(hello | {"role": str(Role.VIEW)}))["data"]["role"] == "view"
        assert (await said({"id": 1, "op": "status", "args": {"sections": ["line"]}}))["ok"]
        half = await said({"id": 3, "op": "status", "args": {"sections": ["\ud83d"]}})  # half a character
        assert half["error"]["code"] == "E-API-004"
        refused = await said({"id": 2, "op": "note", "args": {"text": "x"}})
        assert refused["error"]["code"] == "E-API-005"
        assert "it needs operate" in refused["error"]["message"]
        writer.close()


async def test_who_asks_too_fast_is_refused_but_abort_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_PER_S", 1e-3)  # fast enough for that is no busy machine
    async with up(tmp_path):

        def many() -> tuple[int, set[str]]:
            refused, codes = 0, set()
            with connect(tmp_path) as server:
                for _ in range(210):
                    try:
                        server.call("run_would_lose")
                    except Refused as error:
                        refused += 1
                        codes.add(error.code)
                try:
                    server.call("run_abort")
                except Refused as error:
                    codes.add(error.code)
            return refused, codes

        refused, codes = await asyncio.to_thread(many)
        assert refused >= 9
        assert codes == {"E-API-003", "E-RUN-006"}  # abort was heard: nothing is running


async def test_the_same_key_is_one_request(tmp_path: Path) -> None:
    async with up(tmp_path):

        def twice() -> list[str]:
            codes = []
            with connect(tmp_path) as server:
                for file in ("/none.yaml", "/none.yaml", "/other.yaml"):
                    try:
                        server.ask("run_start", {"file": file}, key="k1")
                    except (ConfigError, Refused) as error:
                        codes.append(f"{error.code} {error.message}")
            return codes

        first, again, other = await asyncio.to_thread(twice)
        assert first == again
        assert "/none.yaml" in first
        assert other.startswith("E-API-006")


def test_what_a_dead_server_left_is_told_and_put_away(tmp_path: Path) -> None:
    left = Endpoint("bath", 2**22 - 3, "127.0.0.1", 1, "token", operator="Zoé")
    with published(left, tmp_path, "line-bath") as file:
        with pytest.raises(Unreachable, match="is dead") as caught:
            find(tmp_path, "bath")
        assert "linectl serve bath" in caught.value.hint
        assert not file.exists()

"""The dashboard on a served line: the simulated bath, its server and the screen in one loop, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from linectl.clock import wall_ns
from linectl.errors import Refused, Unreachable
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.server.api.stream import Watcher
from linectl.server.finding import find
from linectl.server.line_server import LineServer
from linectl.server.serving import served
from linectl.tui.watch.app import Watch
from linectl.tui.watch.plain import AsData, AsLines, follow
from linectl.tui.watch.served import ServedFeed
from linectl.units import NS_PER_S
from tests.server.lines import held, up
from tests.tui.watch.shots import dump


@asynccontextmanager
async def following(folder: Path, operator: str = "op1") -> AsyncIterator[ServedFeed]:
    watcher = Watcher(lambda: find(folder), operator=operator, period_s=0.05)
    feed = ServedFeed(watcher)
    await watcher.start()
    try:
        await feed.first()
        yield feed
    finally:
        await watcher.stop()


@asynccontextmanager
async def on_screen(feed: ServedFeed) -> AsyncIterator[tuple[Watch, Pilot[None]]]:
    from datetime import UTC, datetime

    watch = Watch(
        feed, now=lambda: datetime.fromtimestamp(wall_ns() / NS_PER_S, UTC), loop_s=asyncio.get_running_loop().time
    )
    async with watch.run_test(size=(110, 32)) as pilot:
        await pilot.pause()
        yield watch, pilot


async def until(watch: Watch, true: Callable[[str], bool]) -> str:
    """Wait until what stands on the screen is so; return it."""
    async with asyncio.timeout(30.0):
        while not true(dump(watch)):
            await asyncio.sleep(0.05)
    return dump(watch)


def question(server: LineServer, prompt: Prompt) -> asyncio.Task[Answer]:
    return asyncio.create_task(server.desk.ask(prompt))


async def test_a_served_bath_is_shown_and_a_note_stands_in_its_journal(tmp_path: Path) -> None:
    async with up(tmp_path), following(tmp_path) as feed, on_screen(feed) as (watch, pilot):
        text = await until(watch, lambda text: "°C" in text and "bath.temperature" in text)
        assert "SIMULATED" in text
        assert "[READ-ONLY]" in text
        assert "a start lacks: " in text  # an empty bath is not heated
        await pilot.press("n", *"bubbles", "enter")
        text = await until(watch, lambda text: "bubbles  op1" in text)


async def test_a_question_of_the_server_is_answered_from_the_screen(tmp_path: Path) -> None:
    async with up(tmp_path) as (server, _), following(tmp_path) as feed, on_screen(feed) as (watch, pilot):
        weight = question(server, Prompt("gsm", PromptKind.NUMBER, "glue on the label", "covariate", low=5, high=40))
        await until(watch, lambda text: "glue on the label" in text)
        await pilot.press("e", *"22,5", "enter")
        answer = await asyncio.wait_for(weight, 20)
        assert (answer.value, answer.who, answer.face) == (22.5, "op1", "watch")
        places = {"positions": (3, 7, 12)}
        check = question(server, Prompt("c1", PromptKind.POSITIONS, "which are on?", "check", places))
        await until(watch, lambda text: "which are on?" in text)
        await pilot.press("e", *"3 12", "enter")
        assert (await asyncio.wait_for(check, 20)).value == (3, 12)
        await until(watch, lambda text: "which are on?" not in text.replace("answer", ""))


async def test_an_alarm_of_the_line_is_told_read_acknowledged_and_goes(tmp_path: Path) -> None:
    async with (
        held(tmp_path, speed=20.0, records=True) as (server, rig),
        served(server, operator="Zoé", data=tmp_path),
        following(tmp_path) as feed,
        on_screen(feed) as (watch, pilot),
    ):
        await until(watch, lambda text: "no alarm" in text and "°C" in text)
        rig.unplug("rtd")
        lost = "The instrument of the bath's temperature is lost."
        text = await until(watch, lambda text: "◆2 1  1 NOT ACK." in " ".join(text.split()) or "1 NOT ACK." in text)
        assert lost in text
        assert "→ Plug it in again" in text
        assert "◆ rtd LOST" in text.splitlines()[0]
        await pilot.press("a")
        text = await until(watch, lambda text: "USB cable or adapter." in text)
        await pilot.press("a")
        await until(watch, lambda text: "acknowledged by op1" in text)
        rig.replug("rtd")
        await until(watch, lambda text: "no alarm" in text and "rtd LOST" not in text)


async def test_a_setpoint_is_written_once_armed_and_another_screen_sees_who_may(tmp_path: Path) -> None:
    async with up(tmp_path, speed=1.0) as (server, _), following(tmp_path) as feed, on_screen(feed) as (watch, pilot):
        await until(watch, lambda text: "bath.setpoint" in text)
        await pilot.press(*":set bath.setpoint 46,5", "enter")
        assert "read-only: w arms writes" in dump(watch)
        await pilot.press("escape", "w")
        await until(watch, lambda text: "WRITES ARMED" in text and watch.controls.arming.told)
        await pilot.press(*":set bath.setpoint 46,5", "enter")
        await until(watch, lambda text: "bath.setpoint = 46.5 °C: confirmed" in text)
        assert server.line.reading("bath.setpoint").value == 46.5  # what it held before does not look fresh
        assert (await server.line.read("bath.setpoint")).value == 46.5
        await pilot.press(*":set bath.setpoint 86", "enter")
        await until(watch, lambda text: "Meant so? y/N" in text)
        await pilot.press("enter", *":set bath.setpoint 99", "enter")
        await until(watch, lambda text: "REFUSED" in text)
        await pilot.press(*":undo", "enter")
        await until(watch, lambda text: "undo: confirmed" in text)
        async with following(tmp_path, operator="op2") as other, on_screen(other) as (beside, keys):
            await until(beside, lambda text: "READ-ONLY; op1 writes" in text)
            await keys.press("w")
            await until(beside, lambda text: "arm writes: not done." in text)
        await pilot.press("w")
        await until(watch, lambda text: "[READ-ONLY]" in text)
        assert server.writer.armed is None


async def test_what_the_server_refuses_or_does_not_know_is_told(tmp_path: Path) -> None:
    async with up(tmp_path), following(tmp_path) as feed, on_screen(feed) as (watch, pilot):
        await pilot.press("ctrl+x", "ctrl+x")
        await until(watch, lambda text: "ABORT: confirmed" in text and "ABORTED" in text.splitlines()[0])
        await pilot.press("H")
        await until(watch, lambda text: "hold the line: not done." in text or "REFUSED" in text)
        with pytest.raises(Refused, match="does not know `dance`"):
            await feed.call("dance")


async def test_a_server_that_ends_is_told_and_the_next_one_is_found(tmp_path: Path) -> None:
    async with up(tmp_path):
        following_one = following(tmp_path)
        feed = await following_one.__aenter__()
    try:
        async with on_screen(feed) as (watch, _):
            text = await until(watch, lambda text: "SERVER LOST" in text)
            assert "commands disabled" in text
            assert "▒ too old ▒" in text
            async with up(tmp_path):
                text = await until(watch, lambda text: "SERVER LOST" not in text and "°C" in text)
                assert "[READ-ONLY]" in text
    finally:
        await following_one.__aexit__(None, None, None)


async def test_nobody_there_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linectl.tui.watch.served._FIRST_S", 0.3)
    with pytest.raises(Unreachable, match="no line is served"):
        async with following(tmp_path):
            pass


async def test_changes_come_as_lines_and_as_data(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    lines: list[str] = []
    data: list[dict[str, object]] = []
    async with up(tmp_path), following(tmp_path) as feed, following(tmp_path) as other:
        loop_s = asyncio.get_running_loop().time
        now = datetime.now(UTC)
        tellers = (
            asyncio.create_task(follow(feed, AsLines(lines.append), now=lambda: now, loop_s=loop_s)),
            asyncio.create_task(follow(other, AsData(data.append), now=lambda: now, loop_s=loop_s)),
        )
        try:
            await feed.call("note", text="bubbles")
            async with asyncio.timeout(20.0):
                while not any("bubbles" in line for line in lines):
                    await asyncio.sleep(0.05)
                while len([each for each in data if each["section"] == "values"]) < 3:
                    await asyncio.sleep(0.05)
        finally:
            for task in tellers:
                task.cancel()
            await asyncio.gather(*tellers, return_exceptions=True)
    assert any("bath.temperature  " in line and line.endswith("°C") for line in lines)
    assert not any("plc_counter" in line for line in lines)  # a bare counter says nothing to a person
    whole, *changes = [each["data"] for each in data if each["section"] == "values"]
    assert isinstance(whole, dict)
    assert all(isinstance(each, dict) and 0 < len(each) < len(whole) for each in changes)

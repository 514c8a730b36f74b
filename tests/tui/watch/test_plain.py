"""`watch --plain` and `--json` by themselves: what is written for each change, and for a server that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from linectl.tui.watch.plain import AsData, AsLines, Teller, follow
from linectl.tui.watch.sight import Page
from tests.tui.watch.feeds import HIGH, ScriptedFeed, busy, calm


@asynccontextmanager
async def followed(feed: ScriptedFeed, teller: Teller, page: Page = Page.ALL) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(feed, teller, now=feed.now, loop_s=feed.loop_s, page=page))
    try:
        await asyncio.sleep(0.05)
        yield
        await asyncio.sleep(0.7)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_all_is_told_once_and_then_what_changes() -> None:
    feed, lines = ScriptedFeed(busy()), list[str]()
    async with followed(feed, AsLines(lines.append)):
        first = list(lines)
        lines.clear()
        feed.value("bath.level", 80.4)  # the same figure
        feed.value("bath.level", 81.0)
    assert "14:18:06  bath.temperature  64.2 °C" in first
    assert "14:18:06  rinse.temperature  ? sensor failure" in first
    assert "14:18:06  ◆ probe2 LOST" in first
    assert "14:18:06  ? glue on the label [5…40 g/m2]  linectl answer" in first
    assert any("◆2 NOT ACK.  bath.temperature HIGH" in line and "→ lower the setpoint" in line for line in first)
    assert any("RUN 0042 glue_b3" in line and "61 %" in line for line in first)
    assert any("run 0042 began  op1" in line for line in first)
    assert lines == ["14:18:06  bath.level  81 %"]


async def test_a_run_is_a_line_a_phase_and_none_a_second() -> None:
    feed, lines = ScriptedFeed(busy()), list[str]()
    async with followed(feed, AsLines(lines.append), Page.RUN):
        lines.clear()
        for second in range(5):
            feed.tell("run", {**feed.told["run"], "elapsed_s": 560.0 + second, "fraction": 0.62})
            await asyncio.sleep(0)
        feed.tell("run", {**feed.told["run"], "phase": "unload"})
    assert len([line for line in lines if "unloading" in line]) == 1
    assert len(lines) <= 2


async def test_an_alarm_is_told_again_when_its_state_changes() -> None:
    feed, lines = ScriptedFeed(calm()), list[str]()
    async with followed(feed, AsLines(lines.append), Page.ALARMS):
        assert lines == []
        for state in ("unacknowledged", "unacknowledged", "acknowledged"):
            feed.tell("alarms", {**feed.told["alarms"], "list": [{**HIGH, "state": state}]})
            await asyncio.sleep(0.05)
    assert [line.split("  ")[1] for line in lines] == ["◆2 NOT ACK.", "◆2 acknowledged"]


async def test_a_server_that_is_gone_and_back_is_told_once_each() -> None:
    feed, lines, data = ScriptedFeed(calm()), list[str](), list[dict[str, Any]]()
    async with followed(feed, AsLines(lines.append)), followed(feed, AsData(data.append)):
        lines.clear()
        feed.lost_why = "connection refused"
        feed.later(3.0, alive=False)
        await asyncio.sleep(1.2)
        feed.lost_why = ""
        feed.later(1.0)
    assert lines == [
        "14:18:06  ▲ SERVER LOST: nothing heard since 14:18:06 connection refused",
        "14:18:10  the server is back",
    ]
    assert [each["data"]["state"] for each in data if each["section"] == "connection"] == ["lost", "ok"]


async def test_data_hold_what_has_changed_and_stay_english(monkeypatch: object) -> None:
    feed, data = ScriptedFeed(busy()), list[dict[str, Any]]()
    async with followed(feed, AsData(data.append)):
        whole = {each["section"]: each["data"] for each in data}
        data.clear()
        feed.value("bath.level", 81.0)
        await asyncio.sleep(0.05)
        feed.tell("journal", [*feed.told["journal"], {"time": None, "kind": "note", "text": "x", "who": ""}])
    assert whole.keys() == feed.told.keys()
    assert whole["values"].keys() == feed.told["tags"].keys()
    assert [each["section"] for each in data] == ["values", "journal"]
    assert data[0]["data"].keys() == {"bath.level"}
    assert [each["text"] for each in data[1]["data"]] == ["x"]

"""What another process writes into the stores of a served line's folder is seen by its server, and nothing else is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import StoreError
from linectl.model.records import Act, Event, Run
from linectl.server import glue_watch
from linectl.server.glue_watch import GlueWatch
from linectl.server.results import glue_standings
from linectl.server.results.glue_standings import GlueStandings
from linectl.store.store import Store, open_store
from tests.server.lines import held


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Each time that the standings were worked out; what takes a child process and seconds is left out."""
    found: list[Path] = []

    async def in_child(_work: Callable[..., Any], folder: Path) -> list[dict[str, object]]:
        found.append(folder)
        if len(found) == 3:
            raise StoreError("torn")
        return []

    monkeypatch.setattr(glue_standings, "in_child", in_child)
    monkeypatch.setattr(glue_watch, "_LOOK_S", 0.05)
    return found


async def beside(folder: Path, write: Callable[[Store], Any]) -> None:
    """Write into another store of the folder, as another process does."""
    store = open_store(folder / "lab.db", line="lab", virtual=True)
    await store.open()
    await write(store)
    await store.close()


async def _keep(act: Act, store: Store) -> None:
    await store.audit(act)


async def grown(asked: list[Path], count: int) -> None:
    async with asyncio.timeout(60.0):
        while len(asked) < count:
            await asyncio.sleep(0.02)


async def test_what_another_process_writes_about_a_glue_is_seen(tmp_path: Path, asked: list[Path]) -> None:
    run = Run("R1", "experiment", "x", "lab", "running", "Zoé", 1, "", True, "", "0")
    async with held(tmp_path, speed=50.0, records=True) as (server, _rig), GlueWatch(server):
        await grown(asked, 1)
        await beside(tmp_path, lambda store: store.add_event(Event(1, "note", {}, act=Act(1, "Zoé", "note", "lab"))))
        await grown(asked, 2)  # a store that was not there before
        for number, action in enumerate(("lift_suspension", "register", "import_lots"), start=3):
            act = Act(1, "Zoé", action, "C1")
            await beside(tmp_path, partial(_keep, act))
            await grown(asked, number)  # also after the third one, which fails
        await beside(tmp_path, lambda store: store.start_run(run))
        await grown(asked, len(asked) + 1)


async def test_what_is_none_of_the_glues_business_costs_no_work(
    tmp_path: Path, asked: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []
    is_behind = GlueStandings.is_behind

    async def counted(standings: GlueStandings) -> bool:
        looks.append(await is_behind(standings))
        return looks[-1]

    monkeypatch.setattr(GlueStandings, "is_behind", counted)

    async def looked() -> None:
        """Wait for two looks that found nothing: the second began after now."""
        async with asyncio.timeout(60.0):
            seen = len(looks)
            while len(looks) < seen + 2 or any(looks[-2:]):
                await asyncio.sleep(0.02)

    async with held(tmp_path, speed=50.0, records=True) as (server, _rig), GlueWatch(server):
        await beside(tmp_path, lambda store: store.audit(Act(1, "Zoé", "note", "lab")))
        await looked()
        known = len(asked)
        await beside(tmp_path, lambda store: store.audit(Act(1, "Zoé", "write", "bath.setpoint")))
        await server.write("bath.setpoint", 40.0, who="Zoé")
        await looked()
        await looked()  # its own scans go into its own store all the time
        assert len(asked) == known


async def test_a_store_that_is_being_made_or_is_none_does_not_end_the_watch(tmp_path: Path, asked: list[Path]) -> None:
    async with held(tmp_path, speed=50.0, records=True) as (server, _rig), GlueWatch(server):
        await grown(asked, 1)
        with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
            connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
            connection.execute("INSERT INTO meta VALUES ('schema_version', '5')")
            connection.commit()
        await grown(asked, 2)
        await beside(tmp_path, lambda store: store.audit(Act(1, "Zoé", "register", "C1")))
        await grown(asked, 3)

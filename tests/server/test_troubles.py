"""What the server itself lacks or has found is an alarm like any other: told, acknowledged, gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from linectl.errors import Refused
from linectl.model.alarms import AlarmState, Trouble
from linectl.model.records import Run
from linectl.server.alarming.troubles import troubles_of
from linectl.server.line_server import LineServer
from linectl.server.results.glue_standings import GlueStandings
from linectl.server.scheduling import Due, Schedule
from tests.server.lines import held

DUE = Due("rinse", "/lines/rinse.yaml", "", 1, "Zoé", 0)


def state(server: LineServer, name: str) -> AlarmState:
    assert server.alarms is not None
    return server.alarms.state.entry(name).state


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(60.0):
        while not seen():
            await asyncio.sleep(0.02)


async def never(_due: Due, _begun: Callable[[], None]) -> None:
    text = "a run is under way"
    raise Refused(text)


async def test_a_run_that_did_not_start_is_an_alarm_until_somebody_takes_note(tmp_path: Path) -> None:
    async with held(tmp_path, speed=50.0, records=True) as (server, _rig):
        assert troubles_of(server) == frozenset()
        server.schedule = schedule = Schedule(server.clock, never, server.tell)
        schedule.put(Due("rinse", "/lines/rinse.yaml", "", schedule.now_ns(), "Zoé", 0))
        await until(lambda: state(server, "start_refused") is AlarmState.UNACKNOWLEDGED)
        schedule.take_back("Zoé")
        await until(lambda: state(server, "start_refused") is AlarmState.RTN_UNACKNOWLEDGED)
        schedule.lost(DUE)
        await until(lambda: state(server, "start_refused") is AlarmState.UNACKNOWLEDGED)
        schedule.told()
        await until(lambda: troubles_of(server) == frozenset())


async def test_a_run_that_waits_to_be_taken_up_is_a_trouble(tmp_path: Path) -> None:
    async with held(tmp_path, speed=50.0, records=True) as (server, _rig):
        server.interrupted = Run("R1", "experiment", "x", "bath", "interrupted", "Zoé", 1, "", True, "kind: x", "0")
        assert troubles_of(server) == {Trouble.RUN_INTERRUPTED}
        await until(lambda: state(server, "run_interrupted") is AlarmState.UNACKNOWLEDGED)


async def test_a_go_that_the_line_disproves_is_a_trouble_as_long_as_it_is_suspended(tmp_path: Path) -> None:
    async with held(tmp_path, speed=50.0, records=True) as (server, _rig):
        server.glues = GlueStandings(tmp_path)
        server.glues.section = [{"glue": "casein", "suspended": None}]
        assert troubles_of(server) == frozenset()
        server.glues.section = [{"glue": "casein", "suspended": None}, {"glue": "psa", "suspended": {"lots": ["L1"]}}]
        assert troubles_of(server) == {Trouble.GLUE_SUSPENDED}

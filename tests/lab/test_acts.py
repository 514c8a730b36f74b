"""What people decide in a run stands in the audit trail, once each; what the run does by itself does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from linectl.errors import LinectlError
from linectl.lab.acts import with_act
from linectl.lab.phases import State
from linectl.model.experiments import Experiment
from linectl.model.records import Event
from linectl.store.audit import AuditEntry
from linectl.store.reader import StoreReader

InLaboratory = Callable[..., None]


@pytest.fixture
def one_bath(two_baths: Experiment) -> Experiment:
    return replace(two_baths, temperatures_c=(60.0,))


def told(entries: Sequence[AuditEntry]) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.reason) for entry in entries]


def test_what_people_decide_in_a_run_is_told_once_each(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        await runner.pause(who="anne", why="coffee")
        await lab.until(lambda: runner.state is State.PAUSED)
        await runner.resume(who="max")
        await runner.hold(who="anne", why="steam")
        await runner.resume(who="anne")
        await runner.note("water is cloudy", who="max")
        await runner.deviation("lid was open", who="max")
        await runner.next("long enough", who="anne")
        await lab.phase(runner.run_id, "soak")
        soaking = runner.live()._work.soaking
        await lab.until(lambda: bool(soaking.still_on))
        place = soaking.still_on[0]
        await runner.skip(place, "torn", who="anne")
        runner.cancel(who="anne", why="fire drill")
        runner.abort(who="max", why="real fire")
        await task
        reader = StoreReader(lab.file)
        entries = list(reader.audit())
        assert told(entries)[1:] == [
            ("anne", "pause", "coffee"),
            ("max", "resume", ""),
            ("anne", "hold", "steam"),
            ("anne", "resume", ""),
            ("max", "note", ""),
            ("max", "deviation", ""),
            ("anne", "end_early", "long enough"),
            ("anne", "skip_bottle", "torn"),
            ("anne", "cancel", "fire drill"),
            ("max", "abort", "real fire"),
        ]
        assert entries[0].action == "start"
        assert {entry.target for entry in entries} == {runner.run_id}
        assert (json.loads(entries[1].old or ""), json.loads(entries[1].new or "")) == ("running", "pausing")
        assert json.loads(entries[5].new or "")["text"] == "water is cloudy"
        assert json.loads(entries[8].new or "")["position"] == place
        assert [entry.ts_ns for entry in entries] == sorted(entry.ts_ns for entry in entries)
        assert reader.audit_broken(reader.audit_head()) is None

    in_laboratory(act)


def test_a_run_that_nobody_touches_has_its_start_alone(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        await runner.run()
        (start,) = StoreReader(lab.file).audit()
        assert (start.action, start.target) == ("start", runner.run_id)
        assert start.actor == StoreReader(lab.file).run(runner.run_id).operator

    in_laboratory(act)


def test_what_was_refused_is_no_act(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "fill")
        for refused in (runner.resume(who="anne"), runner.next("now", who="anne"), runner.skip(1, "x", who="anne")):
            with pytest.raises(LinectlError):
                await refused
        runner.abort(who="anne")
        await task
        assert [entry.action for entry in StoreReader(lab.file).audit()] == ["start", "abort"]

    in_laboratory(act)


def state(old: str, new: str, who: str, of: str = "run") -> Event:
    return Event(1, "state", {"of": of, "from": old, "to": new, "why": "w", "who": who}, "R")


@pytest.mark.parametrize(
    ("event", "actor", "action"),
    [
        (state("running", "holding", "linectl"), "linectl", "hold"),
        (state("restarting", "holding", "anne"), "linectl", "hold"),  # heat did not come on: nobody asked for this
        (state("pausing", "running", "anne"), "anne", "resume"),
        (Event(1, "heat_armed", {"who": "anne", "wanted_c": 60.0}, "R"), "anne", "arm_heat"),
        (Event(1, "heat_not_armed", {"who": "anne", "why": ""}, "R"), "anne", "refuse_heat"),
        (Event(1, "resumed", {"who": "anne", "policy": "continue", "trial": 1}, "R"), "anne", "take_up"),
        (Event(1, "abandoned", {"who": "anne", "trial": 1}, "R"), "anne", "abandon"),
        (Event(1, "correction", {"who": "anne", "position": 3, "attached": True}, "R"), "anne", "take_back_look"),
    ],
)
def test_an_act_has_somebody_who_did_it(event: Event, actor: str, action: str) -> None:
    act = with_act(event).act
    assert act is not None
    assert (act.actor, act.action, act.target, act.ts_ns) == (actor, action, "R", 1)
    later = with_act(event, at_ns=7).act
    assert later is not None
    assert later.ts_ns == 7


@pytest.mark.parametrize(
    "event",
    [
        state("holding", "held", "anne"),
        state("restarting", "running", "anne"),
        state("running", "pausing", "anne", of="soak"),
        state("running", "aborting", ""),
        Event(1, "heat_not_armed", {"who": "", "why": "nobody there"}, "R"),
        Event(1, "prompt", {"who": "anne", "value": True}, "R"),
    ],
)
def test_what_follows_from_an_act_or_has_nobody_is_none(event: Event) -> None:
    assert with_act(event) is event

"""What people decide in a run stands in the audit trail, once each; what the run does by itself does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.clock import Clock
from linectl.errors import LinectlError
from linectl.lab.acts import with_act
from linectl.lab.desk import PromptDesk
from linectl.lab.journal import Journal, Questions
from linectl.lab.phases import State
from linectl.model.experiments import Experiment
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.model.records import Event
from linectl.store.audit import AuditEntry
from linectl.store.reader import StoreReader
from linectl.store.store import open_store

InLaboratory = Callable[..., None]


class Patient:
    """A face that leaves every answer to others."""

    async def ask(self, prompt: Prompt) -> Answer | None:  # noqa: ARG002  # a face's signature
        await asyncio.Event().wait()
        return None


BY_ITSELF = {"write", "command", "make_safe", "answer"}


def by_hand(entries: Iterable[AuditEntry]) -> list[AuditEntry]:
    """What was asked of the run, without what its plan wrote and what its questions were answered."""
    return [entry for entry in entries if entry.action not in BY_ITSELF]


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
        assert told(by_hand(entries))[1:] == [
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
        entries = by_hand(entries)
        assert {entry.target for entry in entries} == {runner.run_id}
        assert (json.loads(entries[1].old or ""), json.loads(entries[1].new or "")) == ("running", "pausing")
        assert json.loads(entries[5].new or "")["text"] == "water is cloudy"
        assert json.loads(entries[8].new or "")["position"] == place
        assert [entry.ts_ns for entry in reader.audit()] == sorted(entry.ts_ns for entry in reader.audit())
        assert reader.audit_broken(reader.audit_head()) is None

    in_laboratory(act)


def test_a_run_that_nobody_touches_tells_what_its_plan_wrote_and_who_answered(
    in_laboratory: InLaboratory, one_bath: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        await runner.run()
        reader = StoreReader(lab.file)
        start, *entries = reader.audit()
        assert (start.action, start.actor, start.target) == ("start", "test", runner.run_id)
        plan = f"test, run {runner.run_id}"
        writes = [entry for entry in entries if entry.action == "write"]
        assert {entry.actor for entry in writes} == {plan}
        (setpoint,) = [entry for entry in writes if entry.target == "bath.setpoint"]
        assert json.loads(setpoint.new or "") == {"asked": 60.0, "got": 60.0, "outcome": "confirmed", "unit": "°C"}
        assert json.loads(setpoint.old or "") == 0.0
        heater = [json.loads(entry.new or "")["got"] for entry in writes if entry.target == "bath.heater_enable"]
        assert heater == [True]  # and off in the end, as below
        assert [entry.target for entry in entries if entry.action == "command"] == ["bath fill", "bath dose"]
        assert {entry.actor for entry in entries if entry.action == "command"} == {plan}
        (end,) = [entry for entry in entries if entry.action == "make_safe"]
        assert (end.actor, end.target, json.loads(end.new or "")) == (
            "linectl",
            runner.run_id,
            {"heater": "off", "outcome": "confirmed"},
        )
        answers = [entry for entry in entries if entry.action == "answer"]
        prompts = lab.events(runner.run_id, "prompt")
        assert [(entry.actor, json.loads(entry.new or "")["question"]) for entry in answers] == [
            (event.data["who"], event.data["id"]) for event in prompts
        ]
        assert len(answers) > 6
        assert {entry.action for entry in entries} == {"write", "command", "make_safe", "answer"}
        assert reader.audit_broken(reader.audit_head()) is None

    in_laboratory(act)


async def test_an_answer_that_replaces_another_tells_the_one_before(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db", line="l", virtual=True)
    await store.open()
    clock = Clock(start_ns=0)
    desk = PromptDesk(clock)
    questions = Questions(desk, Journal(store, "R", clock))
    detach = desk.attach(Patient())
    for who, value in (("anne", 1.5), ("max", 1.7)):
        asking = asyncio.create_task(questions.ask(Prompt("naoh", PromptKind.NUMBER, "?", "question")))
        await asyncio.sleep(0)
        while not desk.open:
            await asyncio.sleep(0)
        desk.answer("naoh", value, who=who, face="watch")
        await asking
    detach()
    await store.close()
    first, second = StoreReader(tmp_path / "store.db").audit()
    assert (first.actor, first.old) == ("anne", None)
    assert (second.actor, second.target, json.loads(second.old or "")) == ("max", "R", 1.5)
    assert json.loads(second.new or "") == {"question": "naoh", "value": 1.7, "face": "watch"}


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
        assert [entry.action for entry in by_hand(StoreReader(lab.file).audit())] == ["start", "abort"]

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
        Event(1, "prompt", {"who": "", "value": True, "face": "timeout"}, "R"),  # nobody gave this answer
    ],
)
def test_what_follows_from_an_act_or_has_nobody_is_none(event: Event) -> None:
    assert with_act(event) is event

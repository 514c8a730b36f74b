from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import Refused, StoreError
from linectl.lab.journal import Journal
from linectl.lab.phases import ALLOWED, FINAL, Procedure, State, step
from linectl.model.records import Act, Event


class Shelf:
    """A store that keeps events, and may refuse the awaited ones."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.told: list[Mapping[str, object]] = []

    async def add_event(self, event: Event) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.told.append(event.data)

    def log_event(self, event: Event) -> None:
        self.told.append(event.data)

    def log_act(self, act: Act) -> None:
        raise AssertionError(act)  # a state writes nothing


def test_every_state_is_there_and_every_end_is_one() -> None:
    assert set(ALLOWED) == set(State)
    assert {State.COMPLETE, State.STOPPED, State.ABORTED} == FINAL


def test_from_every_state_that_is_no_end_a_run_can_be_aborted() -> None:
    for state in set(State) - FINAL - {State.ABORTING}:
        assert step(state, State.ABORTING) is State.ABORTING
    for state in FINAL:
        with pytest.raises(Refused, match=state.value):
            step(state, State.RUNNING)


def test_nothing_leads_from_held_to_running_but_a_restart() -> None:
    assert State.RUNNING not in ALLOWED[State.HELD]
    before_running = {state for state, following in ALLOWED.items() if State.RUNNING in following}
    assert before_running == {State.IDLE, State.PAUSING, State.RESTARTING}


def test_a_transition_is_journalled_before_it_is_made() -> None:
    async def main() -> None:
        shelf = Shelf()
        soak = Procedure("soak", Journal(shelf, "r", Clock(start_ns=0)), trial=3)
        await soak.to(State.RUNNING, "why", "anne")
        assert shelf.told == [{"of": "soak", "trial": 3, "from": "idle", "to": "running", "why": "why", "who": "anne"}]
        shelf.broken = True
        with pytest.raises(StoreError):
            await soak.to(State.PAUSING)
        assert soak.state is State.RUNNING  # what could not be journalled was not done
        soak.to_at_once(State.ABORTING)  # safety does not wait for the disk
        assert soak.state.value == "aborting"
        with pytest.raises(Refused):
            soak.to_at_once(State.RUNNING)
        assert len(shelf.told) == 2

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())

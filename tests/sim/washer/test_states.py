from __future__ import annotations

from itertools import product

import pytest

from linectl.sim.plc.handshake import Result
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.program import Program
from linectl.sim.washer.states import COMPLETES, MOVES, OFF, STATE_COMMANDS, WORKING, Command, State

PARAMS = reference_machine()

# the published table again, by words: who may, and where it leads
EXPECTED = {
    Command.RESET: ({"STOPPED", "COMPLETE"}, "RESETTING"),
    Command.START: ({"IDLE"}, "STARTING"),
    Command.STOP: (
        {
            "STARTING",
            "IDLE",
            "SUSPENDED",
            "EXECUTE",
            "HOLDING",
            "HELD",
            "UNHOLDING",
            "SUSPENDING",
            "UNSUSPENDING",
            "RESETTING",
            "COMPLETING",
            "COMPLETE",
        },
        "STOPPING",
    ),
    Command.HOLD: ({"STARTING", "SUSPENDED", "EXECUTE", "UNHOLDING", "SUSPENDING", "UNSUSPENDING"}, "HOLDING"),
    Command.UNHOLD: ({"HELD"}, "UNHOLDING"),
    Command.SUSPEND: ({"EXECUTE"}, "SUSPENDING"),
    Command.UNSUSPEND: ({"SUSPENDED"}, "UNSUSPENDING"),
    Command.ABORT: ({state.name for state in State} - {"ABORTING", "ABORTED"}, "ABORTING"),
    Command.CLEAR: ({"ABORTED"}, "CLEARING"),
}


def in_state(state: State) -> Program:
    program = Program(PARAMS)
    program.state = state
    return program


@pytest.mark.parametrize(("state", "command"), list(product(State, sorted(STATE_COMMANDS))))
def test_each_pair_moves_as_listed_or_is_refused(state: State, command: Command) -> None:
    program = in_state(state)
    result = program.command(command)
    states, to = EXPECTED[command]
    if state.name in states:
        assert (result, program.state.name) == (Result.DONE, to)
    else:
        assert (result, program.state) == (Result.STATE, state)


def test_numbers_are_those_of_packml() -> None:
    assert [state.value for state in State] == list(range(1, 18))
    assert (State.STOPPED, State.IDLE, State.EXECUTE, State.ABORTED, State.HELD, State.COMPLETE) == (2, 4, 6, 9, 11, 17)
    assert [command.value for command in sorted(STATE_COMMANDS)] == list(range(1, 10))


def test_all_that_act_complete_and_no_other() -> None:
    assert {state for state in State if state.name.endswith("ING")} == set(COMPLETES)
    assert all(to not in COMPLETES and seconds > 0.0 for to, seconds in COMPLETES.values())


@pytest.mark.parametrize("state", sorted(COMPLETES))
def test_an_acting_state_lasts_as_long_as_it_says(state: State) -> None:
    program = in_state(state)
    to, seconds = COMPLETES[state]
    program.program(seconds - 0.01)
    assert program.state is state
    program.program(seconds)
    assert program.state is to


def test_every_state_can_be_reached_and_left() -> None:
    reached, frontier = {State.STOPPED}, [State.STOPPED]
    inner = {State.EXECUTE: {State.COMPLETING, State.SUSPENDING}}
    while frontier:
        state = frontier.pop()
        ways = {to for (at, _), to in MOVES.items() if at is state} | inner.get(state, set())
        ways |= {COMPLETES[state][0]} if state in COMPLETES else set()
        assert ways
        frontier += ways - reached
        reached |= ways
    assert reached == set(State)


def test_nothing_works_in_a_state_that_is_off() -> None:
    assert not OFF & WORKING

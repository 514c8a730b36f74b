"""The procedure states of a run and of its phases, in the words of ISA-88 (IEC 61512-1, section 5.6 and annex)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from linectl.errors import Refused
from linectl.lab.journal import Journal
from linectl.words import tr

__all__ = ["ALLOWED", "FINAL", "Procedure", "State", "step"]


class State(StrEnum):
    """Where a run or one of its phases stands. The words in -ing are on their way to the next one."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"  # goes on to the next step boundary
    PAUSED = "paused"  # outputs as they were
    HOLDING = "holding"  # heat is being switched off
    HELD = "held"  # the safe state: heater off until a person resumes
    RESTARTING = "restarting"
    STOPPING = "stopping"  # goes on to the next safe point, bottles out
    STOPPED = "stopped"
    ABORTING = "aborting"  # at once
    ABORTED = "aborted"
    COMPLETE = "complete"


_S = State
_ENDS = frozenset({_S.STOPPING, _S.ABORTING})

ALLOWED: Mapping[State, frozenset[State]] = {
    _S.IDLE: frozenset({_S.RUNNING, _S.HOLDING}) | _ENDS,
    _S.RUNNING: frozenset({_S.PAUSING, _S.HOLDING, _S.COMPLETE}) | _ENDS,
    _S.PAUSING: frozenset({_S.PAUSED, _S.RUNNING, _S.HOLDING, _S.COMPLETE}) | _ENDS,
    _S.PAUSED: frozenset({_S.RESTARTING, _S.HOLDING}) | _ENDS,
    _S.HOLDING: frozenset({_S.HELD}) | _ENDS,
    _S.HELD: frozenset({_S.RESTARTING, _S.COMPLETE}) | _ENDS,
    _S.RESTARTING: frozenset({_S.RUNNING, _S.HOLDING}) | _ENDS,
    _S.STOPPING: frozenset({_S.STOPPED, _S.ABORTING}),
    _S.ABORTING: frozenset({_S.ABORTED}),
    _S.STOPPED: frozenset(),
    _S.ABORTED: frozenset(),
    _S.COMPLETE: frozenset(),
}
"""To which states each state may go. A phase completes while held (a soak's clock goes on), a run does not."""

FINAL = frozenset(state for state, following in ALLOWED.items() if not following)


def step(present: State, to: State, what: str = "run") -> State:
    """Return `to`, when `present` may go there.

    Raises:
        Refused: it may not; the message names both states.
    """
    if to in ALLOWED[present]:
        return to
    raise Refused(
        tr("the {what} is {present}: it cannot be {to} now").format(what=what, present=present, to=to),
        hint=tr("possible now: {states}").format(states=", ".join(sorted(ALLOWED[present])) or "-"),
        code="E-RUN-006",
    )


class Procedure:
    """One procedure (`run`, or the name of a phase) with its state; every transition is in the journal before it acts.

    `facts` go with each of its events (a phase's trial).
    """

    def __init__(self, name: str, journal: Journal, **facts: object) -> None:
        self.name = name
        self.state = State.IDLE
        self._journal = journal
        self._facts = facts

    async def to(self, state: State, why: str = "", who: str = "") -> None:
        """Go to `state` once that is on disk; for all that heats, moves or goes on.

        Raises:
            Refused: the present state does not allow it.
            StoreError: it could not be journalled; the state is as before.
        """
        step(self.state, state, self.name)
        await self._journal.event("state", **self._told(state, why, who))
        self.state = state

    def to_at_once(self, state: State, why: str = "", who: str = "") -> None:
        """Go to `state`, journalled without waiting for the disk: safety never waits.

        Raises:
            Refused: the present state does not allow it.
        """
        step(self.state, state, self.name)
        self._journal.note("state", self._told(state, why, who))
        self.state = state

    def may(self, state: State) -> bool:
        """Return whether the present state allows `state`."""
        return state in ALLOWED[self.state]

    def _told(self, state: State, why: str, who: str) -> dict[str, object]:
        return {"of": self.name, **self._facts, "from": self.state, "to": state, "why": why, "who": who}

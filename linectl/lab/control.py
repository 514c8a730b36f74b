"""What a person may ask of a running run: pause, hold, resume, next, cancel, abort, skip, and words for the record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from linectl.clock import Clock
from linectl.errors import LinectlError, Refused
from linectl.lab.acts import MACHINE
from linectl.lab.bath_run import BathRun
from linectl.lab.halt import Halt
from linectl.lab.journal import Journal
from linectl.lab.phases import FINAL, Procedure, State
from linectl.model.records import Bottle
from linectl.words import decimal, tr
from linectl.words.durations import duration_text

__all__ = ["Control"]

_FOLLOWS: dict[State, tuple[State, ...]] = {
    State.PAUSING: (State.PAUSING,),
    State.HOLDING: (State.HOLDING,),
    State.HELD: (State.HOLDING, State.HELD),
    State.STOPPING: (State.STOPPING,),
}
"""What a phase that begins goes through to stand where its run stands."""


class Control:
    """Moves one run and its present phase through their states. Each method says who asks.

    What heats or goes on is journalled and committed first; what makes safe is handed to the journal and done at
    once. `broken` ends the run when its heater cannot be switched off; `told` hears each state of the run. A run that
    was held for `longest_hold_s` (process time) without a resume is ended by `forgotten`, which gets the reason.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        halt: Halt,
        work: BathRun,
        *,
        operator: str,
        broken: Callable[[str], None],
        told: Callable[[State], None],
        forgotten: Callable[[str], None],
        longest_hold_s: float,
    ) -> None:
        self.operator = operator
        self._clock = clock
        self._journal = journal
        self._halt = halt
        self._work = work
        self._broken = broken
        self._told = told
        self._forgotten = forgotten
        self._longest_hold_s = longest_hold_s
        self._held_from_s: float | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.run = Procedure("run", journal)
        self.phase: Procedure | None = None
        halt.on_standstill = self._standing

    @property
    def state(self) -> State:
        """Where the run stands."""
        return self.run.state

    # the course of things

    async def begin(self) -> None:
        """Start the run."""
        await self.run.to(State.RUNNING)

    async def enter(self, phase: str, trial: int) -> None:
        """Complete the present phase and start `phase`, which stands from its start where the run stands."""
        if self.phase is not None and self.phase.may(State.COMPLETE):
            await self.phase.to(State.COMPLETE)
        self.phase = Procedure(phase, self._journal, trial=trial)
        await self.phase.to(State.RUNNING)
        for state in _FOLLOWS.get(self.run.state, ()):
            await self.phase.to(state)

    def complete_phase(self) -> None:
        """Complete the present phase: its bath is done."""
        if self.phase is not None and self.phase.may(State.COMPLETE):
            self.phase.to_at_once(State.COMPLETE)
        self.phase = None

    def end(self, state: State, why: str) -> None:
        """Bring the run and its phase to a final `state`, by way of the state that leads there."""
        for task in self._tasks:
            task.cancel()
        self._count_held()
        way = {State.STOPPED: State.STOPPING, State.ABORTED: State.ABORTING}.get(state)
        for procedure in (self.phase, self.run):
            if procedure is None or procedure.state in FINAL:
                continue
            if way is not None and procedure.may(way):
                procedure.to_at_once(way, why)
            if procedure.may(state):
                procedure.to_at_once(state, why)

    # what a person asks

    async def pause(self, who: str, why: str = "") -> None:
        """Stand still at the next step boundary, outputs as they are; a soak goes on to its end first.

        Raises:
            Refused: the run does not run.
        """
        await self._both(State.PAUSING, why, who)
        self._halt.pause()

    async def hold(self, who: str, why: str = "") -> None:
        """Switch the heater off now, and stand still until a person resumes; bottles in it are looked at as before.

        Raises:
            Refused: the run is on its way to its end, or held.
            LinectlError: the heater could not be switched off; the run ends for it.
        """
        self._both_at_once(State.HOLDING, why, who)
        self._halt.hold()
        self._held_from_s = self._clock.process_s()
        wait_s = self._longest_hold_s / self._clock.speed
        self._patience = asyncio.get_running_loop().call_later(wait_s, self._held_too_long, why)
        if self._work.soaking is not None:
            self._work.flag("held")
        try:
            await self._work.procedure.hold_heat()
        except LinectlError as error:
            self._broken(tr("the heater could not be switched off: {error}").format(error=error.message))
            raise
        if self.run.state is State.HOLDING:
            await self._both(State.HELD, why, who)

    async def resume(self, who: str) -> None:
        """Go on after a pause or a hold; the only way in which heat that was held comes on again.

        Raises:
            Refused: the run is neither paused nor held, or the controller does not let the heater on (still held).
            DeviceError: the controller was not heard (still held).
        """
        match self.run.state:
            case State.PAUSING:
                await self._both(State.RUNNING, "", who)
            case State.PAUSED:
                await self._both(State.RESTARTING, "", who)
                await self._both(State.RUNNING, "", who)
            case State.HELD:
                await self._unhold(who)
            case state:
                text = tr("the run is {state}: there is nothing to resume")
                raise Refused(text.format(state=state), code="E-RUN-006")
        self._halt.go_on()

    async def next(self, who: str, reason: str) -> None:
        """End the present wait, loading or soak before its time; a deviation.

        Bottles still on are right-censored at their last check, bottles not yet in are left out.

        Raises:
            Refused: the present phase cannot be ended early.
        """
        phase = "" if self.phase is None else self.phase.name
        if phase not in {"heat", "stabilise", "load", "soak"} or self.run.state is State.STOPPING:
            text = tr("nothing can be ended early in this phase: {phase}")
            raise Refused(text.format(phase=phase or "-"), code="E-RUN-006")
        still_on = self._work.soaking.still_on if self._work.soaking is not None else ()
        told = {"trial": self._trial, "phase": phase, "positions": list(still_on)}
        await self._journal.event("ended_early", reason=reason, who=who, **told)
        self._work.flag("ended_early" if phase in {"load", "soak"} else "not_stable")
        if self._work.soaking is None:
            self._work.procedure.skip_wait()
        else:
            self._work.soaking.end_now()

    async def skip(self, which: int | str, reason: str, who: str) -> Bottle:
        """Take a bottle (position or label) out of the observation, with its reason.

        Raises:
            Refused: no such bottle is watched.
        """
        if self._work.soaking is None:
            raise Refused(tr("no bottle is in the bath"), code="E-RUN-007")
        return await self._work.soaking.skip(which, reason, who)

    async def say(self, kind: str, text: str, who: str) -> None:
        """Keep a `note` or a `deviation` with the run."""
        phase = "" if self.phase is None else self.phase.name
        await self._journal.event(kind, text=text, who=who, trial=self._trial, phase=phase)

    def stopping(self, who: str, why: str = "") -> None:
        """End the run at its next safe point."""
        if self.run.may(State.STOPPING):
            self._both_at_once(State.STOPPING, why, who)
        self._halt.ask()

    def aborting(self, who: str, why: str = "") -> None:
        """Note that the run ends at once."""
        if self.run.may(State.ABORTING):
            self._both_at_once(State.ABORTING, why, who)

    def hold_for(self, fault: str) -> None:
        """Hold the run for a fault, when it is not held or ending already."""
        if not self.run.may(State.HOLDING):
            return
        task = asyncio.create_task(self._hold_for(fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # how

    @property
    def _trial(self) -> int | None:
        return None if self._work.bath is None else self._work.bath.ord

    async def _hold_for(self, fault: str) -> None:
        try:
            await self.hold(MACHINE, fault)
        except LinectlError as error:  # refused: somebody was first; else `hold` has ended the run
            self._journal.note("hold_failed", {"why": fault, "error": error.message})

    async def _unhold(self, who: str) -> None:
        await self._both(State.RESTARTING, "", who)
        try:
            await self._work.procedure.restore_heat()
        except LinectlError as error:
            self._both_at_once(State.HOLDING, error.message, who)
            await self._work.procedure.hold_heat()
            await self._both(State.HELD, error.message, who)
            raise
        self._count_held()
        await self._both(State.RUNNING, "", who)

    def _held_too_long(self, why: str) -> None:
        text = tr("held for {time}, and nobody resumed it").format(time=duration_text(self._longest_hold_s))
        self._forgotten(" ".join(filter(None, [text, f"({why})" if why else ""])))

    def _count_held(self) -> None:
        """Keep for how long the run was held."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._held_from_s is None:
            return
        held_s = round(self._clock.process_s() - self._held_from_s, 3)
        self._held_from_s = None
        phase = "" if self.phase is None else self.phase.name
        positions = list(self._work.soaking.positions) if self._work.soaking is not None else []
        self._journal.note("held", {"trial": self._trial, "phase": phase, "held_s": held_s, "positions": positions})

    async def _standing(self) -> None:
        """Note that the work has reached the boundary at which a pause acts."""
        if self.run.state is State.PAUSING:
            await self._both(State.PAUSED)

    async def _both(self, state: State, why: str = "", who: str = "") -> None:
        await self.run.to(state, why, who)
        if self.phase is not None and self.phase.may(state):
            await self.phase.to(state, why, who)
        self._told(state)

    def _both_at_once(self, state: State, why: str, who: str) -> None:
        self.run.to_at_once(state, why, who)
        if self.phase is not None and self.phase.may(state):
            self.phase.to_at_once(state, why, who)
        self._told(state)

    def would_lose(self, elapsed_s: float, left_s: float, baths_left: int) -> str:
        """Return, for the question before a cancel, how far the run is and what ending it loses."""
        texts = [
            tr("{done} min are done, about {left} min are left").format(
                done=decimal(elapsed_s / 60, 0), left=decimal(left_s / 60, 0)
            )
        ]
        soaking = self._work.soaking
        if soaking is not None and soaking.still_on:
            texts.append(
                tr("{on} of {all} labels in the bath are still on and would end censored at their last check").format(
                    on=len(soaking.still_on), all=len(soaking.positions)
                )
            )
        if baths_left:
            texts.append(tr("{n} baths would not be run").format(n=baths_left))
        return "; ".join(texts)

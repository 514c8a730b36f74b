"""The first steps of a run that goes on after its program died: told, cleared, armed; then it runs as any other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from linectl.errors import LinectlError, NotConfirmed
from linectl.lab.acts import with_act
from linectl.lab.bath import FULL_PCT
from linectl.lab.bath_run import BathRun
from linectl.lab.context import RunContext
from linectl.lab.design.baths import PlannedBath
from linectl.lab.resume import Identity, ResumePoint, TakeUp, work_of
from linectl.lab.resume_asking import heat_prompt
from linectl.line.line import Line
from linectl.model.records import Event, Trial, TrialState
from linectl.words import tr

__all__ = ["TakingUp", "identity_of"]

_MEASURED_WITHIN_S = 12.0  # loop time: two scans of what is measured each 5 s
_LOOK_S = 0.1


class TakingUp:
    """Takes up the run of `take_up`; of its `baths` `work` is left to do."""

    def __init__(self, take_up: TakeUp, context: RunContext, bath: BathRun, baths: Sequence[PlannedBath]) -> None:
        self._take_up = take_up
        self._context = context
        self._bath = bath
        known = {trial.ord for trial in take_up.point.trials}
        self.work = work_of(take_up, [each for each in baths if each.ord in known])
        self.continues = take_up.continues
        self._armed = not take_up.continues  # else it was asked before the run was opened again
        self.fresh_water = take_up.fresh_water

    @property
    def point(self) -> ResumePoint:
        """Where the run stood."""
        return self._take_up.point

    async def open(self) -> None:
        """Open the run's record again; `crash` and `resumed` tell of it, committed together."""
        take_up, point, now_ns = self._take_up, self.point, self._context.clock.now_ns()
        where = {"trial": None if point.trial is None else point.trial.ord, "phase": point.phase}
        crash = {
            **where,
            "last_ns": point.last_ns,
            "gap_s": round(take_up.decision.gap_s, 3),
            "temperature_c": point.temperature_c,
            "positions": list(point.positions),
            "why": list(take_up.decision.why),
        }
        resumed = {
            **where,
            "policy": take_up.policy.value,
            "who": take_up.who,
            "temperature_c": take_up.now.temperature_c,
            "boot_counter": take_up.now.identity.boot_counter,
            "schema_version": take_up.now.identity.schema_version,
        }
        told = [
            with_act(Event(now_ns, kind, data, point.run.id)) for kind, data in (("crash", crash), ("resumed", resumed))
        ]
        await self._context.store.take_up_run(point.run.id, told)

    async def clear(self) -> None:
        """Have the bottles of a given-up bath taken out, and append the bath that replaces it.

        Where labels soak on nothing is done here: the controller stays in its safe state until heat is armed.
        """
        if self._take_up.continues:
            return
        await self._bath.procedure.make_ready()
        if not self.fresh_water:
            await self._wait_for_measurements()
        given_up = self._take_up.replaces
        if given_up is None:
            return
        if self.point.bottles:
            await self._bath.take_out(given_up, self.point.positions)
        old = next(trial for trial in self.point.trials if trial.ord == given_up)
        new = next(bath for bath in self.work if bath.ord > max(trial.ord for trial in self.point.trials))
        await _give_up(self._context, self.point, old, replaced_by=new)

    async def _wait_for_measurements(self) -> None:
        """Wait until the line, just opened, tells what is in the bath: it would be drained for nothing otherwise."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _MEASURED_WITHIN_S
        while self._bath.procedure.state() is None and loop.time() < until_s:
            level = self._bath.procedure.value("level")
            if level is not None and level < FULL_PCT / 2:  # too little to tell: it is filled in any case
                return
            await asyncio.sleep(_LOOK_S)

    async def arm(self, wanted_c: float, stirrer_pct: float) -> None:
        """Ask whether the bath may be heated again, and do so; without a yes the soak goes on while the bath cools."""
        why = ""
        try:
            answer = await self._context.questions.ask(heat_prompt(self.point, self._take_up.now, wanted_c))
            if answer.value is True:
                self._armed = True
                await self._context.journal.event("heat_armed", who=answer.who, wanted_c=wanted_c)
                await self._bath.procedure.make_ready()
                await self._bath.procedure.heat_again(wanted_c, stirrer_pct)
                return
            who = answer.who
        except LinectlError as error:
            who, why = "", error.message
        self._bath.flag("heat_off")
        await self._context.journal.event("heat_not_armed", who=who, why=why)

    async def go_on(self) -> None:
        """Make the controller ready for the baths after one whose labels soaked on; ask for heat if nobody said yes.

        Raises:
            NotConfirmed: the answer is no, or nobody can answer.
        """
        if not self._armed:
            answer = await self._context.questions.ask(heat_prompt(self.point, self._take_up.now, None))
            if answer.value is not True:
                raise NotConfirmed(tr("nobody allowed the bath to be heated again"))
            self._armed = True
            await self._context.journal.event("heat_armed", who=answer.who, wanted_c=None)
        await self._bath.procedure.make_ready()
        await self._wait_for_measurements()

    def arming(self, bath: PlannedBath) -> asyncio.Task[None]:
        """Start `arm` beside the soak of `bath`: the question must not keep its labels from being looked at."""
        treatment = bath.treatment
        stirrer_pct = (
            self._context.experiment.stirrer_pct if treatment.agitation_pct is None else treatment.agitation_pct
        )
        return asyncio.create_task(self.arm(treatment.temperature_c, stirrer_pct))


def identity_of(line: Line) -> Identity:
    """Return which controller answers on `line` now (a line without one has no identity)."""
    control = line.definition.control
    if control is None:
        return Identity()
    names = (control.boot_counter, f"{control.boot_counter.rpartition('.')[0]}.schema_version")
    values = [line.reading(name).value if name in line.definition.tags else None for name in names]
    boots, schema = (None if value is None else int(value) for value in values)
    return Identity(boots, schema)


async def _give_up(context: RunContext, point: ResumePoint, old: Trial, *, replaced_by: PlannedBath) -> None:
    """Close the trial `old` with its bottles as they were last seen, and append the bath that replaces it."""
    aborted = old
    if old.state is not TrialState.ABORTED:
        aborted = replace(old, state=TrialState.ABORTED, ended_ns=point.last_ns)
    new = Trial(old.run, replaced_by.ord, replaced_by.treatment, replaced_by.replicate, replaced_by.block)
    event = Event(context.clock.now_ns(), "trial_replaced", {"trial": old.ord, "by": new.ord}, old.run)
    await context.store.give_up_trial(aborted, point.bottles, event, replaced_by=new)

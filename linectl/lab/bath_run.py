"""One bath of a run: brought to its treatment, loaded, soaked and unloaded, with what it must be flagged for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from linectl.errors import RunFailed
from linectl.lab.asking import START, covariate_prompt, question_prompt, unload_prompt
from linectl.lab.bath import BathProcedure
from linectl.lab.context import RunContext
from linectl.lab.design.baths import PlannedBath
from linectl.lab.resume import ResumePoint
from linectl.lab.schedule import BathState, refill_reason
from linectl.lab.soak import Soaking
from linectl.lab.watch import SensorWatch
from linectl.model.experiments import FaultPolicy
from linectl.model.prompts import Prompt
from linectl.words import tr

__all__ = ["BathRun"]


class BathRun:
    """Works the baths of a run one after the other; `bath` is the present one, `soaking` its bottles while they are in.

    `enter` is awaited with the name of each phase before it acts.
    """

    def __init__(self, context: RunContext, sensors: SensorWatch, enter: Callable[[str], Awaitable[None]]) -> None:
        self._context = context
        self._sensors = sensors
        self._enter = enter
        self.procedure = BathProcedure(
            context.line,
            context.clock,
            context.zone,
            context.questions,
            context.journal,
            halt=context.halt,
            enter=enter,
            look=context.look,
        )
        self.bath: PlannedBath | None = None
        self.soaking: Soaking | None = None

    async def run(self, bath: PlannedBath, *, first: bool) -> list[str]:
        """Carry out `bath` from its water to its bottles out; return what it is flagged for.

        Raises:
            StopRequested: a stop was asked for; no bottle is in.
            LinectlError: it could not be carried out.
        """
        self.bath = bath
        self.procedure.flags.clear()
        self._context.faults.begin()
        await self.prepare(bath, None if first else self.procedure.state())
        flags = await self.soak(bath)
        self.bath = None
        return flags

    async def go_on(
        self, bath: PlannedBath, point: ResumePoint, arming: Callable[[PlannedBath], asyncio.Task[None]]
    ) -> list[str]:
        """Carry out the rest of `bath`, whose bottles are in since before a crash; return what it is flagged for.

        `arming` starts the question whether it may be heated; what is not answered when the soak ends is withdrawn.
        """
        self.bath = bath
        self.procedure.flags.clear()
        self._context.faults.begin()
        self.flag("crash")
        soaking = self.soaking = Soaking(self._context, bath)
        soaking.take_up(point)
        if point.phase == "unload":
            flags = await self._finish(soaking)
        else:
            if point.phase == "load":
                await self.procedure.lid(opened=True)
                await self._enter("load")
            flags = await self._observe(soaking, arming(bath))
        self.bath = None
        return flags

    async def take_out(self, trial: int, positions: Sequence[int]) -> None:
        """Have the bottles of a given-up bath taken out."""
        await self.procedure.lid(opened=True)
        await self._context.questions.ask(unload_prompt(trial, tuple(positions)))
        await self.procedure.lid(opened=False)

    def flag(self, why: str) -> None:
        """Flag the present bath."""
        if why not in self.procedure.flags:
            self.procedure.flags.append(why)

    async def prepare(self, bath: PlannedBath, before: BathState | None) -> None:
        """Bring the bath from what is in it (None: nobody knows) to its treatment."""
        experiment, treatment = self._context.experiment, bath.treatment
        stirrer_pct = experiment.stirrer_pct if treatment.agitation_pct is None else treatment.agitation_pct
        reason = refill_reason(before, treatment, experiment, self._context.zone)
        if reason:
            await self._context.journal.event("refill", trial=bath.ord, reason=reason)
            await self.procedure.refill(stirrer_pct)
        else:
            await self.procedure.top_up(stirrer_pct)
        await self.procedure.dose(treatment.naoh_pct)
        if self.procedure.flags:
            await self._blind_naoh()
        await self.procedure.heat_to(treatment.temperature_c)
        await self.procedure.stabilise(treatment.temperature_c, experiment.stabilisation)
        await self._context.halt.boundary()

    async def soak(self, bath: PlannedBath) -> list[str]:
        """Load, soak and unload; return what the bath is flagged for."""
        await self.ask_covariates("bath", f"T{bath.ord:02d}")
        soaking = self.soaking = Soaking(self._context, bath)
        await self.procedure.lid(opened=True)
        await self._enter("load")
        return await self._observe(soaking)

    async def _observe(self, soaking: Soaking, arming: asyncio.Task[None] | None = None) -> list[str]:
        self._sensors.begin()
        try:
            await soaking.load_and_watch(self._all_in)
        except RunFailed:
            await _end(arming)
            await self._out(soaking)
            raise
        finally:
            await _end(arming)
        return await self._finish(soaking)

    async def _finish(self, soaking: Soaking) -> list[str]:
        await self._out(soaking)
        await self._context.halt.boundary()
        dead = [f"no_{tag.rpartition('.')[2]}" for tag in self._sensors.dead]
        return self.procedure.flags + dead + (["checks_missed"] if soaking.missed else [])

    async def ask_covariates(self, per: str, where: str) -> None:
        """Ask for the covariates of the run (`start`) or of a bath (`T01`), and keep each as an event."""
        for covariate in self._context.experiment.covariates:
            if covariate.per == per:
                prompt = covariate_prompt(covariate, where)
                await self._ask(prompt, "covariate", name=covariate.name, per=per, unit=covariate.unit)

    async def ask_questions(self, phase: str) -> None:
        """Ask the experiment's own questions of `phase` (`start`: of the run), and keep each answer as an event."""
        where = START if self.bath is None else f"T{self.bath.ord:02d}"
        for question in self._context.experiment.questions:
            if question.at == phase:
                prompt = question_prompt(question, where, phase)
                await self._ask(prompt, "question", question=question.id, phase=phase, unit=question.unit)

    async def _ask(self, prompt: Prompt, kind: str, **facts: object) -> None:
        answer = await self._context.questions.ask(prompt)
        value = list(answer.value) if isinstance(answer.value, tuple) else answer.value
        trial = None if self.bath is None else self.bath.ord
        await self._context.journal.event(kind, trial=trial, value=value, who=answer.who, **facts)

    async def _blind_naoh(self) -> None:
        """Do what the experiment says about a bath whose NaOH cannot be measured."""
        why = tr("the NaOH of the bath cannot be measured")
        self._context.faults.strike("naoh", why)
        if self._context.faults.policy("naoh") is FaultPolicy.ABORT:
            raise RunFailed(tr("{fault}; the experiment says to abort").format(fault=why))
        await self._context.halt.boundary()

    async def _all_in(self) -> None:
        await self.procedure.lid(opened=False)
        await self._enter("soak")

    async def _out(self, soaking: Soaking) -> None:
        """Store what was last seen, and have the bottles taken out."""
        await soaking.close()
        await self._enter("unload")
        await self.procedure.lid(opened=True)
        await soaking.unload()
        self.soaking = None
        await self.procedure.lid(opened=False)


async def _end(task: asyncio.Task[None] | None) -> None:
    """End `task`; what it failed with by a mistake of the program is raised."""
    if task is None:
        return
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()

"""The soak of one bath: bottles go in one by one, and from the first on all are looked at on a fixed grid.

What is kept of a bottle is an interval: the last look that saw its label attached and the first that did not. A look
that saw nothing (camera dead, nobody looked) is a missed check; its label is neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from math import floor

from linectl.errors import Refused, RunFailed
from linectl.lab.asking import covariate_prompt, load_prompt, residue_prompts, unload_prompt
from linectl.lab.context import RunContext
from linectl.lab.design.baths import PlannedBath, PlannedBottle
from linectl.lab.looks import NOT_SEEN, Eyes, Look, Watched, camera_tag
from linectl.lab.resume import ResumePoint
from linectl.model.experiments import Observation
from linectl.model.records import Bottle, Check
from linectl.units import NS_PER_S, s_to_ns
from linectl.words import tr

__all__ = ["Soaking", "camera_tag"]

_SEEN_AFTER_S = 2.0  # process time from a bottle's insertion until the camera has surely told of it
_SILENCE_PERIODS = 1.5  # of the camera's own period: it has missed a word
_DEAD_LOOKS = 2  # looks in a row without any label seen: the camera counts as dead
_MARGIN = 0.1  # of the check interval, at most 1 s: a person's check ends so long before the next one
_MARGIN_LOOP_S = 0.5  # of real time at least, however fast a simulated plant goes


class Soaking:
    """Loads one bath, watches its labels until the cap or until all are off, and gives each bottle its interval.

    Checks stand on a grid of `check_s` from the first insertion; the soak ends at the first check at or after `cap_s`
    from the last insertion. Stops take effect after a bottle or a check; a hold changes nothing here, for bottles
    in a bath that cools are looked at as before.
    """

    def __init__(self, context: RunContext, bath: PlannedBath) -> None:
        self._context = context
        self._clock = context.clock
        self._store = context.store
        self._journal = context.journal
        self._soak = context.experiment.soak
        self._camera = context.experiment.observation is Observation.CAMERA
        self._bath = bath
        self._eyes = Eyes(context.line, context.clock, context.questions, context.journal, bath.ord)
        self._watched: list[Watched] = []
        self._first_in = asyncio.Event()
        self._loaded = asyncio.Event()
        self._no_more = self._enough = False
        self._decided: set[str] = set()  # labels that were in, or left out, before a crash
        self._looked: int | None = None  # the last check made before a crash, counted from the first insertion
        self._blind_looks = 0
        slow = [layout.period_s for layout in context.line.layouts.values() if camera_tag(1) in layout.tags]
        self._silence_ns = s_to_ns(_SILENCE_PERIODS * max(slow, default=0.0))
        self.missed = 0

    @property
    def bottles(self) -> tuple[Bottle, ...]:
        """The bottles that went in, with what has been seen of them."""
        return tuple(watched.bottle for watched in self._watched)

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions that hold a bottle."""
        return tuple(sorted(watched.bottle.position for watched in self._watched))

    @property
    def still_on(self) -> tuple[int, ...]:
        """The positions whose label is still watched."""
        return tuple(sorted(watched.bottle.position for watched in self._watched if watched.open))

    def take_up(self, point: ResumePoint) -> None:
        """Go on with the bottles that are in since before a crash: on their own time, from where the checks ended."""
        now_s, now_ns = self._clock.process_s(), self._clock.now_ns()
        for bottle in point.bottles:
            seen_ns = bottle.inserted_ns if bottle.last_attached_ns is None else bottle.last_attached_ns
            watched = Watched(bottle, now_s - (now_ns - bottle.inserted_ns) / NS_PER_S, seen_ns, seen_ns)
            watched.skipped = point.skipped.get(bottle.label, "")
            self._watched.append(watched)
        self._decided = {bottle.label for bottle in point.bottles} | point.left_out
        self._no_more = point.phase != "load"
        if self._watched:
            began_ns = self._watched[0].bottle.inserted_ns
            checked_ns = began_ns if point.checked_ns is None else point.checked_ns
            self._looked = round((checked_ns - began_ns) / s_to_ns(self._soak.check_s))
            self._first_in.set()

    async def load_and_watch(self, all_in: Callable[[], Awaitable[None]]) -> None:
        """Ask for every bottle, watch from the first one on, and await `all_in` when all are in.

        Raises:
            RunFailed: something failed and the experiment's policy is to abort; the bottles are still in.
        """
        tasks = [asyncio.create_task(self._load(all_in)), asyncio.create_task(self._watch())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def close(self) -> None:
        """Store what was last seen of every bottle that is still on."""
        for watched in self._watched:
            if watched.bottle.first_detached_ns is None:
                await self._store.update_bottle(watched.bottle)

    async def unload(self) -> None:
        """Ask for all bottles to be taken out, and for how the labels came off where the experiment wants it."""
        if not self._watched:
            return
        await self._context.questions.ask(unload_prompt(self._bath.ord, self.positions))
        if not self._context.experiment.score_residue:
            return
        for watched in sorted(self._watched, key=lambda each: each.bottle.position):
            if watched.bottle.first_detached_ns is not None:
                await self._score(watched)

    # what a person may want meanwhile

    def end_now(self) -> tuple[int, ...]:
        """End the loading, or the soak, before its time; return the positions whose label is still on."""
        if self._loaded.is_set():
            self._enough = True
        else:
            self._no_more = True
        return self.still_on

    async def skip(self, which: int | str, reason: str, who: str) -> Bottle:
        """Take a bottle (its position or label) out of the observation; its interval ends at its last check.

        Raises:
            Refused: there is no such bottle in the bath, or its label is not watched any more.
        """
        found = [each for each in self._watched if which in {each.bottle.position, each.bottle.label}]
        if not found or not found[0].open:
            places = ", ".join(map(str, self.still_on)) or "-"
            raise Refused(
                tr("no label is watched at {which}").format(which=which),
                hint=tr("watched are the positions {places}").format(places=places),
                code="E-RUN-007",
            )
        watched = found[0]
        bottle = watched.bottle
        told = {"bottle": bottle.label, "position": bottle.position, "reason": reason, "who": who}
        await self._journal.event("bottle_skipped", trial=self._bath.ord, **told)
        watched.skipped = reason or "-"
        await self._store.update_bottle(bottle)
        return bottle

    # in

    async def _load(self, all_in: Callable[[], Awaitable[None]]) -> None:
        for planned in self._bath.bottles:
            if self._context.halt.asked or self._context.faults.abort or self._no_more:
                break
            if planned.label not in self._decided:
                await self._put(planned)
        if self._watched and not self._context.halt.asked:
            await all_in()
        self._loaded.set()
        self._first_in.set()

    async def _put(self, planned: PlannedBottle) -> None:
        factors = dict(planned.factors)
        for covariate in self._context.experiment.covariates:
            if covariate.per == "bottle":
                found = (await self._context.questions.ask(covariate_prompt(covariate, planned.label))).value
                factors[covariate.name] = f"{found:g}" if isinstance(found, float | int) else str(found)
        answer = await self._context.questions.ask(load_prompt(planned, self._context.experiment))
        if not answer.value:
            await self._journal.event("bottle_left_out", bottle=planned.label, position=planned.position)
            return
        bottle = Bottle(
            self._context.run,
            self._bath.ord,
            planned.label,
            planned.position,
            planned.glue,
            inserted_ns=answer.answered_ns,
            code=planned.code,
            factors=factors,
        )
        since_s = (self._clock.now_ns() - bottle.inserted_ns) / NS_PER_S
        await self._store.add_bottles([bottle])
        self._watched.append(Watched(bottle, self._clock.process_s() - since_s, bottle.inserted_ns))
        self._first_in.set()

    # watched

    async def _watch(self) -> None:
        await self._first_in.wait()
        if not self._watched:
            return
        check_s, cap_s = self._soak.check_s, self._soak.cap_s
        began_s, began_ns = self._watched[0].inserted_s, self._watched[0].bottle.inserted_ns
        number = 1 if self._looked is None else await self._next(self._looked, began_s, began_ns)
        while True:
            await self._wait_until(began_s + number * check_s)
            if self._enough:
                return
            await self._check(number, began_ns + s_to_ns(number * check_s), began_s + (number + 1) * check_s)
            if self._context.faults.abort:
                raise RunFailed(
                    tr("{fault}; the experiment says to abort").format(fault=self._context.faults.abort),
                    hint=tr("mend what failed, then run the experiment again"),
                )
            if self._loaded.is_set() and (self._context.halt.asked or self._ended(began_s + number * check_s, cap_s)):
                return
            number = await self._next(number, began_s, began_ns)

    async def _wait_until(self, process_s: float) -> None:
        """Wait for the next check, telling of progress on the way; a soak that is ended early waits no longer."""
        while (left := process_s - self._clock.process_s()) > 0 and not self._enough:
            await self._clock.sleep(min(left, 1.0))
            self._context.look()

    def _ended(self, now_s: float, cap_s: float) -> bool:
        return not self.still_on or now_s >= self._watched[-1].inserted_s + cap_s

    async def _next(self, number: int, began_s: float, began_ns: int) -> int:
        """Return the number of the next check; those whose time passed while one was made are missed."""
        check_s = self._soak.check_s
        reached = floor((self._clock.process_s() - began_s) / check_s)
        for passed in range(number + 1, reached + 1):
            due = self._due()
            await self._record(began_ns + s_to_ns(passed * check_s), due, [NOT_SEEN] * len(due))
        return max(number, reached) + 1

    def _due(self) -> list[Watched]:
        """Return the bottles to look at now: in for long enough, label still watched."""
        latest = self._clock.process_s() - _SEEN_AFTER_S
        return [watched for watched in self._watched if watched.open and watched.inserted_s <= latest]

    async def _check(self, number: int, planned_ns: int, next_s: float) -> None:
        """Look at all labels that are due; by a second person too, when it is the turn."""
        due = self._due()
        if not due:
            return

        def left_s() -> float:
            margin_s = min(_MARGIN * self._soak.check_s, max(1.0, _MARGIN_LOOP_S * self._clock.speed))
            return next_s - margin_s - self._clock.process_s()

        if self._camera:
            looks = await self._eyes.by_camera(due)
        else:
            looks, _ = await self._eyes.by_person(due, number, left_s)
        await self._record(planned_ns, due, looks)
        if self._camera:
            await self._blind(all(look.attached is None for look in looks))
        every = self._context.experiment.second_examiner_every
        if every and number % every == 0:
            seconds, who = await self._eyes.by_person(due, number, left_s, second=True)
            await self._record_second(planned_ns, due, seconds, who or "second")

    async def _blind(self, blind: bool) -> None:
        """Count looks at which the camera saw nothing at all."""
        self._blind_looks = self._blind_looks + 1 if blind else 0
        if self._blind_looks == _DEAD_LOOKS:
            await self._journal.event("sensor_dead", tag="label", detail="no label was seen twice in a row")
            self._context.faults.strike("camera", tr("the label camera sees nothing"))

    async def _record(self, planned_ns: int, due: Sequence[Watched], looks: Sequence[Look]) -> None:
        """Store one look at several bottles; correct earlier ones that turn out to have seen nothing."""
        checks: list[Check] = []
        for watched, look in zip(due, looks, strict=True):
            checks += watched.take(planned_ns, look, self._silence_ns)
        missed = [each.bottle.position for each, look in zip(due, looks, strict=True) if look.attached is None]
        await self._store.add_checks(checks)
        for watched, look in zip(due, looks, strict=True):
            if look.attached is False:
                await self._store.update_bottle(watched.bottle)
        if missed:
            self.missed += len(missed)
            await self._journal.event("checks_missed", trial=self._bath.ord, planned_ns=planned_ns, positions=missed)

    async def _record_second(self, planned_ns: int, due: Sequence[Watched], looks: Sequence[Look], who: str) -> None:
        """Store a second person's looks beside those that decide; no bottle's interval rests on them."""
        checks = [
            Check(each.bottle.run, each.bottle.trial, each.bottle.label, planned_ns, look.done_ns, look.attached, who)
            for each, look in zip(due, looks, strict=True)
            if look.attached is not None
        ]
        if checks:
            await self._store.add_checks(checks)

    async def _score(self, watched: Watched) -> None:
        mode, residue = residue_prompts(watched.bottle.label, watched.bottle.position)
        how = (await self._context.questions.ask(mode)).value
        left = (await self._context.questions.ask(residue)).value
        watched.bottle = replace(
            watched.bottle, mode=str(how), residue_pct=float(left) if isinstance(left, float | int) else None
        )
        await self._store.update_bottle(watched.bottle)

"""The soak of one bath: bottles go in one by one, and from the first on all are looked at on a fixed grid.

What is kept of a bottle is an interval: the last look that saw its label attached and the first that did not. A look
that saw nothing (camera dead, nobody looked) is a missed check; its label is neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from math import floor

from linectl.clock import Clock
from linectl.errors import RunFailed
from linectl.lab.design.baths import PlannedBath, PlannedBottle
from linectl.lab.halt import Halt
from linectl.lab.journal import Journal, Questions
from linectl.line.line import Line
from linectl.model.experiments import Experiment, FaultPolicy, Observation
from linectl.model.prompts import Prompt, PromptKind
from linectl.model.readings import Reading
from linectl.model.records import Bottle, Check
from linectl.store.store import Store
from linectl.units import s_to_ns
from linectl.words import tr

__all__ = ["Soaking", "camera_tag"]

_SEEN_AFTER_S = 2.0  # process time from a bottle's insertion until the camera has surely told of it
_SILENCE_PERIODS = 1.5  # of the camera's own period: it has missed a word
_DEAD_LOOKS = 2  # looks in a row without any label seen: the camera counts as dead


def camera_tag(position: int) -> str:
    """Return the tag of the label camera at `position`."""
    return f"label.p{position:02d}"


@dataclass(slots=True)
class _Watched:
    """One bottle in the bath: what is stored of it, and how far that is proved.

    `inserted_s` is process time; `word_ns` is the camera's last word on it, `proved_ns` the last look that saw the
    label attached and that a later word has proved, `unproved` the looks since.
    """

    bottle: Bottle
    inserted_s: float
    word_ns: int
    proved_ns: int | None = None
    unproved: list[Check] = field(default_factory=list)

    def prove(self, word_ns: int) -> None:
        """Take a word of the camera: it proves the looks before it."""
        self.word_ns = word_ns
        proved = [look.done_ns for look in self.unproved if look.done_ns is not None and look.done_ns <= word_ns]
        self.proved_ns = max([*proved, self.proved_ns or 0]) or None
        del self.unproved[: len(proved)]

    def withdraw(self) -> list[Check]:
        """Return the looks since the camera's last word as missed ones; the label was last seen before them."""
        missed = [replace(look, done_ns=None, attached=None) for look in self.unproved]
        self.unproved.clear()
        if missed:
            self.bottle = replace(self.bottle, last_attached_ns=self.proved_ns)
        return missed


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at one label gave: when (ns), attached or not (None: not seen), and from when the proof is (ns)."""

    done_ns: int | None
    attached: bool | None
    proof_ns: int = 0


_NOT_SEEN = _Look(None, None)


class Soaking:
    """Loads one bath, watches its labels until the cap or until all are off, and gives each bottle its interval.

    Checks stand on a grid of `check_s` from the first insertion; the soak ends at the first check at or after `cap_s`
    from the last insertion. `fault` tells of a sensor that died ("" while none has). Stops take effect after a
    bottle or a check.
    """

    def __init__(
        self,
        line: Line,
        store: Store,
        clock: Clock,
        questions: Questions,
        journal: Journal,
        halt: Halt,
        experiment: Experiment,
        run: str,
        bath: PlannedBath,
        *,
        fault: Callable[[], str] = lambda: "",
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._line = line
        self._store = store
        self._clock = clock
        self._questions = questions
        self._journal = journal
        self._halt = halt
        self._experiment = experiment
        self._run = run
        self._bath = bath
        self._fault = fault
        self._told = look
        self._watched: list[_Watched] = []
        self._first_in = asyncio.Event()
        self._loaded = asyncio.Event()
        self._blind_looks = 0
        slow = [layout.period_s for layout in line.layouts.values() if camera_tag(1) in layout.tags]
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

    async def load_and_watch(self, all_in: Callable[[], Awaitable[None]]) -> None:
        """Ask for every bottle, watch from the first one on, and await `all_in` when all are in.

        Raises:
            RunFailed: a sensor died and the experiment's policy is to abort; the bottles are still in.
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
        """Ask for all bottles to be taken out."""
        if not self._watched:
            return
        places = ", ".join(map(str, self.positions))
        prompt = Prompt(
            id=f"T{self._bath.ord:02d}-unload",
            kind=PromptKind.CONFIRM,
            text=tr("Take out all bottles: positions {places}. All out?").format(places=places),
            task="unload",
            facts={"positions": self.positions},
        )
        await self._questions.ask(prompt)

    # in

    async def _load(self, all_in: Callable[[], Awaitable[None]]) -> None:
        for planned in self._bath.bottles:
            if self._halt.asked or self._must_abort():
                break
            await self._put(planned)
        if self._watched and not self._halt.asked:
            await all_in()
        self._loaded.set()
        self._first_in.set()

    async def _put(self, planned: PlannedBottle) -> None:
        text = tr("Put bottle {label} ({glue}) at position {position}. Is it in?")
        answer = await self._questions.ask(
            Prompt(
                id=planned.label,
                kind=PromptKind.CONFIRM,
                text=text.format(label=planned.label, glue=planned.glue, position=planned.position),
                task="load_bottle",
                facts={"position": planned.position, "bottle": planned.label, "glue": planned.glue},
            )
        )
        if not answer.value:
            await self._journal.event("bottle_left_out", bottle=planned.label, position=planned.position)
            return
        bottle = Bottle(
            self._run, self._bath.ord, planned.label, planned.position, planned.glue, inserted_ns=answer.answered_ns
        )
        await self._store.add_bottles([bottle])
        self._watched.append(_Watched(bottle, self._clock.process_s(), bottle.inserted_ns))
        self._first_in.set()

    # watched

    async def _watch(self) -> None:
        await self._first_in.wait()
        if not self._watched:
            return
        check_s, cap_s = self._experiment.soak.check_s, self._experiment.soak.cap_s
        began_s, began_ns = self._watched[0].inserted_s, self._watched[0].bottle.inserted_ns
        number = 1
        while True:
            await self._wait_until(began_s + number * check_s)
            await self._check(began_ns + s_to_ns(number * check_s))
            if self._must_abort():
                raise RunFailed(
                    tr("{fault}; the experiment says to abort").format(fault=self._death()),
                    hint=tr("mend the sensor, then run the experiment again"),
                )
            if self._loaded.is_set() and (self._halt.asked or self._ended(began_s + number * check_s, cap_s)):
                return
            number = await self._next(number, began_s, began_ns)

    async def _wait_until(self, process_s: float) -> None:
        """Wait for the next check, telling of progress on the way."""
        while (left := process_s - self._clock.process_s()) > 0:
            await self._clock.sleep(min(left, 1.0))
            self._told()

    def _ended(self, now_s: float, cap_s: float) -> bool:
        return self._all_off() or now_s >= self._watched[-1].inserted_s + cap_s

    def _all_off(self) -> bool:
        return all(watched.bottle.first_detached_ns is not None for watched in self._watched)

    async def _next(self, number: int, began_s: float, began_ns: int) -> int:
        """Return the number of the next check; those whose time passed while one was made are missed."""
        check_s = self._experiment.soak.check_s
        reached = floor((self._clock.process_s() - began_s) / check_s)
        for passed in range(number + 1, reached + 1):
            await self._record(began_ns + s_to_ns(passed * check_s), dict.fromkeys(self._due(), _NOT_SEEN))
        return max(number, reached) + 1

    def _due(self) -> list[int]:
        """Return the indexes of the bottles to look at now: in for long enough, label not seen off yet."""
        latest = self._clock.process_s() - _SEEN_AFTER_S
        return [
            index
            for index, watched in enumerate(self._watched)
            if watched.bottle.first_detached_ns is None and watched.inserted_s <= latest
        ]

    async def _check(self, planned_ns: int) -> None:
        due = self._due()
        if not due:
            return
        camera = self._experiment.observation is Observation.CAMERA
        looks = await (self._by_camera(due) if camera else self._by_operator(due, planned_ns))
        await self._record(planned_ns, looks)
        blind = all(look.attached is None for look in looks.values())
        self._blind_looks = self._blind_looks + 1 if blind else 0
        if self._blind_looks == _DEAD_LOOKS:
            await self._journal.event("sensor_dead", tag="label", detail="no label was seen twice in a row")

    async def _by_camera(self, due: list[int]) -> dict[int, _Look]:
        readings = [await self._line.read(camera_tag(self._watched[index].bottle.position)) for index in due]
        return {index: self._seen(reading) for index, reading in zip(due, readings, strict=True)}

    def _seen(self, reading: Reading) -> _Look:
        if reading.value is None or not reading.quality.is_good:
            return _NOT_SEEN
        now_ns = self._clock.now_ns()
        return _Look(now_ns, bool(reading.value), min(reading.received_time_ns, now_ns))

    async def _by_operator(self, due: list[int], planned_ns: int) -> dict[int, _Look]:
        places = {self._watched[index].bottle.position: index for index in due}
        shown = ", ".join(map(str, sorted(places)))
        prompt = Prompt(
            id=f"T{self._bath.ord:02d}-check-{planned_ns}",
            kind=PromptKind.POSITIONS,
            text=tr("Which labels are still attached? Positions {places}:").format(places=shown),
            task="check",
            facts={"positions": tuple(sorted(places))},
        )
        answer = await self._questions.ask(prompt)
        still = set(answer.value) if isinstance(answer.value, tuple) else set()
        at = answer.answered_ns
        return {index: _Look(at, position in still, at) for position, index in places.items()}

    async def _record(self, planned_ns: int, looks: Mapping[int, _Look]) -> None:
        """Store one look at several bottles; correct earlier ones that turn out to have seen nothing."""
        checks: list[Check] = []
        for index, look in looks.items():
            checks += self._take(self._watched[index], planned_ns, look)
        missed = [self._watched[index].bottle.position for index, look in looks.items() if look.attached is None]
        await self._store.add_checks(checks)
        for index, look in looks.items():
            if look.attached is False:
                await self._store.update_bottle(self._watched[index].bottle)
        if missed:
            self.missed += len(missed)
            await self._journal.event("checks_missed", trial=self._bath.ord, planned_ns=planned_ns, positions=missed)

    def _take(self, watched: _Watched, planned_ns: int, look: _Look) -> list[Check]:
        """Put one look into the bottle's record; return its checks to store.

        A camera that speaks on change and once a period has seen the label attached up to its last word, and is
        believed beyond that as long as it goes on speaking. When it fell silent instead, the looks since its last
        word saw nothing after all: they become missed checks, and the label was last seen attached before them.
        """
        silent = look.attached is False and look.proof_ns - watched.word_ns > self._silence_ns
        withdrawn = watched.withdraw() if silent or look.attached is None else []
        bottle = watched.bottle
        check = Check(self._run, self._bath.ord, bottle.label, planned_ns, look.done_ns, look.attached)
        if look.done_ns is None:
            return [*withdrawn, check]
        watched.prove(look.proof_ns)
        if look.attached:
            watched.bottle = replace(bottle, last_attached_ns=look.done_ns)
            watched.unproved.append(check)
            watched.prove(look.proof_ns)
        else:
            last = bottle.inserted_ns if bottle.last_attached_ns is None else bottle.last_attached_ns
            watched.bottle = replace(bottle, last_attached_ns=last, first_detached_ns=look.done_ns)
        return [*withdrawn, check]

    def _must_abort(self) -> bool:
        return self._experiment.on_sensor_fault is FaultPolicy.ABORT and bool(self._death())

    def _death(self) -> str:
        """Return which sensor died, in words; "" when none has."""
        if self._blind_looks >= _DEAD_LOOKS:
            return tr("the label camera sees nothing")
        return self._fault()

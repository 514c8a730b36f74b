"""Carries out faults on a running rig: those of a timeline at their time, those of a person at once.

Everything goes by process time on the rig's clock, so that the same timeline with the same seed breaks the same things
at the same moments, whether time is real, scaled or virtual. Ending a fault puts back what it changed, and no more.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Self

from linectl.clock.wall import Clock
from linectl.errors import ConfigError, Problem
from linectl.model.fault_checks import MACHINES, Condition, condition, mistakes, with_defaults
from linectl.model.faults import INSTRUMENTS, KINDS, FaultKind, FaultOrder, Scenario
from linectl.sim.faults.acts import Act, Undo, Work
from linectl.sim.faults.events import FaultEvent, StandingFault
from linectl.sim.faults.kinds import BEGIN
from linectl.sim.faults.readings import shown
from linectl.sim.rig import Rig
from linectl.words import tr

__all__ = ["FaultEngine", "FaultEvent", "StandingFault"]

_LOOK_S = 1.0  # process time between two looks at a condition: the plant moves in steps of a second
_SLACK_S = 1e-9


@dataclass(slots=True)
class _Fault:
    number: int
    order: FaultOrder
    at_s: float  # process time of the clock from which on it may begin
    condition: Condition | None
    since_s: float
    ends_s: float | None = None
    strikes: int = 0
    undo: Undo | None = field(default=None)  # None: it waits


class FaultEngine:
    """The faults of one rig: those that stand, those that wait for their time, and the log of both.

    `on_event` is called as each begins and ends; it must be quick. `machines` are those of the line (`bath`,
    `washer`): an order for another is refused. As a context manager it starts at the block's beginning and mends
    everything at its end. Times of orders count from the start.
    """

    def __init__(
        self,
        rig: Rig,
        clock: Clock,
        *,
        on_event: Callable[[FaultEvent], None] | None = None,
        machines: Collection[str] = MACHINES,
    ) -> None:
        self._rig = rig
        self._clock = clock
        self._on_event = on_event
        self._machines = machines
        self._faults: dict[int, _Fault] = {}
        self._log: list[FaultEvent] = []
        self._numbers = 0
        self._origin_s = clock.process_s()
        self._changed = asyncio.Event()
        self._timeline: asyncio.Task[None] | None = None
        self._works: list[Work] = []
        self._worker: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Return how many faults stand and wait."""
        active = sum(each.undo is not None for each in self._faults.values())
        return f"<FaultEngine {active} standing, {len(self._faults) - active} waiting, at {self.now_s:g} s>"

    async def __aenter__(self) -> Self:
        """Start."""
        self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Mend everything and stop."""
        await self.stop()

    @property
    def now_s(self) -> float:
        """The process time in s since the start."""
        return self._clock.process_s() - self._origin_s

    @property
    def log(self) -> tuple[FaultEvent, ...]:
        """What began and ended, in its order."""
        return tuple(self._log)

    def standing(self) -> tuple[StandingFault, ...]:
        """Return the faults that are there and those that wait, by their numbers."""
        return tuple(self._standing(each) for each in self._faults.values())

    def _standing(self, fault: _Fault) -> StandingFault:
        ends_s = None if fault.ends_s is None else fault.ends_s - self._origin_s
        return StandingFault(fault.number, fault.order, fault.undo is not None, fault.since_s - self._origin_s, ends_s)

    def start(self) -> None:
        """Count the times of orders from now on; without effect once it has started."""
        if self._timeline is None:
            self._origin_s = self._clock.process_s()
            self._timeline = asyncio.create_task(self._keep(), name="faults")

    async def stop(self) -> None:
        """End all faults, wait until that is done, and end the timeline."""
        task, self._timeline = self._timeline, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._end_all("stopped")
        await self.settled()
        if task is not None and not task.cancelled():
            task.result()  # a timeline that ended by itself ended by a mistake, which must not stay unseen

    async def settled(self) -> None:
        """Wait until the restarts and cuts under way are done.

        Raises:
            Unreachable: a server could not come back, its port is taken.
        """
        while self._worker is not None and not self._worker.done():
            await asyncio.shield(self._worker)
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.result()

    async def run(self, scenario: Scenario) -> None:
        """Carry out a timeline to its end; then everything is mended.

        Raises:
            ConfigError: faults of it cannot be done on this rig; nothing was begun.
        """
        problems = [each for order in scenario.faults for each in self._problems(order)]
        if problems:
            raise ConfigError(problems)
        self.start()
        self._origin_s = self._clock.process_s()
        numbers = [self.add(order) for order in scenario.faults]
        try:
            await self._clock.sleep_until(self._origin_s + scenario.duration_s)
        finally:
            for number in numbers:
                if number in self._faults:
                    self._end(self._faults[number], "stopped")
            await self.settled()

    def add(self, order: FaultOrder) -> int:
        """Let a fault begin, or wait for its time or its condition; return its number.

        Raises:
            ConfigError: no such kind or target, a figure out of its range, or the rig has nothing of the sort.
        """
        problems = self._problems(order)
        if problems:
            raise ConfigError(problems if order.place[0] else "\n".join(each.message for each in problems))
        self._numbers += 1
        now_s = self._clock.process_s()
        at_s = self._origin_s + order.at_s
        fault = _Fault(self._numbers, order, at_s, condition(order.when) if order.when else None, now_s)
        self._faults[fault.number] = fault
        if fault.condition is None and at_s <= now_s + _SLACK_S:
            self._begin(fault, "ordered" if order.at_s == 0.0 else "due")
        self._changed.set()
        return fault.number

    def clear(self, number: int) -> None:
        """End a fault, or forget one that waits.

        Raises:
            ConfigError: there is none of that number.
        """
        fault = self._faults.get(number)
        if fault is None:
            numbers = ", ".join(map(str, self._faults))
            raise ConfigError(
                tr("no fault has the number {number}").format(number=number),
                hint=tr("standing: {numbers}").format(numbers=numbers) if numbers else tr("no fault stands"),
            )
        self._end(fault, "cleared")

    def clear_all(self) -> None:
        """End every fault, and forget those that wait."""
        self._end_all("cleared")

    def _end_all(self, why: str) -> None:
        for fault in reversed(list(self._faults.values())):
            self._end(fault, why)

    def _problems(self, order: FaultOrder) -> list[Problem]:
        found = mistakes(order, self._machines)
        kind = KINDS.get(order.kind)
        texts = [(each.key, each.message) for each in found]
        if kind is not None and not found:
            texts += self._of_rig(order, kind)
        return [Problem(*order.place, key, message) for key, message in texts]

    def _of_rig(self, order: FaultOrder, kind: FaultKind) -> Iterator[tuple[str, str]]:
        """Yield what this rig lacks for a sound order: key and message."""
        if kind.on_wires and not self._rig.wires:
            yield "fault", tr("{fault} needs real wires: this rig is in memory").format(fault=order.kind)
        instruments = [*self._rig.instruments, "plc", "washer", "sensors"]
        if order.target in INSTRUMENTS and order.target not in instruments:
            text = tr("this rig has no {target}; it has {links}")
            yield "target", text.format(target=order.target, links=", ".join(instruments))

    # one fault

    def _begin(self, fault: _Fault, why: str, detail: str = "") -> None:
        order, now_s = fault.order, self._clock.process_s()
        self._rig.advance()  # what has passed is not touched
        values, struck = with_defaults(order), partial(self._struck, fault)
        act = Act(self._rig, self._clock, fault.number, order.target, values, struck, self._later)
        fault.since_s = now_s
        lasts_s = order.for_s if order.for_s is not None else KINDS[order.kind].lasts_s
        fault.ends_s = None if lasts_s is None else now_s + lasts_s
        fault.undo = BEGIN[order.kind](act)
        self._tell(fault, "began", why, detail)

    def _end(self, fault: _Fault, why: str) -> None:
        self._faults.pop(fault.number, None)
        undo, fault.undo = fault.undo, None
        if undo is None:
            return
        self._rig.advance()
        undo()
        self._tell(fault, "ended", why)
        self._changed.set()

    def _struck(self, fault: _Fault) -> bool:
        fault.strikes += 1
        if fault.order.count is None or fault.strikes < fault.order.count:
            return False
        if KINDS[fault.order.kind].group == "sensor":  # the plant is in the middle of a step
            asyncio.get_running_loop().call_soon(self._counted, fault)
        else:
            self._counted(fault)
        return True

    def _counted(self, fault: _Fault) -> None:
        if fault.undo is not None:
            self._end(fault, "counted")

    def _tell(self, fault: _Fault, what: str, why: str, detail: str = "") -> None:
        order = fault.order
        event = FaultEvent(
            number=fault.number,
            kind=order.kind,
            target=order.target,
            what=what,
            why=why,
            process_s=round(self.now_s, 6),
            time_ns=self._clock.now_ns(),
            values=MappingProxyType(dict(with_defaults(order))),
            detail=detail,
        )
        self._log.append(event)
        if self._on_event is not None:
            self._on_event(event)

    # time

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            self._turn()
            next_s = self._next_s()
            if math.isinf(next_s):
                await self._changed.wait()
                continue
            try:
                async with asyncio.timeout_at(self._clock.loop_s(next_s)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _turn(self) -> None:
        """Begin and end what is due now."""
        now_s = self._clock.process_s() + _SLACK_S
        for fault in list(self._faults.values()):
            if fault.undo is not None:
                if fault.ends_s is not None and fault.ends_s <= now_s:
                    self._end(fault, "over")
            elif fault.at_s <= now_s:
                self._may_begin(fault)

    def _may_begin(self, fault: _Fault) -> None:
        if fault.condition is None:
            self._begin(fault, "due")
            return
        self._rig.advance()
        value = shown(self._rig, fault.condition.reading)
        if fault.condition.holds(value):
            self._begin(fault, "condition", f"{fault.order.when} ({value:g})")

    def _next_s(self) -> float:
        """Return the process time of the next thing to do."""
        now_s = self._clock.process_s()
        times = [math.inf]
        for fault in self._faults.values():
            if fault.undo is not None:
                times.append(math.inf if fault.ends_s is None else fault.ends_s)
            elif fault.condition is None or fault.at_s > now_s:
                times.append(fault.at_s)
            else:
                times.append(math.floor(now_s / _LOOK_S + _SLACK_S) * _LOOK_S + _LOOK_S)
        return min(times)

    # what must be waited for

    def _later(self, work: Work) -> None:
        self._works.append(work)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._do(), name="faults: restarts")

    async def _do(self) -> None:
        while self._works:
            await self._works.pop(0)()

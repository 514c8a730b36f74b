"""What a simulated line that is up answers over its control socket, and what its picture is drawn from."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from linectl.clock.pace import PaceMeter
from linectl.errors import ConfigError, Refused
from linectl.model.faults import Scenario
from linectl.server.simulation.control import Op
from linectl.server.simulation.fault_orders import order_of
from linectl.server.simulation.twin_look import Looker
from linectl.server.simulation.twin_view import FaultView, TwinView, as_data
from linectl.sim.faults.feasible import lots_of
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.sim.faults.engine import FaultEngine

__all__ = ["SimHost", "fault_views"]

_PAST = 50  # faults that are over and still listed


@dataclass(slots=True)
class SimHost:
    """A rig that is up, who looks at it, its faults, the meter of its pace, and the event that ends it."""

    looker: Looker
    engine: FaultEngine
    meter: PaceMeter
    stop: asyncio.Event
    machines: Collection[str]  # those of the line

    def look(self) -> TwinView:
        """Return the plant as it is now; its time counts as that of the faults, from when all was up."""
        return replace(self.looker(fault_views(self.engine), self.meter.pace()), process_s=self.engine.now_s)

    def ops(self) -> Mapping[str, Op]:
        """Return what may be asked over the control socket, by name."""
        return {
            "state": lambda _args: as_data(self.look()),
            "faults": lambda _args: {"faults": as_data(self.look())["faults"]},
            "machines": lambda _args: sorted(self.machines),
            "fault_add": self._add,
            "fault_clear": self._clear,
            "lots": self._feed,
            "stop": self._stop,
        }

    def _add(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Order a fault; its `at_s` counts from now."""
        order = order_of({**args, "at_s": float(args.get("at_s") or 0.0) + self.engine.now_s})
        return {"number": self.engine.add(order)}

    def _clear(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Mend one fault by its `number`, or all of them when there is none."""
        wanted = args.get("number")
        numbers = [each.number for each in self.engine.standing()]
        if wanted is None:
            self.engine.clear_all()
            return {"cleared": numbers}
        if wanted not in numbers:
            known = ", ".join(map(str, numbers)) or tr("none")
            text = tr("there is no fault {number} that stands or waits; there are: {known}")
            raise ConfigError(text.format(number=wanted, known=known), hint="linectl sim fault ls", code="E-SIM-006")
        self.engine.clear(int(wanted))
        return {"cleared": [wanted]}

    def _feed(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """Put a lot of bottles before the washer; `args` are its figures, as in a scenario's file."""
        if self.looker.plant != "washer":
            raise Refused(
                tr("{line} has no washer: nothing is fed to it").format(line=self.looker.line), code="E-SIM-007"
            )
        washer = self.looker.rig.washer
        named = washer.chain.tallies
        name = next(name for k in count(1) if (name := f"lot {k}") not in named)  # each its own, where none is given
        try:
            (lot,) = lots_of(Scenario("", "", 0.0, (), lots=({"name": name, **args},)))
        except ConfigError as error:  # it stands in no file
            raise ConfigError("\n".join(each.message for each in error.problems), code="E-SIM-009") from error
        washer.feed(lot)
        return {"lot": lot.name, "count": lot.count, "glue": lot.glue, "waiting": washer.chain.waiting_bottles}

    def _stop(self, _args: Mapping[str, Any]) -> dict[str, Any]:
        self.stop.set()
        return {}


def fault_views(engine: FaultEngine) -> tuple[FaultView, ...]:
    """Return the faults of `engine`: those that stand or wait, then those that are over, the last one first."""
    here = engine.standing()
    found = [
        FaultView(
            each.number,
            each.order.kind,
            each.order.target,
            "standing" if each.active else "waiting",
            round(each.since_s if each.active else each.order.at_s, 3),
            None if each.ends_s is None else round(each.ends_s, 3),
            _figures(each.order.values),
            dict(each.order.values),
        )
        for each in here
    ]
    numbers = {each.number for each in here}
    began: dict[int, float] = {}
    past: list[FaultView] = []
    for event in engine.log:
        if event.what == "began":
            began[event.number] = event.process_s
        elif event.number not in numbers:
            since = began.get(event.number)
            since_s = None if since is None else round(since, 3)
            ended_s = round(event.process_s, 3)
            past.append(FaultView(event.number, event.kind, event.target, "ended", since_s, ended_s, event.why))
    return (*found, *reversed(past[-_PAST:]))


def _figures(values: Mapping[str, float]) -> str:
    return " ".join(f"{name}={value:g}" for name, value in values.items())

"""The twin of the washer: PLC, physics and chain, brought to the present together.

Every wire and every in-memory device asks this one object. Process time is wire time times the speed; physics, loops
and sensors go on a grid of 1 s of process time, the PLC's scans in between. What happens does not depend on how often
anybody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, inf
from types import MappingProxyType
from typing import NamedTuple

from linectl.errors import ConfigError
from linectl.sim.defects import Defects
from linectl.sim.glue.lots import Lot
from linectl.sim.washer.chain import Chain
from linectl.sim.washer.drives import DRIVES, driven
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.plan import eight
from linectl.sim.washer.plc import WasherPlc
from linectl.sim.washer.recipes import RECIPES
from linectl.sim.washer.seen import Seen
from linectl.sim.washer.sensing import CONTACTS, SENSORS, Sensing
from linectl.sim.washer.state import WasherInputs, WasherParams, WasherState
from linectl.sim.washer.step import start, step
from linectl.words import number, tr

__all__ = ["CONTACTS", "DRIVES", "INITIAL", "SENSORS", "Range", "WasherTwin"]

DT_S = 1.0
_SLACK = 1e-6


class Range(NamedTuple):
    """What a figure may be at the start."""

    low: float
    high: float
    unit: str


INITIAL: Mapping[str, Range] = MappingProxyType(
    {
        **{f"z{k}.temperature": Range(1.0, 95.0, "°C") for k in range(8)},
        **{f"z{k}.naoh": Range(0.0, 4.0, "%") for k in range(8)},
        **{f"z{k}.level": Range(0.0, 100.0, "%") for k in range(8)},
        "washer.recipe": Range(min(RECIPES), max(RECIPES), ""),
        "room.temperature": Range(5.0, 40.0, "°C"),
        "mains.temperature": Range(1.0, 30.0, "°C"),
    }
)
"""What a washer can start with; `washer.recipe` means baths as after a morning's warming up for that recipe."""

_WARM_Z0_C, _WARM_Z7_C = 32.0, 15.0
_WARM_NAOH_PCT = {1: 0.1, 4: 0.3, 5: 0.04, 6: 0.008}


class WasherTwin:
    """One simulated washer without wires.

    `advance` brings it to a wire time (s since it was made); all else speaks of the moment that was reached. Chance
    comes from `seed` alone. `defects` may be changed at any time, and so may `room_c` and `mains_c`.

    Raises:
        ConfigError: `initial` names something unknown, or out of its range.
    """

    def __init__(
        self,
        seed: int,
        *,
        params: WasherParams | None = None,
        speed: float = 1.0,
        watchdog_s: float = 2.0,
        initial: Mapping[str, float] | None = None,
    ) -> None:
        given = _checked(initial or {})
        self.seed = seed
        self.speed = speed
        self.params = params if params is not None else reference_machine()
        self.room_c = given.get("room.temperature", self.params.room_c)
        self.mains_c = given.get("mains.temperature", self.params.mains_c)
        self.defects = Defects()
        self.sensing = Sensing(self.params, seed, self.defects)
        self.plc = WasherPlc(self.params, watchdog_s=watchdog_s)
        self.state: WasherState = _started(self.params, self.room_c, given)
        self.chain = Chain(self.params, seed)
        self.second = 0
        self.process_s = self._now_s = 0.0
        self._untrue = 0
        self._did = self._inputs()
        self.plc.scan(self._look())

    def __repr__(self) -> str:
        """Return the time, the PLC and the chain."""
        return f"<WasherTwin x{self.speed:g} at {self.second} s: {self.plc!r} {self.chain!r}>"

    def advance(self, now_s: float) -> None:
        """Go to wire time `now_s` s; the watchdog trips at its own moment even when nobody asked in between."""
        while (moment_s := self._moment_s()) < now_s:
            self._advance(moment_s)
        self._advance(now_s)

    def feed(self, lot: Lot) -> None:
        """Let a lot wait at the infeed, behind those that wait already."""
        self.chain.feed(lot)

    def shown(self, name: str) -> float | None:
        """Return what the sensor `name` (one of SENSORS) shows on the wires, in its unit; None: its wire is broken.

        Raises:
            KeyError: no such sensor.
        """
        return self.sensing.shown(name)

    @property
    def did(self) -> WasherInputs:
        """What acted on the washer in the step that was made last."""
        return self._did

    def _moment_s(self) -> float:
        """Return the wire time of what comes next by itself: the watchdog, or a command, which may wake it."""
        deadline_s, acts_s = self.plc.host.deadline_s(), self.plc.acts_s()
        if deadline_s is None and acts_s is None:
            return inf
        next_s = min(inf if deadline_s is None else deadline_s, inf if acts_s is None else acts_s / self.speed)
        return max(next_s, self._now_s)  # a watchdog may have been shortened

    def _advance(self, now_s: float) -> None:
        process_s = now_s * self.speed
        last = floor(process_s / DT_S + _SLACK)
        while self.second < last:
            self._step()
        self.plc.program(process_s)
        self.plc.tick(now_s)
        self.process_s = process_s
        self._now_s = now_s

    def _step(self) -> None:
        """Make one step of physics and chain under the PLC's orders, then one scan of what sensors show after it."""
        plc, chain, feeding = self.plc, self.chain, self.plc.orders.feed
        self._did = did = self._inputs()
        self.state = state = step(self.state, did, DT_S, self.params)
        self.second += 1
        chain.advance(state.pockets, self.second * DT_S, state, feeding, DT_S, pump=did.pump)
        plc.program(self.second * DT_S)
        plc.scan(self._look(), DT_S)

    def _inputs(self) -> WasherInputs:
        chain, contacts = self.chain, self.sensing.contacts
        orders, jammed, self._untrue = driven(self.plc.orders, self.defects, contacts, self.second * DT_S)
        bottles, fed = chain.occupancy(), chain.fed / DT_S
        if chain.bottle_kj_k != self.params.bottle_kj_k:
            heavier = chain.bottle_kj_k / self.params.bottle_kj_k
            bottles, fed = eight([heavier * each for each in bottles]), heavier * fed
        return WasherInputs(
            orders.heater_kw,
            orders.dose_g_min,
            orders.drain_l_min,
            orders.pump,
            bottles,
            orders.fresh_l_min,
            orders.fill_l_min,
            orders.speed_pockets_min,
            fed,
            chain.inlet_c,
            orders.extraction,
            self.room_c,
            self.mains_c,
            chain.take_fibre_g() / DT_S,
            chain.take_soil_g() / DT_S,
            jammed,
            orders.press,
        )

    def _look(self) -> Seen:
        chain = self.chain
        return self.sensing.look(
            self.state,
            self._did,
            inlet_c=chain.inlet_c,
            bottles=chain.occupancy(),
            waiting=chain.waiting_bottles,
            untrue=self._untrue,
            second=self.second,
        )


def _started(params: WasherParams, room_c: float, given: Mapping[str, float]) -> WasherState:
    warm_c, naoh_pct = [room_c] * len(params.zones), [0.0] * len(params.zones)
    if "washer.recipe" in given:
        asked = RECIPES[int(given["washer.recipe"])].setpoints
        warm_c = [_WARM_Z0_C, *asked.temperature_c[1:-1], _WARM_Z7_C]
        naoh_pct = [_WARM_NAOH_PCT.get(k, 0.0) for k in range(len(params.zones))]
        naoh_pct[2:4] = asked.naoh_pct
    return start(
        params,
        temperature_c=eight([given.get(f"z{k}.temperature", each) for k, each in enumerate(warm_c)]),
        naoh_pct=eight([given.get(f"z{k}.naoh", each) for k, each in enumerate(naoh_pct)]),
        level_pct=eight([given.get(f"z{k}.level", 100.0) for k in range(len(params.zones))]),
    )


def _checked(initial: Mapping[str, float]) -> Mapping[str, float]:
    for name, value in initial.items():
        allowed = INITIAL.get(name)
        if allowed is None:
            raise ConfigError(
                tr("the simulated washer cannot start with {name}; it knows {known}").format(
                    name=name, known=", ".join(INITIAL)
                )
            )
        if not allowed.low <= value <= allowed.high:
            text = tr("{name} = {value}: the simulated washer starts between {low} and {high}{unit}")
            figures = {"value": number(value), "low": number(allowed.low), "high": number(allowed.high)}
            raise ConfigError(text.format(name=name, unit=f" {allowed.unit}" if allowed.unit else "", **figures))
    return dict(initial)

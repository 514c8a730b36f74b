"""The washer's PLC: its program, and what it does with the washer once a second: alarms, interlocks, loops, orders.

What it does is a matter of the physics' steps and of what sensors show; nothing here knows the time of day or a wire.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from linectl.sim.plc.handshake import Result
from linectl.sim.washer.alarms import armed, warnings
from linectl.sim.washer.calm import calm
from linectl.sim.washer.control import dose_g_min, fills
from linectl.sim.washer.interlocks import (
    Block,
    Quarantine,
    Stand,
    dose_forbidden,
    feed_refused,
    heat_forbidden,
    quarantine,
    stand,
)
from linectl.sim.washer.program import Program
from linectl.sim.washer.seen import Contact, Doing, Seen
from linectl.sim.washer.state import NONE, Eight, WasherParams
from linectl.sim.washer.states import MOVES, OFF, WORKING, Command, State

__all__ = ["Orders", "WasherPlc"]

HORN_S = 2.0
RUN_UP_POCKETS_MIN_S = 5.0
CREEP_POCKETS_MIN = 10.0
DRAIN_L_MIN = 120.0
_DRAINED_PCT = 0.5
_STANDS = 0.05  # pockets/min
_DRAINS: Eight = (0.0, DRAIN_L_MIN, DRAIN_L_MIN, DRAIN_L_MIN, 0.0, 0.0, 0.0, 0.0)
_PUMPS: Eight = (1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)  # nothing to pump in Z1
_PUMPING = WORKING | {State.HOLDING, State.SUSPENDING, State.COMPLETING}
_NEVER_PUSHED = frozenset({State.ABORTING, State.ABORTED, State.CLEARING})


class Orders(NamedTuple):
    """What the PLC tells its drives to do until the next step."""

    heater_kw: Eight = NONE
    dose_g_min: Eight = NONE
    drain_l_min: Eight = NONE
    pump: Eight = NONE
    fresh_l_min: float = 0.0
    fill_l_min: Eight = NONE
    speed_pockets_min: float = 0.0
    extraction: float = 0.0
    press: float = 0.0
    feed: bool = False


class WasherPlc(Program):
    """One PLC with its washer. `refused` says why no bottle comes in, as a machine word; empty: they do."""

    def __init__(self, params: WasherParams, *, watchdog_s: float = 2.0) -> None:
        self.quarantines: deque[Quarantine] = deque(maxlen=16)  # a printed list: a reboot does not take it away
        dwells_s = [zone.dwell_s for zone in params.zones]
        per_s = params.rated_b_h / 3600.0
        self._machine_pockets, self._final_pockets = sum(dwells_s) * per_s, dwells_s[-1] * per_s
        super().__init__(params, watchdog_s=watchdog_s)

    def _boot(self) -> None:
        super()._boot()
        self.orders = Orders()
        self.refused = "state"
        self._pumping_s = self._rinsing_s = self._fan_s = self._stand_s = 0.0
        self._went_in = self._doubtful = False

    def doing(self) -> Doing:
        """Return what the PLC asks for at present, as its alarms see it."""
        asked, limits = self.setpoints, self.limits
        return Doing(
            asked.temperature_c,
            asked.naoh_pct,
            self.heater_enable,
            self.dose_enable,
            self._pumping_s,
            self._rinsing_s,
            self._fan_s,
            self._stand_s,
            limits.max_step_k,
            limits.min_z3_c,
            limits.max_z3_c,
            self._armed,
        )

    def warn_word(self) -> int:
        """Return the warnings of the last scan's inputs."""
        if self.seen is None:
            return 0
        doing = self.doing()
        return 0 if calm(self.seen, doing) else warnings(self.seen, doing)

    def tick(self, now_s: float) -> None:
        """Bring what guards the wire up to `now_s` s; the watchdog's orders hold from its very moment."""
        before = self.alarms.seq
        super().tick(now_s)
        if self.alarms.seq != before:
            self.orders = self.orders._replace(heater_kw=NONE, dose_g_min=NONE, speed_pockets_min=0.0, feed=False)

    def scan(self, seen: Seen, dt_s: float = 1.0) -> None:
        """Look at the inputs, and give the orders for the next `dt_s` seconds."""
        self.seen = seen
        moving = seen.speed_pockets_min > _STANDS
        self._stand_s = 0.0 if moving or not (seen.bottles[2] or seen.bottles[3]) else self._stand_s + dt_s
        doing = self.doing()
        self._armed = armed(seen, doing) if self.draining is None else self._armed
        self.alarms.scan(seen, doing, dt_s, calm=calm(seen, doing))
        self._reckon()
        if self._blocks:
            self._react()
        standing = stand(self._stand_s, seen.open_contacts)
        self._follow(seen, standing)
        self.orders = self._order(seen, doing, standing, dt_s)
        self._clock(dt_s)

    def _react(self) -> None:
        """Do what standing alarms demand."""
        blocks = self._blocks
        if blocks & Block.ABORT and (self.state, Command.ABORT) in MOVES:
            self._go(State.ABORTING)
        if blocks & Block.HEAT and self.heater_enable:
            self.enable_heater(on=False)
        if blocks & Block.HOLD and (self.state, Command.HOLD) in MOVES:
            self._go(State.HOLDING)

    def _follow(self, seen: Seen, standing: int) -> None:
        """Follow what happens outside: doubtful bottles, a blocked outfeed, the last bottle, bottles that stand."""
        doubtful = bool(self._blocks & Block.QUARANTINE)
        if doubtful or self._doubtful:
            self._quarantine(seen, opens=not self._doubtful)
        self._doubtful = doubtful
        if self.pushing or standing & Stand.PUSH_OUT:
            self._push_out(seen)
        if self.state is State.EXECUTE:
            inside = any(seen.bottles)
            self._went_in = self._went_in or inside
            if seen.open_contacts & Contact.OUTFEED:
                self._go(State.SUSPENDING)
                self._suspended_itself = True
            elif self._went_in and not inside and not self.feed_enable:
                self._go(State.COMPLETING)
        elif self.state is State.STARTING:
            self._went_in = False
        elif self.state is State.SUSPENDED and self._suspended_itself and not seen.open_contacts & Contact.OUTFEED:
            self._suspended_itself = False
            self._go(State.UNSUSPENDING)

    def _quarantine(self, seen: Seen, *, opens: bool) -> None:
        """Book the bottles in doubt; while the rinse is lost, those that move on are added."""
        doubt = quarantine(seen.pockets, self._machine_pockets, self._final_pockets)
        if opens:
            self.quarantines.append(doubt)
        else:
            self.quarantines[-1] = doubt._replace(first=self.quarantines[-1].first)

    def _push_out(self, seen: Seen) -> None:
        blocked = self.state in _NEVER_PUSHED or self._blocks & Block.CHAIN or seen.open_contacts & Contact.OUTFEED
        self.pushing = not blocked and bool(seen.bottles[2] or seen.bottles[3])
        if self.pushing and self.state is not State.STOPPING:
            self._go(State.STOPPING)

    def _order(self, seen: Seen, doing: Doing, standing: int, dt_s: float) -> Orders:
        flushing = bool(standing) or self.pushing
        if self.state in OFF and not flushing:
            self.refused = "state"
            return self._resting(seen)
        if self.draining is not None:
            return self._resting(seen)
        pumping = self.state in _PUMPING or flushing
        rinsing = pumping and (self.fresh_valve or flushing)
        self.refused = self._refusal(seen, doing)
        asked_c, shown_c, heat_kw = self.setpoints.temperature_c, seen.temperature_c, NONE
        if self.heater_enable:
            heat_kw = self.heat.kw(asked_c, shown_c, heat_forbidden(seen, self._blocks, standing), dt_s)
        return Orders(
            heat_kw,
            self._dose(seen) if self.dose_enable else NONE,
            NONE,
            _PUMPS if pumping else NONE,
            self.params.fresh_l_min if rinsing else 0.0,
            fills(seen.level_pct, self.orders.fill_l_min) if self.fresh_valve else NONE,
            self._speed(dt_s),
            1.0,
            1.0 if pumping else 0.0,
            not self.refused,
        )

    def _resting(self, seen: Seen) -> Orders:
        if self.draining is None:
            return _RESTING
        if max(seen.level_pct) <= _DRAINED_PCT:
            self._end_drain(Result.DONE)
            return _RESTING
        return _DRAINING

    def _refusal(self, seen: Seen, doing: Doing) -> str:
        if self.state is not State.EXECUTE:
            return "state"
        if not self.feed_enable:
            return "feed_enable"
        if not self.setpoints.speed_b_h:  # as after a power-up, before a recipe: a chain that stands takes none
            return "chain.setpoint"
        return "alarm" if self._blocks & Block.FEED else feed_refused(seen, doing)

    def _dose(self, seen: Seen) -> Eight:
        forbidden, most = dose_forbidden(seen, self._blocks), self.params.dose_g_min
        (now_2, now_3), (asked_2, asked_3) = seen.naoh_pct, self.setpoints.naoh_pct
        before = self.orders.dose_g_min
        z2 = 0.0 if 2 in forbidden else dose_g_min(now_2, asked_2, most, before[2])
        z3 = 0.0 if 3 in forbidden else dose_g_min(now_3, asked_3, most, before[3])
        return (0.0, 0.0, z2, z3, 0.0, 0.0, 0.0, 0.0) if z2 or z3 else NONE

    def _speed(self, dt_s: float) -> float:
        """Return what the drive is asked for: a soft start after the horn, a stop at once."""
        if self.pushing:
            return CREEP_POCKETS_MIN
        horn = self.state is State.STARTING and self._process_s < self._since_s + HORN_S
        if self.state not in WORKING or horn or self._blocks & (Block.HOLD | Block.CHAIN):
            return 0.0
        wanted = self.setpoints.speed_b_h / 60.0
        return min(wanted, self.orders.speed_pockets_min + RUN_UP_POCKETS_MIN_S * dt_s)

    def _clock(self, dt_s: float) -> None:
        orders = self.orders
        self._pumping_s = self._pumping_s + dt_s if orders.press else 0.0
        self._rinsing_s = self._rinsing_s + dt_s if orders.fresh_l_min else 0.0
        self._fan_s = self._fan_s + dt_s if orders.extraction else 0.0


_RESTING = Orders()
_DRAINING = Orders(drain_l_min=_DRAINS, extraction=1.0)

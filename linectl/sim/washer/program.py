"""What the washer's PLC is asked and told: commands, states, setpoints, releases, and whose line it is.

Two times meet here. The host's watchdog and lease go by wire time, at their very moments (`tick`). Scans, in which
commands act and states move, go by process time in steps of `SCAN_S`: what was written is taken at the beginning of the
next scan. Setpoints and releases are clamped and refused where they are written, so a read-back tells at once what the
PLC made of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import floor
from typing import NamedTuple

from linectl.sim.plc.handshake import Handshake, Key, Result
from linectl.sim.plc.host import Host
from linectl.sim.washer.alarms import Alarm, Alarms
from linectl.sim.washer.control import Heat
from linectl.sim.washer.interlocks import Block, blocked
from linectl.sim.washer.recipes import RECIPE_NUMBERS, RECIPES, Setpoints
from linectl.sim.washer.seen import Seen
from linectl.sim.washer.state import WasherParams
from linectl.sim.washer.states import (
    AT_REST,
    COMPLETES,
    MOVES,
    OFF,
    RECIPE_IN,
    STATE_COMMANDS,
    Command,
    Mode,
    State,
)

__all__ = ["SCAN_S", "SCHEMA", "Limits", "Program"]

SCHEMA = 1
SCAN_S = 0.1
"""Length of a scan in s of process time."""

LAMPS_S = 3.0
_COVERED_PCT = 30.0
_SLACK_S = 1e-6
_BY_HEAT = ~int(Alarm.Z3_COLD | Alarm.ZONE_STEP)
_BY_DOSE = ~int(Alarm.NAOH_LOW | Alarm.NAOH_HIGH)


class Limits(NamedTuple):
    """HR21 to 23, which the service key alone can change."""

    max_step_k: float = 30.0
    min_z3_c: float = 50.0
    max_z3_c: float = 88.0


class Program:
    """One PLC's commands and states; at power-up it is Stopped, with everything off and nothing asked for."""

    def __init__(self, params: WasherParams, *, watchdog_s: float = 2.0) -> None:
        self.params = params
        self.watchdog_s = watchdog_s
        self.service_key = False
        self.limits = Limits()
        self.boots = 0
        self.seen: Seen | None = None
        self._now_s = 0.0
        self._process_s = 0.0
        self._boot()

    def __repr__(self) -> str:
        """Return state, alarms and recipe."""
        return f"<{type(self).__name__} {self.state.name.lower()}, {self.alarms!r}, recipe {self.recipe}>"

    def _boot(self) -> None:
        self.boots += 1
        self._booted_s = self._now_s
        self.state, self._since_s = State.STOPPED, self._process_s
        self.mode = Mode.PRODUCE
        self.alarms = Alarms()
        self.setpoints, self.recipe, self.argument = Setpoints(), 0, 0
        self.feed_enable = self.dose_enable = self.fresh_valve = self.heater_enable = False
        self.handshake, self.host = Handshake(), Host(self.watchdog_s)
        self.written = (0, 0, 0)
        self.heat = Heat(self.params)
        self.draining: Key | None = None
        self.pushing = False  # bottles out of the caustic, by itself
        self._lamps_until_s = 0.0
        self._waiting: list[Callable[[], None]] = []  # written since the last scan
        self._blocks = 0
        self._armed = 0
        self._suspended_itself = False

    def reboot(self) -> None:
        """Restart the program as after a power cut: all forgotten but the boots and the limits."""
        self._boot()

    # wire time

    def tick(self, now_s: float) -> None:
        """Bring what guards the wire up to `now_s` s; the washer itself was stepped up to there before."""
        self._now_s = now_s
        if self.host.tick(now_s):
            self.alarms.raise_now(Alarm.WATCHDOG)
            self._reckon()
            self._everything_off()
            self.setpoints, self.recipe = Setpoints(), 0
            self._hold()

    @property
    def counter(self) -> int:
        """Seconds since the boot, wrapping at 65535."""
        return floor(self._now_s - self._booted_s) & 0xFFFF

    def beat(self, value: int) -> None:
        """Take the host's heartbeat; only a changed value counts."""
        self.host.beat(value, self._now_s)

    def claim(self, token: int) -> None:
        """Give the line to `token` when it is free or already its own; 0 gives it back. Else nothing changes."""
        self.host.claim(token, self._now_s)
        if not token and not self._dangerous():
            self.host.leaves()

    def _dangerous(self) -> bool:
        return self.heater_enable or self.dose_enable or self.feed_enable or self.state not in OFF | {State.IDLE}

    # what the host asks for

    def ask(self, setpoints: Setpoints) -> None:
        """Take setpoints, clamped already; a changed one must be reached before its alarms watch it."""
        if setpoints.temperature_c != self.setpoints.temperature_c:
            self._armed &= _BY_HEAT
        if setpoints.naoh_pct != self.setpoints.naoh_pct:
            self._armed &= _BY_DOSE
        self.setpoints = setpoints

    def enable_heater(self, on: bool) -> None:
        """Switch the heaters' release; on does not take while an interlock stands."""
        may = self._may(Block.HEAT) and self._covered() and self.draining is None
        self.heater_enable = on and may and self.mode is not Mode.MAINTENANCE
        if self.heater_enable:
            self.host.wake(self._now_s)
        else:
            self._armed &= _BY_HEAT
            self.heat.forget()

    def enable_dose(self, on: bool) -> None:
        """Switch the lye pumps' release; on does not take while an interlock stands."""
        self.dose_enable = on and self._may(Block.DOSE) and self.mode is not Mode.MAINTENANCE
        if self.dose_enable:
            self.host.wake(self._now_s)
        else:
            self._armed &= _BY_DOSE

    def enable_feed(self, on: bool) -> None:
        """Switch the infeed's release; bottles come in once the feed permissive stands too."""
        self.feed_enable = on and self.state not in OFF and self.mode is Mode.PRODUCE
        if self.feed_enable:
            self.host.wake(self._now_s)

    def open_fresh(self, on: bool) -> None:
        """Switch the fresh water's release."""
        self.fresh_valve = on and self.state not in OFF

    def ask_command(self, code: int, seq: int, token: int) -> None:
        """Take what was written to the handshake; it acts at the next scan."""
        self.written = (code, seq, token)
        self.soon(partial(self.do, code, seq, token))

    def soon(self, act: Callable[[], None]) -> None:
        """Do this at the next scan."""
        self._waiting.append(act)

    def do(self, code: int, seq: int, token: int) -> None:
        """Take a command of the handshake now; its answer stands in `handshake`."""
        self.handshake.take(code, seq, token, owner=self.host.owner, act=self._act)

    def acknowledge(self) -> Result:
        """Clear the alarms whose cause is gone."""
        self.alarms.acknowledge()
        self._reckon()
        return Result.INTERLOCK if self._blocks else Result.DONE

    def light_lamps(self) -> None:
        """Light all lamps for 3 s."""
        self._lamps_until_s = self._process_s + LAMPS_S

    @property
    def lamps(self) -> bool:
        """Whether the lamp test runs."""
        return self._process_s < self._lamps_until_s

    def _may(self, block: int) -> bool:
        return self.state not in OFF and not self._blocks & block

    def _covered(self) -> bool:
        return self.seen is not None and min(self.seen.level_pct[1:]) >= _COVERED_PCT

    def _act(self, code: int, key: Key) -> Result:
        try:
            command = Command(code)
        except ValueError:
            return Result.UNKNOWN
        if command in STATE_COMMANDS:
            return self.command(command)
        if command is Command.ACKNOWLEDGE:
            return self.acknowledge()
        if command is Command.DRAIN:
            return self._drain(key)
        return self._select(command)

    def command(self, command: Command) -> Result:
        """Do a command of PackML's table."""
        to = MOVES.get((self.state, command))
        if to is None or (command is Command.START and self.mode is Mode.MANUAL):
            return Result.STATE
        moves = to in {State.STARTING, State.UNHOLDING, State.UNSUSPENDING}
        if moves and self._blocks & (Block.HOLD | Block.ABORT):
            return Result.INTERLOCK
        if self.draining and command in {Command.RESET, Command.START}:
            return Result.STATE
        if moves:
            self.host.wake(self._now_s)
        self._suspended_itself = False
        self._go(to)
        return Result.DONE

    def _select(self, command: Command) -> Result:
        if self.state not in (AT_REST if command is Command.SELECT_MODE else RECIPE_IN):
            return Result.STATE
        if command is Command.SELECT_MODE:
            if self.argument not in set(Mode):
                return Result.RANGE
            self.mode = Mode(self.argument)
            self._everything_off()
            return Result.DONE
        recipe = RECIPES.get(self.argument)
        if self.argument not in RECIPE_NUMBERS or recipe is None:
            return Result.RANGE
        self.recipe = self.argument
        self.ask(recipe.setpoints)
        return Result.DONE

    def _drain(self, key: Key) -> Result:
        if self.state not in AT_REST or self.draining or self.seen is None:
            return Result.STATE
        if any(self.seen.bottles):
            return Result.INTERLOCK
        self._everything_off()
        self._armed &= ~int(Alarm.LEVEL)
        self.draining = key
        return Result.PENDING

    # scans

    def program(self, process_s: float) -> None:
        """Run the scans up to `process_s`: states complete in their time, and what was written acts."""
        self._complete(process_s)
        if self._waiting and process_s >= self._due_s() - _SLACK_S:
            waiting, self._waiting = self._waiting, []
            for act in waiting:
                act()
        self._process_s = process_s

    def acts_s(self) -> float | None:
        """Return the process time at which what was written acts, or None while nothing waits."""
        return self._due_s() if self._waiting else None

    def _due_s(self) -> float:
        """Return when the next scan begins."""
        return (floor(self._process_s / SCAN_S + _SLACK_S) + 1) * SCAN_S

    def _complete(self, process_s: float) -> None:
        ends = COMPLETES.get(self.state)
        while ends is not None and process_s >= self._since_s + ends[1] - _SLACK_S:
            if self.state is State.STOPPING and self.pushing:
                return
            self.state, self._since_s = ends[0], self._since_s + ends[1]
            ends = COMPLETES.get(self.state)

    def _go(self, to: State) -> None:
        self.state, self._since_s = to, self._process_s
        if to in OFF:
            self._everything_off()

    def _hold(self) -> None:
        """Go to the nearest state in which nothing moves."""
        if (self.state, Command.HOLD) in MOVES:
            self._go(State.HOLDING)
        elif self.state in {State.IDLE, State.RESETTING, State.COMPLETING, State.COMPLETE}:
            self._go(State.STOPPING)

    def _reckon(self) -> None:
        """Work out what the alarms block."""
        alarms = self.alarms
        self._blocks = blocked(alarms.word_1, alarms.word_2, alarms.standing_1, alarms.standing_2)

    def _everything_off(self) -> None:
        self.feed_enable = self.fresh_valve = False
        self.enable_heater(on=False)
        self.enable_dose(on=False)
        if self.draining is not None:
            self._end_drain(Result.STATE)

    def _end_drain(self, result: Result) -> None:
        key, self.draining = self.draining, None
        if key is not None:
            self.handshake.end(key, result)

"""The program of the simulated bath's PLC, without I/O: commands, interlocks, alarms, the host's watchdog.

Two times meet here. What guards the wire (watchdog, heartbeat, owner's lease, the second counter) goes by wire time,
in s since the PLC was made; what acts on the bath (fill, drain, dose, thermostat) goes step by step with the physics,
through `control`. Nothing here waits or is woken: whoever asks first brings the PLC up to the present (`tick`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from linectl.sim.bath.physics import BathInputs, BathParams, BathState, level_pct, naoh_pct, thermostat
from linectl.sim.bath.registers import Alarm, Command, Result, State
from linectl.sim.plc.handshake import Handshake, Key
from linectl.sim.plc.host import LEASE_S, Host

__all__ = ["DRY_PCT", "LEASE_S", "OVER_TEMPERATURE_C", "Plc", "Setpoints"]

SCHEMA = 1
OVER_TEMPERATURE_C = 95.0
DRY_PCT = 30.0  # the heating element is covered from here on
LOW_PCT = 70.0  # while heating: said, not acted upon
HIGHEST_C = 92.0
HIGHEST_NAOH_PCT = 4.0
_FULL_PCT = 99.95
_EMPTY_PCT = 0.05
_DOSED_PCT = 0.0005  # a tenth of what the pump adds in a second

_NO_ALARM = Alarm(0)
_TRIPS = Alarm.OVER_TEMPERATURE | Alarm.DRY_RUN | Alarm.WATCHDOG | Alarm.SENSOR
_ACTIONS = (Command.FILL, Command.DRAIN, Command.DOSE)


@dataclass(frozen=True, slots=True)
class Setpoints:
    """What the host asked for, after the PLC's silent clamp: °C, % NaOH, % stirrer speed."""

    temperature_c: float = 0.0
    naoh_pct: float = 0.0
    stirrer_pct: float = 0.0


# (state, command) -> new state; any other pair of these commands is refused with `Result.STATE`
_TRANSITIONS: dict[tuple[State, Command], State] = {
    (State.STOPPED, Command.RESET): State.IDLE,
    (State.IDLE, Command.START): State.EXECUTE,
    (State.EXECUTE, Command.HOLD): State.HELD,
    (State.HELD, Command.UNHOLD): State.EXECUTE,
    (State.ABORTED, Command.CLEAR): State.STOPPED,
    **{(state, Command.STOP): State.STOPPED for state in State if state is not State.ABORTED},
    **{(state, Command.ABORT): State.ABORTED for state in State},
}


class Plc:
    """One PLC with its bath.

    Interlocks: no heat below 30 % level, at 95 °C and above, with a dead probe, after the watchdog, or while Held or
    Aborted; each trip latches its alarm, holds the bath and must be acknowledged. Heat never comes back by itself.
    The watchdog runs from the host's first heartbeat until the host leaves in order (owner 0, heater off), and
    whenever the heater is enabled.
    """

    def __init__(self, params: BathParams | None = None, *, watchdog_s: float = 2.0) -> None:
        self.params = params or BathParams()
        self.watchdog_s = watchdog_s
        self.probe_fault = False  # a broken wire at the controller's own probe
        self.boots = 0
        self._now_s = 0.0
        self._seen: BathState | None = None
        self._boot()

    def __repr__(self) -> str:
        """Return state, alarms and what runs."""
        action = self.action.name.lower() if self.action else "no action"
        heat = "heating" if self.heater_enable else "no heat"
        return f"<Plc {self.state.name.lower()}, alarms {int(self.alarms):#06x}, {action}, {heat}>"

    def _boot(self) -> None:
        self.boots += 1
        self._booted_s = self._now_s
        self._state = State.STOPPED
        self.alarms = Alarm(0)
        self.setpoints = Setpoints()
        self.heater_enable = False
        self.heater_kw = 0.0
        self.handshake = Handshake()
        self.host = Host(self.watchdog_s)
        self.action: Command | None = None
        self._action_key: Key | None = None

    def reboot(self) -> None:
        """Restart the program as after a power cut: everything forgotten but the count of boots, heater off."""
        self._boot()

    # wire time

    def tick(self, now_s: float) -> None:
        """Bring what guards the wire up to `now_s` s; the bath itself was stepped up to there before."""
        self._now_s = now_s
        if self.host.tick(now_s):
            self._trip(Alarm.WATCHDOG)
            self.setpoints = replace(self.setpoints, temperature_c=0.0, naoh_pct=0.0)

    def watchdog_deadline_s(self) -> float | None:
        """Return the wire time at which the watchdog trips, or None while it sleeps."""
        return self.host.deadline_s()

    @property
    def owner(self) -> int:
        """Token of the host that has the line, 0: it is free."""
        return self.host.owner

    @property
    def heartbeat(self) -> int:
        """The host's last heartbeat."""
        return self.host.heartbeat

    @property
    def counter(self) -> int:
        """Seconds since the boot, wrapping at 65535."""
        return int(self._now_s - self._booted_s) & 0xFFFF

    def beat(self, value: int) -> None:
        """Take the host's heartbeat; only a changed value counts."""
        self.host.beat(value, self._now_s)

    def claim(self, token: int) -> None:
        """Give the line to `token` when it is free or already its own; 0 gives it back. Else nothing changes."""
        self.host.claim(token, self._now_s)
        if not token and not self.heater_enable:
            self.host.leaves()

    # what the host asks for

    def ask(
        self, temperature_c: float | None = None, naoh_pct: float | None = None, stirrer: float | None = None
    ) -> None:
        """Take setpoints in °C, % and %, each clamped without a word."""
        now = self.setpoints
        self.setpoints = Setpoints(
            now.temperature_c if temperature_c is None else min(max(temperature_c, 0.0), HIGHEST_C),
            now.naoh_pct if naoh_pct is None else min(max(naoh_pct, 0.0), HIGHEST_NAOH_PCT),
            now.stirrer_pct if stirrer is None else min(max(stirrer, 0.0), 100.0),
        )

    def enable_heater(self, on: bool) -> None:
        """Switch the heater's release; on does not take while an interlock stands."""
        if on and not self._may_heat():
            return
        if on and not self.heater_enable:
            self.host.wake(self._now_s)
        self.heater_enable = on
        if not on:
            self.heater_kw = 0.0

    def acknowledge(self) -> Result:
        """Clear the alarms whose cause is gone; a bath held by trips goes to Stopped once none is left."""
        standing = self._standing()
        tripped = bool(self.alarms & _TRIPS)
        self.alarms &= standing
        if tripped and not self.alarms & _TRIPS and self._state is State.HELD:
            self._state = State.STOPPED
        return Result.INTERLOCK if self.alarms & _TRIPS else Result.DONE

    def do(self, code: int, seq: int, token: int) -> None:
        """Take a command of the handshake; its answer stands in its `ack_seq` and `ack_result`."""
        self.handshake.take(code, seq, token, owner=self.host.owner, act=self._act)

    def _act(self, code: int, key: Key) -> Result:
        try:
            command = Command(code)
        except ValueError:
            return Result.UNKNOWN
        if command is Command.ACKNOWLEDGE:
            return self.acknowledge()
        if command in _ACTIONS:
            return self._start_action(command, key)
        return self._change_state(command)

    def _change_state(self, command: Command) -> Result:
        to = _TRANSITIONS.get((self.state, command))
        if to is None:
            return Result.STATE
        if command is Command.UNHOLD and self.alarms & _TRIPS:
            return Result.INTERLOCK
        if to in {State.STOPPED, State.HELD, State.ABORTED}:
            self._everything_off(Result.STATE)
        if to is State.ABORTED:
            self.setpoints = replace(self.setpoints, temperature_c=0.0, naoh_pct=0.0)
        self._state = to
        return Result.DONE

    def _start_action(self, command: Command, key: Key) -> Result:
        if self.action is not None or self._state in {State.HELD, State.ABORTED}:
            return Result.INTERLOCK if self.alarms & _TRIPS else Result.STATE
        if self.alarms & _TRIPS or (command is Command.DOSE and not self.level_ok):
            return Result.INTERLOCK
        if command is Command.DRAIN:
            self.enable_heater(False)  # a bath is not drained under heat
        if self._seen is not None and self._done(command, self._seen):
            return Result.DONE
        self.action, self._action_key = command, key
        return Result.PENDING

    # the bath, step by step

    def control(self, state: BathState, dt_s: float = 1.0) -> BathInputs:
        """Return what acts on the bath in the next `dt_s` seconds, from what the PLC sees at their beginning."""
        self.see(state)
        params = self.params
        self.heater_kw = self._heat_kw(state) if self.heater_enable else 0.0
        return BathInputs(
            heater_kw=self.heater_kw,
            stirrer_pct=self.setpoints.stirrer_pct,
            fill_l_min=params.fill_l_min if self.action is Command.FILL else 0.0,
            drain_l_min=params.drain_l_min if self.action is Command.DRAIN else 0.0,
            dose_g_min=self._dose_g_min(state, dt_s) if self.action is Command.DOSE else 0.0,
        )

    def see(self, state: BathState) -> None:
        """Look at the bath: trip what must trip, end what has reached its end."""
        self._seen = state
        self._guard()
        if self.action is not None and self._done(self.action, state):
            self._end_action(Result.DONE)

    @property
    def state(self) -> State:
        """The PackML state: a bath that is heated, filled, drained or dosed is in Execute."""
        if self._state in {State.STOPPED, State.IDLE} and (self.heater_enable or self.action is not None):
            return State.EXECUTE
        return self._state

    @property
    def level_pct(self) -> float:
        """Level in % of the capacity."""
        return 0.0 if self._seen is None else level_pct(self._seen, self.params)

    @property
    def level_ok(self) -> bool:
        """Whether there is enough liquid to heat."""
        return self.level_pct >= DRY_PCT

    @property
    def temperature_c(self) -> float | None:
        """What the controller's own probe shows in °C; None when it is broken."""
        return None if self.probe_fault or self._seen is None else self._seen.controller_c

    @property
    def overtemp_ok(self) -> bool:
        """Whether the bath is below 95 °C."""
        return self.temperature_c is None or self.temperature_c < OVER_TEMPERATURE_C

    def _heat_kw(self, state: BathState) -> float:
        params, setpoint_c = self.params, self.setpoints.temperature_c
        if setpoint_c <= 0.0:
            return 0.0
        holding_w = (params.walls_w_k + params.lid_w_k) * max(0.0, setpoint_c - params.room_c)
        return 1e-3 * thermostat(setpoint_c, state.controller_c, max_w=1e3 * params.heater_kw, bias_w=holding_w)

    def _dose_g_min(self, state: BathState, dt_s: float) -> float:
        """Return the pump's rate in g NaOH/min: full, but in the last step just what is missing."""
        share = 1e-2 * self.setpoints.naoh_pct
        mass_kg = state.water_kg + state.naoh_kg
        missing_kg = (share * mass_kg - state.naoh_kg) / (1.0 - share * 100.0 / self.params.lye_pct)
        return min(self.params.dose_g_min, max(0.0, missing_kg) * 1e3 * 60.0 / dt_s)

    def _done(self, action: Command, state: BathState) -> bool:
        if action is Command.DOSE:
            return naoh_pct(state) >= self.setpoints.naoh_pct - _DOSED_PCT
        level = level_pct(state, self.params)
        return level >= _FULL_PCT if action is Command.FILL else level <= _EMPTY_PCT

    def _standing(self) -> Alarm:
        """Return the alarms whose cause is there now."""
        standing = _NO_ALARM
        seen = self._seen
        if seen is not None and seen.controller_c >= OVER_TEMPERATURE_C and not self.probe_fault:
            standing |= Alarm.OVER_TEMPERATURE
        if self.heater_enable and (level := self.level_pct) < LOW_PCT:
            standing |= Alarm.LEVEL if level >= DRY_PCT else Alarm.LEVEL | Alarm.DRY_RUN
        if self.probe_fault:
            standing |= Alarm.SENSOR
        return standing

    def _guard(self) -> None:
        standing = self._standing()
        if standing is _NO_ALARM:
            return
        self.alarms |= standing
        if standing & _TRIPS:
            self._trip(standing & _TRIPS)

    def _may_heat(self) -> bool:
        held = self._state in {State.HELD, State.ABORTED}
        return not (held or self.alarms & _TRIPS or self._standing() & _TRIPS) and self.level_ok

    def _trip(self, alarm: Alarm) -> None:
        """Go to the latched safe state."""
        self.alarms |= alarm
        self._everything_off(Result.INTERLOCK)
        if self._state is not State.ABORTED:
            self._state = State.HELD

    def _everything_off(self, result: Result) -> None:
        self.heater_enable = False
        self.heater_kw = 0.0
        if self.action is not None:
            self._end_action(result)

    def _end_action(self, result: Result) -> None:
        key, self.action, self._action_key = self._action_key, None, None
        if key is not None:
            self.handshake.end(key, result)

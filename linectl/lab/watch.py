"""What the scans and the line say while a run goes on: a probe that dies, a controller lost, a clock that is set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from linectl.clock import Clock
from linectl.lab.bath import naoh_of
from linectl.lab.journal import Journal
from linectl.model.experiments import Experiment, FaultPolicy
from linectl.model.lines import LineDefinition
from linectl.model.readings import Reading, Scan
from linectl.words import tr

__all__ = ["ClockWatch", "Faults", "PlcWatch", "SensorWatch"]

_DEAD_SCANS = 3  # scans in a row without a value: the sensor is dead, not merely late once
_LOST_S = 3.0  # loop time without the controller's wire: by then its own watchdog (2 s) has tripped
_TRIPS = {0: "over-temperature", 2: "dry-run", 14: "watchdog", 15: "sensor"}  # bits of the alarm word that stop heat
_STEP_S = 0.5  # a clock that moves by more against the loop was set, not steered


class Faults:
    """What failed in the present soak, and what the experiment wants done about it.

    Faults have the names of `Experiment.on_fault`. `hold` is called at once, with the reason, for one whose policy is
    to hold; one whose policy is to abort waits in `abort` until the soak's work asks for it.
    """

    def __init__(self, experiment: Experiment, hold: Callable[[str], None]) -> None:
        self._experiment = experiment
        self._hold = hold
        self.occurred: dict[str, str] = {}

    def policy(self, fault: str) -> FaultPolicy:
        """Return what is to be done about `fault`."""
        return self._experiment.on_fault.get(fault, self._experiment.on_sensor_fault)

    def begin(self) -> None:
        """Start with a bath."""
        self.occurred.clear()

    def strike(self, fault: str, words: str) -> None:
        """Take a fault; the same one counts once a soak."""
        if fault in self.occurred:
            return
        self.occurred[fault] = words
        if self.policy(fault) is FaultPolicy.HOLD:
            self._hold(words)

    @property
    def abort(self) -> str:
        """Why the run must be ended, in words; "" when it need not."""
        fatal = [words for fault, words in self.occurred.items() if self.policy(fault) is FaultPolicy.ABORT]
        return "; ".join(fatal)


class SensorWatch:
    """Follows the bath's temperature, conductivity and level through a soak, and averages its NaOH.

    `dead` names the sensors that died since `begin`, in the order in which they did; they stay there when they come
    back, for the bath has been blind in between. A level that is not proved is among them.
    """

    def __init__(self, zone: str, journal: Journal, faults: Faults) -> None:
        self._journal = journal
        self._faults = faults
        self._vital = {
            f"{zone}.temperature": "temperature",
            f"{zone}.conductivity": "naoh",
            f"{zone}.level": "level",
            f"{zone}.level_ok": "level",
        }
        self._naoh, self._conductivity = f"{zone}.naoh", f"{zone}.conductivity"
        self._missing: dict[str, int] = {}
        self._sum, self._count = 0.0, 0
        self._soaking = False
        self.dead: list[str] = []

    def begin(self) -> None:
        """Start with a soak."""
        self._missing.clear()
        self.dead.clear()
        self._sum, self._count = 0.0, 0
        self._soaking = True

    def end(self) -> float | None:
        """End with the soak; return its mean NaOH in %, None when it could not be measured."""
        self._soaking = False
        return self._sum / self._count if self._count else None

    def see(self, scan: Scan) -> None:
        """Take a scan of any group."""
        if not self._soaking:
            return
        readings = {reading.tag: reading for reading in scan.readings}
        for tag in self._vital:
            if tag in readings:
                self._follow(readings[tag])
        good = {tag: reading.value for tag, reading in readings.items() if reading.quality.is_good}
        naoh = naoh_of(good.get(self._naoh), good.get(self._conductivity))
        if naoh is not None:
            self._sum, self._count = self._sum + naoh, self._count + 1

    def _follow(self, reading: Reading) -> None:
        lost = reading.value is None or reading.value is False  # False: the level is not proved
        missing = self._missing.get(reading.tag, 0) + 1 if lost else 0
        if missing == 0 and self._missing.get(reading.tag, 0) >= _DEAD_SCANS:
            self._journal.note("sensor_alive", {"tag": reading.tag})
        self._missing[reading.tag] = missing
        if missing != _DEAD_SCANS:
            return
        self._journal.note(
            "sensor_dead", {"tag": reading.tag, "quality": str(reading.quality), "detail": reading.detail}
        )
        if reading.tag not in self.dead:
            self.dead.append(reading.tag)
        text = tr("no reading of {tags}") if reading.value is None else tr("{tags} says no")
        self._faults.strike(self._vital[reading.tag], text.format(tags=reading.tag))


class ClockWatch:
    """Sees that the computer's clock was set while a run goes on; its stamps go on unmoved, its journal tells."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._known_s = clock.step_s()

    def see(self) -> None:
        """Look at the clock."""
        step_s = self._clock.step_s()
        moved_s = step_s - self._known_s
        if abs(moved_s) > _STEP_S:
            self._known_s = step_s
            self._journal.note("clock_step", {"step_s": round(moved_s, 3), "against_run_s": round(step_s, 3)})


class PlcWatch:
    """Ends a run whose controller rebooted, tripped or was lost: heat never comes on again by itself.

    `broken` is called once with the reason; every event of the line goes into the journal.
    """

    def __init__(self, definition: LineDefinition, journal: Journal, broken: Callable[[str], None]) -> None:
        control = definition.control
        self._link = definition.tags[control.heartbeat].link if control else ""
        self._journal = journal
        self._broken = broken
        self._timer: asyncio.TimerHandle | None = None

    def see(self, kind: str, data: Mapping[str, object]) -> None:
        """Take an event of the line."""
        self._journal.note(kind, data)
        match kind:
            case "plc_reboot":
                self._broken(tr("the controller restarted; heat stays off until the run is started again"))
            case "plc_alarm":
                self._alarm(data)
            case "heating_fault":
                self._broken(tr("{fault}; heating was switched off").format(fault=data["text"]))
            case "link_lost" if data.get("link") == self._link and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_LOST_S, self._lost)
            case "link_back" if data.get("link") == self._link:
                self.close()
            case _:
                return

    def close(self) -> None:
        """Stop waiting for a lost wire."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _alarm(self, data: Mapping[str, object]) -> None:
        word = data.get("now", 0)
        bits = int(word) if isinstance(word, int | float) else 0
        trips = [name for bit, name in _TRIPS.items() if bits >> bit & 1]
        if trips:
            self._broken(
                tr("the controller tripped ({alarms}); heat stays off until the run is started again").format(
                    alarms=", ".join(trips)
                )
            )

    def _lost(self) -> None:
        self._timer = None
        self._broken(
            tr("the controller has not answered for {seconds:g} s; its watchdog has switched the heater off").format(
                seconds=_LOST_S
            )
        )

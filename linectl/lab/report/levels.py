"""How much an event of the journal asks for: an error, a warning, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

from linectl.model.records import Event

__all__ = ["Level", "level_of"]


class Level(IntEnum):
    """From what is merely told to what has failed."""

    INFO = 0
    WARNING = 1
    ERROR = 2


_ERRORS = frozenset(
    {
        *("crash", "run_interrupted", "broken", "hold_failed", "safe_not_proved", "heat_not_armed"),
        *("link_lost", "sensor_dead", "plc_alarm", "plc_reboot", "heating_fault"),
        *("store_overflow", "wire_fault_unsaved", "not_put_back", "alarm_hook_failed", "alarm_mqtt_failed"),
        *("glue_suspended",),
    }
)
_WARNINGS = frozenset(
    {
        *("deviation", "bath_flagged", "checks_missed", "bottle_skipped", "bottle_left_out", "ended_early", "held"),
        *("trial_replaced", "trial_given_up", "clock_step", "missed_ticks", "dose_not_shown", "sensor_bad"),
        *("wire_fault", "alarm_hook_skipped", "glues_unknown", "lot_quarantined", "recipe_left"),
    }
)
_OF_PRIORITY = {1: Level.ERROR, 2: Level.WARNING, 3: Level.WARNING}
_OF_OUTCOME = {"refused": Level.WARNING, "clamped": Level.WARNING, "unknown": Level.ERROR}
_OF_STATUS = {"abort": Level.WARNING, "fail": Level.ERROR}


def level_of(event: Event) -> Level:
    """Return how much `event` asks for; of an alarm when it comes, of a write or command by how it ended."""
    of_kind = _OF_KIND.get(event.kind)
    if of_kind is not None:
        return of_kind(event.data)
    if event.kind in _ERRORS:
        return Level.ERROR
    return Level.WARNING if event.kind in _WARNINGS else Level.INFO


def _of_alarm(data: Mapping[str, object]) -> Level:
    priority = data.get("priority")
    if data.get("event") != "raise" or not isinstance(priority, int):
        return Level.INFO
    return _OF_PRIORITY.get(priority, Level.INFO)


def _of_outcome(data: Mapping[str, object]) -> Level:
    return _OF_OUTCOME.get(str(data.get("outcome")), Level.INFO)


def _of_trip(data: Mapping[str, object]) -> Level:
    return Level.INFO if data.get("action") == "ignore" else Level.ERROR


def _of_end(data: Mapping[str, object]) -> Level:
    return _OF_STATUS.get(str(data.get("status")), Level.INFO)


_OF_KIND: Mapping[str, Callable[[Mapping[str, object]], Level]] = {
    "alarm": _of_alarm,
    "write": _of_outcome,
    "command": _of_outcome,
    "machine_command": _of_outcome,
    "interlock_trip": _of_trip,
    "run_ended": _of_end,
}

"""Which events of a run are acts or decisions for the audit trail, and what they say there.

An act has somebody who did it: an event without `who` is none. What a fault made the program do itself is an act of
`linectl`. What the plan of a run writes is an act of that run, in the name of whoever started it (`planned_by`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from linectl.lab.confirmation.registry import CHANGED, REGISTERED, SET_RECORDED
from linectl.line.reports import CommandReport, WriteReport
from linectl.model.readings import Value
from linectl.model.records import Act, Event

__all__ = ["MACHINE", "SUSPENSION_LIFTED", "of_command", "of_write", "planned_by", "with_act"]

SUSPENSION_LIFTED = "suspension_lifted"  # a GO that the line had disproved stands again, by a person
MACHINE = "linectl"  # who acts when a fault does

_STATES: Mapping[tuple[object, object], str] = {
    ("pausing", "running"): "resume",
    ("restarting", "holding"): "hold",
}
"""What a person asks for by a step of the run, where the state that is left matters."""

_TO: Mapping[object, str] = {
    "pausing": "pause",
    "holding": "hold",
    "restarting": "resume",
    "stopping": "cancel",
    "aborting": "abort",
}
"""What a person asks for by a step of the run to this state; steps that follow from one are no acts."""

_KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "run_started": ("start", ("experiment", "baths")),
    "ended_early": ("end_early", ("trial", "phase", "positions")),
    "bottle_skipped": ("skip_bottle", ("trial", "bottle", "position")),
    "note": ("note", ("trial", "phase", "text")),
    "deviation": ("deviation", ("trial", "phase", "text")),
    "heat_armed": ("arm_heat", ("wanted_c",)),
    "heat_not_armed": ("refuse_heat", ()),
    "resumed": ("take_up", ("trial", "phase", "policy")),
    "crash_closed": ("close", ("trial", "phase", "positions")),
    SUSPENSION_LIFTED: ("lift_suspension", ("glue", "lots")),
    "abandoned": ("abandon", ("trial", "phase", "positions")),
}
"""By kind of event: the action, and which of its data are the new value."""

_LOOK = ("bottle", "position", "attached", "at_ns")
_SAFE: Mapping[str, str] = {"safe": "confirmed", "safe_not_proved": "unknown"}
"""By kind of event: how it ended that a run's end made the line safe."""


def planned_by(operator: str, run: str) -> str:
    """Return who acts when the plan of `run` does, which `operator` started."""
    return f"{operator}, run {run}"


def of_write(report: WriteReport, at_ns: int, who: str, *, old: Value | None, unit: str = "", why: str = "") -> Act:
    """Return what a write is in the audit trail; `old` is what the tag held before it (None: nobody knows)."""
    told = {"outcome": str(report.outcome), "asked": report.asked, "got": report.got}
    told |= {"refused_by": report.refused_by, "detail": report.detail, "unit": unit}
    new = {key: value for key, value in told.items() if value not in {None, ""}}
    return Act(at_ns, who, "write", report.tag, old=old, new=new, reason=why)


def of_command(report: CommandReport, at_ns: int, who: str, zone: str) -> Act:
    """Return what a command to the controller of `zone` is in the audit trail."""
    new = {"outcome": str(report.outcome)} | ({"detail": report.detail} if report.detail else {})
    return Act(at_ns, who, "command", f"{zone} {report.code.name.lower()}", new=new)


def with_act(event: Event, *, at_ns: int | None = None) -> Event:
    """Return `event` with what it is in the audit trail, if it is an act; it was done `at_ns`, else at its own time."""
    act = _act(event)
    if act is None:
        return event
    return replace(event, act=act if at_ns is None else replace(act, ts_ns=at_ns))


def _act(event: Event) -> Act | None:
    if event.kind in _SAFE:
        return Act(event.ts_ns, MACHINE, "make_safe", event.run, new={"outcome": _SAFE[event.kind], **event.data})
    data = event.data
    who = str(data.get("who") or data.get("by") or data.get("registered_by") or "")
    if not who:
        return None
    special = _SPECIAL.get(event.kind)
    if special is not None:
        return special(event, who)
    if event.kind not in _KINDS:
        return None
    action, told = _KINDS[event.kind]
    new = {key: data[key] for key in told if data.get(key) is not None}
    reason = str(data.get("reason") or data.get("why") or "")
    return Act(event.ts_ns, who, action, event.run, new=new or None, reason=reason)


def _of_state(event: Event, who: str) -> Act | None:
    data = event.data
    if data.get("of") != "run":
        return None
    old, new = data.get("from"), data.get("to")
    action = _STATES.get((old, new)) or _TO.get(new)
    if action is None:
        return None
    if old == "restarting":  # heat did not come on again: the program holds, not the person who asked
        who = MACHINE
    return Act(event.ts_ns, who, action, event.run, old=old, new=new, reason=str(data.get("why") or ""))


def _of_register(event: Event, who: str) -> Act:
    actions = {REGISTERED: "register", CHANGED: "change_rule", SET_RECORDED: "record_set"}
    data = event.data
    if event.kind == SET_RECORDED:
        new = {key: data.get(key) for key in ("kind", "bottles", "failed")}
    else:
        new = {key: data.get(key) for key in ("glue", "lots", "rule", "applied", "recipe")}
    return Act(event.ts_ns, who, actions[event.kind], event.run, new=new, reason=str(data.get("note") or ""))


def _of_answer(event: Event, who: str) -> Act:
    new = {"question": event.data.get("id"), "value": event.data.get("value"), "face": event.data.get("face")}
    return Act(event.ts_ns, who, "answer", event.run, old=event.data.get("before"), new=new)


def _of_correction(event: Event, who: str) -> Act:
    return Act(event.ts_ns, who, "take_back_look", event.run, old={key: event.data.get(key) for key in _LOOK})


_SPECIAL: Mapping[str, Callable[[Event, str], Act | None]] = {
    "state": _of_state,
    "correction": _of_correction,
    "prompt": _of_answer,
    REGISTERED: _of_register,
    CHANGED: _of_register,
    SET_RECORDED: _of_register,
}

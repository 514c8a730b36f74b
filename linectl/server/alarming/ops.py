"""What may be asked of the alarms of a served line, over the local API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from linectl.errors import Refused
from linectl.model.people import Role
from linectl.server.alarming.desk import AlarmDesk
from linectl.server.alarming.operations import (
    Acknowledge,
    Comment,
    FiguresOf,
    History,
    ListAlarms,
    OutOfService,
    Reset,
    Shelve,
    Unshelve,
)
from linectl.server.api.listener import Request
from linectl.server.api.operations import Operation
from linectl.words import tr

__all__ = ["alarm_operations", "no_alarms"]


def alarm_operations(desk: AlarmDesk | None, line: str) -> tuple[Operation, ...]:
    """Return what may be asked of `desk`; without one (None) each is refused, for `line` has no alarms."""
    if desk is None:
        return tuple(_refused(each, line) for each in _operations(None))
    return _operations(desk)


def no_alarms(line: str) -> Refused:
    """Return that a line has no alarms."""
    return Refused(
        tr("{line} has no alarms").format(line=line),
        hint=tr("name a file of alarms in the line's file: alarms: alarms/bath.yaml"),
        code="E-ALM-005",
    )


def _operations(desk: AlarmDesk | None) -> tuple[Operation, ...]:
    def asked(name: str) -> Callable[[Any, Request], Awaitable[Any]]:
        async def call(args: Any, request: Request) -> Any:
            return await getattr(desk, name)(args, request.who)

        return call

    view, operate = Role.VIEW, Role.OPERATE
    return (
        Operation("alarms", view, ListAlarms, asked("listed"), "The alarms that ask for somebody; with all, each."),
        Operation("ack", operate, Acknowledge, asked("ack"), "Acknowledge alarms, active or gone."),
        Operation("alarm_reset", operate, Reset, asked("reset"), "Reset latched alarms whose cause is gone."),
        Operation("shelve", operate, Shelve, asked("shelve"), "Put alarms aside for a time and a reason."),
        Operation("unshelve", operate, Unshelve, asked("unshelve"), "Take shelved alarms back."),
        Operation("comment", operate, Comment, asked("comment"), "Say something about an alarm."),
        Operation(
            "out_of_service",
            Role.SERVICE,
            OutOfService,
            asked("out_of_service"),
            "Take an alarm out of service, or put it back.",
        ),
        Operation("alarm_history", view, History, asked("history"), "What happened to the alarms, newest first."),
        Operation("alarm_figures", view, FiguresOf, asked("figures"), "How many alarms, how often, and which."),
    )


def _refused(operation: Operation, line: str) -> Operation:
    async def call(_args: Any, _request: Request) -> Any:
        raise no_alarms(line)

    return Operation(operation.name, operation.role, operation.args, call, operation.doc)

"""An experiment left to whoever serves its line: for now (`--detach`), or for a time to come (`--at`)."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from linectl.cli.operator import operator_name
from linectl.cli.output import emit
from linectl.cli.run_attached import files_of
from linectl.clock import Clock, wall_ns
from linectl.errors import Unreachable
from linectl.server.finding import connect
from linectl.server.start_times import local_time, must_be_in_time, next_start
from linectl.units import NS_PER_S
from linectl.words import tr
from linectl.words.durations import duration_text

if TYPE_CHECKING:
    from linectl.cli.run_experiment import Request
    from linectl.model.lines import LineDefinition
    from linectl.server.api.endpoint import Endpoint

__all__ = ["hand_in", "nobody_serves", "wait", "waited"]

_WITHIN_S = 120.0  # a plan is made anew there
_LOOK_S = 5.0  # until the computer's clock is looked at again


def hand_in(request: Request, endpoint: Endpoint) -> int:
    """Hand the experiment in to the server at `endpoint`, tell what becomes of it, and return 0.

    Raises:
        LinectlError: it cannot be run so, now or at that time.
    """
    op, args = ("run_schedule", {"at": request.at}) if request.at else ("run_start", {})
    with connect(request.data, endpoint.line, operator=operator_name()) as server:
        told = server.ask(op, {**files_of(request), **args}, within_s=_WITHIN_S, key=uuid.uuid4().hex)
    if request.as_json:
        both = {"line": endpoint.line, "run": told.get("run"), "scheduled": told.get("scheduled")}
        emit("run_handed_in", both)
    elif request.at:
        _tell_scheduled(told)
    else:
        text = tr("run {run} goes on at the server. linectl status, linectl watch, linectl cancel")
        click.echo(text.format(run=told["run"]))
    return 0


def _tell_scheduled(told: dict[str, Any]) -> None:
    due = told["scheduled"]
    if told["warning"]:
        click.echo(tr("warning: {text}").format(text=told["warning"]), err=True)
    at = datetime.fromisoformat(due["at"]).astimezone()
    text = tr("{experiment} starts at {time} (in {left}); until then: linectl status, linectl cancel")
    left = duration_text(told["in_s"])
    click.echo(text.format(experiment=due["experiment"], time=f"{at:%d/%m/%Y %H:%M}", left=left))
    click.echo(tr("the server holds it: if that ends before, the run does not start and must be handed in again"))


def nobody_serves(definition: LineDefinition) -> Unreachable:
    """Return what is told where a run is to be left to a server, and there is none."""
    text = tr("nobody serves the line {line}: there is nobody to leave the run to")
    hint = tr("start it in another terminal: linectl serve {line}").format(line=definition.source or definition.name)
    return Unreachable(text.format(line=definition.name), hint=hint, code="E-SRV-001")


def wait(text: str) -> None:
    """Wait in the foreground for the time that `text` says, and tell until when; Ctrl+C ends it.

    Raises:
        LinectlError: it is no time, or none to come.
    """
    now_ns = wall_ns()
    at_ns = next_start(text, now_ns)
    told = tr("checked; nobody serves the line, so this terminal waits until {time} (in {left}); Ctrl+C ends it")
    left = duration_text((at_ns - now_ns) / NS_PER_S)
    click.echo(told.format(time=local_time(at_ns), left=left), err=True)
    asyncio.run(_wait(at_ns))


async def _wait(at_ns: int) -> None:
    await waited(at_ns, Clock())


async def waited(at_ns: int, clock: Clock) -> None:
    """Wait until the computer's clock says `at_ns` (UTC), however it is set meanwhile.

    Raises:
        Refused: it jumped past that time, or the computer slept.
    """
    while (left_s := _left_s(at_ns, clock)) > 0.0:
        await clock.sleep(max(0.001, min(left_s, _LOOK_S)))
    must_be_in_time(-left_s)


def _left_s(at_ns: int, clock: Clock) -> float:
    clock.wake()  # no line does it here, and time that was slept and is not noticed yet counts nowhere
    return (at_ns - clock.now_ns()) / NS_PER_S - clock.step_s()

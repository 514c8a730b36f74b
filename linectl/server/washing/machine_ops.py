"""The operations of a line's machine: commands, modes, recipes, wash lots."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from linectl.model.people import Role, Who
from linectl.server.api.listener import Request
from linectl.server.api.operations import Carry, Operation
from linectl.server.washing.machine import Machine
from linectl.server.washing.machine_args import (
    CommandArgs,
    EndLot,
    LotArgs,
    LotsArgs,
    ModeArgs,
    NoArgs,
    QuarantineArgs,
    RecipeArgs,
    StartLot,
    StopArgs,
)

__all__ = ["machine_operations"]

Act = Callable[[Any, Who], Awaitable[Any]]


def machine_operations(machine: Machine) -> tuple[Operation, ...]:
    """Return what may be asked of `machine`."""
    return (*_commands(machine), *_lots(machine))


def _commands(machine: Machine) -> tuple[Operation, ...]:
    may = Role.OPERATE
    return (
        _op("start", may, CommandArgs, machine.start, "Start the machine, once it is ready."),
        _op("stop", may, StopArgs, machine.stop, "Stop the machine; what that loses must have been confirmed."),
        _op("hold", may, CommandArgs, machine.hold, "Freeze the machine where it is; asks nothing."),
        _op("unhold", may, CommandArgs, machine.unhold, "Go on after a hold."),
        _op("suspend", may, CommandArgs, machine.suspend, "Wait for something outside the machine."),
        _op("unsuspend", may, CommandArgs, machine.unsuspend, "Go on after a suspension."),
        _op("abort", may, CommandArgs, machine.abort, "Everything off at once; asks nothing."),
        _op("clear", may, CommandArgs, machine.clear, "After an abort, back to Stopped."),
        _op("reset", may, CommandArgs, machine.reset, "Make a stopped or complete machine ready to start."),
        _op("mode", may, ModeArgs, machine.mode, "Select a mode of the machine, at rest."),
        _op("recipe_select", may, RecipeArgs, machine.recipe, "Set the machine to a recipe, each value read back."),
        _op("stop_would_lose", Role.VIEW, NoArgs, machine.would_lose, "What a stop now would lose."),
    )


def _lots(machine: Machine) -> tuple[Operation, ...]:
    lots, may = machine.lots, Role.OPERATE
    return (
        _op("lot_start", may, StartLot, lots.lot_start, "Begin a wash lot with the next bottle that goes in."),
        _op("lot_end", may, EndLot, lots.lot_end, "End the wash lot with the last bottle that went in."),
        _op("lot_quarantine", may, QuarantineArgs, lots.lot_quarantine, "Set bottles of a lot aside, with a reason."),
        _op("lot_release", Role.RESEARCH, LotArgs, lots.lot_release, "Release bottles that were set aside."),
        _op("lot_deliver", may, LotArgs, lots.lot_deliver, "Note that the bottles of a lot have left the plant."),
        _op("lots", Role.VIEW, LotsArgs, lots.lots, "The wash lots, the newest first."),
        _op("lot", Role.VIEW, LotArgs, lots.lot, "One wash lot, with the exact interval of its label rejects."),
    )


def _op(name: str, role: Role, args: type[Any], act: Act, doc: str) -> Operation:
    return Operation(name, role, args, _carried(act), doc, once=role is not Role.VIEW)


def _carried(act: Act) -> Carry:
    """Return `act` for requests: reason and dry run may stand beside the arguments as well as among them.

    What was begun is carried to its end and recorded, whether or not whoever asked is still there.
    """
    under_way: set[asyncio.Future[Any]] = set()

    def over(task: asyncio.Future[Any]) -> None:
        under_way.discard(task)
        if not task.cancelled():
            task.exception()  # told already, or nobody is there to be told

    async def carry(args: Any, request: Request) -> Any:
        if request.reason and hasattr(args, "reason") and not args.reason:
            args = replace(args, reason=request.reason)
        if request.dry_run and hasattr(args, "dry_run"):
            args = replace(args, dry_run=True)
        task = asyncio.ensure_future(act(args, request.who))
        under_way.add(task)
        task.add_done_callback(over)
        return await asyncio.shield(task)

    return carry

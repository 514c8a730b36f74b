"""The machine's operations over the local API: who may, what they take, and what becomes of one whose asker goes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.model.people import Role, Who
from linectl.server.api.listener import Request, Talk
from linectl.server.api.operations import handlers
from linectl.server.washing.machine_ops import machine_operations
from tests.server.machine_bench import Bench, on_a_washer

NOBODY: Talk = None  # type: ignore[assignment]  # no operation of a machine talks


async def ask(
    bench: Bench, op: str, role: Role = Role.SERVICE, *, reason: str = "", dry: bool = False, **args: Any
) -> Any:
    known = handlers(machine_operations(bench.machine))
    return await known[op](Request(op, args, Who("Max", "web", role), NOBODY, reason=reason, dry_run=dry))


def test_roles(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        assert (await ask(bench, "lots", Role.VIEW)) == []
        assert (await ask(bench, "stop_would_lose", Role.VIEW))["loses"] == []
        with pytest.raises(Refused, match="needs operate"):
            await ask(bench, "abort", Role.VIEW)
        await ask(bench, "lot_start", Role.OPERATE, grower="Zoé", bottle="b", glue="casein", name="L1")
        await ask(bench, "lot_quarantine", Role.OPERATE, name="L1", reason="smell")
        with pytest.raises(Refused, match="needs research"):
            await ask(bench, "lot_release", Role.OPERATE, name="L1", reason="fine")
        await ask(bench, "lot_release", Role.RESEARCH, name="L1", reason="fine")

    on_a_washer(tmp_path, act)


def test_reason_and_dry_run_may_stand_beside_the_arguments(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        assert (await ask(bench, "reset", dry=True))["outcome"] == "possible"
        assert bench.section()["state"] == "stopped"
        await ask(bench, "reset", reason="first shift")
        last = list((await bench.stored()).audit())[-1]
        assert (last.actor, last.target, last.reason) == ("Max", "washer reset", "first shift")

    on_a_washer(tmp_path, act)


def test_whoever_goes_away_leaves_no_recipe_half_written_and_no_command_unrecorded(tmp_path: Path) -> None:
    async def act(bench: Bench) -> None:
        for asked in (ask(bench, "recipe_select", recipe="reference_80c"), ask(bench, "reset")):
            asking = asyncio.create_task(asked)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await bench.clock.sleep(20.0)
        assert bench.machine.recipes.standing().recipe == "reference_80c"
        assert bench.section()["state"] == "idle"
        trail = [(entry.action, entry.target) for entry in (await bench.stored()).audit()]
        assert trail[-2:] == [("select_recipe", "washer"), ("command", "washer reset")]

    on_a_washer(tmp_path, act)

"""What was asked of a machine, kept: in the record, in the audit trail, and as data for whoever asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.clock import Clock
from linectl.errors import StoreError
from linectl.line.packml import SAFE_COMMANDS, command_word
from linectl.line.reports import Command
from linectl.model.people import Who
from linectl.model.records import Act, Event
from linectl.server.washing.commanding import Done, told
from linectl.store.store import Store

__all__ = ["MachineRecord"]


class MachineRecord:
    """Keeps the commands of the machine in `zone`."""

    def __init__(self, clock: Clock, store: Store, zone: str) -> None:
        self._clock, self._store, self._zone = clock, store, zone

    async def done(self, done: Done, who: Who, why: str) -> dict[str, Any]:
        """Keep how a command ended, and return it as data; `recorded` tells whether it could be kept."""
        answer = {
            "command": command_word(done.command),
            "outcome": str(done.outcome),
            "before": done.before.name.lower(),
            "state": done.after.name.lower(),
            "detail": done.detail,
            "took_s": round(done.took_s, 3),
            "text": told(done),
        }
        new = {key: answer[key] for key in ("outcome", "state", "detail") if answer[key]}
        return {**answer, "recorded": await self.keep(done.command, who, why, new, old=answer["before"])}

    async def keep(
        self, command: Command, who: Who, why: str, new: Mapping[str, object], *, old: object = None
    ) -> bool:
        """Keep a command; return whether that worked. What calms a machine is never made to fail by a full disk.

        Raises:
            StoreError: a command that moves the machine was given or refused, and cannot be kept.
        """
        now_ns, word = self._clock.now_ns(), command_word(command)
        act = Act(now_ns, who.operator, "command", f"{self._zone} {word}", old=old, new=dict(new), reason=why)
        data = {"command": word, "before": old, **new, "who": who.operator, "face": who.face, "why": why}
        try:
            await self._store.add_event(Event(now_ns, "machine_command", data, act=act))
        except StoreError:
            if command not in SAFE_COMMANDS:
                raise
            return False
        return True

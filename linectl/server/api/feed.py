"""What a subscription sends: the state of a line in sections, each again when it changed, never a queue of old ones.

A client that reads slowly misses nothing but steps between: what it is sent next is as the line is then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from linectl.server.api.listener import Talk

__all__ = ["SECTIONS", "Feed", "Sections"]

SECTIONS = (
    *("line", "holder", "armed", "machine", "links", "tags", "values", "run", "scheduled", "prompts"),
    *("alarms", "interlocks", "glues", "journal"),
)

_BEAT_S = 0.5
_SOONEST_S = 0.05


class Sections:
    """Makes each section of a line's state when it is asked for; a room that is not there has none."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = makers

    def make(self, wanted: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the sections in `wanted` (none named: all)."""
        return {name: make() for name, make in self._makers.items() if not wanted or name in wanted}


class Feed:
    """Feeds one client for as long as its connection stands."""

    def __init__(self, sections: Sections, talk: Talk, *, wanted: tuple[str, ...], period_s: float) -> None:
        self._sections = sections
        self._talk = talk
        self._wanted = wanted
        self._period_s = max(period_s, _SOONEST_S)
        self._sent: dict[str, Any] = {}
        self._number = 0
        self._journal_at = 0

    async def run(self) -> None:
        """Send a snapshot, then what changes, and a beat where nothing else shows that the line is alive."""
        loop = asyncio.get_running_loop()
        beat_s = loop.time()
        while not self._talk.closed.is_set():
            if not self._talk.is_behind:
                told = self._look()
                if told or loop.time() - beat_s >= _BEAT_S:
                    self._tell("beat", None)
                    beat_s = loop.time()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._talk.closed.wait(), self._period_s)

    def _look(self) -> bool:
        """Tell what changed since the last look; return whether anything did."""
        now = self._sections.make(self._wanted)
        told = False
        for name, data in now.items():
            before = self._sent.get(name)
            if name in self._sent and _same(name, before, data):
                continue
            changed = _changed(name, before, data)
            self._sent[name] = data
            self._tell(name, changed)
            told = True
        return told

    def _tell(self, name: str, data: Any) -> None:
        self._number += 1
        self._talk.tell(name, self._number, data)


def _same(name: str, before: Any, now: Any) -> bool:
    return not _changed(name, before, now) if name in {"values", "journal"} else bool(before == now)


def _changed(name: str, before: Any, now: Any) -> Any:
    """Return what a client has to be told: of values those that changed, of the journal what is new."""
    if before is None:
        return now
    if name == "values":
        return {tag: each for tag, each in now.items() if _key(each) != _key(before.get(tag))}
    if name == "journal":
        last = before[-1]["number"] if before else -1
        return [entry for entry in now if entry["number"] > last]
    return now


def _key(value: Any) -> Any:
    return None if value is None else (value["sequence"], value["value"], value["quality"], value["reason"])

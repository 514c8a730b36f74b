"""What may be asked of any served line: its state, its operations, fresh readings, words for its record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from linectl.errors import Refused
from linectl.model.people import Role
from linectl.model.records import Act
from linectl.server.api.feed import SECTIONS, Feed, Sections
from linectl.server.api.listener import Request
from linectl.server.api.operations import Nothing, Operation
from linectl.server.commissioning import look
from linectl.server.line_server import LineServer
from linectl.server.line_state import HEATING
from linectl.server.look_data import look_as_data
from linectl.words import tr

__all__ = ["LineOps"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sections; none named: all."""

    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which sections (none named: all), and how often at most, s."""

    sections: tuple[str, ...] = ()
    period_s: float = 0.25


@dataclass(frozen=True, slots=True)
class Names:
    """Names; none: all."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Words for the record."""

    text: str


class LineOps:
    """The operations of `server`, whose state is told by `sections`; `more` are those of its rooms."""

    def __init__(self, server: LineServer, sections: Sections, more: Sequence[Operation] = ()) -> None:
        self._server = server
        self._sections = sections
        self._feeds: set[asyncio.Task[None]] = set()
        self.operations = (
            Operation("status", Role.VIEW, Wanted, self._status, "The state of the line in sections, now."),
            Operation("subscribe", Role.VIEW, Subscription, self._subscribe, "The state, each section as it changes."),
            Operation("operations", Role.VIEW, Nothing, self._operations, "What may be asked, with JSON Schemas."),
            Operation("read", Role.VIEW, Names, self._read, "Fresh readings of tags, from their wires."),
            Operation("interlock_reset", Role.OPERATE, Names, self._reset, "Take back trips whose cause is gone."),
            Operation("note", Role.OPERATE, Text, self._note, "Keep a note with the run under way, else the line."),
            *more,
        )

    async def stop(self) -> None:
        """End the subscriptions."""
        for feed in self._feeds:
            feed.cancel()
        await asyncio.gather(*self._feeds, return_exceptions=True)

    async def _status(self, args: Wanted, _request: Request) -> Any:
        _known(args.sections)
        return self._sections.make(args.sections)

    async def _subscribe(self, args: Subscription, request: Request) -> Any:
        _known(args.sections)
        feed = Feed(self._sections, request.talk, wanted=args.sections, period_s=args.period_s)
        task = asyncio.create_task(feed.run(), name="feed of a face")
        self._feeds.add(task)
        task.add_done_callback(self._feeds.discard)
        return {"sections": list(args.sections or SECTIONS)}

    async def _operations(self, _args: Nothing, _request: Request) -> Any:
        return [each.as_data() for each in self.operations]

    async def _read(self, args: Names, _request: Request) -> Any:
        line = self._server.line
        names = args.names or tuple(name for name, tag in line.definition.tags.items() if tag.scan)
        await asyncio.gather(*(line.read(name) for name in names))
        return [look_as_data(look(line, name, self._server.clock)) for name in names]

    async def _reset(self, args: Names, request: Request) -> Any:
        guard = self._server.guard
        zones = [name.removeprefix(HEATING) for name in args.names if name.startswith(HEATING)]
        names = [name for name in args.names if not name.startswith(HEATING)]
        done = []
        if zones or not names:
            who, why = request.who.operator, request.reason
            stood = self._server.reset_heating(zones or None, who=who, why=why)
            done = [f"{HEATING}{trip.zone}" for trip in stood]
        if guard is None and not done:
            raise Refused(tr("{line} has no interlocks").format(line=self._server.definition.name), code="E-ILK-001")
        if guard is not None and (names or not zones):
            done += guard.reset(names, request.who)["reset"]
        return {"reset": done}

    async def _note(self, args: Text, request: Request) -> Any:
        who = request.who.operator
        if self._server.run_id:
            await self._server.note(args.text, who=who)
        else:
            name, now_ns = self._server.definition.name, self._server.clock.now_ns()
            act = Act(now_ns, who, "note", name, new={"text": args.text})
            self._server.tell("note", {"text": args.text, "who": who}, act)


def _known(sections: tuple[str, ...]) -> None:
    for name in sections:
        if name not in SECTIONS:
            text = tr("there is no section {name}; there are: {known}")
            raise Refused(text.format(name=name[:40], known=", ".join(SECTIONS)), code="E-API-007")

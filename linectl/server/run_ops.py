"""What may be asked of a run under way, over the local API: its commands and the answers to its questions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from linectl.errors import Refused
from linectl.model.people import Role
from linectl.server.api.listener import Request
from linectl.server.api.operations import Nothing, Operation
from linectl.server.line_server import LineServer
from linectl.store.run_words import WordChange, WordReader, checked
from linectl.words import tr

__all__ = ["RunOps"]


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is asked for."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Why, and whether the run to come alone is meant (`scheduled`), not the one under way."""

    why: str = ""
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Words for the record."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the question `prompt`: a number, a text, yes or no, or positions."""

    prompt: str
    value: bool | float | str | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen at one position of an open check; null takes the last look back."""

    prompt: str
    position: int
    attached: bool | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """The bottle at a position or with a label, and why it is not observed any more."""

    which: int | str
    why: str


@dataclass(frozen=True, slots=True)
class Words:
    """Words to be kept with the run `run` (its id, the beginning of it, or "last"), or taken from it."""

    run: str
    words: tuple[str, ...]
    remove: bool = False


class RunOps:
    """The operations on the run of `server`."""

    def __init__(self, server: LineServer) -> None:
        self._server = server

    def operations(self) -> tuple[Operation, ...]:
        """Return what may be asked."""
        operate = Role.OPERATE
        return (
            Operation("answer", operate, Answered, self._answer, "Answer an open question; the first answer wins."),
            Operation("look", operate, Looked, self._look, "Say what is seen at one position of an open check."),
            Operation("run_pause", operate, Why, self._pause, "Let the run stand still at the next step boundary."),
            Operation("run_hold", operate, Why, self._hold, "Switch the heater off now; the run waits for a person."),
            Operation("run_resume", operate, Nothing, self._resume, "Let the run go on; held heat comes on again."),
            Operation("run_next", operate, Why, self._next, "End the present wait or soak early; needs a reason."),
            Operation("run_skip", operate, Skipped, self._skip, "Take a bottle out of the observation."),
            Operation(
                *("run_cancel", operate, Cancelled, self._cancel),
                doc="End the run at its next safe point; where none is under way, take the one to come back.",
            ),
            Operation("run_abort", operate, Why, self._abort, "End the run at once: heater off, data kept."),
            Operation("run_would_lose", Role.VIEW, Nothing, self._would_lose, "What ending the run now would lose."),
            Operation("run_tag", operate, Words, self._tag, "Keep words with a run, or take them from it."),
            Operation("deviation", operate, Text, self._deviation, "Keep a deviation from the plan with the run."),
        )

    async def _answer(self, args: Answered, request: Request) -> Any:
        given = self._server.desk.answer(args.prompt, args.value, who=request.who.operator, face=request.who.face)
        return {"prompt": given.prompt_id, "value": list(args.value) if isinstance(args.value, tuple) else args.value}

    async def _look(self, args: Looked, request: Request) -> Any:
        who = request.who
        self._server.desk.look(args.prompt, args.position, attached=args.attached, who=who.operator, face=who.face)

    async def _pause(self, args: Why, request: Request) -> Any:
        await self._server.pause(who=request.who.operator, why=args.why or request.reason)
        return self._stands()

    async def _hold(self, args: Why, request: Request) -> Any:
        await self._server.hold(who=request.who.operator, why=args.why or request.reason)
        return self._stands()

    async def _resume(self, _args: Nothing, request: Request) -> Any:
        await self._server.resume(who=request.who.operator)
        return self._stands()

    async def _next(self, args: Why, request: Request) -> Any:
        why = (args.why or request.reason).strip()
        if not why:
            raise Refused(
                tr("a reason is needed: it is kept as a deviation"),
                hint=tr('say it with --reason "TEXT"'),
                code="E-API-008",
            )
        await self._server.next(why, who=request.who.operator)
        return self._stands()

    async def _skip(self, args: Skipped, request: Request) -> Any:
        bottle = await self._server.skip(args.which, args.why, who=request.who.operator)
        return {"bottle": bottle.label, "position": bottle.position}

    async def _cancel(self, args: Cancelled, request: Request) -> Any:
        schedule = self._server.schedule
        if schedule is not None and (args.scheduled or (not self._server.is_running and schedule.section())):
            back = schedule.take_back(request.who.operator, args.why or request.reason)
            return {**self._stands(), "taken_back": back}
        if args.scheduled:
            raise Refused(tr("no run is to start"), code="E-RUN-006")
        self._server.live()
        self._server.cancel(who=request.who.operator, why=args.why or request.reason)
        return self._stands()

    async def _abort(self, args: Why, request: Request) -> Any:
        self._server.live()
        self._server.abort(who=request.who.operator, why=args.why or request.reason)
        return self._stands()

    async def _would_lose(self, _args: Nothing, _request: Request) -> Any:
        return {"text": self._server.would_lose()}

    async def _tag(self, args: Words, request: Request) -> Any:
        server = self._server
        assert server.store is not None, "the server is not open"
        words, reader = checked(args.words), await asyncio.to_thread(WordReader, server.store_file)
        run = (await asyncio.to_thread(reader.run, args.run)).id
        now_ns = server.clock.now_ns()
        await server.store.tag_run(
            WordChange(run, words, args.remove, request.who.operator, now_ns, reason=request.reason)
        )
        return {"run": run, "tags": list(await asyncio.to_thread(reader.words_of, run))}

    async def _deviation(self, args: Text, request: Request) -> Any:
        await self._server.deviation(args.text, who=request.who.operator)

    def _stands(self) -> dict[str, Any]:
        return {"run": self._server.run_id, "state": str(self._server.state)}

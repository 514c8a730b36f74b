"""What may be asked of the writer of a served line: arm, disarm, set, undo."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from linectl.errors import Refused
from linectl.line.typed import value_of_text, value_text
from linectl.model.people import Role
from linectl.model.readings import Value
from linectl.server.api.listener import Request
from linectl.server.api.operations import Nothing, Operation
from linectl.server.line_server import LineServer
from linectl.server.writing.arming import LONGEST_MIN
from linectl.server.writing.said import SetReport
from linectl.words import tr

__all__ = ["WriteOps"]


@dataclass(frozen=True, slots=True)
class Arm:
    """For how many minutes (5 at most); `take_over` with `why` takes it from whoever is armed."""

    minutes: float = LONGEST_MIN
    take_over: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Set:
    """A value in the tag's unit, as a number, true or false, or as people type it.

    `for_s`: the old value is written back after so many s. `ramp_per_min`: it goes there in steps. `sure`: an unusual
    value is meant. `arm`: armed for this write alone. `dry_run`: all is checked, nothing is written.
    """

    tag: str
    value: bool | float | str
    why: str = ""
    for_s: float | None = None
    ramp_per_min: float | None = None
    sure: bool = False
    arm: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """What is unusual is meant (`sure`); armed for this alone (`arm`); checked only (`dry_run`)."""

    why: str = ""
    sure: bool = False
    arm: bool = False
    dry_run: bool = False


class WriteOps:
    """The operations on the writer of `server`."""

    def __init__(self, server: LineServer) -> None:
        self._server = server

    def operations(self) -> tuple[Operation, ...]:
        """Return what may be asked."""
        operate = Role.OPERATE
        return (
            Operation("arm", operate, Arm, self._arm, "Let this face write for some minutes; one writes at a time."),
            Operation("disarm", operate, Nothing, self._disarm, "End the arming of this face."),
            Operation(
                "set",
                operate,
                Set,
                self._set,
                "Write a tag: checked, allowed, read back; for a time, or as a ramp.",
                once=True,
            ),
            Operation("undo", operate, Undo, self._undo, "Write what the tag of the last set held before.", once=True),
        )

    async def _arm(self, args: Arm, request: Request) -> Any:
        why = args.why or request.reason
        self._server.writer.arm(request.who, args.minutes, take_over=args.take_over, why=why)
        return self._server.writer.armed_state()

    async def _disarm(self, _args: Nothing, request: Request) -> Any:
        self._server.writer.disarm(request.who)

    async def _set(self, args: Set, request: Request) -> Any:
        report = await self._server.writer.set(
            args.tag,
            self._value(args.tag, args.value),
            request.who,
            args.why or request.reason,
            for_s=args.for_s,
            ramp_per_min=args.ramp_per_min,
            sure=args.sure,
            once=args.arm,
            dry_run=args.dry_run or request.dry_run,
        )
        return self._told(report)

    async def _undo(self, args: Undo, request: Request) -> Any:
        report = await self._server.writer.undo(
            request.who,
            args.why or request.reason,
            sure=args.sure,
            once=args.arm,
            dry_run=args.dry_run or request.dry_run,
        )
        return self._told(report)

    def _value(self, name: str, said: bool | float | str) -> Value:
        """Return the value that was asked for, in the kind of its tag.

        Raises:
            Refused: there is no such tag.
            ConfigError: the text is none of what the tag takes.
        """
        tag = self._server.definition.tags.get(name)
        if tag is None:
            text = tr("{line} has no tag {tag}").format(line=self._server.definition.name, tag=name[:80])
            raise Refused(text, hint=self._meant(name), code="E-WRT-UNKNOWN_TAG")
        if isinstance(said, str):
            return value_of_text(tag, said)
        whole = tag.dtype == "int" and not isinstance(said, bool) and float(said).is_integer()
        return int(said) if whole else said

    def _meant(self, name: str) -> str:
        """Return the tag that `name` was probably meant to be, and where all of them stand."""
        names = {each.lower(): each for each in self._server.definition.tags}
        near = difflib.get_close_matches(name.lower()[:80], names, n=1)
        meant = [tr("did you mean `{word}`?").format(word=names[near[0]])] if near else []
        return "\n".join([*meant, tr("linectl status tells them all")])

    def _told(self, report: SetReport) -> dict[str, Any]:
        """Return a report with its values as people read them, too."""
        tag = self._server.definition.tags[report.tag]
        values = {"asked": report.asked, "got": report.got, "before": report.before, "back_to": report.back_to}
        shown = {
            name: f"{value_text(tag, value)} {tag.unit}".rstrip() for name, value in values.items() if value is not None
        }
        return {**report.as_data(), "unit": tag.unit, "shown": shown}

"""A machine's commands: looked at before the wire, given, and followed until the machine shows that they are done.

What a PLC says to a command is that it took it. That is not the end: a start is done when the machine runs. So a
command is confirmed only when the machine was seen, by a fresh reading, in the state in which the command ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from drivers.link import Outcome
from linectl.clock import Clock
from linectl.errors import Refused
from linectl.line.line import Line
from linectl.line.packml import (
    MOVES,
    SAFE_COMMANDS,
    State,
    command_word,
    goal,
    possible,
    state_name,
    state_of,
)
from linectl.line.reports import Command, Result
from linectl.words import decimal, tr

__all__ = ["Commanding", "Done", "Refusing", "told"]

Refusing = Callable[[str], Awaitable[Sequence[str]]]
"""What stands against a command now, as people read it; nothing: it may be given."""

_ACK_WITHIN_S = 5.0  # of loop time: an answer, and one after a repetition
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: confirmed (the machine is in `after`, where it ends), refused, or unknown.

    `took_s` is process time. `detail` says why it was refused, or what is known when its end is not.
    """

    command: Command
    outcome: Outcome
    before: State
    after: State
    detail: str = ""
    took_s: float = 0.0


class Commanding:
    """Gives the commands of one machine; `state_tag` says its state, `refusing` tells which permissives are missing."""

    def __init__(self, line: Line, clock: Clock, state_tag: str, refusing: Refusing) -> None:
        self._line, self._clock = line, clock
        self._state_tag = state_tag
        self._refusing = refusing
        self._one = asyncio.Lock()

    def state(self) -> State:
        """Return the state of the last scan; UNDEFINED when it cannot be told."""
        return state_of(self._line.reading(self._state_tag).value)

    async def look(self) -> State:
        """Return the state as it is now, read from the wire."""
        return state_of((await self._line.read(self._state_tag)).value)

    async def check(self, command: Command, state: State) -> None:
        """Look whether `command` may be given in `state`.

        Raises:
            Refused: the state does not allow it, naming what is possible (E-MCH-001), or permissives are missing
                (E-MCH-002). What calms a machine is refused only where it has nothing to do.
        """
        if state is State.UNDEFINED:
            if command in SAFE_COMMANDS:
                return
            text = tr("{command}: the state of the machine is not known, its controller does not answer")
            raise Refused(text.format(command=command_word(command)), hint="linectl doctor", code="E-MCH-001")
        if (state, command) not in MOVES:
            raise _impossible(command, state)
        missing = await self._refusing(command_word(command)) if command not in SAFE_COMMANDS else ()
        if missing:
            text = tr("{command}: {missing}").format(command=command_word(command), missing="\n".join(missing))
            raise Refused(text, hint=tr("see what is missing with: linectl status"), code="E-MCH-002")

    async def give(self, command: Command, within_s: float) -> Done:
        """Give `command` and wait for its end, at most `within_s` of loop time (a person's seconds) after the answer.

        Commands wait for each other; abort, stop and hold wait for nobody.

        Raises:
            Refused: see `check`; nothing was sent.
        """
        if command in SAFE_COMMANDS:
            return await self._give(command, within_s)
        async with self._one:
            return await self._give(command, within_s)

    async def _give(self, command: Command, within_s: float) -> Done:
        before = self.state() if command is Command.ABORT else await self.look()
        if command is not Command.ABORT:
            await self.check(command, before)
        began_s, speed = self._clock.process_s(), self._clock.speed
        report = await self._line.command(command, within_s=_ACK_WITHIN_S * speed)
        if report.outcome is Outcome.CONFIRMED:
            outcome, after, detail = await self._followed(command, before, began_s + max(0.0, within_s) * speed)
        else:
            after = await self.look()
            outcome, detail = report.outcome, report.detail
            if report.result == Result.INTERLOCK:
                text = tr("{detail}; its alarms (linectl alarms) are acknowledged at its own panel, once mended")
                detail = text.format(detail=detail)
            if command is Command.ABORT and report.result == Result.STATE and after in {State.ABORTED, State.ABORTING}:
                outcome, detail = Outcome.CONFIRMED, tr("it was aborted already")
            elif outcome is Outcome.UNKNOWN and after is not before and after is goal(before, command):
                outcome, detail = Outcome.CONFIRMED, tr("no answer was heard, but there it is")
        return Done(command, outcome, before, after, detail, self._clock.process_s() - began_s)

    async def _followed(self, command: Command, before: State, end_s: float) -> tuple[Outcome, State, str]:
        """Wait until the machine is where the command ends, went elsewhere, or the time is over."""
        way, wanted = MOVES.get((before, command)), goal(before, command)
        strayed = False
        while True:
            now = await self.look()
            if now is wanted or (wanted is None and command is Command.ABORT and now is State.ABORTED):
                return Outcome.CONFIRMED, now, ""
            left_s = end_s - self._clock.process_s()
            if left_s <= 0:
                text = tr("the controller took it; the machine is still {state}")
                return Outcome.UNKNOWN, now, text.format(state=state_name(now))
            away = now not in {way, State.UNDEFINED}
            if away and strayed and wanted is not None:
                text = tr(
                    "the controller took it; but the machine is {state}, not {wanted}: "
                    "does it hold an alarm? linectl alarms"
                )
                return Outcome.UNKNOWN, now, text.format(state=state_name(now), wanted=state_name(wanted))
            strayed = away
            await self._clock.sleep(min(_LOOK_S * self._clock.speed, left_s))

    async def with_argument(
        self, command: Command, argument: str, value: int, within_s: float, *, shown_by: str
    ) -> tuple[Outcome, str]:
        """Give a command that takes a number in the tag `argument`; done is what `shown_by` shows afterwards.

        Raises:
            Refused: the number was not taken; nothing was commanded.
        """
        async with self._one:
            written = await self._line.write(argument, value)
            if written.outcome is not Outcome.CONFIRMED:
                text = tr("{command}: {tag} = {value} was not taken: {why} {detail}")
                fields = {"command": command_word(command), "tag": argument, "value": value, "why": written.refused_by}
                raise Refused(text.format(**fields, detail=written.detail), code="E-MCH-001")
            report = await self._line.command(command, within_s=within_s * self._clock.speed)
            if report.outcome is not Outcome.CONFIRMED:
                return report.outcome, report.detail
            shown = (await self._line.read(shown_by)).value
            if shown == value:
                return Outcome.CONFIRMED, ""
            return Outcome.UNKNOWN, tr("the controller took it; but {tag} shows {value}").format(
                tag=shown_by, value=shown
            )


def told(done: Done) -> str:
    """Return how a command ended, as people read it."""
    word = command_word(done.command)
    if done.outcome is Outcome.CONFIRMED:
        text = tr("{command}: done, the machine is {state} ({seconds} s)")
        return text.format(command=word, state=state_name(done.after), seconds=decimal(done.took_s))
    if done.outcome is Outcome.REFUSED:
        return tr("{command}: refused by the controller: {detail}").format(command=word, detail=done.detail)
    text = tr("{command}: not known whether it was done: {detail}; look at the machine, and at linectl status")
    return text.format(command=word, detail=done.detail)


def _impossible(command: Command, state: State) -> Refused:
    now = possible(state)
    text = tr("{command} is not possible while the machine is {state}")
    if now:
        hint = tr("possible now: {commands}").format(commands=", ".join(command_word(each) for each in now))
    else:
        hint = tr("wait until the machine says its state")
    return Refused(text.format(command=command_word(command), state=state_name(state)), hint=hint, code="E-MCH-001")

"""What a person may tell a run under way, in English or French words, from whichever place it is typed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from linectl.errors import LinectlError
from linectl.lab.answers import yes_or_no
from linectl.words import tr

__all__ = ["Commanded", "RunCommands", "Typed", "typed"]


class Commanded(Protocol):
    """A run under way, here or at its server. Each raises LinectlError when it refuses, or is not there."""

    def would_lose(self) -> str | Awaitable[str]:
        """Return what ending the run now would lose."""

    def cancel(self, *, who: str = "", why: str = "") -> Awaitable[None] | None:
        """End the run at its next safe point."""

    def abort(self, *, who: str = "", why: str = "") -> Awaitable[None] | None:
        """End the run at once."""

    def pause(self, *, who: str = "", why: str = "") -> Coroutine[Any, Any, object]:
        """Stand still at the next step boundary."""

    def hold(self, *, who: str = "", why: str = "") -> Coroutine[Any, Any, object]:
        """Switch the heater off now."""

    def resume(self, *, who: str = "") -> Coroutine[Any, Any, object]:
        """Go on."""

    def next(self, reason: str, *, who: str = "") -> Coroutine[Any, Any, object]:
        """End the present wait early."""

    def skip(self, which: int | str, reason: str, *, who: str = "") -> Coroutine[Any, Any, object]:
        """Take a bottle out of the observation."""

    def note(self, text: str, *, who: str = "") -> Coroutine[Any, Any, object]:
        """Keep a note."""

    def deviation(self, text: str, *, who: str = "") -> Coroutine[Any, Any, object]:
        """Keep a deviation."""


_WORDS = {
    "pause": "pause",
    "hold": "hold",
    "figer": "hold",
    "resume": "resume",
    "reprendre": "resume",
    "next": "next",
    "suivant": "next",
    "cancel": "cancel",
    "annuler": "cancel",
    "abort": "abort",
    "arrêt": "abort",
    "arret": "abort",
    "note": "note",
    "deviation": "deviation",
    "déviation": "deviation",
    "skip": "skip",
    "écarter": "skip",
    "ecarter": "skip",
    "?": "help",
    "help": "help",
    "aide": "help",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """A command (a machine word) and the rest of its line."""

    command: str
    rest: str = ""


def typed(line: str) -> Typed | None:
    """Return the command that `line` begins with, None when it begins with none. A leading `:` says it is one."""
    words = line.strip().removeprefix(":").split(maxsplit=1)
    if not words or words[0].lower() not in _WORDS:
        return None
    return Typed(_WORDS[words[0].lower()], words[1].strip() if len(words) > 1 else "")


class RunCommands:
    """Carries out typed commands without ever keeping the run waiting; what there is to say goes to `say`."""

    def __init__(self, server: Commanded, who: str, say: Callable[[str], None]) -> None:
        self._server = server
        self._who = who
        self._say = say
        self._tasks: set[asyncio.Task[None]] = set()
        self.asks_cancel = False

    def close(self) -> None:
        """Let go of what is still being carried out."""
        for task in self._tasks:
            task.cancel()

    def take(self, line: str) -> None:
        """Carry out the command that `line` is, or say that it is none."""
        if self.asks_cancel:
            self.answer_cancel(line)
            return
        command = typed(line)
        if command is not None:
            self.obey(command)
        elif line.strip():
            self._say(tr("not known: {line} (? lists the commands)").format(line=line.strip()))

    def answer_cancel(self, line: str) -> None:
        """Take the answer to the question that `cancel` asked."""
        self.asks_cancel = False
        self._cancel(sure=yes_or_no(line) is True)

    def obey(self, typed_: Typed) -> None:
        """Carry out a command."""
        server, rest = self._server, typed_.rest
        match typed_.command:
            case "help":
                self._say(_help())
            case "abort":
                told = tr("aborting: heater off, data kept (this is not the emergency stop)")
                self._do(_done(server.abort(who=self._who, why=rest)), told)
            case "cancel":
                self._ask_cancel()
            case "pause":
                self._do(server.pause(who=self._who, why=rest), tr("pause at the end of this step"))
            case "hold":
                self._do(server.hold(who=self._who, why=rest), tr("held: the heater is off; `resume` goes on"))
            case "resume":
                self._do(server.resume(who=self._who), tr("going on"))
            case "skip":
                self._skip(rest)
            case command:
                self._tell(command, rest)

    def _tell(self, command: str, rest: str) -> None:
        """Carry out a command that needs words."""
        if not rest:
            self._say(tr("say it on the same line: {command} TEXT").format(command=command))
        elif command == "note":
            self._do(self._server.note(rest, who=self._who), tr("noted"))
        elif command == "deviation":
            self._do(self._server.deviation(rest, who=self._who), tr("deviation noted"))
        else:
            self._do(self._server.next(rest, who=self._who), tr("ended early; kept as a deviation"))

    def _skip(self, rest: str) -> None:
        which, _, reason = rest.partition(" ")
        if not which or not reason.strip():
            self._say(tr("say which bottle and why: skip 7 REASON"))
            return
        place: int | str = int(which) if which.isdecimal() else which
        told = tr("{which} is not observed any more").format(which=which)
        self._do(self._server.skip(place, reason.strip(), who=self._who), told)

    def _ask_cancel(self) -> None:
        try:
            lost = self._server.would_lose()
        except LinectlError as error:
            self._say(error.message)
            return
        if isinstance(lost, str):
            self._put_cancel(lost)
        else:
            self._do(self._ask_cancel_of(lost), "")

    async def _ask_cancel_of(self, lost: Awaitable[str]) -> None:
        self._put_cancel(await lost)

    def _put_cancel(self, lost: str) -> None:
        self.asks_cancel = True
        self._say(tr("{lost}. Cancel the run? [y/N]").format(lost=lost))

    def _cancel(self, *, sure: bool) -> None:
        if not sure:
            self._say(tr("not cancelled"))
            return
        self._do(_done(self._server.cancel(who=self._who)), tr("stopping at the next safe point"))

    def _do(self, work: Coroutine[Any, Any, Any], told: str) -> None:
        """Carry out a command without waiting for it here; say how it ended."""
        task = asyncio.create_task(self._done(work, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _done(self, work: Coroutine[Any, Any, Any], told: str) -> None:
        try:
            await work
        except LinectlError as error:
            self._say(f"{error.message}\n{error.hint}".strip())
        else:
            if told:
                self._say(told)


async def _done(work: Awaitable[None] | None) -> None:
    """Wait for what is not done at once."""
    if work is not None:
        await work


def _help() -> str:
    return tr(
        "pause          stand still at the end of this step, outputs kept\n"
        "hold           heater off now, until `resume`\n"
        "resume         go on\n"
        "next REASON    end this soak or wait early\n"
        "cancel         end at the next safe point (asks)\n"
        "abort          end at once (asks nothing)\n"
        "skip 7 REASON  take a bottle out of the observation\n"
        "note TEXT      keep a note; deviation TEXT a deviation"
    )

"""What is typed while an experiment runs: commands in English or French, and answers to its questions."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import termios
import tty
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from linectl.cli.terminal import ProgressLine, TerminalFace
from linectl.errors import LinectlError
from linectl.lab.answers import yes_or_no
from linectl.model.prompts import PromptKind
from linectl.server.line_server import LineServer
from linectl.words import tr

__all__ = ["Keys", "Typed", "somebody_there", "typed"]

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
_ENDS = ("\r", "\n")
_BACK = ("\x7f", "\b")
_CLEAR = "\x15"  # Ctrl+U
_END_OF_INPUT = "\x04"


def somebody_there() -> bool:
    """Return whether a person can be asked here: a terminal at both ends, with this program in its foreground."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:  # a terminal that is not this program's own
        return True


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


class Keys:
    """Reads the keyboard for the time of the block, without ever keeping the run waiting.

    The terminal is put in a mode in which this program writes what is typed, so that the progress line does not tear
    it apart; Ctrl+C stays a signal. While a question is open a line answers it, unless it is a command; for questions
    that take free text a command needs a leading `:` (but `abort` never does).
    """

    def __init__(self, server: LineServer, face: TerminalFace, screen: ProgressLine, who: str) -> None:
        self._server = server
        self._face = face
        self._screen = screen
        self._who = who
        self._descriptor = sys.stdin.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before: list[Any] = []
        self._asks_cancel = False
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._before = termios.tcgetattr(self._descriptor)
        tty.setcbreak(self._descriptor, termios.TCSANOW)
        asyncio.get_running_loop().add_reader(self._descriptor, self._readable)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back as it was."""
        self._stop_listening()
        for task in self._tasks:
            task.cancel()

    def _stop_listening(self) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        try:
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
        except termios.error:  # the terminal is gone
            return

    def _readable(self) -> None:
        try:
            got = os.read(self._descriptor, 4096)
        except OSError:
            got = b""
        if not got:
            self._stop_listening()
            self._face.close()
            return
        for character in self._decoder.decode(got):
            self._key(character)
        self._screen.redraw()

    def _key(self, character: str) -> None:
        screen = self._screen
        if character in _ENDS:
            line, screen.typed = screen.typed, ""
            self._line(line)
        elif character in _BACK:
            screen.typed = screen.typed[:-1]
        elif character == _CLEAR:
            screen.typed = ""
        elif character == _END_OF_INPUT and not screen.typed:
            self._face.close()
        elif character.isprintable():
            screen.typed += character

    def _line(self, line: str) -> None:
        if self._asks_cancel:
            self._asks_cancel = False
            self._cancel(sure=yes_or_no(line) is True)
            return
        command = typed(line)
        prompt = self._face.prompt
        free = prompt is not None and prompt.kind in {PromptKind.TEXT, PromptKind.PHOTO, PromptKind.CHOICE}
        if command is not None and (not free or line.startswith(":") or command == Typed("abort")):
            self._obey(command)
        elif prompt is not None:
            self._face.take(line)
        elif line.strip():
            self._screen.say(tr("not known: {line} (? lists the commands)").format(line=line.strip()))

    def _obey(self, typed_: Typed) -> None:
        server, rest = self._server, typed_.rest
        match typed_.command:
            case "help":
                self._screen.say(_help())
            case "abort":
                server.abort(who=self._who, why=rest)
                self._screen.say(tr("aborting: heater off, data kept (this is not the emergency stop)"))
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
            self._screen.say(tr("say it on the same line: {command} TEXT").format(command=command))
        elif command == "note":
            self._do(self._server.note(rest, who=self._who), tr("noted"))
        elif command == "deviation":
            self._do(self._server.deviation(rest, who=self._who), tr("deviation noted"))
        else:
            self._do(self._server.next(rest, who=self._who), tr("ended early; kept as a deviation"))

    def _skip(self, rest: str) -> None:
        which, _, reason = rest.partition(" ")
        if not which or not reason.strip():
            self._screen.say(tr("say which bottle and why: skip 7 REASON"))
            return
        place: int | str = int(which) if which.isdecimal() else which
        told = tr("{which} is not observed any more").format(which=which)
        self._do(self._server.skip(place, reason.strip(), who=self._who), told)

    def _ask_cancel(self) -> None:
        try:
            lost = self._server.would_lose()
        except LinectlError as error:
            self._screen.say(error.message)
            return
        self._asks_cancel = True
        self._screen.say(tr("{lost}. Cancel the run? [y/N]").format(lost=lost))

    def _cancel(self, *, sure: bool) -> None:
        if not sure:
            self._screen.say(tr("not cancelled"))
            return
        self._server.cancel(who=self._who)
        self._screen.say(tr("stopping at the next safe point"))

    def _do(self, work: Coroutine[Any, Any, Any], told: str) -> None:
        """Carry out a command without waiting for it here; say how it ended."""
        task = asyncio.create_task(self._done(work, told))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _done(self, work: Coroutine[Any, Any, Any], told: str) -> None:
        try:
            await work
        except LinectlError as error:
            self._screen.say(f"{error.message}\n{error.hint}".strip())
        else:
            self._screen.say(told)


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

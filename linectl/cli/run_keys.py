"""What is typed while an experiment runs: commands in English or French, and answers to its questions."""

from __future__ import annotations

import asyncio
import codecs
import os
import sys
import termios
import tty
from types import TracebackType
from typing import Any, Self

from linectl.cli.run_commands import Commanded, RunCommands, Typed, typed
from linectl.cli.terminal import ProgressLine, TerminalFace
from linectl.model.prompts import PromptKind

__all__ = ["Keys"]

_ENDS = ("\r", "\n")
_BACK = ("\x7f", "\b")
_CLEAR = "\x15"  # Ctrl+U
_END_OF_INPUT = "\x04"


class Keys:
    """Reads the keyboard for the time of the block, without ever keeping the run waiting.

    The terminal is put in a mode in which this program writes what is typed, so that the progress line does not tear
    it apart; Ctrl+C stays a signal. While a question is open a line answers it, unless it is a command; for questions
    that take free text a command needs a leading `:` (but `abort` never does).
    """

    def __init__(self, server: Commanded, face: TerminalFace, screen: ProgressLine, who: str) -> None:
        self._commands = RunCommands(server, who, screen.say)
        self._face = face
        self._screen = screen
        self._descriptor = sys.stdin.fileno()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._before: list[Any] = []

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
        self._commands.close()

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
        commands, prompt = self._commands, self._face.prompt
        if commands.asks_cancel:
            commands.answer_cancel(line)
            return
        command = typed(line)
        free = prompt is not None and prompt.kind in {PromptKind.TEXT, PromptKind.PHOTO, PromptKind.CHOICE}
        if command is not None and (not free or line.startswith(":") or command == Typed("abort")):
            commands.obey(command)
        elif prompt is not None:
            self._face.take(line)
        else:
            commands.take(line)

"""The terminal of a running experiment: its progress line, and a person's answers to its questions."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from types import TracebackType
from typing import Self

from linectl.clock import Clock
from linectl.errors import NotConfirmed
from linectl.lab.progress import Progress
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.words import tr

__all__ = ["ProgressLine", "TerminalPrompter", "operator_name"]

_YES = {"", "o", "oui", "y", "yes", "ok"}
_NO = {"n", "non", "no"}


def operator_name() -> str:
    """Return who runs: LINECTL_OPERATOR, else the user of the operating system."""
    named = os.environ.get("LINECTL_OPERATOR")
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid {os.getuid()}"


class ProgressLine:
    """One line on standard error that rewrites itself; a line a bath when it is no terminal. Best effort."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._bath = 0

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cursor on a new line."""
        if self._live and self._bath:
            self._write("\n")

    def show(self, progress: Progress) -> None:
        """Show where the run stands."""
        if self._quiet:
            return
        if self._live:
            self._write(f"\r{progress.line()}\x1b[K")
        elif progress.bath != self._bath:
            self._write(f"{progress.line()}\n")
        self._bath = progress.bath

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:  # the terminal was closed: the run goes on
            self._quiet = True


class TerminalPrompter:
    """Asks the person at this terminal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def ask(self, prompt: Prompt) -> Answer:
        """Print the question, read until an answer fits its kind.

        Raises:
            NotConfirmed: there is no terminal, or the answer was no.
        """
        if not sys.stdin.isatty():
            raise NotConfirmed(
                tr("nobody can answer: {question}").format(question=prompt.text),
                hint=tr("run in a terminal, or on the simulated rig with --sim"),
            )
        asked_ns = self._clock.now_ns()
        while True:
            sys.stderr.write(f"\n\a{prompt.text} ")
            sys.stderr.flush()
            line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
            if not line:
                raise NotConfirmed(tr("the terminal was closed before: {question}").format(question=prompt.text))
            value = _parse(prompt, line.strip())
            if value is not None:
                return Answer(prompt.id, value, operator_name(), "terminal", asked_ns, self._clock.now_ns())
            sys.stderr.write(tr("not understood; expected {kind}").format(kind=prompt.kind))


def _parse(prompt: Prompt, text: str) -> bool | float | str | tuple[int, ...] | None:
    """Return the answer that `text` gives, None when it does not fit the kind of question."""
    match prompt.kind:
        case PromptKind.CONFIRM:
            return True if text.lower() in _YES else False if text.lower() in _NO else None
        case PromptKind.NUMBER:
            return _number(prompt, text)
        case PromptKind.CHOICE:
            return text if text in prompt.options else None
        case PromptKind.POSITIONS:
            words = text.replace(",", " ").split()
            return tuple(map(int, words)) if all(word.isdigit() for word in words) else None
        case _:
            return text


def _number(prompt: Prompt, text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    low = -float("inf") if prompt.low is None else prompt.low
    high = float("inf") if prompt.high is None else prompt.high
    return value if low <= value <= high else None

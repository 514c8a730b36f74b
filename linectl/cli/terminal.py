"""The terminal of a running experiment: its progress line, what is typed under it, and a person's answers."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from linectl.clock import Clock
from linectl.errors import NotConfirmed
from linectl.lab.answers import yes_or_no
from linectl.lab.desk import fits
from linectl.lab.progress import Progress
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.tui.styled import printable
from linectl.words import tr

__all__ = ["ProgressLine", "TerminalFace"]

_BEEP_EVERY_S = 30.0  # loop time; an open question is put again until it is answered


class ProgressLine:
    """One line on standard error that rewrites itself; a line a bath when it is no terminal. Best effort.

    `typed` is what a person has typed so far; it stands behind the progress and survives its rewriting.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._live = sys.stderr.isatty()
        self._bath = 0
        self._last = ""
        self.typed = ""

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cursor on a new line."""
        self.end()

    def end(self) -> None:
        """Leave the progress as it stands: what is written next begins a line of its own."""
        if self._live and self._bath:
            self._write("\n")
        self._bath = 0

    def show(self, progress: Progress) -> None:
        """Show where the run stands."""
        self.show_line(progress.bath, progress.line())

    def show_line(self, bath: int, text: str) -> None:
        """Show the line `text` of bath number `bath`."""
        if self._quiet:
            return
        text = printable(text)
        if self._live:
            self._last = text
            self.redraw()
        elif bath != self._bath:
            self._write(f"{text}\n")
        self._bath = bath

    def redraw(self) -> None:
        """Write the line again, with what is typed."""
        if self._live:
            typed = f" > {self.typed}" if self.typed else ""
            self._write(f"\r{self._last}{typed}\x1b[K")

    def say(self, text: str) -> None:
        """Write `text` on lines of its own, above the progress; a quiet run speaks too when it is spoken to."""
        self._write(f"\r\x1b[K{text}\n" if self._live else f"{text}\n")
        self.redraw()

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:  # the terminal was closed: the run goes on
            self._quiet, self._live = True, False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on this terminal, and where its answer goes."""

    prompt: Prompt
    asked_ns: int
    answered: asyncio.Future[Answer]


class TerminalFace:
    """Puts the questions of a run to the person at this terminal, and takes the lines typed for them.

    A second examiner is asked for a name once; it is not the name of the first.
    """

    def __init__(self, clock: Clock, screen: ProgressLine, who: str) -> None:
        self._clock = clock
        self._screen = screen
        self._who = who
        self._second = ""
        self._closed = False
        self._asked: list[_Asked] = []

    @property
    def prompt(self) -> Prompt | None:
        """The question that the next line answers."""
        return self._asked[0].prompt if self._asked else None

    async def ask(self, prompt: Prompt) -> Answer:
        """Show the question and beep, again and again, until a line answers it.

        Raises:
            NotConfirmed: the terminal was closed.
        """
        if self._closed:
            raise self._hung_up(prompt)
        asked = _Asked(prompt, self._clock.now_ns(), asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        try:
            while not asked.answered.done():
                self._put(prompt)
                await asyncio.wait([asked.answered], timeout=_BEEP_EVERY_S)
            return asked.answered.result()
        finally:
            self._asked.remove(asked)

    def take(self, line: str) -> None:
        """Take a line for the oldest open question; what does not fit is said, and the question stays."""
        asked = next((each for each in self._asked if not each.answered.done()), None)
        if asked is None:
            return
        prompt = asked.prompt
        if prompt.second and not self._second:
            self._name(line.strip(), prompt)
            return
        value = _parsed(prompt, line.strip())
        why = fits(prompt, value)
        if why or value is None:
            self._screen.say(tr("not understood: {why}").format(why=why))
            self._put(prompt)
            return
        who = self._second if prompt.second else self._who
        asked.answered.set_result(Answer(prompt.id, value, who, "terminal", asked.asked_ns, self._clock.now_ns()))

    def close(self) -> None:
        """Answer nothing any more: nobody is there."""
        self._closed = True
        for asked in self._asked:
            if not asked.answered.done():
                asked.answered.set_exception(self._hung_up(asked.prompt))

    def _put(self, prompt: Prompt) -> None:
        if prompt.second and not self._second:
            self._screen.say(f"\a{tr('A second person is to look as well. Name of the second examiner:')}")
            return
        options = f" [{' / '.join(prompt.options)}]" if prompt.options else ""
        self._screen.say(f"\a{prompt.text}{options}{_yes_no(prompt)}")

    def _name(self, name: str, prompt: Prompt) -> None:
        if not name or name.lower() == self._who.lower():
            self._screen.say(tr("the second examiner must be another person than {who}").format(who=self._who))
        else:
            self._second = name
        self._put(prompt)

    def _hung_up(self, prompt: Prompt) -> NotConfirmed:
        return NotConfirmed(tr("the terminal was closed before: {question}").format(question=prompt.text))


def _yes_no(prompt: Prompt) -> str:
    return tr(" [Y/n]") if prompt.kind is PromptKind.CONFIRM else ""


def _parsed(prompt: Prompt, text: str) -> bool | float | str | tuple[int, ...] | None:
    """Return what `text` says for the kind of question, None when it says nothing of that kind."""
    match prompt.kind:
        case PromptKind.CONFIRM:
            return yes_or_no(text) if text else True
        case PromptKind.NUMBER:
            return _number(text)
        case PromptKind.POSITIONS:
            words = text.replace(",", " ").split()
            return tuple(map(int, words)) if all(word.isdecimal() for word in words) else None
        case _:
            return text or None


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None

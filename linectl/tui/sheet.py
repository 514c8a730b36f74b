"""The observation sheet: one screen with all positions of the bath, for a person with wet gloves and a number pad.

It is a face of the run's desk. A check's labels are taken one by one, each with its own time; Enter ends the check when
all were looked at, and it ends by itself shortly before the next one: what nobody looked at stays not checked. Other
questions of the run stand in the same place and are answered on the same line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Grid, Vertical
from textual.widgets import Static

from linectl.errors import Refused
from linectl.lab.desk import PromptDesk, fits
from linectl.lab.progress import Progress
from linectl.model.prompts import Answer, Prompt
from linectl.tui.marks import Mark, Marks
from linectl.tui.typed import typed_value
from linectl.words import tr

__all__ = ["ObservationSheet"]

FACE = "sheet"


class ObservationSheet(App[None]):
    """The screen. `desk` is the run's, `positions` are those of the bath.

    `command` takes a line typed after `:`, `interrupt` Ctrl+C; `shown` is set once the screen stands.
    """

    CSS = """
    Screen { background: $background; }
    #head { height: 2; padding: 0 1; }
    #question { height: 3; padding: 0 1; }
    #cells { grid-gutter: 0 1; grid-size: 6; grid-rows: 4; }
    .cell { height: 4; content-align: center middle; text-align: center; border: round $panel; }
    .cell.due { background: #f2c400; color: black; text-style: bold; }
    .cell.attached { background: #005fa8; color: white; text-style: bold; }
    .cell.off { color: $text-muted; }
    .cell.waiting { color: $foreground; }
    .cell.empty { color: $panel; }
    .cell.cursor { border: heavy #d01010; }
    #keys { height: 2; dock: bottom; padding: 0 1; color: $text-muted; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("ctrl+c", "quit_run", show=False, priority=True),
        Binding("ctrl+q", "quit_run", show=False, priority=True),
    ]

    def __init__(
        self,
        desk: PromptDesk,
        positions: Sequence[int],
        *,
        who: str,
        command: Callable[[str], None] | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self._desk = desk
        self._positions = tuple(positions)
        self._who = who
        self.command = command
        self._interrupt = interrupt
        self.shown = asyncio.Event()
        self._marks = Marks()
        self._prompt: Prompt | None = None
        self._waiting: list[tuple[Prompt, asyncio.Future[Answer | None]]] = []
        self._typed = ""
        self._said = ""
        self._where = ""
        self._leave_desk: Callable[[], None] = lambda: None

    # what the desk sees

    def ask(self, prompt: Prompt) -> Coroutine[None, None, Answer | None]:
        """Show `prompt` until it is answered here or elsewhere."""
        return self._ask(prompt)

    async def _ask(self, prompt: Prompt) -> Answer | None:
        answered: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, answered))
        self._next()
        try:
            return await answered
        finally:
            self._waiting = [each for each in self._waiting if each[1] is not answered]
            if self._prompt is prompt:
                self._end()
            self._next()

    def show(self, progress: Progress) -> None:
        """Show where the run stands."""
        self._where = progress.line()
        if self.is_running:
            self._write_head()

    def load(self, bottles: dict[int, str]) -> None:
        """Begin a bath: `bottles` are the bar codes by position."""
        self._marks = Marks(bottles=bottles)

    # the screen

    def compose(self) -> ComposeResult:
        """Lay out head, question, cells and keys."""
        cells = Grid(id="cells")

        with Vertical():
            yield Static(id="head", markup=False)
            yield Static(id="question", markup=False)
            with cells:
                for position in self._positions:
                    yield Static(id=f"p{position}", classes="cell", markup=False)
        yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        """Draw everything once, and attach to the desk."""
        self._leave_desk = self._desk.attach(self)
        self._draw()
        self.shown.set()

    def on_unmount(self) -> None:
        """Leave the desk."""
        self._leave_desk()

    def on_key(self, event: events.Key) -> None:
        """Take a key for the open check, or for the line of another question."""
        event.stop()
        key = event.character if event.character and event.character.isprintable() else event.key
        self._said = ""
        check = self._prompt is not None and self._prompt.task == "check"
        if self._typed.startswith(":") or key == ":":
            self._edit(key, self._run_command)
        elif check or self._prompt is None:
            self._look(key)
        else:
            self._edit(key, self._answer_line)
        self._draw()

    def action_quit_run(self) -> None:
        """Ctrl+C: the run is asked to end at its next safe point; the sheet stays until it has."""
        if self._interrupt is not None:
            self._interrupt()
            self.say(tr("stopping at the next safe point"))

    def say(self, text: str) -> None:
        """Show what a command has to say."""
        self._said = text
        self._draw()

    # a check

    def _look(self, key: str) -> None:
        prompt, marks = self._prompt, self._marks
        if prompt is not None and key == "enter" and not marks.typed and not marks.left:
            self._finish(prompt)
            return
        taken = marks.key(key)
        if taken.refused:
            self._said = self._why(taken.refused)
            self.bell()
            return
        if prompt is None:
            return
        try:
            for position, attached in taken.looks:
                self._desk.look(prompt.id, position, attached=attached, who=self._who, face=FACE)
        except Refused as refused:  # the check ended between two keys
            self._said = refused.message
            self.bell()

    def _finish(self, prompt: Prompt) -> None:
        """Answer a check whose labels were all looked at; until then a look can be taken back."""
        still = tuple(position for position, attached in self._marks.seen.items() if attached)
        try:
            self._desk.answer(prompt.id, still, who=self._who, face=FACE)
        except Refused as refused:
            self._said = refused.message

    def _why(self, word: str) -> str:
        words = {
            "unknown": tr("no bottle of this bath"),
            "not_due": tr("this label is not asked for"),
            "nothing_to_undo": tr("nothing to take back in this check"),
            "no_check": tr("no check is open"),
        }
        return words[word]

    # other questions

    def _edit(self, key: str, done: Callable[[str], None]) -> None:
        if key == "enter":
            typed, self._typed = self._typed, ""
            done(typed)
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif key == "escape":
            self._typed = ""
        elif key == "space" or len(key) == 1:
            self._typed += " " if key == "space" else key

    def _run_command(self, typed: str) -> None:
        if self.command is None:
            self._said = tr("no commands here")
        else:
            self.command(typed[1:].strip())

    def _answer_line(self, typed: str) -> None:
        prompt = self._prompt
        assert prompt is not None
        value = typed_value(prompt, typed.strip())
        if value is None or fits(prompt, value):
            self._said = tr("not understood") if value is None else fits(prompt, value)
            self.bell()
            return
        try:
            self._desk.answer(prompt.id, value, who=self._who, face=FACE)
        except Refused as refused:  # another face was first
            self._said = refused.message

    # what is open

    def _next(self) -> None:
        if self._prompt is not None or not self._waiting:
            self._draw()
            return
        self._prompt = self._waiting[0][0]
        self._typed = ""
        if self._prompt.task == "check":
            self._marks.open(_places(self._prompt))
        elif self._prompt.task == "load_bottle":
            facts = self._prompt.facts
            self._marks.bottles = {**self._marks.bottles, int(str(facts["position"])): str(facts["bottle"])}
        self.bell()
        self._draw()

    def _end(self) -> None:
        prompt, self._prompt = self._prompt, None
        if prompt is not None and prompt.task == "check":
            self._marks.close()
        elif prompt is not None and prompt.task == "unload":
            self._marks = Marks()

    # drawing

    def _draw(self) -> None:
        if not self.is_running or not self._positions or not self.query(f"#p{self._positions[0]}"):
            return
        self._write_head()
        self.query_one("#question", Static).update(self._question())
        for position in self._positions:
            self._draw_cell(position)
        self.query_one("#keys", Static).update(self._keys())

    def _write_head(self) -> None:
        self.query_one("#head", Static).update(self._where)

    def _question(self) -> str:
        prompt = self._prompt
        if prompt is None:
            text = tr("no question is open")
        elif prompt.task == "check":
            left, due = len(self._marks.left), len(self._marks.due)
            text = tr("Look at the labels: {left} of {all} left").format(left=left, all=due)
            text = text if left else tr("All looked at: Enter ends the check, / takes back")
        else:
            text = prompt.text
        typed = self._typed or self._marks.typed
        return f"{text}\n> {typed}\n{self._said}"

    def _draw_cell(self, position: int) -> None:
        cell = self.query_one(f"#p{position}", Static)
        mark = self._marks.mark(position)
        words = {
            Mark.EMPTY: "·",
            Mark.DUE: tr("look?"),
            Mark.ATTACHED: tr("on"),
            Mark.OFF: tr("off"),
            Mark.WAITING: "–",
        }
        cell.set_classes(["cell", str(mark)])
        cell.set_class(position == self._marks.cursor, "cursor")
        cell.update(f"{position}\n{words[mark]}")

    def _keys(self) -> str:
        means = tr("off") if self._marks.scan_means_off else tr("on")
        return tr(
            "+ on   - off   * all others on   / take back   number or bar code, Enter: {means}   . changes that\n"
            ": a command (pause, hold, resume, next, note TEXT, skip POSITION REASON, abort)"
        ).format(means=means)


def _places(prompt: Prompt) -> list[int]:
    places = prompt.facts.get("positions", ())
    return [int(str(each)) for each in places] if isinstance(places, tuple | list) else []

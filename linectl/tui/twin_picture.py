"""The picture of a simulated plant, live on this terminal: what is true beside what its PLC says.

It only looks: no key changes anything, so it can stay open beside a run. The picture asks `look` a few times a second
and draws what it gets (`twin_drawing`); the plant goes on when the screen ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from linectl.errors import LinectlError, Unreachable
from linectl.server.simulation.twin_view import TwinView
from linectl.tui.styled import STYLES, Line, Mood
from linectl.tui.twin_drawing import draw
from linectl.words import tr

__all__ = ["TwinPicture", "content_of"]

_PERIOD_S = 0.25


def content_of(lines: list[Line]) -> Content:
    """Return lines with their colours, for a widget."""
    rows = [Content.assemble(*((text, STYLES[mood]) for text, mood in line if text)) for line in lines]
    return Content("\n").join(rows)


class TwinPicture(App[None]):
    """The screen. `look` gives the plant as it is; a LinectlError from it is shown, and the picture tries again."""

    CSS = """
    Screen { background: #2b2b2b; color: #c8c8c8; }
    #plant { height: auto; width: auto; }
    #keys { height: 1; dock: bottom; color: #909090; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("q", "leave", show=False),
        Binding("ctrl+c", "leave", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
        Binding("p", "freeze", show=False),
    ]

    def __init__(self, look: Callable[[], TwinView], *, ends: bool = False) -> None:
        super().__init__()
        self.animation_level = "none"
        self._look = look
        self._ends = ends
        self._frozen = False
        self._timer: Timer | None = None
        self.drawn = 0

    def compose(self) -> ComposeResult:
        """Lay out the plant and the line of keys."""
        with VerticalScroll(can_focus=False):
            yield Static(id="plant", markup=False)
        yield Static(id="keys", markup=False)

    def on_mount(self) -> None:
        """Draw at once, then a few times a second."""
        self._redraw()
        self._timer = self.set_interval(_PERIOD_S, self._redraw)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._redraw()

    def action_leave(self) -> None:
        """Q or Ctrl+C: end the screen."""
        self.exit()

    def action_freeze(self) -> None:
        """P: hold the picture, or let it go on."""
        self._frozen = not self._frozen
        self._redraw()

    def _redraw(self) -> None:
        if not self.is_running or not self.query("#plant"):
            return
        keys = self.query_one("#keys", Static)
        leave = tr("q ends the simulator") if self._ends else tr("q closes the picture, the simulator goes on")
        keys.update(f" {leave}   {tr('p goes on') if self._frozen else tr('p holds the picture')}")
        if self._frozen:
            return
        try:
            view = self._look()
        except LinectlError as error:
            gone = tr("the simulated line has ended; q closes the picture")
            said = gone if isinstance(error, Unreachable) else error.message
            keys.update(Content.assemble((f" {said} ", STYLES[Mood.ALARM])))
            return
        size = self.size
        self.query_one("#plant", Static).update(content_of(draw(view, size.width, max(1, size.height - 1))))
        self.drawn += 1

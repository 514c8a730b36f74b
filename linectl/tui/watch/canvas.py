"""A widget that shows lines of styled text and sends to the terminal only the cells that have changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from linectl.tui.styled import STYLES, Line, Mood, width_of

__all__ = ["Canvas", "changed"]


class Canvas(Widget):
    """Fills its place with the lines given last."""

    DEFAULT_CSS = "Canvas { width: 1fr; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self.cells = 0  # how many were sent to the terminal so far
        self._styles = {mood: Style.parse(style) for mood, style in STYLES.items()}

    @property
    def lines(self) -> Sequence[Line]:
        """What is shown."""
        return self._lines

    def show(self, lines: list[Line]) -> None:
        """Show `lines`; what has not changed is not sent again."""
        before, self._lines = self._lines, lines
        regions = []
        for row, (old, new) in enumerate(zip(chain(before, repeat(())), lines, strict=False)):
            span = changed(old, new) if old != new else None
            if span is not None:
                regions.append(Region(span[0], row, span[1] - span[0], 1))
        if len(lines) < len(before):
            regions.append(Region(0, len(lines), self.size.width, len(before) - len(lines)))
        self.cells += sum(region.area for region in regions)
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """Return one line of the widget."""
        line = self._lines[y] if y < len(self._lines) else ()
        ground = self.rich_style
        segments = [Segment(text, ground + self._styles[mood]) for text, mood in line if text]
        return Strip(segments, width_of(line)).adjust_cell_length(self.size.width, ground)


def changed(old: Line, new: Line) -> tuple[int, int] | None:
    """Return from which cell to which the two differ, None where they do not."""
    before, after = _cells(old), _cells(new)
    if not (_simple(old) and _simple(new)):
        return 0, max(width_of(old), width_of(new))
    longest = max(len(before), len(after))
    blank = (" ", Mood.NORMAL)
    before += [blank] * (longest - len(before))
    after += [blank] * (longest - len(after))
    differ = [at for at in range(longest) if before[at] != after[at]]
    return (differ[0], differ[-1] + 1) if differ else None


def _cells(line: Line) -> list[tuple[str, Mood]]:
    return [(char, mood) for text, mood in line for char in text]


def _simple(line: Line) -> bool:
    """Whether each letter takes one cell."""
    return width_of(line) == sum(len(text) for text, _ in line)

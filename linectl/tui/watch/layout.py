"""The whole screen as lines of styled text, for any size of terminal.

Pure but for a memory of the last trend, which is the one part that costs something to draw.
"""

from __future__ import annotations

from linectl.tui.styled import Line, Mood, cut, fill, grey, width_of
from linectl.tui.watch import alarms_table, trend, values
from linectl.tui.watch.alarm_bar import bar
from linectl.tui.watch.header import head
from linectl.tui.watch.journal import journal
from linectl.tui.watch.keys import help_page, hints
from linectl.tui.watch.run_block import block, rule
from linectl.tui.watch.sight import Body, Page, Plot, Sight
from linectl.words import tr

__all__ = ["Layout"]

_TALL, _LOW, _LEAST = 20, 12, 7  # lines between bar and keys: for a long journal, for any, for the run
_WIDE, _BESIDE = 100, 70  # columns: for long names, for the trend beside the values
_CURSOR = "▏"


class Layout:
    """Draws looks. The trend is drawn anew only when its points, its place or the tag are others."""

    def __init__(self) -> None:
        self._drawn: tuple[object, ...] = ()
        self._plot: list[Line] = []

    def draw(self, sight: Sight, width: int, height: int) -> list[Line]:
        """Return exactly `height` lines of at most `width` cells."""
        top = [head(sight, width), *bar(sight, width)]
        foot = [_last(sight, width), *hints(sight, width)]
        room = height - len(top) - len(foot)
        return [*top, *self._middle(sight, width, max(0, room)), *foot][:height]

    def _middle(self, sight: Sight, width: int, height: int) -> list[Line]:
        if sight.body is Body.HELP:
            lines = [rule(tr("help"), width), *help_page(width, height - 1, sight.scroll)]
        elif sight.body is Body.ALARMS or sight.page is Page.ALARMS:
            lines = [rule(_titled(tr("alarms"), sight), width), *alarms_table.table(sight, width, height - 1)]
        else:
            lines = self._page(sight, width, height)
        blank: Line = ()
        lines = [*lines, *[blank] * (height - len(lines))][:height]
        return [grey(line) for line in lines] if sight.dead else lines

    def _page(self, sight: Sight, width: int, height: int) -> list[Line]:
        match sight.page:
            case Page.VALUES:
                return [rule(_titled(tr("values"), sight), width), *values.table(sight, width, height - 1)]
            case Page.TREND:
                return self._trend(sight, width, height)
            case Page.RUN:
                return [*block(sight, width), *journal(sight, width, max(0, height - 3))]
            case Page.JOURNAL:
                return journal(sight, width, height)
            case _:
                return self._all(sight, width, height)

    def _all(self, sight: Sight, width: int, height: int) -> list[Line]:
        below = 4 if height >= _TALL else 2 if height >= _LOW else 0
        run = block(sight, width) if height >= _LEAST else []
        body = self._body(sight, width, height - len(run) - below)
        return [*run, *body, *(journal(sight, width, below) if below else [])]

    def _body(self, sight: Sight, width: int, height: int) -> list[Line]:
        """Return the values with the trend beside them, or one of both."""
        title = _titled(tr("values"), sight)
        if sight.plot is Plot.OFF or (sight.plot is Plot.BESIDE and width < _BESIDE):
            return [rule(title, width), *values.table(sight, width, height - 1)]
        if sight.plot is Plot.ALONE:
            return self._trend(sight, width, height)
        left = width // 2 if width >= _WIDE else min(width - 24, 48)
        column = [rule(title, left), *values.table(sight, left, height - 1)]
        plot = self._trend(sight, width - left - 1, height)
        nothing: Line = fill((), left)
        column += [nothing] * (height - len(column))
        return [
            (*fill(beside, left), ("┬" if row == 0 else "│", Mood.TITLE), *line)
            for row, (beside, line) in enumerate(zip(column, plot, strict=False))
        ]

    def _trend(self, sight: Sight, width: int, height: int) -> list[Line]:
        key = (id(sight.trend), sight.chosen, width, height, sight.dead, sight.braille, len(sight.trend))
        if key != self._drawn:
            self._drawn = key
            self._plot = [rule(trend.heading(sight), width), *trend.plot(sight, width, height - 1)]
        return self._plot


def _titled(title: str, sight: Sight) -> str:
    return f"{title} /{sight.filter}" if sight.filter else title


def _last(sight: Sight, width: int) -> Line:
    """Return the line above the keys: what is being typed, else the last thing said."""
    if sight.asking is None:
        return cut(((f" {sight.said}", sight.said_mood),), width)
    entry: Line = ((f" {sight.asking} ", Mood.ARMED), (f"{sight.typed}{_CURSOR}", Mood.STRONG))
    said: Line = ((f"  {sight.said} ", sight.said_mood),) if sight.said else ()
    if width_of((*entry, *said)) <= width:
        return (*entry, *said)
    head = said or entry[:1]  # why it was not taken is more to the point than the question, which stands above
    room = max(8, width - 1 - width_of(head))
    return cut((*head, (f" {sight.typed[-room + 2 :]}{_CURSOR}", Mood.STRONG)), width)

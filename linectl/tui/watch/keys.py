"""The line of keys that is always there, and the page of help."""

from __future__ import annotations

from textwrap import wrap

from linectl.tui.styled import Line, Mood, cut, fill, width_of
from linectl.tui.watch.commands import COMMANDS
from linectl.tui.watch.sight import Body, Sight
from linectl.words import tr

__all__ = ["help_page", "hints"]

Piece = tuple[str, Mood]


def hints(sight: Sight, width: int) -> list[Line]:
    """Return two lines: the keys that do something here, and how the line is aborted."""
    keys = _alarm_keys() if sight.body is Body.ALARMS else _keys(sight)
    first, rest = _row(keys, sight, width)
    second, _ = _row(rest, sight, width - width_of(_abort(sight)))
    return [cut(first, width), cut((*_abort(sight), *second), width)]


def _keys(sight: Sight) -> list[tuple[str, str]]:
    return [
        ("?", tr("help")),
        ("e", tr("answer it")),
        ("a", tr("alarms")),
        ("n", tr("note")),
        ("w", tr("disarm") if sight.armed_s is not None else tr("arm writes (5 min)")),
        ("s", tr("set it")),
        ("H", tr("hold the line")),
        ("/", tr("filter")),
        ("p", tr("plot")),
        (":", tr("command")),
        ("↑↓", tr("choose")),
        ("q", tr("leave")),
    ]


def _alarm_keys() -> list[tuple[str, str]]:
    return [
        ("a", tr("acknowledge this one")),
        ("z", tr("shelve")),
        ("c", tr("comment")),
        ("r", tr("reset it")),
        ("↑↓", tr("choose")),
        (tr("Esc"), tr("back")),
        ("/", tr("filter")),
        ("H", tr("hold the line")),
    ]


def _row(keys: list[tuple[str, str]], sight: Sight, width: int) -> tuple[Line, list[tuple[str, str]]]:
    """Return as many keys as find room, and the others; the first are those that matter, and ? tells them all."""
    pieces: list[Piece] = []
    for number, (key, words) in enumerate(keys):
        cell: Line = ((f" {key} ", Mood.QUIET if sight.dead else Mood.STRONG), (f"{words} ", Mood.QUIET))
        if width_of(tuple(pieces)) + width_of(cell) > width:
            return tuple(pieces), keys[number:]
        pieces += cell
    return tuple(pieces), []


def _abort(sight: Sight) -> Line:
    words = tr("ABORTS THE LINE (this is not the emergency stop)") + "  "
    return ((" Ctrl+X Ctrl+X ", Mood.STRONG), (words, Mood.QUIET if sight.dead else Mood.NORMAL))


def help_page(width: int, height: int, at: int = 0) -> list[Line]:
    """Return what each key does and what the marks mean, from line `at` on; how much there is beside is said."""
    rows = [
        ("↑ ↓", tr("choose a tag: its trend is drawn, s sets it")),
        ("p", tr("trend beside the values, alone, or away")),
        ("/", tr("show only what holds these letters; Esc shows all again")),
        ("e", tr("answer the question that waits (yes or no, 62,5, a word or its number, 3 7 12)")),
        (
            "a",
            tr("unfold the alarms; again: acknowledge the one under the cursor; z shelves, takes back, r resets"),
        ),
        ("n", tr("write a note into the journal and the run")),
        ("w", tr("arm: for five minutes this screen may write; again: disarm")),
        ("s   :", tr("set the chosen tag; give a command (both only while armed)")),
        ("H", tr("hold: freeze the line safely (needs no arming)")),
        ("^X ^X", tr("abort: at once, without a question. The emergency stop is the red button on the machine.")),
        ("q", tr("leave; the line and its run go on")),
        ("", ""),
        ("▲1 ◆2 ●3", tr("alarms: act now, act soon, look at it")),
        ("▒▒ ?", tr("no value that can be trusted, and why; M: put in by hand")),
        ("┃·█··┃", tr("where the value stands; between ┃ and ┃ it is normal")),
        (":", " ".join(COMMANDS)),
    ]
    lines: list[Line] = []
    for key, words in rows:
        for number, part in enumerate(wrap(words, max(20, width - 13)) or [""]):
            lines.append(((f"  {'' if number else key:<10}", Mood.STRONG), (part, Mood.NORMAL)))
    if len(lines) > height:
        first = min(at, len(lines) - height + 1)
        lines = [
            *lines[first : first + height - 1],
            ((f"  {tr('↑↓ {n} more').format(n=len(lines) - height + 1)}", Mood.QUIET),),
        ]
    return [fill(line, width) for line in lines]

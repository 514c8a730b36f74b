"""The bar that stands on every page: how many alarms, the most pressing one, why it probably is and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.tui.styled import Line, Mood, grey, printable, shorten, width_of
from linectl.tui.watch.alarm_words import MOODS, SHAPES, newest, priority_of, shape, state_words, unseen, what
from linectl.tui.watch.feed import items, number, section, text
from linectl.tui.watch.sight import Sight, clock_text, since_text
from linectl.words import ntr, tr

__all__ = ["bar"]

Piece = tuple[str, Mood]


def bar(sight: Sight, width: int) -> list[Line]:
    """Return the bar: three lines, whatever stands, so that nothing below them jumps when an alarm comes."""
    if sight.dead:
        return _dead(sight, width)
    lines = (_counts(sight), (_blank(1), *_pressing(sight, width - 1)), _why(sight))
    return [shorten(line, width) for line in lines]


def _dead(sight: Sight, width: int) -> list[Line]:
    """Return what is said while the server is silent, in the bar's own place."""
    words = tr("SERVER LOST for {time}: values of before {clock}, commands disabled").format(
        time=since_text_s(sight.silent_s or 0.0), clock=sight.before or "–"
    )
    why = printable(sight.why) or tr("no answer")
    trying = tr("tried again by itself; {why}. The line's own PLC keeps it safe.").format(why=why)
    first: Line = ((" ", Mood.NORMAL), (f" ▲ {words} ", Mood.ALARM))
    second: Line = ((f" {trying}", Mood.NORMAL),)
    return [shorten(line, width) for line in (first, second, grey(_counts(sight)))]


def since_text_s(seconds: float) -> str:
    """Return a time in whole seconds; a silence is seldom long."""
    return tr("{s} s").format(s=int(seconds))


def _blank(width: int) -> Piece:
    return " " * width, Mood.NORMAL


def _counts(sight: Sight) -> Line:
    alarms = section(sight.state, "alarms")
    counts = section(alarms, "counts")
    pieces: list[Piece] = []
    for priority in (1, 2, 3):
        count = _count(counts, str(priority))
        mood = MOODS[priority] if count else Mood.QUIET
        pieces += [_blank(1), (f" {SHAPES[priority]} {count} ", mood)]
    waiting = _count(counts, "unacknowledged")
    if waiting:
        pieces += [_blank(1), (tr("{n} NOT ACK.").format(n=waiting), Mood.UNSEEN)]
    pieces += _aside(counts)
    if alarms.get("flood"):
        pieces += [_blank(2), (f" {tr('FLOOD')} ", Mood.ALARM)]
    return (*_unrecorded(sight), *pieces, _blank(2), *_suspended(sight))


def _unrecorded(sight: Sight) -> list[Piece]:
    """Return that the record has stopped: nobody may take what is shown here for what will be there tomorrow."""
    lost = section(section(sight.state, "line"), "unrecorded")
    if not lost:
        return []
    words = tr("NOTHING IS RECORDED since {time}").format(time=clock_text(lost.get("since"), sight.now))
    return [(f" ◆ {words} ", Mood.ALARM), _blank(1)]


def _suspended(sight: Sight) -> list[Piece]:
    """Return the glues whose GO the line has disproved: until somebody decides anew this stands on every screen."""
    found: list[Piece] = []
    for each in items(sight.state, "glues"):
        lost = section(each, "suspended")
        if lost:
            words = tr("GO SUSPENDED {glue}: {rejects} of {bottles} with label").format(
                glue=printable(text(each.get("glue"))), rejects=lost.get("rejects"), bottles=lost.get("bottles")
            )
            found += [(f" ◆ {words} ", Mood.WARNING), _blank(1)]
    return found


def _aside(counts: Mapping[str, Any]) -> list[Piece]:
    """Return the counts of what is not told: a shelved alarm is never invisible."""
    words = (
        ("shelved", tr("shelved {n}"), Mood.SHELVED),
        ("suppressed", tr("suppressed {n}"), Mood.QUIET),
        ("out_of_service", tr("out of service {n}"), Mood.QUIET),
    )
    found: list[Piece] = []
    for name, form, mood in words:
        count = _count(counts, name)
        if count:
            found += [_blank(2), (form.format(n=count), mood)]
    return found


def _count(counts: Mapping[str, Any], name: str) -> int:
    return int(number(counts.get(name)) or 0)


def _pressing(sight: Sight, width: int) -> Line:
    """Return the most pressing alarm; in a flood the one that came first, which is most likely the cause."""
    alarms = section(sight.state, "alarms")
    tags = section(sight.state, "tags")
    alarm = newest(sight.state)
    if alarms.get("flood"):
        return _first_out(sight, tags)
    if alarm is None:
        return _tripped(sight) or ((tr("no alarm"), Mood.QUIET),)
    mood = MOODS[priority_of(alarm)]
    words = f" {shape(alarm)} {clock_text(alarm.get('since'), sight.then)} {what(alarm, tags)} "
    since = tr("for {time}").format(time=since_text(alarm.get("since"), sight.then))
    pieces: list[Piece] = [(words, mood), (f" {since}  ", Mood.NORMAL)]
    if not unseen(alarm):
        return (*pieces, (state_words(text(alarm.get("state"))), Mood.QUIET))
    hint = tr("[a] acknowledge")
    return (*pieces, (hint if width_of(tuple(pieces)) + len(hint) <= width else "[a]", Mood.STRONG))


def _first_out(sight: Sight, tags: Mapping[str, Any]) -> Line:
    alarms = section(sight.state, "alarms")
    name = text(alarms.get("first_out"))
    listed = items(alarms, "list")
    first = next((each for each in listed if name in {each.get("id"), each.get("name")}), None)
    words = printable(name) if first is None else f"{clock_text(first.get('since'), sight.then)} {what(first, tags)}"
    total = ntr("{n} alarm", "{n} alarms", len(listed)).format(n=len(listed))
    mood = Mood.ALARM if first is None else MOODS[priority_of(first)]
    said = tr("first: {alarm}").format(alarm=words)
    return (f" {said} ", mood), (f" {total}  ", Mood.NORMAL), (tr("[a] the list"), Mood.STRONG)


def _tripped(sight: Sight) -> Line:
    """Return the interlock that stands, when no alarm tells of it."""
    tripped = items(section(sight.state, "interlocks"), "tripped")
    if not tripped:
        return ()
    first = next((each for each in tripped if each.get("first_out")), tripped[0])
    words = tr("INTERLOCK {name}: {message}").format(
        name=printable(text(first.get("name"))), message=printable(text(first.get("message")))
    )
    return ((f" ▲ {words} ", Mood.ALARM),)


def _why(sight: Sight) -> Line:
    """Return the likely cause and what to do, and which interlock has tripped or what a start still lacks."""
    alarm = newest(sight.state)
    pieces: list[Piece] = [_blank(1)]
    if alarm is not None:
        cause, action = printable(text(alarm.get("cause"))), printable(text(alarm.get("action")))
        if action:  # what to do stands first: a narrow screen cuts the end
            pieces.append((f"→ {action}  ", Mood.STRONG))
        if cause:
            pieces.append((tr("probably: {cause}").format(cause=cause) + "  ", Mood.NORMAL))
        if width_of(_tripped(sight)):
            pieces += [*_tripped(sight), _blank(2)]
    missing = items(section(sight.state, "interlocks"), "missing")
    if alarm is None and missing and not section(sight.state, "run"):
        pieces.append((tr("a start lacks: {what}").format(what=_missing(missing)), Mood.NORMAL))
    return tuple(pieces)


def _missing(missing: list[Mapping[str, Any]]) -> str:
    return " · ".join(printable(text(each.get("message")) or text(each.get("name"))) for each in missing)

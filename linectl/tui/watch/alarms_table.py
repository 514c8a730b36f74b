"""The alarms unfolded: each that is not at rest on a line, and all that is known of the one under the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linectl.tui.styled import Line, Mood, fill, fit, printable
from linectl.tui.watch.alarm_words import MOODS, listed, priority_of, shape, state_of, state_words, unseen, what
from linectl.tui.watch.feed import items, section, text
from linectl.tui.watch.sight import Sight, clock_text, since_text
from linectl.tui.watch.values import window
from linectl.words import tr

__all__ = ["chosen_alarm", "shown_alarms", "table"]

_STATE, _NARROW_STATE = 20, 17
_WIDE = 100


def shown_alarms(sight: Sight) -> list[Mapping[str, Any]]:
    """Return the alarms that the filter lets through, the most pressing first."""
    wanted = sight.filter.lower()
    return [each for each in listed(sight.state) if wanted in f"{each.get('tag')} {each.get('message')}".lower()]


def chosen_alarm(sight: Sight) -> Mapping[str, Any] | None:
    """Return the alarm under the cursor, else the first."""
    alarms = shown_alarms(sight)
    return next((each for each in alarms if text(each.get("id")) == sight.alarm), alarms[0] if alarms else None)


def table(sight: Sight, width: int, height: int) -> list[Line]:
    """Return the table and, below it, the details of the chosen one: at most `height` lines."""
    alarms = shown_alarms(sight)
    if not alarms:
        return [fill(((f" {tr('no alarm')}", Mood.QUIET),), width)]
    chosen = chosen_alarm(sight)
    details = [] if chosen is None else _details(sight, chosen)
    rows = max(1, height - len(details))
    names = [text(each.get("id")) for each in alarms]
    first, last = window(names, "" if chosen is None else text(chosen.get("id")), rows)
    lines = [
        _row(sight, each, chosen is each, _STATE if width >= _WIDE else _NARROW_STATE) for each in alarms[first:last]
    ]
    hidden = len(alarms) - (last - first)
    if hidden:
        lines.append(((" " + tr("↑↓ {n} more").format(n=hidden), Mood.QUIET),))
    return [fill(line, width) for line in (*lines, *details)][:height]


def _row(sight: Sight, alarm: Mapping[str, Any], chosen: bool, state_width: int) -> Line:
    aside = state_of(alarm) in {"shelved", "suppressed", "out_of_service"}
    mood = Mood.QUIET if aside or sight.dead else MOODS[priority_of(alarm)]
    state = state_words(text(alarm.get("state")))
    state_mood = Mood.UNSEEN if unseen(alarm) else Mood.SHELVED if state_of(alarm) == "shelved" else Mood.NORMAL
    said = what(alarm, section(sight.state, "tags"))
    return (
        ("▶" if chosen else " ", Mood.STRONG),
        (f" {shape(alarm)} ", mood),
        (f" {clock_text(alarm.get('since'), sight.then):<11}", Mood.NORMAL),
        (fit(f" {state}", state_width), Mood.QUIET if sight.dead else state_mood),
        (f" {said}", Mood.QUIET if aside else Mood.NORMAL),
    )


def _details(sight: Sight, alarm: Mapping[str, Any]) -> list[Line]:
    """Return what happened, why it probably did, what to do, who has dealt with it, and what was said."""
    told = [
        (tr("what"), printable(text(alarm.get("message")))),
        (tr("probably"), printable(text(alarm.get("cause")))),
        (tr("to do"), printable(text(alarm.get("action")))),
        (tr("since"), _history(sight, alarm)),
    ]
    told += [(tr("said"), _comment(each, sight)) for each in items(alarm, "comments")[-2:]]
    lines: list[Line] = [(("─" * 200, Mood.TITLE),)]
    return lines + [((f" {name:>12}  ", Mood.QUIET), (words, Mood.NORMAL)) for name, words in told if words]


def _history(sight: Sight, alarm: Mapping[str, Any]) -> str:
    parts = [f"{clock_text(alarm.get('since'), sight.then)} ({since_text(alarm.get('since'), sight.then)})"]
    who = printable(text(alarm.get("acknowledged_by")))
    if who:
        parts.append(tr("acknowledged by {who}").format(who=who))
    if state_of(alarm) == "shelved":
        parts.append(tr("shelved until {time}").format(time=clock_text(alarm.get("shelved_until"), sight.then)))
    return ", ".join(parts)


def _comment(comment: Mapping[str, Any], sight: Sight) -> str:
    said = printable(text(comment.get("text")))
    head = f"{clock_text(comment.get('time') or comment.get('at'), sight.then)} {printable(text(comment.get('who')))}"
    return f"{head} : {said}" if said else ""

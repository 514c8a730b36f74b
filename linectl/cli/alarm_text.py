"""Alarms as text: priority by shape, number and word; what happened, since when, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from linectl.cli.output import table
from linectl.clock import wall_ns
from linectl.units import NS_PER_S
from linectl.words import decimal, ntr, number, tr

__all__ = ["MARKS", "alarm_lines", "clock_time", "counts_line", "figure_lines", "history_table", "state_text"]

MARKS: Mapping[int, str] = {1: "▲1", 2: "◆2", 3: "●3", 4: "·4"}
"""Shape and number of each priority: told apart without colour."""

Row = Mapping[str, Any]


def counts_line(section: Row) -> str:
    """Return how many stand and how many are put aside, never leaving out what is hidden."""
    counts = section["counts"]
    parts = ["  ".join(f"{MARKS[priority]} {counts[str(priority)]}" for priority in (1, 2, 3))]
    named = (
        ("unacknowledged", tr("not acknowledged: {n}")),
        ("shelved", tr("shelved: {n}")),
        ("suppressed", tr("suppressed: {n}")),
        ("out_of_service", tr("out of service: {n}")),
    )
    parts += [text.format(n=counts[name]) for name, text in named if counts[name]]
    return "   ".join(parts)


def alarm_lines(section: Row) -> Iterator[str]:
    """Yield the whole list: counts, a flood, each alarm with its cause and what to do."""
    yield counts_line(section)
    if section["flood"]:
        yield tr("FLOOD: more than 10 in 10 minutes; look at the first one first")
    if section["first_out"]:
        yield tr("first: {name}").format(name=section["first_out"])
    for row in section["list"]:
        yield ""
        yield from _alarm(row)
    if not section["list"]:
        yield tr("no alarm")


def _alarm(row: Row) -> Iterator[str]:
    head = [MARKS[row["priority"]], state_text(row), row["id"]]
    yield "  ".join(head)
    value = _value(row)
    yield "    " + (f"{row['message']}  {value}" if value else row["message"])
    if row["since"]:
        yield "    " + tr("since {time}").format(time=clock_time(row["since"]))
    if row["reason"]:
        yield "    " + tr("put aside by {who}: {reason}").format(who=row["hidden_by"], reason=row["reason"])
    if row["state"] in {"unacknowledged", "acknowledged", "latched_unacknowledged", "latched_acknowledged"}:
        yield "    " + tr("probably: {cause}").format(cause=row["cause"])
        yield "    " + tr("do: {action}").format(action=row["action"])
    for said in row["comments"]:
        yield f"    {clock_time(said['time'])} {said['who']}: {said['text']}"


def _value(row: Row) -> str:
    if row["value"] is None or row["condition"] in {"BIT", "CONTACT", "LINK", "WHEN", "BAD_PV"}:
        return ""
    value = f"{number(round(row['value'], 2))} {row['unit']}".strip()
    return value if row["limit"] is None else tr("{value} (limit {limit})").format(value=value, limit=_number(row))


def _number(row: Row) -> str:
    return number(round(row["limit"], 2))


def state_text(row: Row) -> str:
    """Return the state of an alarm as people read it."""
    words = {
        "normal": tr("normal"),
        "unacknowledged": tr("NOT ACK."),
        "acknowledged": tr("ack. by {who}").format(who=row["acknowledged_by"] or "?"),
        "rtn_unacknowledged": tr("GONE, NOT ACK."),
        "latched_unacknowledged": tr("GONE, NOT ACK., TO BE RESET"),
        "latched_acknowledged": tr("TO BE RESET"),
        "shelved": tr("SHELVED until {time}").format(time=clock_time(row["shelved_until"] or "")),
        "suppressed": tr("suppressed by design"),
        "out_of_service": tr("OUT OF SERVICE"),
    }
    return words.get(row["state"], str(row["state"]))


def clock_time(text: str) -> str:
    """Return a time (ISO 8601) as the clock on the wall shows it, with its day when it is not today."""
    try:
        at = datetime.fromisoformat(text).astimezone()
    except ValueError:
        return text
    today = datetime.fromtimestamp(wall_ns() / NS_PER_S, at.tzinfo).date()
    return at.strftime("%H:%M:%S") if at.date() == today else at.strftime("%Y-%m-%d %H:%M:%S")


def history_table(rows: list[Row], step: Mapping[str, str]) -> str:
    """Return what happened, newest first; `step` names the steps."""
    shown = [
        [
            clock_time(row["time"]),
            MARKS.get(row["priority"], ""),
            row["id"],
            step.get(row["event"], row["event"]),
            row["who"],
            row["why"],
        ]
        for row in rows
    ]
    return table([tr("time"), tr("priority"), tr("alarm"), tr("what"), tr("who"), tr("why")], shown)


def figure_lines(found: Row) -> Iterator[str]:
    """Yield the figures of an alarm system."""
    text = ntr("{n} announcement in {hours} h", "{n} announcements in {hours} h", found["announced"])
    yield text.format(n=found["announced"], hours=decimal(found["hours"]))
    rate = tr("{rate} in 10 min on the average (1 can be managed), {peak} at the worst (10 is a flood)")
    yield rate.format(rate=decimal(found["per_10_min"], 2), peak=found["peak_10_min"])
    for name, count in found["most_frequent"]:
        yield f"  {count:5d}  {name}"
    if found["chattering"]:
        yield tr("chattering, 3 times within a minute: {names}").format(names=", ".join(found["chattering"]))
    for name, seconds in found["standing"]:
        yield tr("standing for {hours} h: {name}").format(hours=decimal(seconds / 3600.0), name=name)

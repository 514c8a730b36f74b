"""`linectl watch` without a screen: one line a change, for a serial console, a pipe, a log. No textual needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from linectl.line.reason_words import reason_text
from linectl.tui.styled import plain, printable
from linectl.tui.watch.alarm_words import listed, shape, state_words, what
from linectl.tui.watch.feed import SILENCE_S, Feed, items, number, section, text
from linectl.tui.watch.figures import figure
from linectl.tui.watch.header import state_words as machine_words
from linectl.tui.watch.line_clock import LineClock
from linectl.tui.watch.questions import asking, prompt_of
from linectl.tui.watch.run_block import block, scheduled
from linectl.tui.watch.sight import Page, Sight, clock_text
from linectl.words import tr

__all__ = ["AsData", "AsLines", "Teller", "follow"]

_LOOK_S = 0.5
_PAGES = {Page.TREND: "values", Page.VALUES: "values", Page.ALARMS: "alarms", Page.RUN: "run", Page.JOURNAL: "journal"}


class Teller(Protocol):
    """Turns what has changed into something to be written."""

    def tell(self, name: str, state: Mapping[str, Any], now: datetime) -> None:
        """Tell what has changed in the section `name`."""

    def lost(self, before: datetime, why: str) -> None:
        """Tell that nothing is heard since `before`."""

    def back(self, now: datetime) -> None:
        """Tell that the server is heard again."""


async def follow(
    feed: Feed, teller: Teller, *, now: Callable[[], datetime], loop_s: Callable[[], float], page: Page = Page.ALL
) -> None:
    """Tell all sections once, then each change, for ever; a dead server is told within two seconds, and its return."""
    wanted, clock = _PAGES.get(page), LineClock(now, loop_s)
    clock.hear(feed.state)
    for name in feed.state:
        if wanted in {None, name}:
            teller.tell(name, feed.state, clock.now())
    changes = feed.changes()
    change = asyncio.ensure_future(anext(changes))
    silent = False
    try:
        while True:
            await asyncio.wait([change], timeout=_LOOK_S)
            silent = _hear(feed, teller, clock.now(), loop_s(), silent=silent)
            if change.done():
                name = change.result()
                change = asyncio.ensure_future(anext(changes))
                if name == "values":
                    clock.hear(feed.state)
                if wanted in {None, name}:
                    teller.tell(name, feed.state, clock.now())
    finally:
        change.cancel()
        with suppress(asyncio.CancelledError):
            await change


def _hear(feed: Feed, teller: Teller, now: datetime, now_s: float, *, silent: bool) -> bool:
    """Tell when the server falls silent and when it is back; return whether it is silent."""
    heard = now_s if feed.heard_s is None else feed.heard_s
    is_silent = bool(feed.lost_why) or now_s - heard > SILENCE_S
    if is_silent and not silent:
        teller.lost(now - timedelta(seconds=now_s - heard), feed.lost_why)
    elif silent and not is_silent:
        teller.back(now)
    return is_silent


class AsData:
    """Gives each change as data: (section, what is new of it), of values and journal only what is new."""

    def __init__(self, write: Callable[[dict[str, Any]], None]) -> None:
        self._write = write
        self._last: dict[str, Mapping[str, Any]] = {}
        self._entries = 0

    def tell(self, name: str, state: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG002  # as a Teller
        """Write the section."""
        data = state.get(name)
        if name == "values":
            readings = section(state, name)
            data = {tag: each for tag, each in readings.items() if self._last.get(tag) != each}
            self._last = dict(readings)
        elif name == "journal":
            entries = items(state, name)
            data, self._entries = entries[self._entries :], len(entries)
        if data or name not in {"values", "journal"}:
            self._write({"section": name, "data": data})

    def lost(self, before: datetime, why: str) -> None:
        """Write that nothing is heard any more."""
        self._write({"section": "connection", "data": {"state": "lost", "since": before.isoformat(), "reason": why}})

    def back(self, now: datetime) -> None:
        """Write that the server is heard again."""
        self._write({"section": "connection", "data": {"state": "ok", "since": now.isoformat(), "reason": ""}})


class AsLines:
    """Writes each change as a line for people: time, and what is new, in the language in use."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown: dict[str, object] = {}

    def tell(self, name: str, state: Mapping[str, Any], now: datetime) -> None:
        """Write a line for each thing that is not as it was."""
        told = {
            "line": _recorded,
            "values": _values,
            "alarms": _alarms,
            "prompts": _prompts,
            "run": _run,
            "scheduled": _scheduled,
            "machine": _machine,
            "links": _links,
            "armed": _armed,
            "interlocks": _interlocks,
            "journal": _journal,
        }.get(name)
        if told is None:
            return
        for key, words in told(state, now):
            if self._shown.get(key) != words:
                self._shown[key] = words
                if words:
                    self._write(f"{now:%H:%M:%S}  {words}")

    def lost(self, before: datetime, why: str) -> None:
        """Write that nothing is heard any more."""
        words = tr("SERVER LOST: nothing heard since {clock}").format(clock=f"{before:%H:%M:%S}")
        self._write(f"{before:%H:%M:%S}  ▲ {words} {printable(why)}".rstrip())

    def back(self, now: datetime) -> None:
        """Write that the server is heard again."""
        self._write(f"{now:%H:%M:%S}  {tr('the server is back')}")


Told = Iterator[tuple[str, str]]


def _values(state: Mapping[str, Any], _now: datetime) -> Told:
    """Give each value that says something to a person: counters without a unit do not."""
    for name, reading in section(state, "values").items():
        info = section(section(state, "tags"), name)
        value, unit = reading.get("value"), text(info.get("unit"))
        if not (unit or info.get("states") or isinstance(value, bool)):
            continue
        bad = text(reading.get("quality")).upper() == "BAD" or value is None
        shown = f"? {reason_text(text(reading.get('reason')))}" if bad else f"{figure(value, info)} {unit}".rstrip()
        yield f"value {name}", f"{printable(name)}  {shown}"


def _alarms(state: Mapping[str, Any], now: datetime) -> Told:
    for alarm in listed(state):
        since = clock_text(alarm.get("since"), now)
        words = f"{shape(alarm)} {state_words(text(alarm.get('state')))}  {what(alarm, section(state, 'tags'))}"
        action = printable(text(alarm.get("action")))
        yield f"alarm {alarm.get('id')} {since}", f"{words}  ({since})" + (f"  → {action}" if action else "")


def _prompts(state: Mapping[str, Any], _now: datetime) -> Told:
    for prompt in items(state, "prompts"):
        question = prompt_of(prompt)
        yield f"prompt {question.id}", f"? {asking(question)}  linectl answer"


def _run(state: Mapping[str, Any], now: datetime) -> Told:
    """Give the run as it goes on: a line a phase, and none a second."""
    run = section(state, "run")
    if not run:
        yield "run", ""
        return
    title, progress, _ = block(Sight(state, now), 200)
    key = (run.get("id"), run.get("bath"), run.get("phase"), run.get("state"))
    words = f"{plain([title]).strip('─ ')}  {plain([progress]).strip()}"
    yield f"run {key}", words if number(run.get("fraction")) is not None else plain([title]).strip("─ ")


def _scheduled(state: Mapping[str, Any], now: datetime) -> Told:
    yield "scheduled", scheduled(Sight(state, now))


def _machine(state: Mapping[str, Any], _now: datetime) -> Told:
    words = machine_words(text(section(state, "machine").get("state")))
    yield "machine", words


def _links(state: Mapping[str, Any], _now: datetime) -> Told:
    for name, link in section(state, "links").items():
        well = link.get("state") == "ok"
        why = text(link.get("reason"))
        said = printable(reason_text(why)) if why else ""
        lost = tr("{link} LOST {why}").format(link=printable(name), why=said).rstrip()
        yield f"link {name}", f"{printable(name)} ok" if well else f"◆ {lost}"


def _recorded(state: Mapping[str, Any], now: datetime) -> Told:
    """Give that nothing is recorded any more; that it is again, the journal tells."""
    lost = section(section(state, "line"), "unrecorded")
    told = tr("NOTHING IS RECORDED since {time}").format(time=clock_text(lost.get("since"), now)) if lost else ""
    yield "record", f"◆ {told}: {printable(text(lost.get('why')))}" if told else ""


def _armed(state: Mapping[str, Any], now: datetime) -> Told:
    armed = section(state, "armed")
    until = clock_text(armed.get("until"), now)
    words = tr("writes are armed by {who} until {time}").format(who=printable(text(armed.get("who"))), time=until)
    yield "armed", words if armed else ""


def _interlocks(state: Mapping[str, Any], _now: datetime) -> Told:
    for each in items(section(state, "interlocks"), "tripped"):
        name, message = printable(text(each.get("name"))), printable(text(each.get("message")))
        yield (
            f"interlock {name} {each.get('since')}",
            tr("INTERLOCK {name}: {message}").format(name=name, message=message),
        )


def _journal(state: Mapping[str, Any], now: datetime) -> Told:
    for entry in items(state, "journal"):
        words = f"{clock_text(entry.get('time'), now)} {printable(text(entry.get('text')))}"
        who = printable(text(entry.get("who")))
        yield f"journal {entry.get('time')} {words}", f"· {words}" + (f"  {who}" if who else "")

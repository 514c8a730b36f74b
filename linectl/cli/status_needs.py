"""What of a line's state asks for somebody.

Alarms, trips, a record that has stopped, a run that was interrupted, a GO that the line has disproved, links,
questions, a run that did not start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from linectl.cli.status_text import interrupted_lines, suspended_lines, unrecorded_lines
from linectl.words import tr

__all__ = ["needs"]

State = Mapping[str, Any]

_QUIET = frozenset({"normal", "shelved", "suppressed", "out_of_service"})


def needs(state: State) -> list[str]:
    """Return what asks for somebody, as people read it; nothing: all is well.

    Alarms count while they stand or are not acknowledged, but not those that were shelved, suppressed or taken out of
    service; a permissive that is missing counts not: a line at rest has some.
    """
    return [
        *unrecorded_lines((state.get("line") or {}).get("unrecorded")),
        *interrupted_lines((state.get("line") or {}).get("interrupted")),
        *_alarms(state.get("alarms")),
        *_trips(state.get("interlocks") or {}),
        *suspended_lines(state.get("glues") or ()),
        *_rest(state),
    ]


def _alarms(alarms: State | None) -> Iterator[str]:
    for each in (alarms or {}).get("list", ()):
        if each["state"] not in _QUIET:
            yield tr("alarm {name}: {message}").format(name=each["id"], message=each["message"])


def _trips(interlocks: State) -> Iterator[str]:
    for each in interlocks.get("tripped", ()):
        if each["action"] != "ignore":
            yield tr("interlock {name}: {message}").format(name=each["name"], message=each["message"])


def _rest(state: State) -> Iterator[str]:
    for name, link in (state.get("links") or {}).items():
        if link["state"] != "ok":
            yield tr("link {name} is lost").format(name=name)
    for each in state.get("prompts") or ():
        yield tr("question {id}: {text}").format(id=each["id"], text=each["text"])
    due = state.get("scheduled")
    if due is not None and due["state"] in {"refused", "lost"}:
        yield tr("{experiment} was not started: {why}").format(experiment=due["experiment"], why=due["why"])

"""An event as one line of a journal: what happened, to what, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from linectl.lab.report.terms import ending, event_name, phase_text, run_state, task_name
from linectl.lab.report.told import text_of, told
from linectl.model.records import Event
from linectl.words import tr

__all__ = ["in_words"]


def in_words(event: Event) -> str:
    """Return what an event says beside its time and whoever made it."""
    tell = _LINES.get(event.kind, told)
    return " : ".join(filter(None, [event_name(event.kind), tell(event)]))


def _phase(event: Event) -> str:
    return _of_bath(event, phase_text(text_of(event.data.get("phase"))))


def _state(event: Event) -> str:
    """Return which state the run, or one of its phases, has come to."""
    of, why = text_of(event.data.get("of")), text_of(event.data.get("why"))
    now = run_state(text_of(event.data.get("to")))
    turn = now if of in {"", "run"} else _of_bath(event, f"{phase_text(of)}, {now}")
    return " – ".join(filter(None, [turn, why]))


def _answer(event: Event) -> str:
    data = event.data
    task, name = text_of(data.get("task")), text_of(data.get("id"))
    asked = f"{task_name(task)} ({name})" if task and name else task_name(task) or name
    return f"{asked} : {text_of(data.get('value'))}" if asked else text_of(data.get("value"))


def _command(event: Event) -> str:
    data = event.data
    outcome = text_of(data.get("outcome"))
    names = {"confirmed": tr("done"), "refused": tr("refused"), "unknown": tr("not known whether it was done")}
    code = phase_text(text_of(data.get("code")))
    return " : ".join(filter(None, [code, names.get(outcome, outcome), text_of(data.get("detail"))]))


def _started(event: Event) -> str:
    data = event.data
    return ", ".join(filter(None, [event.run, text_of(data.get("experiment") or data.get("ref"))]))


def _ended(event: Event) -> str:
    how = ending(text_of(event.data.get("status")) or None)
    return ", ".join(filter(None, [event.run, how, text_of(event.data.get("reason"))]))


def _of_bath(event: Event, words: str) -> str:
    trial = text_of(event.data.get("trial"))
    return tr("bath {bath}, {what}").format(bath=trial, what=words) if trial else words


_LINES: Mapping[str, Callable[[Event], str]] = {
    "phase": _phase,
    "state": _state,
    "prompt": _answer,
    "command": _command,
    "run_started": _started,
    "run_ended": _ended,
}

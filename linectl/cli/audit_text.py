"""An entry of the audit trail in words: who, what, the values and their names. The trail itself keeps machine words."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from linectl.words import tr, with_comma

if TYPE_CHECKING:
    from linectl.store.audit import AuditEntry

__all__ = ["cells", "known_actions", "lines_of", "parsed"]

_PLANNED = re.compile(r"(?P<who>.*), run (?P<run>\S+)")
_SIMULATED = "simulated operator"  # as the trail names the simulated line's hands
_EXPIRED = "expired"  # the machine word for an arming that ended by itself
_STATES = frozenset({"pause", "hold", "resume", "cancel", "abort"})  # acts whose values are states of a run


def cells(entry: AuditEntry) -> list[str]:
    """Return who, what, on what, old, new and why of `entry`, each in one line that moves no terminal's cursor."""
    old, new = (_value(parsed(text), entry.action) for text in (entry.old, entry.new))
    why = tr("its time is over") if entry.reason == _EXPIRED else entry.reason
    return [_line(each) for each in (_who(entry.actor), _action(entry.action), entry.target, old, new, why)]


def lines_of(entry: AuditEntry, columns: int) -> list[str]:
    """Return `entry` on a terminal `columns` wide: when, who, what; below it old, new, why."""
    from linectl.store.audit import time_text

    who, what, target, old, new, why = cells(entry)
    head = f"{entry.id:>4}  {_here(time_text(entry.ts_ns))}  {who}: "
    parts = [f"{what}: {target}"]
    if (old, new) != ("-", "-"):
        parts.append(new if old == "-" else f"{old} → {new}")
    if why != "-":
        parts.append(tr("why: {why}").format(why=why))
    first, *rest = parts
    indent = " " * 6
    lines = textwrap.wrap(head + first, columns, subsequent_indent=indent, break_on_hyphens=False)
    for part in rest:
        lines += textwrap.wrap(part, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return lines


def _here(stamp: str) -> str:
    """Return a time as the clock here shows it; one that no calendar holds as it stands."""
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return stamp


def parsed(text: str | None) -> Any:
    """Return the value of a JSON text; one that is none (somebody has changed it) as the text itself."""
    if text is None:
        return None
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _who(actor: str) -> str:
    """Return who acted; what the plan of a run did is told as the run's, in the name of whoever started it."""
    planned = _PLANNED.fullmatch(actor)
    if planned is None:
        return tr("simulated operator") if actor == _SIMULATED else actor
    return tr("{who}, run {run}").format(who=_who(planned["who"]), run=planned["run"])


def _action(word: str) -> str:
    alarm = word.removeprefix("alarm_")
    if alarm != word:
        return _alarm(alarm)
    return known_actions().get(word, _plain(word))


def known_actions() -> dict[str, str]:
    """Return the words of each action, but those of alarms, which are told by their step."""
    return {**_of_runs(), **_of_the_line(), **_of_records()}


def _alarm(step: str) -> str:
    from linectl.lab.report.terms import alarm_step

    return tr("alarm {step}").format(step=alarm_step(step))


def _of_runs() -> dict[str, str]:
    return {
        "start": tr("started the run"),
        "pause": tr("paused the run"),
        "hold": tr("held the run"),
        "resume": tr("resumed the run"),
        "cancel": tr("ended the run at its next safe point"),
        "abort": tr("ended the run at once"),
        "answer": tr("answered a question"),
        "take_back_look": tr("took a look back"),
        "end_early": tr("ended a phase early"),
        "skip_bottle": tr("took a bottle out of the observation"),
        "note": tr("noted"),
        "deviation": tr("noted a deviation"),
        "arm_heat": tr("allowed heating again"),
        "refuse_heat": tr("did not allow heating"),
        "take_up": tr("took the run up again"),
        "close": tr("closed the run"),
        "abandon": tr("gave the run up"),
        "make_safe": tr("made the line safe"),
    }


def _of_the_line() -> dict[str, str]:
    return {
        "write": tr("wrote"),
        "command": tr("gave a command"),
        "armed": tr("armed writing"),
        "disarmed": tr("disarmed writing"),
        "ramp": tr("began a ramp"),
        "interlock_trip": tr("tripped an interlock"),
        "interlock_reset": tr("reset an interlock"),
        "reset_heating": tr("reset a fault of the heating"),
        "select_recipe": tr("set a recipe"),
        "calibrate": tr("calibrated"),
        "activate": tr("activated a calibration"),
        "activate_failed": tr("could not activate a calibration"),
        "quarantine": tr("set bottles aside"),
        "lot_started": tr("began a lot"),
        "lot_ended": tr("ended a lot"),
        "lot_quarantined": tr("set bottles aside"),
        "lot_released": tr("released bottles"),
        "lot_delivered": tr("delivered a lot"),
        "schedule_run": tr("handed in a run for later"),
        "unschedule_run": tr("took back a run for later"),
    }


def _of_records() -> dict[str, str]:
    return {
        "import": tr("imported a run"),
        "import_lots": tr("imported lots"),
        "tag_run": tr("changed the words of the run"),
        "register": tr("registered a confirmation"),
        "change_rule": tr("changed the rule of a confirmation"),
        "record_set": tr("recorded a set of bottles"),
        "lift_suspension": tr("lifted a suspension"),
        "promote_recipe": tr("made a recipe"),
        "record_gap": tr("could not record"),
    }


def _names() -> dict[str, str]:
    """Return what the parts of a value are called."""
    return {
        "asked": tr("asked"),
        "bottle": tr("bottle"),
        "bottles": tr("bottles"),
        "baths": tr("baths"),
        "detail": tr("detail"),
        "events": tr("entries"),
        "experiment": tr("experiment"),
        "face": tr("at the face"),
        "got": tr("read back"),
        "heater": tr("heater"),
        "minutes": tr("minutes"),
        "outcome": tr("outcome"),
        "per_min": tr("a minute"),
        "phase": tr("phase"),
        "position": tr("position"),
        "positions": tr("positions"),
        "question": tr("question"),
        "refused_by": tr("refused by"),
        "scans": tr("scans"),
        "since": tr("since"),
        "state": tr("state"),
        "text": tr("text"),
        "trial": tr("bath"),
        "unit": tr("unit"),
        "until": tr("until"),
        "value": tr("value"),
        "why": tr("why"),
    }


def _words() -> dict[str, str]:
    """Return what machine words that stand as values are called."""
    return {
        "confirmed": tr("confirmed"),
        "clamped": tr("limited by the device"),
        "refused": tr("refused"),
        "unknown": tr("unknown"),
        "off": tr("is off"),
        "terminal": tr("terminal"),
        "answers file": tr("answers file"),
        "tripped": tr("tripped"),
        "clear": tr("clear"),
    }


_NAMED = frozenset({"outcome", "heater", "face"})  # parts whose values are machine words


def _value(value: Any, action: str) -> str:
    if isinstance(value, Mapping):
        names = _names()
        named = ((key.removesuffix("_ns"), _part(key, each)) for key, each in value.items())
        return ", ".join(f"{names.get(name, _plain(name))} {text}" for name, text in named)
    if not isinstance(value, str):
        return _shown(value)
    if action in _STATES:
        from linectl.lab.report.terms import run_state

        return run_state(value)
    return _words().get(value) or _state(value)


def _part(key: str, value: Any) -> str:
    """Return the part `key` of a value; a machine word in the words of people."""
    if key in _NAMED and isinstance(value, str):
        return _words().get(value, value)
    if key.endswith("_ns") and isinstance(value, int):
        from linectl.store.audit import time_text

        return _here(time_text(value))
    if key == "state" and isinstance(value, str):
        return _state(value)
    if key == "refused_by" and isinstance(value, str):
        from linectl.cli.write_told import refused_by

        return refused_by(value)
    return _shown(value)


def _state(word: str) -> str:
    """Return the state of a machine, of an alarm or of a lot."""
    from linectl.cli.lot_text import lot_state
    from linectl.line.packml import State, state_name
    from linectl.model.alarms import AlarmState
    from linectl.server.alarming.refusals import state_word

    if word.upper() in State.__members__:
        return state_name(State[word.upper()])
    return state_word(AlarmState(word)) if word in set(AlarmState) else lot_state(word)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return with_comma(f"{value:.9g}")
    if isinstance(value, list) and all(isinstance(each, int | str) for each in value):
        return " ".join(map(str, value)) or "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _line(text: str) -> str:
    """Return `text` in one line, without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text) or "-"

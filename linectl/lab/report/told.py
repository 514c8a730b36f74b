"""What an event of a run or a line says, in words of one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from linectl.lab.report.html import seconds, stamp
from linectl.lab.report.terms import alarm_step, ending, flag_name, phase_text, policy_name, reason_name, run_state
from linectl.line.packml import State, state_name
from linectl.model.records import Event
from linectl.words import language, number, tr

__all__ = ["seconds_of", "text_of", "told"]


def told(event: Event) -> str:
    """Return what an event says beyond its name, in words."""
    tell = _SENTENCES.get(event.kind)
    return _plain(event) if tell is None else tell(event)


def _turn(event: Event) -> str:
    return " – ".join(filter(None, [run_state(text_of(event.data.get("to"))), text_of(event.data.get("why"))]))


def _started(event: Event) -> str:
    return stamp(event.ts_ns)


def _ended(event: Event) -> str:
    return " – ".join([ending(text_of(event.data.get("status")) or None), stamp(event.ts_ns)])


def _refilled(event: Event) -> str:
    return reason_name(text_of(event.data.get("reason")))


def _flagged(event: Event) -> str:
    flags = event.data.get("flags")
    return ", ".join(flag_name(str(flag)) for flag in flags) if isinstance(flags, list) else ""


def _crashed(event: Event) -> str:
    text = tr("{phase}, without control for {gap}, last {temperature} °C")
    temperature = text_of(event.data.get("temperature_c")) or "–"
    return text.format(phase=_phase(event), gap=seconds_of(event.data.get("gap_s")), temperature=temperature)


def _resumed(event: Event) -> str:
    return tr("{phase}: {policy}").format(phase=_phase(event), policy=policy_name(text_of(event.data.get("policy"))))


def _held(event: Event) -> str:
    return tr("{phase}, for {time}").format(phase=_phase(event), time=seconds_of(event.data.get("held_s")))


def _ended_early(event: Event) -> str:
    return ", ".join(filter(None, [_phase(event), text_of(event.data.get("reason"))]))


def _bottle(event: Event) -> str:
    text = tr("{bottle}, position {position}")
    place = text.format(bottle=text_of(event.data.get("bottle")), position=text_of(event.data.get("position")))
    return ": ".join(filter(None, [place, text_of(event.data.get("reason"))]))


def _corrected(event: Event) -> str:
    seen = tr("attached") if event.data.get("attached") else tr("off")
    return tr("{bottle}: taken back: {seen}").format(bottle=text_of(event.data.get("bottle")), seen=seen)


def _unblinded(event: Event) -> str:
    codes = event.data.get("codes")
    return ", ".join(f"{code} = {glue}" for code, glue in sorted(codes.items())) if isinstance(codes, Mapping) else ""


def _machine(event: Event) -> str:
    word = text_of(event.data.get("now")).upper()
    return state_name(State[word]) if word in State.__members__ else ""


def _command(event: Event) -> str:
    outcome = text_of(event.data.get("outcome"))
    names = {"confirmed": tr("done"), "refused": tr("refused"), "unknown": tr("not known whether it was done")}
    command, detail = text_of(event.data.get("command")), text_of(event.data.get("detail"))
    told = tr("{what}: {text}").format(what=command, text=names.get(outcome, outcome)) if outcome else command
    return tr("{what}: {text}").format(what=told, text=detail) if detail else told


def _armed(event: Event) -> str:
    face, why = text_of(event.data.get("face")), text_of(event.data.get("why"))
    return ", ".join(filter(None, [face, tr("its time is over") if why == "expired" else why]))


def _written(event: Event) -> str:
    data = event.data
    asked = f"{text_of(data.get('tag'))} = {text_of(data.get('asked'))}"
    why = " ".join(filter(None, [text_of(data.get("detail")), text_of(data.get("why"))]))
    outcomes = {
        "confirmed": "",
        "clamped": tr("the device kept {got}").format(got=text_of(data.get("got"))),
        "refused": tr("refused"),
        "unknown": tr("nobody knows whether it was written"),
    }
    outcome = outcomes.get(text_of(data.get("outcome")), "")
    told = f"{asked}, {outcome}" if outcome else asked
    return tr("{what}: {text}").format(what=told, text=why) if why else told


def _ramp(event: Event) -> str:
    text = tr("{tag} to {value} {unit}, {rate} a minute")
    figures = {name: text_of(event.data.get(name)) for name in ("tag", "value", "unit")}
    return text.format(rate=text_of(event.data.get("per_min")), **figures)


def _way_ended(event: Event) -> str:
    """Return how a ramp, or a value for a time, ended."""
    value = event.data.get("at", event.data.get("value"))
    what = f"{text_of(event.data.get('tag'))}, {text_of(value)}"
    return tr("{what}: {text}").format(what=what, text=_end(text_of(event.data.get("why"))))


def _end(word: str) -> str:
    ends = {
        "done": tr("as it was asked"),
        "written": tr("written meanwhile"),
        "changed": tr("somebody changed it meanwhile"),
        "unreadable": tr("it cannot be read"),
        "interlock": tr("an interlock or permissive"),
        "hold": tr("the line was held"),
        "stop": tr("the line was stopped"),
        "abort": tr("the line was aborted"),
        "safe": tr("the line was made safe"),
        "closed": tr("the line was given back"),
        "plc_alarm": tr("alarm of the controller"),
        "plc_reboot": tr("the controller restarted"),
        "heating_fault": tr("heating at fault"),
        "clamped": tr("the device kept another value"),
        "unknown": tr("nobody knows whether it was written"),
        "lease": tr("the PLC's owner"),
        "link": tr("connection lost"),
    }
    return ends.get(word, word.replace("_", " "))


def _to_come(event: Event) -> str:
    """Return what is to start when, and what became of it."""
    how = text_of(event.data.get("how"))
    words = {
        "put": tr("handed in"),
        "started": tr("its time has come"),
        "taken_back": tr("taken back"),
        "aborted": tr("given up: the line was aborted"),
        "closed": tr("its server has ended"),
        "lost": tr("lost with the server that held it: hand it in again"),
        "refused": tr("NOT started"),
    }
    at = text_of(event.data.get("at"))
    time = f"{datetime.fromisoformat(at).astimezone():%d/%m/%Y %H:%M}" if at else ""
    place = ", ".join(filter(None, [text_of(event.data.get("experiment")), time]))
    return ": ".join(filter(None, [place, words.get(how, how), text_of(event.data.get("why"))]))


def _plain(event: Event) -> str:
    """Return the texts and figures of an event that has no sentence of its own."""
    data = event.data
    if data.get("text"):
        return str(data["text"])
    return ", ".join(word for key in _PLAIN_KEYS if (word := text_of(data.get(key))))


_PLAIN_KEYS = (
    *("name", "question", "value", "unit", "tag", "detail", "reason", "why", "error", "link", "lost", "step_s"),
    *("asked_pct", "found_pct", "wanted_c", "recipe", "left", "lot", "grower", "glue"),
)


def _gap(event: Event) -> str:
    """Return what a record lacks: how much, and from when to when."""
    text = tr("{scans} scans and {entries} entries are missing, from {since} to {until}")
    since, until = (f"{text_of(event.data.get(name))[:19].replace('T', ' ')}Z" for name in ("since", "until"))
    count = {name: text_of(event.data.get(name)) for name in ("scans", "entries")}
    return text.format(since=since, until=until, **count)


def _slept(event: Event) -> str:
    return seconds_of(event.data.get("slept_s"))


def _alarm(event: Event) -> str:
    """Return what happened to an alarm: its message in the language in use, what came or was done, and why."""
    messages = event.data.get("message")
    text = str(event.data.get("alarm"))
    if isinstance(messages, Mapping):
        text = str(messages.get(language()) or text)
    text = text.removesuffix(".")
    return ", ".join(filter(None, [text, alarm_step(str(event.data.get("event"))), text_of(event.data.get("why"))]))


_SENTENCES: Mapping[str, Callable[[Event], str]] = {
    "state": _turn,
    "run_started": _started,
    "run_ended": _ended,
    "refill": _refilled,
    "bath_flagged": _flagged,
    "crash": _crashed,
    "resumed": _resumed,
    "held": _held,
    "ended_early": _ended_early,
    "bottle_skipped": _bottle,
    "bottle_left_out": _bottle,
    "correction": _corrected,
    "alarm": _alarm,
    "unblinded": _unblinded,
    "machine_state": _machine,
    "machine_command": _command,
    "write": _written,
    "armed": _armed,
    "disarmed": _armed,
    "record_gap": _gap,
    "slept": _slept,
    "ramp": _ramp,
    "ramp_ended": _way_ended,
    "put_back": _way_ended,
    "not_put_back": _way_ended,
    "run_to_come": _to_come,
}


def _phase(event: Event) -> str:
    return phase_text(text_of(event.data.get("phase"))) or "–"


def text_of(value: object) -> str:
    """Return a value of an event as people read it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, float):
        return number(round(value, 2))
    if isinstance(value, list):
        return ", ".join(text_of(each) for each in value)
    return str(value)


def seconds_of(value: object) -> str:
    """Return a duration (s) of an event as people read it; a dash when it is none."""
    return seconds(float(value)) if isinstance(value, int | float) else "–"

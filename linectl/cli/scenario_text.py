"""What happened in a scenario, in words: one line for each happening, and a summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from linectl.cli.sim_options import clock_text
from linectl.model.fault_checks import figures_text
from linectl.model.faults import Scenario
from linectl.server.scenario.play import Happened
from linectl.server.scenario.witness import Happening
from linectl.tui.twin_words import alarm_words, words
from linectl.words import decimal, ntr, number, tr

__all__ = ["happening_text", "heading_text", "summary_text"]

_TAGS_NAMED = 4
_Data = Mapping[str, Any]


def heading_text(scenario: Scenario, seed: int, *, wires: bool) -> str:
    """Return what is about to be played, and with which seed."""
    text = tr("{name}: {duration} on {line}, seed {seed}, {where}").format(
        name=scenario.name,
        duration=clock_text(scenario.duration_s),
        line=scenario.line,
        seed=seed,
        where=tr("on wires") if wires else tr("in memory"),
    )
    return f"{text}\n{scenario.description}" if scenario.description else text


def happening_text(happening: Happening) -> str:
    """Return the line that tells of one happening; tenths of a second tell a cause from its effect."""
    mark, what = _TEXTS[happening.what]
    tenths = decimal(int(happening.t_s * 10) / 10 % 1, 1)[1:]
    return f"{clock_text(happening.t_s):>8}{tenths}  {mark} {what(happening.data)}"


def summary_text(told: Happened, again: str) -> str:
    """Return the sums, the state at the end, and the command that tells the same story again."""
    count = told.count
    parts = [
        ntr("{n} fault", "{n} faults", count("fault_began")).format(n=count("fault_began")),
        ntr("{n} alarm", "{n} alarms", count("alarm_on")).format(n=count("alarm_on")),
        ntr("{n} link lost", "{n} links lost", count("link_lost")).format(n=count("link_lost")),
        ntr("{n} change of quality", "{n} changes of quality", count("quality")).format(n=count("quality")),
    ]
    if told.unshown:
        parts.append(tr("{n} more that came and went").format(n=told.unshown))
    counts = ", ".join(f"{words(name)} {number(round(value, 1))}" for name, value in told.end.counts.items())
    state = tr("at the end: {state}; {counts}").format(state=told.end.plc_state, counts=counts)
    return "\n".join(["", ", ".join(parts), state, tr("again: {command}").format(command=again)])


def _fault_begins(data: _Data) -> str:
    figures = figures_text(data["kind"], data["values"])
    return tr("fault {fault} begins").format(fault=f"{_fault(data)} {figures}".rstrip())


def _fault_ends(data: _Data) -> str:
    return tr("fault {fault} is over").format(fault=_fault(data))


def _fault(data: _Data) -> str:
    return f"{data['number']} {data['kind']} {data['target']}".rstrip()


def _quality(data: _Data) -> str:
    tags = list(data["tags"])
    named = ", ".join(tags[:_TAGS_NAMED])
    if len(tags) > _TAGS_NAMED:
        more = len(tags) - _TAGS_NAMED
        named = tr("{link}: {tags} and {n} more").format(link=data["link"] or tr("derived"), tags=named, n=more)
    return tr("{what}: {text}").format(what=named, text=data["quality"])


def _lie(data: _Data) -> str:
    said = tr("nothing") if data["told"] is None else f"{number(round(data['told'], 2))} {data['unit']}"
    true = f"{number(round(data['true'], 2))} {data['unit']}"
    return tr("{what}: {told} is told, {true} is true").format(what=_place(data), told=said, true=true)


def _no_lie(data: _Data) -> str:
    return tr("{what}: what is told is true again").format(what=_place(data))


def _place(data: _Data) -> str:
    return f"{data['zone']} {words(data['quantity'])}"


def _written(data: _Data) -> str:
    told = [f"{tag} = {_value(value)}" for tag, value in data["written"].items()]
    shown = ", ".join(told[:_TAGS_NAMED])
    if len(told) > _TAGS_NAMED:
        shown = tr("{tags} and {n} more").format(tags=shown, n=len(told) - _TAGS_NAMED)
    return tr("written: {what}").format(what=shown)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return tr("switched on") if value else tr("switched off")
    return number(float(str(value)))


_TEXTS: Mapping[str, tuple[str, Callable[[_Data], str]]] = {
    "fault_began": ("●", _fault_begins),
    "fault_ended": ("○", _fault_ends),
    "quality": (" ", _quality),
    "state": ("■", lambda data: tr("PLC: {before} → {now}").format(**data)),
    "link_lost": ("✕", lambda data: tr("link {link} lost: {reason}").format(link=data["link"], reason=data["reason"])),
    "link_back": ("✓", lambda data: tr("link {link} is back").format(link=data["link"])),
    "plc_reboot": ("■", lambda data: tr("PLC: it was restarted (start {now})").format(now=data["now"])),
    "lie_on": ("≠", _lie),
    "lie_off": ("=", _no_lie),
    "operator": ("→", _written),
    "alarm_on": ("▲", lambda data: tr("alarm: {name}").format(name=alarm_words(data["alarm"]))),
    "alarm_off": ("△", lambda data: tr("alarm gone: {name}").format(name=alarm_words(data["alarm"]))),
    "warning_on": ("◆", lambda data: tr("warning: {name}").format(name=alarm_words(data["alarm"]))),
    "warning_off": ("◇", lambda data: tr("warning gone: {name}").format(name=alarm_words(data["alarm"]))),
    "end": (" ", lambda _data: tr("the timeline is over; all is mended")),
}

"""The state of a served line as text: what a technician looks at first stands first."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from string import digits
from typing import Any

from linectl.cli.alarm_text import MARKS, counts_line
from linectl.cli.output import table
from linectl.lab.progress import phase_text
from linectl.lab.report.terms import run_state
from linectl.line.reason_words import reason_text
from linectl.tui.styled import printable
from linectl.words import decimal, tr, with_comma
from linectl.words.durations import duration_text

__all__ = [
    "interlock_lines",
    "interrupted_lines",
    "machine_lines",
    "quality",
    "scheduled_lines",
    "screen",
    "shown_value",
]

State = Mapping[str, Any]


def screen(state: State) -> str:
    """Return one screen: line and holder, run, questions, interlocks, links that are lost, values."""
    parts = [
        _head(state),
        *unrecorded_lines(state["line"].get("unrecorded")),
        *machine_lines(state.get("machine")),
        *_armed(state.get("armed")),
        *_run(state.get("run"), state["line"].get("interrupted")),
        *scheduled_lines(state.get("scheduled")),
        *_prompts(state.get("prompts") or ()),
        *_alarms(state.get("alarms")),
        *interlock_lines(state.get("interlocks") or {}),
        *suspended_lines(state.get("glues") or ()),
        *_links(state.get("links") or {}),
        "",
    ]
    return "\n".join([*_shown(parts), _values(state)])


def _shown(lines: Iterable[str]) -> list[str]:
    """Return lines without what a terminal would obey: names, questions and reasons are people's."""
    return [printable(line) for line in lines]


def _head(state: State) -> str:
    line, holder = state["line"], state["holder"]
    text = tr("{line}{simulated}: served by {who} (process {pid}) since {since}")
    return text.format(
        line=line["name"],
        simulated=tr(" (simulated)") if line["simulated"] else "",
        who=holder["who"],
        pid=holder["pid"],
        since=_when(holder["since"])[:16],
    )


def unrecorded_lines(lost: State | None) -> list[str]:
    """Return that nothing is recorded, since when, why and what to do; nothing where all is."""
    if not lost:
        return []
    text = tr("NOTHING IS RECORDED since {since}: {why}; {hint}")
    return [text.format(since=_when(lost["since"]), why=lost["why"], hint=lost["hint"])]


def _when(stamp: object) -> str:
    """Return a time of the server's (UTC) as it is here."""
    return f"{datetime.fromisoformat(str(stamp)).astimezone():%Y-%m-%d %H:%M:%S}"


def machine_lines(machine: State | None) -> list[str]:
    """Return what the machine does, what it is set to, and the lot in it; nothing where the line has none."""
    if machine is None:
        return []
    from linectl.cli.lot_text import glue_name
    from linectl.line.packml import Mode, mode_name, state_name, state_of

    recipe = machine["recipe"] or tr("none")
    if machine["recipe_left"]:
        recipe = tr("{recipe}, changed since: {tags}").format(recipe=recipe, tags=", ".join(machine["recipe_left"]))
    now = state_name(state_of(machine["state_number"]))
    lines = [tr("machine: {state}; recipe: {recipe}").format(state=now, recipe=recipe)]
    if machine.get("mode", "") not in {"", "produce"}:
        lines.append(tr("  mode: {mode}  (linectl mode produce)").format(mode=mode_name(Mode[machine["mode"].upper()])))
    counters, lot = machine["counters"], machine["lot"]
    if counters["inside"] is not None:
        text = tr("  this shift: {went_in} bottles in, {out} out, {rejected} rejected; {inside} inside")
        fields = {"went_in": counters["bottles_in"], "out": counters["bottles_out"], "inside": counters["inside"]}
        lines.append(text.format(**fields, rejected=counters["bottles_rejected"]))
    if lot is not None:
        text = tr("  lot {name}: {bottle} of {grower}, glue {glue}, {count} out")
        fields = {"name": lot["name"], "bottle": lot["bottle"], "grower": lot["grower"], "count": lot["bottles_seen"]}
        lines.append(text.format(**fields, glue=glue_name(lot["glue"])))
        if lot["quarantined"]:
            text = tr("  {count} bottles of it are SET ASIDE  (linectl lot show {name})")
            lines.append(text.format(count=lot["doubtful"], name=lot["name"]))
    return lines


def _armed(armed: State | None) -> list[str]:
    if armed is None:
        return []
    text = tr("armed to write: {who} ({face}) until {time}")
    time = datetime.fromisoformat(armed["until"]).astimezone().strftime("%H:%M:%S")
    return [text.format(who=armed["who"], face=armed["face"], time=time)]


def interrupted_lines(lost: State | None) -> list[str]:
    """Return that a run was interrupted, and what may become of it; nothing where none was."""
    if not lost:
        return []
    text = tr("RUN INTERRUPTED {run}: {experiment}, by {who}  (linectl resume; to close it: linectl resume --abandon)")
    return [text.format(run=lost["run"], experiment=lost["experiment"], who=lost["who"])]


def _run(run: State | None, interrupted: State | None) -> list[str]:
    if run is None:
        return interrupted_lines(interrupted) or [tr("run: none")]
    text = tr("run {id}: {experiment}, {state}, by {who}")
    lines = [
        text.format(id=run["id"], experiment=run["experiment"], state=run_state(run["state"]), who=run["operator"])
    ]
    if "phase" in run:
        text = tr("  bath {bath}/{baths} ({treatment}) {phase}, {percent} %, {left} left ({low} to {high})")
        lines.append(
            text.format(
                bath=run["bath"],
                baths=run["baths"],
                treatment=with_comma(run["treatment"]),
                phase=phase_text(run["phase"]),
                percent=round(100 * run["fraction"]),
                left=duration_text(run["eta_s"]),
                low=duration_text(run["eta_low_s"]),
                high=duration_text(run["eta_high_s"]),
            )
        )
    return lines


def scheduled_lines(due: State | None) -> list[str]:
    """Return the run to come, or what was told of one that did not start."""
    if due is None:
        return []
    time = f"{datetime.fromisoformat(due['at']).astimezone():%d/%m/%Y %H:%M}"
    if due["state"] in {"waiting", "starting"}:
        text = tr("run to come: {experiment} starts at {time}, by {who}  (linectl cancel --scheduled)")
    elif due["state"] == "lost":
        text = tr("RUN LOST {experiment} was to start at {time}: {why}")
    else:
        text = tr("RUN NOT STARTED {experiment}, {time}: {why}")
    return _shown([text.format(experiment=due["experiment"], time=time, who=due["who"], why=due["why"])])


def _prompts(prompts: Any) -> list[str]:
    text = tr("QUESTION {id}: {text}  (linectl answer {id} VALUE)")
    return [text.format(id=each["id"], text=each["text"]) for each in prompts]


def _alarms(alarms: State | None) -> list[str]:
    """Return what stands: counts, and each alarm that nobody has acknowledged."""
    if not alarms or not alarms["list"]:
        return []
    text = tr("ALARM {mark} {name}: {message}  (linectl alarms)")
    unseen = [each for each in alarms["list"] if each["state"].endswith("unacknowledged")]
    told = [text.format(mark=MARKS[each["priority"]], name=each["id"], message=each["message"]) for each in unseen]
    return [tr("alarms: {counts}").format(counts=counts_line(alarms)), *told]


def interlock_lines(interlocks: State) -> list[str]:
    """Return a line for each trip and for each permissive that is missing."""
    lines = []
    for each in interlocks.get("tripped", ()):
        if each["action"] == "ignore":
            lines.append(tr("shown only: {message}").format(message=each["message"]))
            continue
        first = tr(" (first)") if each["first_out"] else ""
        text = tr("INTERLOCK {name}{first}: {message}  (linectl interlocks reset {name})")
        lines.append(text.format(name=each["name"], first=first, message=each["message"]))
    for each in interlocks.get("missing", ()):
        text = tr("not allowed now: {allows}: {message}")
        lines.append(text.format(allows=", ".join(each["allows"]), message=each["message"]))
    return _shown(lines)


def suspended_lines(glues: Any) -> list[str]:
    """Return a line for each GO that the line has disproved."""
    text = tr("SUSPENDED {glue}: {rejects} of {bottles} bottles came back with label, more than its GO allows")
    lost = [(each["glue"], each["suspended"]) for each in glues if each["suspended"] is not None]
    return [text.format(glue=glue, rejects=found["rejects"], bottles=found["bottles"]) for glue, found in lost]


def _links(links: State) -> list[str]:
    text = tr("LINK LOST {name} ({address}): {reason}")
    lost = {name: each for name, each in links.items() if each["state"] != "ok"}
    return [
        text.format(name=name, address=each["address"], reason=reason_text(each["reason"]))
        for name, each in lost.items()
    ]


def _values(state: State) -> str:
    tags = state.get("tags") or {}
    rows = [
        [
            name,
            shown_value(tags.get(name, {}), value),
            value["unit"] or "-",
            quality(value),
            duration_text(value["age_s"]),
        ]
        for name, value in (state.get("values") or {}).items()
    ]
    shown = _drawn_together(sorted(rows, key=_is_plain)) if sys.stdout.isatty() else rows
    return table([tr("tag"), tr("value"), tr("unit"), tr("quality"), tr("age")], shown)


def _is_plain(row: Sequence[str]) -> bool:
    """Return whether a row has no unit: what is measured comes first, so that it is seen without scrolling."""
    return row[2] == "-"


def _drawn_together(rows: Sequence[list[str]]) -> list[list[str]]:
    """Return the rows with numbered tags (`label.p01`, `label.p02`) that say the same in one: `label.p01…24`."""
    drawn: list[list[str]] = []
    for key, found in groupby(rows, key=lambda row: (row[0].rstrip(digits), row[1:4])):
        alike = list(found)
        first, last = alike[0], alike[-1][0].removeprefix(key[0])
        drawn.append([f"{first[0]}…{last}", *first[1:]] if len(alike) > 1 and last else first)
    return drawn


def shown_value(tag: State, value: State) -> str:
    """Return a value as people read it: `?` where there is none, the name of a state, decimals by its resolution."""
    found = value["value"]
    if found is None:
        return "?"
    if isinstance(found, bool):
        return tr("yes") if found else tr("no")
    name = (tag.get("states") or {}).get(str(found))
    if name:
        return f"{found} {name}"
    return str(found) if isinstance(found, int) else decimal(found, int(tag.get("decimals", 1)))


def quality(value: State) -> str:
    """Return `good`, or why a value is not."""
    return reason_text("" if value["quality"] == "GOOD" else str(value["reason"] or value["quality"]))

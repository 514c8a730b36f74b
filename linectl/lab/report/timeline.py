"""Section 6: what happened when: phases, questions and who answered, pauses and holds, faults, notes, crashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median

from linectl.lab.report.html import details, elapsed, heading, note, seconds, table
from linectl.lab.report.record import RunRecord
from linectl.lab.report.svg import drawing, localised, svg_text
from linectl.lab.report.terms import (
    event_name,
    phase_text,
    task_name,
)
from linectl.lab.report.told import seconds_of, text_of, told
from linectl.model.records import Event
from linectl.words import tr

__all__ = ["timeline_section"]

_PHASE_COLOURS = {
    "drain": "#8a8f94",
    "fill": "#9db8cf",
    "dose": "#8a7a1f",
    "heat": "#e0a37f",
    "stabilise": "#d9d2a6",
    "load": "#b7c9b0",
    "soak": "#1f5a8a",
    "unload": "#7fa37a",
}
_COUNTED = frozenset({"write", "command", "phase", "prompt", "checks_missed", "calibrations", "safe", "made_ready"})
_MASS_TASKS = frozenset({"load_bottle", "unload", "check", "lid", "score"})
_WAITS = frozenset({"paused", "held", "running", "stopping", "aborting", "restarting"})


def timeline_section(record: RunRecord) -> str:
    """Return the timeline of one run: figure, what happened, questions; past trials have none."""
    if record.is_import:
        return note(tr("Past trials: their file tells no course of events."))
    story = [row for event in record.events if (row := _row(record, event)) is not None]
    heads = [tr("time"), tr("bath"), tr("event"), tr("who"), tr("what")]
    return _figure(record) + table(heads, story) + _questions(record) + _rest(record)


def _row(record: RunRecord, event: Event) -> tuple[str, ...] | None:
    """Return one line of the story; None for what is counted or drawn instead."""
    data = event.data
    if event.kind in _COUNTED or (event.kind == "state" and not _is_a_turn(data)):
        return None
    return (
        elapsed(event.ts_ns - record.origin_ns),
        text_of(data.get("trial")),
        event_name(event.kind),
        text_of(data.get("who")),
        told(event),
    )


def _is_a_turn(data: Mapping[str, object]) -> bool:
    """Tell whether a change of the run's own state is a pause, a hold, a resumption or an end by a person."""
    return data.get("of") == "run" and data.get("to") in _WAITS and data.get("from") != "idle"


def _questions(record: RunRecord) -> str:
    """Return who answered how many questions of each kind, how fast, and every answer that is not one of a mass."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    single = []
    for event in record.of_kind("prompt"):
        task, who, face = (text_of(event.data.get(key)) for key in ("task", "who", "face"))
        latency = event.data.get("latency_s")
        groups.setdefault((task, who, face), []).append(float(latency) if isinstance(latency, int | float) else 0.0)
        if task not in _MASS_TASKS:
            at = elapsed(event.ts_ns - record.origin_ns)
            photo = text_of(event.data.get("sha256"))[:12]
            answer = text_of(event.data.get("value")) + (f" ({photo})" if photo else "")
            single.append((at, task_name(task), text_of(event.data.get("id")), answer, who, seconds_of(latency)))
    if not groups:
        return ""
    rows = [
        (task_name(task), who, face, str(len(times)), seconds(median(times)), seconds(max(times)))
        for (task, who, face), times in sorted(groups.items())
    ]
    heads = [tr("question"), tr("answered by"), tr("through"), tr("count"), tr("median latency"), tr("longest")]
    found = heading(tr("Questions")) + table(heads, rows)
    if single:
        heads = [tr("time"), tr("question"), tr("id"), tr("answer"), tr("who"), tr("latency")]
        found += details(tr("Answers ({count})").format(count=len(single)), table(heads, single))
    return found


def _rest(record: RunRecord) -> str:
    """Return how often happened what has no line of its own."""
    counts = Counter(event.kind for event in record.events if event.kind in _COUNTED)
    told = "; ".join(f"{event_name(kind)}: {count}" for kind, count in sorted(counts.items()))
    return note(tr("Also in the journal: {told}.").format(told=told)) if told else ""


def _phases(record: RunRecord) -> list[tuple[int, str, float, float]]:
    """Return bath, phase, and its start and end (hours); a phase ends where the next begins."""
    begun = list(record.of_kind("phase", "run_ended", "run_interrupted", "crash", "resumed"))
    last_ns = record.run.ended_ns or (record.events[-1].ts_ns if record.events else record.origin_ns)
    found = []
    for index, event in enumerate(begun):
        if event.kind != "phase" or not isinstance(event.data.get("trial"), int):
            continue
        end_ns = begun[index + 1].ts_ns if index + 1 < len(begun) else last_ns
        trial = int(str(event.data["trial"]))
        found.append((trial, str(event.data.get("phase")), record.hours(event.ts_ns), record.hours(end_ns)))
    return found


def _figure(record: RunRecord) -> str:
    phases = _phases(record)
    if not phases:
        return ""
    numbers = [trial.ord for trial in record.trials]
    with drawing(7.2, 0.75 + 0.13 * max(2, len(numbers))) as figure:
        axes = figure.subplots()
        for name, colour in _PHASE_COLOURS.items():
            mine = [(bath, start, end) for bath, phase, start, end in phases if phase == name]
            if mine:
                axes.barh(
                    [bath for bath, _, _ in mine],
                    [end - start for _, start, end in mine],
                    left=[start for _, start, _ in mine],
                    color=colour,
                    height=0.8,
                    label=phase_text(name),
                )
        _marks(axes, record)
        axes.set_ylim(max(numbers) + 0.7, min(numbers) - 0.7)
        axes.set_yticks(_ticks(numbers))
        axes.set_xlabel(tr("hours from the start"))
        axes.set_ylabel(tr("bath"))
        localised(axes)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper left", ncols=9, frameon=False, handlelength=1.0, columnspacing=1.0
        )
        return svg_text(figure, tr("timeline"))


def _ticks(numbers: Sequence[int]) -> list[int]:
    step = 1 if len(numbers) <= 12 else 2 if len(numbers) <= 26 else 5
    return list(numbers)[::step]


def _marks(axes: object, record: RunRecord) -> None:
    """Mark pauses, holds and crashes by vertical lines."""
    turns = [e for e in record.of_kind("state") if e.data.get("of") == "run" and e.data.get("to") in {"paused", "held"}]
    for event in (*turns, *record.of_kind("crash", "run_interrupted")):
        axes.axvline(record.hours(event.ts_ns), color="#7a1f1f", lw=0.8, ls=":")  # type: ignore[attr-defined]  # Axes

"""Section 6: what happened when: phases, questions and who answered, pauses and holds, faults, notes, crashes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from linectl.lab.report.html import details, elapsed, heading, note, seconds, stamp, table
from linectl.lab.report.record import RunRecord
from linectl.lab.report.svg import drawing, localised, svg_text
from linectl.lab.report.terms import (
    ending,
    event_name,
    flag_name,
    phase_text,
    policy_name,
    reason_name,
    run_state,
    task_name,
)
from linectl.model.records import Event
from linectl.words import number, tr

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
        _text(data.get("trial")),
        event_name(event.kind),
        _text(data.get("who")),
        _told(event),
    )


def _is_a_turn(data: Mapping[str, object]) -> bool:
    """Tell whether a change of the run's own state is a pause, a hold, a resumption or an end by a person."""
    return data.get("of") == "run" and data.get("to") in _WAITS and data.get("from") != "idle"


def _told(event: Event) -> str:
    """Return what an event says beyond its name, in words."""
    tell = _SENTENCES.get(event.kind)
    return _plain(event) if tell is None else tell(event)


def _turn(event: Event) -> str:
    return " – ".join(filter(None, [run_state(_text(event.data.get("to"))), _text(event.data.get("why"))]))


def _started(event: Event) -> str:
    return stamp(event.ts_ns)


def _ended(event: Event) -> str:
    return " – ".join([ending(_text(event.data.get("status")) or None), stamp(event.ts_ns)])


def _refilled(event: Event) -> str:
    return reason_name(_text(event.data.get("reason")))


def _flagged(event: Event) -> str:
    flags = event.data.get("flags")
    return ", ".join(flag_name(str(flag)) for flag in flags) if isinstance(flags, list) else ""


def _crashed(event: Event) -> str:
    text = tr("{phase}, without control for {gap}, last {temperature} °C")
    temperature = _text(event.data.get("temperature_c")) or "–"
    return text.format(phase=_phase(event), gap=_seconds(event.data.get("gap_s")), temperature=temperature)


def _resumed(event: Event) -> str:
    return tr("{phase}: {policy}").format(phase=_phase(event), policy=policy_name(_text(event.data.get("policy"))))


def _held(event: Event) -> str:
    return tr("{phase}, for {time}").format(phase=_phase(event), time=_seconds(event.data.get("held_s")))


def _ended_early(event: Event) -> str:
    return ", ".join(filter(None, [_phase(event), _text(event.data.get("reason"))]))


def _bottle(event: Event) -> str:
    text = tr("{bottle}, position {position}")
    place = text.format(bottle=_text(event.data.get("bottle")), position=_text(event.data.get("position")))
    return ": ".join(filter(None, [place, _text(event.data.get("reason"))]))


def _corrected(event: Event) -> str:
    seen = tr("attached") if event.data.get("attached") else tr("off")
    return tr("{bottle}: taken back: {seen}").format(bottle=_text(event.data.get("bottle")), seen=seen)


def _unblinded(event: Event) -> str:
    codes = event.data.get("codes")
    return ", ".join(f"{code} = {glue}" for code, glue in sorted(codes.items())) if isinstance(codes, Mapping) else ""


def _plain(event: Event) -> str:
    """Return the texts and figures of an event that has no sentence of its own."""
    data = event.data
    if data.get("text"):
        return str(data["text"])
    return ", ".join(told for key in _PLAIN_KEYS if (told := _text(data.get(key))))


_PLAIN_KEYS = (
    *("name", "question", "value", "unit", "tag", "detail", "reason", "why", "error", "link", "lost", "step_s"),
    *("asked_pct", "found_pct", "wanted_c"),
)
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
    "unblinded": _unblinded,
}


def _phase(event: Event) -> str:
    return phase_text(_text(event.data.get("phase"))) or "–"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return tr("yes") if value else tr("no")
    if isinstance(value, float):
        return number(round(value, 2))
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    return str(value)


def _seconds(value: object) -> str:
    return seconds(float(value)) if isinstance(value, int | float) else "–"


def _questions(record: RunRecord) -> str:
    """Return who answered how many questions of each kind, how fast, and every answer that is not one of a mass."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    single = []
    for event in record.of_kind("prompt"):
        task, who, face = (_text(event.data.get(key)) for key in ("task", "who", "face"))
        latency = event.data.get("latency_s")
        groups.setdefault((task, who, face), []).append(float(latency) if isinstance(latency, int | float) else 0.0)
        if task not in _MASS_TASKS:
            at = elapsed(event.ts_ns - record.origin_ns)
            photo = _text(event.data.get("sha256"))[:12]
            answer = _text(event.data.get("value")) + (f" ({photo})" if photo else "")
            single.append((at, task_name(task), _text(event.data.get("id")), answer, who, _seconds(latency)))
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

"""Section 8: deviations, and what the data lack: holes, stale and clipped readings, missed looks, corrections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

from linectl.lab.examiners import agreement
from linectl.lab.report.html import elapsed, heading, percent, seconds, table
from linectl.lab.report.record import RunRecord
from linectl.lab.report.sentences import reason_sentence
from linectl.lab.report.terms import flag_name
from linectl.lab.results import Analysis, Warn
from linectl.model.readings import Level, Quality
from linectl.model.records import Event
from linectl.units import NS_PER_S
from linectl.words import decimal, tr, with_comma

__all__ = ["quality_section", "warnings_table"]

_HOLE_S = 10.0
_NAMED = 12  # so many holes are listed, the rest is counted

Row = tuple[str, str]


def quality_section(record: RunRecord) -> str:
    """Return the deviations of one run and the table of its data's quality."""
    return _deviations(record) + table([], [*_temperature(record), *_looks(record), *_baths(record)])


def warnings_table(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return the warnings of the analysis: what it says, of which glue, with its code."""
    rows = [(tr("all"), *_warning(warning)) for warning in analysis.warnings]
    rows += [(name(result.glue), *_warning(warning)) for result in analysis.glues for warning in result.warnings]
    if not rows:
        return ""
    return heading(tr("Warnings of the analysis")) + table([tr("glue"), tr("warning"), tr("of"), tr("code")], rows)


def _warning(warning: Warn) -> tuple[str, str, str]:
    return reason_sentence(str(warning.code)), with_comma(warning.detail) or "–", str(warning.code)


def _deviations(record: RunRecord) -> str:
    told = list(record.of_kind("deviation", "note", "bottle_skipped", "bottle_left_out", "bath_flagged", "clock_step"))
    rows = [(elapsed(event.ts_ns - record.origin_ns), _bath(event), *_deviation(event)) for event in told]
    if not rows:
        return ""
    heads = [tr("time"), tr("bath"), tr("deviation"), tr("who"), tr("what")]
    return heading(tr("Deviations and notes")) + table(heads, rows)


def _bath(event: Event) -> str:
    trial = event.data.get("trial")
    return "–" if trial is None else str(trial)


def _deviation(event: Event) -> tuple[str, str, str]:
    from linectl.lab.report.terms import event_name

    data = event.data
    flags = data.get("flags")
    if isinstance(flags, list):
        what = ", ".join(flag_name(str(flag)) for flag in flags)
    elif event.kind == "clock_step":
        step = data.get("step_s")
        what = seconds(float(step)) if isinstance(step, int | float) else "–"
    else:
        what = ": ".join(str(data[key]) for key in ("bottle", "reason", "text") if data.get(key))
    return event_name(event.kind), str(data.get("who") or "–"), what or "–"


def _temperature(record: RunRecord) -> list[Row]:
    """Return how many temperatures there are, why values lack, and the holes between scans."""
    series = record.whole
    if not series.t_ns:
        return [(tr("bath temperatures logged"), tr("none"))]
    words = Counter(quality.reason or quality.level.name.lower() for quality in map(Quality.from_byte, series.quality))
    bad = sum(Quality.from_byte(byte).level is Level.BAD for byte in series.quality)
    good = words.pop("good", 0)
    rows = [
        (tr("bath temperatures logged"), str(len(series.t_ns))),
        (tr("of these good"), f"{good} ({percent(good / len(series.t_ns), 2)})"),
        (tr("stale"), str(words.pop("stale", 0))),
        (tr("clipped (out of range)"), str(words.pop("out_of_range", 0))),
        (tr("without a value"), str(bad)),
    ]
    rows += [(_quality_name(word), str(count)) for word, count in sorted(words.items())]
    holes = [] if record.is_import else _holes(record)
    told = "; ".join(
        tr("{length} at {start}").format(length=seconds(length), start=elapsed(start))
        for start, length in holes[:_NAMED]
    )
    more = tr(" and {count} more").format(count=len(holes) - _NAMED) if len(holes) > _NAMED else ""
    rows.append((tr("holes above {limit} s").format(limit=f"{_HOLE_S:g}"), told + more if holes else tr("none")))
    return rows


def _quality_name(word: str) -> str:
    names = {
        "not_connected": tr("not connected"),
        "sensor_failure": tr("sensor failure"),
        "waiting_for_initial_data": tr("waiting for the first value"),
        "out_of_service": tr("out of service"),
        "substituted": tr("substituted"),
        "timeout": tr("no answer in time"),
        "bad_reply": tr("unreadable answer"),
        "uncertain": tr("uncertain"),
        "bad": tr("bad"),
    }
    return names.get(word, word)


def _holes(record: RunRecord) -> list[tuple[int, float]]:
    """Return start (ns from the run's start) and length (s) of holes between good readings while bottles were in."""
    found = []
    spans: Sequence[tuple[int, int]] = list(record.soaks.values())
    good = [
        t_ns
        for t_ns, byte in zip(record.whole.t_ns, record.whole.quality, strict=True)
        if Quality.from_byte(byte).level is not Level.BAD
    ]
    for before, after in pairwise(good):
        length = (after - before) / NS_PER_S
        if length > _HOLE_S and any(start < after and before < end for start, end in spans):
            found.append((before - record.origin_ns, length))
    return found


def _looks(record: RunRecord) -> list[Row]:
    first = [check for check in record.checks if not check.examiner]
    missed = sum(check.attached is None for check in first)
    late = [(c.done_ns - c.planned_ns) / NS_PER_S for c in first if c.done_ns is not None]
    found = agreement(record.checks)
    rows = [
        (tr("looks at bottles"), str(len(first))),
        (tr("of these missed"), f"{missed} ({percent(missed / len(first), 2)})" if first else "0"),
        (tr("answers corrected"), str(sum(1 for _ in record.of_kind("correction")))),
    ]
    if late:
        rows.append((tr("latest look after its time"), seconds(max(0.0, *late))))
    if found.n and found.share is not None:
        kappa = tr("kappa not defined") if found.kappa is None else f"kappa {decimal(found.kappa, 2)}"
        text = tr("{agreed} of {n} looks ({share}), {kappa}")
        told = text.format(agreed=found.agreed, n=found.n, share=percent(found.share), kappa=kappa)
        rows.append((tr("two examiners agree on"), told))
    else:
        rows.append((tr("two examiners agree on"), tr("no second examiner")))
    return rows


def _baths(record: RunRecord) -> list[Row]:
    flagged = [str(trial.ord) for trial in record.trials if trial.state == "flagged"]
    aborted = [str(trial.ord) for trial in record.trials if trial.state == "aborted"]
    return [
        (tr("baths flagged"), ", ".join(flagged) or tr("none")),
        (tr("baths given up"), ", ".join(aborted) or tr("none")),
    ]

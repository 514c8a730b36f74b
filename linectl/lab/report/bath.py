"""Section 5: the bath's temperature, its tolerance band, the time outside it, and how far two probes disagree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from linectl.lab.report.html import details, note, percent, seconds, table
from linectl.lab.report.record import RunRecord, Span
from linectl.lab.report.svg import drawing, localised, svg_text
from linectl.lab.report.terms import trial_state
from linectl.model.records import Trial
from linectl.store.reader import Series
from linectl.units import NS_PER_S
from linectl.words import decimal, number, tr, with_comma

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SoakRecord", "bath_section", "soak_record"]

_MAX_TRACE_POINTS = 2500
_HOLE_S = 10.0  # between two readings; a longer hole counts as no record, neither inside nor outside
_LINE, _BAND = "#1f5a8a", "#b5521b"


@dataclass(frozen=True, slots=True)
class SoakRecord:
    """The bath while bottles were in it: temperatures in °C, times in s, the other probe's difference in K."""

    mean_c: float | None
    low_c: float | None
    high_c: float | None
    recorded_s: float
    outside_s: float
    disagreement_k: float | None
    most_disagreement_k: float | None

    @property
    def outside_share(self) -> float | None:
        """The share of the recorded time outside the tolerance."""
        return self.outside_s / self.recorded_s if self.recorded_s > 0 else None


def bath_section(record: RunRecord) -> str:
    """Return the trace of one run, and the table of its baths."""
    plot = "" if not record.whole.t_ns else _imported_figure(record) if record.is_import else _figure(record)
    missing = "" if record.whole.t_ns else note(tr("No temperature was recorded: each bath counts as at its setpoint."))
    return plot + missing + _table(record)


def soak_record(record: RunRecord, trial: Trial) -> SoakRecord | None:
    """Return what was measured in a bath between its first insertion and its last look; None without either."""
    span, series = record.soaks.get(trial.ord), record.traces.get(trial.ord)
    if span is None or series is None:
        return None
    points = list(_within(series, span))
    if not points:
        return None
    target, band = trial.treatment.temperature_c, record.band_k
    recorded = outside = 0.0
    for (t_ns, value), (next_ns, _) in pairwise(points):
        step_s = (next_ns - t_ns) / NS_PER_S
        if 0 < step_s <= max(_HOLE_S, 3 * _usual_s(points)):
            recorded += step_s
            outside += step_s if abs(value - target) > band else 0.0
    values = [value for _, value in points]
    apart = _apart(points, record.controller.get(trial.ord))
    return SoakRecord(
        mean_c=sum(values) / len(values),
        low_c=min(values),
        high_c=max(values),
        recorded_s=recorded,
        outside_s=outside,
        disagreement_k=sum(apart) / len(apart) if apart else None,
        most_disagreement_k=max(apart, key=abs) if apart else None,
    )


def _usual_s(points: Sequence[tuple[int, float]]) -> float:
    return (points[-1][0] - points[0][0]) / NS_PER_S / max(1, len(points) - 1)


def _within(series: Series, span: Span) -> Iterator[tuple[int, float]]:
    for t_ns, value in zip(series.t_ns, series.value, strict=True):
        if value is not None and span[0] <= t_ns <= span[1]:
            yield t_ns, float(value)


def _apart(points: Sequence[tuple[int, float]], other: Series | None) -> list[float]:
    """Return how much (K) the controller's probe read above the bath's, at the same scans."""
    if other is None:
        return []
    beside = {t_ns: float(value) for t_ns, value in zip(other.t_ns, other.value, strict=True) if value is not None}
    return [beside[t_ns] - value for t_ns, value in points if t_ns in beside]


def _table(record: RunRecord) -> str:
    rows, recorded, outside = [], 0.0, 0.0
    for trial in record.trials:
        soak = soak_record(record, trial)
        if soak is not None:
            recorded, outside = recorded + soak.recorded_s, outside + soak.outside_s
        rows.append(_row(trial, soak))
    heads = [
        tr("bath"),
        tr("treatment"),
        tr("replicate"),
        tr("mean °C"),
        tr("range °C"),
        tr("outside ± {band} K").format(band=number(record.band_k)),
        tr("other probe, K (most)"),
        tr("NaOH %, measured"),
        tr("state"),
    ]
    share = percent(outside / recorded) if recorded else "–"
    text = tr("All baths: {outside} of {recorded} with bottles in were outside the tolerance of ± {band} K ({share}).")
    total = text.format(outside=seconds(outside), recorded=seconds(recorded), band=number(record.band_k), share=share)
    return (note(total) if recorded else "") + details(tr("All baths"), table(heads, rows))


def _row(trial: Trial, soak: SoakRecord | None) -> tuple[str, ...]:
    naoh = "–" if trial.naoh_measured_pct is None else decimal(trial.naoh_measured_pct, 2)
    first = (str(trial.ord), treatment_text(trial), str(trial.replicate))
    last = (naoh, trial_state(trial.state.value))
    if soak is None or soak.mean_c is None or soak.low_c is None or soak.high_c is None:
        return (*first, "–", "–", "–", "–", *last)
    share = soak.outside_share
    outside = "–" if share is None else f"{seconds(soak.outside_s)} ({percent(share)})"
    apart = "–"
    if soak.disagreement_k is not None and soak.most_disagreement_k is not None:
        apart = f"{_signed(soak.disagreement_k)} ({_signed(soak.most_disagreement_k)})"
    return (*first, decimal(soak.mean_c, 2), f"{decimal(soak.low_c)} – {decimal(soak.high_c)}", outside, apart, *last)


def treatment_text(trial: Trial) -> str:
    """Return what a bath was set to, for people."""
    treatment = trial.treatment
    stirrer = (
        "" if treatment.agitation_pct is None else tr(", stirrer {pct} %").format(pct=number(treatment.agitation_pct))
    )
    return with_comma(f"{treatment.temperature_c:g} °C, {treatment.naoh_pct:g} %") + stirrer


def _signed(value: float) -> str:
    text = decimal(value, 2)
    return text if text.startswith("-") else f"+{text}"


def _figure(record: RunRecord) -> str:
    series = record.whole
    step = max(1, len(series.value) // _MAX_TRACE_POINTS)
    hours = [record.hours(t_ns) for t_ns in series.t_ns[::step]]
    values = [math.nan if value is None else float(value) for value in series.value[::step]]
    with drawing(7.2, 3.2) as figure:
        axes, off_target = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        for trial in record.trials:
            if trial.ord in record.soaks:
                ends = [record.hours(ns) for ns in record.soaks[trial.ord]]
                target = trial.treatment.temperature_c
                axes.fill_between(ends, target - record.band_k, target + record.band_k, color=_BAND, alpha=0.45, lw=0)
        axes.plot(hours, values, color=_LINE, lw=0.6)
        axes.set_ylabel("°C")
        axes.grid(visible=True)
        _deviation(off_target, record, list(zip(hours, values, strict=True)))
        off_target.set_xlabel(tr("hours from the start"))
        localised(axes, off_target)
        return svg_text(figure, tr("bath temperature"))


def _deviation(axes: Axes, record: RunRecord, points: Sequence[tuple[float, float]]) -> None:
    """Draw how far the bath was from its treatment while bottles were in, with the tolerance band."""
    axes.axhspan(-record.band_k, record.band_k, color=_BAND, alpha=0.15, lw=0)
    for trial in record.trials:
        if trial.ord not in record.soaks:
            continue
        start, end = (record.hours(ns) for ns in record.soaks[trial.ord])
        inside = [(hour, value - trial.treatment.temperature_c) for hour, value in points if start <= hour <= end]
        if inside:
            axes.plot(*zip(*inside, strict=True), color=_LINE, lw=0.6)
    axes.set_ylabel(tr("off target, K"))
    axes.grid(visible=True)


def _imported_figure(record: RunRecord) -> str:
    """Return the traces of past trials, each bath on its own time: nobody knows when they were."""
    with drawing(7.2, 1.9) as figure:
        axes = figure.subplots()
        for trial in record.trials:
            series = record.traces.get(trial.ord)
            if series is None or len(series.t_ns) < 2:
                continue
            at = [t_ns / NS_PER_S / 60 for t_ns in series.t_ns]
            off = [math.nan if v is None else float(v) - trial.treatment.temperature_c for v in series.value]
            axes.plot(at, off, color=_LINE, lw=0.6)
        axes.axhspan(-record.band_k, record.band_k, color=_BAND, alpha=0.15, lw=0)
        axes.set_ylabel(tr("off target, K"))
        axes.set_xlabel(tr("minutes of each bath"))
        axes.grid(visible=True)
        localised(axes)
        return svg_text(figure, tr("bath temperature"))

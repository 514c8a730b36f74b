"""The report's figures: release curves, Arrhenius plot, bath trace, timeline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from linectl.lab.report.curves import predicted_share, time_of_share
from linectl.lab.report.svg import COLOURS, drawing, glue_colour, svg_text
from linectl.lab.results import Analysis, CellCurve, GlueResult
from linectl.model.records import Run, Trial
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S, kelvin
from linectl.words import tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["arrhenius", "bath_trace", "release_curves", "soak_temperatures", "timeline"]

_CURVE_FAMILY = "lognormal"
_MAX_TRACE_POINTS = 2500
_TOLERANCE_K = 0.5

Span = tuple[float, float]  # hours from the start of the run


def release_curves(analysis: Analysis) -> str:
    """Return the share of labels off against time: a row per glue, a column per NaOH, a colour per temperature."""
    glues = analysis.glues
    naohs = sorted({cell.naoh_pct for result in glues for cell in result.cells})
    temperatures = sorted({cell.temperature_c for result in glues for cell in result.cells})
    with drawing(7.2, 1.45 * max(1, len(glues)) + 0.4) as figure:
        panels = figure.subplots(max(1, len(glues)), max(1, len(naohs)), squeeze=False, sharey=True)
        for row, result in zip(panels, glues, strict=False):
            for axes, naoh in zip(row, naohs, strict=True):
                cells = [cell for cell in result.cells if cell.naoh_pct == naoh]
                for cell in cells:
                    colour = COLOURS[temperatures.index(cell.temperature_c) % len(COLOURS)]
                    _draw_cell(axes, analysis, result, cell, colour)
                axes.set_title(f"{result.glue}, {naoh:g} % NaOH", fontsize=8, loc="left")
                axes.set_ylim(-0.03, 1.03)
                axes.grid(visible=True)
            row[0].set_ylabel(tr("share off"))
        for axes in panels[-1]:
            axes.set_xlabel(tr("time from insertion, min"))
        if glues:
            handles, labels = panels[0][0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
        return svg_text(figure, tr("release curves"))


def _draw_cell(axes: Axes, analysis: Analysis, result: GlueResult, cell: CellCurve, colour: str) -> None:
    end_s = max([value for value in (*cell.lo, *cell.hi) if math.isfinite(value)], default=60.0)
    share = np.concatenate([[0.0], np.cumsum(cell.mass)])
    times = np.array([0.0, *(min(right, end_s) for right in cell.right)]) / 60
    finite = [True, *(math.isfinite(right) for right in cell.right)]
    axes.step(times[finite], share[finite], where="post", color=colour, lw=0.9, label=f"{cell.temperature_c:g} °C")
    _draw_intervals(axes, cell, colour)
    fit = result.fits.get(_CURVE_FAMILY)
    if fit is None:
        return
    grid_s = np.linspace(1.0, end_s, 40)
    middle, low, high = predicted_share(fit, grid_s, cell.temperature_c, cell.naoh_pct, analysis.glass)
    axes.plot(grid_s / 60, middle, color=colour, lw=0.7, ls="--")
    axes.fill_between(grid_s / 60, low, high, color=colour, alpha=0.15, lw=0)


def _draw_intervals(axes: Axes, cell: CellCurve, colour: str) -> None:
    """Draw each bottle's raw interval at its rank, and a triangle for one still on at the end."""
    order = sorted(range(cell.n_bottles), key=lambda index: (cell.hi[index], cell.lo[index]))
    ranks = [(place + 0.5) / cell.n_bottles for place in range(cell.n_bottles)]
    pairs = [(cell.lo[index], cell.hi[index], rank) for index, rank in zip(order, ranks, strict=True)]
    released = [(low / 60, high / 60, rank) for low, high, rank in pairs if math.isfinite(high)]
    stuck = [(low / 60, rank) for low, high, rank in pairs if not math.isfinite(high)]
    if released:  # one broken line: a path for each would be half the report
        xs = [x for low, high, _ in released for x in (low, high, math.nan)]
        ys = [y for *_, rank in released for y in (rank, rank, math.nan)]
        axes.plot(xs, ys, color=colour, lw=0.5, alpha=0.6)
    if stuck:
        at, rank_of = zip(*stuck, strict=True)
        axes.plot(at, rank_of, ls="", marker=">", ms=2, mew=0, color=colour, alpha=0.6)


def arrhenius(analysis: Analysis) -> str:
    """Return the median release time of each glue against 1/T at each NaOH, with the lognormal fit."""
    naohs = sorted({cell.naoh_pct for result in analysis.glues for cell in result.cells})
    temperatures = np.array(sorted({cell.temperature_c for result in analysis.glues for cell in result.cells}))
    with drawing(7.2, 3.0) as figure:
        panels = figure.subplots(1, max(1, len(naohs)), squeeze=False, sharey=True)[0]
        for axes, naoh in zip(panels, naohs, strict=False):
            for index, result in enumerate(analysis.glues):
                _draw_medians(axes, result, naoh, temperatures, glue_colour(index))
            axes.set_yscale("log")
            axes.set_title(f"{naoh:g} % NaOH", fontsize=8, loc="left")
            axes.set_xlabel(tr("1000 / T, 1/K"))
            axes.grid(visible=True)
        panels[0].set_ylabel(tr("median release time, s"))
        handles, labels = panels[0].get_legend_handles_labels()
        if labels:
            figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
        return svg_text(figure, tr("Arrhenius plot"))


def _draw_medians(axes: Axes, result: GlueResult, naoh: float, temperatures: np.ndarray, colour: str) -> None:
    fit = result.fits.get(_CURVE_FAMILY)
    if fit is None:
        return
    line = [time_of_share(fit, 0.5, temperature, naoh) for temperature in temperatures]
    axes.plot([1000 / kelvin(t) for t in temperatures], line, color=colour, lw=0.9, label=result.glue)
    cells = [cell for cell in result.cells if cell.naoh_pct == naoh]
    points = [(1000 / kelvin(cell.temperature_c), _turnbull_median(cell)) for cell in cells]
    seen = [(x, y) for x, y in points if y is not None]
    if seen:
        xs, ys = zip(*seen, strict=True)
        axes.plot(xs, ys, ls="", marker="o", ms=3, color=colour)


def _turnbull_median(cell: CellCurve) -> float | None:
    share = 0.0
    for left, right, mass in zip(cell.left, cell.right, cell.mass, strict=True):
        share += mass
        if share >= 0.5:
            return (left + right) / 2 if math.isfinite(right) else None
    return None


def bath_trace(reader: StoreReader, run: Run, trials: Sequence[Trial]) -> str:
    """Return the bath's temperature over the whole run, with each soak's treatment ± 0.5 K behind it."""
    series = reader.series(run.id, "bath.temperature")
    step = max(1, len(series.value) // _MAX_TRACE_POINTS)
    hours = [(t - run.started_ns) / NS_PER_S / 3600 for t in series.t_ns[::step]]
    values = [math.nan if value is None else float(value) for value in series.value[::step]]
    soaks = _soaks(reader, run)
    with drawing(7.2, 3.2) as figure:
        axes, off_target = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        for trial in trials:
            if trial.ord in soaks:
                start, end = soaks[trial.ord]
                low, high = trial.treatment.temperature_c - 0.5, trial.treatment.temperature_c + 0.5
                axes.fill_between([start, end], low, high, color="#b5521b", alpha=0.45, lw=0)
        axes.plot(hours, values, color="#1f5a8a", lw=0.6)
        axes.set_ylabel("°C")
        axes.grid(visible=True)
        _draw_deviation(off_target, hours, values, trials, soaks)
        return svg_text(figure, tr("bath temperature"))


def _draw_deviation(
    axes: Axes, hours: Sequence[float], values: Sequence[float], trials: Sequence[Trial], soaks: Mapping[int, Span]
) -> None:
    """Draw how far the bath was from its treatment while bottles were in, with the tolerance band."""
    axes.axhspan(-_TOLERANCE_K, _TOLERANCE_K, color="#b5521b", alpha=0.15, lw=0)
    for trial in trials:
        start, end = soaks.get(trial.ord, (0.0, -1.0))
        inside = [(hour, value) for hour, value in zip(hours, values, strict=True) if start <= hour <= end]
        if inside:
            at, measured = zip(*inside, strict=True)
            axes.plot(at, [value - trial.treatment.temperature_c for value in measured], color="#1f5a8a", lw=0.6)
    axes.set_ylabel(tr("off target, K"))
    axes.set_xlabel(tr("hours from the start"))
    axes.grid(visible=True)


def timeline(reader: StoreReader, run: Run, trials: Sequence[Trial]) -> str:
    """Return when each bath was prepared and soaked."""
    soaks = _soaks(reader, run)
    with drawing(7.2, 0.5 + 0.11 * max(1, len(trials))) as figure:
        axes = figure.subplots()
        for trial in trials:
            if trial.started_ns is None:
                continue
            begun = (trial.started_ns - run.started_ns) / NS_PER_S / 3600
            ended = ((trial.ended_ns or trial.started_ns) - run.started_ns) / NS_PER_S / 3600
            axes.barh(trial.ord, ended - begun, left=begun, color="#cfd6dc", height=0.8)
            if trial.ord in soaks:
                start, end = soaks[trial.ord]
                axes.barh(trial.ord, end - start, left=start, color="#1f5a8a", height=0.8)
        axes.set_ylim(len(trials) + 0.7, 0.3)
        axes.set_xlabel(tr("hours from the start (dark: bottles in the bath)"))
        axes.set_ylabel(tr("bath"))
        return svg_text(figure, tr("timeline"))


def soak_temperatures(reader: StoreReader, run: Run, trial: Trial) -> list[float]:
    """Return the good bath temperatures (°C) between a trial's first insertion and its last look."""
    soak = _soaks(reader, run).get(trial.ord)
    if soak is None:
        return []
    start, end = (run.started_ns + hours * 3600 * NS_PER_S for hours in soak)
    series = reader.series(run.id, "bath.temperature", trial=trial.ord)
    pairs = zip(series.t_ns, series.value, strict=True)
    return [float(value) for t_ns, value in pairs if value is not None and start <= t_ns <= end]


def _soaks(reader: StoreReader, run: Run) -> dict[int, Span]:
    """Return per trial the hours from the run's start of its first insertion and its last observation."""
    spans: dict[int, Span] = {}
    for bottle in reader.bottles(run.id):
        start = (bottle.inserted_ns - run.started_ns) / NS_PER_S / 3600
        seen = bottle.first_detached_ns or bottle.last_attached_ns or bottle.inserted_ns
        end = (seen - run.started_ns) / NS_PER_S / 3600
        low, high = spans.get(bottle.trial, (start, end))
        spans[bottle.trial] = (min(low, start), max(high, end))
    return spans

"""Section 3: the share of labels off against time, and the times of half, 95 % and 99 %."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from linectl.lab.report.curves import predicted_share, share_time
from linectl.lab.report.html import note, table
from linectl.lab.report.svg import COLOURS, drawing, localised, svg_text
from linectl.lab.results import Analysis, CellCurve, GlueResult
from linectl.words import decimal, number, tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["release_section"]

_CURVE_FAMILY = "lognormal"
_SHARES = (0.5, 0.95, 0.99)
_HOURS_S = 36_000.0  # a time beyond is told as such
_PANEL_IN = 1.75
_MAX_COLUMNS = 3


def release_section(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return the curves with their legend in words, and the table of times; `name` writes a glue for people."""
    return _figure(analysis, name) + note(_legend(analysis)) + _times(analysis, name)


def _legend(analysis: Analysis) -> str:
    return tr(
        "Steps: Turnbull's estimate from the raw intervals (thin bars: last seen attached to first seen off; "
        "triangle: still on at the last look). Dashed: lognormal fit on the measured bath through a glass lag of "
        "{tau} s, with its pointwise 95 % band."
    ).format(tau=number(analysis.glass.tau_glass_s))


def _panels(analysis: Analysis) -> list[tuple[GlueResult, float]]:
    """Return what each panel shows: a glue at one NaOH."""
    return [(result, naoh) for result in analysis.glues for naoh in sorted({cell.naoh_pct for cell in result.cells})]


def _figure(analysis: Analysis, name: Callable[[str], str]) -> str:
    shown = _panels(analysis)
    if not shown:
        return ""
    temperatures = sorted({cell.temperature_c for result in analysis.glues for cell in result.cells})
    naohs = {naoh for _, naoh in shown}
    columns = min(_MAX_COLUMNS, len(naohs) if len(naohs) > 1 else min(2, len(shown)))
    rows = math.ceil(len(shown) / columns)
    with drawing(7.2, _PANEL_IN * rows + 0.55) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
        flat = [axes for row in panels for axes in row]
        for axes, (result, naoh) in zip(flat, shown, strict=False):
            for cell in result.cells:
                if cell.naoh_pct == naoh:
                    _draw_cell(axes, analysis, result, cell, COLOURS[temperatures.index(cell.temperature_c) % 6])
            axes.set_title(f"{name(result.glue)}, {number(naoh)} % NaOH", fontsize=8, loc="left")
            axes.set_ylim(-0.03, 1.03)
            axes.grid(visible=True)
        for axes in flat[len(shown) :]:
            axes.set_visible(False)
        for row in panels:
            row[0].set_ylabel(tr("share off"))
        for axes in flat[max(0, len(shown) - columns) : len(shown)]:
            axes.set_xlabel(tr("time from insertion, min"))
        localised(*flat)
        _legend_of(figure, temperatures)
        return svg_text(figure, tr("release curves"))


def _legend_of(figure: object, temperatures: Sequence[float]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=COLOURS[index % 6], lw=1.2) for index in range(len(temperatures))]
    labels = [f"{number(temperature)} °C" for temperature in temperatures]
    figure.legend(  # type: ignore[attr-defined]  # matplotlib's Figure, never imported at import time here
        handles, labels, loc="outside upper right", ncols=min(len(labels), 8), frameon=False
    )


def _draw_cell(axes: Axes, analysis: Analysis, result: GlueResult, cell: CellCurve, colour: str) -> None:
    end_s = max([value for value in (*cell.lo, *cell.hi) if math.isfinite(value)], default=60.0)
    share = np.concatenate([[0.0], np.cumsum(cell.mass)])
    times = np.array([0.0, *(min(right, end_s) for right in cell.right)]) / 60
    finite = [True, *(math.isfinite(right) for right in cell.right)]
    axes.step(times[finite], share[finite], where="post", color=colour, lw=0.9)
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
        axes.plot(at, rank_of, ls="", marker=">", ms=3, mew=0, color=colour, alpha=0.7)


def _times(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return t50, t95 and t99 of every cell with the bottles behind them."""
    rows = []
    for result in analysis.glues:
        fit = result.fits.get(_CURVE_FAMILY)
        for cell in result.cells:
            stuck = sum(not math.isfinite(hi) for hi in cell.hi)
            times = [
                _told(None if fit is None else share_time(fit, p, cell.temperature_c, cell.naoh_pct, analysis.glass))
                for p in _SHARES
            ]
            rows.append(
                (
                    name(result.glue),
                    number(cell.temperature_c),
                    number(cell.naoh_pct),
                    str(cell.n_bottles),
                    str(stuck),
                    *times,
                )
            )
    heads = [tr("glue"), "°C", "NaOH %", tr("bottles"), tr("still on")]
    heads += [tr("{share} % off, min [95 %]").format(share=number(100 * share)) for share in _SHARES]
    text = tr(
        "Times for a typical bath by the lognormal fit (two-sided 95 %, delta method); verdicts rest on section 1."
    )
    return table(heads, rows) + note(text)


def _told(band: object) -> str:
    from linectl.lab.report.curves import TimeBand

    if not isinstance(band, TimeBand) or band.value > _HOURS_S:
        return "–"
    high = tr("> 10 h") if band.upper > _HOURS_S else decimal(band.upper / 60, 1)
    return f"{decimal(band.value / 60, 1)} [{decimal(band.lower / 60, 1)}; {high}]"

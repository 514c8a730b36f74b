"""Section 4: the median release time against temperature, and the activation energies."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from linectl.lab.report.curves import share_time
from linectl.lab.report.html import note, table
from linectl.lab.report.sentences import family_name, interval
from linectl.lab.report.svg import drawing, glue_colour, localised, svg_text
from linectl.lab.results import Analysis, CellCurve, Estimate, GlueResult
from linectl.units import kelvin
from linectl.words import number, tr

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["arrhenius_section"]

_CURVE_FAMILY = "lognormal"
_ENOUGH = 3  # temperatures: two always lie on a line
_BEYOND_K = 5.0  # how far a line is drawn on, dashed, beyond what was tested


def arrhenius_section(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return the plot, when at least three temperatures carry it, and the table of energies and caustic orders."""
    tested = {cell.temperature_c for result in analysis.glues for cell in result.cells}
    if len(tested) < _ENOUGH:
        shown = ", ".join(f"{number(t)} °C" for t in sorted(tested))
        text = tr("No Arrhenius plot: it takes three temperatures, and {count} were tested ({shown}).")
        plot = note(text.format(count=len(tested), shown=shown))
    else:
        plot = _figure(analysis, name) + note(
            tr(
                "Points: Turnbull's medians. Lines: lognormal fit through the glass lag; dashed beyond the tested "
                "temperatures."
            )
        )
    return plot + _energies(analysis, name)


def _figure(analysis: Analysis, name: Callable[[str], str]) -> str:
    naohs = sorted({cell.naoh_pct for result in analysis.glues for cell in result.cells})
    with drawing(7.2, 3.0) as figure:
        panels = figure.subplots(1, len(naohs), squeeze=False, sharey=True)[0]
        for axes, naoh in zip(panels, naohs, strict=True):
            for index, result in enumerate(analysis.glues):
                _draw_glue(axes, result, naoh, analysis, (glue_colour(index), name(result.glue)))
            axes.set_yscale("log")
            axes.set_title(f"{number(naoh)} % NaOH", fontsize=8, loc="left")
            axes.set_xlabel(tr("1000 / T, 1/K"))
            axes.grid(visible=True)
            _celsius_axis(axes)
        panels[0].set_ylabel(tr("median release time, s"))
        localised(*panels)
        _plain_log(panels[0])
        known: dict[str, Artist] = {}
        for axes in panels:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                known.setdefault(label, handle)
        if known:
            figure.legend(
                list(known.values()), list(known), loc="outside upper right", ncols=min(6, len(known)), frameon=False
            )
        return svg_text(figure, tr("Arrhenius plot"))


def _celsius_axis(axes: Axes) -> None:
    """Write whole degrees Celsius above the panel."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    def across(x: Any) -> Any:  # numbers or arrays, as matplotlib likes
        return 1000.0 / np.maximum(x, 1e-3) - 273.15

    def back(t: Any) -> Any:
        return 1000.0 / (np.asarray(t) + 273.15)

    top = axes.secondary_xaxis("top", functions=(across, back))
    low, high = sorted(float(across(edge)) for edge in axes.get_xlim())
    step = 5 if high - low < 30 else 10
    degrees = [t for t in range(0, 121, step) if low <= t <= high]
    top.xaxis.set_major_locator(FixedLocator(degrees))
    top.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f} °C"))


def _plain_log(axes: Axes) -> None:
    """Write times as whole numbers at the decades, twos and fives: no power of ten is read by anyone."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 3))))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_glue(axes: Axes, result: GlueResult, naoh: float, analysis: Analysis, look: tuple[str, str]) -> None:
    (colour, label), asked = look, analysis.decision.temperatures_c
    cells = [cell for cell in result.cells if cell.naoh_pct == naoh]
    fit = result.fits.get(_CURVE_FAMILY)
    if fit is not None and cells:
        coolest, hottest = fit.temperatures_c
        ends = (min([coolest - _BEYOND_K, *asked]), max([hottest + _BEYOND_K, *asked]))
        for low, high, style, text in (
            (coolest, hottest, "-", label),
            (ends[0], coolest, "--", None),
            (hottest, ends[1], "--", None),
        ):
            grid = [float(t) for t in np.linspace(low, high, 12)]
            bands = [(t, share_time(fit, 0.5, t, naoh, analysis.glass)) for t in grid]
            known = [(1000 / kelvin(t), band.value) for t, band in bands if band is not None]
            axes.plot([x for x, _ in known], [y for _, y in known], color=colour, lw=0.9, ls=style, label=text)
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


def _energies(analysis: Analysis, name: Callable[[str], str]) -> str:
    rows = []
    for result in analysis.glues:
        for family, energy in result.activation_energy.items():
            without, order = result.activation_energy_no_lag.get(family), result.caustic_order.get(family)
            rows.append(
                (
                    name(result.glue),
                    family_name(family),
                    interval(energy),
                    interval(without) if without else "–",
                    interval(order, 2) if order else "–",
                )
            )
    heads = [tr("glue"), tr("family"), tr("E, kJ/mol (95 %)"), tr("E without glass lag"), tr("caustic order")]
    return table(heads, rows) + _further(analysis, name)


def _further(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return the figures that only some data carry: baths as clusters, how they differ, stirring, a plateau."""
    columns: tuple[tuple[str, Callable[[GlueResult], Mapping[str, Estimate]], int], ...] = (
        (tr("E, baths as clusters"), lambda result: result.robust_energy, 1),
        (tr("spread of ln t between baths"), lambda result: result.bath_sd, 2),
        (tr("ln t, half to full stirring"), lambda result: result.agitation, 2),
        (tr("share that never comes off"), lambda result: result.never_share, 3),
    )
    told = [column for column in columns if any(column[1](result) for result in analysis.glues)]
    rows = [
        (
            name(result.glue),
            family_name(family),
            *(_cell(part(result), family, digits) for _, part, digits in told),
        )
        for result in analysis.glues
        for family in result.fits
    ]
    heads = [tr("glue"), tr("family"), *(head for head, _, _ in told)]
    return table(heads, rows) if told and rows else ""


def _cell(estimates: Mapping[str, Estimate], family: str, digits: int) -> str:
    estimate = estimates.get(family)
    return "–" if estimate is None else interval(estimate, digits)

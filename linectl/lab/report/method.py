"""Section 9: how the figures were found, and how far the bottles are from the fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from linectl.lab.kinetics.goodness import Goodness, gof
from linectl.lab.report.html import note, table
from linectl.lab.report.sentences import family_name, reason_sentence, share_text
from linectl.lab.report.svg import COLOURS, drawing, localised, svg_text
from linectl.lab.report.terms import test_name
from linectl.lab.results import Analysis
from linectl.words import decimal, tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["method_section"]


def method_section(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return the method in words, the PP plot of each glue's fits and their figures."""
    found = {
        result.glue: {
            family: result.goodness.get(family) or gof(fit, analysis.data.of_glue(result.glue), replicates=0)
            for family, fit in result.fits.items()
        }
        for result in analysis.glues
        if result.fits
    }
    plot = _figure(found, name) + _legend() if found else ""
    return note(_words(analysis)) + plot + _fits(analysis, found, name) + _tests(analysis, name)


def _words(analysis: Analysis) -> str:
    return tr(
        "Each bottle gives an interval, each bath a trace. Per glue, a Weibull and a lognormal model are fitted by "
        "maximum likelihood on the equivalent soak time at 60 °C (Arrhenius, caustic as ln((c + 0.1)/1.6)), with "
        "left, interval and right censoring. Bounds of the {share} time are one-sided at {conf}; section 1 names how "
        "each was found. CANDIDATE: the upper bound is within the soak asked in both families; NO-GO: the lower "
        "bound is beyond it at the hottest point asked, or nothing came off. A screening never answers GO: that "
        "needs a registered confirmation. linectl is not a safety system."
    ).format(share=share_text(analysis.decision.removal), conf=share_text(analysis.decision.confidence))


def _legend() -> str:
    return note(
        tr(
            "Residuals on the axis of equivalent time: for each of Turnbull's intervals, the share off that the fit "
            "says against the share off that was seen, over all baths. On the diagonal the fit is right; a bow says "
            "the wrong family, an end below the diagonal labels that stay on."
        )
    )


def _figure(found: dict[str, dict[str, Goodness]], name: Callable[[str], str]) -> str:
    columns = min(4, len(found))
    rows = math.ceil(len(found) / columns)
    with drawing(7.2, 1.9 * rows + 0.45) as figure:
        panels = figure.subplots(rows, 4, squeeze=False, sharex=True, sharey=True)
        flat = [axes for row in panels for axes in row]
        for axes, (glue, families) in zip(flat, found.items(), strict=False):
            axes.plot([0, 1], [0, 1], color="#999999", lw=0.5)
            for index, (family, goodness) in enumerate(families.items()):
                _draw(axes, goodness, COLOURS[index % len(COLOURS)], family_name(family))
            axes.set_title(name(glue), fontsize=8, loc="left")
            axes.set_xlabel(tr("share off, fit"))
            axes.tick_params(labelbottom=True)
            axes.grid(visible=True)
        for axes in flat[len(found) :]:
            axes.set_visible(False)
        for row in panels:
            row[0].set_ylabel(tr("share off, seen"))
        localised(*flat)
        handles, labels = flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), frameon=False)
        return svg_text(figure, tr("residuals"))


def _draw(axes: Axes, goodness: Goodness, colour: str, label: str) -> None:
    """Draw each of Turnbull's intervals as a bar from its start to its end."""
    points = goodness.pp
    xs = np.column_stack([points.model_from, points.model_to, np.full_like(points.model_to, np.nan)]).ravel()
    ys = np.column_stack([points.share_before, points.share_after, np.full_like(points.model_to, np.nan)]).ravel()
    axes.plot(xs, ys, color=colour, lw=1.0, alpha=0.8, label=label)


def _fits(analysis: Analysis, found: dict[str, dict[str, Goodness]], name: Callable[[str], str]) -> str:
    rows = []
    for result in analysis.glues:
        for family, fit in result.fits.items():
            goodness = found[result.glue][family]
            chance = "–" if goodness.p is None else decimal(goodness.p, 3)
            rows.append(
                (
                    name(result.glue),
                    family_name(family),
                    decimal(fit.loglik, 1),
                    decimal(fit.aic, 1),
                    ", ".join(
                        f"{parameter} {decimal(float(value), 2)} ± {decimal(fit.se(parameter), 2)}"
                        for parameter, value in zip(fit.names, fit.params, strict=True)
                    ),
                    decimal(goodness.distance, 2),
                    chance,
                )
            )
    if not rows:
        return ""
    heads = [
        tr("glue"),
        tr("family"),
        tr("log-likelihood"),
        "AIC",
        tr("parameters ± standard error"),
        tr("largest distance of a cell"),
        tr("p"),
    ]
    return table(heads, rows)


def _tests(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return the likelihood-ratio tests of what the fits leave out."""
    rows = [
        (
            name(result.glue),
            test_name(test),
            family_name(family),
            "–" if found.statistic is None else decimal(found.statistic, 2),
            str(found.df),
            reason_sentence(found.reason) if found.p is None else decimal(found.p, 3),
        )
        for result in analysis.glues
        for test, families in result.tests.items()
        for family, found in families.items()
    ]
    heads = [tr("glue"), tr("tested: does it matter?"), tr("family"), tr("statistic"), tr("degrees"), tr("p")]
    return table(heads, rows) if rows else ""

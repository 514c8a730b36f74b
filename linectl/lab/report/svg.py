"""Figures as SVG text: the same data give the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, ScalarFormatter

from linectl.words import language, number

__all__ = ["COLOURS", "drawing", "glue_colour", "localised", "svg_text"]

COLOURS = ("#1f5a8a", "#b5521b", "#3d7a4a", "#7a3d78", "#8a7a1f", "#4a4a4a")
_STYLE: Any = {  # matplotlib names every setting in its type
    "svg.fonttype": "none",  # text stays text: searchable, and a third of the size
    "svg.hashsalt": "linectl",
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.formatter.use_locale": False,
    "axes.unicode_minus": True,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "lines.dashed_pattern": (4.0, 2.0),
}


_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")  # a hundredth of a point is finer than any eye; a third of the size
_QUOTED = re.compile(r'"[^"]*"')  # texts keep their digits


@contextmanager
def drawing(width_in: float, height_in: float) -> Iterator[Figure]:
    """Give a figure of this size (inches) in the report's style."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a user's matplotlibrc must not change a report
        mpl.rcParams.update(_STYLE)
        yield Figure(figsize=(width_in, height_in), layout="constrained")


def localised(*panels: Axes) -> None:
    """Write the numbers at linear axes with the decimal sign of the language in use."""
    if language() != "fr":
        return
    for axes in panels:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(axis.get_major_formatter(), ScalarFormatter):
                axis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 9)).replace("-", "−")))


def svg_text(figure: Figure, label: str) -> str:
    """Return `figure` as an SVG element with `label` for those who cannot see it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    element = _QUOTED.sub(lambda found: _LONG_NUMBER.sub(r"\1", found[0]), text[text.index("<svg") :])
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    element = re.sub(r"\n\s*", "\n", element)
    return element.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1)


def glue_colour(index: int) -> str:
    """Return the colour of the glue number `index` (from 0)."""
    return COLOURS[index % len(COLOURS)]

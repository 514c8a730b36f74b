"""Figures as SVG text: the same data give the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

__all__ = ["COLOURS", "drawing", "glue_colour", "svg_text"]

COLOURS = ("#1f5a8a", "#b5521b", "#3d7a4a", "#7a3d78", "#8a7a1f", "#4a4a4a")
_STYLE: Any = {  # matplotlib names every setting in its type
    "svg.fonttype": "none",  # text stays text: searchable, and a third of the size
    "svg.hashsalt": "linectl",
    "font.family": "sans-serif",
    "font.size": 8.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "path.simplify": True,
    "path.simplify_threshold": 0.3,
}


_LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")  # a hundredth of a point is finer than any eye; a third of the size


@contextmanager
def drawing(width_in: float, height_in: float) -> Iterator[Figure]:
    """Give a figure of this size (inches) in the report's style."""
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width_in, height_in), layout="constrained")


def svg_text(figure: Figure, label: str) -> str:
    """Return `figure` as an SVG element with `label` for those who cannot see it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    element = _LONG_NUMBER.sub(r"\1", text[text.index("<svg") :])
    return element.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def glue_colour(index: int) -> str:
    """Return the colour of the glue number `index` (from 0)."""
    return COLOURS[index % len(COLOURS)]

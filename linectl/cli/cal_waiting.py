"""Waiting for a reading to settle, as the person at the terminal sees it."""

from __future__ import annotations

import sys
from typing import Self

from linectl.cli.cal_text import short
from linectl.line.stability import Criterion
from linectl.model.lines import Tag
from linectl.server.calibrating import Seen
from linectl.words import decimal, number, tr

__all__ = ["WaitLine", "criterion_text"]


def criterion_text(criterion: Criterion, tag: Tag) -> str:
    """Return when a reading counts as stable."""
    drift, scatter, unit = criterion.drift, criterion.scatter, tag.unit
    if criterion.drift_share > 0.0:
        drift, scatter = 100.0 * criterion.drift_share, 100.0 * criterion.scatter_share
        unit = tr("% of itself")
    text = tr(
        "A reading is stable when over {window} s it changes by no more than {drift} {unit} and scatters by no more "
        "than {scatter} {unit}; it is waited for {within} s at most."
    )
    return text.format(
        window=number(criterion.window_s),
        within=number(criterion.within_s),
        drift=short(drift, 3),
        scatter=short(scatter, 3),
        unit=unit,
    )


class WaitLine:
    """One line that tells how far a reading has settled; on a terminal alone, wiped at the end of the block."""

    def __init__(self, criterion: Criterion, tag: Tag) -> None:
        self._criterion = criterion
        self._unit = tag.unit
        self._live = sys.stderr.isatty()

    def __enter__(self) -> Self:
        """Begin to show."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Wipe the line."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, seen: Seen) -> None:
        """Show what was seen."""
        if not self._live:
            return
        sys.stderr.write(f"\r{self._text(seen)}\x1b[K")
        sys.stderr.flush()

    def _text(self, seen: Seen) -> str:
        settled = seen.settled
        if settled is None:
            return tr("waiting, {s} s: {why}").format(s=round(seen.elapsed_s), why=seen.trouble or tr("nothing yet"))
        drift, scatter = self._criterion.limits(settled.mean)
        text = tr("{value} {unit}  change {drift} (≤ {most})  scatter {scatter} (≤ {wide})  {span} of {window} s")
        return text.format(
            value=short(settled.mean, 5),
            unit=self._unit,
            drift=decimal(settled.drift, 3),
            most=short(drift, 3),
            scatter=decimal(settled.scatter, 3),
            wide=short(scatter, 3),
            span=round(settled.span_s),
            window=round(max(self._criterion.window_s, settled.span_s)),
        )

"""The chart of a glue on the line as a figure: what each lot's rejects amount to, and the sum that speaks of them."""

from __future__ import annotations

from linectl.lab.monitoring.chart import Chart, ChartState
from linectl.lab.report.svg import COLOURS, drawing, localised, svg_text
from linectl.words import tr

__all__ = ["chart_svg"]

_MARKS = {ChartState.IN_CONTROL: ("o", 3.0), ChartState.WATCH: ("^", 4.0), ChartState.DISPROVED: ("s", 4.0)}
_NAMED = 24  # lots that are named at the axis: of more, every so many


def chart_svg(chart: Chart, *, names: bool = True) -> str:
    """Return the chart as SVG; without `names` lots are numbered."""
    numbers = list(range(1, len(chart.points) + 1))
    with drawing(7.2, 3.1) as figure:
        shares, sums = figure.subplots(2, 1, sharex=True)
        shares.plot(numbers, [100 * p.stuck for p in chart.points], color=COLOURS[0], lw=0.8)
        for state, (mark, size) in _MARKS.items():
            some = [(n, 100 * p.stuck) for n, p in zip(numbers, chart.points, strict=True) if p.state is state]
            if some:
                xs, ys = zip(*some, strict=True)
                shares.plot(xs, ys, ls="", marker=mark, ms=size, color=COLOURS[0])
        shares.axhline(100 * chart.expected.stuck, color=COLOURS[5], lw=0.8, ls="--", label=tr("predicted, at most"))
        shares.set_ylabel(tr("labels on, %"))
        sums.plot(numbers, [p.statistic for p in chart.points], color=COLOURS[0], lw=1.0, drawstyle="steps-mid")
        sums.plot(numbers, [p.limit for p in chart.points], color=COLOURS[1], lw=0.8, label=tr("suspended from here"))
        watch = [p.watch_limit for p in chart.points]
        sums.plot(numbers, watch, color=COLOURS[5], lw=0.8, ls=":", label=tr("watched from here"))
        sums.set_ylabel(tr("chart (CUSUM)"))
        sums.set_xlabel(tr("lot"))
        for axes in (shares, sums):
            axes.set_ylim(bottom=0)
            axes.grid(visible=True)
            axes.legend(loc="upper left", frameon=False)
        step = -(-len(numbers) // _NAMED)
        told = [p.lot.id for p in chart.points] if names else [str(n) for n in numbers]
        sums.set_xticks(numbers[::step], told[::step], rotation=45 if names else 0, ha="right" if names else "center")
        localised(shares)
        return svg_text(figure, tr("rejects on the line, lot by lot"))

"""What the line has answered to a GO, in words: its state, the lots that disproved it, the chart as text."""

from __future__ import annotations

from collections.abc import Iterator

from linectl.lab.monitoring.chart import Chart, ChartState, Disproof, Point, lots_until
from linectl.lab.monitoring.standing import LineAnswer
from linectl.lab.report.html import stamp
from linectl.words import decimal, ntr, number, tr

__all__ = [
    "answer_lines",
    "chart_rows",
    "foretold_sentence",
    "prediction_sentence",
    "state_word",
    "suspension_sentence",
]

_BAR = 20  # characters from 0 to the limit
_FEW = 8  # lots that are named; of more, the first and the last


def state_word(state: ChartState) -> str:
    """Return what a chart says, in the language in use."""
    words = {
        ChartState.IN_CONTROL: tr("as predicted"),
        ChartState.WATCH: tr("watched: more rejects than predicted"),
        ChartState.DISPROVED: tr("disproved"),
    }
    return words[state]


def answer_lines(answer: LineAnswer, *, names: bool = True) -> Iterator[str]:
    """Yield what the line says, one sentence a line; without `names` no lot is named."""
    if answer.suspended is not None:
        yield suspension_sentence(answer.suspended, names=names)
    if answer.suspended is None or len(answer.charts) > 1:
        yield _standing(answer.chart)
    for lift in answer.lifts:
        text = tr("lifted {at} by {by}: {reason}")
        yield text.format(at=stamp(lift.at_ns), by=lift.by, reason=lift.reason)
    if answer.elsewhere:
        text = ntr(
            "{count} lot was washed by another recipe: it does not count",
            "{count} lots were washed by another recipe: they do not count",
            answer.elsewhere,
        )
        yield text.format(count=answer.elsewhere)


def suspension_sentence(found: Disproof, *, names: bool = True) -> str:
    """Return what disproved a GO: lots, bottles, rejects, the bound and what was predicted."""
    text = tr(
        "the line disproves it: {rejects} of {bottles} bottles rejected in {lots}, washed {since} to {at}; about "
        "{share} % of the labels stay on, at least {lower} % ({confidence} % bound); the GO leaves room for "
        "{predicted} %"
    )
    lots = ntr("{count} lot", "{count} lots", len(found.lots)).format(count=len(found.lots))
    return text.format(
        rejects=found.rejects,
        bottles=found.bottles,
        lots=f"{lots} ({_named(found.lots)})" if names else lots,
        since=stamp(found.since_ns),
        at=stamp(found.at_ns),
        share=_percent(found.share),
        lower=_percent(found.lower),
        confidence=number(100 * found.confidence),
        predicted=_percent(found.predicted),
    )


def prediction_sentence(chart: Chart) -> str:
    """Return what is charted against: the share predicted, what it rests on, the camera and the rule."""
    expected, rule = chart.expected, chart.policy
    text = tr(
        "predicted: at most {stuck} % of the labels stay on ({removal} % off in the bath{corner}); lots differ by "
        "{sd} in ln t; the inspector misses {misses} % and throws out {false} % of clean bottles. Charted to find "
        "{multiple} times as many; a GO that holds is suspended in at most {alarm} % of all stretches of {bottles} "
        "bottles"
    )
    corner = tr(", {lower} % at the recipe's edge")
    return text.format(
        stuck=_percent(expected.stuck),
        removal=number(100 * expected.removal),
        corner="" if expected.corner_lower is None else corner.format(lower=decimal(100 * expected.corner_lower, 2)),
        sd=number(expected.spread.bath_sd),
        misses=number(100 * expected.inspector.misses),
        false=number(100 * expected.inspector.false_rejects),
        multiple=number(rule.multiple),
        alarm=number(100 * rule.alarm),
        bottles=rule.per_bottles,
    )


def foretold_sentence(chart: Chart) -> str:
    """Return how soon a chart of such lots speaks; "" before the first lot."""
    found = lots_until(chart)
    if not found:
        return ""
    each = tr("{lots} lots when {share} % of the labels stay on")
    told = ", ".join(each.format(lots=decimal(lots, 1), share=number(round(100 * s, 1))) for s, lots in found.items())
    text = tr("with lots of {bottles} bottles the line disproves it, on average, after {told}")
    return text.format(bottles=round(chart.bottles / len(chart.points)), told=told)


def chart_rows(chart: Chart, *, names: bool = True) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows of a chart as text: a lot a row, a bar that is full at the limit."""
    heads = [tr("lot"), tr("washed"), tr("bottles"), tr("rejected"), tr("labels on, %"), tr("chart"), tr("limit"), ""]
    rows = [_row(point, number_ if not names else "") for number_, point in _numbered(chart)]
    return heads, rows


def _numbered(chart: Chart) -> Iterator[tuple[str, Point]]:
    yield from ((str(k), point) for k, point in enumerate(chart.points, start=1))


def _row(point: Point, instead: str) -> list[str]:
    lot = point.lot
    return [
        instead or lot.id,
        stamp(lot.ended_ns),
        str(lot.bottles),
        str(lot.rejects),
        _percent(point.stuck),
        decimal(point.statistic, 2),
        decimal(point.limit, 2),
        _bar(point),
    ]


def _bar(point: Point) -> str:
    full = _BAR if point.limit <= 0 else min(_BAR, round(_BAR * point.statistic / point.limit))
    full = min(full, _BAR - 1) if point.state is not ChartState.DISPROVED else _BAR
    end = {ChartState.IN_CONTROL: "|", ChartState.WATCH: "| ?", ChartState.DISPROVED: "| !"}[point.state]
    return "#" * full + "." * (_BAR - full) + end


def _standing(chart: Chart) -> str:
    if not chart.points:
        return tr("the line: no lot washed since")
    last = chart.points[-1]
    text = tr("the line: {rejects} of {bottles} bottles rejected in {lots}: {state} (chart {value} of {limit})")
    return text.format(
        rejects=chart.rejects,
        bottles=chart.bottles,
        lots=ntr("{count} lot", "{count} lots", len(chart.points)).format(count=len(chart.points)),
        state=state_word(chart.state),
        value=decimal(last.statistic, 2),
        limit=decimal(last.limit, 2),
    )


def _named(lots: tuple[str, ...]) -> str:
    return ", ".join(lots) if len(lots) <= _FEW else f"{lots[0]}, {lots[1]}, …, {lots[-1]}"


def _percent(share: float) -> str:
    return decimal(100 * share, 2 if share < 0.1 else 1)

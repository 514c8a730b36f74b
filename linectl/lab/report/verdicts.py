"""Section 1: a box per glue with its verdict, and every criterion at every asked point; confirmations the same way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from linectl.lab.confirmation.evaluate import ConfirmationVerdict
from linectl.lab.report.confirmation import confirmation_rows, confirmation_sentence, confirmation_title
from linectl.lab.report.html import details, note, table
from linectl.lab.report.line_answer import answer_lines, chart_rows, foretold_sentence, prediction_sentence
from linectl.lab.report.line_chart import chart_svg
from linectl.lab.report.sentences import (
    family_name,
    reason_sentence,
    share_text,
    verdict_sentence,
    verdict_title,
)
from linectl.lab.report.terms import method_name, population_name, term_name
from linectl.lab.results import Analysis, Estimate, GlueResult, PointBound
from linectl.words import decimal, number, tr

__all__ = ["confirmation_boxes", "point_word", "verdict_boxes"]


def verdict_boxes(analysis: Analysis, name: Callable[[str], str]) -> str:
    """Return a box per glue with its criteria below it; `name` writes a glue for people."""
    return "".join(_box(result, analysis, name) for result in analysis.glues)


def confirmation_boxes(verdicts: Sequence[ConfirmationVerdict], *, lots: bool = True) -> str:
    """Return a box per registered confirmation, with every criterion and what the line has answered.

    Without `lots` no wash lot is named: they tell growers' deliveries.
    """
    heads = [tr("criterion"), tr("asked"), tr("found"), tr("state")]
    boxes = []
    for verdict in verdicts:
        head = _head(str(verdict.word), verdict.confirmation.glue, confirmation_title(verdict.word))
        text = confirmation_sentence(verdict)
        criteria = table(heads, confirmation_rows(verdict), css="criteria")
        boxes.append(f"{head}<p>{escape(text)}</p></div>{_line(verdict, lots=lots)}{criteria}")
    return "".join(f'<section class="glue">{box}</section>' for box in boxes)


def _line(verdict: ConfirmationVerdict, *, lots: bool) -> str:
    """Return what the line has answered: sentences, the chart, and its lots folded below."""
    answer = verdict.line
    if answer is None:
        return ""
    told = "".join(f"<p>{escape(line)}</p>" for line in answer_lines(answer, names=lots))
    drawn = [chart for chart in answer.charts if chart.points]
    charts = "".join(
        chart_svg(chart, names=lots)
        + details(tr("The lots of this chart"), table(*_without_bars(chart_rows(chart, names=lots)), css="criteria"))
        for chart in drawn
    )
    return told + charts + note(prediction_sentence(answer.chart)) + note(foretold_sentence(answer.chart))


def _without_bars(chart: tuple[list[str], list[list[str]]]) -> tuple[list[str], list[list[str]]]:
    heads, rows = chart
    return heads[:-1], [row[:-1] for row in rows]


def point_word(point: PointBound, soak_s: float) -> str:
    """Return how an asked point stands: passes, beyond, bound_fails (the estimate passes without it), open."""
    found = list(point.by_family.values())
    if any(each.value is None for each in found) or not found:
        return "no_number"
    if any(each.extrapolated for each in found):
        return "extrapolated"
    if all(each.upper is not None and each.upper <= soak_s for each in found):
        return "passes"
    if all(each.lower is not None and each.lower > soak_s for each in found):
        return "beyond"
    return "bound_fails" if all(each.value is not None and each.value <= soak_s for each in found) else "open"


def _head(word: str, glue: str, title: str) -> str:
    return f'<div class="verdict {word}"><b>{escape(glue)}</b><span>{escape(title)}</span>'


def _box(result: GlueResult, analysis: Analysis, name: Callable[[str], str]) -> str:
    decision = analysis.decision
    head = _head(str(result.verdict.word), name(result.glue), verdict_title(result.verdict))
    line = f"{head}<p>{escape(verdict_sentence(result, analysis))}</p></div>"
    heads = [
        tr("point"),
        tr("family"),
        tr("time for {share} off, min").format(share=share_text(decision.removal)),
        tr("bounds at {conf}, min").format(conf=share_text(decision.confidence)),
        tr("asked, min"),
        tr("margin, min"),
        tr("what follows"),
    ]
    rows = [row for point in result.points for row in _rows(point, decision.soak_s)]
    counts = tr(
        "{n} bottles in {baths} baths: {first} off at the first look, {between} between two looks, {still} still on."
    ).format(
        n=result.n_bottles, baths=result.n_baths, first=result.n_left, between=result.n_interval, still=result.n_right
    )
    criteria = table(heads, rows, css="criteria")
    return (
        f'<section class="glue">{line}{_next(result)}{criteria}{_how(result)}{_beside(result)}{note(counts)}</section>'
    )


def _next(result: GlueResult) -> str:
    """Return what would settle an open verdict, and what stands against a CANDIDATE."""
    verdict, told = result.verdict, []
    if verdict.bottles_needed is not None and verdict.where_c is not None:
        text = tr("About {n} more bottles would settle it, best at {temperature} °C and {naoh} % NaOH.")
        where = {"temperature": number(verdict.where_c), "naoh": number(verdict.where_naoh_pct or 0.0)}
        told.append(text.format(n=verdict.bottles_needed, **where))
    if verdict.hinders:
        reasons = "; ".join(reason_sentence(each) for each in verdict.hinders)
        told.append(tr("Against a CANDIDATE: {reasons}.").format(reasons=reasons))
    return "".join(note(text) for text in told)


def _beside(result: GlueResult) -> str:
    """Return the bounds that do not decide (typical bath, fit without baths) and the coolest temperatures."""
    rows: list[tuple[str, ...]] = []
    for point in result.points:
        for family in point.by_family:
            others = [each.get(family) for each in (point.conditional, point.profile)]
            if any(each is not None for each in others):
                rows.append((_where(point), family_name(family), *(_bounds(each) for each in others)))
    heads = [tr("point"), tr("family"), tr("typical bath, min"), tr("fit without baths, profile likelihood, min")]
    found = table(heads, rows, css="criteria") if rows else ""
    told = [
        tr("{family}, {naoh} % NaOH: {temperature} °C").format(
            family=family_name(family), naoh=number(coolest.naoh_pct), temperature=_degrees(estimate)
        )
        for coolest in result.coolest
        for family, estimate in coolest.by_family.items()
    ]
    if told:
        text = tr("Lowest temperature by the upper bound: {told}.")
        found += note(text.format(told="; ".join(told)))
    return details(tr("Beside what decides"), found) if found else ""


def _where(point: PointBound) -> str:
    return tr("{temperature} °C, {naoh} %").format(temperature=number(point.temperature_c), naoh=number(point.naoh_pct))


def _bounds(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "–" if estimate is None else reason_sentence(estimate.reason)
    return f"{_minutes(estimate.value)} [{_minutes(estimate.lower)}; {_minutes(estimate.upper)}]"


def _degrees(estimate: Estimate) -> str:
    return reason_sentence(estimate.reason) if estimate.value is None else decimal(estimate.value)


def _rows(point: PointBound, soak_s: float) -> list[tuple[str, ...]]:
    where = tr("{temperature} °C, {naoh} %").format(
        temperature=number(point.temperature_c), naoh=number(point.naoh_pct)
    )
    word = _point_text(point_word(point, soak_s))
    rows: list[tuple[str, ...]] = []
    for index, (family, estimate) in enumerate(point.by_family.items()):
        first = index == 0
        rows.append((where if first else "", family_name(family), *_figures(estimate, soak_s), word if first else ""))
    return rows


def _figures(estimate: Estimate, soak_s: float) -> tuple[str, str, str, str]:
    asked = decimal(soak_s / 60)
    if estimate.value is None:
        return reason_sentence(estimate.reason), "–", asked, "–"
    low, high = (_minutes(end) for end in (estimate.lower, estimate.upper))
    margin = "–" if estimate.upper is None else _signed((soak_s - estimate.upper) / 60)
    return _minutes(estimate.value), f"[{low}; {high}]", asked, margin


def _minutes(value_s: float | None) -> str:
    if value_s is None:
        return "–"
    return decimal(value_s / 60) if value_s < 6000 * 60 else tr("> 100 h")


def _signed(value: float) -> str:
    if value < -6000:
        return tr("< −100 h")
    return f"+{decimal(value)}" if value >= 0 else decimal(value).replace("-", "−")


def _point_text(word: str) -> str:
    texts = {
        "passes": tr("passes"),
        "beyond": tr("ruled out: the lower bound is beyond the soak"),
        "bound_fails": tr("the estimate passes, its bound does not: MORE BOTTLES"),
        "open": tr("open"),
        "extrapolated": tr("beyond what was tested: no verdict here"),
        "no_number": tr("no figure"),
    }
    return texts[word]


def _how(result: GlueResult) -> str:
    """Return how the bounds were found and what they are made of, each way told once."""
    ways = dict.fromkeys(text for point in result.points for each in point.by_family.values() if (text := _way(each)))
    found = note(tr("Bounds: {ways}.").format(ways="; ".join(ways))) if ways else ""
    names = list(dict.fromkeys(n for p in result.points for each in p.by_family.values() for n in each.terms))
    if not names:
        return found
    rows = [
        (
            tr("{temperature} °C, {naoh} %").format(
                temperature=number(point.temperature_c), naoh=number(point.naoh_pct)
            ),
            family_name(family),
            *(_term(each.terms.get(part), each.unit) for part in names),
        )
        for point in result.points
        for family, each in point.by_family.items()
        if each.terms
    ]
    heads = [tr("point"), tr("family"), *(term_name(part) for part in names)]
    return found + table(heads, rows, css="criteria") + note(tr("Parts of the bound's distance from the estimate."))


def _way(estimate: Estimate) -> str:
    if estimate.value is None:
        return ""
    told = [method_name(estimate.method)] if estimate.method else []
    if estimate.population:
        told.append(population_name(estimate.population))
    if estimate.replicates:
        text = tr("{replicates} replicates, {failed} failed")
        told.append(text.format(replicates=estimate.replicates, failed=estimate.failed))
    return ", ".join(told)


def _term(value: float | None, unit: str) -> str:
    """Return a part of a bound: of a time as a factor in per cent (it is on the log scale), else in its unit."""
    if value is None:
        return "–"
    return f"+{decimal(100 * math.expm1(value))} %" if unit == "s" else f"{decimal(value, 2)} {unit}".strip()

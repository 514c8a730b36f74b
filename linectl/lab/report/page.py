"""The report's page: its parts in the order in which a reader asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from linectl.lab.report import figures
from linectl.lab.report.sentences import (
    family_name,
    interval,
    reason_sentence,
    verdict_sentence,
    verdict_title,
)
from linectl.lab.results import Analysis, GlueResult
from linectl.model.records import Bottle, Run, Trial
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import decimal, language, tr

__all__ = ["render"]

_TEMPLATE = Path(__file__).with_name("page.html")


def render(reader: StoreReader, run: Run, analysis: Analysis) -> str:
    """Return the report of `run` as one HTML page that loads nothing from elsewhere."""
    trials, bottles = reader.trials(run.id), reader.bottles(run.id)
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        lang=language(),
        title=escape(tr("Test report {experiment}").format(experiment=analysis.experiment)),
        watermark=f'<div class="watermark">{tr("SIMULATION")}</div>' if run.simulated else "",
        verdicts=_verdicts(analysis),
        identity=_identity(run, analysis),
        release_title=tr("Label release"),
        release=figures.release_curves(analysis),
        release_note=_release_note(analysis),
        arrhenius_title=tr("Activation energy"),
        arrhenius=figures.arrhenius(analysis),
        energies=_energies(analysis),
        bath_title=tr("Bath"),
        bath=figures.bath_trace(reader, run, trials),
        baths=_baths(reader, run, trials),
        timeline_title=tr("Timeline"),
        timeline=figures.timeline(reader, run, trials),
        events=_events(reader, run),
        bottles_title=tr("Bottles"),
        bottles=_bottles(bottles),
        quality_title=tr("Data quality"),
        quality=_quality(reader, run, analysis),
        method_title=tr("Method"),
        method=_method(analysis),
        hashes_title=tr("Fingerprints"),
        hashes=_hashes(run, analysis),
    )


def _verdicts(analysis: Analysis) -> str:
    boxes = [
        f'<div class="verdict {result.verdict.word}"><b>{escape(result.glue)}</b>'
        f"<span>{verdict_title(result.verdict)}</span><p>{escape(verdict_sentence(result, analysis))}</p></div>"
        for result in analysis.glues
    ]
    return "".join(boxes)


def _identity(run: Run, analysis: Analysis) -> str:
    ended = tr("still open or interrupted") if run.exit_status is None else str(run.exit_status)
    rows = [
        (tr("run"), run.id),
        (tr("experiment"), analysis.experiment),
        (tr("line"), run.line),
        (tr("operator"), run.operator),
        (tr("started"), _time(run.started_ns)),
        (tr("ended"), f"{_time(run.ended_ns)} ({ended})" if run.ended_ns else ended),
        (tr("bottles"), str(sum(result.n_bottles for result in analysis.glues))),
        (tr("software"), f"linectl {run.version}"),
    ]
    if run.simulated:
        rows.append((tr("simulated, seed"), str(run.seed)))
    return _table([], rows)


def _release_note(analysis: Analysis) -> str:
    return escape(
        tr(
            "Steps: Turnbull estimate from the raw intervals (thin lines: last seen attached to first seen off; a "
            "triangle: still on at the end). Curves: lognormal fit on the measured bath through a glass lag of "
            "{tau} s, with its 95 % band."
        ).format(tau=decimal(analysis.glass.tau_glass_s, 0))
    )


def _energies(analysis: Analysis) -> str:
    rows = []
    for result in analysis.glues:
        for family, energy in result.activation_energy.items():
            without = result.activation_energy_no_lag.get(family)
            order = result.caustic_order.get(family)
            rows.append(
                (
                    result.glue,
                    family_name(family),
                    interval(energy),
                    interval(without) if without else "–",
                    interval(order, 2) if order else "–",
                    *_times(result, family),
                )
            )
    share = f"{100 * analysis.decision.removal:g} %"
    points = [
        f"{share}, {point.temperature_c:g} °C / {point.naoh_pct:g} % [min]"
        for point in (analysis.glues[0].points if analysis.glues else ())
    ]
    heads = [tr("glue"), tr("family"), tr("E, kJ/mol (95 %)"), tr("E without glass lag"), tr("caustic order"), *points]
    return _table(heads, rows)


def _times(result: GlueResult, family: str) -> list[str]:
    cells = []
    for point in result.points:
        estimate = point.by_family.get(family)
        if estimate is None or estimate.value is None:
            cells.append(reason_sentence(estimate.reason if estimate else "not_fitted"))
            continue
        low, high = ("–" if end is None else decimal(end / 60, 1) for end in (estimate.lower, estimate.upper))
        cells.append(f"{decimal(estimate.value / 60, 1)} [{low}; {high}]")
    return cells


def _baths(reader: StoreReader, run: Run, trials: Sequence[Trial]) -> str:
    rows = []
    for trial in trials:
        spread = figures.soak_temperatures(reader, run, trial)
        mean = decimal(sum(spread) / len(spread), 2) if spread else "–"
        span = f"{decimal(min(spread), 2)} – {decimal(max(spread), 2)}" if spread else "–"
        naoh = "–" if trial.naoh_measured_pct is None else decimal(trial.naoh_measured_pct, 2)
        rows.append(
            (str(trial.ord), _localised(str(trial.treatment)), str(trial.replicate), mean, span, naoh, str(trial.state))
        )
    heads = [
        tr("bath"),
        tr("treatment"),
        tr("replicate"),
        tr("mean °C"),
        tr("range °C"),
        tr("NaOH % measured"),
        tr("state"),
    ]
    return f"<details><summary>{tr('All baths')}</summary>{_table(heads, rows)}</details>"


def _bottles(bottles: Sequence[Bottle]) -> str:
    rows = []
    for bottle in bottles:
        last = _elapsed(bottle.inserted_ns, bottle.last_attached_ns)
        first = _elapsed(bottle.inserted_ns, bottle.first_detached_ns) or tr("still on")
        rows.append((bottle.label, bottle.glue, str(bottle.trial), str(bottle.position), last or "0", first))
    heads = [tr("bottle"), tr("glue"), tr("bath"), tr("position"), tr("last seen attached, s"), tr("first seen off, s")]
    return f"<details><summary>{tr('All bottles')} ({len(rows)})</summary>{_table(heads, rows)}</details>"


def _events(reader: StoreReader, run: Run) -> str:
    counts: dict[str, int] = {}
    for event in reader.events(run.id):
        counts[event.kind] = counts.get(event.kind, 0) + 1
    return _table([tr("event"), tr("count")], [(kind, str(count)) for kind, count in sorted(counts.items())])


def _quality(reader: StoreReader, run: Run, analysis: Analysis) -> str:
    series = reader.series(run.id, "bath.temperature")
    missing = sum(value is None for value in series.value)
    checks = reader.checks(run.id)
    missed = sum(check.attached is None for check in checks)
    flagged = [str(trial.ord) for trial in reader.trials(run.id) if trial.state == "flagged"]
    rows = [
        (tr("bath temperatures logged"), str(len(series.value))),
        (tr("of these without a value"), str(missing)),
        (tr("looks at bottles"), str(len(checks))),
        (tr("of these missed"), str(missed)),
        (tr("baths flagged"), ", ".join(flagged) or tr("none")),
    ]
    warnings = [*analysis.warnings, *(warning for result in analysis.glues for warning in result.warnings)]
    rows += [
        (tr("warning"), f"{warning.code} {reason_sentence(warning.code)} {warning.detail}".strip())
        for warning in warnings
    ]
    return _table([], rows)


def _method(analysis: Analysis) -> str:
    return escape(
        tr(
            "Each bottle gives an interval, each bath a trace. Per glue, a Weibull and a lognormal model are fitted by "
            "maximum likelihood on the equivalent soak time at 60 °C (Arrhenius, caustic as ln((c + 0.1)/1.6)), with "
            "left, interval and right censoring. Bounds of the {share} time are one-sided {conf} profile-likelihood "
            "bounds. CANDIDATE: the upper bound is within the soak asked in both families; NO-GO: the lower bound is "
            "beyond it at the hottest point asked, or nothing came off. A screening never answers GO: that needs a "
            "registered confirmation. linectl is not a safety system."
        ).format(share=f"{100 * analysis.decision.removal:g} %", conf=f"{100 * analysis.decision.confidence:g} %")
    )


def _hashes(run: Run, analysis: Analysis) -> str:
    rows = [(tr("data"), analysis.data_hash), (tr("configuration"), run.config_hash)]
    rows += [(name, version) for name, version in sorted(analysis.versions.items())]
    return _table([], rows).replace("<table>", '<table class="fingerprints">', 1)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "<tr>" + "".join(f"<th>{escape(text)}</th>" for text in heads) + "</tr>" if heads else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{head}{body}</table>"


def _elapsed(start_ns: int, end_ns: int | None) -> str:
    return "" if end_ns is None else decimal((end_ns - start_ns) / NS_PER_S, 1)


def _localised(text: str) -> str:
    return text.replace(".", ",") if language() == "fr" else text


def _time(ns: int) -> str:
    return datetime.fromtimestamp(ns / NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

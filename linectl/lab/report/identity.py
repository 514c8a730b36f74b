"""Section 2: what was tested, by whom, when, with which software and which calibrated sensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from linectl.lab.report.html import heading, stamp, table
from linectl.lab.report.record import RunRecord
from linectl.lab.report.terms import ending
from linectl.lab.results import Analysis
from linectl.model.records import Bottle
from linectl.words import number, tr

__all__ = ["identity_section"]

_ALWAYS = 5  # columns that are shown empty too: who reads the report must see that no lot was named

Row = tuple[str, str]


def identity_section(
    records: Sequence[RunRecord], analysis: Analysis, name: Callable[[str], str], *, makers: Mapping[str, str]
) -> str:
    """Return what is common, the glues, then each run; `makers` are the label makers that may be told (by glue)."""
    parts = [table([], _common(records, analysis)), _glues(records, analysis, name, makers)]
    for record in records:
        if len(records) > 1:
            parts.append(heading(tr("Run {run}").format(run=record.run.id)))
        parts.append(table([], _run(record)))
        parts.append(_calibrations(record))
    return "".join(parts)


def _common(records: Sequence[RunRecord], analysis: Analysis) -> list[Row]:
    questions = dict.fromkeys(r.experiment.question for r in records if r.experiment and r.run.definition)
    rows = [(tr("experiment"), analysis.experiment)] if analysis.experiment else []
    rows += [(tr("question"), text) for text in questions]
    rows.append((tr("runs"), ", ".join(record.run.id for record in records)))
    treatments = {trial.treatment for record in records for trial in record.trials}
    naoh = sorted({each.naoh_pct for each in treatments})
    temperatures = sorted({each.temperature_c for each in treatments})
    rows.append((tr("temperatures"), ", ".join(f"{number(value)} °C" for value in temperatures)))
    rows.append((tr("NaOH"), ", ".join(f"{number(value)} %" for value in naoh)))
    rows.append((tr("bottles"), str(sum(len(record.bottles) for record in records))))
    return rows


def _glues(
    records: Sequence[RunRecord], analysis: Analysis, name: Callable[[str], str], makers: Mapping[str, str]
) -> str:
    """Return each glue with its lots, label maker, paper, finish, age and bottle, and whether it is the reference."""
    references = {record.experiment.reference for record in records if record.experiment}
    rows = []
    for glue in dict.fromkeys(result.glue.partition(" · ")[0] for result in analysis.glues):  # varieties are one glue
        mine = [bottle for record in records for bottle in record.bottles if bottle.glue == glue]
        role = tr("reference") if glue in references else ""
        levels = (_levels(mine, factor) for factor in ("lot", "paper", "finish", "age", "bottle"))
        rows.append((name(glue), str(len(mine)), role, makers.get(glue, "–"), *levels))
    heads = [
        tr("glue"),
        tr("bottles"),
        tr("role"),
        tr("label maker"),
        tr("lot"),
        tr("paper"),
        tr("finish"),
        tr("label age"),
        tr("bottle model"),
    ]
    told = [column for column in range(len(heads)) if column < _ALWAYS or any(row[column] != "–" for row in rows)]
    return table([heads[column] for column in told], [[row[column] for column in told] for row in rows])


def _levels(bottles: Sequence[Bottle], factor: str) -> str:
    return ", ".join(sorted({bottle.factors[factor] for bottle in bottles if factor in bottle.factors})) or "–"


def _run(record: RunRecord) -> list[Row]:
    run = record.run
    status = ending(None if record.is_interrupted or run.exit_status is None else str(run.exit_status))
    if run.reason:
        status = f"{status}: {run.reason}"
    rows = [
        (tr("run"), run.id),
        (tr("line"), run.line),
        (tr("operator"), run.operator),
        (tr("second examiner"), _seconds(record)),
        (tr("started"), stamp(run.started_ns)),
        (tr("ended"), f"{stamp(run.ended_ns)} ({status})" if run.ended_ns else status),
        (tr("software"), f"linectl {run.version}"),
    ]
    if run.config_hash:
        rows.append((tr("experiment file, SHA-256"), run.config_hash))
    if run.calibration_hash:
        rows.append((tr("calibrations, SHA-256"), run.calibration_hash))
    rows += [(tr("measured: {name}").format(name=key), value) for key, value in _covariates(record)]
    if run.simulated:
        rows.append((tr("simulated"), tr("yes") if run.seed is None else tr("yes, seed {seed}").format(seed=run.seed)))
    return rows


def _seconds(record: RunRecord) -> str:
    return ", ".join(sorted({check.examiner for check in record.checks if check.examiner})) or "–"


def _covariates(record: RunRecord) -> list[Row]:
    """Return what was measured once for the run."""
    found = []
    for event in record.of_kind("covariate"):
        if event.data.get("per") == "run":
            value = event.data.get("value")
            told = number(float(value)) if isinstance(value, int | float) else str(value)
            found.append((str(event.data.get("name")), f"{told} {event.data.get('unit') or ''}".strip()))
    return found


def _calibrations(record: RunRecord) -> str:
    """Return each sensor's uncertainty and until when its calibration held."""
    rows = []
    for event in record.of_kind("calibrations"):
        sensors = event.data.get("sensors")
        for tag, known in sorted(sensors.items()) if isinstance(sensors, Mapping) else []:
            due = str(known.get("due", "–"))
            overdue = due != "–" and due < stamp(record.run.started_ns)[:10]
            rows.append(
                (
                    str(tag),
                    f"{number(float(known.get('u', 0.0)))} {known.get('unit', '')}".strip(),
                    str(known.get("done", "–")),
                    f"{due} ({tr('overdue')})" if overdue else due,
                    str(known.get("by", "")),
                    str(known.get("method", "")),
                )
            )
    if not rows:
        return ""
    heads = [tr("sensor"), tr("uncertainty (k = 1)"), tr("calibrated"), tr("due"), tr("by"), tr("method")]
    return table(heads, list(dict.fromkeys(rows)))

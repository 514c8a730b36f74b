"""A calibration as words for people and as data for machines."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from linectl.cli.output import table
from linectl.model.calibrations import Budget, Calibration, CalPoint, Curve, Record
from linectl.server.calibration_dates import Due
from linectl.words import ntr, number, tr

__all__ = [
    "curve_text",
    "declared_row",
    "due_as_data",
    "due_state",
    "kind_text",
    "list_row",
    "record_as_data",
    "record_text",
    "short",
]


def short(value: float, digits: int = 6) -> str:
    """Return a number as people read it, of so many digits."""
    return number(float(f"{value:.{digits}g}"))


def kind_text(record: Record) -> str:
    """Return what a calibration is: an offset, a gain, or a polynomial."""
    if record.method == "titration":
        return tr("titration factor")
    names = (tr("offset"), tr("offset and gain"), tr("polynomial of degree 2"), tr("polynomial of degree 3"))
    return names[min(record.degree, len(names) - 1)]


def curve_text(curve: Curve) -> str:
    """Return the formula of a curve."""
    powers = ("", " x", " x²", " x³")
    parts: list[str] = []
    for power, coefficient in enumerate(curve.coefficients):
        if coefficient == 0.0 and len(curve.coefficients) > 1:
            continue
        size = "" if power and abs(coefficient) == 1.0 else short(abs(coefficient))
        sign = ("-" if coefficient < 0.0 else "") if not parts else (" - " if coefficient < 0.0 else " + ")
        parts.append(f"{sign}{size}{powers[power] if size else powers[power].strip()}")
    return "".join(parts)


def record_text(record: Record) -> str:
    """Return a whole record: what it is, its points, its curve, how uncertain it is, and who made it."""
    lines = [
        tr("{what}: {text}").format(what=f"{record.tag} ({record.unit or '-'})", text=kind_text(record)),
        _points_table(record),
        *_samples(record),
        tr("corrected value = {formula}  (x: reading)").format(formula=curve_text(record.curve)),
        *_goodness(record),
        *_budget(record.budget, record.unit),
    ]
    if record.made:
        told = tr("made {made} by {who}, due {due}").format(made=record.made[:16], who=record.by or "-", due=record.due)
        lines.append(told)
    for name, text in ((tr("certificate"), record.certificate), (tr("note"), record.note)):
        if text:
            lines.append(tr("{what}: {text}").format(what=name, text=text))
    if record.simulated:
        lines.append(tr("made on a simulated line"))
    return "\n".join(lines)


def _points_table(record: Record) -> str:
    heads = [tr("point"), tr("reference"), tr("± (k = 1)"), tr("reading"), tr("scatter"), tr("readings")]
    heads += [tr("was off by"), tr("left over")]
    return table(heads, [_point_row(n, each, record.curve) for n, each in enumerate(record.points, 1)])


def _point_row(count: int, point: CalPoint, curve: Curve) -> list[str]:
    found = point.reading if point.found is None else point.found
    return [
        str(count),
        short(point.reference),
        short(point.u, 3),
        short(point.reading),
        short(point.scatter, 3),
        str(point.count),
        short(found - point.reference, 4),
        short(_residual(point, curve), 3),
    ]


def _residual(point: CalPoint, curve: Curve) -> float:
    """Return what is left at a point, without the last bits of the computer's arithmetic."""
    left = point.reference - curve(point.reading)
    return 0.0 if abs(left) < 1e-9 * max(1.0, abs(point.reference)) else left


def _samples(record: Record) -> list[str]:
    if not record.samples:
        return []
    heads = [tr("sample"), tr("mL"), tr("acid, mL"), tr("in all, mL"), tr("acid, mol/L"), tr("NaOH, %")]
    rows = [
        [
            str(n),
            short(each.sample_ml),
            short(each.acid_ml),
            "-" if each.total_ml is None else short(each.total_ml),
            short(each.normality),
            short(each.naoh_pct, 4),
        ]
        for n, each in enumerate(record.samples, 1)
    ]
    return [table(heads, rows)]


def _goodness(record: Record) -> list[str]:
    if record.r_squared is not None:
        return [tr("R² = {value}").format(value=number(float(f"{record.r_squared:.6f}")))]
    if record.method == "titration" or record.degree == 0:
        return []
    return [tr("no point is to spare: one more would show how good the curve is")]


def _budget(budget: Budget, unit: str) -> list[str]:
    parts = {
        tr("reference"): budget.reference,
        tr("scatter"): budget.scatter,
        tr("fit"): budget.fit,
        tr("resolution"): budget.resolution,
    }
    told = ", ".join(f"{name} {short(value, 2)}" for name, value in parts.items())
    whole = tr("uncertainty {u} {unit} (k = 1); 95 %: ± {wide} {unit} (k = {k})")
    return [
        whole.format(u=short(budget.u, 2), unit=unit, wide=short(budget.k * budget.u, 2), k=short(budget.k, 3)),
        tr("of which: {parts}").format(parts=told),
    ]


def record_as_data(record: Record, *, active: bool, kept: bool = True) -> dict[str, Any]:
    """Return a record for machines; what has no number yet (it was not kept) has version null."""
    data: dict[str, Any] = asdict(record)
    data["budget"] |= {
        "dof": record.budget.dof if math.isfinite(record.budget.dof) else None,
        "expanded": record.budget.k * record.budget.u,
    }
    data["curve"]["coefficients"] = list(record.curve.coefficients)
    data["points"] = [{**asdict(each), "residual": _residual(each, record.curve)} for each in record.points]
    data |= {"degree": record.degree, "active": active, "kept": kept}
    return data if kept else data | {"version": None, "sha256": None}


def due_state(due: Due, within_days: int) -> tuple[str, str]:
    """Return how urgent a calibration is: a machine word, and words for people."""
    if due.is_over:
        late = -due.days
        return "overdue", ntr("OVERDUE for {days} day", "OVERDUE for {days} days", late).format(days=late)
    if due.days <= within_days:
        return "soon", ntr("due in {days} day", "due in {days} days", due.days).format(days=due.days)
    return "ok", tr("valid, {days} days left").format(days=due.days)


def due_as_data(due: Due, within_days: int) -> dict[str, Any]:
    """Return how urgent a calibration is, for machines."""
    known = due.calibration
    return {"tag": known.tag, "due": known.due, "days": due.days, "state": due_state(due, within_days)[0]}


def list_row(record: Record, *, active: bool) -> list[str]:
    """Return the row of a record in `cal ls`."""
    state = tr("active") if active else "-"
    u = f"{short(record.budget.u, 2)} {record.unit}".strip()
    return [
        *(record.tag, str(record.version), state, record.made[:16]),
        *(record.due, u, kind_text(record), record.by or "-"),
    ]


def declared_row(known: Calibration) -> list[str]:
    """Return the row of what the line's calibration file says of a sensor, which corrects nothing."""
    u = f"{short(known.u, 2)} {known.unit}".strip()
    return [known.tag, "-", tr("line's file"), known.done, known.due, u, known.method or "-", known.by or "-"]

"""What must fit together across an experiment file: names, levels, the design, the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linectl.config.experiment_file import ExperimentFile, TreatmentFile
from linectl.config.experiment_units import check_units
from linectl.config.nodes import Document, Loc, where
from linectl.config.question_checks import check_covariates, check_questions
from linectl.config.schema import nearest
from linectl.model.experiments import BOTTLE_FACTORS, EXTRAPOLATION_K
from linectl.words import tr

__all__ = ["check_experiment"]

_PER_BATH = ("temperature_c", "naoh_pct", "agitation_pct")
_OPTIMAL = ("c_optimal", "compromise")
_BELONGS: Mapping[str, tuple[str, ...]] = {
    "baths": _OPTIMAL,
    "fraction": ("fractional",),
    "share": ("compromise",),
    "target_c": _OPTIMAL,
    "target_naoh_pct": _OPTIMAL,
    "table": ("table",),
}
"""Keys of `design` that only some kinds use."""


def check_experiment(file: ExperimentFile, document: Document) -> None:
    """Add to the document what does not fit together in the experiment."""
    check_units(file, document)
    for name in (*_PER_BATH, "glue", *BOTTLE_FACTORS):
        _unique(getattr(file.factors, name) or (), ("factors", name), document)
    _check_glues(file, document)
    _check_design(file, document)
    _check_times(file, document)
    _check_decision(file, document)
    check_covariates(file, document)
    check_questions(file, document)


def _check_glues(file: ExperimentFile, document: Document) -> None:
    glues = file.factors.glue
    if file.reference:
        _is_glue(file.reference, ("reference",), glues, document)
    for key in ("makers", "simulate_as"):
        for glue in getattr(file, key):
            _is_glue(glue, (key, glue), glues, document)
    if file.blind and len(glues) < 2:
        document.complain(("blind",), tr("one glue cannot be blinded: expected at least two"))
    count = file.glues_per_bath
    if count is None:
        return
    if count > len(glues):
        message = tr("{count} glues a bath, but the experiment has {glues}")
        document.complain(("glues_per_bath",), message.format(count=count, glues=len(glues)))
    elif file.reference and count < 2 <= len(glues):
        message = tr("the reference is in every bath: expected at least 2, or no other glue is ever tested")
        document.complain(("glues_per_bath",), message)


def _check_design(file: ExperimentFile, document: Document) -> None:
    design = file.design
    for key, kinds in _BELONGS.items():
        value = getattr(design, key)
        if value is not None and value != () and design.kind not in kinds:
            message = tr("`{key}` belongs to kind {kinds}, not {kind}")
            message = message.format(key=key, kinds=", ".join(kinds), kind=design.kind)
            document.complain(("design", key), message)
    levels = max(len(getattr(file.factors, key)) for key in _PER_BATH)
    if design.kind in _OPTIMAL and design.baths is not None and design.baths < levels:
        message = tr("{baths} baths cannot hold {levels} levels, each of them once")
        document.complain(("design", "baths"), message.format(baths=design.baths, levels=levels))
    if design.kind == "table":
        _check_table(file, document)
    _check_fraction(file, document)
    if design.centre is not None:
        _check_centre(file, design.centre, document)
    if design.target_c is not None:
        _tested([design.target_c], file.factors.temperature_c, ("design", "target_c"), document, EXTRAPOLATION_K)
    if design.target_naoh_pct is not None:
        _tested([design.target_naoh_pct], file.factors.naoh_pct, ("design", "target_naoh_pct"), document)


def _check_fraction(file: ExperimentFile, document: Document) -> None:
    factors = file.factors
    cells = len(factors.temperature_c) * len(factors.naoh_pct) * max(1, len(factors.agitation_pct))
    fraction = file.design.fraction
    if fraction is not None and file.design.kind == "fractional" and fraction > cells // 2:
        message = tr("one part in {fraction} of {cells} combinations leaves fewer than two baths")
        document.complain(("design", "fraction"), message.format(fraction=fraction, cells=cells))


def _check_table(file: ExperimentFile, document: Document) -> None:
    """Every figure of the table is a level of its factor, and every level stands in the table."""
    rows = file.design.table
    if not rows:
        document.complain(("design", "table"), tr("missing; kind table needs its rows"))
        return
    for key in _PER_BATH:
        levels = getattr(file.factors, key)
        strangers = [(number, getattr(row, key)) for number, row in enumerate(rows)]
        strangers = [(number, value) for number, value in strangers if value is not None and value not in levels]
        for number, value in strangers:
            message = tr("{value:g} is no level of factors.{key} ({levels})")
            shown = ", ".join(f"{level:g}" for level in levels) or tr("there are none")
            text = message.format(value=value, key=key, levels=shown)
            document.complain(("design", "table", number, key), text)
        if not strangers:
            _check_used(file, key, document)


def _check_used(file: ExperimentFile, key: str, document: Document) -> None:
    """Complain of levels that no row of the table has; a row without a stirrer has the usual one."""
    used = {getattr(row, key) for row in file.design.table}
    if key == "agitation_pct" and None in used:
        used.add(file.stirrer_pct)
    for number, level in enumerate(getattr(file.factors, key)):
        if level not in used:
            document.complain(("factors", key, number), tr("no bath of the table has {level:g}").format(level=level))


def _check_centre(file: ExperimentFile, centre: TreatmentFile, document: Document) -> None:
    for key in _PER_BATH:
        value = getattr(centre, key)
        levels = getattr(file.factors, key) or (file.stirrer_pct,)
        if value is not None and not min(levels) <= value <= max(levels):
            message = tr("the centre stands between the levels: expected {low:g} to {high:g}, not {value:g}")
            loc = ("design", "centre", key)
            _say_once(loc, message.format(low=min(levels), high=max(levels), value=value), document)


def _check_times(file: ExperimentFile, document: Document) -> None:
    if file.soak.check_s >= file.soak.cap_s:
        message = tr("a check every {check:g} s does not fit into a soak of {cap:g} s")
        _say_once(("soak", "check_s"), message.format(check=file.soak.check_s, cap=file.soak.cap_s), document)
    if file.stabilisation.hold_s > file.stabilisation.within_s:
        message = tr("{hold:g} s in the band cannot come within {within:g} s")
        values = {"hold": file.stabilisation.hold_s, "within": file.stabilisation.within_s}
        document.complain(("stabilisation", "hold_s"), message.format(**values))


def _check_decision(file: ExperimentFile, document: Document) -> None:
    decision = file.decision
    if decision.soak_s > file.soak.cap_s:
        message = tr("{soak:g} s is beyond the soak cap of {cap:g} s: nothing is seen there")
        _say_once(("decision", "soak_s"), message.format(soak=decision.soak_s, cap=file.soak.cap_s), document)
    place = ("decision", "temperatures_c")
    _tested(decision.temperatures_c, file.factors.temperature_c, place, document, EXTRAPOLATION_K)
    _tested(decision.naoh_pct, file.factors.naoh_pct, ("decision", "naoh_pct"), document)


def _is_glue(glue: str, loc: Loc, glues: Sequence[str], document: Document) -> None:
    if glue not in glues:
        message = tr("is no glue of this experiment; {nearest}").format(nearest=nearest(glue, glues))
        document.complain(loc, message if loc[-1] == glue else f"{glue} {message}")


def _unique(levels: Sequence[float | str], loc: Loc, document: Document) -> None:
    for number, level in enumerate(levels):
        if level in levels[:number]:
            document.complain((*loc, number), tr("{level} is given twice").format(level=level))


def _tested(asked: Sequence[float], levels: Sequence[float], loc: Loc, document: Document, beyond: float = 0.0) -> None:
    """Complain of each asked figure that is more than `beyond` outside the levels: nothing is known there."""
    low, high = min(levels), max(levels)
    for number, value in enumerate(asked):
        if low - beyond <= value <= high + beyond:
            continue
        message = tr("{value:g} is outside what is tested ({low:g} to {high:g}): no extrapolation")
        if beyond:
            message = tr("{value:g} is outside what is tested ({low:g} to {high:g}) by more than {beyond:g} K: refused")
        place = loc if loc[-1] in {"target_c", "target_naoh_pct"} else (*loc, number)
        _say_once(place, message.format(value=value, low=low, high=high, beyond=beyond), document)


def _say_once(loc: Loc, message: str, document: Document) -> None:
    """Complain, unless something is already said of that place: a wrong unit explains the rest."""
    if not any(problem.where == where(loc) for problem in document.problems):
        document.complain(loc, message)

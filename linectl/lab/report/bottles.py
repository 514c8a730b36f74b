"""Section 7: every bottle, as it was seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from linectl.lab.report.html import details, table
from linectl.lab.report.record import RunRecord
from linectl.lab.report.terms import mode_name
from linectl.model.records import Bottle
from linectl.units import NS_PER_S
from linectl.words import decimal, number, tr

__all__ = ["bottles_section"]

_FIRST = ("lot", "paper", "finish", "age", "bottle")


def bottles_section(record: RunRecord, name: Callable[[str], str]) -> str:
    """Return the table of one run's bottles; columns that no bottle fills are left out."""
    factors = _factors(record.bottles)
    scored = any(bottle.mode or bottle.residue_pct is not None for bottle in record.bottles)
    heads = [tr("bottle"), tr("glue"), tr("bath"), tr("position"), tr("last seen on, s"), tr("first seen off, s")]
    heads += [tr("mode"), tr("residue, %")] if scored else []
    heads += [_factor_name(factor) for factor in factors]
    treatments = {trial.ord: trial.treatment for trial in record.trials}
    rows = []
    for bottle in record.bottles:
        treatment = treatments[bottle.trial]
        bath = f"{bottle.trial} ({number(treatment.temperature_c)} °C, {number(treatment.naoh_pct)} %)"
        row = [bottle.label, name(bottle.glue), bath, str(bottle.position), *_seen(bottle)]
        row += [mode_name(bottle.mode) or "–", _residue(bottle)] if scored else []
        rows.append([*row, *(bottle.factors.get(factor, "–") for factor in factors)])
    summary = tr("All bottles ({count})").format(count=len(rows))
    return details(summary, table(heads, rows, css="bottles"))


def _seen(bottle: Bottle) -> tuple[str, str]:
    last_ns, off_ns = bottle.last_attached_ns, bottle.first_detached_ns
    last = "0" if last_ns is None else decimal((last_ns - bottle.inserted_ns) / NS_PER_S, 0)
    return last, tr("still on") if off_ns is None else decimal((off_ns - bottle.inserted_ns) / NS_PER_S, 0)


def _residue(bottle: Bottle) -> str:
    return "–" if bottle.residue_pct is None else decimal(bottle.residue_pct)


def _factors(bottles: Sequence[Bottle]) -> list[str]:
    """Return the factors that bottles bear, those of the design first."""
    borne = {factor for bottle in bottles for factor in bottle.factors}
    return [factor for factor in _FIRST if factor in borne] + sorted(borne.difference(_FIRST))


def _factor_name(word: str) -> str:
    names = {
        "lot": tr("lot"),
        "paper": tr("paper"),
        "finish": tr("finish"),
        "age": tr("label age"),
        "bottle": tr("bottle model"),
    }
    return names.get(word, word)

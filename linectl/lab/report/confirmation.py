"""A confirmation's verdict in words: the word, then every criterion with its threshold and what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from linectl.lab.confirmation.evaluate import ConfirmationVerdict, Criterion, CriterionCode
from linectl.lab.results import VerdictWord
from linectl.words import decimal, number, tr, with_comma

__all__ = ["confirmation_lines", "criterion_name", "criterion_state"]


def criterion_name(code: CriterionCode) -> str:
    """Return what `code` judges, in the language in use."""
    names = {
        CriterionCode.REGISTERED: tr("rule registered before the first bottle, unchanged"),
        CriterionCode.REMOVAL: tr("labels stuck, by the registered rule"),
        CriterionCode.BATHS: tr("baths"),
        CriterionCode.LOTS: tr("lots of glue"),
        CriterionCode.RESIDUE: tr("glue left on the bottle"),
        CriterionCode.AGED: tr("aged labels (sun, 90 % humidity)"),
        CriterionCode.HOLDING: tr("holds in cold water"),
        CriterionCode.CORNER: tr("released at the recipe's worst corner, lower bound"),
        CriterionCode.HYGIENE: tr("hygiene floor of the recipe"),
        CriterionCode.GLASS: tr("steepest temperature step for the glass"),
        CriterionCode.MODE: tr("labels come off whole"),
    }
    return names[code]


def criterion_state(criterion: Criterion) -> str:
    """Return how a criterion stands, in the language in use."""
    if criterion.refuted:
        return tr("refuted")
    if criterion.passed is None:
        return tr("not measured yet")
    return tr("passed") if criterion.passed else tr("missed")


def confirmation_lines(verdict: ConfirmationVerdict) -> Iterator[str]:
    """Yield the lines that a terminal shows."""
    point = verdict.confirmation
    words = {
        VerdictWord.GO: "GO",
        VerdictWord.NO_GO: "NO-GO",
        VerdictWord.MORE_BOTTLES: tr("MORE BOTTLES"),
    }
    head = tr("{name}: {word} for {glue} at {temperature} °C, {naoh} % NaOH, {soak} s")
    yield head.format(
        name=point.id,
        word=words[verdict.word],
        glue=point.glue,
        temperature=number(point.temperature_c),
        naoh=number(point.naoh_pct),
        soak=number(point.soak_s),
    )
    for criterion in verdict.criteria:
        text = tr("  {name}: {state} (asked {threshold}; found {measured})")
        yield text.format(
            name=criterion_name(criterion.code),
            state=criterion_state(criterion),
            threshold=with_comma(criterion.threshold),
            measured=with_comma(criterion.measured),
        )
    text = tr("  {stuck} of {bottles} stuck in {baths} baths; upper bound {bound} %, alike within a bath: {rho}")
    rho = tr("no spread seen") if verdict.correlation is None else decimal(verdict.correlation, 3)
    yield text.format(
        stuck=verdict.stuck,
        bottles=verdict.bottles,
        baths=verdict.baths,
        bound=decimal(100 * verdict.upper_stuck_share, 2),
        rho=rho,
    )
    if verdict.bottles_missing:
        yield tr("  {missing} more bottles end the next stage").format(missing=verdict.bottles_missing)

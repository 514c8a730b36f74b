"""A confirmation's verdict in words: the word, then every criterion with its threshold and what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator

from linectl.lab.confirmation.evaluate import ConfirmationVerdict, Criterion, CriterionCode
from linectl.lab.report.line_answer import answer_lines
from linectl.lab.results import VerdictWord
from linectl.words import decimal, number, tr, with_comma

__all__ = [
    "confirmation_lines",
    "confirmation_rows",
    "confirmation_sentence",
    "confirmation_title",
    "criterion_name",
    "criterion_state",
    "criterion_text",
]


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


def criterion_text(code: CriterionCode, text: str) -> str:
    """Return a criterion's threshold or figure (machine-made, English) in the language in use; lots stay as named."""
    if code is CriterionCode.LOTS:
        return text
    phrases = {
        "before the first bottle": tr("before the first bottle"),
        "changed after the first bottle": tr("changed after the first bottle"),
        "not watched to the end": tr("not watched to the end"),
        "at the interlock edge": tr("at the interlock edge"),
        "all bottles": tr("all bottles"),
        "scored": tr("scored"),
        "pulped": tr("pulped"),
        "runs": tr("runs"),
        "of": tr("of"),
        "or": tr("or"),
    }
    pattern = r"\b(" + "|".join(sorted(map(re.escape, phrases), key=len, reverse=True)) + r")\b"
    told = re.sub(pattern, lambda found: phrases[found[0]], text)
    return with_comma(told.replace(">=", "≥").replace("<=", "≤"))


def confirmation_title(word: VerdictWord) -> str:
    """Return the verdict's word as a title: GO, NO-GO, MORE BOTTLES (« ENCORE DES BOUTEILLES »), SUSPENDED."""
    words = {
        VerdictWord.GO: "GO",
        VerdictWord.NO_GO: "NO-GO",
        VerdictWord.MORE_BOTTLES: tr("MORE BOTTLES"),
        VerdictWord.SUSPENDED: tr("SUSPENDED"),
    }
    return words[word]


def confirmation_sentence(verdict: ConfirmationVerdict) -> str:
    """Return the confirmed point, the rule, and what was counted."""
    point = verdict.confirmation
    text = tr(
        "confirmation {name} at {temperature} °C, {naoh} % NaOH, {soak} s by rule {rule}, applied as {applied}: "
        "{stuck} of {bottles} stuck in {baths} baths"
    )
    return text.format(
        name=point.id,
        temperature=number(point.temperature_c),
        naoh=number(point.naoh_pct),
        soak=number(point.soak_s),
        rule=point.rule,
        applied=point.applied,
        stuck=verdict.stuck,
        bottles=verdict.bottles,
        baths=verdict.baths,
    )


def confirmation_rows(verdict: ConfirmationVerdict) -> list[tuple[str, str, str, str]]:
    """Return every criterion as name, threshold, figure and state, then the bound and what is missing."""
    rows = [
        (
            criterion_name(each.code),
            criterion_text(each.code, each.threshold),
            criterion_text(each.code, each.measured),
            criterion_state(each),
        )
        for each in verdict.criteria
    ]
    most = f"≤ {decimal(100 * (1 - verdict.confirmation.removal), 1)} %"
    bound = f"{decimal(100 * verdict.upper_stuck_share, 2)} %"
    rows.append((tr("share stuck, upper bound with baths that differ"), most, bound, ""))
    rho = tr("no spread seen") if verdict.correlation is None else decimal(verdict.correlation, 3)
    rows.append((tr("alike within a bath (intracluster correlation)"), "–", rho, ""))
    if verdict.bottles_missing:
        rows.append((tr("bottles to the end of the next stage"), "–", str(verdict.bottles_missing), ""))
    return rows


def confirmation_lines(verdict: ConfirmationVerdict) -> Iterator[str]:
    """Yield the lines that a terminal shows."""
    point = verdict.confirmation
    head = tr("{name}: {word} for {glue} at {temperature} °C, {naoh} % NaOH, {soak} s")
    yield head.format(
        name=point.id,
        word=confirmation_title(verdict.word),
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
            threshold=criterion_text(criterion.code, criterion.threshold),
            measured=criterion_text(criterion.code, criterion.measured),
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
    if verdict.line is not None:
        yield from (f"  {line}" for line in answer_lines(verdict.line))

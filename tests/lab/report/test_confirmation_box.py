"""A confirmation's box: every criterion with its threshold, in both languages."""

from __future__ import annotations

from linectl import words
from linectl.lab.confirmation.evaluate import Bath, CriterionCode, Evidence, evaluate
from linectl.lab.report.confirmation import criterion_text
from linectl.lab.report.verdicts import confirmation_boxes
from linectl.model.confirmations import Confirmation

POINT = Confirmation(
    id="C1",
    glue="pvoh",
    lots=("L1", "L2"),
    temperature_c=65.0,
    naoh_pct=1.5,
    soak_s=900.0,
    agitation_pct=50.0,
    removal=0.99,
    confidence=0.95,
    rule="299/0",
    applied="320/0",
    bath_sd=0.2,
    sigma=0.35,
    per_bath=20,
    cooler_k=0.5,
    recipe="",
    screening_runs=("R1",),
    verdict_hash="ab",
    registered_by="op1",
    registered_ns=1,
)
BATHS = [Bath("R2", number, 20, 0, scored=20) for number in range(1, 5)]


def test_every_criterion_stands_in_the_box() -> None:
    verdict = evaluate(POINT, Evidence(main=BATHS, hashes=[POINT.sha256()]))
    shown = confirmation_boxes([verdict])
    assert 'class="verdict more_bottles"' in shown
    assert "MORE BOTTLES" in shown
    assert shown.count("<tr>") == 1 + len(CriterionCode) + 3
    assert "320/0" in shown
    assert "240" in shown  # bottles to the end of the stage
    assert "not measured yet" in shown


def test_no_registered_confirmation_no_box() -> None:
    assert confirmation_boxes([]) == ""


def test_figures_are_told_in_the_language_in_use() -> None:
    text = "F 5.2 min (at the interlock edge 4.1), A0 700 s"
    assert criterion_text(CriterionCode.HYGIENE, text) == text
    words.use("fr")
    try:
        assert "5,2" in criterion_text(CriterionCode.HYGIENE, text)
        assert criterion_text(CriterionCode.LOTS, "Lot 1.5 of") == "Lot 1.5 of"
    finally:
        words.use("en")

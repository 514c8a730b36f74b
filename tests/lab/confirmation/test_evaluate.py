"""A confirmation's verdict: every criterion measured and passed, or no GO."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.errors import StoreError
from linectl.lab.confirmation.counts import bath_counts, bottle_outcome
from linectl.lab.confirmation.evaluate import Bath, CriterionCode, Evidence, evaluate, intracluster
from linectl.lab.confirmation.registry import SET_RECORDED, Register, registered_event
from linectl.lab.results import VerdictWord
from linectl.model.confirmations import Confirmation, ConfirmationSet, set_of
from linectl.model.records import Bottle, Event, Treatment, Trial
from linectl.units import s_to_ns

POINT = Confirmation(
    id="C1", glue="jura", lots=("L1",), temperature_c=60, naoh_pct=1.5, soak_s=600, agitation_pct=50, removal=0.99,
    confidence=0.95, rule="628/2", applied="640/2", bath_sd=0.0, sigma=0.35, per_bath=20, cooler_k=0.3,
    recipe="cool_wash", screening_runs=("r1",), verdict_hash="ab", registered_by="op", registered_ns=1,
)  # fmt: skip


def baths(count: int, stuck: dict[int, int] | None = None, **other: int) -> list[Bath]:
    found = stuck or {}
    return [
        Bath("r2", ord_, 20, found.get(ord_, 0), **({"scored": 20} | other), lots=("L1",))
        for ord_ in range(1, count + 1)
    ]


GOOD = Evidence(
    main=baths(32), aged=baths(3), holding=[Bath("op", 0, 59, 0)], corner_lower=0.98, hygiene_f_min=5.4,
    hygiene_a0_s=304.0, hygiene_edge_f_min=3.2, glass_step_k=20.0, glass_limit_k=35.0, hashes=(POINT.sha256(),),
)  # fmt: skip


def word(evidence: Evidence) -> VerdictWord:
    return evaluate(POINT, evidence).word


def test_everything_measured_and_passed_is_go() -> None:
    verdict = evaluate(POINT, GOOD)
    assert verdict.word is VerdictWord.GO
    assert len(verdict.criteria) == len(CriterionCode)
    assert (verdict.bottles, verdict.stuck, verdict.baths, verdict.bottles_missing) == (640, 0, 32, 0)
    assert verdict.upper_stuck_share < 0.01


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"main": baths(31)}, CriterionCode.REMOVAL),
        ({"main": baths(32, {4: 3})}, CriterionCode.REMOVAL),  # a missed plan is not yet NO-GO
        ({"main": [replace(each, scored=19) for each in baths(32)]}, CriterionCode.RESIDUE),
        ({"main": baths(32, residue=1)[:1] + baths(32)[1:]}, CriterionCode.RESIDUE),
        ({"main": [replace(each, lots=()) for each in baths(32)]}, CriterionCode.LOTS),
        ({"main": [Bath("r2", 1, 640, 0, scored=640, lots=("L1",))]}, CriterionCode.BATHS),
        ({"main": baths(32, pulped=2)}, CriterionCode.MODE),
        ({"aged": []}, CriterionCode.AGED),
        ({"aged": baths(2)}, CriterionCode.AGED),
        ({"holding": []}, CriterionCode.HOLDING),
        ({"holding": [Bath("op", 0, 59, 1)]}, CriterionCode.HOLDING),
        ({"corner_lower": 0.96}, CriterionCode.CORNER),
        ({"corner_lower": None}, CriterionCode.CORNER),
        ({"hygiene_f_min": 3.2}, CriterionCode.HYGIENE),
        ({"hygiene_f_min": None}, CriterionCode.HYGIENE),
        ({"glass_step_k": 36.0}, CriterionCode.GLASS),
        ({"hashes": ()}, CriterionCode.REGISTERED),
        ({"hashes": (POINT.sha256(), "another")}, CriterionCode.REGISTERED),
    ],
)
def test_one_criterion_open_or_missed_keeps_go_away(change: dict[str, object], code: CriterionCode) -> None:
    verdict = evaluate(POINT, replace(GOOD, **change))  # type: ignore[arg-type]
    assert verdict.word is VerdictWord.MORE_BOTTLES
    assert [criterion.code for criterion in verdict.criteria if not criterion.passed] == [code]


def test_heat_alone_carries_the_hygiene_too() -> None:
    assert word(replace(GOOD, hygiene_f_min=0.0, hygiene_a0_s=650.0)) is VerdictWord.GO


@pytest.mark.parametrize(
    "change",
    [
        {"main": baths(15, {1: 4, 2: 3})},  # 7 of 300
        {"main": [*baths(3, {1: 7}), Bath("r2", 4, 0, 0, lots=("L1",))]},
        {"aged": baths(3, {1: 7})},
        {"holding": [Bath("op", 0, 59, 7)]},
    ],
)
def test_what_a_good_glue_would_not_show_is_no_go(change: dict[str, object]) -> None:
    found = evaluate(POINT, replace(GOOD, **change))  # type: ignore[arg-type]  # a field of Evidence each
    assert found.word is VerdictWord.NO_GO


@pytest.mark.parametrize(("count", "word"), [(31, VerdictWord.MORE_BOTTLES), (1, VerdictWord.NO_GO)])
def test_residue_refutes_by_its_share_of_the_bottles_scored(count: int, word: VerdictWord) -> None:
    main = [replace(baths(1)[0], residue=4), *baths(count)[1:]]  # 4 of 620 refute nothing, 4 of 20 do
    assert evaluate(POINT, replace(GOOD, main=main)).word is word


def test_a_chain_passes_at_its_stage_in_the_order_of_baths() -> None:
    chain = replace(POINT, applied="380/0->500/1")
    removal = {c.code: c for c in evaluate(chain, replace(GOOD, main=baths(19), hashes=())).criteria}
    assert removal[CriterionCode.REMOVAL].passed is True
    late = evaluate(chain, replace(GOOD, main=baths(20, {2: 1}), hashes=()))
    assert late.bottles_missing == 100
    passed_before = evaluate(chain, replace(GOOD, main=baths(25, {24: 1, 25: 1}), hashes=()))
    assert {c.code: c.passed for c in passed_before.criteria}[CriterionCode.REMOVAL] is True


def test_likeness_within_baths_is_found() -> None:
    assert intracluster(baths(20)) is None
    assert intracluster(baths(20, {3: 20})) == pytest.approx(1.0, abs=0.05)
    spread = intracluster(baths(20, dict.fromkeys(range(1, 21), 1)))
    assert spread == 0.0


def test_the_register_tells_what_was_first_and_what_stands() -> None:
    events = [registered_event(POINT)]
    assert Register.of(events).present == POINT
    changed = replace(POINT, rule="299/0", applied="300/0", registered_ns=9)
    by_hand = Event(12, SET_RECORDED, {"kind": "holding", "bottles": 59, "failed": 1, "by": "op"}, "C1")
    entry = Register.of([*events, registered_event(changed, changed=True), by_hand])
    assert (entry.first, entry.present, entry.changed) == (POINT, changed, (9,))
    assert entry.by_hand[0].failed == 1
    assert entry.present.sha256() != entry.first.sha256()
    assert replace(POINT, registered_ns=5, registered_by="x").sha256() == POINT.sha256()
    with pytest.raises(StoreError):
        Register.of([by_hand])


def bottle(last_s: float | None, off_s: float | None, **other: object) -> Bottle:
    return Bottle(
        "r", 1, f"b{last_s}{off_s}", 1, "jura", 0, None if last_s is None else s_to_ns(last_s),
        None if off_s is None else s_to_ns(off_s), **other,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_bottle_counts_when_it_was_watched_to_the_end() -> None:
    assert bottle_outcome(bottle(100, 115), 600) is False
    assert bottle_outcome(bottle(585, 600), 600) is False
    assert bottle_outcome(bottle(595, 610), 600) is True  # off between the looks around the end: unfavourable
    assert bottle_outcome(bottle(600, None), 600) is True
    assert bottle_outcome(bottle(500, None), 600) is None
    assert bottle_outcome(bottle(None, None), 600) is None


def test_a_bath_is_counted_for_its_glue_alone() -> None:
    trial = Trial("r", 1, Treatment(59.7, 1.5), 1)
    scored = {"residue_pct": 2.0, "mode": "pulped", "factors": {"lot": "L1"}}
    mine = [bottle(100, 115, **scored), bottle(600, None), bottle(50, None)]
    other = replace(bottle(600, None), glue="casein")
    (found,) = bath_counts("r", [trial], [*mine, other], POINT)
    assert found == Bath("r", 1, bottles=2, stuck=1, scored=1, residue=1, pulped=1, unwatched=1, lots=("L1",))
    assert set_of("C1/aged") == ("C1", ConfirmationSet.AGED)

"""From a registered confirmation and what was counted to GO, NO-GO or MORE BOTTLES, each criterion with its numbers.

GO needs every criterion measured and passed. What was not measured is MORE BOTTLES, never a silent pass; so is a
missed plan. NO-GO needs proof: so many labels stuck, or so many bottles with residue, that a good glue would show them
less often than 1 - confidence. A rule changed after the first bottle voids GO.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from linectl.lab.confirmation.rules import Rule, failure_proved, parse_rule, upper_bound
from linectl.lab.results import VerdictWord
from linectl.model.confirmations import Confirmation

if TYPE_CHECKING:
    from linectl.lab.monitoring.standing import LineAnswer

__all__ = ["Bath", "ConfirmationVerdict", "Criterion", "CriterionCode", "Evidence", "evaluate", "intracluster"]

_RESIDUE_SHARE = 0.05  # glue left on more than this share of bottles is NO-GO
_CORNER = 0.97  # released at the recipe's worst corner


class CriterionCode(StrEnum):
    """What is judged; machine words."""

    REGISTERED = "registered"
    REMOVAL = "removal"
    BATHS = "baths"
    LOTS = "lots"
    RESIDUE = "residue"
    AGED = "aged"
    HOLDING = "holding"
    CORNER = "corner"
    HYGIENE = "hygiene"
    GLASS = "glass"
    MODE = "mode"


@dataclass(frozen=True, slots=True)
class Bath:
    """One bath of a set: `bottles` watched to the end of the soak, `stuck` of them.

    `scored` bottles were looked at for residue, `residue` of them were above the limit, `pulped` labels came off in
    pieces; `unwatched` bottles were not seen to the end and do not count.
    """

    run: str
    trial: int
    bottles: int
    stuck: int
    scored: int = 0
    residue: int = 0
    pulped: int = 0
    unwatched: int = 0
    lots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known beside the register: baths in the order in which they were run, and the line recipe's figures.

    `corner_lower`: lower bound of the share released at the recipe's worst corner. `hygiene_f_min`, `hygiene_a0_s` and
    `hygiene_edge_f_min`: the recipe's meters, nominal and at its interlock edge. `glass_step_k`: its steepest step and
    `glass_limit_k` what it may be. None: not computed. `hashes`: of the registration, as each run of it carried it.
    """

    main: Sequence[Bath] = ()
    aged: Sequence[Bath] = ()
    holding: Sequence[Bath] = ()
    corner_lower: float | None = None
    hygiene_f_min: float | None = None
    hygiene_a0_s: float | None = None
    hygiene_edge_f_min: float | None = None
    glass_step_k: float | None = None
    glass_limit_k: float | None = None
    hashes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: the threshold and what was measured, as numbers in words; `passed` None: not measured (yet).

    `refuted`: the measurement proves that the glue does not meet it.
    """

    code: CriterionCode
    threshold: str
    measured: str
    passed: bool | None
    refuted: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmationVerdict:
    """The word with everything that led to it. `bottles_missing`: of the main set, to the end of the next stage.

    `line` is what the line has said since, None before its first lot; a GO that it disproved is SUSPENDED.
    """

    word: VerdictWord
    confirmation: Confirmation
    criteria: tuple[Criterion, ...]
    bottles: int
    stuck: int
    baths: int
    upper_stuck_share: float
    correlation: float | None
    bottles_missing: int
    void: bool = False
    line: LineAnswer | None = None


def evaluate(present: Confirmation, evidence: Evidence) -> ConfirmationVerdict:
    """Return the verdict on `present`, as it stands in the register."""
    bottles, stuck = sum(b.bottles for b in evidence.main), sum(b.stuck for b in evidence.main)
    correlation = intracluster(evidence.main)
    removal, missing = _removal(present, evidence.main)
    void = any(carried != present.sha256() for carried in evidence.hashes)
    criteria = (
        _registered(present, evidence, void=void),
        removal,
        _at_least(CriterionCode.BATHS, present.min_baths, len(evidence.main)),
        _lots(present, evidence.main),
        _residue(present, evidence.main),
        _set(CriterionCode.AGED, present.aged_rule, present, evidence.aged),
        _set(CriterionCode.HOLDING, present.holding_rule, present, evidence.holding),
        _corner(evidence),
        _hygiene(evidence),
        _glass(evidence),
        _mode(evidence.main),
    )
    return ConfirmationVerdict(
        word=_word(criteria),
        confirmation=present,
        criteria=criteria,
        bottles=bottles,
        stuck=stuck,
        baths=len(evidence.main),
        upper_stuck_share=_upper(present, bottles, stuck, correlation),
        correlation=correlation,
        bottles_missing=missing,
        void=void,
    )


def intracluster(baths: Sequence[Bath]) -> float | None:
    """Return the correlation of two labels of one bath (analysis of variance, at least 0); None without spread."""
    bottles, stuck, k = sum(b.bottles for b in baths), sum(b.stuck for b in baths), len(baths)
    if k < 2 or bottles <= k or not 0 < stuck < bottles:
        return None
    mean = stuck / bottles
    between = sum(b.bottles * (b.stuck / b.bottles - mean) ** 2 for b in baths if b.bottles) / (k - 1)
    within = sum(b.stuck * (1 - b.stuck / b.bottles) for b in baths if b.bottles) / (bottles - k)
    size = (bottles - sum(b.bottles**2 for b in baths) / bottles) / (k - 1)
    return max(0.0, (between - within) / (between + (size - 1) * within)) if between + within > 0 else None


def _word(criteria: Sequence[Criterion]) -> VerdictWord:
    if any(criterion.refuted for criterion in criteria):
        return VerdictWord.NO_GO
    return VerdictWord.GO if all(criterion.passed for criterion in criteria) else VerdictWord.MORE_BOTTLES


def _removal(present: Confirmation, baths: Sequence[Bath]) -> tuple[Criterion, int]:
    """Judge the main set by the applied rule; stages are looked at as their bottles come in, in the order of baths."""
    rule = parse_rule(present.applied)
    passed, bottles, stuck = _by_rule(rule, baths)
    due = [s.bottles for s in rule.stages if bottles < s.bottles and stuck <= s.stuck_allowed]
    missing = max(0, due[0] - bottles) if passed is None and due else 0
    refuted = failure_proved(bottles, stuck, present.removal, present.confidence) and not passed
    unwatched = sum(bath.unwatched for bath in baths)
    told = f"{bottles}/{stuck}" + (f" (+{unwatched} not watched to the end)" if unwatched else "")
    return Criterion(CriterionCode.REMOVAL, str(rule), told, passed, refuted), missing


def _by_rule(rule: Rule, baths: Sequence[Bath]) -> tuple[bool | None, int, int]:
    """Return whether `rule` was passed or failed (None: neither yet) as baths came in, and bottles and stuck in all."""
    passed: bool | None = None
    bottles = stuck = 0
    for bath in baths:
        bottles, stuck = bottles + bath.bottles, stuck + bath.stuck
        if passed is None and any(bottles >= s.bottles and stuck <= s.stuck_allowed for s in rule.stages):
            passed = True
        if passed is None and stuck > rule.stages[-1].stuck_allowed:
            passed = False
    return passed, bottles, stuck


def _upper(present: Confirmation, bottles: int, stuck: int, correlation: float | None) -> float:
    if not bottles:
        return 1.0
    effect = 1.0 + (present.per_bath - 1) * (correlation or 0.0)
    return upper_bound(bottles / effect, stuck / effect, present.confidence)


def _registered(present: Confirmation, evidence: Evidence, *, void: bool) -> Criterion:
    ran = len(evidence.hashes)
    told = "changed after the first bottle" if void else f"{present.sha256()[:12]}, {ran} runs"
    return Criterion(CriterionCode.REGISTERED, "before the first bottle", told, None if not ran else not void)


def _at_least(code: CriterionCode, wanted: int, found: int) -> Criterion:
    return Criterion(code, f">= {wanted}", str(found), True if found >= wanted else None)


def _lots(present: Confirmation, baths: Sequence[Bath]) -> Criterion:
    seen = {lot for bath in baths for lot in bath.lots}
    wanted = set(present.lots)
    told = ", ".join(sorted(seen)) or "-"
    return Criterion(CriterionCode.LOTS, ", ".join(sorted(wanted)), told, True if wanted <= seen else None)


def _residue(present: Confirmation, baths: Sequence[Bath]) -> Criterion:
    scored, above = sum(b.scored for b in baths), sum(b.residue for b in baths)
    due = sum(b.bottles - b.stuck for b in baths)  # a label still on hides what is under it
    refuted = failure_proved(scored, above, 1.0 - _RESIDUE_SHARE, present.confidence)
    passed = None if scored < due or not due else above == 0
    told = f"{above} of {scored} scored"
    return Criterion(CriterionCode.RESIDUE, f"<= {present.residue_max_pct:g} %, all bottles", told, passed, refuted)


def _set(code: CriterionCode, text: str, present: Confirmation, baths: Sequence[Bath]) -> Criterion:
    rule = parse_rule(text)
    passed, bottles, stuck = _by_rule(rule, baths)
    refuted = failure_proved(bottles, stuck, 0.95, present.confidence)
    return Criterion(code, str(rule), f"{bottles}/{stuck}", passed, refuted)


def _corner(evidence: Evidence) -> Criterion:
    lower = evidence.corner_lower
    told = "-" if lower is None else f"{lower:.4f}"
    return Criterion(CriterionCode.CORNER, f">= {_CORNER:g}", told, None if lower is None else lower >= _CORNER)


def _hygiene(evidence: Evidence) -> Criterion:
    f_min, a0_s, edge = evidence.hygiene_f_min, evidence.hygiene_a0_s, evidence.hygiene_edge_f_min
    if f_min is None or a0_s is None or edge is None:
        return Criterion(CriterionCode.HYGIENE, "F >= 5 min or A0 >= 600 s", "-", None)
    told = f"F {f_min:.1f} min (at the interlock edge {edge:.1f}), A0 {a0_s:.0f} s"
    return Criterion(CriterionCode.HYGIENE, "F >= 5 min or A0 >= 600 s", told, f_min >= 5.0 or a0_s >= 600.0)


def _glass(evidence: Evidence) -> Criterion:
    step, limit = evidence.glass_step_k, evidence.glass_limit_k
    if step is None or limit is None:
        return Criterion(CriterionCode.GLASS, "-", "-", None)
    return Criterion(CriterionCode.GLASS, f"<= {limit:g} K", f"{step:.1f} K", step <= limit)


def _mode(baths: Sequence[Bath]) -> Criterion:
    """Labels that fall to pulp block spray nozzles: at most 5 % of those scored."""
    scored, pulped = sum(b.scored for b in baths), sum(b.pulped for b in baths)
    passed = None if not scored else pulped <= _RESIDUE_SHARE * scored
    return Criterion(CriterionCode.MODE, "pulped <= 5 %", f"{pulped} of {scored}", passed)

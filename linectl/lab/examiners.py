"""Two examiners: how far the looks of a second person agree with those that decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from linectl.model.records import Check

__all__ = ["Agreement", "agreement"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """`n` labels were looked at by two persons, who agreed on `agreed` of them: the `share`, and Cohen's kappa.

    Both are None without a pair; kappa is None as well where chance alone would agree always (both saw nothing but
    attached labels, say).
    """

    n: int
    agreed: int
    share: float | None
    kappa: float | None


def agreement(checks: Iterable[Check]) -> Agreement:
    """Return how far second examiners agree with the looks that decide, over checks that both of them made.

    Kappa is (p_o - p_e) / (1 - p_e) with p_e from each one's own share of attached labels (J. Cohen, "A coefficient
    of agreement for nominal scales", Educational and Psychological Measurement 20, 1960, 37-46).
    """
    first: dict[tuple[str, int, str, int], bool] = {}
    others: list[tuple[tuple[str, int, str, int], bool]] = []
    for check in checks:
        if check.attached is None:
            continue
        key = (check.run, check.trial, check.bottle, check.planned_ns)
        if check.examiner:
            others.append((key, check.attached))
        else:
            first[key] = check.attached
    pairs = [(first[key], seen) for key, seen in others if key in first]
    if not pairs:
        return Agreement(0, 0, None, None)
    n = len(pairs)
    agreed = sum(one is other for one, other in pairs)
    one_on, other_on = sum(one for one, _ in pairs) / n, sum(other for _, other in pairs) / n
    chance = one_on * other_on + (1.0 - one_on) * (1.0 - other_on)
    share = agreed / n
    return Agreement(n, agreed, share, (share - chance) / (1.0 - chance) if chance < 1.0 else None)

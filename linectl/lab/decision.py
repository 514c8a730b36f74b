"""The screening's verdict on one glue: candidate, no-go, or more bottles.

CANDIDATE names the coolest asked point at which the upper one-sided bound of the release time is within the soak, in
every family fitted. NO-GO: at the hottest asked temperature the lower bound lies beyond the soak in every family, or
nothing came off there. All else is MORE BOTTLES: an estimate that passes without its bound is not a pass. A glue with
too few releases for a fit has no time at all; it is judged by counting: when so many labels were still on after the
soak that a glue with the wanted removal would show it less often than 1 - confidence (exact binomial), the lower
bound of its time is beyond the soak (2 stuck of 24, 3 of 48, 4 of 96 for 99 % at 95 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.special import bdtrc

from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.results import PointBound, Verdict, VerdictWord
from linectl.model.experiments import Decision

__all__ = ["Count", "asked_points", "count_stuck", "decide"]

_SAME_TEMPERATURE_K = 2.5  # a cell this near the asked temperature answers for it
_SAME_NAOH_PCT = 0.15
_NEARLY_THE_SOAK = 0.95  # a label last looked at so near the end of the soak was still on at its end


@dataclass(frozen=True, slots=True)
class Count:
    """At one asked point: bottles watched through the soak or released before its end, and how many of them stuck."""

    bottles: int
    stuck: int

    def proves_failure(self, removal: float, confidence: float) -> bool:
        """Tell whether so many stuck labels rule out that a share of `removal` comes off, at `confidence`."""
        if not self.stuck:
            return False
        return float(bdtrc(self.stuck - 1, self.bottles, 1.0 - removal)) <= 1.0 - confidence


def asked_points(decision: Decision) -> list[tuple[float, float]]:
    """Return the asked points (°C, % NaOH), coolest first, at one temperature the weakest first."""
    return [(t, c) for t in sorted(set(decision.temperatures_c)) for c in sorted(set(decision.naoh_pct))]


def count_stuck(data: ReleaseData, temperature_c: float, naoh_pct: Iterable[float], soak_s: float) -> Count:
    """Count the bottles of `data` in the cells near an asked point; off around the soak's end counts as in time."""
    concentrations = tuple(naoh_pct)
    bottles = stuck = 0
    for row in data.records:
        near = abs(row.temperature_c - temperature_c) <= _SAME_TEMPERATURE_K
        if not near or all(abs(row.naoh_pct - c) > _SAME_NAOH_PCT for c in concentrations):
            continue
        still_on = row.lo_s >= _NEARLY_THE_SOAK * soak_s
        if still_on or math.isfinite(row.hi_s):
            bottles += 1
            stuck += still_on
    return Count(bottles, stuck)


def decide(decision: Decision, points: Sequence[PointBound], data: ReleaseData) -> Verdict:
    """Return the verdict on the glue of `data`, with `points` the bounds at every asked point, coolest first."""
    passing = next((p for p in points if _passes(p, decision.soak_s)), None)
    if passing is not None:
        return _verdict(VerdictWord.CANDIDATE, "passes", decision, passing, _largest_upper(passing))
    hottest = [p for p in points if p.temperature_c == max(q.temperature_c for q in points)]
    if hottest and all(_beyond(p, decision.soak_s) for p in hottest):
        nearest = min(hottest, key=lambda p: _smallest_lower(p) or math.inf)
        return _verdict(VerdictWord.NO_GO, "beyond_cap", decision, nearest, _smallest_lower(nearest))
    if any(estimate.value is not None for p in points for estimate in p.by_family.values()):
        nearest = min(hottest, key=lambda p: _largest_upper(p) or math.inf)
        return _verdict(VerdictWord.MORE_BOTTLES, "open", decision, nearest, _largest_upper(nearest))
    return _by_counting(decision, data)


def _by_counting(decision: Decision, data: ReleaseData) -> Verdict:
    temperature_c = max(decision.temperatures_c)
    naoh = set(decision.naoh_pct)
    counts = [count_stuck(data, temperature_c, (c,), decision.soak_s) for c in naoh]
    failed = all(count.proves_failure(decision.removal, decision.confidence) for count in counts)
    if not failed:
        return Verdict(VerdictWord.MORE_BOTTLES, "not_fitted", soak_s=decision.soak_s)
    released = any(math.isfinite(row.hi_s) for row in data.records)
    reason = "beyond_cap" if released else "nothing_released"
    return Verdict(VerdictWord.NO_GO, reason, temperature_c, max(naoh), soak_s=decision.soak_s)


def _passes(point: PointBound, soak_s: float) -> bool:
    estimates = point.by_family.values()
    return bool(estimates) and all(e.upper is not None and e.upper <= soak_s and not e.extrapolated for e in estimates)


def _beyond(point: PointBound, soak_s: float) -> bool:
    estimates = point.by_family.values()
    return bool(estimates) and all(e.lower is not None and e.lower > soak_s and not e.extrapolated for e in estimates)


def _largest_upper(point: PointBound) -> float | None:
    values = [estimate.upper for estimate in point.by_family.values() if estimate.upper is not None]
    return max(values) if values and len(values) == len(point.by_family) else None


def _smallest_lower(point: PointBound) -> float | None:
    values = [estimate.lower for estimate in point.by_family.values() if estimate.lower is not None]
    return min(values) if values and len(values) == len(point.by_family) else None


def _verdict(word: VerdictWord, reason: str, decision: Decision, point: PointBound, bound_s: float | None) -> Verdict:
    return Verdict(word, reason, point.temperature_c, point.naoh_pct, bound_s, decision.soak_s)

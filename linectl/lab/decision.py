"""The screening's verdict on one glue: candidate, no-go, or more bottles.

CANDIDATE names the coolest asked point at which the upper one-sided bound of the release time is within the soak, in
the family that fits best and, unless its criterion (AIC) is worse by 10 or more, in the other; on at least 8 baths,
without a share of labels that never comes off, and not by extrapolation. NO-GO: at the hottest asked temperature the
lower bound lies beyond the soak in every family, or nothing came off there. All else is MORE BOTTLES, with how many
and where: an estimate that passes without its bound is not a pass. A glue with too few releases for a fit, or with a
plateau, has no time at all; it is judged by counting: when so many labels were still on after the soak that a glue
with the wanted removal would show it less often than 1 - confidence (exact binomial), the lower bound of its time is
beyond the soak (2 stuck of 24, 3 of 48, 4 of 96 for 99 % at 95 %).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from scipy.special import bdtrc

from linectl.lab.kinetics.calibration import SAMPLING
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.results import Estimate, PointBound, Verdict, VerdictWord
from linectl.model.experiments import Decision

__all__ = ["FEW_BATHS", "UNDECIDED_AIC", "Count", "Standing", "asked_points", "count_stuck", "decide"]

FEW_BATHS = 8
"""With fewer baths there is no CANDIDATE: bottles of one bath are no replicates of it."""
UNDECIDED_AIC = 10.0
"""A criterion worse by so much or more takes a family out of the decision."""
_MOST_BOTTLES = 100_000
_DIGITS = 6  # of what is said: the last digits of an optimum go with the order of rows
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a glue's fits stand: the criterion of each family that was fitted, and whether labels may stick for good.

    `plateau`: a share that never comes off shows, and it may be more than the removal asked leaves.
    """

    aic: Mapping[str, float] = field(default_factory=dict)
    plateau: bool = False

    def deciding(self, point: PointBound) -> list[Estimate]:
        """Return the bounds at `point` that decide: the best family's, and those of the families not clearly worse."""
        best = min((self.aic[family] for family in point.by_family if family in self.aic), default=0.0)
        families = [family for family in point.by_family if self.aic.get(family, best) - best < UNDECIDED_AIC]
        return [point.by_family[family] for family in families]


def decide(
    decision: Decision, points: Sequence[PointBound], data: ReleaseData, standing: Standing | None = None
) -> Verdict:
    """Return the verdict on the glue of `data`, with `points` the bounds at every asked point, coolest first."""
    known = standing or Standing()
    passing = next((p for p in points if _passes(known.deciding(p), decision.soak_s)), None)
    few = len(data.baths) < FEW_BATHS
    if passing is not None and not few and not known.plateau:
        upper = _largest_upper(known.deciding(passing))
        return _verdict(VerdictWord.CANDIDATE, "passes", decision, passing, upper)
    hottest = [p for p in points if p.temperature_c == max(q.temperature_c for q in points)]
    if hottest and all(_beyond(p, decision.soak_s) for p in hottest):
        nearest = min(hottest, key=lambda p: _smallest_lower(p) or math.inf)
        return _verdict(VerdictWord.NO_GO, "beyond_cap", decision, nearest, _smallest_lower(nearest))
    has_time = any(estimate.value is not None for p in points for estimate in p.by_family.values())
    counted = _by_counting(decision, data)
    if not has_time or (known.plateau and counted.word is VerdictWord.NO_GO):
        open_plateau = known.plateau and counted.word is VerdictWord.MORE_BOTTLES
        verdict = replace(counted, reason="plateau") if open_plateau else counted
    else:
        nearest = passing or min(hottest, key=lambda p: _largest_upper(known.deciding(p)) or math.inf)
        upper = _largest_upper(known.deciding(nearest))
        verdict = _verdict(VerdictWord.MORE_BOTTLES, "open", decision, nearest, upper)
    if verdict.word is VerdictWord.MORE_BOTTLES:
        return _with_wants(verdict, decision, points, data, known)
    return verdict


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


def _with_wants(
    verdict: Verdict, decision: Decision, points: Sequence[PointBound], data: ReleaseData, standing: Standing
) -> Verdict:
    """Return `verdict` with what hinders it, how many bottles more it takes and where they tell most."""
    widest = max(points, key=lambda p: (_width(standing.deciding(p)), p.temperature_c, p.naoh_pct))
    return replace(
        verdict,
        bottles_needed=_needed(decision, points, data, standing),
        where_c=widest.temperature_c,
        where_naoh_pct=widest.naoh_pct,
        hinders=tuple(_hinders(decision, points, data, standing)),
    )


def _hinders(decision: Decision, points: Sequence[PointBound], data: ReleaseData, standing: Standing) -> Iterable[Code]:
    if len(data.baths) < FEW_BATHS:
        yield Code.FEW_BATHS
    if standing.plateau:
        yield Code.PLATEAU
    every = [estimate for point in points for estimate in standing.deciding(point)]
    if any(e.extrapolated and e.upper is not None and e.upper <= decision.soak_s for e in every):
        yield Code.EXTRAPOLATED
    halves = [[_within(e, decision.soak_s) for e in standing.deciding(point)] for point in points]
    if any(any(half) and not all(half) for half in halves):
        yield Code.FAMILY_UNDECIDED
    yield from sorted({Code(e.reason) for e in every if e.value is None and e.reason in list(Code)} - {Code.PLATEAU})


def _needed(decision: Decision, points: Sequence[PointBound], data: ReleaseData, standing: Standing) -> int | None:
    """Return how many bottles more may end it, by the shrinking of the sampling part, in whole baths; None: no number.

    A point whose estimate is within the soak may pass; when there is none, the hottest may prove beyond it. Where there
    is no time at all, the count of stuck labels decides.
    """
    baths, bottles = max(len(data.baths), 1), len(data)
    per_bath = max(1, round(bottles / baths))
    least = max(0, FEW_BATHS - len(data.baths)) * per_bath
    if standing.plateau or not any(e.value is not None for p in points for e in standing.deciding(p)):
        more = _needed_to_count(decision, data)
    else:
        factors = [_factor(standing.deciding(point), decision.soak_s) for point in points]
        known = [factor for factor in factors if factor is not None]
        more = math.ceil(bottles * (min(known) - 1.0)) if known else None
    if more is None or more > _MOST_BOTTLES:
        return None
    return math.ceil(max(more, least, 1) / per_bath) * per_bath


def _factor(estimates: Sequence[Estimate], soak_s: float) -> float | None:
    """Return by how much the bottles must be multiplied until the point passes, or is beyond, in all `estimates`."""
    found = [_factor_of(estimate, soak_s) for estimate in estimates]
    known = [factor for factor in found if factor is not None]
    sides = {e.value <= soak_s for e in estimates if e.value is not None}
    return max(known) if known and len(known) == len(found) and len(sides) == 1 else None


def _factor_of(estimate: Estimate, soak_s: float) -> float | None:
    if estimate.value is None or estimate.extrapolated:
        return None
    end = estimate.upper if estimate.value <= soak_s else estimate.lower
    if end is None:
        return None
    room = math.log(soak_s / estimate.value)
    distance = math.log(end / estimate.value)
    fixed = sum(part**2 for name, part in estimate.terms.items() if name != SAMPLING)
    left = room**2 - fixed
    if left <= 0:
        return None
    return max(1.0, max(0.0, distance**2 - fixed) / left)


def _needed_to_count(decision: Decision, data: ReleaseData) -> int | None:
    """Return how many bottles more, with labels stuck as often as so far, prove failure at the hottest asked point.

    Without a stuck label: how many, all off, would show the removal asked.
    """
    hottest = max(decision.temperatures_c)
    counts = [count_stuck(data, hottest, (c,), decision.soak_s) for c in set(decision.naoh_pct)]
    count = min(counts, key=lambda each: each.bottles)
    if not count.stuck:
        shown = math.ceil(math.log(1.0 - decision.confidence) / math.log(decision.removal))
        return max(0, shown - count.bottles)
    share = count.stuck / count.bottles
    if share <= 1.0 - decision.removal:
        return None
    wanted = count.bottles
    while not Count(wanted, math.floor(share * wanted)).proves_failure(decision.removal, decision.confidence):
        wanted += 1
        if wanted > _MOST_BOTTLES:
            return None
    return wanted - count.bottles


def _width(estimates: Sequence[Estimate]) -> float:
    """Return the width of the widest interval on ln t; infinite where a bound is missing."""
    if any(e.lower is None or e.upper is None for e in estimates):
        return math.inf
    widths = [math.log(e.upper / e.lower) for e in estimates if e.lower and e.upper]
    return round(max(widths), _DIGITS) if widths else math.inf


def _within(estimate: Estimate, soak_s: float) -> bool:
    return estimate.upper is not None and estimate.upper <= soak_s


def _passes(estimates: Sequence[Estimate], soak_s: float) -> bool:
    return bool(estimates) and all(_within(e, soak_s) and not e.extrapolated for e in estimates)


def _beyond(point: PointBound, soak_s: float) -> bool:
    estimates = point.by_family.values()
    return bool(estimates) and all(e.lower is not None and e.lower > soak_s and not e.extrapolated for e in estimates)


def _largest_upper(estimates: Sequence[Estimate]) -> float | None:
    values = [estimate.upper for estimate in estimates if estimate.upper is not None]
    return max(values) if values and len(values) == len(estimates) else None


def _smallest_lower(point: PointBound) -> float | None:
    values = [estimate.lower for estimate in point.by_family.values() if estimate.lower is not None]
    return min(values) if values and len(values) == len(point.by_family) else None


def _verdict(word: VerdictWord, reason: str, decision: Decision, point: PointBound, bound_s: float | None) -> Verdict:
    bound_s = None if bound_s is None else round(bound_s, _DIGITS)
    return Verdict(word, reason, point.temperature_c, point.naoh_pct, bound_s, decision.soak_s)

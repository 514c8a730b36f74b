"""The chart of one glue: lots in the order in which they came out, a cumulative sum, and the moment it disproves a GO.

Each lot adds the log of how much likelier its rejects are when `multiple` times the predicted share of labels stays on
than of the nearest glue that keeps the prediction. The sum never falls below 0. At its limit it disproves the
prediction; from a lower limit on it is watched. The bound told is the chart turned round: the largest share that a
chart drawn against it would have disproved by the same lot. While a glue's lots average less, no more than `alarm` of
all stretches of `per_bottles` bottles end in a bound above its share, at whatever lot one looks; so it never lies below
the prediction that the chart disproves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

from linectl.lab.monitoring.counts import Expected, LotCount, log_chances
from linectl.lab.monitoring.limits import Scheme, decision_limit, lot_size, mean_lots

__all__ = ["Chart", "ChartState", "Disproof", "Point", "Policy", "chart_of", "lots_until", "lowest_stuck"]

_HIGHEST = 0.95  # a share out of control is never assumed above this
_STEP = 1.3  # the bound is searched in such steps, and then to a twentieth


class ChartState(StrEnum):
    """What a chart says; machine words."""

    IN_CONTROL = "in_control"
    WATCH = "watch"
    DISPROVED = "disproved"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a chart is drawn: out of control is `multiple` times the predicted share of labels that stay on.

    `alarm` is the chance to disprove a good GO within `per_bottles` bottles, `watch` that of watching one.
    """

    multiple: float = 5.0
    alarm: float = 0.05
    watch: float = 0.5
    per_bottles: int = 100_000

    def ill(self, expected: Expected) -> float:
        """Return the share of labels on that the chart is to find."""
        return min(_HIGHEST, self.multiple * expected.stuck)


@dataclass(frozen=True, slots=True)
class Point:
    """One lot on the chart: what it adds (`score`), the sum after it, the limits then, and what they say of it.

    `stuck` is the share of labels on that its rejects amount to, the inspector's own errors taken off. `run_from` is
    the index of the first lot since the sum stood at 0.
    """

    lot: LotCount
    score: float
    statistic: float
    limit: float
    watch_limit: float
    stuck: float
    run_from: int
    state: ChartState


@dataclass(frozen=True, slots=True)
class Disproof:
    """What disproved a GO: the lots since the chart stood at 0, their bottles and rejects, and the bound.

    `since_ns`: when the first of them came out; `at_ns`: when the last did, by which it was proved. `lower` is the
    lower bound of the share of labels on at `confidence`, `share` the estimate in these lots, `predicted` the most that
    the GO left room for.
    """

    since_ns: int
    at_ns: int
    lots: tuple[str, ...]
    bottles: int
    rejects: int
    lower: float
    share: float
    predicted: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole of it. `disproof` stays, whatever later lots are like: a chart does not forgive by itself."""

    glue: str
    state: ChartState
    expected: Expected
    policy: Policy
    points: tuple[Point, ...]
    disproof: Disproof | None = None

    @property
    def bottles(self) -> int:
        """The bottles of all lots."""
        return sum(point.lot.bottles for point in self.points)

    @property
    def rejects(self) -> int:
        """What the inspector threw out of them."""
        return sum(point.lot.rejects for point in self.points)

    @property
    def stuck(self) -> float | None:
        """The share of labels on in all lots, the inspector's errors taken off; None without a bottle."""
        return self.expected.stuck_of(self.rejects / self.bottles) if self.bottles else None


def chart_of(glue: str, lots: Iterable[LotCount], expected: Expected, policy: Policy | None = None) -> Chart:
    """Return the chart of `lots` of `glue`; lots without a bottle are left out, the others ordered by their end."""
    rule = policy or Policy()
    ordered = _ordered(lots)
    points = _points(ordered, expected, rule)
    first = next((k for k, point in enumerate(points) if point.state is ChartState.DISPROVED), None)
    if first is None:
        return Chart(glue, points[-1].state if points else ChartState.IN_CONTROL, expected, rule, points)
    disproof = _disproof(ordered[: first + 1], points[first].run_from, expected, rule)
    return Chart(glue, ChartState.DISPROVED, expected, rule, points, disproof)


def lowest_stuck(lots: Iterable[LotCount], expected: Expected, policy: Policy | None = None) -> float:
    """Return the largest share of labels on that the chart of `lots` disproves; 0 where not even a thousandth of it is.

    Shares below are disproved as well: it is searched from below.
    """
    rule, ordered = policy or Policy(), _ordered(lots)
    whole = replace(rule, watch=rule.alarm)  # its other limit is not needed here

    def disproves(share: float) -> bool:
        points = _points(ordered, replace(expected, stuck=share), whole)
        return any(point.state is ChartState.DISPROVED for point in points)

    low = expected.stuck
    while not disproves(low):
        low /= 2.0
        if low < expected.stuck / 1000.0:
            return 0.0
    high = low * _STEP
    while high < _HIGHEST / sqrt(_STEP) and disproves(high):
        low, high = high, high * _STEP
    while high / low > 1.05:
        middle = sqrt(low * high)
        low, high = (middle, high) if middle < _HIGHEST and disproves(middle) else (low, middle)
    return low


def lots_until(chart: Chart, shares: Sequence[float] = (0.1, 0.3)) -> dict[float, float]:
    """Return, for `shares` of labels on that are beyond the prediction, the mean lots until it is disproved.

    Lots are as large as those of the chart on average; none before its first lot.
    """
    if not chart.points:
        return {}
    ill = chart.policy.ill(chart.expected)
    scheme = Scheme(lot_size(chart.bottles / len(chart.points)), chart.expected, ill)
    limit = decision_limit(scheme, alarm=chart.policy.alarm, per_bottles=chart.policy.per_bottles)
    told = sorted({ill, *(share for share in shares if share > chart.expected.stuck)})
    return {share: mean_lots(scheme, limit, truth=replace(chart.expected, stuck=share)) for share in told}


def _ordered(lots: Iterable[LotCount]) -> list[LotCount]:
    return sorted((lot for lot in lots if lot.bottles > 0), key=lambda lot: (lot.ended_ns, lot.id))


def _points(lots: Sequence[LotCount], expected: Expected, rule: Policy) -> tuple[Point, ...]:
    """Return the points of `lots`; the limits at each rest on lots up to it, so that no later lot changes it."""
    points: list[Point] = []
    statistic, run_from, bottles = 0.0, 0, 0
    for index, lot in enumerate(lots):
        bottles += lot.bottles
        if statistic <= 0.0:
            run_from = index
        score = _score(lot, expected, rule.ill(expected))
        statistic = max(0.0, statistic + score)
        scheme = Scheme(lot_size(bottles / (index + 1)), expected, rule.ill(expected))
        limit, lower = (
            decision_limit(scheme, alarm=alarm, per_bottles=rule.per_bottles) for alarm in (rule.alarm, rule.watch)
        )
        state = ChartState.WATCH if statistic >= lower else ChartState.IN_CONTROL
        state = ChartState.DISPROVED if statistic >= limit else state
        stuck = expected.stuck_of(lot.rejects / lot.bottles)
        points.append(Point(lot, score, statistic, limit, lower, stuck, run_from, state))
    return tuple(points)


def _score(lot: LotCount, expected: Expected, ill: float) -> float:
    nearest = max(log_chances(lot.rejects, lot.bottles, kept.stuck, kept) for kept in expected.kept_by())
    return log_chances(lot.rejects, lot.bottles, ill, expected) - nearest


def _disproof(lots: Sequence[LotCount], run_from: int, expected: Expected, rule: Policy) -> Disproof:
    run = lots[run_from:]
    bottles, rejects = sum(lot.bottles for lot in run), sum(lot.rejects for lot in run)
    return Disproof(
        since_ns=run[0].ended_ns,
        at_ns=run[-1].ended_ns,
        lots=tuple(lot.id for lot in run),
        bottles=bottles,
        rejects=rejects,
        lower=lowest_stuck(lots, expected, rule),
        share=expected.stuck_of(rejects / bottles),
        predicted=expected.stuck,
        confidence=1.0 - rule.alarm,
    )

"""Where a GO stands by what the line has shown since: confirmed so far, watched, or suspended.

A chart begins with the first lot after the registration. Once it has disproved the GO, the GO is suspended; good lots
do not bring it back, for the chart cannot know why they are good. Two acts clear it, and the chart begins anew behind
them: a person lifts the suspension and says why, or a confirmation for the same glue and recipe is registered
afterwards; that one then stands by itself, and the old one stays suspended. A confirmation that was registered before
the line disproved another does not clear it: it promised the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from linectl.lab.monitoring.chart import Chart, ChartState, Disproof, Point, Policy, chart_of
from linectl.lab.monitoring.counts import Expected, LotCount

__all__ = ["Lift", "LineAnswer", "answer_of", "answer_record"]


@dataclass(frozen=True, slots=True)
class Lift:
    """A person has lifted a suspension `at_ns`, and said why."""

    at_ns: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What the line says of one confirmation.

    `charts` are all there were, the present one last: each but that ended in a suspension that was cleared. `suspended`
    is what disproved the GO, None while it stands. `lifts` are those made after it was disproved. `elsewhere` lots of
    the glue were washed by another recipe than the GO is for: they count neither way.
    """

    charts: tuple[Chart, ...]
    suspended: Disproof | None
    lifts: tuple[Lift, ...] = ()
    elsewhere: int = 0

    @property
    def chart(self) -> Chart:
        """The chart as it is drawn now."""
        return self.charts[-1]

    @property
    def state(self) -> ChartState:
        """What the line says of this confirmation, whatever it says of later ones."""
        return ChartState.DISPROVED if self.suspended is not None else self.chart.state

    @property
    def bottles(self) -> int:
        """The bottles of all charts."""
        return sum(chart.bottles for chart in self.charts)


def answer_of(
    glue: str,
    lots: Sequence[LotCount],
    expected: Expected,
    *,
    recipes: Iterable[str],
    registered_ns: int,
    kin_ns: Iterable[int] = (),
    lifts: Iterable[Lift] = (),
    policy: Policy | None = None,
) -> LineAnswer:
    """Return what `lots` say of the confirmation of `glue` that was registered at `registered_ns`.

    `recipes` are the names by which its recipe goes; none: of any. A lot whose recipe nobody wrote down counts.
    `kin_ns` are the registrations of all confirmations of the same glue and recipe.
    """
    names, registrations = set(recipes), sorted({registered_ns, *kin_ns})
    mine = [lot for lot in lots if lot.glue == glue and lot.ended_ns > registrations[0]]
    fitting = [lot for lot in mine if not names or lot.recipe in {"", *names}]
    ordered = sorted(lifts, key=lambda each: each.at_ns)
    charts: list[Chart] = []
    begin: int | None = registrations[0]
    while begin is not None:
        chart = chart_of(glue, [lot for lot in fitting if lot.ended_ns > begin], expected, policy)
        begin = None if chart.disproof is None else _cleared(chart.disproof, registrations, ordered)
        if begin is not None:
            chart = replace(chart, points=tuple(point for point in chart.points if point.lot.ended_ns <= begin))
        charts.append(chart)
    against = [each.disproof for each in charts if each.disproof and each.disproof.at_ns >= registered_ns]
    told = tuple(lift for lift in ordered if any(each.at_ns < lift.at_ns for each in against))
    stands = [each for each in against if not any(lift.at_ns > each.at_ns for lift in told)]
    return LineAnswer(tuple(charts), stands[-1] if stands else None, told, len(mine) - len(fitting))


def answer_record(answer: LineAnswer) -> dict[str, object]:
    """Return the answer as plain data; shares are of 1, times ns UTC."""
    chart = answer.chart
    return {
        "state": answer.state.value,
        "suspended": None if answer.suspended is None else asdict(answer.suspended),
        "lifts": [asdict(lift) for lift in answer.lifts],
        "elsewhere": answer.elsewhere,
        "glue": chart.glue,
        "lots": len(chart.points),
        "bottles": chart.bottles,
        "rejects": chart.rejects,
        "stuck": chart.stuck,
        "expected": {
            "stuck": chart.expected.stuck,
            "removal": chart.expected.removal,
            "corner_lower": chart.expected.corner_lower,
            "sigma": chart.expected.spread.sigma,
            "lot_sd": chart.expected.spread.bath_sd,
            "inspector": asdict(chart.expected.inspector),
        },
        "policy": asdict(chart.policy),
        "points": [_point_record(point) for point in chart.points],
    }


def _cleared(found: Disproof, registrations: Iterable[int], lifts: Iterable[Lift]) -> int | None:
    """Return when the first act after `found` cleared it; None: nobody has."""
    acts = [*registrations, *(lift.at_ns for lift in lifts)]
    return min((at_ns for at_ns in acts if at_ns > found.at_ns), default=None)


def _point_record(point: Point) -> dict[str, object]:
    lot = point.lot
    return {
        "lot": lot.id,
        "ended_ns": lot.ended_ns,
        "bottles": lot.bottles,
        "rejects": lot.rejects,
        "stuck": point.stuck,
        "statistic": point.statistic,
        "limit": point.limit,
        "watch_limit": point.watch_limit,
        "state": point.state.value,
    }

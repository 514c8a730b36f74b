"""Where a GO stands: suspended by the line, lifted by a person, cleared for a later confirmation alone."""

from __future__ import annotations

import json

from linectl.lab.monitoring.chart import ChartState
from linectl.lab.monitoring.counts import LotCount
from linectl.lab.monitoring.standing import Lift, LineAnswer, answer_of, answer_record
from tests.lab.monitoring.worlds import ONE_IN_100

BAD, GOOD = 100, 2


def lots(*rejects: int, recipe: str = "cool", glue: str = "g") -> list[LotCount]:
    """Return lots of 1,000 bottles, one each 10 ns from 10 on."""
    return [LotCount(f"L{k}", glue, 1000, count, 10 * k, recipe) for k, count in enumerate(rejects, start=1)]


def answer(washed: list[LotCount], registered: int = 5, kin: tuple[int, ...] = (), *lifts: Lift) -> LineAnswer:
    return answer_of(
        "g", washed, ONE_IN_100, recipes={"cool", "cool_g"}, registered_ns=registered, kin_ns=kin, lifts=lifts
    )


def test_a_go_is_suspended_by_its_lots_and_stays_so() -> None:
    found = answer(lots(GOOD, BAD, BAD, BAD, GOOD, GOOD, GOOD))
    assert found.state is ChartState.DISPROVED
    assert found.suspended is not None
    assert found.suspended.lots == ("L2", "L3", "L4")
    assert answer(lots(GOOD, BAD, GOOD, GOOD, GOOD)).suspended is None


def test_lots_before_the_registration_of_other_glues_and_of_other_recipes_do_not_count() -> None:
    bad = lots(BAD, BAD, BAD, BAD)
    assert answer(bad, registered=50).chart.points == ()
    assert answer(lots(BAD, BAD, BAD, BAD, glue="other")).chart.points == ()
    elsewhere = answer(lots(BAD, BAD, BAD, BAD, recipe="hot"))
    assert (elsewhere.chart.points, elsewhere.elsewhere, elsewhere.suspended) == ((), 4, None)
    assert answer(lots(BAD, BAD, BAD, BAD, recipe="cool_g")).suspended is not None
    assert answer(lots(BAD, BAD, BAD, BAD, recipe="")).suspended is not None  # nobody wrote it down: it counts


def test_a_person_lifts_it_and_the_chart_begins_anew() -> None:
    washed = lots(BAD, BAD, BAD, BAD, GOOD, GOOD)
    lift = Lift(45, "Léa", "the lens was dirty")
    found = answer(washed, 5, (), lift)
    assert (found.suspended, found.lifts) == (None, (lift,))
    assert [len(chart.points) for chart in found.charts] == [4, 2]
    assert found.state is ChartState.IN_CONTROL
    again = answer([*washed, *(LotCount(f"M{k}", "g", 1000, BAD, 70 + k, "cool") for k in range(4))], 5, (), lift)
    assert again.suspended is not None
    assert again.suspended.lots[0] == "M0"


def test_a_lift_before_the_suspension_lifts_nothing() -> None:
    early = Lift(15, "Léa", "just in case")
    found = answer(lots(BAD, BAD, BAD, BAD), 5, (), early)
    assert found.suspended is not None
    assert found.lifts == ()


def test_a_confirmation_registered_afterwards_begins_anew_and_the_old_one_stays_suspended() -> None:
    washed = lots(BAD, BAD, BAD, GOOD, GOOD)
    old, new = answer(washed, 5, (35,)), answer(washed, 35, (5,))
    assert old.suspended is not None
    assert new.suspended is None
    assert [point.lot.id for point in new.chart.points] == ["L4", "L5"]


def test_one_registered_before_the_line_disproved_it_does_not_clear_it() -> None:
    washed = lots(BAD, BAD, BAD, GOOD, GOOD)
    both = [answer(washed, 5, (15,)), answer(washed, 15, (5,))]
    assert all(each.suspended is not None and each.suspended.lots == ("L1", "L2", "L3") for each in both)


def test_the_record_is_plain_json() -> None:
    record = json.loads(json.dumps(answer_record(answer(lots(GOOD, BAD, BAD, BAD))), allow_nan=False))
    assert (record["state"], record["lots"], record["bottles"]) == ("disproved", 4, 4000)
    assert record["suspended"]["lots"] == ["L2", "L3", "L4"]
    assert [point["state"] for point in record["points"]][-1] == "disproved"

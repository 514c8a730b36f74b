from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from linectl.errors import ConfigError
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord, covered_until

ROW = ReleaseRecord("b1", "A", "casein", 45.0, 60.0, 1.5, 60.0, 1.5, where="trials.csv:12")
TRACE = BathTrace.constant(60.0, 900.0)


def data(*rows: ReleaseRecord, trace: BathTrace = TRACE, bridge_s: float = math.inf) -> ReleaseData:
    return ReleaseData.from_records(rows, {"A": trace, "B": TRACE}, bridge_s={"A": bridge_s})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hi_s": 30.0}, "ends are swapped"),
        ({"lo_s": 0.0, "hi_s": 0.0}, "both 0"),
        ({"agitation_pct": 140.0}, "agitation"),
        ({"hi_s": math.nan}, "hi is no number"),
        ({"lo_s": -1.0}, "lo must be"),
        ({"lo_s": math.nan}, "lo must be"),
        ({"lo_s": 0.0, "hi_s": math.inf}, "never looked at"),
        ({"caustic_pct": -0.1}, "NaOH"),
        ({"temperature_c": math.inf}, "temperature"),
        ({"glue": ""}, "no glue"),
        ({"bath": "C"}, "'C' has no temperature record"),
    ],
)
def test_a_record_that_cannot_be_used_is_named_with_its_place(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=rf"trials\.csv:12: bottle b1: .*{words}"):
        data(replace(ROW, **change))  # type: ignore[arg-type]  # the changes fit their fields


def test_a_label_seen_coming_off_at_a_time_is_taken() -> None:
    assert len(data(replace(ROW, hi_s=45.0))) == 1


def test_all_mistakes_are_told_at_once_and_many_are_counted() -> None:
    with pytest.raises(ConfigError) as caught:
        data(*[replace(ROW, hi_s=1.0)] * 12)
    assert str(caught.value).count("swapped") == 10
    assert "2 more" in str(caught.value)


@pytest.mark.parametrize(
    ("t_s", "temp_c", "words"),
    [
        ([0.0, 1.0, 1.0], [60.0] * 3, "1.0 s does not follow"),
        ([0.0], [], "as many"),
        ([], [], "at least one"),
        ([0.0, 1.0], [60.0, math.nan], "no number"),
    ],
)
def test_a_trace_that_cannot_be_used_is_refused(t_s: list[float], temp_c: list[float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        BathTrace.of(t_s, temp_c)


def test_checks_beyond_the_record_leave_a_label_still_on_at_its_end() -> None:
    short = BathTrace.constant(60.0, 300.0)
    found = data(
        replace(ROW, bottle="in", lo_s=200.0, hi_s=290.0),
        replace(ROW, bottle="across", lo_s=290.0, hi_s=330.0),
        replace(ROW, bottle="after", lo_s=500.0, hi_s=515.0),
        trace=short,
    )
    np.testing.assert_array_equal(found.lo_s, [200.0, 290.0, 310.0])
    np.testing.assert_array_equal(found.hi_s, [290.0, np.inf, np.inf])
    assert [(w.code, "across, after" in w.detail) for w in found.warnings] == [(Code.TRACE_SHORT, True)]
    assert found.records[1].hi_s == 330.0, "what was seen stays as it was seen"


def test_a_hole_too_long_to_bridge_ends_the_record_there() -> None:
    holed = BathTrace.of([0.0, 100.0, 200.0, 900.0], [60.0] * 4)
    row = replace(ROW, lo_s=300.0, hi_s=315.0)
    assert data(row, trace=holed).warnings == ()
    cut = data(row, replace(ROW, bath="B"), trace=holed, bridge_s=60.0)
    assert (cut.lo_s[0], cut.hi_s[0]) == (10.0, np.inf)
    assert covered_until(holed, 150.0, 60.0) == 150.0


def test_a_bottle_without_any_record_is_left_out_by_name_not_silently() -> None:
    late = BathTrace.of([100.0, 900.0], [60.0, 60.0])
    found = data(ROW, replace(ROW, bottle="b2", bath="B"), trace=late)
    assert [row.bottle for row in found.records] == ["b2"]
    assert found.warnings[0].detail == "bath A: beyond its temperature record (* nothing left): b1*"


def test_the_hash_is_of_the_rows_whatever_their_order() -> None:
    other = replace(ROW, bottle="b2", hi_s=75.0)
    assert data(ROW, other).sha256() == data(other, ROW).sha256()
    assert data(ROW, other).sha256() != data(ROW, replace(other, hi_s=76.0)).sha256()
    assert data(ROW, other).sha256() != data(ROW, replace(other, agitation_pct=50.0)).sha256()


def test_parts_keep_their_baths_and_traces() -> None:
    whole = data(ROW, replace(ROW, glue="psa", bath="B", temperature_c=70.0))
    part = whole.of_glue("psa")
    assert (part.baths, part.bath.tolist(), part.cells) == (("B",), [0], ((70.0, 1.5),))
    assert whole.glues == ("casein", "psa")
    assert len(whole.of_cell((60.0, 1.5))) == 1

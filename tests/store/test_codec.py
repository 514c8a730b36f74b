from __future__ import annotations

import math
from array import array

from hypothesis import example, given
from hypothesis import strategies as st

from linectl.model.readings import BAD_REASONS, GOOD, Level, Quality, Reading, Scan, ScanLayout, Value, bad, uncertain
from linectl.store.codec import decode, encode, head, row_of

KINDS = {"float": st.floats(), "int": st.integers(-(2**53), 2**53), "bool": st.booleans()}
QUALITIES = st.one_of(st.just(GOOD), st.sampled_from(BAD_REASONS).map(bad), st.sampled_from(BAD_REASONS).map(uncertain))


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[Scan]]:
    dtypes = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    tags = [(f"z.t{index}", dtype) for index, dtype in enumerate(dtypes)]
    layout = ScanLayout("z", 1.0, tuple(name for name, _ in tags))
    steps = draw(st.lists(st.tuples(st.integers(1, 2**40), st.integers(-(2**40), 2**50)), min_size=1, max_size=12))
    sequence, t_ns = draw(st.integers(0, 2**40)), draw(st.integers(0, 2**61))
    scans = []
    for step, wall_step in steps:
        sequence, t_ns = sequence + step, t_ns + wall_step
        readings = tuple(_reading(draw, name, dtype) for name, dtype in tags)
        scans.append(Scan(layout, "b", sequence, sequence * 7, t_ns, readings))
    return tags, scans


def _reading(draw: st.DrawFn, name: str, dtype: str) -> Reading:
    quality = draw(QUALITIES)
    value = None if quality.level is Level.BAD else draw(KINDS[dtype])
    return Reading(name, value, quality, 0, 0, 0)


@given(batches())
def test_what_goes_in_comes_out(batch: tuple[list[tuple[str, str]], list[Scan]]) -> None:
    tags, scans = batch
    block = decode(encode(list(map(row_of, scans))), head(list(map(row_of, scans))), tags)
    assert block.sequence == array("q", [scan.sequence for scan in scans])
    assert block.t_ns == array("q", [scan.t_ns for scan in scans])
    assert block.loop_ns == array("q", [scan.loop_ns for scan in scans])
    for index in range(len(tags)):
        for number, scan in enumerate(scans):
            said, got = scan.readings[index], block.values[index][number]
            assert Quality.from_byte(block.quality[index][number]) == said.quality
            assert _same(said.value, got)


def _same(said: Value | None, got: Value | None) -> bool:
    if isinstance(said, float) and isinstance(got, float) and math.isnan(said):
        return math.isnan(got)
    return said == got and type(said) is type(got)


@given(batches(), st.data())
def test_one_column_alone_is_the_same_as_among_all(
    batch: tuple[list[tuple[str, str]], list[Scan]], data: st.DataObject
) -> None:
    tags, scans = batch
    index = data.draw(st.integers(0, len(tags) - 1))
    encoded = encode(list(map(row_of, scans)))
    alone, among = (
        decode(encoded, head(list(map(row_of, scans))), tags, [index]),
        decode(encoded, head(list(map(row_of, scans))), tags),
    )
    assert alone.tags == (tags[index][0],)
    assert list(map(repr, alone.values[0])) == list(map(repr, among.values[index]))


def _column(values: list[Value | None], qualities: list[Quality], dtype: str = "float") -> list[Value | None]:
    layout = ScanLayout("z", 1.0, ("z.t",))
    scans = [
        Scan(layout, "b", k, k, k, (Reading("z.t", value, quality, 0, 0, k),))
        for k, (value, quality) in enumerate(zip(values, qualities, strict=True))
    ]
    return decode(encode(list(map(row_of, scans))), head(list(map(row_of, scans))), [("z.t", dtype)]).values[0]


@given(st.lists(st.booleans(), min_size=1, max_size=30))
@example([True])
@example([True, False, True])
def test_a_missing_value_never_comes_back_as_its_filler(holes: list[bool]) -> None:
    values: list[Value | None] = [None if hole else 21.5 for hole in holes]
    qualities = [bad("not_connected") if hole else GOOD for hole in holes]
    assert _column(values, qualities) == values


def test_none_without_a_bad_quality_is_stored_as_missing_too() -> None:
    assert _column([1.0, None, None], [GOOD, GOOD, uncertain("stale")]) == [1.0, None, None]


def test_a_value_beside_a_bad_quality_is_not_kept() -> None:
    assert _column([1.0, 99.0], [GOOD, bad("sensor_failure")]) == [1.0, None]


def test_minus_zero_becomes_zero_and_a_whole_number_too_long_is_missing() -> None:
    assert math.copysign(1.0, _column([-0.0], [GOOD])[0] or 0.0) == 1.0
    assert _column([2**53, 2**53 + 1], [GOOD, GOOD], "int") == [2**53, None]

"""Values by tag and wall time: over starts and gaps, found by halves, while they are being written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.model.readings import Scan
from linectl.store import codec, history
from linectl.store.history import HistoryReader

S = 1_000_000_000


def told(file: Path, tag: str, since_ns: int, until_ns: int) -> list[tuple[int, Any]]:
    reader = HistoryReader(file)
    return [(each.t_ns, each.value) for each in reader.samples(tag, reader.pieces(tag), since_ns, until_ns)]


async def test_scans_between_two_times_come_with_values_units_and_starts(samples: Any, tmp_path: Path) -> None:
    file, t0 = tmp_path / "line.db", samples.t0_ns
    store = samples.store(file)
    await store.open()
    for k in range(20):
        store.log_scan(samples.scan(k, missing=k == 12))
        store.log_scan(samples.scan(k, group="slow"))
    for k in range(20, 30):
        store.log_scan(samples.scan(k, boot="b2"))
    await store.close()

    reader = HistoryReader(file)
    found = list(reader.samples("bath.temperature", reader.pieces("bath.temperature"), t0 + 10 * S, t0 + 25 * S))
    assert [each.t_ns for each in found] == [t0 + k * S for k in range(10, 25)]
    assert [each.value for each in found] == [None if k == 12 else 60.0 + k / 8 for k in range(10, 25)]
    assert str(found[2].quality) == "BAD/not_connected"
    assert {each.unit for each in found} == {"°C"}
    assert [each.boot for each in found] == ["b1"] * 10 + ["b2"] * 5
    assert found[0].far_ns == round(2.5 * S)
    assert [value for _, value in told(file, "bath.lid_closed", t0, t0 + 3 * S)] == [True, False, True]
    assert told(file, "room.temperature", t0 + 30 * S, t0 + 90 * S) == []
    assert told(file, "bath.temperature", t0 + 25 * S, t0 + 25 * S) == []
    assert reader.tag_names() == ["bath.lid_closed", "bath.state", "bath.temperature", "room.temperature"]
    assert (reader.unit_of("bath.temperature"), reader.unit_of("nonsense")) == ("°C", "")


async def test_a_short_time_of_a_long_record_is_found_without_reading_the_rest(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, t0 = tmp_path / "line.db", samples.t0_ns
    store = samples.store(file)
    await store.open()
    for k in range(60_000):  # 100 blocks, nearly 17 hours
        store.log_scan(samples.scan(k))
    await store.close()
    decoded: list[int] = []
    decode = codec.decode

    def counted(*args: Any) -> Any:
        decoded.append(1)
        return decode(*args)

    monkeypatch.setattr(history, "decode", counted)
    for begin in (0, 1, 599, 30_000, 59_990):
        decoded.clear()
        found = told(file, "bath.temperature", t0 + begin * S, t0 + (begin + 5) * S)
        assert found == [(t0 + k * S, 60.0 + k / 8) for k in range(begin, begin + 5)]
        assert len(decoded) <= 2
    assert told(file, "bath.temperature", t0 + 60_000 * S, t0 + 70_000 * S) == []
    assert told(file, "bath.temperature", t0 - 9 * S, t0) == []


async def test_what_is_being_written_is_seen_once_it_is_committed(samples: Any, tmp_path: Path) -> None:
    file, t0 = tmp_path / "line.db", samples.t0_ns
    store = samples.store(file)
    await store.open()
    store.log_scan(samples.scan(0))
    await store.add_event(samples.event("note"))
    assert told(file, "bath.temperature", t0, t0 + 9 * S) == [(t0, 60.0)]
    store.log_scan(samples.scan(1))
    assert len(told(file, "bath.temperature", t0, t0 + 9 * S)) == 1  # not yet
    await store.add_event(samples.event("note"))
    assert len(told(file, "bath.temperature", t0, t0 + 9 * S)) == 2
    await store.close()


async def test_a_clock_that_was_set_back_within_one_start_hides_nothing(samples: Any, tmp_path: Path) -> None:
    file, t0 = tmp_path / "line.db", samples.t0_ns
    store = samples.store(file)
    await store.open()
    for k in range(3000):
        scan = samples.scan(k)
        back_s = 0 if k < 1500 else 900  # a quarter of an hour that comes twice
        store.log_scan(Scan(scan.layout, scan.boot, k, scan.loop_ns, scan.t_ns - back_s * S, scan.readings))
    await store.close()
    found = told(file, "bath.temperature", t0 + 1000 * S, t0 + 1100 * S)
    assert len(found) == 200
    assert [value for _, value in found] == [60.0 + k / 8 for k in (*range(1000, 1100), *range(1900, 2000))]


async def test_a_tag_that_was_never_recorded_is_refused_with_those_near_it(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    store.log_scan(samples.scan(0))
    await store.close()
    reader = HistoryReader(file)
    reader.must_know("bath.temperature")
    with pytest.raises(Refused, match=r"bath\.temperature") as refused:
        reader.must_know("bath.temprature")
    assert refused.value.code == "E-HIS-001"
    with pytest.raises(Refused):
        reader.must_know("")

"""Wash lots, quarantines and counters: kept, changed, and taken over from a store that knew none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.model.lots import Lot, LotState, Quarantine, Use, doubtful
from linectl.model.records import Act
from linectl.store import file as store_file

T0 = 1_767_225_600_000_000_000
MIGRATIONS = Path(store_file.__file__).parent / "migrations"
PERMANENT = Lot("L1", "Domaine Zoé", "burgundy_75cl", "permanent", T0, "Léa", note="étiquettes d'avant 2020")
CASEIN = Lot(
    *(
        "L2",
        "Cave du Jura",
        "clavelin_62cl",
        "casein",
        T0 + 9,
        "Léa",
        "7731",
        "",
        "reference_80c",
        "c0ffee",
        "go",
        "beef",
    ),
    *(
        T0 + 60,
        "Max",
        T0 + 90,
        T0 + 10**15,
        T0 + 10**14,
        "Max",
        1200,
        1199,
        14,
        11,
        Use(310.5, 22_000.0, None),
        {"in_first": 5.0},
    ),
)


def quarantine(number: int, lot: str, first: int, last: int | None, **changes: Any) -> Quarantine:
    return replace(Quarantine(number, lot, "final_rinse_lost", first, last, T0 + 70, "linectl"), **changes)


async def test_lots_come_back_as_they_went_in_and_as_they_were_changed(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db")
    await store.open()
    aside = quarantine(1, "L2", 580, None)
    loose = quarantine(2, "", 3, 4)
    await store.put_lots([PERMANENT], {"washer.bottles_in": (7, 7)})
    await store.put_lots([replace(CASEIN, quarantines=(aside,))], {"washer.bottles_in": (3, 1207)}, loose=[loose])
    reader = samples.reader(tmp_path / "line.db")
    assert reader.lots() == [PERMANENT, replace(CASEIN, quarantines=(aside,))]
    assert reader.loose_quarantines() == [loose]
    assert reader.counters() == {"washer.bottles_in": (3, 1207)}

    ended = replace(PERMANENT, ended_ns=T0 + 5, ended_by="Max", bottles_in=7, label_rejects=0)
    store.log_lots([ended], {"washer.bottles_in": (4, 1208)})
    released = replace(aside, last=620, released_ns=T0 + 99, released_by="Max", release_reason="pH 7.2 in ten bottles")
    act = Act(T0 + 99, "Max", "lot_release", "L2", reason="pH 7.2 in ten bottles")
    event = replace(samples.event("lot_released", lot="L2"), act=act, run="")
    await store.put_lots([replace(CASEIN, quarantines=(released,))], {}, event)
    await store.close()
    assert reader.lots() == [ended, replace(CASEIN, quarantines=(released,))]
    assert reader.counters() == {"washer.bottles_in": (4, 1208)}
    assert [(entry.action, entry.target) for entry in reader.audit()] == [("lot_release", "L2")]
    assert [event.data for event in reader.events_of("lot_released")] == [{"lot": "L2"}]


async def test_what_happened_is_told_with_the_lot_or_not_at_all(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db")
    await store.open()
    told = replace(samples.event("lot_started"), act=Act(T0, "Léa", "lot_start", "L1", new=float("nan")))
    with pytest.raises(Exception, match="refused a record"):
        await store.put_lots([PERMANENT], {}, told)
    await store.close()
    reader = samples.reader(tmp_path / "line.db")
    assert (reader.lots(), reader.events_of("lot_started"), list(reader.audit())) == ([], [], [])


async def test_a_store_of_version_3_gets_lots_and_keeps_what_it_had(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "line.db"
    with monkeypatch.context() as patch:
        patch.setattr(store_file, "SCHEMA_VERSION", 3)
        old = samples.store(file)
        await old.open()
        await old.start_run(samples.run())
        await old.audit(Act(T0, "Léa", "write", "bath.setpoint", 60.0, 62.5))
        await old.close()
    reader = samples.reader(file)
    assert (reader.lots(), reader.loose_quarantines(), reader.counters()) == ([], [], {})
    with pytest.raises(Refused, match="none"):
        reader.lot("L1")

    store = samples.store(file)
    await store.open()
    await store.put_lots([PERMANENT], {})
    await store.close()
    for each in (reader, samples.reader(file)):  # one opened before goes on
        assert each.lots() == [PERMANENT]
        assert [run.id for run in each.runs()] == [samples.run().id]
        assert each.audit_broken() is None
        assert each.audit_head().id == 1
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("5",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_lot_is_found_by_its_name_or_as_the_last(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db")
    await store.open()
    await store.put_lots([PERMANENT, CASEIN], {})
    await store.close()
    reader = samples.reader(tmp_path / "line.db")
    assert (reader.lot("L1"), reader.lot("last")) == (PERMANENT, CASEIN)
    with pytest.raises(Refused, match="no lot L3; there are: L2, L1"):
        reader.lot("L3")


def test_states_and_what_an_inspector_does_not_tell() -> None:
    assert PERMANENT.state is LotState.WASHING
    assert replace(PERMANENT, ended_ns=T0 + 5).state is LotState.LEAVING
    assert (CASEIN.state, CASEIN.other_rejects) == (LotState.DELIVERED, 3)
    assert replace(CASEIN, delivered_ns=None).state is LotState.WASHED
    assert replace(CASEIN, label_rejects=None).other_rejects is None


def test_bottles_set_aside_twice_count_once() -> None:
    two = replace(CASEIN, quarantines=(quarantine(1, "L2", 100, 200), quarantine(2, "L2", 150, 250)))
    assert doubtful(two) == 151
    open_end = replace(CASEIN, quarantines=(quarantine(1, "L2", 1100, None),))
    assert doubtful(open_end) == 100
    freed = replace(CASEIN, quarantines=(quarantine(1, "L2", 100, 200, released_ns=T0),))
    assert (doubtful(freed), freed.quarantined) == (0, False)
    assert two.quarantined

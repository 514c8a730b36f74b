"""Stores made by earlier versions: read as they are, migrated in place by the first writer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.model.records import Check, Treatment, Trial
from linectl.store import file as store_file

RUN = "20260101T000000-ab12"
MIGRATIONS = Path(store_file.__file__).parent / "migrations"


@pytest.fixture
def version_1(samples: Any, tmp_path: Path) -> Path:
    """Make a store as version 1 did, with a bath, two bottles and their checks."""
    file, t0 = tmp_path / "line.db", samples.t0_ns
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((MIGRATIONS / "0001.sql").read_text(encoding="utf-8"))
        connection.executescript(f"""
INSERT INTO meta VALUES('schema_version', '1'), ('store_uid', 'u'), ('line', 'simulated');
INSERT INTO run VALUES('{RUN}', 'experiment', 'glue_screening', 'simulated', 'complete', 'Zoé', {t0}, {t0 + 9},
 'success', '', 7, 1.0, 'c0ffee', '', 1, 'kind: experiment', '0.1.0');
INSERT INTO trial VALUES(1, '{RUN}', 1, 60.0, 1.5, 1, 'A', 'complete', {t0}, {t0 + 9}, 1.48);
INSERT INTO bottle VALUES(1, 1, 'B01', 1, 'casein', {t0 + 1}, {t0 + 2}, {t0 + 3}, '', NULL);
INSERT INTO bottle VALUES(2, 1, 'B02', 2, 'psa', {t0 + 1}, {t0 + 5}, NULL, 'torn', 2.5);
INSERT INTO bottle_check VALUES(1, {t0 + 2}, {t0 + 2}, 1), (1, {t0 + 3}, {t0 + 3}, 0), (2, {t0 + 5}, NULL, NULL);
INSERT INTO event(ts_ns, run, kind, data) VALUES({t0}, '{RUN}', 'run_started', '{{}}');
""")
    return file


def _told(reader: Any) -> list[Any]:
    return [reader.runs(), reader.trials(RUN), reader.bottles(RUN), reader.checks(RUN), reader.events(RUN)]


async def test_a_store_of_version_1_is_read_before_and_after_its_migration(
    samples: Any, version_1: Path, tmp_path: Path
) -> None:
    t0 = samples.t0_ns
    old_reader = samples.reader(version_1)
    before = _told(old_reader)
    assert before[1] == [
        Trial(RUN, 1, Treatment(60.0, 1.5), 1, "A", before[1][0].state, t0, t0 + 9, 1.48),
    ]
    assert [(bottle.label, bottle.code, bottle.factors) for bottle in before[2]] == [("B01", "", {}), ("B02", "", {})]
    assert before[3][2] == Check(RUN, 1, "B02", t0 + 5, None, None)

    store = samples.store(version_1)
    await store.open()
    assert _told(old_reader) == before  # a reader opened before the migration goes on
    await store.add_trials([samples.trial(2)])
    await store.close()
    after = _told(samples.reader(version_1))
    assert after[1] == [*before[1], samples.trial(2)]
    assert [after[0], *after[2:]] == [before[0], *before[2:]]
    with closing(sqlite3.connect(version_1)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("5",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    fresh = samples.store(tmp_path / "fresh.db")
    await fresh.open()
    await fresh.close()
    assert _columns(version_1) == _columns(tmp_path / "fresh.db")


def _columns(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(file)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in sorted(names)}


async def test_a_migration_that_fails_half_way_leaves_the_store_as_it_was(
    samples: Any, version_1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        failure = sqlite3.OperationalError("database or disk is full")
        failure.sqlite_errorname = "SQLITE_FULL"
        raise failure

    before = _told(samples.reader(version_1))
    with monkeypatch.context() as patch:
        patch.setattr(store_file, "_note_version", no_room)
        with pytest.raises(Exception, match="disk is full"):
            await samples.store(version_1).open()
    assert _told(samples.reader(version_1)) == before
    with closing(sqlite3.connect(version_1)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone() == ("1",)
    store = samples.store(version_1)
    await store.open()
    await store.close()
    assert _told(samples.reader(version_1)) == before


async def test_what_version_2_adds_comes_back_as_it_went_in(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    stirred = Trial(RUN, 1, Treatment(60.0, 1.5, 80.0), 1)
    await store.add_trials([stirred, samples.trial(2)])
    bottle = samples.bottle(code="K7", factors={"paper": "kraft", "âge": "30 d"})
    await store.add_bottles([bottle])
    first, second = samples.check(30, attached=True), replace(samples.check(30, attached=False), examiner="Léa")
    await store.add_checks([first, second])
    await store.add_checks([replace(second, attached=True)])
    scored = replace(bottle, mode="torn", residue_pct=3.0, factors={"paper": "wet strength"})
    await store.update_bottle(scored)
    calm = replace(stirred, treatment=Treatment(60.0, 1.5, 20.0))
    await store.update_trial(calm)
    await store.close()
    reader = samples.reader(file)
    assert reader.trials(RUN) == [calm, samples.trial(2)]
    assert reader.bottles(RUN) == [scored]
    assert reader.checks(RUN) == [first, replace(second, attached=True)]

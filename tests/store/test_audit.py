"""The audit trail: what goes in comes out, an untouched chain is whole, each kind of change is named by its entry."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import StoreError
from linectl.model.records import Act, Event
from linectl.store import audit
from linectl.store.audit import AuditEntry, Head
from linectl.store.export.archive import Options, export_run
from linectl.store.reader import StoreReader

RUN = "20260101T000000-ab12"
ACTS = 6
T0 = 1_767_225_600_000_000_000


def act(number: int, **changes: Any) -> Act:
    told: dict[str, Any] = {
        "old": 55.0,
        "new": {"asked": 60 + number, "outcome": "confirmed"},
        "reason": "trop tiède ✓",
    }
    return replace(Act(T0 + number, "Zoé", "write", "bath.setpoint", **told), **changes)


async def _trail(samples: Any, file: Path, count: int = ACTS) -> StoreReader:
    store = samples.store(file)
    await store.open()
    for number in range(1, count + 1):
        await store.audit(act(number))
    await store.close()
    reader: StoreReader = samples.reader(file)
    return reader


@pytest.fixture
async def whole(samples: Any, tmp_path: Path) -> StoreReader:
    """Make a store with a trail of six entries."""
    return await _trail(samples, tmp_path / "line.db")


def tamper(reader: StoreReader, *statements: str) -> None:
    """Change the file behind linectl's back, as a person with a database tool does."""
    with closing(sqlite3.connect(reader.path)) as connection:
        for trigger in ("audit_is_not_changed", "audit_is_not_deleted"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def rehash(reader: StoreReader, number: int) -> None:
    """Give an entry that was changed the hash that fits what it says now."""
    entry = next(entry for entry in reader.audit() if entry.id == number)
    digest = hashlib.sha256(audit.canonical(entry)).hexdigest()
    tamper(reader, f"UPDATE audit SET hash = x'{digest}' WHERE id = {number}")


def broken(reader: StoreReader, head: Head | None = None) -> tuple[int, str] | None:
    found = reader.audit_broken(head)
    return None if found is None else (found.id, found.kind)


async def test_what_goes_in_comes_out_and_an_untouched_chain_is_whole(whole: StoreReader) -> None:
    entries = list(whole.audit())
    assert [entry.id for entry in entries] == [1, 2, 3, 4, 5, 6]
    third = entries[2]
    assert (third.actor, third.action, third.target, third.reason) == ("Zoé", "write", "bath.setpoint", "trop tiède ✓")
    assert (third.ts_ns, third.old) == (act(3).ts_ns, "55.0")
    assert json.loads(third.new or "") == {"asked": 63, "outcome": "confirmed"}
    assert whole.audit_broken() is None
    assert whole.audit_broken(whole.audit_head()) is None
    assert whole.audit_broken(Head(entries[1].hash.hex())) is None  # of an earlier export, by its hash alone
    assert [entry.id for entry in whole.audit(since_ns=act(5).ts_ns)] == [5, 6]


def test_the_canonical_form_is_as_documented() -> None:
    entry = AuditEntry(1, 2, "Zoé", "write", "a\n𝄞", None, '{"é": 1}', "", bytes(32), b"")
    assert audit.canonical(entry) == (
        rb'[1,2,"Zo\u00e9","write","a\n\ud834\udd1e",null,"{\"\u00e9\": 1}","","' + b"0" * 64 + b'"]'
    )


CHANGED = {
    "actor": "actor = 'Zoe'",
    "action": "action = 'writf'",
    "target": "target = 'bath.setpoinu'",
    "old": "old = '55.1'",
    "old gone": "old = NULL",
    "new": "new = replace(new, 'confirmed', 'confirmee')",
    "new, the same value otherwise written": "new = new || ' '",
    "reason": "reason = 'trop tiède'",
    "time": "ts_ns = ts_ns + 1",
    "a time of no calendar": "ts_ns = 9223372036854775807",
    "hash": "hash = zeroblob(32)",
    "hash gone": "hash = x''",
    "text that is none": "actor = CAST(x'5AFF' AS TEXT)",
}


@pytest.mark.fault("F40")
@pytest.mark.parametrize("what", CHANGED)
@pytest.mark.parametrize("number", [1, 3, ACTS])
async def test_a_changed_entry_is_named(whole: StoreReader, what: str, number: int) -> None:
    tamper(whole, f"UPDATE audit SET {CHANGED[what]} WHERE id = {number}")
    found = whole.audit_broken()
    assert found is not None
    assert (found.id, found.kind, found.what != "") == (number, "content", True)
    assert found.ts_ns == next(entry.ts_ns for entry in whole.audit() if entry.id == number)
    assert audit.time_text(found.ts_ns)


@pytest.mark.fault("F40")
@pytest.mark.parametrize("number", [1, 3, ACTS])
async def test_every_byte_of_the_hashes_counts(whole: StoreReader, number: int) -> None:
    entry = next(entry for entry in whole.audit() if entry.id == number)
    for column, value in (("hash", entry.hash), ("prev", entry.prev)):
        for at in range(32):
            wrong = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
            tamper(whole, f"UPDATE audit SET {column} = x'{wrong.hex()}' WHERE id = {number}")
            assert broken(whole) == (number, {"hash": "content", "prev": "link"}[column])
        tamper(whole, f"UPDATE audit SET {column} = x'{value.hex()}' WHERE id = {number}")
    assert broken(whole) is None


@pytest.mark.fault("F40")
async def test_an_entry_rewritten_with_a_hash_of_its_own_is_named(whole: StoreReader) -> None:
    tamper(whole, "UPDATE audit SET actor = 'Max' WHERE id = 3")
    rehash(whole, 3)
    assert broken(whole) == (3, "rewritten")


@pytest.mark.fault("F40")
@pytest.mark.parametrize(("gone", "named"), [("= 3", 3), ("IN (2, 3)", 2), ("= 1", 1), ("= 5", 5)])
async def test_an_entry_taken_out_is_named(whole: StoreReader, gone: str, named: int) -> None:
    tamper(whole, f"DELETE FROM audit WHERE id {gone}")
    found = whole.audit_broken()
    assert found is not None
    assert (found.id, found.kind, found.ts_ns) == (named, "missing", None)


@pytest.mark.fault("F40")
async def test_entries_that_changed_places_or_were_put_in_are_named(whole: StoreReader) -> None:
    tamper(whole, *(f"UPDATE audit SET id = {new} WHERE id = {old}" for old, new in ((3, 99), (4, 3), (99, 4))))
    assert broken(whole) == (3, "link")


@pytest.mark.fault("F40")
async def test_a_cut_tail_is_seen_by_the_count_and_by_a_head_kept_elsewhere(samples: Any, whole: StoreReader) -> None:
    head, entries = whole.audit_head(), list(whole.audit())
    tamper(whole, "DELETE FROM audit WHERE id > 4")
    assert broken(whole) == (5, "cut")  # the store has counted six
    tamper(whole, "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit'")
    assert broken(whole) is None  # nothing in the file tells: hence the head in each export
    assert broken(whole, head) == (5, "cut")
    assert broken(whole, Head(head.hash)) == (5, "cut")
    assert broken(whole, Head(entries[3].hash.hex(), 4)) is None  # an export made before: it knows of no more

    store = samples.store(whole.path)
    await store.open()
    for number in (7, 8, 9):
        await store.audit(act(number))
    await store.close()
    assert broken(whole) is None
    assert broken(whole, head) == (6, "head")
    assert broken(whole, Head(head.hash)) == (8, "cut")


@pytest.mark.fault("F40")
async def test_what_was_cut_off_stays_to_be_seen_when_the_trail_goes_on(samples: Any, whole: StoreReader) -> None:
    tamper(whole, "DELETE FROM audit WHERE id > 4")
    store = samples.store(whole.path)
    await store.open()
    await store.audit(act(7))
    await store.close()
    assert [entry.id for entry in whole.audit()] == [1, 2, 3, 4, 7]
    assert broken(whole) == (5, "missing")


@pytest.mark.fault("F40")
async def test_a_trail_made_anew_is_shown_by_a_head_alone(samples: Any, whole: StoreReader) -> None:
    head = whole.audit_head()
    tamper(whole, "DELETE FROM audit", "DELETE FROM sqlite_sequence WHERE name = 'audit'")
    assert broken(whole, head) == (1, "cut")
    store = samples.store(whole.path)
    await store.open()
    for number in range(1, ACTS + 1):
        await store.audit(act(number, actor="Max"))
    await store.close()
    assert broken(whole) is None
    assert broken(whole, head) == (ACTS, "head")


@pytest.mark.fault("F40")
async def test_a_trail_that_is_gone_or_no_trail_is_told(whole: StoreReader) -> None:
    tamper(whole, "ALTER TABLE audit RENAME TO other")
    assert broken(whole) == (1, "missing")
    tamper(whole, "CREATE TABLE audit(id, ts_ns, actor, action, target, old, new, reason, prev, hash)")
    tamper(whole, "INSERT INTO audit VALUES(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)")
    assert broken(whole) == (1, "link")
    tamper(whole, "DROP TABLE audit", "CREATE TABLE audit(id)")
    with pytest.raises(StoreError, match=r"audit trail of .* cannot be read"):
        whole.audit_broken()


async def test_the_trail_of_a_store_only_grows(whole: StoreReader) -> None:
    with closing(sqlite3.connect(whole.path)) as connection:
        for statement in ("UPDATE audit SET actor = 'Max' WHERE id = 2", "DELETE FROM audit WHERE id = 2"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                connection.execute(statement)


@pytest.mark.parametrize("virtual", [True, False])
async def test_an_act_is_stored_with_its_event_or_not_at_all(samples: Any, tmp_path: Path, virtual: bool) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=virtual)
    await store.open()
    await store.start_run(samples.run())
    noted = replace(samples.event("note", text="ok"), act=act(1))
    await store.add_event(noted)
    store.log_event(replace(samples.event("state", to="held"), act=act(2)))
    with pytest.raises(StoreError) as refused:
        await store.add_event(replace(samples.event("note", text="lost"), act=act(3, new=float("nan"))))
    assert refused.value.code == "E-STO-002"
    await store.add_event(samples.event("phase"))
    await store.close()
    reader = samples.reader(file)
    assert [event.kind for event in reader.events(RUN)] == ["note", "state", "phase"]
    assert reader.events(RUN)[0] == Event(noted.ts_ns, noted.kind, noted.data, noted.run)
    assert [entry.ts_ns for entry in reader.audit()] == [act(1).ts_ns, act(2).ts_ns]
    assert reader.audit_broken() is None


async def test_the_head_of_each_export_holds_the_trail(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    manifests = []
    for form in ("csv", "dir"):
        manifests.append(_manifest(samples.reader(file), tmp_path / form, form))
        await store.audit(act(1))
    await store.close()
    reader = samples.reader(file)
    first = next(reader.audit())
    assert manifests[0] == {"store": reader.uid(), "entries": 0, "head": "0" * 64}
    assert manifests[1] == {"store": reader.uid(), "entries": 1, "head": first.hash.hex()}
    assert reader.audit_broken(Head(str(manifests[0]["head"]), 0)) is None


def _manifest(reader: StoreReader, folder: Path, form: str) -> dict[str, object]:
    export_run(reader, RUN, folder, Options(form))
    told: dict[str, object] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["audit"]
    return told


@pytest.mark.parametrize("version", [1, 2])
async def test_a_store_of_an_earlier_version_has_no_trail_and_gets_one(
    samples: Any, tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "line.db"
    _make_old(samples, file, version, monkeypatch)
    reader = samples.reader(file)
    assert (list(reader.audit()), reader.audit_head().id, reader.audit_broken()) == ([], 0, None)
    assert broken(reader, Head("0" * 64, 0)) is None
    store = samples.store(file)
    await store.open()
    await store.audit(act(1))
    await store.close()
    for each in (reader, samples.reader(file)):  # one opened before goes on
        assert [entry.id for entry in each.audit()] == [1]
        assert each.audit_broken() is None


def _make_old(samples: Any, file: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from linectl.store import file as store_file

    opened: Callable[..., sqlite3.Connection] = store_file.connect
    with monkeypatch.context() as patch:
        patch.setattr(store_file, "SCHEMA_VERSION", version)
        opened(file, "simulated").close()

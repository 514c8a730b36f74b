"""Words of runs: kept, taken away, audited in the same chain; an earlier store has none and is read all the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused, StoreError
from linectl.store.run_words import WordChange, WordReader, checked

RUN = "20260101T000000-ab12"


def asked(*words: str, remove: bool = False, run: str = RUN) -> WordChange:
    return WordChange(run, words, remove, "Zoé", 5, "because")


async def test_words_are_kept_once_in_order_and_each_change_is_in_the_trail(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    reader = WordReader(file)
    assert reader.words() == {}
    await store.tag_run(asked("night", "glue-B3"))
    await store.tag_run(asked("night"))  # as it is already: no entry
    await store.tag_run(asked("glue-B3", remove=True))
    assert reader.words() == {RUN: ("night",)}
    assert reader.words_of("other") == ()
    first, second = [(each.action, each.target, each.old, each.new, each.reason) for each in reader.audit()]
    assert first == ("tag_run", RUN, "[]", '["glue-B3", "night"]', "because")
    assert second[2:4] == ('["glue-B3", "night"]', '["night"]')
    assert reader.audit_broken() is None
    with pytest.raises(Refused) as refused:
        await store.tag_run(asked("night", "nope", remove=True))
    assert refused.value.code == "E-RUN-012"
    assert reader.words() == {RUN: ("night",)}  # all or nothing
    with pytest.raises(Refused) as refused:
        await store.tag_run(asked(*(f"w{n}" for n in range(20))))
    assert refused.value.code == "E-RUN-013"
    with pytest.raises(StoreError):
        await store.tag_run(asked("x", run="no-such-run"))
    await store.close()
    assert len(list(reader.audit())) == 2


@pytest.mark.parametrize("word", ["", "a b", "a,b", "a;b", "x" * 41, "a\x1b", "a\u202eb", "\t"])
def test_what_is_no_word_is_refused(word: str) -> None:
    with pytest.raises(Refused) as refused:
        checked(["good", word])
    assert refused.value.code == "E-RUN-013"
    assert "\x1b" not in refused.value.message


def test_letters_are_composed_so_that_two_keyboards_write_one_word() -> None:
    assert checked(["pa\u0302te", "p\u00e2te", "B3"]) == ("p\u00e2te", "B3")


async def test_a_store_without_words_yet_is_read_as_it_is(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    await store.close()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("DROP TABLE run_tag; UPDATE meta SET value = '4' WHERE key = 'schema_version';")
    assert WordReader(file).words() == {}
    await store.open()  # migrates it
    await store.tag_run(asked("night"))
    await store.close()
    assert WordReader(file).words() == {RUN: ("night",)}

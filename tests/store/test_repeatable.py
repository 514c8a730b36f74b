"""Only what can be made again from its seed is spared the wait for the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from linectl.store.core import Core
from linectl.store.file import connect
from linectl.store.recorder import Recorder
from linectl.store.store import open_store

FULL, NORMAL = 2, 1


@pytest.mark.parametrize(("repeatable", "synchronous"), [(True, NORMAL), (False, FULL)])
def test_the_disk_is_waited_for_unless_the_run_is_repeatable(
    tmp_path: Path, repeatable: bool, synchronous: int
) -> None:
    connection = connect(tmp_path / "line.db", "line", repeatable=repeatable)
    assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize("virtual", [True, False])
async def test_a_store_waits_for_the_disk_unless_told_otherwise(tmp_path: Path, virtual: bool) -> None:
    store = open_store(tmp_path / "line.db", line="line", virtual=virtual)
    assert isinstance(store, Recorder)
    core = store._writer.core
    assert isinstance(core, Core)
    await store.open()
    assert core._connection is not None
    assert core._connection.execute("PRAGMA synchronous").fetchone() == (FULL,)
    await store.close()

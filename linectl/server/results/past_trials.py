"""Past trials from a file into the store, as a run like any other."""

from __future__ import annotations

from pathlib import Path

from linectl.clock import Clock
from linectl.lab.import_csv import IMPORT_TAGS, ImportedTrials, store_import
from linectl.model.records import Act
from linectl.server.places import note_last_run, store_path
from linectl.store.store import open_store

__all__ = ["keep"]


async def keep(trials: ImportedTrials, data: Path | None, *, operator: str) -> str:
    """Store `trials` in `data` (else the user's state folder) and return the id of their run.

    Raises:
        StoreError: the store cannot be written.
    """
    file = store_path(None, data)
    store = open_store(file, line="-", virtual=True, tags=IMPORT_TAGS)  # inline: a queue would drop a long trace
    await store.open()
    try:
        now_ns = Clock().now_ns()
        run = await store_import(store, trials, operator=operator, clock_ns=now_ns)
        await store.audit(Act(now_ns, operator, "import", run, new={"file": trials.file, "sha256": trials.file_hash}))
    finally:
        await store.close()
    note_last_run(run, file, data)
    return run

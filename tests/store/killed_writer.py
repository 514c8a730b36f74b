"""A writer to be killed: adds events for ever and says each one's number once the store has acknowledged it.

Arguments: file, `late` (acknowledge after the commit, as the store does) or `early` (the control: before it).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import Event, Run
from linectl.store.reader import StoreReader
from linectl.store.store import open_store

LAYOUT = ScanLayout("bath", 1.0, ("bath.temperature",))


def scan(k: int) -> Scan:
    return Scan(LAYOUT, f"boot{os.getpid()}", k, k, k, (Reading("bath.temperature", float(k), GOOD, k, k, k),))


async def write_for_ever(file: Path, *, early: bool) -> None:
    store = open_store(file, line="x", virtual=False)
    await store.open()
    first = len(StoreReader(file).events("k"))
    run_id = f"run{first:09}-{os.getpid()}"  # one that was killed at once left no event, but its run
    await store.start_run(Run(run_id, "experiment", "x", "x", "running", "x", 0, "", False, "", ""))
    await store.start_span(run_id, None, "bath")
    for number in itertools.count(first, 5):
        store.log_scan(scan(number))
        events = [Event(number, "n", {"n": number + k}, "k") for k in range(5)]
        rows = [asyncio.ensure_future(store.add_event(event)) for event in events]
        if early:
            await asyncio.sleep(0)
        else:
            await asyncio.gather(*rows)
        os.write(1, b"".join(b"%d\n" % (number + k) for k in range(5)))
        await asyncio.gather(*rows)


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1]), early=sys.argv[2] == "early"))

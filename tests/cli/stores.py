"""Small stores for the verbs that look back: two starts, a gap, bad values, a run with bottles, events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from linectl.model.readings import GOOD, Quality, Reading, Scan, ScanLayout, bad
from linectl.model.records import Bottle, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.store.store import Store, open_store

__all__ = ["RUN", "T0", "S", "event", "finish", "made", "recorded", "run", "scan", "with_run"]

S = 1_000_000_000
T0 = 1_767_225_600 * S  # 2026-01-01T00:00:00Z
RUN = "20260101T000000-ab12"
TAGS = {"bath.temperature": ("°C", "float"), "bath.lid_closed": ("", "bool"), "bath.level": ("%", "float")}
LAYOUT = ScanLayout("bath", 1.0, tuple(TAGS))


def scan(
    k: int, *, boot: str = "b1", at_s: float | None = None, quality: Quality = GOOD, value: float | None = None
) -> Scan:
    """Scan number `k`, `at_s` after T0 (else k): temperature 20 + k/10 unless `value` is told, lid, level."""
    t_ns = T0 + round((k if at_s is None else at_s) * S)
    warm = 20.0 + k / 10 if value is None else value
    values = (warm if quality.is_good else None, k % 2 == 0, 50.0)
    readings = tuple(
        Reading(tag, told, quality if tag == "bath.temperature" else GOOD, t_ns, t_ns, k)
        for tag, told in zip(LAYOUT.tags, values, strict=True)
    )
    return Scan(LAYOUT, boot, k, k * S, t_ns, readings)


def run(run_id: str = RUN, **changes: Any) -> Run:
    told: dict[str, Any] = {
        "id": run_id,
        "kind": "experiment",
        "ref": "glue_screening",
        "line": "simulated",
        "state": "running",
        "operator": "Zoé",
        "started_ns": T0,
        "config_hash": "c0ffee" * 4,
        "calibration_hash": "ca11" * 4,
        "simulated": True,
        "definition": "kind: experiment\nzone: bath\n",
        "version": "0.1.0",
        "seed": 7,
    }
    return Run(**(told | changes))


def event(kind: str, at_s: float = 0.0, run_id: str = "", **data: object) -> Event:
    return Event(T0 + round(at_s * S), kind, data, run_id)


async def with_run(
    store: Store, run_id: str = RUN, *, off_s: Sequence[int | None] = (60, 90, None), **changes: Any
) -> None:
    """Record a run of one bath with bottles whose labels were seen off after `off_s`, and do not end it."""
    await store.start_run(run(run_id, **changes))
    bath = Trial(run_id, 1, Treatment(60.0, 1.5), 1, started_ns=T0, ended_ns=T0 + 200 * S, state=TrialState.COMPLETE)
    await store.add_trials([bath])
    await store.start_span(run_id, None, "bath")
    await store.add_bottles(
        [
            Bottle(run_id, 1, f"B{n}", n, "casein", T0, T0, None if off is None else T0 + off * S, "")
            for n, off in enumerate(off_s, start=1)
        ]
    )


async def finish(store: Store, run_id: str = RUN, status: ExitStatus = ExitStatus.SUCCESS, reason: str = "") -> None:
    await store.end_run(run_id, status, reason, T0 + 300 * S)


async def recorded(store: Store) -> None:
    """100 scans (of these 40 to 49 bad), 200 s of nothing, then 50 of another start; and a few events."""
    for k in range(100):
        store.log_scan(scan(k, quality=bad("not_connected") if 40 <= k < 50 else GOOD))
    for k in range(100, 150):
        store.log_scan(scan(k, boot="b2", at_s=k + 200))
    await store.add_event(event("note", 10.0, text="probe cleaned", who="Léa"))
    await store.add_event(event("deviation", 20.0, text="lid open\x1b[2J"))
    await store.add_event(event("link_lost", 99.0, link="plc", reason="timeout"))


def made(folder: Path, *acts: Any, name: str = "line.db") -> Path:
    """Make a store in `folder` by `acts` (each is given the open store), and note its last run if it has one."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name

    async def main() -> None:
        store = open_store(file, line="simulated", virtual=True, tags=TAGS)
        await store.open()
        for act in acts:
            await act(store)
        await store.close()

    asyncio.run(main())
    from linectl.store.reader import StoreReader

    runs = StoreReader(file).runs()
    if runs:
        (folder / "last_run.json").write_text(json.dumps({"run": runs[-1].id, "store": str(file)}), encoding="utf-8")
    return file

"""Records and scans that the store's tests write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from linectl.model.readings import GOOD, Quality, Reading, Scan, ScanLayout, bad
from linectl.model.records import Bottle, Check, Event, Run, Treatment, Trial
from linectl.store.reader import StoreReader
from linectl.store.store import Store, open_store

S = 1_000_000_000
T0 = 1_767_225_600 * S
TAGS = {
    "bath.temperature": ("°C", "float"),
    "bath.state": ("", "int"),
    "bath.lid_closed": ("", "bool"),
    "room.temperature": ("°C", "float"),
}
BATH = ScanLayout("bath", 1.0, ("bath.temperature", "bath.state", "bath.lid_closed"))
SLOW = ScanLayout("slow", 30.0, ("room.temperature",))


class Samples:
    """Plain makers of records."""

    tags: Mapping[str, tuple[str, str]] = TAGS
    t0_ns = T0

    def store(self, path: Path, *, virtual: bool = True) -> Store:
        return open_store(path, line="simulated", virtual=virtual, tags=TAGS)

    def reader(self, path: Path) -> StoreReader:
        return StoreReader(path)

    def scan(self, k: int, *, boot: str = "b1", group: str = "bath", missing: bool = False) -> Scan:
        layout, values = (SLOW, (20.0 + k,)) if group == "slow" else (BATH, (60.0 + k / 8, k, k % 2 == 0))
        quality = bad("not_connected") if missing else GOOD
        return Scan(
            layout,
            boot,
            k,
            k * S,
            T0 + k * S,
            tuple(self._reading(layout, i, v, quality, k) for i, v in enumerate(values)),
        )

    def _reading(self, layout: ScanLayout, index: int, value: Any, quality: Quality, k: int) -> Reading:
        shown = None if index == 0 and not quality.is_good else value
        return Reading(layout.tags[index], shown, quality if index == 0 else GOOD, T0 + k * S, T0 + k * S, k)

    def run(self, run_id: str = "20260101T000000-ab12", **changes: Any) -> Run:
        told: dict[str, Any] = {
            "id": run_id,
            "kind": "experiment",
            "ref": "glue_screening",
            "line": "simulated",
            "state": "running",
            "operator": "Zoé",
            "started_ns": T0,
            "config_hash": "c0ffee",
            "simulated": True,
            "definition": "kind: experiment\n",
            "version": "0.1.0",
            "seed": 7,
        }
        return Run(**(told | changes))

    def trial(self, order: int = 1, *, run_id: str = "20260101T000000-ab12", **changes: Any) -> Trial:
        return Trial(run_id, order, Treatment(60.0, 1.5), 1, **changes)

    def bottle(self, label: str = "B01", *, order: int = 1, **changes: Any) -> Bottle:
        told: dict[str, Any] = {"position": 1, "glue": "casein", "inserted_ns": T0 + S}
        return Bottle("20260101T000000-ab12", order, label, **(told | changes))

    def check(self, k: int, label: str = "B01", *, attached: bool | None = None, done: bool = True) -> Check:
        return Check("20260101T000000-ab12", 1, label, T0 + k * S, T0 + k * S if done else None, attached)

    def event(self, kind: str, run_id: str = "20260101T000000-ab12", **data: object) -> Event:
        return Event(T0, kind, data, run_id)


@pytest.fixture
def samples() -> Samples:
    return Samples()

"""One hash over all decoded rows of a run: two runs with the same hash left the same records."""

from __future__ import annotations

import hashlib
import json
from array import array
from dataclasses import asdict

from linectl.model.records import Run
from linectl.store.reader import Group, StoreReader

__all__ = ["decoded_hash"]


def decoded_hash(reader: StoreReader, run_id: str, *, wall_times: bool = True, events: bool = True) -> str:
    """Return the SHA-256 (hex) of a run's scans, trials, bottles, checks and events, however they were batched.

    Ids of run and boot are left out. Without `wall_times` the times of scans and events are left out too, and those
    of trials, bottles and checks count from the run's start: for runs that began at different moments, or that read
    real wires. Without `events` what they tell is left out.
    """
    run = reader.run(run_id)
    digest = hashlib.sha256()
    for group in reader.groups(run.id):
        digest.update(_scans(reader, run, group, wall_times=wall_times))
    origin_ns = 0 if wall_times else run.started_ns
    for records in (reader.trials(run.id), reader.bottles(run.id), reader.checks(run.id)):
        for record in records:
            digest.update(_row(asdict(record), origin_ns))
    if events:
        for event in reader.events(run.id):
            digest.update(_json([event.ts_ns if wall_times else None, event.kind, dict(event.data)]))
    return digest.hexdigest()


def _scans(reader: StoreReader, run: Run, group: Group, *, wall_times: bool) -> bytes:
    """Return a digest of one group: each column has its own, so that the blocks' bounds leave no mark."""
    names = [tag.name for tag in group.tags]
    numbers = {tag.name: hashlib.sha256(_json([tag.name, tag.unit, tag.dtype])) for tag in group.tags}
    qualities = {name: hashlib.sha256() for name in names}
    ticks = hashlib.sha256(_json([group.name, group.period_s]))
    first: tuple[int, int] | None = None
    for block in reader.blocks(run.id, group.name):
        if not block.sequence:
            continue
        first = first or (block.sequence[0], block.loop_ns[0])
        for number, loop_ns, t_ns in zip(block.sequence, block.loop_ns, block.t_ns, strict=True):
            ticks.update(array("q", [number - first[0], loop_ns - first[1], t_ns if wall_times else 0]).tobytes())
        for name, values, quality in zip(block.tags, block.values, block.quality, strict=True):
            numbers[name].update(array("d", [0.0 if value is None else value for value in values]).tobytes())
            qualities[name].update(quality)
    digests = (numbers[name].digest() + qualities[name].digest() for name in sorted(names))
    return ticks.digest() + b"".join(digests)


def _row(record: dict[str, object], origin_ns: int) -> bytes:
    """Return a record as canonical JSON, without its run's id, times counted from `origin_ns`."""
    told = {key: value for key, value in record.items() if key != "run"}
    for key, value in told.items():
        if key.endswith("_ns") and isinstance(value, int):
            told[key] = value - origin_ns
    return _json(told)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode() + b"\n"

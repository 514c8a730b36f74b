"""The tables of an export: their columns with units, their rows made as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from linectl.model.readings import Quality
from linectl.model.records import Run
from linectl.store.reader import Group, StoreReader
from linectl.units import NS_PER_S

__all__ = ["Column", "Table", "iso", "tables_of"]

_EPOCH = datetime.fromtimestamp(0, UTC)

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its unit ("" for none), type, and what it holds."""

    name: str
    unit: str
    type: str
    description: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One file: its columns and its rows, made as they are asked for."""

    file: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]


def tables_of(reader: StoreReader, run: Run) -> list[Table]:
    """Return the tables of `run`; readings.csv holds its fastest scan group, readings_GROUP.csv each other one."""
    origin_ns = 0 if run.kind == "import" else run.started_ns  # past trials have elapsed times alone
    groups = reader.groups(run.id)
    readings = [
        _readings(reader, run, group, origin_ns, "readings.csv" if index == 0 else f"readings_{group.name}.csv")
        for index, group in enumerate(groups)
    ]
    return [
        _trials(reader, run, origin_ns),
        _bottles(reader, run, origin_ns),
        _checks(reader, run, origin_ns),
        *readings,
        _journal(reader, run, origin_ns),
    ]


_TREATMENT = (
    Column("temperature_c", "°C", "number", "the bath's setpoint"),
    Column("naoh_pct", "%", "number", "the bath's NaOH as asked"),
    Column("replicate", "", "integer", "which repeat of the treatment"),
)


def _trials(reader: StoreReader, run: Run, origin_ns: int) -> Table:
    columns = (
        Column("trial", "", "integer", "order of the bath in the run"),
        *_TREATMENT,
        Column("block", "", "string", "block of the design"),
        Column("state", "", "string", "planned, running, complete, flagged or aborted"),
        Column("started_s", "s", "number", "since the run's start"),
        Column("ended_s", "s", "number", "since the run's start"),
        Column("naoh_measured_pct", "%", "number", "mean over the soak, by conductivity"),
    )
    rows = (
        (
            *(trial.ord, trial.treatment.temperature_c, trial.treatment.naoh_pct, trial.replicate, trial.block),
            *(trial.state, _s(trial.started_ns, origin_ns), _s(trial.ended_ns, origin_ns), trial.naoh_measured_pct),
        )
        for trial in reader.trials(run.id)
    )
    return Table("trials.csv", columns, rows)


def _bottles(reader: StoreReader, run: Run, origin_ns: int) -> Table:
    columns = (
        Column("bottle", "", "string", "the bottle's label"),
        Column("trial", "", "integer", "the bath, see trials.csv"),
        Column("position", "", "integer", "place in the bath"),
        Column("glue", "", "string", "the glue of the label"),
        *_TREATMENT,
        Column("inserted_s", "s", "number", "when it went in, since the run's start"),
        Column("last_attached_s", "s", "number", "when the label was last seen on, since the run's start"),
        Column("first_detached_s", "s", "number", "when it was first seen off; empty: still on at the last check"),
        Column("lo_s", "s", "number", "last seen on, since this bottle went in"),
        Column("hi_s", "s", "number", "first seen off, since this bottle went in; empty: still on at the last check"),
        Column("mode", "", "string", "how the label came off"),
        Column("residue_pct", "%", "number", "glue left on the bottle"),
    )
    trials = {trial.ord: trial for trial in reader.trials(run.id)}
    rows = (
        (
            *(bottle.label, bottle.trial, bottle.position, bottle.glue),
            trials[bottle.trial].treatment.temperature_c,
            trials[bottle.trial].treatment.naoh_pct,
            trials[bottle.trial].replicate,
            *(_s(ns, origin_ns) for ns in (bottle.inserted_ns, bottle.last_attached_ns, bottle.first_detached_ns)),
            *(_s(ns, bottle.inserted_ns) for ns in (bottle.last_attached_ns, bottle.first_detached_ns)),
            *(bottle.mode, bottle.residue_pct),
        )
        for bottle in reader.bottles(run.id)
    )
    return Table("bottles.csv", columns, rows)


def _checks(reader: StoreReader, run: Run, origin_ns: int) -> Table:
    columns = (
        Column("trial", "", "integer", "the bath, see trials.csv"),
        Column("bottle", "", "string", "the bottle's label"),
        Column("planned_s", "s", "number", "when the look was due, since the run's start"),
        Column("done_s", "s", "number", "when it was made; empty: missed"),
        Column("attached", "", "boolean", "1 still on, 0 off; empty: not seen"),
    )
    rows = (
        (
            *(check.trial, check.bottle, _s(check.planned_ns, origin_ns), _s(check.done_ns, origin_ns)),
            None if check.attached is None else int(check.attached),
        )
        for check in reader.checks(run.id)
    )
    return Table("checks.csv", columns, rows)


def _journal(reader: StoreReader, run: Run, origin_ns: int) -> Table:
    columns = (
        Column("time", "", "string", "ISO 8601 with offset"),
        Column("t_s", "s", "number", "since the run's start"),
        Column("kind", "", "string", "what happened, a machine word"),
        Column("data", "", "string", "the details, JSON"),
    )
    rows = (
        (
            *(iso(event.ts_ns), _s(event.ts_ns, origin_ns), event.kind),
            json.dumps(dict(event.data), ensure_ascii=False, sort_keys=True),
        )
        for event in reader.events(run.id)
    )
    return Table("journal.csv", columns, rows)


def _readings(reader: StoreReader, run: Run, group: Group, origin_ns: int, file: str) -> Table:
    values = [
        Column(tag.name, tag.unit, {"float": "number", "int": "integer", "bool": "boolean"}[tag.dtype], "", tag.name)
        for tag in group.tags
    ]
    qualities = [
        Column(f"{tag.name}_quality", "", "string", "good, uncertain:reason or bad:reason", tag.name)
        for tag in group.tags
    ]
    columns = (
        Column("time", "", "string", "ISO 8601 with offset: the scan's wall time"),
        Column("t_s", "s", "number", "since the run's start, untouched by steps of the wall clock"),
        *values,
        *qualities,
    )
    return Table(file, columns, _scan_rows(reader, run, group, origin_ns))


def _scan_rows(reader: StoreReader, run: Run, group: Group, origin_ns: int) -> Iterator[Row]:
    words = {byte: _quality_word(byte) for byte in range(256) if _is_quality(byte)}
    empty: list[object] = []
    boot, shift_ns = "", 0
    for block in reader.blocks(run.id, group.name):
        if not block.sequence:
            continue
        if block.boot != boot:  # within a boot, elapsed time is the loop's
            boot, shift_ns = block.boot, block.t_ns[0] - origin_ns - block.loop_ns[0]
        at = {name: index for index, name in enumerate(block.tags)}
        empty = [None] * len(block.sequence)
        columns: list[Iterable[object]] = [map(iso, block.t_ns), (_s(ns, -shift_ns) for ns in block.loop_ns)]
        for tag in group.tags:
            found = block.values[at[tag.name]] if tag.name in at else empty
            columns.append(map(_number, found) if tag.dtype == "bool" else found)
        columns += [
            [words[byte] for byte in block.quality[at[tag.name]]] if tag.name in at else empty for tag in group.tags
        ]
        yield from zip(*columns, strict=True)


def _is_quality(byte: int) -> bool:
    try:
        Quality.from_byte(byte)
    except (ValueError, IndexError):
        return False
    return True


def _quality_word(byte: int) -> str:
    quality = Quality.from_byte(byte)
    word = quality.level.name.lower()
    return f"{word}:{quality.reason}" if quality.reason else word


def _number(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def _s(ns: int | None, origin_ns: int) -> float | None:
    return None if ns is None else (ns - origin_ns) / NS_PER_S


def iso(ns: int) -> str:
    """Return a time in ns UTC as ISO 8601 with milliseconds and offset."""
    return (_EPOCH + timedelta(milliseconds=ns // 1_000_000)).isoformat(timespec="milliseconds")

"""A run as event-model documents: what bluesky, tiled and databroker read. Written without importing bluesky.

One start, one descriptor per stream, events, one stop; rules by bluesky/event-model's JSON schemas and by what
TiledWriter (tiled) and databroker 1.x do with them. A missing value is null, and its quality says why. Two-state tags
are numbers 1, 0, null: one null would turn a column of booleans into text. Without a stop, tiled shows no row: a run
whose process was killed gets one that says so.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linectl.model.records import Event, ExitStatus
from linectl.store.export.columns import Column
from linectl.store.export.keys import document_keys
from linectl.store.export.sink import Sink, Written
from linectl.store.export.tables import Source, Table, iso, tables_of
from linectl.units import NS_PER_S

__all__ = ["FLAVOURS", "documents", "unit_name", "write_documents"]

_NAMESPACE = uuid.UUID("6f0f6f3e-5a0c-5d5e-9d0b-2f1c5a7d4b11")  # any fixed one: ids depend on the run alone
_UNITS = {"°C": "degC", "%": "percent"}
_DTYPES = {"number": "number", "integer": "integer", "boolean": "number", "string": "string"}
_NUMPY = {"number": "<f8", "integer": "<i8", "boolean": "<f8"}
_DEATHS = {"run_interrupted": "crash", "crash": "crash", "resumed": "resumed"}  # two words of ours beside bluesky's

Document = tuple[str, dict[str, Any]]

FLAVOURS: Mapping[str, Callable[[str, dict[str, Any]], object]] = {
    "jsonl": lambda name, doc: {"name": name, "doc": doc},  # bluesky's JSONLinesWriter, tiled
    "suitcase-jsonl": lambda name, doc: [name, doc],  # databroker 1.x, suitcase
}


def write_documents(sink: Sink, source: Source, flavour: str, *, close: bool = False) -> Written:
    """Write `documents.jsonl`, one document a line, each line ended by a line feed; `rows` counts documents."""
    shape = FLAVOURS[flavour]
    with sink.file("documents.jsonl") as (file, written):
        count = 0
        for name, doc in documents(source, close=close):
            line = json.dumps(shape(name, doc), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            file.write(line.encode() + b"\n")
            count += 1
        written.rows = count
    return written


def documents(source: Source, *, close: bool = False) -> Iterator[Document]:
    """Yield the documents of a run.

    A run without an end of its own: one whose process was killed gets a stop marked synthetic, one that still goes on
    gets none unless `close` asks for it.

    Raises:
        Refused: two tags would get the same key.
    """
    run = source.run
    uid = _id(run.id, "start")
    streams = _Streams(source, uid)
    yield "start", _start(source, uid)
    tables = {table.name: table for table in tables_of(source)}
    yield from streams.scans([table for table in tables.values() if table.group])
    yield from streams.table("bottles", tables["bottles"], _bottle_times(source))
    yield from streams.journal()
    if source.is_complete or source.is_interrupted or close:
        yield "stop", _stop(source, uid, streams.counts, last_s=streams.last_s)


def _id(run: str, what: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{run}/{what}"))


def unit_name(unit: str) -> str:
    """Return a unit as machines write it: `degC`."""
    return _UNITS.get(unit, unit)


def _start(source: Source, uid: str) -> dict[str, Any]:
    run = source.run
    glues = sorted({bottle.glue for bottle in source.bottles()})
    return {
        "uid": uid,
        "time": run.started_ns / NS_PER_S,
        "scan_id": run.started_ns // NS_PER_S,
        "plan_name": run.ref if source.only is None else run.kind,
        "hints": {"dimensions": [[["time"], "primary"]]},
        "sample": {"glues": glues},
        "operator": run.operator,
        "linectl": {
            "run": run.id,
            "line": run.line,
            "kind": run.kind,
            "simulated": run.simulated,
            "complete": source.is_complete,
            "version": run.version,
            "config_hash": run.config_hash,
            "calibration_hash": run.calibration_hash,
            "seed": run.seed,
            "speed": run.speed,
            "started": iso(run.started_ns),
            "trials": [
                {
                    "trial": trial.ord,
                    "temperature_c": trial.treatment.temperature_c,
                    "naoh_pct": trial.treatment.naoh_pct,
                    "agitation_pct": trial.treatment.agitation_pct,
                    "replicate": trial.replicate,
                    "block": trial.block,
                    "state": trial.state.value,
                }
                for trial in source.reader.trials(run.id)
            ],
        },
    }


def _stop(source: Source, uid: str, counts: Mapping[str, int], *, last_s: float) -> dict[str, Any]:
    run = source.run
    ended_s = last_s if run.ended_ns is None else run.ended_ns / NS_PER_S
    stop: dict[str, Any] = {
        "uid": _id(source.run.id, "stop"),
        "time": ended_s,
        "run_start": uid,
        "exit_status": (run.exit_status or ExitStatus.FAIL).value,
        "reason": "" if source.only is not None else run.reason,
        "num_events": dict(counts),
    }
    if not source.is_complete:
        at = iso(round(ended_s * 1000) * 1_000_000)
        stop["exit_status"] = ExitStatus.FAIL.value
        stop["reason"] = f"process killed at {at}" if source.is_interrupted else f"still going at {at}"
        stop["linectl"] = {"synthetic": True}
    return stop


def _bottle_times(source: Source) -> list[float]:
    """Return when each bottle's record was complete: past trials have no wall time but their import's."""
    run = source.run
    if run.kind == "import":
        return [run.started_ns / NS_PER_S for _ in source.bottles()]
    return [
        max(ns for ns in (b.inserted_ns, b.last_attached_ns, b.first_detached_ns) if ns is not None) / NS_PER_S
        for b in source.bottles()
    ]


@dataclass(slots=True)
class _Stream:
    """One stream: its descriptor's id, its keys, and how many events it has."""

    name: str
    descriptor: str
    keys: Sequence[str]
    number: int = 0


@dataclass(slots=True)
class _Streams:
    """Makes descriptors and events; numbers each stream's events from 1 without a hole."""

    source: Source
    start: str
    counts: dict[str, int] = field(default_factory=dict)
    last_s: float = 0.0

    def __post_init__(self) -> None:
        self.last_s = self.source.run.started_ns / NS_PER_S

    def scans(self, tables: Sequence[Table]) -> Iterator[Document]:
        """Yield one stream per scan group, the fastest as `primary`, then `baseline`: what was first and last seen."""
        columns = [[column for column in table.columns if column.tag] for table in tables]
        keys = document_keys([column.name for mine in columns for column in mine])
        names = _stream_names([table.group for table in tables])
        edges: list[list[object]] = [[], []]
        times: list[float] = [0.0, 0.0]
        for table, mine, name in zip(tables, columns, names, strict=True):
            stream, descriptor = self._open(name, mine, keys)
            yield "descriptor", descriptor
            at = {column.name: index for index, column in enumerate(table.columns)}
            places = [at[column.name] for column in mine]
            row: Sequence[object] | None = None
            values: list[object] = []
            for row in table.rows():
                values = [_told(row[place], column) for place, column in zip(places, mine, strict=True)]
                yield "event", self._event(stream, values, _seconds(row[at["time_ns"]]))
                if stream.number == 1:
                    edges[0] += values
                    times[0] = min(times[0] or self.last_s, self.last_s)
            edges[1] += values
            times[1] = max(times[1], self.last_s)
        if any(self.counts.values()):
            yield from self._baseline([column for mine in columns for column in mine], keys, edges, times)

    def _baseline(
        self, columns: Sequence[Column], keys: Mapping[str, str], edges: list[list[object]], times: list[float]
    ) -> Iterator[Document]:
        stream, descriptor = self._open("baseline", columns, keys)
        yield "descriptor", descriptor
        for values, time_s in zip(edges, times, strict=True):
            yield "event", self._event(stream, values, time_s)

    def table(self, name: str, table: Table, times: Sequence[float]) -> Iterator[Document]:
        """Yield a stream with a row of `table` per event; nothing when it has none."""
        if not times:
            return
        columns = [column for column in table.columns if not column.machine]
        stream, descriptor = self._open(name, columns, document_keys([column.name for column in columns]))
        yield "descriptor", descriptor
        for row, time_s in zip(table.rows(), times, strict=True):
            values = [_told(value, column) for value, column in zip(row, columns, strict=True)]
            yield "event", self._event(stream, values, time_s)

    def journal(self) -> Iterator[Document]:
        """Yield what happened, and beside it the interruptions as bluesky records them."""
        table = next(table for table in tables_of(self.source) if table.name == "journal")
        events = [Event(int(str(ns)), str(kind), json.loads(str(data))) for _, _, kind, data, ns in table.rows()]
        if events:
            yield from self._texts("journal", ("kind", "tag", "text", "data"), events, _journal_values)
        told = [(event, word) for event in events if (word := _interruption(event))]
        words = [word for _, word in told]
        broken = [pair for before, pair in zip(["", *words], told, strict=False) if (before, pair[1]) != _SAME_DEATH]
        if broken:
            by_event = {id(event): word for event, word in broken}
            found = [event for event, _ in broken]
            yield from self._texts("interruptions", ("interruption",), found, lambda e: (by_event[id(e)],))

    def _texts(
        self, name: str, names: Sequence[str], events: Iterable[Event], values: Callable[[Event], Sequence[str]]
    ) -> Iterator[Document]:
        columns = [Column(key, "", "string", "") for key in names]
        stream, descriptor = self._open(name, columns, {key: key for key in names})
        yield "descriptor", descriptor
        for event in events:
            yield "event", self._event(stream, list(values(event)), event.ts_ns / NS_PER_S)

    def _open(self, name: str, columns: Sequence[Column], keys: Mapping[str, str]) -> tuple[_Stream, dict[str, Any]]:
        stream = _Stream(name, _id(self.source.run.id, f"descriptor/{name}"), [keys[c.name] for c in columns])
        self.counts[name] = 0
        numbers = [keys[c.name] for c in columns if c.type == "number" and not c.is_quality]
        descriptor = {
            "uid": stream.descriptor,
            "time": self.source.run.started_ns / NS_PER_S,
            "run_start": self.start,
            "name": name,
            "data_keys": {keys[column.name]: self._data_key(column) for column in columns},
            "object_keys": {"line": list(stream.keys)},
            "configuration": {"line": {"data": {}, "timestamps": {}, "data_keys": {}}},
            "hints": {"line": {"fields": numbers}},
        }
        return stream, descriptor

    def _data_key(self, column: Column) -> dict[str, Any]:
        source = f"linectl://{self.source.run.line}/{column.tag or column.name}"
        key: dict[str, Any] = {"source": source, "dtype": _DTYPES[column.type], "shape": []}
        if column.type in _NUMPY:
            key["dtype_numpy"] = _NUMPY[column.type]
        if column.unit:
            key["units"] = unit_name(column.unit)
        return key

    def _event(self, stream: _Stream, values: Sequence[object], time_s: float) -> dict[str, Any]:
        stream.number += 1
        self.counts[stream.name] = stream.number
        self.last_s = max(self.last_s, time_s)
        return {
            "uid": _id(self.source.run.id, f"event/{stream.name}/{stream.number}"),
            "descriptor": stream.descriptor,
            "seq_num": stream.number,
            "time": time_s,
            "data": dict(zip(stream.keys, values, strict=True)),
            "timestamps": dict.fromkeys(stream.keys, time_s),
        }


_SAME_DEATH = ("crash", "crash")  # the record closes a killed run, and who takes it up tells of it again


def _interruption(event: Event) -> str:
    """Return bluesky's word for an event of the run's state (or ours for a crash), "" for any other."""
    if event.kind != "state" or event.data.get("of") != "run":
        return _DEATHS.get(event.kind, "")
    change = event.data.get("from"), event.data.get("to")
    if change[1] in {"paused", "held"}:
        return "pause"
    return "resume" if change == ("restarting", "running") else ""


def _journal_values(event: Event) -> tuple[str, str, str, str]:
    told = dict(event.data)
    text = next((str(told[key]) for key in ("text", "reason", "detail", "phase", "value") if told.get(key)), "")
    data = json.dumps(told, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return event.kind, str(told.get("tag") or ""), text, data


def _told(value: object, column: Column) -> object:
    """Return a cell as a document holds it; a quality and a text are never null, two states are 1.0 and 0.0."""
    if value is None:
        return "bad:not_connected" if column.is_quality else "" if column.type == "string" else None
    return float(value) if column.type == "boolean" and isinstance(value, int) else value


def _seconds(ns: object) -> float:
    assert isinstance(ns, int)
    return ns / NS_PER_S


def _stream_names(groups: Sequence[str]) -> list[str]:
    """Return the streams of scan groups, fastest first; a name that another stream bears gets `scans_` before it."""
    taken = {"primary", "baseline", "bottles", "journal", "interruptions"}
    return ["primary", *(f"scans_{name}" if name in taken else name for name in groups[1:])][: len(groups)]

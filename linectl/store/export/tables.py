"""The tables of an export: their rows are made as they are asked for, so that no run is ever held in memory."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from linectl.model.readings import Quality
from linectl.model.records import Bottle, Run, Treatment
from linectl.store.codec import Block
from linectl.store.export.columns import (
    BOTTLES,
    CHECKS,
    JOURNAL,
    SCAN_FIRST,
    SCAN_LAST,
    TRIALS,
    Column,
    tag_columns,
)
from linectl.store.reader import Group, StoreReader, TrialSpan
from linectl.units import NS_PER_S

__all__ = ["Row", "Source", "Table", "iso", "tables_of"]

_EPOCH = datetime.fromtimestamp(0, UTC)
_CAMERA = "label."  # tags that show each position's label: of every glue in the bath
_PLAIN_EVENTS = frozenset({"run_started", "phase", "refill", "run_ended", "run_interrupted", "safe"})

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its columns, its rows made anew at each call; readings tell their scan group."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Row]]
    group: str = ""
    period_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """A run in its store, and which of its glues are told (`only`; None: all).

    With `only`, nothing is left of other glues: their bottles, their looks, the camera, the definition, and what
    people said in the journal.
    """

    reader: StoreReader
    run: Run
    only: frozenset[str] | None = None

    @property
    def origin_ns(self) -> int:
        """From when times count: the run's start, or 0 for past trials, which have elapsed times alone."""
        return 0 if self.run.kind == "import" else self.run.started_ns

    @property
    def is_interrupted(self) -> bool:
        """Whether the run's process died; a closing record that was written later does not make it whole."""
        return self.run.state == "interrupted" or self.reader.interrupted(self.run)

    @property
    def is_complete(self) -> bool:
        """Whether the run itself said how it ended."""
        return self.run.exit_status is not None and not self.is_interrupted

    def bottles(self) -> list[Bottle]:
        """Return the bottles that are told."""
        bottles = self.reader.bottles(self.run.id)
        return bottles if self.only is None else [bottle for bottle in bottles if bottle.glue in self.only]

    def groups(self) -> list[Group]:
        """Return the scan groups with the tags that are told."""
        groups = self.reader.groups(self.run.id)
        if self.only is None:
            return groups
        return [
            Group(group.name, group.period_s, tags)
            for group in groups
            if (tags := tuple(tag for tag in group.tags if not tag.name.startswith(_CAMERA)))
        ]


def tables_of(source: Source) -> list[Table]:
    """Return the tables of a run; `readings` holds its fastest scan group, `readings_GROUP` each other one."""
    readings = [
        _readings(source, group, "readings" if index == 0 else f"readings_{group.name}")
        for index, group in enumerate(source.groups())
    ]
    return [
        Table("trials", TRIALS, lambda: _trials(source)),
        Table("bottles", BOTTLES, lambda: _bottles(source)),
        Table("checks", CHECKS, lambda: _checks(source)),
        *readings,
        Table("journal", JOURNAL, lambda: _journal(source)),
    ]


def _trials(source: Source) -> Iterator[Row]:
    origin_ns, simulated = source.origin_ns, int(source.run.simulated)
    for trial in source.reader.trials(source.run.id):
        yield (
            *(trial.ord, *_levels(trial.treatment), trial.replicate, trial.block, trial.state.value),
            *(_s(trial.started_ns, origin_ns), _s(trial.ended_ns, origin_ns), trial.naoh_measured_pct, simulated),
        )


def _bottles(source: Source) -> Iterator[Row]:
    origin_ns, simulated = source.origin_ns, int(source.run.simulated)
    trials = {trial.ord: trial for trial in source.reader.trials(source.run.id)}
    for bottle in source.bottles():
        trial = trials[bottle.trial]
        yield (
            *(bottle.label, bottle.trial, bottle.position, bottle.glue, *_levels(trial.treatment), trial.replicate),
            *(_s(ns, origin_ns) for ns in (bottle.inserted_ns, bottle.last_attached_ns, bottle.first_detached_ns)),
            *(_s(ns, bottle.inserted_ns) for ns in (bottle.last_attached_ns, bottle.first_detached_ns)),
            *(bottle.mode, bottle.residue_pct, bottle.code),
            json.dumps(dict(bottle.factors), ensure_ascii=False, sort_keys=True) if bottle.factors else "",
            simulated,
        )


def _checks(source: Source) -> Iterator[Row]:
    origin_ns = source.origin_ns
    told = {(bottle.trial, bottle.label) for bottle in source.bottles()}
    for check in source.reader.checks(source.run.id):
        if (check.trial, check.bottle) in told:
            yield (
                *(check.trial, check.bottle, _s(check.planned_ns, origin_ns), _s(check.done_ns, origin_ns)),
                *(None if check.attached is None else int(check.attached), check.examiner),
            )


def _journal(source: Source) -> Iterator[Row]:
    origin_ns = source.origin_ns
    for event in source.reader.events(source.run.id):
        data = dict(event.data)
        if source.only is not None:
            if event.kind not in _PLAIN_EVENTS:
                continue
            data = {key: value for key, value in data.items() if key in {"trial", "phase", "status"}}
        text = json.dumps(data, ensure_ascii=False, sort_keys=True, allow_nan=False)
        yield iso(event.ts_ns), _s(event.ts_ns, origin_ns), event.kind, text, event.ts_ns


def _readings(source: Source, group: Group, name: str) -> Table:
    columns = (*SCAN_FIRST, *tag_columns(group.tags), *SCAN_LAST)
    return Table(name, columns, lambda: _scan_rows(source, group), group.name, group.period_s)


def _scan_rows(source: Source, group: Group) -> Iterator[Row]:
    words = {byte: _quality_word(byte) for byte in range(256) if _is_quality(byte)}
    spans = source.reader.trial_spans(source.run.id, group.name)
    boot, shift_ns = "", 0
    for block in source.reader.blocks(source.run.id, group.name):
        if not block.sequence:
            continue
        if block.boot != boot:  # within a boot, elapsed time is the loop's
            boot, shift_ns = block.boot, block.t_ns[0] - source.origin_ns - block.loop_ns[0]
        yield from zip(*_columns(block, group, shift_ns, words, spans), strict=True)


def _columns(
    block: Block, group: Group, shift_ns: int, words: dict[int, str], spans: Collection[TrialSpan]
) -> Iterator[Iterable[object]]:
    at = {name: index for index, name in enumerate(block.tags)}
    empty: list[object] = [None] * len(block.sequence)
    yield map(iso, block.t_ns)
    yield (_s(ns, -shift_ns) for ns in block.loop_ns)
    for tag in group.tags:
        yield map(_plain, block.values[at[tag.name]]) if tag.name in at else empty
    for tag in group.tags:
        yield [words[byte] for byte in block.quality[at[tag.name]]] if tag.name in at else empty
    yield _trial_of(block, spans)
    yield block.sequence
    yield [block.boot] * len(block.sequence)
    yield block.t_ns
    yield block.loop_ns


def _trial_of(block: Block, spans: Collection[TrialSpan]) -> Iterator[int | None]:
    mine = [span for span in spans if span.boot == block.boot]
    for number in block.sequence:
        yield next((span.ord for span in mine if span.seq0 <= number <= span.seq1), None)


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


def _plain(value: object) -> object:
    """Return a value as a number; what is not finite is missing."""
    if isinstance(value, bool):
        return int(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _levels(treatment: Treatment) -> tuple[float, float, float | None]:
    return treatment.temperature_c, treatment.naoh_pct, treatment.agitation_pct


def _s(ns: int | None, origin_ns: int) -> float | None:
    return None if ns is None else (ns - origin_ns) / NS_PER_S


def iso(ns: int) -> str:
    """Return a time in ns UTC as ISO 8601 with milliseconds and offset."""
    return (_EPOCH + timedelta(milliseconds=ns // 1_000_000)).isoformat(timespec="milliseconds")

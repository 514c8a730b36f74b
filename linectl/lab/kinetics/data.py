"""Label releases as intervals, with the temperature record of the bath that each bottle stood in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from linectl.errors import ConfigError
from linectl.lab.kinetics.codes import Code
from linectl.lab.results import Warn
from linectl.words import tr

__all__ = ["HOLD_S", "BathTrace", "Cell", "ReleaseData", "ReleaseRecord", "covered_until"]

Array = NDArray[np.float64]
Cell = tuple[float, float]  # temperature in °C, NaOH in %
HOLD_S = 10.0  # the first and the last temperature of a record stand this long before and after it
_NAMED_ROWS = 10  # so many mistakes are listed, the rest is counted


@dataclass(frozen=True, slots=True, eq=False)
class BathTrace:
    """A bath's temperature (°C) at its time stamps (s of bath time, strictly increasing), linear in between."""

    t_s: Array
    temp_c: Array

    def __post_init__(self) -> None:
        """Check the record.

        Raises:
            ConfigError: no stamp, stamps not increasing, unequal lengths, or a value that is no number.
        """
        if self.t_s.ndim != 1 or self.t_s.shape != self.temp_c.shape or not self.t_s.size:
            raise ConfigError(tr("bath trace: as many temperatures as time stamps are needed, and at least one"))
        if not (np.isfinite(self.t_s).all() and np.isfinite(self.temp_c).all()):
            raise ConfigError(tr("bath trace: a time or temperature is no number"))
        late = np.flatnonzero(np.diff(self.t_s) <= 0)
        if late.size:
            message = tr("bath trace: the time stamp {t} s does not follow the one before it")
            raise ConfigError(message.format(t=float(self.t_s[late[0] + 1])))

    @classmethod
    def of(cls, t_s: Sequence[float], temp_c: Sequence[float]) -> BathTrace:
        """Return the trace of two sequences (s, °C)."""
        return cls(np.asarray(t_s, dtype=np.float64), np.asarray(temp_c, dtype=np.float64))

    @classmethod
    def constant(cls, temp_c: float, until_s: float) -> BathTrace:
        """Return a bath at `temp_c` (°C) from 0 to `until_s` (s)."""
        return cls.of((0.0, until_s), (temp_c, temp_c))


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """One bottle: its label came off within (`lo_s`, `hi_s`], in s from its own insertion.

    `lo_s` = 0: off at the first check. `hi_s` = inf: still on at the last check, `lo_s`. `lo_s` = `hi_s`: seen coming
    off at that very time. `agitation_pct` is the stirrer's speed, None when not recorded. `temperature_c` and
    `naoh_pct` name the cell (what the bath was meant to be), `caustic_pct` is the NaOH that the fit uses.
    `inserted_at_s` is in the bath's time. `where` names the record in messages (`trials.csv:12`). `checks_s` are all
    times at which the bottle was or would have been looked at (s from insertion, increasing), if they are known.
    """

    bottle: str
    bath: str
    glue: str
    lo_s: float
    hi_s: float
    caustic_pct: float
    temperature_c: float
    naoh_pct: float
    inserted_at_s: float = 0.0
    where: str = ""
    agitation_pct: float | None = None
    checks_s: tuple[float, ...] = ()
    lot: str = ""  # of the glue

    def problems(self) -> list[str]:
        """Return what is wrong with this record, in words; nothing when it can be used."""
        if self._usable():
            return []  # nearly every row: no sentence is put together
        checks = (
            (not self.glue, tr("no glue is named")),
            (not _finite(self.lo_s) or self.lo_s < 0, tr("lo must be a time of 0 s or more")),
            (math.isnan(self.hi_s), tr("hi is no number: leave it empty or write inf for a label still on")),
            (self.hi_s < self.lo_s, tr("hi lies before lo: the ends are swapped")),
            (self.hi_s == self.lo_s == 0, tr("lo and hi are both 0: no label is off before it goes in")),
            (self.lo_s == 0 and math.isinf(self.hi_s), tr("the bottle was never looked at (lo 0, hi infinite)")),
            (not _finite(self.caustic_pct) or self.caustic_pct < 0, tr("NaOH must be 0 % or more")),
            (not _finite(self.temperature_c), tr("the temperature is no number")),
            (not _finite(self.inserted_at_s), tr("the time of insertion is no number")),
            (not _stirred(self.agitation_pct), tr("the agitation must be 0 to 100 %")),
        )
        return [text for wrong, text in checks if wrong]

    def _usable(self) -> bool:
        numbers = (self.lo_s, self.caustic_pct, self.temperature_c, self.inserted_at_s)
        seen = 0 <= self.lo_s <= self.hi_s and self.hi_s > 0 and (self.lo_s > 0 or self.hi_s < math.inf)
        stirred = self.agitation_pct
        return (
            bool(self.glue)
            and all(map(math.isfinite, numbers))
            and seen
            and self.caustic_pct >= 0
            and (stirred is None or 0 <= stirred <= 100)
        )


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseData:
    """Checked records as arrays; row i stands in bath `baths[bath[i]]`, whose record is `traces[bath[i]]`.

    Baths keep the order in which they were run. Times are s from each bottle's insertion, `inserted_at_s` is bath time.
    """

    records: tuple[ReleaseRecord, ...]
    baths: tuple[str, ...]
    traces: tuple[BathTrace, ...]
    lo_s: Array
    hi_s: Array
    bath: NDArray[np.intp]
    caustic_pct: Array
    inserted_at_s: Array
    warnings: tuple[Warn, ...] = field(default=())

    @classmethod
    def from_records(
        cls,
        records: Iterable[ReleaseRecord],
        traces: Mapping[str, BathTrace],
        *,
        bridge_s: Mapping[str, float] = MappingProxyType({}),
        warnings: Iterable[Warn] = (),
    ) -> ReleaseData:
        """Return the data of `records` in the baths of `traces`.

        What a bottle did beyond its bath's temperature record (`covered_until`; holes are bridged, up to the bath's
        `bridge_s` if it has one) is known, but not its dose: there it counts as still on, and TRACE_SHORT says so. A
        bottle of which nothing is left is left out, and named.

        Raises:
            ConfigError: naming every record that cannot be used, and why.
        """
        given = tuple(records)
        _refuse_bad(given, traces)
        spans = {(row.bath, row.inserted_at_s) for row in given}
        until = {key: covered_until(traces[key[0]], key[1], bridge_s.get(key[0], math.inf)) - key[1] for key in spans}
        clipped = [(row, *_within(row, until[row.bath, row.inserted_at_s])) for row in given]
        kept = [(row, lo, hi) for row, lo, hi in clipped if lo > 0 or math.isfinite(hi)]
        rows = tuple(row for row, _, _ in kept)
        used = {row.bath for row in rows}
        baths = tuple(name for name in traces if name in used)
        number = {name: k for k, name in enumerate(baths)}
        return cls(
            records=rows,
            baths=baths,
            traces=tuple(traces[name] for name in baths),
            lo_s=np.array([lo for _, lo, _ in kept], dtype=np.float64),
            hi_s=np.array([hi for _, _, hi in kept], dtype=np.float64),
            bath=np.array([number[row.bath] for row in rows], dtype=np.intp),
            caustic_pct=np.array([row.caustic_pct for row in rows], dtype=np.float64),
            inserted_at_s=np.array([row.inserted_at_s for row in rows], dtype=np.float64),
            warnings=(*warnings, *_short(clipped)),
        )

    def __len__(self) -> int:
        return len(self.records)

    @property
    def glues(self) -> tuple[str, ...]:
        """The glues, sorted by name."""
        return tuple(sorted({row.glue for row in self.records}))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells (°C, % NaOH) that hold bottles, coolest first."""
        return tuple(sorted({(row.temperature_c, row.naoh_pct) for row in self.records}))

    def of_glue(self, glue: str) -> ReleaseData:
        """Return the bottles of one glue, with their baths."""
        return self.where([row.glue == glue for row in self.records])

    def of_cell(self, cell: Cell) -> ReleaseData:
        """Return the bottles of one cell (°C, % NaOH)."""
        return self.where([(row.temperature_c, row.naoh_pct) == cell for row in self.records])

    def where(self, keep: Sequence[bool]) -> ReleaseData:
        """Return the bottles for which `keep` (one per record) is true, with their baths."""
        rows = np.flatnonzero(np.asarray(keep, dtype=bool))
        used, bath = np.unique(self.bath[rows], return_inverse=True)
        return ReleaseData(
            records=tuple(self.records[i] for i in rows),
            baths=tuple(self.baths[k] for k in used),
            traces=tuple(self.traces[k] for k in used),
            lo_s=self.lo_s[rows],
            hi_s=self.hi_s[rows],
            bath=bath.astype(np.intp),
            caustic_pct=self.caustic_pct[rows],
            inserted_at_s=self.inserted_at_s[rows],
            warnings=self.warnings,
        )

    def sha256(self) -> str:
        """Return the SHA-256 of the rows and traces, whatever their order."""
        digest = hashlib.sha256()
        for row in sorted(self.records, key=lambda r: (r.bath, r.bottle, r.glue, r.inserted_at_s, r.lo_s, r.hi_s)):
            times = (row.lo_s, row.hi_s, row.inserted_at_s)
            numbers = (*times, row.caustic_pct, row.temperature_c, row.naoh_pct)
            stirred = () if row.agitation_pct is None else (float(row.agitation_pct),)
            lot = (row.lot,) if row.lot else ()
            key = (row.bottle, row.bath, row.glue, [float(value) for value in numbers], *stirred, *lot)
            digest.update(repr(key).encode())
        for name, trace in sorted(zip(self.baths, self.traces, strict=True), key=lambda item: item[0]):
            digest.update(name.encode() + trace.t_s.tobytes() + trace.temp_c.tobytes())
        return digest.hexdigest()


def covered_until(trace: BathTrace, from_s: float, bridge_s: float = math.inf) -> float:
    """Return until when (s of bath time) `trace` tells the temperature of a bottle that goes in at `from_s`.

    A hole between two stamps is bridged linearly up to `bridge_s`; the first and last value reach `HOLD_S` further.
    The answer is `from_s` when the trace does not cover even that moment.
    """
    gaps = np.flatnonzero(np.diff(trace.t_s) > bridge_s)
    starts = np.append(trace.t_s[0], trace.t_s[gaps + 1]) - HOLD_S
    ends = np.append(trace.t_s[gaps], trace.t_s[-1]) + HOLD_S
    inside = np.flatnonzero((starts <= from_s) & (from_s < ends))
    return float(ends[inside[0]]) if inside.size else from_s


def _within(row: ReleaseRecord, until: float) -> tuple[float, float]:
    return min(row.lo_s, until), row.hi_s if row.hi_s <= until else math.inf


def _short(clipped: Iterable[tuple[ReleaseRecord, float, float]]) -> list[Warn]:
    found: dict[str, list[str]] = {}
    for row, lo, hi in clipped:
        if (lo, hi) != (row.lo_s, row.hi_s):
            found.setdefault(row.bath, []).append(row.bottle + ("" if lo > 0 or math.isfinite(hi) else "*"))
    text = tr("bath {bath}: beyond its temperature record (* nothing left): {bottles}")
    return [
        Warn(Code.TRACE_SHORT, text.format(bath=bath, bottles=", ".join(bottles))) for bath, bottles in found.items()
    ]


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _stirred(agitation_pct: float | None) -> bool:
    return agitation_pct is None or 0 <= agitation_pct <= 100


def _refuse_bad(rows: Sequence[ReleaseRecord], traces: Mapping[str, BathTrace]) -> None:
    found = []
    for number, row in enumerate(rows, start=1):
        name = row.where or tr("row {number}").format(number=number)
        problems = row.problems()
        if row.bath not in traces:
            problems.append(tr("bath {bath!r} has no temperature record").format(bath=row.bath))
        found += [f"{name}: {tr('bottle {bottle}').format(bottle=row.bottle)}: {text}" for text in problems]
    if found:
        more = len(found) - _NAMED_ROWS
        tail = [tr("... and {count} more").format(count=more)] if more > 0 else []
        raise ConfigError("\n".join(found[:_NAMED_ROWS] + tail), code="E-DAT-001")

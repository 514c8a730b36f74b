"""From the store to the analysis: a run's bottles as intervals, with the measured temperature of their baths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from linectl.lab.journal import CALIBRATIONS
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord, covered_until
from linectl.lab.results import Warn
from linectl.model.experiments import BOTTLE_FACTORS
from linectl.model.readings import Level, Quality
from linectl.model.records import Bottle, Check, Run, Trial
from linectl.store.reader import Series, StoreReader
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["BRIDGE_S", "GAP_S", "VARIETY_JOIN", "release_data"]

VARIETY_JOIN = " · "
"""Between a glue and the bottle factors that make a variety of it: `casein · varnish`."""
GAP_S = 10.0  # a longer hole in the temperature record is told
BRIDGE_S = 60.0  # a longer one is not bridged: what bottles did after its start is not used
_AROUND_S = 120.0  # of the record is kept before the first bottle and after the last check
_LOT = "lot"  # pooled by default: lots are tested, not told apart
_IMPORT = "import"  # a run's kind: the lab's own record, taken as given however far apart its stamps


@dataclass(frozen=True, slots=True)
class _Bath:
    """One bath's part of the data; `trace` is None when there is no temperature to go by."""

    name: str
    records: tuple[ReleaseRecord, ...]
    trace: BathTrace | None
    bridge_s: float
    warnings: tuple[Warn, ...]


def release_data(reader: StoreReader, run_ids: Sequence[str], *, tag: str = "bath.temperature") -> ReleaseData:
    """Return the bottles of the runs `run_ids` (full ids) in one set of data, with the trace of `tag` (°C) per bath.

    BAD readings are no part of a trace. A hole above `GAP_S` (or three scan periods) raises TRACE_GAP; one above
    `BRIDGE_S` ends what is used of the bottles in it. A bottle that was never looked at, or whose bath has no
    temperature, is left out and named in the data's warnings. Imported runs are taken as written; without a trace
    their bath stood at its treatment's temperature. Bottle factors that vary (lots apart) are part of the glue's name.

    Raises:
        ConfigError: records that contradict themselves.
    """
    baths: list[_Bath] = []
    runs = [reader.run(run_id) for run_id in run_ids]
    bottles_of = {run.id: reader.bottles(run.id) for run in runs}
    varied = _varied([bottle for bottles in bottles_of.values() for bottle in bottles])
    for run in runs:
        prefix = f"{run.id}/" if len(run_ids) > 1 else ""
        bottles, checks = [_named(bottle, varied) for bottle in bottles_of[run.id]], reader.checks(run.id)
        for trial in reader.trials(run.id):
            mine = [bottle for bottle in bottles if bottle.trial == trial.ord]
            if mine:
                looks = [check for check in checks if check.trial == trial.ord and not check.examiner]
                baths.append(_bath(run, trial, mine, looks, reader.series(run.id, tag, trial=trial.ord), prefix))
    usable = [bath for bath in baths if bath.trace is not None]
    return ReleaseData.from_records(
        [record for bath in usable for record in bath.records],
        {bath.name: bath.trace for bath in usable if bath.trace is not None},
        bridge_s={bath.name: bath.bridge_s for bath in usable},
        warnings=[*(warning for bath in baths for warning in bath.warnings), *_overdue(reader, runs)],
    )


def _calibrations(reader: StoreReader, run_id: str) -> dict[str, Mapping[str, object]]:
    """Return the calibrations of a run by sensor, as they were when it began (or was last taken up)."""
    found: dict[str, Mapping[str, object]] = {}
    for event in reader.events(run_id):
        sensors = event.data.get("sensors") if event.kind == CALIBRATIONS else None
        if isinstance(sensors, Mapping):
            found.update(sensors)
    return found


def _overdue(reader: StoreReader, runs: Sequence[Run]) -> list[Warn]:
    text = tr("run {run}: {tag} was due {due}")
    found = []
    for run in runs:
        began = datetime.fromtimestamp(run.started_ns / NS_PER_S, UTC).date().isoformat()
        for tag, each in sorted(_calibrations(reader, run.id).items()):
            due = str(each.get("due", ""))
            if due and began > due:
                found.append(Warn(Code.CALIBRATION_DUE, text.format(run=run.id, tag=tag, due=due)))
    return found


def _varied(bottles: Sequence[Bottle]) -> tuple[str, ...]:
    """Return the bottle factors, lots apart, of which the bottles have several levels."""
    levels = {name: {bottle.factors.get(name, "") for bottle in bottles} - {""} for name in BOTTLE_FACTORS}
    return tuple(name for name, found in levels.items() if len(found) > 1 and name != _LOT)


def _named(bottle: Bottle, varied: Sequence[str]) -> Bottle:
    """Return the bottle with its variety for a glue."""
    levels = [bottle.factors[name] for name in varied if bottle.factors.get(name)]
    return replace(bottle, glue=VARIETY_JOIN.join([bottle.glue, *levels])) if levels and bottle.glue else bottle


def _bath(
    run: Run, trial: Trial, bottles: Sequence[Bottle], checks: Sequence[Check], series: Series, prefix: str
) -> _Bath:
    name = f"{prefix}{trial.ord:02d}"
    origin_ns = min(bottle.inserted_ns for bottle in bottles)
    seen = [bottle for bottle in bottles if _seen(bottle)]
    records = tuple(_record(bottle, trial, name, origin_ns, _checks_s(bottle, checks)) for bottle in seen)
    warnings = [Warn(Code.NOT_OBSERVED, f"{name}: {bottle.label}") for bottle in bottles if bottle not in seen]
    if not records:
        return _Bath(name, (), None, math.inf, tuple(warnings))
    end_s = max(_last_s(record) for record in records)
    trace = _trace(series, origin_ns, end_s)
    if run.kind == _IMPORT:
        if trace is None or trace.t_s.size == 1:
            temperature_c = trial.treatment.temperature_c if trace is None else float(trace.temp_c[0])
            trace = BathTrace.constant(temperature_c, end_s)
        return _Bath(name, records, trace, math.inf, tuple(warnings))
    if trace is None:
        text = tr("bath {bath}: no temperature was recorded: {count} bottles left out")
        warnings.append(Warn(Code.TRACE_SHORT, text.format(bath=name, count=len(records))))
        return _Bath(name, (), None, math.inf, tuple(warnings))
    warnings += _gaps(name, trace, end_s)
    return _Bath(name, records, trace, max(BRIDGE_S, _usual_gap_s(trace)), tuple(warnings))


def _seen(bottle: Bottle) -> bool:
    looked = bottle.last_attached_ns is not None and bottle.last_attached_ns > bottle.inserted_ns
    return looked or bottle.first_detached_ns is not None


def _checks_s(bottle: Bottle, checks: Sequence[Check]) -> tuple[float, ...]:
    """Return when `bottle` was looked at (s from its insertion) and, once off, when it would have been.

    A check that was missed is no look. Without any check on record the answer is empty.
    """
    own = {check.planned_ns: check.done_ns for check in checks if check.bottle == bottle.label}
    times_ns = [own.get(planned_ns, planned_ns) for planned_ns in {check.planned_ns for check in checks}]
    ends_ns = (bottle.last_attached_ns, bottle.first_detached_ns) if times_ns else ()
    looked_ns = {t_ns for t_ns in (*times_ns, *ends_ns) if t_ns is not None and t_ns > bottle.inserted_ns}
    return tuple((t_ns - bottle.inserted_ns) / NS_PER_S for t_ns in sorted(looked_ns))


def _record(bottle: Bottle, trial: Trial, bath: str, origin_ns: int, checks_s: tuple[float, ...]) -> ReleaseRecord:
    measured = trial.naoh_measured_pct
    attached_ns = bottle.inserted_ns if bottle.last_attached_ns is None else bottle.last_attached_ns
    detached_ns = bottle.first_detached_ns
    return ReleaseRecord(
        bottle=bottle.label,
        bath=bath,
        glue=bottle.glue,
        lo_s=(attached_ns - bottle.inserted_ns) / NS_PER_S,
        hi_s=math.inf if detached_ns is None else (detached_ns - bottle.inserted_ns) / NS_PER_S,
        caustic_pct=trial.treatment.naoh_pct if measured is None else max(0.0, measured),
        temperature_c=trial.treatment.temperature_c,
        naoh_pct=trial.treatment.naoh_pct,
        inserted_at_s=(bottle.inserted_ns - origin_ns) / NS_PER_S,
        where=tr("bath {bath}").format(bath=bath),
        agitation_pct=trial.treatment.agitation_pct,
        checks_s=checks_s,
        lot=bottle.factors.get(_LOT, ""),
    )


def _last_s(record: ReleaseRecord) -> float:
    return record.inserted_at_s + (record.hi_s if math.isfinite(record.hi_s) else record.lo_s)


def _trace(series: Series, origin_ns: int, end_s: float) -> BathTrace | None:
    """Return the good readings from a little before the first bottle to a little after `end_s`; None without any."""
    times: list[float] = []
    values: list[float] = []
    for t_ns, value, quality in zip(series.t_ns, series.value, series.quality, strict=True):
        t_s = (t_ns - origin_ns) / NS_PER_S
        if value is None or Quality.from_byte(quality).level is Level.BAD:
            continue
        if -_AROUND_S <= t_s <= end_s + _AROUND_S and (not times or t_s > times[-1]):  # a clock set back gives no stamp
            times.append(t_s)
            values.append(float(value))
    return BathTrace.of(times, values) if times else None


def _usual_gap_s(trace: BathTrace) -> float:
    """Return three times the usual distance of stamps (s): a slow or accelerated record is not all holes."""
    steps = [b - a for a, b in pairwise(trace.t_s.tolist())]
    return 3.0 * median(steps) if steps else 0.0


def _gaps(name: str, trace: BathTrace, end_s: float) -> list[Warn]:
    limit = max(GAP_S, _usual_gap_s(trace))
    bridged = max(BRIDGE_S, _usual_gap_s(trace))
    holes = [(a, b) for a, b in pairwise(trace.t_s.tolist()) if b - a > limit and b > 0 and a < end_s]
    short = tr("bath {bath}: {length:.0f} s without temperature at {start:.0f} s, bridged")
    long = tr("bath {bath}: {length:.0f} s without temperature at {start:.0f} s, not bridged")
    found = [
        Warn(Code.TRACE_GAP, (short if b - a <= bridged else long).format(bath=name, length=b - a, start=a))
        for a, b in holes
    ]
    if covered_until(trace, 0.0, bridged) <= 0:
        text = tr("bath {bath}: no temperature as the first bottle went in")
        found.append(Warn(Code.TRACE_SHORT, text.format(bath=name)))
    return found

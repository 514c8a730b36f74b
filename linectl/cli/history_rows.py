"""Recorded values as rows: each of them, or one row for so many seconds; where nothing was recorded, a row says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from linectl.model.readings import GOOD, Quality, Value
from linectl.store.history import Sample
from linectl.units import NS_PER_S

__all__ = ["Bucket", "Gap", "bucketed", "gaps_told", "round_step_s"]

_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)


@dataclass(frozen=True, slots=True)
class Gap:
    """From when to when (ns UTC) nothing was recorded; `restarted`: another start of linectl recorded what follows."""

    since_ns: int
    until_ns: int
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """What was recorded from `t_ns` (ns UTC) on for one step: its GOOD values, and how far the others can be trusted.

    `last`, `low` and `high` are those of the values that there are (None: of none), `count` all scans, `doubtful`
    those that are not GOOD, `quality` the last such quality, `missing_ns` the time within it that nothing was recorded.
    """

    t_ns: int
    unit: str
    last: Value | None
    low: Value | None
    high: Value | None
    count: int
    doubtful: int
    quality: Quality
    missing_ns: int = 0


def gaps_told(samples: Iterable[Sample], since_ns: int, until_ns: int) -> Iterator[Sample | Gap]:
    """Yield the samples, with gaps where none was recorded: before the first, between two, after the last."""
    last: Sample | None = None
    for sample in samples:
        if last is None:
            if sample.t_ns - since_ns > sample.far_ns:
                yield Gap(since_ns, sample.t_ns)
        elif sample.boot != last.boot and not 0 <= sample.t_ns - last.t_ns <= sample.far_ns:
            yield Gap(last.t_ns, sample.t_ns, restarted=True)
        elif sample.t_ns - last.t_ns > sample.far_ns:
            yield Gap(last.t_ns, sample.t_ns)
        yield sample
        last = sample
    if last is not None and until_ns - last.t_ns > last.far_ns:
        yield Gap(last.t_ns, until_ns)


def bucketed(told: Iterable[Sample | Gap], every_s: float, zero_ns: int = 0) -> Iterator[Bucket | Gap]:
    """Yield a bucket for each step of `every_s` with a sample in it; a gap within one step is counted there.

    Steps count from `zero_ns` (ns UTC), such as a midnight here.
    """
    step_ns = max(1, round(every_s * NS_PER_S))

    def step_of(t_ns: int) -> int:
        return (t_ns - zero_ns) // step_ns

    now: Bucket | None = None
    after_gap = False
    for each in told:
        if isinstance(each, Gap):
            if now is not None and not each.restarted and step_of(each.until_ns) == step_of(now.t_ns):
                now = replace(now, missing_ns=now.missing_ns + each.until_ns - each.since_ns)
                continue
            if now is not None:
                yield now
            now, after_gap = None, True
            yield each
            continue
        if now is not None and step_of(each.t_ns) != step_of(now.t_ns):
            yield now
            now = None
        begin_ns = each.t_ns if after_gap else zero_ns + step_of(each.t_ns) * step_ns
        after_gap = False
        now = _with(now or Bucket(begin_ns, each.unit, None, None, None, 0, 0, GOOD), each)
    if now is not None:
        yield now


def _with(bucket: Bucket, sample: Sample) -> Bucket:
    value, good = sample.value, sample.quality.is_good
    if value is None:
        last, low, high = bucket.last, bucket.low, bucket.high
    else:
        last = value
        low = value if bucket.low is None else min(bucket.low, value)
        high = value if bucket.high is None else max(bucket.high, value)
    return Bucket(
        bucket.t_ns,
        sample.unit,
        last,
        low,
        high,
        bucket.count + 1,
        bucket.doubtful + (not good),
        bucket.quality if good else sample.quality,
        bucket.missing_ns,
    )


def round_step_s(span_s: float, most: int) -> float:
    """Return a round step (s) that gives at most `most` rows for `span_s`."""
    return next((float(step) for step in _STEPS_S if span_s / step <= most), span_s / most)

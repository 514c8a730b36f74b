"""The counters of a wire's devices as a table for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from drivers.wire_tap import DeviceStats
from linectl.cli.output import table
from linectl.words import decimal, ntr, tr

__all__ = ["counters_text"]


def counters_text(devices: Mapping[str, DeviceStats]) -> str:
    """Return a line for each device: how often it was asked, how fast it answered, and what went wrong."""
    heads = [tr("device"), tr("requests"), tr("replies"), tr("half within"), tr("99 % within"), tr("faults")]
    return table(heads, [_row(name, stats) for name, stats in devices.items()])


def _row(name: str, stats: DeviceStats) -> list[str]:
    times = [_within(stats, share) for share in (0.5, 0.99)]
    return [name, str(stats.requests), str(stats.replies), *times, ", ".join(_faults(stats)) or tr("none")]


def _within(stats: DeviceStats, share: float) -> str:
    """Return the time that `share` of the round trips did not exceed: the upper end of its bucket."""
    bounds = stats.quantile_s(share)
    if bounds is None or not math.isfinite(bounds[1]):
        return "-"
    milliseconds = bounds[1] * 1e3
    return tr("{ms} ms").format(ms=decimal(milliseconds, 1 if milliseconds < 10 else 0))


def _faults(stats: DeviceStats) -> Iterator[str]:
    counts = (
        ntr("{n} timeout", "{n} timeouts", stats.timeouts).format(n=stats.timeouts) if stats.timeouts else "",
        tr("CRC {n}").format(n=stats.crc_errors) if stats.crc_errors else "",
        ntr("{n} bad reply", "{n} bad replies", stats.bad_replies).format(n=stats.bad_replies)
        if stats.bad_replies
        else "",
        ntr("{n} exception", "{n} exceptions", stats.exceptions).format(n=stats.exceptions) if stats.exceptions else "",
        ntr("{n} quarantine", "{n} quarantines", stats.quarantines).format(n=stats.quarantines)
        if stats.quarantines
        else "",
        tr("{n} late").format(n=stats.late_frames) if stats.late_frames else "",
        tr("{n} dropped").format(n=stats.dropped) if stats.dropped else "",
    )
    return (text for text in counts if text)

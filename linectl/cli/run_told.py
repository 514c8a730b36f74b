"""A run as verbs tell it: how it ended in words, and as data for machines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from linectl.model.records import Run
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["as_data", "ended", "time_text"]


def ended(run: Run) -> str:
    """Return how a run ended, in words."""
    from linectl.lab.report.terms import ending

    if run.state == "interrupted":
        return tr("interrupted")
    if run.exit_status is not None:
        return ending(run.exit_status)
    return tr("interrupted, or still going")


def as_data(run: Run) -> dict[str, Any]:
    """Return a run as JSON data."""
    return {
        "run": run.id,
        "kind": run.kind,
        "of": run.ref,
        "line": run.line,
        "operator": run.operator,
        "started": time_text(run.started_ns),
        "ended": None if run.ended_ns is None else time_text(run.ended_ns),
        "exit_status": run.exit_status,
        "reason": run.reason,
        "simulated": run.simulated,
        "seed": run.seed,
    }


def time_text(ns: int) -> str:
    """Return a wall time (ns UTC) in ISO 8601 with its offset."""
    return datetime.fromtimestamp(ns / NS_PER_S, UTC).isoformat(timespec="seconds")

"""Runs side by side: what they were, what they ran on, what came out. Counted from the store, nothing is fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from linectl.model.records import Bottle, Run
from linectl.server.results.finished import FinishedRun
from linectl.store.run_words import WordReader
from linectl.units import NS_PER_S

__all__ = ["Facts", "differing", "facts_of"]

_OUTSIDE = frozenset({"run", "started", "duration_s"})  # of these each run has its own: no difference between them
_FAULTS = ("deviation", "bath_flagged", "checks_missed", "bottle_skipped", "bottle_left_out", "crash", "held")


@dataclass(frozen=True, slots=True)
class Facts:
    """One run in figures: `told` by machine word, in the order in which people read them."""

    run: Run
    told: dict[str, Any]


def facts_of(found: FinishedRun) -> Facts:
    """Return what is told of a run. Glues of a run that is still blind are its codes."""
    reader, run = found.reader, found.run
    trials, bottles, events = reader.trials(run.id), reader.bottles(run.id), reader.events(run.id)
    kinds = Counter(event.kind for event in events)
    end_ns = run.ended_ns
    lots = {text for bottle in bottles for key, text in bottle.factors.items() if key == "lot"}
    told: dict[str, Any] = {
        "run": run.id,
        "tags": list(WordReader(reader.path).words_of(run.id)),
        "line": run.line,
        "simulated": run.simulated,
        "experiment": run.ref,
        "experiment_file": _digest(run.definition),
        "operator": run.operator,
        "started": run.started_ns,
        "duration_s": None if end_ns is None else round((end_ns - run.started_ns) / NS_PER_S),
        "exit_status": run.exit_status,
        "reason": run.reason,
        "version": run.version,
        "config": run.config_hash[:12],
        "calibration": run.calibration_hash[:12],
        "seed": run.seed,
        "treatments": list(dict.fromkeys(str(trial.treatment) for trial in trials)),
        "baths": len(trials),
        "baths_done": sum(trial.ended_ns is not None for trial in trials),
        "glues": sorted({_name(bottle) for bottle in bottles}),
        "lots": sorted(lots),
        "bottles": len(bottles),
        "removed": _removed(bottles),
        "median_off_s": _medians(bottles),
    }
    told |= {kind: kinds[kind] for kind in _FAULTS}
    return Facts(run, told)


def differing(runs: Sequence[Facts]) -> list[str]:
    """Return what is not the same in all `runs`, of what could be."""
    first = runs[0].told
    return [key for key in first if key not in _OUTSIDE and any(each.told[key] != first[key] for each in runs[1:])]


def _name(bottle: Bottle) -> str:
    return bottle.code or bottle.glue


def _removed(bottles: Sequence[Bottle]) -> dict[str, list[int]]:
    """Return by glue how many labels came off, and of how many."""
    found: dict[str, list[int]] = {}
    for bottle in sorted(bottles, key=_name):
        off = found.setdefault(_name(bottle), [0, 0])
        off[0] += bottle.first_detached_ns is not None
        off[1] += 1
    return found


def _medians(bottles: Sequence[Bottle]) -> dict[str, float | None]:
    """Return by glue when half of its labels were seen off, s after insertion; None where fewer than half were.

    It is the look at which the label was first seen off: an upper bound of the time in which it came off, over all
    baths of the run. What the times mean is told by `linectl fit`.
    """
    times: dict[str, list[float]] = {}
    for bottle in bottles:
        seen_ns = bottle.first_detached_ns
        off_s = float("inf") if seen_ns is None else (seen_ns - bottle.inserted_ns) / NS_PER_S
        times.setdefault(_name(bottle), []).append(off_s)
    middle = {name: sorted(found)[(len(found) - 1) // 2] for name, found in sorted(times.items())}
    return {name: None if off_s == float("inf") else round(off_s, 1) for name, off_s in middle.items()}


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else ""

"""What all parts of one run share: where it writes, whom it asks, what keeps time, who may make it wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from linectl.clock import Clock
from linectl.lab.halt import Halt
from linectl.lab.journal import Journal, Questions
from linectl.lab.watch import Faults
from linectl.line.line import Line
from linectl.model.experiments import Experiment
from linectl.model.lines import Zone
from linectl.store.store import Store

__all__ = ["RunContext"]


@dataclass(frozen=True, slots=True)
class RunContext:
    """The surroundings of one run's work. `look` tells the display that time has passed."""

    run: str
    line: Line
    store: Store
    clock: Clock
    zone: Zone
    experiment: Experiment
    journal: Journal
    questions: Questions
    halt: Halt
    faults: Faults
    look: Callable[[], None]

"""What a store holds of one run, gathered once for all sections of its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from linectl.model.experiments import Experiment
from linectl.model.records import Bottle, Check, Event, Run, Trial
from linectl.store.reader import Series, StoreReader
from linectl.units import NS_PER_S

__all__ = ["RunRecord", "Span", "gather"]

Span = tuple[int, int]  # ns UTC of the run's clock, or of the bath's time for past trials
_BAND_K = 0.5


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run with everything its report tells of it.

    `traces` and `controller` are the two probes of the bath by trial. `soaks` are, by trial, the times (ns) of its
    first insertion and its last look.
    """

    run: Run
    experiment: Experiment | None
    trials: tuple[Trial, ...]
    bottles: tuple[Bottle, ...]
    checks: tuple[Check, ...]
    events: tuple[Event, ...]
    is_interrupted: bool
    whole: Series
    traces: Mapping[int, Series]
    controller: Mapping[int, Series]
    soaks: Mapping[int, Span] = field(default_factory=dict)

    @property
    def origin_ns(self) -> int:
        """From when times count: the run's start; past trials have elapsed times alone."""
        return 0 if self.is_import else self.run.started_ns

    @property
    def is_import(self) -> bool:
        """Whether these are past trials from a file: every bath has a time of its own."""
        return self.run.kind == "import"

    @property
    def band_k(self) -> float:
        """How far (K) a bath may be off its treatment's temperature."""
        return _BAND_K if self.experiment is None else self.experiment.stabilisation.band_c

    def hours(self, ns: int) -> float:
        """Return a time as hours from the start."""
        return (ns - self.origin_ns) / NS_PER_S / 3600

    def of_kind(self, *kinds: str) -> Iterator[Event]:
        """Yield the events of these kinds in their order."""
        return (event for event in self.events if event.kind in kinds)


def gather(reader: StoreReader, run: Run, experiment: Experiment | None) -> RunRecord:
    """Return the record of `run`; `experiment` is None for past trials."""
    zone = "bath" if experiment is None else experiment.zone
    trials, bottles = tuple(reader.trials(run.id)), tuple(reader.bottles(run.id))
    used = sorted({bottle.trial for bottle in bottles})
    return RunRecord(
        run=run,
        experiment=experiment,
        trials=trials,
        bottles=bottles,
        checks=tuple(reader.checks(run.id)),
        events=tuple(reader.events(run.id)),
        is_interrupted=reader.interrupted(run),
        whole=reader.series(run.id, f"{zone}.temperature"),
        traces={ord_: reader.series(run.id, f"{zone}.temperature", trial=ord_) for ord_ in used},
        controller={ord_: reader.series(run.id, f"{zone}.controller_temperature", trial=ord_) for ord_ in used},
        soaks=_soaks(bottles),
    )


def _soaks(bottles: tuple[Bottle, ...]) -> dict[int, Span]:
    spans: dict[int, Span] = {}
    for bottle in bottles:
        seen = bottle.first_detached_ns or bottle.last_attached_ns or bottle.inserted_ns
        low, high = spans.get(bottle.trial, (bottle.inserted_ns, seen))
        spans[bottle.trial] = (min(low, bottle.inserted_ns), max(high, seen))
    return spans

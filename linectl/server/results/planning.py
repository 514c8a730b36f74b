"""The plan of an experiment on a line: its baths, their times, what forbids them, what stands against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from linectl.errors import Refused
from linectl.lab.design.baths import POSITIONS, PlannedBath, trials
from linectl.lab.design_review import review
from linectl.lab.results import Warn
from linectl.lab.schedule import BathTimes, plan, problems
from linectl.line.limits import check_limits
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition, Zone
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.design.precision import Precision

__all__ = ["LIMIT", "ExperimentPlan", "make_plan"]

LIMIT = "LIMIT"  # the code of a warning that the line's limits give


@dataclass(frozen=True, slots=True)
class ExperimentPlan:
    """An experiment's baths on a line, their times, what forbids them and what stands against them."""

    experiment: Experiment
    line: LineDefinition
    baths: tuple[PlannedBath, ...]
    times: tuple[BathTimes, ...]
    problems: tuple[str, ...]
    warnings: tuple[Warn, ...]
    precision: Precision

    @property
    def zone(self) -> Zone:
        """The bath that the experiment is run in."""
        return self.line.zones[self.experiment.zone]

    @property
    def refusal(self) -> Refused | None:
        """Why this plan cannot be run, None when it can."""
        if not self.problems:
            return None
        hint = tr("see the timeline (linectl experiment plan FILE): give more time, or change levels or order")
        return Refused("\n".join(self.problems), hint=hint, code="E-LIM-002")


def make_plan(experiment: Experiment, line: LineDefinition) -> ExperimentPlan:
    """Return the plan of `experiment` on `line`.

    Raises:
        Refused: a level is beyond the line's limits, or a bath holds fewer bottles than asked.
    """
    from linectl.lab.design.precision import expected_precision

    beyond = [Warn(LIMIT, text) for text in check_limits(experiment, line)]
    zone = line.zones[experiment.zone]
    baths = trials(experiment, zone.positions or POSITIONS)
    forbidden = problems(baths, experiment, zone)
    times = [] if min(zone.heater_kw, zone.fill_l_min, zone.drain_l_min) <= 0 else plan(baths, experiment, zone)
    warnings = [*beyond, *review(experiment, baths)]
    precision = expected_precision(experiment, baths)
    return ExperimentPlan(experiment, line, tuple(baths), tuple(times), tuple(forbidden), tuple(warnings), precision)

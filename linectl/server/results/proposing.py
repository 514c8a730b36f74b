"""What to soak next in a run, by its own question and what it has shown so far; read-only, with no line running."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError, Refused
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition
from linectl.model.records import TrialState
from linectl.server.results.finished import FinishedRun
from linectl.server.results.pooling import Asked, Pool, analyse_pool, pool_of
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.design.next_soak import NextSoak, SoakLimits
    from linectl.lab.kinetics.fit import ReleaseFit
    from linectl.lab.kinetics.identifiable import NotFitted
    from linectl.lab.results import Analysis, GlueResult

__all__ = ["Proposal", "propose_for", "propose_soak"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The next bath, the glues that it is for (still open, else all), and the spread between baths it reckons with."""

    run: str
    soak: NextSoak
    glues: tuple[str, ...]
    decided: bool  # every glue has its verdict: the bath would only sharpen figures
    bath_sd: float
    line: str  # whose limits hold; "" where its file was not found: then nothing hotter than tested


def propose_soak(found: FinishedRun, *, glue: str = "", per_minute: bool = False, line: Path | None = None) -> Proposal:
    """Return the next bath for the glues of one run; see `propose_for`."""
    return propose_for(pool_of(found.reader, [found.run]), glue=glue, per_minute=per_minute, line=line)


def propose_for(
    pool: Pool,
    *,
    glue: str = "",
    per_minute: bool = False,
    line: Path | None = None,
    experiment: Experiment | None = None,
    analysis: Analysis | None = None,
) -> Proposal:
    """Return the next bath for the glues of some runs that have no verdict yet (or for `glue`).

    The question and the way of looking are those of `experiment`, else of the last one among the runs. `line` is the
    file whose limits hold, else the experiment's, or the runs' own, is looked for by name. `analysis` is that of the
    runs, when it is known already.

    Raises:
        Refused: the runs have no bottles, no experiment (past trials), or no glue of that name.
    """
    from linectl.lab.design.next_soak import next_soak
    from linectl.lab.results import VerdictWord

    names = ", ".join(run.id for run in pool.runs)
    line_name, soak_s = pool.runs[-1].line, None
    if experiment is not None:
        line_name, soak_s = experiment.line, experiment.decision.soak_s
    asking = experiment or next((known for known in reversed(pool.experiments) if known is not None), None)
    if asking is None:
        raise Refused(
            tr("run {run} holds past trials: they have no experiment to go on with").format(run=names),
            hint=tr("write an experiment file and see what it would tell: linectl experiment plan FILE"),
        )
    known = analysis or analyse_pool(pool, Asked(soak_s=soak_s))
    results = {result.glue: result for result in known.glues}
    if glue and glue not in results:
        raise Refused(tr("no bottle of {glue} in this run; it has {glues}").format(glue=glue, glues=", ".join(results)))
    undecided = [name for name, result in results.items() if result.verdict.word is VerdictWord.MORE_BOTTLES]
    chosen = [glue] if glue else undecided or list(results)
    definition = _line(line_name, line)
    bath_sd = asking.design.prior.bath_sd
    fits = {name: _fit(results[name]) for name in chosen}
    soak = next_soak(fits, _limits(pool, asking, definition), omega=bath_sd, per_minute=per_minute)
    name = "" if definition is None else definition.name
    return Proposal(names, soak, tuple(chosen), not undecided, bath_sd, name)


def _fit(result: GlueResult) -> ReleaseFit | NotFitted:
    """Return the fit with the lowest AIC, else the reason why there is none."""
    from linectl.lab.kinetics.codes import Code
    from linectl.lab.kinetics.identifiable import NotFitted

    if result.fits:
        return min(result.fits.values(), key=lambda fit: fit.aic)
    told = (Code(warning.code) for warning in result.warnings if warning.code in {str(code) for code in Code})
    return NotFitted(next(told, Code.NO_BOTTLES))


def _line(name: str, file: Path | None) -> LineDefinition | None:
    if file is not None:
        return load_line(find_file(file, folder="config"))
    try:
        return load_line(find_file(name, folder="config"))
    except ConfigError:  # the run came from elsewhere: only what was tested is then known to be allowed
        return None


def _limits(pool: Pool, experiment: Experiment, definition: LineDefinition | None) -> SoakLimits:
    from linectl.lab.design.next_soak import SoakLimits

    used = {(run.id, bottle.trial) for run in pool.runs for bottle in pool.reader.bottles(run.id)}
    trials = [trial for run in pool.runs for trial in pool.reader.trials(run.id) if (run.id, trial.ord) in used]
    stood = tuple(trial.treatment for trial in trials if trial.state is not TrialState.PLANNED)
    zone = None if definition is None else definition.zones.get(experiment.zone)
    if zone is None:
        hottest = max((treatment.temperature_c for treatment in stood), default=0.0)
        return SoakLimits(experiment, stood, hottest_c=hottest)
    limits = {name: min(limit.block, limit.hard) for name, limit in zone.limits.items()}
    top = float("inf")
    return SoakLimits(
        experiment, stood, hottest_c=limits.get("temperature", top), strongest_pct=limits.get("naoh", top), zone=zone
    )

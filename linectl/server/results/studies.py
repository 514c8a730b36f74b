"""The public functions for scripts and notebooks on runs that are over: read-only, with no line and no server running.

Each takes `Runs`. None waits for anything but its own arithmetic; the heavy ones (fits, reports) may be given to a
process of their own: `await in_child(analyse, runs)`.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from linectl.config.files import find_file
from linectl.config.load import load_experiment as load_file
from linectl.config.load import load_line
from linectl.errors import ConfigError, Refused
from linectl.model.experiments import Experiment, Glass
from linectl.model.records import Bottle, Run
from linectl.server.results.finished import FinishedRun, find_pool
from linectl.server.results.pooling import Asked, Pool, analyse_pool
from linectl.store.reader import StoreReader
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import ConfirmationVerdict
    from linectl.lab.kinetics.data import ReleaseData
    from linectl.lab.kinetics.fit import ReleaseFit
    from linectl.lab.results import Analysis, Estimate
    from linectl.lab.transfer.forecast import Forecast
    from linectl.server.results.confirming import Registration
    from linectl.server.results.planning import ExperimentPlan
    from linectl.server.results.proposing import Proposal
    from linectl.server.results.valuing import Valued

__all__ = [
    "Runs",
    "analyse",
    "export",
    "find_runs",
    "fit",
    "import_trials",
    "judge_confirmation",
    "load_experiment",
    "next_soak",
    "plan",
    "predict",
    "record_set",
    "register_confirmation",
    "release_time",
    "report",
    "value",
]

T = TypeVar("T")
_FLOODED = Glass()


@dataclass(frozen=True, slots=True)
class Runs:
    """One run, or several of one line that are looked at together; a blind run shows codes until it is over."""

    pool: Pool

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the runs, in the order in which they were named."""
        return tuple(run.id for run in self.pool.runs)

    @property
    def records(self) -> tuple[Run, ...]:
        """The runs as they stand in the store: when, by whom, how they ended."""
        return self.pool.runs

    def bottles(self) -> tuple[Bottle, ...]:
        """Return every bottle with the times (ns UTC) at which its label was last seen on and first seen off."""
        return tuple(bottle for run in self.pool.runs for bottle in self.pool.reader.bottles(run.id))

    def release_data(self) -> ReleaseData:
        """Return the bottles as intervals (s from insertion) with the measured temperature (°C) of their baths.

        The arrays `lo_s`, `hi_s` (inf: still on), `caustic_pct`, `bath` have one entry for each bottle.

        Raises:
            ConfigError: records that contradict themselves.
        """
        from linectl.lab.release_rows import release_data

        return release_data(self.pool.reader, self.ids)

    def one(self) -> FinishedRun:
        """Return the run, when there is one only.

        Raises:
            Refused: there are several.
        """
        if len(self.pool.runs) != 1:
            raise Refused(
                tr("this takes one run, not {n}: {ids}").format(n=len(self.ids), ids=", ".join(self.ids)),
                hint=tr("find it by its id: linectl.find_runs(ID)"),
            )
        return FinishedRun(self.pool.reader, self.pool.runs[0])


def find_runs(*names: str, data: str | Path | None = None, maker: str = "") -> Runs:
    """Return the runs called `names`: ids, the beginning of one, or "last" (which no name means as well).

    They are looked for in the store of the last run noted in the folder `data` (None: the user's state folder). With
    `maker` only his glues and the reference are seen.

    Raises:
        Refused: no such run; or runs that cannot be taken together, and why.
    """
    return Runs(find_pool(names, _path(data), maker=maker))


def import_trials(
    file: str | Path,
    *,
    data: str | Path | None = None,
    glues: Sequence[str] | None = None,
    temperature_unit: Literal["", "c", "f"] = "",
    time_unit: Literal["", "s", "min", "h"] = "",
) -> Runs:
    """Store the past trials of a CSV file (one row per bottle) in the folder `data` and return them as a run.

    Units are those that the titles say, unless given; `glues` are the only names that may occur, when given.
    Warnings stand in the `linectl import` of the same file.

    Raises:
        ConfigError: every mistake of the file at once, with line, column, code and remedy; nothing is stored.
        StoreError: the store cannot be written.
    """
    from linectl.lab.import_csv import Units, read_trials
    from linectl.server.results.past_trials import keep

    folder = _path(data)
    trials = read_trials(Path(file), glues=glues, units=Units(temperature_unit, time_unit))
    run = _outside_the_loop(lambda: asyncio.run(keep(trials, folder, operator=_user())))
    return find_runs(run, data=folder)


def load_experiment(file: str | Path) -> Experiment:
    """Return the experiment in `file` (also by the name of one in `experiments/`).

    Raises:
        ConfigError: every mistake with file, line and column.
    """
    return load_file(find_file(Path(file), folder="experiments"))


def plan(experiment: Experiment, *, line: str | Path = "") -> ExperimentPlan:
    """Return the plan of `experiment`: its baths in order, seconds of each phase, kWh, warnings, expected precision.

    `problems` says what physics forbids, with the minutes needed and given; such an experiment is refused when it is
    to run. `line` is a line's file or name (else the experiment's own).

    Raises:
        ConfigError: there is no such line, or its file is wrong.
        Refused: a level is beyond the line's limits, or a bath holds fewer bottles than asked.
    """
    from linectl.server.results.planning import make_plan

    name = str(line) or experiment.line
    if not name:
        raise ConfigError(tr("{file} names no line").format(file=experiment.name), hint=tr("name one: line=..."))
    return make_plan(experiment, load_line(find_file(Path(name), folder="config")))


def fit(
    data: Runs | ReleaseData,
    *,
    glue: str = "",
    family: Literal["lognormal", "weibull", "loglogistic"] = "lognormal",
    glass: Glass = _FLOODED,
) -> ReleaseFit:
    """Return the maximum-likelihood fit of one glue's release times on the measured temperature of its baths.

    ln t = location + E (1/RT - 1/RT60) - n ln(c + 0.1) + sigma w, dose over the trace through the lag of `glass` (s).
    The fit has `names`, `params`, `se(name)` (E in kJ/mol), `loglik`, `aic`.

    Raises:
        Refused: there is no such glue, several and none is named, or the data cannot tell (why, in words).
        ConfigError: records that contradict themselves.
    """
    from linectl.lab.kinetics.fit import NotFitted, fit_release
    from linectl.lab.report.sentences import reason_sentence

    rows = data.release_data() if isinstance(data, Runs) else data
    chosen = glue or (rows.glues[0] if len(rows.glues) == 1 else "")
    if chosen not in rows.glues:
        raise Refused(
            tr("no glue {glue!r} in these data; they have {glues}").format(glue=glue, glues=", ".join(rows.glues))
        )
    found = fit_release(rows.of_glue(chosen), family, glass=glass)
    if isinstance(found, NotFitted):
        raise Refused(f"{chosen}: {reason_sentence(found.code)} {found.detail}".rstrip(), code="E-FIT-001")
    return found


def release_time(
    found: ReleaseFit, *, temperature_c: float, naoh_pct: float, removal: float = 0.99, confidence: float = 0.95
) -> Estimate:
    """Return the time (s) in which the share `removal` of labels is off in a bath, with one-sided bounds.

    `lower` and `upper` hold with `confidence` each; None with a `reason` where there is no bound; `extrapolated` when
    the point lies outside what was tested. The time counts from when a bottle of the fit's temperature goes in.
    """
    from linectl.lab.kinetics.intervals import ReleaseTimes

    return ReleaseTimes(found).bound(temp_c=temperature_c, naoh_pct=naoh_pct, p=removal, conf=confidence)


def analyse(runs: Runs, *, soak_s: float | None = None, tau_glass_s: float | None = None) -> Analysis:
    """Return the whole analysis of `runs`: per glue the fits, bounds at the asked points, verdict and warnings.

    It answers the runs' own question; `soak_s` and `tau_glass_s` (s) ask another. Past trials asked none: 99 % at the
    tested points within the longest time that was watched.

    Raises:
        Refused: a run without bottles, or runs that ask different questions.
    """
    return analyse_pool(runs.pool, Asked(soak_s, tau_glass_s))


def report(runs: Runs, target: str | Path, *, soak_s: float | None = None, tau_glass_s: float | None = None) -> Path:
    """Write the report of `runs` as one HTML file, in the language in use; the same data give the same bytes.

    Raises:
        Refused: as `analyse`.
    """
    from linectl.server.results.reporting import write_pool_report

    return write_pool_report(runs.pool, Path(target), Asked(soak_s, tau_glass_s))


def next_soak(
    runs: Runs,
    *,
    analysis: Analysis | None = None,
    experiment: Experiment | None = None,
    glue: str = "",
    per_minute: bool = False,
    line: str | Path | None = None,
) -> Proposal:
    """Return the bath that tells most of the glues without a verdict (or of `glue`), why, and what it will buy.

    `.soak` has `temperature_c`, `naoh_pct`, `soak_s`, `reason`, and the bound as a multiple of the estimate now and
    after it. `per_minute` weighs the minutes that it takes. `line` is the file whose limits hold (else the runs' own).
    Past trials have no experiment of their own: `experiment` asks the question there. `analysis` spares a second one.

    Raises:
        Refused: no bottles, no such glue, or past trials without an experiment.
    """
    from linectl.server.results.proposing import propose_for

    return propose_for(
        runs.pool, glue=glue, per_minute=per_minute, line=_path(line), experiment=experiment, analysis=analysis
    )


def predict(
    analysis: Analysis, recipe: str = "reference_80c", *, glue: str = "", washer: str | Path | None = None
) -> Forecast:
    """Return what a line recipe will do by the fits of `analysis`: share off at the exit, hygiene, glass.

    `.glues` has each glue's share with its lower bound at the settings and at the edge of the recipe's tolerances.

    Raises:
        ConfigError: no such recipe or washer, or mistakes in it.
        Refused: no such glue.
    """
    from linectl.lab.transfer.forecast import forecast
    from linectl.server.results.forecasting import result_of
    from linectl.server.washing.recipes import find_recipe

    chosen, machine = find_recipe(recipe, _path(washer))
    results = [result_of(analysis, glue)] if glue else analysis.glues
    decision = analysis.decision
    return forecast(results, machine, chosen, removal=decision.removal, confidence=decision.confidence)


def value(
    analysis: Analysis,
    recipe: str = "reference_80c",
    *,
    glue: str = "",
    given: Sequence[str] = (),
    economics: str | Path | None = None,
) -> list[Valued]:
    """Return what each glue of `analysis` is worth on a recipe: cost per accepted bottle (EUR), margins, break-even.

    `economics` is a file of prices and consumptions (else the shipped one); `given` are inputs in its place, as
    `price_new=0.42`.

    Raises:
        ConfigError: no such recipe, file or input.
        Refused: no such glue, or none with a fit.
    """
    from linectl.server.results.valuing import economics_of, value_forecast

    made = predict(analysis, recipe, glue=glue)
    return value_forecast(analysis, made, economics_of(_path(economics), given))


def export(
    runs: Runs, target: str | Path, *, form: str = "csv", excel_fr: bool = False, overwrite: bool = False
) -> list[Path]:
    """Write one run as files and return them: `form` csv, dir, zip, parquet, jsonl or suitcase-jsonl.

    Raises:
        Refused: several runs, or a file that is there already.
        StoreError: a file cannot be written; nothing is left.
    """
    from linectl.server.results.exports import write_export
    from linectl.store.export.archive import Options

    options = Options(form, excel_fr=excel_fr, overwrite=overwrite)
    return write_export(runs.one(), Path(target), options, maker=runs.pool.maker)


def register_confirmation(
    runs: Runs,
    glue: str,
    *,
    lots: Sequence[str],
    rule: str = "628/2",
    recipe: str = "",
    name: str = "",
    folder: str | Path = ".",
    per_bath: int = 20,
    bath_sd: float | None = None,
    temperature_c: float | None = None,
    soak_s: float | None = None,
) -> Registration:
    """Fix the confirmation of a CANDIDATE before its first bottle, and write its experiment files into `folder`.

    `rule` is bottles/stuck allowed; `.confirmation.applied` is what it takes when baths differ by `bath_sd` (of ln t).
    Point and soak (°C, s) are the screening's unless given. It is written into the store of `runs`: the line must
    be closed.

    Raises:
        Refused: the line is still open, not a CANDIDATE, a point beyond what it passed, a name that is taken, a plan
            that failed before.
        ConfigError: no such rule.
    """
    from linectl.server.results.confirming import Plan, register_from_screening

    asked = Plan(
        glue=glue,
        rule=rule,
        lots=tuple(lots),
        id=name,
        temperature_c=temperature_c,
        soak_s=soak_s,
        per_bath=per_bath,
        bath_sd=bath_sd,
        recipe=recipe,
    )
    found, place = runs.one(), Path(folder)
    return _outside_the_loop(lambda: register_from_screening(found, asked, data=None, by=_user(), folder=place))


def record_set(
    runs: Runs, name: str, kind: Literal["aged", "holding"], *, bottles: int, failed: int, note: str = ""
) -> None:
    """Write down a set of the confirmation `name` that was counted elsewhere, in the store of `runs` (line closed).

    Raises:
        Refused: the line is open, no such confirmation, or more failures than bottles.
        StoreError: the store cannot be written.
    """
    from linectl.lab.confirmation.registry import HandCount
    from linectl.model.confirmations import ConfirmationSet
    from linectl.server.results.confirming import record_set as record

    count = HandCount(ConfirmationSet(kind), bottles, failed, _user(), note)
    store = runs.pool.reader.path
    _outside_the_loop(lambda: record(store, name, count))


def judge_confirmation(runs: Runs, name: str) -> ConfirmationVerdict:
    """Return what the confirmation `name`, registered in the store of `runs`, has come to, criterion by criterion.

    Raises:
        Refused: there is none of that name.
    """
    from linectl.server.results.confirming import judged

    return judged(StoreReader(runs.pool.reader.path), name)


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _user() -> str:
    try:
        return os.environ.get("LINECTL_OPERATOR") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid {os.getuid()}"


def _outside_the_loop(work: Callable[[], T]) -> T:
    """Return `work()`, which runs an event loop of its own: in a thread where one is running (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()

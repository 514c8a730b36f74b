"""One run or several seen as one body of data: by one question, blind while a run of it is blind, for one maker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from linectl.config.files import SourceText
from linectl.config.load import load_experiment_text
from linectl.errors import Refused
from linectl.lab.journal import CALIBRATIONS
from linectl.model.experiments import Decision, Experiment, Glass, Prior
from linectl.model.records import ExitStatus, Run
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import decimal, number, tr

if TYPE_CHECKING:
    from linectl.lab.kinetics.data import ReleaseData
    from linectl.lab.results import Analysis, SensorDoubt, Verdicts

__all__ = ["NOTHING_ASKED", "Asked", "Pool", "analyse_pool", "experiment_of", "judge_pool", "pool_of", "pooled_data"]

T = TypeVar("T")

_UNBLINDED = "unblinded"  # the event after the last observation of a blind experiment


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked in place of the run's own question: a soak (s), a glass lag (s); None leaves it."""

    soak_s: float | None = None
    tau_glass_s: float | None = None


NOTHING_ASKED = Asked()


@dataclass(frozen=True, slots=True)
class Pool:
    """Runs of one store, and the reader through which they may be seen.

    `experiments` are those of the runs (None: past trials). While a run is blind, `codes` (glue -> code) is filled and
    nothing here names a glue. With a `maker` the reader shows his glues and the reference alone, but experiments are
    whole: a face tells nothing of them but the reference and that maker's own. `names` tells how a glue that the
    reader names is written for people (`pvoh (K7)` once codes are open).
    """

    reader: StoreReader
    runs: tuple[Run, ...]
    experiments: tuple[Experiment | None, ...]
    codes: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    maker: str = ""

    @property
    def title(self) -> str:
        """The names of the experiments."""
        return ", ".join(dict.fromkeys(run.ref for run in self.runs if run.ref))


def experiment_of(run: Run) -> Experiment | None:
    """Return the experiment that `run` carried out; None for past trials."""
    if run.kind != "experiment" or not run.definition:
        return None
    return load_experiment_text(SourceText(run.ref, run.definition, run.config_hash))


def pool_of(reader: StoreReader, runs: Sequence[Run], *, maker: str = "") -> Pool:
    """Return the runs as one body of data, seen by all, or by `maker` alone.

    Raises:
        Refused: the runs cannot be pooled (why), no run of that maker, or a maker's view of a blind run.
    """
    experiments = tuple(experiment_of(run) for run in runs)
    if len({run.id for run in runs}) < len(runs):
        raise Refused(tr("a run is named twice"))
    _refuse_contradictions(runs, experiments)
    blind = [run for run, exp in zip(runs, experiments, strict=True) if _is_blind(reader, run, exp)]
    if maker:
        return _for_maker(reader, runs, experiments, maker, blind)
    if blind:
        return _coded(reader, runs, experiments, blind)
    return Pool(reader, tuple(runs), experiments, names=_opened(reader, runs, experiments))


def analyse_pool(pool: Pool, asked: Asked = NOTHING_ASKED) -> Analysis:
    """Return the analysis of all bottles of a pool at once (imports numpy and scipy).

    Raises:
        Refused: a run has no bottles; the runs ask different questions and `asked` does not settle it.
    """
    from linectl.lab.analysis import analyse

    data, decision, glass = pooled_data(pool, asked)
    return analyse(
        data,
        decision=decision,
        glass=glass,
        runs=tuple(run.id for run in pool.runs),
        experiment=pool.title,
        simulated=any(run.simulated for run in pool.runs),
        doubt=_doubt(pool),
        bath_sd=_bath_sd(pool),
    )


def judge_pool(pool: Pool, asked: Asked = NOTHING_ASKED) -> Verdicts:
    """Return the verdicts that `analyse_pool` would come to, for half of its work or less.

    Raises:
        Refused: as `analyse_pool`.
    """
    from linectl.lab.analysis import judge

    data, decision, glass = pooled_data(pool, asked)
    return judge(data, decision=decision, glass=glass, doubt=_doubt(pool), bath_sd=_bath_sd(pool))


def _bath_sd(pool: Pool) -> float:
    """Return the largest guess of the pool's experiments of how baths differ (sd of ln t)."""
    return max((exp.design.prior.bath_sd for exp in pool.experiments if exp is not None), default=Prior().bath_sd)


def pooled_data(pool: Pool, asked: Asked = NOTHING_ASKED) -> tuple[ReleaseData, Decision, Glass]:
    """Return all bottles of a pool, what is asked of them, and the lag of their glass (imports numpy).

    Raises:
        Refused: as `analyse_pool`.
    """
    from linectl.lab.release_rows import release_data

    for run in pool.runs:
        if not pool.reader.bottles(run.id):
            raise Refused(tr("run {run} has no bottles: there is nothing to fit").format(run=run.id))
    decision, glass = _question(pool, asked)
    return release_data(pool.reader, [run.id for run in pool.runs]), decision, glass


def _doubt(pool: Pool) -> SensorDoubt:
    """Return the largest standard uncertainty of each sensor over the runs, as they noted it; None if one did not."""
    from linectl.lab.results import SensorDoubt

    zones = ["bath" if exp is None else exp.zone for exp in pool.experiments]
    known = [
        (
            _u(pool.reader, run, f"{zone}.temperature", "°C"),
            _u(pool.reader, run, f"{zone}.naoh", "%"),
        )
        for run, zone in zip(pool.runs, zones, strict=True)
    ]
    temperature, naoh = zip(*known, strict=True)
    return SensorDoubt(_largest(temperature), _largest(naoh))


def _largest(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _u(reader: StoreReader, run: Run, tag: str, unit: str) -> float | None:
    """Return the standard uncertainty of `tag` that a run noted."""
    for event in reader.events(run.id):
        sensors = event.data.get("sensors") if event.kind == CALIBRATIONS else None
        told = sensors.get(tag) if isinstance(sensors, Mapping) else None
        if isinstance(told, Mapping) and told.get("unit") == unit:
            return float(told["u"])
    return None


# what cannot be pooled


def _refuse_contradictions(runs: Sequence[Run], experiments: Sequence[Experiment | None]) -> None:
    _same(runs, [run.line if run.kind == "experiment" else None for run in runs], tr("line"), str)
    _same(runs, [run.simulated for run in runs], tr("simulated"), lambda yes: tr("yes") if yes else tr("no"))
    references = [exp.reference or None if exp else None for exp in experiments]
    _same(runs, references, tr("reference glue"), lambda _: tr("differs"))


def _same(runs: Sequence[Run], values: Sequence[T | None], what: str, told: Callable[[T], str]) -> None:
    """Refuse runs of which two have different `values`; None says nothing."""
    said = [(run.id, value) for run, value in zip(runs, values, strict=True) if value is not None]
    for run_id, value in said[1:]:
        first_id, first = said[0]
        if value != first:
            text = tr("these runs contradict each other: {what} is {one} in {first} and {other} in {second}")
            raise Refused(
                text.format(what=what, one=told(first), first=first_id, other=told(value), second=run_id),
                hint=tr("report each by itself, or ask one question of both: --soak-s, --tau-glass-s"),
            )


# what is asked


def _question(pool: Pool, asked: Asked) -> tuple[Decision, Glass]:
    """Return what is to be decided and through which lag, by the runs' own experiments unless something else is asked.

    Points of several runs are asked all. Past trials asked nothing: 99 % off at the tested points, by default within
    the longest time that was watched; beside an experiment they ask its question.
    """
    known = [exp for exp in pool.experiments if exp is not None]
    if known:
        runs = [run for run, exp in zip(pool.runs, pool.experiments, strict=True) if exp is not None]
        decision, glass = _of_experiments(runs, known, asked)
    else:
        decision, glass = _of_imports(pool), Glass()
    if asked.soak_s is not None:
        decision = replace(decision, soak_s=asked.soak_s)
    if asked.tau_glass_s is not None:
        glass = replace(glass, tau_glass_s=asked.tau_glass_s)
    return decision, glass


def _of_experiments(runs: Sequence[Run], known: Sequence[Experiment], asked: Asked) -> tuple[Decision, Glass]:
    decisions = [exp.decision for exp in known]
    _same(runs, [d.removal for d in decisions], tr("the share that must come off"), lambda p: f"{number(100 * p)} %")
    _same(runs, [d.confidence for d in decisions], tr("the confidence"), lambda p: f"{number(100 * p)} %")
    if asked.soak_s is None:
        _same(runs, [d.soak_s for d in decisions], tr("the soak"), lambda s: f"{number(s)} s")
    if asked.tau_glass_s is None:
        _same(runs, [exp.glass.tau_glass_s for exp in known], tr("the glass lag"), lambda s: f"{decimal(s)} s")
    temperatures = {t for decision in decisions for t in decision.temperatures_c}
    naoh = {c for decision in decisions for c in decision.naoh_pct}
    if len(known) == 1:
        return decisions[0], known[0].glass
    return replace(decisions[0], temperatures_c=tuple(sorted(temperatures)), naoh_pct=tuple(sorted(naoh))), known[
        0
    ].glass


def _of_imports(pool: Pool) -> Decision:
    treatments = [trial.treatment for run in pool.runs for trial in pool.reader.trials(run.id)]
    watched_ns = [
        (bottle.first_detached_ns or bottle.last_attached_ns or bottle.inserted_ns) - bottle.inserted_ns
        for run in pool.runs
        for bottle in pool.reader.bottles(run.id)
    ]
    return Decision(
        removal=0.99,
        confidence=0.95,
        soak_s=max(watched_ns) / NS_PER_S,
        temperatures_c=tuple(sorted({treatment.temperature_c for treatment in treatments})),
        naoh_pct=tuple(sorted({treatment.naoh_pct for treatment in treatments})),
    )


# who may see what


def _is_blind(reader: StoreReader, run: Run, experiment: Experiment | None) -> bool:
    """Tell whether the glues of `run` must not be named yet: its last observation is not made."""
    if experiment is None or not experiment.blind or run.exit_status is ExitStatus.SUCCESS:
        return False
    return not any(event.kind == _UNBLINDED for event in reader.events(run.id))


def _coded(
    reader: StoreReader, runs: Sequence[Run], experiments: Sequence[Experiment | None], blind: Sequence[Run]
) -> Pool:
    from linectl.lab.design.loading import blind_codes
    from linectl.lab.report.reader import CodedReader

    per_run = {run.id: blind_codes(exp) for run, exp in zip(runs, experiments, strict=True) if exp and exp.blind}
    codes: dict[str, str] = {}
    for run in runs:
        mine = per_run.get(run.id)
        told = None if mine is None else {**codes, **mine}
        if (
            told is None
            or any(told[glue] != code for glue, code in codes.items())
            or len(set(told.values())) < len(told)
        ):
            text = tr("run {blind} is blind until its last observation: it cannot be pooled with {run}")
            raise Refused(
                text.format(blind=blind[0].id, run=run.id), hint=tr("pool them when the blind run is complete")
            )
        codes = told
    view = CodedReader(reader, per_run)
    shown = tuple(None if exp is None else _in_codes(exp, codes) for exp in experiments)
    return Pool(view, tuple(view.run(run.id) for run in runs), shown, codes=codes)


def _in_codes(experiment: Experiment, codes: Mapping[str, str]) -> Experiment:
    """Return the experiment as it may be told while it is blind."""
    from linectl.lab.report.redact import with_codes

    return replace(
        experiment,
        name=with_codes(experiment.name, codes),
        question=with_codes(experiment.question, codes),
        reference=codes.get(experiment.reference, ""),
        makers={},
    )


def _opened(reader: StoreReader, runs: Sequence[Run], experiments: Sequence[Experiment | None]) -> dict[str, str]:
    """Return each glue of a blind experiment that is over as `name (code)`."""
    codes: dict[str, list[str]] = {}
    for run, exp in zip(runs, experiments, strict=True):
        if exp is not None and exp.blind:
            for bottle in reader.bottles(run.id):
                known = codes.setdefault(bottle.glue, [])
                if bottle.code and bottle.code not in known:
                    known.append(bottle.code)
    return {glue: f"{glue} ({', '.join(known)})" for glue, known in codes.items() if known}


def _for_maker(
    reader: StoreReader,
    runs: Sequence[Run],
    experiments: Sequence[Experiment | None],
    maker: str,
    blind: Sequence[Run],
) -> Pool:
    from linectl.lab.report.reader import MakersReader

    own = {glue for exp in experiments if exp for glue, name in exp.makers.items() if name == maker}
    if not own:
        raise Refused(
            tr("run {run} names no maker {maker}").format(run=", ".join(run.id for run in runs), maker=maker),
            hint=tr("makers stand in the experiment's file, glue by glue"),
        )
    if blind:
        raise Refused(
            tr("run {run} is blind until its last observation: a maker's view would name a glue").format(
                run=blind[0].id
            ),
            hint=tr("ask again when the run is complete"),
        )
    references = {exp.reference for exp in experiments if exp and exp.reference}
    view = MakersReader(reader, glues=frozenset(own | references), own=frozenset(own))
    mine = [run for run in runs if view.bottles(run.id)]
    if not mine:
        raise Refused(tr("no bottle of {maker} in {run}").format(maker=maker, run=", ".join(r.id for r in runs)))
    kept = tuple(exp for run, exp in zip(runs, experiments, strict=True) if run in mine)
    return Pool(view, tuple(view.run(run.id) for run in mine), kept, maker=maker)

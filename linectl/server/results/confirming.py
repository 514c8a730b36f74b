"""Confirmations on this machine: registered in the line's store, run as experiments, judged from what runs left."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from linectl.clock import wall_ns
from linectl.config.files import SourceText, find_file
from linectl.config.load import load_experiment_text, load_line
from linectl.errors import LinectlError, Refused, StoreError
from linectl.lab.acts import with_act
from linectl.lab.confirmation.registry import SET_RECORDED, STARTED, HandCount, Register, registered_event
from linectl.lab.journal import CALIBRATIONS
from linectl.model.confirmations import Confirmation, ConfirmationSet, set_of
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.model.records import Event, Run
from linectl.server.places import store_path
from linectl.server.results.finished import FinishedRun, analyse_run, find_run
from linectl.server.results.registration import find_register, registered
from linectl.store.reader import StoreReader
from linectl.store.store import open_store
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.lab.confirmation.evaluate import Bath, ConfirmationVerdict, Evidence
    from linectl.lab.results import Analysis, GlueResult

__all__ = [
    "DEFAULT_BATH_SD",
    "Plan",
    "Registration",
    "change",
    "change_rule",
    "confirmation_verdict",
    "judged",
    "plan_confirmation",
    "record_set",
    "register",
    "register_from_screening",
]

DEFAULT_BATH_SD = 0.3  # of ln t between baths: what a rule must stand when nobody knows better
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a confirmation; None takes the screening's own. Rule as `628/2`; `cooler_k` in K."""

    glue: str
    rule: str
    lots: tuple[str, ...]
    id: str = ""
    temperature_c: float | None = None
    naoh_pct: float | None = None
    soak_s: float | None = None
    per_bath: int = 20
    bath_sd: float | None = None
    cooler_k: float | None = None
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Registration:
    """A confirmation as it was registered, its experiment files, and what its rule is worth with baths as they differ.

    `chances`: false_go (at the removal asked), pass_at_0.999, pass_at_0.997.
    """

    confirmation: Confirmation
    files: tuple[Path, ...]
    chances: Mapping[str, float]


def register_from_screening(
    run: str | FinishedRun, plan: Plan, *, data: Path | None, by: str, folder: Path, line: Path | None = None
) -> Registration:
    """Register what `plan` asks for after the screening `run`, and write its experiment files into `folder`.

    It is registered in the store of the screening, else in that of `line`, where its runs will be made.

    Raises:
        Refused, ConfigError: see `plan_confirmation` and `register`; nothing is written then.
    """
    from linectl.lab.confirmation.clusters import BathSpread, clustered_chance
    from linectl.lab.confirmation.rules import parse_rule
    from linectl.server.results.confirmation_files import write_files

    parse_rule(plan.rule)  # mistakes of the command first: the analysis takes its time
    _check_name(plan.id or "C")
    found = find_run(run, data) if isinstance(run, str) else run
    experiment = _screened(found)
    analysis = analyse_run(found)
    confirmation = plan_confirmation(
        analysis,
        plan,
        by=by,
        now_ns=wall_ns(),
        agitation_pct=experiment.stirrer_pct,
        probe_margin_k=_probe_margin_k(found),
    )
    definition = load_line(find_file(line, folder="config")) if line is not None else None
    if definition is not None:
        experiment = replace(experiment, line=str(line))
    files = write_files(confirmation, experiment, folder)
    try:
        if definition is None:
            register(found.reader.path, confirmation)
        else:
            register(store_path(definition, data), confirmation, line=definition.name)
    except LinectlError:
        for file in files:
            file.unlink()
        raise
    spread = BathSpread(confirmation.sigma, confirmation.bath_sd, confirmation.per_bath)
    applied = parse_rule(confirmation.applied)
    shares = {"false_go": 1.0 - confirmation.removal, "pass_at_0.999": 0.001, "pass_at_0.997": 0.003}
    chances = {name: clustered_chance(applied, share, spread) for name, share in shares.items()}
    return Registration(confirmation, files, chances)


def plan_confirmation(
    analysis: Analysis, plan: Plan, *, by: str, now_ns: int, agitation_pct: float, probe_margin_k: float
) -> Confirmation:
    """Return the confirmation that `plan` asks for after the screening `analysis`, not yet registered.

    `probe_margin_k`: by how much the bath may be hotter than its probe says, at 95 %.

    Raises:
        Refused: the screening does not say CANDIDATE for the glue, or the point is beyond what it passed.
        ConfigError: no such rule.
    """
    from linectl.lab.confirmation.rules import parse_rule
    from linectl.server.results.verdict_hash import verdict_hash

    result = _candidate(analysis, plan.glue)
    verdict, decision = result.verdict, analysis.decision
    name = plan.id or f"C-{re.sub(r'[^A-Za-z0-9_.-]', '-', plan.glue)}-{verdict_hash(analysis)[:6]}"
    asked = Confirmation(
        id=name,
        glue=plan.glue,
        lots=plan.lots,
        temperature_c=_given(plan.temperature_c, verdict.temperature_c),
        naoh_pct=_given(plan.naoh_pct, verdict.naoh_pct),
        soak_s=_given(plan.soak_s, decision.soak_s),
        agitation_pct=agitation_pct,
        removal=decision.removal,
        confidence=decision.confidence,
        rule=str(parse_rule(plan.rule)),
        applied="",
        bath_sd=DEFAULT_BATH_SD if plan.bath_sd is None else plan.bath_sd,
        sigma=max(fit.sigma for fit in result.fits.values()),
        per_bath=plan.per_bath,
        cooler_k=probe_margin_k if plan.cooler_k is None else plan.cooler_k,
        recipe=plan.recipe,
        screening_runs=analysis.runs,
        verdict_hash=verdict_hash(analysis),
        registered_by=by,
        registered_ns=now_ns,
    )
    return replace(asked, applied=_honest(plan.rule, asked))


def register(store: Path, confirmation: Confirmation, *, line: str = "") -> None:
    """Write `confirmation` into the register of the store.

    Raises:
        Refused: the name is taken, or a plan for the same glue, lots and point has failed: it is not repeated.
        StoreError: the store cannot be written.
    """
    reader = StoreReader(store) if store.exists() else None
    for other in registered(reader) if reader is not None else ():
        assert reader is not None
        if other.first.id == confirmation.id:
            raise Refused(
                tr("a confirmation {name} is registered already").format(name=confirmation.id),
                hint=tr("see it with: linectl confirm status {name}").format(name=confirmation.id),
            )
        same = (other.present.glue, set(other.present.lots), _point(other.present)) == (
            confirmation.glue,
            set(confirmation.lots),
            _point(confirmation),
        )
        if same and _failed(confirmation_verdict(reader, other)):
            raise Refused(
                tr("{name} has failed at this point for these lots: a failed plan is not repeated").format(
                    name=other.first.id
                ),
                hint=tr("another lot of glue or another point is a new question"),
            )
    _write(store, [with_act(registered_event(confirmation))], line)


def change_rule(store: Path, name: str, rule: str, *, by: str) -> tuple[Confirmation, bool]:
    """Change the rule of a registered confirmation; return it, and whether bottles were soaked under the old one.

    Raises:
        Refused: no such confirmation.
        ConfigError: no such rule.
    """
    reader = StoreReader(store)
    present = find_register(reader, name).present
    applied = _honest(rule, present)
    changed = replace(present, rule=str(rule), applied=applied, registered_by=by, registered_ns=wall_ns())
    change(store, changed)
    return changed, any(reader.bottles(run.id) for run, _ in _runs_of(reader, name))


def _honest(rule: str, point: Confirmation) -> str:
    """Return `rule` with the bottles that it needs when baths differ as `point` says."""
    from linectl.lab.confirmation.clusters import BathSpread, honest_rule
    from linectl.lab.confirmation.rules import parse_rule

    spread = BathSpread(point.sigma, point.bath_sd, point.per_bath)
    try:
        applied = honest_rule(parse_rule(rule), spread, removal=point.removal, confidence=point.confidence)
    except ValueError as error:
        raise Refused(
            tr("baths that differ by {sd:g} in ln t cannot prove {removal:g} of {glue}").format(
                sd=point.bath_sd, removal=point.removal, glue=point.glue
            ),
            hint=tr("put fewer bottles into more baths (--per-bath), or find out why baths differ"),
        ) from error
    return str(applied)


def change(store: Path, confirmation: Confirmation) -> None:
    """Write a change of a registered confirmation; after its first bottle that voids GO.

    Raises:
        StoreError: it was never registered, or the store cannot be written.
    """
    before = with_act(registered_event(find_register(StoreReader(store), confirmation.id).present)).act
    event = with_act(registered_event(confirmation, changed=True))
    if event.act is not None and before is not None:
        event = replace(event, act=replace(event.act, old=before.new))
    _write(store, [event])


def record_set(store: Path, name: str, count: HandCount) -> None:
    """Write down a set that was counted elsewhere.

    Raises:
        StoreError: no such confirmation.
        Refused: more failures than bottles, or the main set, which is counted from runs alone.
    """
    find_register(StoreReader(store), name)
    if count.kind is ConfirmationSet.MAIN:
        raise Refused(tr("the main set is counted from recorded runs, not by hand"))
    if not 0 <= count.failed <= count.bottles or not count.bottles:
        raise Refused(tr("{failed} of {bottles} cannot be").format(failed=count.failed, bottles=count.bottles))
    data = {"kind": str(count.kind), "bottles": count.bottles, "failed": count.failed, "by": count.by}
    _write(store, [with_act(Event(wall_ns(), SET_RECORDED, {**data, "note": count.note}, name))])


def judged(reader: StoreReader, name: str) -> ConfirmationVerdict:
    """Return the verdict on the confirmation called `name`, with what its line recipe was computed to do."""
    from linectl.server.results.forecasting import confirmation_figures

    entry = find_register(reader, name)
    return confirmation_verdict(reader, entry, line_figures=confirmation_figures(reader, entry.present))


def confirmation_verdict(
    reader: StoreReader, entry: Register, *, line_figures: Evidence | None = None
) -> ConfirmationVerdict:
    """Return the verdict on a confirmation from its store's runs, what was written down by hand, and the line's lots.

    `line_figures` brings what the line recipe was computed to do (corner, hygiene, glass); without it those criteria
    are not measured, and there is no GO.
    """
    from linectl.lab.confirmation.evaluate import Evidence, evaluate
    from linectl.server.results.line_answers import answered

    present = entry.present
    sets: dict[ConfirmationSet, list[Bath]] = {kind: [] for kind in ConfirmationSet}
    hashes: list[str] = []
    for run, kind in _runs_of(reader, present.id):
        baths = _baths(reader, run, present)
        sets[kind] += baths
        if baths:
            carried = [str(event.data.get("hash")) for event in reader.events(run.id) if event.kind == STARTED]
            hashes += carried or [""]  # bottles that no registration went before void GO
    for count in entry.by_hand:
        sets[count.kind].append(_by_hand(count))
    evidence = replace(
        line_figures or Evidence(),
        main=sets[ConfirmationSet.MAIN],
        aged=sets[ConfirmationSet.AGED],
        holding=sets[ConfirmationSet.HOLDING],
        hashes=hashes,
    )
    return answered(reader, entry, evaluate(present, evidence), line_figures)


def _probe_margin_k(found: FinishedRun) -> float:
    """Return 1.645 standard uncertainties of the bath's probe in K, as the screening's run had it; 0 when unknown."""
    for event in found.reader.events(found.run.id):
        sensors = event.data.get("sensors") if event.kind == CALIBRATIONS else None
        if isinstance(sensors, dict):
            known = [each for tag, each in sensors.items() if tag.endswith(".temperature")]
            return max((math.ceil(164.5 * float(each["u"])) / 100 for each in known), default=0.0)
    return 0.0


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Refused(tr("{name!r} is no name for a confirmation: letters, digits, . _ -").format(name=name))


def _candidate(analysis: Analysis, glue: str) -> GlueResult:
    from linectl.lab.results import VerdictWord

    for result in analysis.glues:
        if result.glue == glue:
            if result.verdict.word is not VerdictWord.CANDIDATE:
                raise Refused(
                    tr("the screening says {word} for {glue}: only a CANDIDATE is confirmed").format(
                        word=result.verdict.word, glue=glue
                    ),
                    hint=tr("see why with: linectl verdict RUN"),
                )
            return result
    names = ", ".join(result.glue for result in analysis.glues)
    raise Refused(tr("the screening holds no glue {glue}; it holds {names}").format(glue=glue, names=names))


def _given(value: float | None, otherwise: float | None) -> float:
    chosen = otherwise if value is None else value
    assert chosen is not None, "a CANDIDATE names its point"
    return chosen


def _point(confirmation: Confirmation) -> tuple[float, float, float]:
    return confirmation.temperature_c, confirmation.naoh_pct, confirmation.soak_s


def _failed(verdict: ConfirmationVerdict) -> bool:
    from linectl.lab.confirmation.evaluate import CriterionCode

    return any(c.code is CriterionCode.REMOVAL and c.passed is False for c in verdict.criteria)


def _runs_of(reader: StoreReader, name: str) -> Iterable[tuple[Run, ConfirmationSet]]:
    for run in reader.runs():
        if "confirmation:" not in run.definition:
            continue
        try:
            experiment = load_experiment_text(SourceText(run.ref, run.definition, run.config_hash))
        except LinectlError as error:
            if f"confirmation: {name}" not in run.definition:  # of another version of the file format, and not ours
                continue
            text = tr("run {run} belongs to {name}, and its experiment cannot be read: its bottles would not count")
            raise StoreError(text.format(run=run.id, name=name), hint=error.message) from error
        if experiment.confirmation:
            mine, kind = set_of(experiment.confirmation)
            if mine == name:
                yield run, kind


def _baths(reader: StoreReader, run: Run, present: Confirmation) -> Sequence[Bath]:
    from linectl.lab.confirmation.counts import bath_counts

    return bath_counts(run.id, reader.trials(run.id), reader.bottles(run.id), present)


def _by_hand(count: HandCount) -> Bath:
    from linectl.lab.confirmation.evaluate import Bath

    return Bath(run=count.by, trial=0, bottles=count.bottles, stuck=count.failed)


def _screened(found: FinishedRun) -> Experiment:
    """Return how the screening was run; past trials were run somehow, and are followed by a camera every 15 s."""
    run = found.run
    if run.kind != "import":
        return load_experiment_text(SourceText(run.ref, run.definition, run.config_hash))
    asked = Decision(0.99, 0.95, 900.0, (60.0,), (1.5,))
    return Experiment(run.ref, "", (60.0,), (1.5,), ("",), 1, 1, seed=1, soak=Soak(900.0, 15.0), decision=asked)


def _write(store: Path, events: Sequence[Event], line: str = "") -> None:
    async def write() -> None:
        store.parent.mkdir(parents=True, exist_ok=True)
        name = line or StoreReader(store).line()
        writer = open_store(store, line=name, virtual=False)
        await writer.open()
        try:
            for event in events:
                await writer.add_event(event)
        finally:
            await writer.close()

    asyncio.run(write())

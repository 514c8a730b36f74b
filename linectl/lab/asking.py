"""What a run asks people, as prompts: one place for their ids, so that an answers file can name them beforehand.

Ids: `start-NAME` (covariates and questions of the run), `T01-NAME` (of a bath), `T01-P07` (a bottle goes in),
`T01-P07-NAME` (its covariates), `T01-check-4` and `T01-check-4-second`, `T01-unload`, `T01-P07-mode`,
`T01-P07-residue`, `lid-...`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from linectl.lab.design.baths import PlannedBath, PlannedBottle
from linectl.model.experiments import Covariate, Experiment, Observation, Question
from linectl.model.prompts import Prompt, PromptKind
from linectl.words import language, tr

__all__ = [
    "MODES",
    "blind_names",
    "check_prompt",
    "covariate_prompt",
    "expected",
    "load_prompt",
    "question_prompt",
    "residue_prompts",
    "shown_glue",
    "unload_prompt",
]

MODES = ("whole", "torn", "pulped")
START = "start"  # of the run: where questions and covariates "per run" are asked


def shown_glue(planned: PlannedBottle, experiment: Experiment) -> str:
    """Return what people may read of a bottle's glue: its code in a blind experiment."""
    return (planned.code or planned.glue) if experiment.blind else planned.glue


def blind_names(experiment: Experiment, baths: Sequence[PlannedBath]) -> Mapping[str, str]:
    """Return the glue behind each code of a blind experiment; none for an open one."""
    if not experiment.blind:
        return {}
    return {shown_glue(bottle, experiment): bottle.glue for bath in baths for bottle in bath.bottles}


def load_prompt(planned: PlannedBottle, experiment: Experiment) -> Prompt:
    """Ask for a bottle to be put in; neither the text nor the facts of a blind experiment name its glue."""
    glue = shown_glue(planned, experiment)
    told = ", ".join([glue, *planned.factors.values()])
    text = tr("Put bottle {label} ({glue}) at position {position}. Is it in?")
    facts = {"position": planned.position, "bottle": planned.label, "glue": glue, **planned.factors}
    return Prompt(
        planned.label,
        PromptKind.CONFIRM,
        text.format(label=planned.label, glue=told, position=planned.position),
        "load_bottle",
        facts,
    )


def unload_prompt(ord_: int, positions: tuple[int, ...]) -> Prompt:
    """Ask for all bottles of bath `ord_` to be taken out."""
    places = ", ".join(map(str, positions))
    text = tr("Take out all bottles: positions {places}. All out?").format(places=places)
    return Prompt(f"T{ord_:02d}-unload", PromptKind.CONFIRM, text, "unload", {"positions": positions})


def check_prompt(ord_: int, number: int, positions: tuple[int, ...], *, second: bool = False) -> Prompt:
    """Ask which labels are still attached at the `number`-th check of bath `ord_`."""
    shown = ", ".join(map(str, positions))
    text = tr("Which labels are still attached? Positions {places}:").format(places=shown)
    return Prompt(
        f"T{ord_:02d}-check-{number}{'-second' if second else ''}",
        PromptKind.POSITIONS,
        f"{tr('Second examiner:')} {text}" if second else text,
        "check",
        {"positions": positions, "number": number},
        second=second,
    )


def question_prompt(question: Question, where: str, phase: str) -> Prompt:
    """Ask a question of the experiment's own, in the language in use where it has it."""
    texts = question.text
    text = texts.get(language()) or next(iter(texts.values()), question.id)
    return Prompt(
        f"{where}-{question.id}",
        PromptKind(question.kind),
        text,
        "question",
        {"phase": phase, "question": question.id},
        options=question.options,
        low=question.low,
        high=question.high,
        unit=question.unit,
        timeout_s=question.timeout_s,
        default=question.default,
    )


def covariate_prompt(covariate: Covariate, where: str) -> Prompt:
    """Ask for what is measured and not set; `where` is `start`, a bath (`T01`) or a bottle (`T01-P07`)."""
    unit = f" ({covariate.unit})" if covariate.unit else ""
    return Prompt(
        f"{where}-{covariate.name}",
        PromptKind.NUMBER,
        tr("{where}: {name}{unit}?").format(where=where, name=covariate.name, unit=unit),
        "covariate",
        {"name": covariate.name, "per": covariate.per},
        low=covariate.low,
        high=covariate.high,
        unit=covariate.unit,
    )


def residue_prompts(label: str, position: int) -> tuple[Prompt, Prompt]:
    """Ask how the label of a bottle came off, and how much of it (%) stayed on the glass."""
    facts = {"position": position, "bottle": label}
    mode = tr("Bottle {label}, position {position}: how did its label come off?").format(label=label, position=position)
    left = tr("Bottle {label}, position {position}: residue on the glass, %?").format(label=label, position=position)
    return (
        Prompt(f"{label}-mode", PromptKind.CHOICE, mode, "score", {**facts, "what": "mode"}, options=MODES),
        Prompt(
            f"{label}-residue",
            PromptKind.NUMBER,
            left,
            "score",
            {**facts, "what": "residue"},
            low=0.0,
            high=100.0,
            unit="%",
        ),
    )


def expected(experiment: Experiment, baths: Sequence[PlannedBath], *, lid: bool) -> Iterator[Prompt]:
    """Yield one prompt of each id that the run can be foreseen to ask, for the check that all are covered.

    `lid` says whether the line has a lid contact, whose prompts carry the time in their id.
    """
    run_wide = [each for each in experiment.covariates if each.per == "run"]
    yield from (covariate_prompt(each, START) for each in run_wide)
    yield from (question_prompt(each, START, START) for each in experiment.questions if each.at == START)
    if lid:
        yield Prompt("lid-0", PromptKind.CONFIRM, tr("Open the lid, close the lid."), "lid", {"open": True})
    for bath in baths:
        yield from _expected_of(bath, experiment)


def _expected_of(bath: PlannedBath, experiment: Experiment) -> Iterator[Prompt]:
    where = f"T{bath.ord:02d}"
    yield from (covariate_prompt(each, where) for each in experiment.covariates if each.per == "bath")
    yield from (question_prompt(each, where, each.at) for each in experiment.questions if each.at != START)
    for planned in bath.bottles:
        yield from (covariate_prompt(each, planned.label) for each in experiment.covariates if each.per == "bottle")
        yield load_prompt(planned, experiment)
    places = tuple(sorted(planned.position for planned in bath.bottles))
    if experiment.observation is Observation.OPERATOR:
        yield check_prompt(bath.ord, 1, places)
    if experiment.second_examiner_every:
        yield check_prompt(bath.ord, experiment.second_examiner_every, places, second=True)
    yield unload_prompt(bath.ord, places)
    if experiment.score_residue:
        for planned in bath.bottles:
            yield from residue_prompts(planned.label, planned.position)

"""Checks of the questions that an experiment asks people, and of what it has them measure."""

from __future__ import annotations

from linectl.config.experiment_file import ExperimentFile, QuestionFile
from linectl.config.nodes import Document, Loc
from linectl.model.experiments import BOTTLE_FACTORS
from linectl.words import tr

__all__ = ["check_covariates", "check_questions"]

_TAKEN = ("glue", "position", "temperature_c", "naoh_pct", "agitation_pct", *BOTTLE_FACTORS)
"""Columns that the data of every run have: a covariate needs another name."""

_FEWEST_OPTIONS = 2


def check_covariates(file: ExperimentFile, document: Document) -> None:
    """Add to the document what is wrong with the covariates."""
    seen: set[str] = set()
    for number, covariate in enumerate(file.covariates):
        loc = ("covariates", number)
        if covariate.name in seen:
            document.complain((*loc, "name"), tr("{level} is given twice").format(level=covariate.name))
        if covariate.name in _TAKEN:
            document.complain((*loc, "name"), tr("{name} is a factor, not a covariate").format(name=covariate.name))
        seen.add(covariate.name)
        _range(covariate.low, covariate.high, loc, document)


def check_questions(file: ExperimentFile, document: Document) -> None:
    """Add to the document what is wrong with the questions."""
    seen: set[str] = set()
    for number, question in enumerate(file.questions):
        loc = ("questions", number)
        if question.id in seen:
            document.complain((*loc, "id"), tr("{level} is given twice").format(level=question.id))
        seen.add(question.id)
        _options(question, loc, document)
        _limits(question, loc, document)
        if question.default is not None:
            _default(question, (*loc, "default"), document)
        elif question.timeout_s is not None:
            message = tr("after {s:g} s without an answer something must be taken: give `default` too")
            document.complain((*loc, "timeout_s"), message.format(s=question.timeout_s))


def _options(question: QuestionFile, loc: Loc, document: Document) -> None:
    if question.kind != "choice":
        if question.options:
            document.complain((*loc, "options"), _only_with("options", "choice", question))
        return
    if len(question.options) < _FEWEST_OPTIONS:
        document.complain((*loc, "options"), tr("a choice needs at least two options"))
    for number, option in enumerate(question.options):
        if option in question.options[:number]:
            document.complain((*loc, "options", number), tr("{level} is given twice").format(level=option))


def _limits(question: QuestionFile, loc: Loc, document: Document) -> None:
    if question.kind == "number":
        _range(question.low, question.high, loc, document)
        return
    for key, value in (("low", question.low), ("high", question.high), ("unit", question.unit or None)):
        if value is not None:
            document.complain((*loc, key), _only_with(key, "number", question))


def _only_with(key: str, kind: str, question: QuestionFile) -> str:
    text = tr("`{key}` belongs to a question of kind {kind}, not {got}")
    return text.format(key=key, kind=kind, got=question.kind)


def _range(low: float | None, high: float | None, loc: Loc, document: Document) -> None:
    if low is not None and high is not None and low >= high:
        message = tr("{low:g} is not below high, {high:g}").format(low=low, high=high)
        document.complain((*loc, "low"), message)


def _default(question: QuestionFile, loc: Loc, document: Document) -> None:
    """Complain of a default that would be no answer to its question; `yes` and `no` are text in these files."""
    got = question.default
    wanted = {
        "confirm": tr("true or false"),
        "number": tr("a number"),
        "choice": tr("one of {words}").format(words=", ".join(question.options)),
    }.get(question.kind, tr("text (in quotes if it looks like a number)"))
    fits = {
        "confirm": isinstance(got, bool),
        "number": isinstance(got, int | float) and not isinstance(got, bool),
        "choice": isinstance(got, str) and got in question.options,
    }.get(question.kind, isinstance(got, str))
    if not fits:
        shown = str(got).lower() if isinstance(got, bool) else f"`{str(got)[:40]}`"
        document.complain(loc, tr("expected {what}, not {got}").format(what=wanted, got=shown))
        return
    if question.kind == "number" and not _inside(float(got), question.low, question.high):
        document.complain(loc, tr("{value:g} is outside the limits of the question").format(value=got))


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)

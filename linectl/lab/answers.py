"""The answers file as a face of the desk, and the check that every question of a run has somebody to answer it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from linectl.clock import Clock
from linectl.errors import ConfigError, NotConfirmed, Problem
from linectl.lab.desk import fits
from linectl.model.answers import Answers, Preset
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.words import tr

__all__ = ["AnswersFace", "check_answers", "check_covered", "yes_or_no"]

_YES = {"o", "oui", "y", "yes", "ok", "on"}
_NO = {"n", "non", "no", "off"}
_NAMED = 12  # uncovered questions that a refusal names one by one


def yes_or_no(text: str) -> bool | None:
    """Return what a word of a person says, in French or English; None when it is neither."""
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


class AnswersFace:
    """Answers from a file, at once. `leave` are tasks that it leaves to other faces (a simulated operator's hands)."""

    def __init__(self, answers: Answers, clock: Clock, *, leave: Collection[str] = ()) -> None:
        self._answers = answers
        self._clock = clock
        self._leave = leave

    async def ask(self, prompt: Prompt) -> Answer | None:
        """Return the file's answer, None when no line of it fits.

        Raises:
            ConfigError: the line that fits gives no answer of the kind asked for.
        """
        preset = None if prompt.task in self._leave else self._answers.find(prompt.id)
        if preset is None:
            return None
        now_ns = self._clock.now_ns()
        value, why = _value(prompt, preset)
        if value is None:
            raise ConfigError([_problem(self._answers, preset, prompt, why)])
        return Answer(prompt.id, value, self._answers.name, "answers file", now_ns, now_ns)


def check_answers(answers: Answers, prompts: Iterable[Prompt]) -> None:
    """Check every line of a file against the questions that it will answer.

    Raises:
        ConfigError: with each line that gives no answer of the kind asked for, at its place in the file.
    """
    found: dict[Preset, Problem] = {}
    for prompt in prompts:
        preset = answers.find(prompt.id)
        if preset is None or preset in found:
            continue
        value, why = _value(prompt, preset)
        if value is None:
            found[preset] = _problem(answers, preset, prompt, why)
    if found:
        raise ConfigError(sorted(found.values(), key=lambda each: each.line))


def check_covered(prompts: Iterable[Prompt], answers: Answers | None) -> None:
    """Check that nobody needs to be there: each question has an answer in the file, or a default.

    Raises:
        NotConfirmed: naming those that have neither.
    """
    open_ = [
        prompt.id
        for prompt in prompts
        if prompt.default is None and (answers is None or answers.find(prompt.id) is None)
    ]
    if not open_:
        return
    more = tr(" and {n} more").format(n=len(open_) - _NAMED) if len(open_) > _NAMED else ""
    raise NotConfirmed(
        tr("nobody can answer: {ids}").format(ids=", ".join(open_[:_NAMED]) + more),
        hint=tr("run in a terminal, give them in --answers FILE, or run on the simulated rig with --sim"),
        code="E-ASK-005",
    )


def _problem(answers: Answers, preset: Preset, prompt: Prompt, why: str) -> Problem:
    return Problem(answers.source, preset.line, preset.column, f"answers.{preset.pattern}", f"{prompt.id}: {why}")


def _value(prompt: Prompt, preset: Preset) -> tuple[bool | float | str | tuple[int, ...] | None, str]:
    """Return the answer that a line gives to `prompt`; None and why when it gives none."""
    value = preset.value
    if prompt.kind is PromptKind.CONFIRM and isinstance(value, str):
        said = yes_or_no(value)
        return said, tr("expected yes or no")
    if prompt.kind in {PromptKind.CHOICE, PromptKind.TEXT, PromptKind.PHOTO} and not isinstance(value, str):
        return None, tr("`{value}` is not text here: put it in quotes").format(value=str(value).lower())
    why = fits(prompt, value)
    return (None, why) if why else (value, "")

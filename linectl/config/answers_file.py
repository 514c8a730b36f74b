"""Answers files: `kind: answers`, then under `answers` a question's id, or a glob of ids, and its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from linectl.config.files import SourceText, read_source
from linectl.config.nodes import Document, parse
from linectl.config.schema import FileModel, Finite, validate
from linectl.errors import ConfigError
from linectl.model.answers import Answers, Preset
from linectl.words import tr

__all__ = ["load_answers", "load_answers_text"]


class AnswersFile(FileModel):
    """A whole answers file; `name` is who answers, in the record."""

    kind: Literal["answers"]
    name: str = ""
    answers: Annotated[dict[str, bool | int | Finite | str | tuple[int, ...]], Field(min_length=1)]


def load_answers(path: str | Path) -> Answers:
    """Return the answers in the file `path`.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_answers_text(read_source(path))


def load_answers_text(source: SourceText) -> Answers:
    """Return the answers in the text of a file, in its order: the first pattern that fits wins.

    `yes`, `no`, `on`, `off` stay words here (YAML 1.2) and answer a confirmation as they say; only `true` and `false`
    are truth values, which a choice or a text refuses.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = parse(source)
    if document.data is not None and not isinstance(document.data, dict):
        document.complain((), tr("expected keys with values, the first of them `kind: {kind}`").format(kind="answers"))
    file = None
    if isinstance(document.data, dict):
        _complain_of_values(document)
        file = validate(document, AnswersFile)
    if document.problems or file is None:
        raise ConfigError(sorted(document.problems, key=lambda each: (each.line, each.column)))
    presets = (Preset(pattern, value, *document.marks[("answers", pattern)]) for pattern, value in file.answers.items())
    return Answers(file.name or Path(source.path).stem, tuple(presets), source.path)


def _complain_of_values(document: Document) -> None:
    """Say of each answer that is none what may stand there: the members of a union would each complain."""
    answers = document.data.get("answers")
    if not isinstance(answers, dict):
        return
    for pattern, value in list(answers.items()):
        if not _answers(value):
            message = tr("expected yes or no, a number, text, or a list of positions")
            document.complain(("answers", pattern), message)
            del answers[pattern]


def _answers(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    return isinstance(value, bool | int | float | str) and value != ""

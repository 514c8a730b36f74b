"""Files -> types of `linectl.model`. Every mistake of a file is told at once, as file:line:column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from linectl.config.experiment_file import ExperimentFile, check_experiment, experiment
from linectl.config.files import SourceText, read_source
from linectl.config.line_checks import check_line
from linectl.config.line_file import LineFile, line_definition
from linectl.config.nodes import Document, parse
from linectl.config.schema import nearest, validate
from linectl.errors import ConfigError
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition
from linectl.words import tr

__all__ = ["load_any", "load_experiment", "load_experiment_text", "load_line", "load_line_text"]

KINDS = ("line", "experiment")


def load_line(path: str | Path) -> LineDefinition:
    """Return the line that the file `path` describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_line_text(read_source(path))


def load_line_text(source: SourceText) -> LineDefinition:
    """Return the line that the text of a file describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = _parsed(source, "line")
    file = validate(document, LineFile)
    if file is not None:
        check_line(file, document)
    _stop_on_problems(document)
    assert file is not None
    return line_definition(file, source)


def load_experiment(path: str | Path) -> Experiment:
    """Return the experiment that the file `path` describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_experiment_text(read_source(path))


def load_experiment_text(source: SourceText) -> Experiment:
    """Return the experiment that the text of a file describes (a run keeps that text).

    Raises:
        ConfigError: with every problem in the file.
    """
    document = _parsed(source, "experiment")
    file = validate(document, ExperimentFile)
    if file is not None:
        check_experiment(file, document)
    _stop_on_problems(document)
    assert file is not None
    return experiment(file, source)


def load_any(path: str | Path) -> LineDefinition | Experiment:
    """Return what the file `path` describes, by its `kind`.

    Raises:
        ConfigError: with every problem in the file, or for a `kind` that is none of line, experiment.
    """
    source = read_source(path)
    document = parse(source)
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    if kind == "experiment":
        return load_experiment_text(source)
    if kind == "line":
        return load_line_text(source)
    if not document.problems:
        _complain_of_kind(document, kind, KINDS)
    raise ConfigError(document.problems)


def _parsed(source: SourceText, kind: str) -> Document:
    """Return the document, when it is of `kind` at all; of another kind, each key would be called unknown."""
    document = parse(source)
    if document.data is None and document.problems:
        raise ConfigError(document.problems)
    if not isinstance(document.data, dict):
        document.complain((), tr("expected keys with values, the first of them `kind: {kind}`").format(kind=kind))
        raise ConfigError(document.problems)
    if document.data.get("kind") != kind:
        _complain_of_kind(document, document.data.get("kind"), (kind,))
        raise ConfigError(document.problems)
    return document


def _complain_of_kind(document: Document, kind: Any, kinds: tuple[str, ...]) -> None:
    if kind is None:
        document.complain(("kind",), tr("missing; expected one of {words}").format(words=", ".join(kinds)))
    else:
        message = tr("`{kind}` is not known here; {nearest}")
        document.complain(("kind",), message.format(kind=kind, nearest=nearest(str(kind), kinds)))


def _stop_on_problems(document: Document) -> None:
    if document.problems:
        raise ConfigError(sorted(document.problems, key=lambda each: (each.line, each.column)))

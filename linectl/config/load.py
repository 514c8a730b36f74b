"""Files -> types of `linectl.model`. Every mistake of a file is told at once, as file:line:column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from linectl.config.answers_file import load_answers_text
from linectl.config.calibration_file import CalibrationFile, calibrations, check_calibrations
from linectl.config.experiment_checks import check_experiment
from linectl.config.experiment_file import ExperimentFile, experiment
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.line_checks import check_line
from linectl.config.line_file import LineFile, line_definition
from linectl.config.nodes import Document, parse
from linectl.config.plant_files import PLANT_KINDS, load_plant_text
from linectl.config.schema import nearest, validate
from linectl.config.short_forms import write_out
from linectl.errors import ConfigError
from linectl.model.answers import Answers
from linectl.model.calibrations import Calibrations
from linectl.model.economics import Economics
from linectl.model.experiments import Experiment
from linectl.model.lines import LineDefinition
from linectl.model.washing import Recipe, Washer
from linectl.words import tr

__all__ = ["load_any", "load_calibrations", "load_experiment", "load_experiment_text", "load_line", "load_line_text"]

KINDS = ("line", "experiment", "calibration", "answers", *PLANT_KINDS)


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
    definition = line_definition(file, source)
    if not definition.calibration:
        return definition
    try:
        path = find_file(definition.calibration, beside=source.path, folder="config")
        known = load_calibrations(path)
    except ConfigError as error:
        if error.problems:  # of the calibration file itself
            raise
        document.complain(("calibration",), error.message)
        raise ConfigError(document.problems) from error
    for tag in known.sensors:
        if tag not in definition.tags:
            message = tr("names {tag}, which is no tag of this line; {nearest}")
            document.complain(("calibration",), message.format(tag=tag, nearest=nearest(tag, list(definition.tags))))
    _stop_on_problems(document)
    return replace(
        definition, calibration=str(path.resolve()), calibrations=known.sensors, calibration_hash=known.sha256
    )


def load_calibrations(path: str | Path) -> Calibrations:
    """Return the calibrations in the file `path`.

    Raises:
        ConfigError: with every problem in the file.
    """
    return _calibrations_text(read_source(path))


def _calibrations_text(source: SourceText) -> Calibrations:
    document = _parsed(source, "calibration")
    file = validate(document, CalibrationFile)
    if file is not None:
        check_calibrations(file, document)
    _stop_on_problems(document)
    assert file is not None
    return calibrations(file, source)


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
    write_out(document)
    file = validate(document, ExperimentFile)
    if file is not None:
        check_experiment(file, document)
    _stop_on_problems(document)
    assert file is not None
    return experiment(file, source)


def load_any(path: str | Path) -> Answers | Calibrations | LineDefinition | Experiment | Washer | Recipe | Economics:
    """Return what the file `path` describes, by its `kind`.

    Raises:
        ConfigError: with every problem in the file, or for a `kind` that is not known.
    """
    source = read_source(path)
    document = parse(source)
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    if kind == "experiment":
        return load_experiment_text(source)
    if kind == "line":
        return load_line_text(source)
    if kind == "calibration":
        return _calibrations_text(source)
    if kind == "answers":
        return load_answers_text(source)
    if kind in PLANT_KINDS:
        return load_plant_text(source, kind)
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

"""Files -> types of `linectl.model`. Every mistake of a file is told at once, as file:line:column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from linectl.config.alarm_file import alarms
from linectl.config.answers_file import load_answers_text
from linectl.config.calibration_file import load_calibrations, load_calibrations_text
from linectl.config.device_file import load_device_text
from linectl.config.documents import complain_of_kind, parsed, stop_on_problems
from linectl.config.experiment_checks import check_experiment
from linectl.config.experiment_file import ExperimentFile, experiment
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.interlock_file import interlocks
from linectl.config.line_calibrations import with_calibrations
from linectl.config.line_checks import check_line
from linectl.config.line_devices import fill_in
from linectl.config.line_file import LineFile, line_definition
from linectl.config.nodes import Document, parse
from linectl.config.plant_files import PLANT_KINDS, load_plant_text
from linectl.config.scenario_text import scenario
from linectl.config.schema import validate
from linectl.config.secrets import with_secrets
from linectl.config.short_forms import write_out
from linectl.errors import ConfigError
from linectl.model.alarms import Alarms
from linectl.model.answers import Answers
from linectl.model.calibrations import Calibrations
from linectl.model.devices import DeviceDefinition
from linectl.model.economics import Economics
from linectl.model.experiments import Experiment
from linectl.model.faults import Scenario
from linectl.model.interlocks import Interlocks
from linectl.model.lines import LineDefinition
from linectl.model.washing import Recipe, Washer

__all__ = [
    "load_alarms",
    "load_alarms_text",
    "load_any",
    "load_calibrations",
    "load_experiment",
    "load_experiment_text",
    "load_interlocks",
    "load_interlocks_text",
    "load_line",
    "load_line_text",
    "load_text",
]

T = TypeVar("T")

KINDS = ("line", "device", "experiment", "calibration", "answers", "scenario", "interlocks", "alarms", *PLANT_KINDS)


def load_line(path: str | Path) -> LineDefinition:
    """Return the line that the file `path` describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_line_text(read_source(path))


def load_line_text(source: SourceText) -> LineDefinition:
    """Return the line that the text of a file describes, with its instruments; passwords are not looked up yet.

    Raises:
        ConfigError: with every problem in the file, and in the device files that it names.
    """
    definition, document = _bare_line(source)
    return _with_alarms(_with_interlocks(with_calibrations(definition, document), document), document)


def _bare_line(source: SourceText) -> tuple[LineDefinition, Document]:
    """Return the line without what stands in files about it: a mistake there is told once, at its own place."""
    document = parsed(source, "line")
    file = validate(document, LineFile)
    filled = None if file is None else fill_in(file, document)
    if filled is not None:
        check_line(filled, document)
    stop_on_problems(document)
    assert filled is not None
    return line_definition(filled.file, document, filled.devices, filled.points), document


def _with_interlocks(definition: LineDefinition, document: Document) -> LineDefinition:
    """Return the line with its interlocks, checked against its own tags, if it names a file of them."""
    if not definition.interlocks_file:
        return definition

    def load(path: Path) -> Interlocks:
        return interlocks(read_source(path), lambda _path: definition)

    path, rules = _beside(document, "interlocks", definition.interlocks_file, load)
    return replace(definition, interlocks_file=str(path), interlocks=rules)


def _with_alarms(definition: LineDefinition, document: Document) -> LineDefinition:
    """Return the line with its alarms, checked against its own tags and links, if it names a file of them."""
    if not definition.alarms_file:
        return definition

    def load(path: Path) -> Alarms:
        return alarms(read_source(path), lambda _path: definition)

    path, rules = _beside(document, "alarms", definition.alarms_file, load)
    return replace(definition, alarms_file=str(path), alarms=rules)


def _line_of_rules(path: Path) -> LineDefinition:
    return _bare_line(read_source(path))[0]


def _beside(document: Document, key: str, name: str, load: Callable[[Path], T]) -> tuple[Path, T]:
    """Return the file `name` of the line's `key`, found beside it or among those shipped, and what `load` makes of it.

    Raises:
        ConfigError: with the file's own problems, or at the line's key when there is no such file.
    """
    try:
        path = find_file(name, beside=document.source.path, folder="config")
        return path.resolve(), load(path)
    except ConfigError as error:
        if error.problems:  # of that file itself
            raise
        document.complain((key,), error.message)
        raise ConfigError(document.problems) from error


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
    document = parsed(source, "experiment")
    write_out(document)
    file = validate(document, ExperimentFile)
    if file is not None:
        check_experiment(file, document)
    stop_on_problems(document)
    assert file is not None
    return experiment(file, source)


def load_interlocks(path: str | Path) -> Interlocks:
    """Return the interlocks and permissives in the file `path`, with their cases.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_interlocks_text(read_source(path))


def load_interlocks_text(source: SourceText) -> Interlocks:
    """Return the interlocks and permissives in the text of a file, checked against the line that it names.

    Raises:
        ConfigError: with every problem in the file.
    """
    return interlocks(source, _line_of_rules)


def load_alarms(path: str | Path) -> Alarms:
    """Return the alarms in the file `path`.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_alarms_text(read_source(path))


def load_alarms_text(source: SourceText) -> Alarms:
    """Return the alarms in the text of a file, checked against the line that it names.

    Raises:
        ConfigError: with every problem in the file.
    """
    return alarms(source, _line_of_rules)


Loaded = (
    Alarms
    | Answers
    | Calibrations
    | DeviceDefinition
    | Economics
    | Experiment
    | Interlocks
    | LineDefinition
    | Recipe
    | Scenario
    | Washer
)


_READERS: Mapping[str, Callable[[SourceText], Loaded]] = {
    "experiment": load_experiment_text,
    "device": load_device_text,
    "calibration": load_calibrations_text,
    "answers": load_answers_text,
    "scenario": lambda source: scenario(source, load_line),
    "interlocks": load_interlocks_text,
    "alarms": load_alarms_text,
}


def load_any(path: str | Path) -> Loaded:
    """Return what the file `path` describes, by its `kind`; of a line, its passwords and TLS files are looked up too.

    Raises:
        ConfigError: with every problem in the file, or for a `kind` that is not known.
    """
    return load_text(read_source(path))


def load_text(source: SourceText) -> Loaded:
    """Return what the text of a file describes, as `load_any` does.

    Raises:
        ConfigError: with every problem in the file, or for a `kind` that is not known.
    """
    document = parse(source)
    kind = document.data.get("kind") if isinstance(document.data, dict) else None
    if kind == "line":
        line = load_line_text(source)
        with_secrets(line)
        return line
    if kind in PLANT_KINDS:
        return load_plant_text(source, kind)
    read = _READERS.get(str(kind))
    if read is not None:
        return read(source)
    if not document.problems:
        complain_of_kind(document, kind, KINDS)
    raise ConfigError(document.problems)

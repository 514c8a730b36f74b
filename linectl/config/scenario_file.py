"""Scenario files: where those that are shipped lie, and their way into the model."""

from __future__ import annotations

from pathlib import Path

from linectl.config.files import SourceText, find_file, read_source
from linectl.config.load import load_line
from linectl.config.scenario_text import absent, machines_of, scenario
from linectl.model.faults import Scenario

__all__ = ["SCENARIO_FOLDER", "absent", "find_scenario", "load_scenario", "load_scenario_text", "machines_of"]

SCENARIO_FOLDER = "config/scenarios"


def find_scenario(name: str | Path) -> Path:
    """Return the file of a scenario: as given, else among those that are shipped.

    Raises:
        ConfigError: it is in none of these places.
    """
    return find_file(name, folder=SCENARIO_FOLDER)


def load_scenario(path: str | Path) -> Scenario:
    """Return the scenario in the file `path`.

    Raises:
        ConfigError: with every problem in the file.
    """
    return load_scenario_text(read_source(path))


def load_scenario_text(source: SourceText) -> Scenario:
    """Return the scenario that the text of a file describes, checked against the line that it names.

    Raises:
        ConfigError: with every problem in the file.
    """
    return scenario(source, load_line)

"""What a scenario asks of the simulator beyond its faults: bottles that exist, and a state that it can start from."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from linectl.errors import ConfigError, Problem
from linectl.model.faults import Scenario
from linectl.sim.glue.lots import Lot, Paper, bottle_model, own_glue
from linectl.sim.rig import INITIAL
from linectl.sim.washer.twin import INITIAL as WASHER_INITIAL
from linectl.words import number, tr

__all__ = ["check_feasible", "lots_of"]

_GLUE_FIGURES = ("t60_s", "ea_kj_mol", "caustic_order", "sigma", "p_never", "opens_at_c")
_LOT_FIELDS = {each.name: each for each in dataclasses.fields(Lot) if each.name != "own"}
_TEXTS = ("name", "glue", "model", "grower", "paper")
_NEEDED_GLUE = _GLUE_FIGURES[:-1]


def check_feasible(scenario: Scenario) -> None:
    """Say at once what the simulator could not do of `scenario` when it is played.

    Raises:
        ConfigError: with every problem, as file:line:column.
    """
    problems = _of_lots(scenario)
    for name, value in scenario.initial.items():
        message = _of_start(name, value)
        if message:
            problems.append(_problem(scenario, f"initial.{name}", ConfigError(message)))
    if problems:
        raise ConfigError(sorted(problems, key=lambda each: (each.line, each.column)))


def lots_of(scenario: Scenario) -> tuple[Lot, ...]:
    """Return the lots of bottles that `scenario` feeds, in their order.

    Raises:
        ConfigError: a figure outside its range (the message has the range and its source), or no such glue or model.
    """
    problems = _of_lots(scenario)
    if problems:
        raise ConfigError(problems)
    return tuple(_lot(each, place) for place, each in enumerate(scenario.lots, start=1))


def _of_start(name: str, value: float) -> str:
    allowed = INITIAL.get(name) or WASHER_INITIAL.get(name)
    if allowed is None:
        words = _meant(name, dict.fromkeys([*INITIAL, *WASHER_INITIAL]))
        return tr("nothing starts with {name}; {words}").format(name=name, words=words)
    if allowed.low <= value <= allowed.high:
        return ""
    text = tr("{value} is outside {low} to {high}{unit}")
    unit = f" {allowed.unit}" if allowed.unit else ""
    return text.format(value=number(value), low=number(allowed.low), high=number(allowed.high), unit=unit)


def _of_lots(scenario: Scenario) -> list[Problem]:
    problems = []
    for place, said in enumerate(scenario.lots):
        unknown = [key for key in said if key not in _LOT_FIELDS and key not in _GLUE_FIGURES]
        problems += [_problem(scenario, f"lots[{place}].{key}", ConfigError(_unknown(key))) for key in unknown]
        try:
            _lot({key: value for key, value in said.items() if key not in unknown}, place + 1)
        except ConfigError as error:
            key = _named(said, error.message)
            problems.append(_problem(scenario, f"lots[{place}].{key}" if key else f"lots[{place}]", error))
    return problems


def _named(keys: Iterable[str], message: str) -> str:
    """Return the key that a message is about: the first figure that it names, else the first text; empty for none."""
    found = {key: match.start() for key in keys if (match := re.search(rf"\b{re.escape(key)}\b", message))}
    return min(found, key=lambda key: (key in _TEXTS, found[key]), default="")


def _unknown(key: str) -> str:
    return tr("a lot has no {key}; {words}").format(key=key, words=_meant(key, [*_LOT_FIELDS, *_GLUE_FIGURES]))


def _meant(word: str, known: Iterable[str]) -> str:
    """Return what was probably meant, and all that is allowed."""
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1)
    every = tr("expected one of {words}").format(words=", ".join(words))
    return tr("did you mean `{word}`? ({all})").format(word=near[0], all=every) if near else every


def _lot(said: Mapping[str, str | float], number: int) -> Lot:
    """Return the lot that a file describes; figures of a glue of its own make one.

    Raises:
        ConfigError: it is none.
    """
    fields: dict[str, Any] = {"name": f"lot {number}", "count": 1000}
    for key, value in said.items():
        if key in _LOT_FIELDS:
            fields[key] = _typed(key, value)
    figures = {key: said[key] for key in _GLUE_FIGURES if key in said}
    if figures:
        fields["own"] = own_glue(str(fields.get("glue", fields["name"])), **_whole(figures))
    return Lot(**fields)


def _typed(key: str, value: str | float) -> object:
    if key in _TEXTS:
        if not isinstance(value, str):
            raise ConfigError(tr("{key}: expected text, not {value}").format(key=key, value=value))
        return bottle_model(value) if key == "model" else _paper(value) if key == "paper" else value
    if isinstance(value, str):
        raise ConfigError(tr("{key}: expected a number, not `{value}`").format(key=key, value=value))
    return int(value) if key == "count" else value


def _paper(value: str) -> Enum:
    try:
        return Paper(value)
    except ValueError:
        known = ", ".join(each.value for each in Paper)
        raise ConfigError(
            tr("paper: `{value}` is not known; expected one of {words}").format(value=value, words=known)
        ) from None


def _whole(figures: Mapping[str, str | float]) -> dict[str, float]:
    missing = [key for key in _NEEDED_GLUE if key not in figures]
    if missing:
        text = tr("a glue of one's own needs all of {figures}; missing: {missing}")
        raise ConfigError(text.format(figures=", ".join(_NEEDED_GLUE), missing=", ".join(missing)))
    words = [key for key, value in figures.items() if isinstance(value, str)]
    if words:
        raise ConfigError(tr("{key}: expected a number, not `{value}`").format(key=words[0], value=figures[words[0]]))
    return {key: float(value) for key, value in figures.items()}


def _problem(scenario: Scenario, where: str, error: ConfigError) -> Problem:
    place = scenario.places.get(where) or scenario.places.get(where.rpartition(".")[0], (scenario.source, 1, 1))
    message = error.message
    if error.hint:
        message = tr("{message}; {hint}").format(message=message, hint=error.hint)
    return Problem(*place, where, message, "" if error.code == ConfigError.code else error.code)

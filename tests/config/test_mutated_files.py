"""10,000 mutated files of every kind: each loads, or is refused with a code and with places, in both languages.

A deeper look: `make mutants`, or LINECTL_MUTATIONS=100000 LINECTL_MUTATION_SEED=7 pytest on this file.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.codes.catalogue import explanation
from linectl.config.alarm_file import alarms
from linectl.config.files import SourceText, find_file, read_source
from linectl.config.interlock_file import interlocks
from linectl.config.json_schema import MODELS
from linectl.config.load import load_line, load_line_text, load_text
from linectl.config.plant_files import load_recipe_text, load_washer
from linectl.config.scenario_text import scenario
from linectl.errors import ConfigError
from linectl.model.lines import LineDefinition
from linectl.model.washing import Washer
from tests.config.mutants import BASES, CASES, SEED, SHARES, mutant

pytestmark = pytest.mark.timeout(3600)
EACH = CASES / sum(SHARES.get(kind, 5) for kind in BASES)


@cache
def bath(_path: Path) -> LineDefinition:
    return load_line(find_file("simulated"))


@cache
def machine() -> Washer:
    return load_washer(find_file("washer"))


LOADERS: dict[str, Callable[[SourceText], object]] = {  # those that would read other files each time
    "line": load_line_text,
    "alarms": lambda source: alarms(source, lambda _: bath(Path())),
    "interlocks": lambda source: interlocks(source, lambda _: bath(Path())),
    "scenario": lambda source: scenario(source, lambda _: bath(Path())),
    "recipe": lambda source: load_recipe_text(source, machine()),
}


def refusal(kind: str, text: str) -> ConfigError | None:
    """Return why the text is refused, None when it is not; any other error is one of the test's subject."""
    load = LOADERS.get(kind, load_text)
    try:
        load(SourceText("f.yaml", text, ""))
    except ConfigError as error:
        return error
    return None


def faults(error: ConfigError, text: str) -> list[str]:
    """Return what a refusal lacks."""
    found = [] if error.message.strip() else ["no text"]
    known = explanation(error.code)
    if known is None or known.exit_code != error.exit_code:
        found.append(f"{error.code} is not explained, or ends otherwise")
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + 2
    here = [each for each in error.problems if each.file == "f.yaml"]
    placed = (each for each in here if 1 <= each.line <= lines and each.column >= 1 and each.message)
    return found if len(list(placed)) == len(here) else [*found, f"no place: {error}"]


@pytest.mark.parametrize("kind", BASES)
def test_a_mutated_file_is_taken_or_refused_with_its_places(kind: str) -> None:
    count = round(EACH * SHARES.get(kind, 5))
    refused = 0
    for number in range(count):
        text = mutant(kind, number)
        words.use("fr" if number % 2 else "en")
        try:
            error = refusal(kind, text)
            wrong = [] if error is None else faults(error, text)
        except Exception as trouble:  # noqa: BLE001  # with the file that made it
            pytest.fail(f"{kind} {number} of seed {SEED}: {trouble!r}\n{text}")
        assert not wrong, f"{kind} {number} of seed {SEED}: {wrong}\n{text}"
        refused += error is not None
        if error is not None and number % 20 == 0:
            same_in_both_languages(kind, text, error)
    assert count / 3 < refused < count * 0.99, "mutations that hardly hurt, or always do, test little"


def same_in_both_languages(kind: str, text: str, error: ConfigError) -> None:
    words.use("en" if words.language() == "fr" else "fr")
    other = refusal(kind, text)
    assert other is not None
    assert other.code == error.code
    places = [(each.line, each.column, each.where) for each in error.problems]
    assert places == [(each.line, each.column, each.where) for each in other.problems]
    assert [each.message for each in error.problems] != [each.message for each in other.problems] or not places


def test_every_kind_has_a_sound_file_to_be_spoilt() -> None:
    assert BASES.keys() == MODELS.keys(), "bring a small sound file of each kind to tests/config/mutants.py"
    words.use("en")
    for kind, text in BASES.items():
        assert refusal(kind, text) is None, f"{kind}: {refusal(kind, text)}"


def test_bytes_that_no_editor_writes_are_refused_with_their_place(tmp_path: Path) -> None:
    path, base, told = tmp_path / "f.yaml", BASES["answers"].encode(), 0
    for number in range(max(200, CASES // 50)):
        rng = random.Random(f"{SEED} bytes {number}")
        data = bytearray(base)
        for _ in range(rng.choice((1, 2, 8))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(bytes(data))
        error = _of_bytes(path)
        if error is not None:
            told += 1
            assert all(each.line >= 1 and each.column >= 1 and each.message for each in error.problems), error
    assert told > 50


def _of_bytes(path: Path) -> ConfigError | None:
    try:
        load_text(read_source(path))
    except ConfigError as error:
        return error
    return None


def test_the_checks_can_fail() -> None:
    assert faults(ConfigError("", code="E-CFG-999"), "") == ["no text", "E-CFG-999 is not explained, or ends otherwise"]
    with pytest.raises(AssertionError):
        same_in_both_languages("answers", "nothing: 1", ConfigError([], code="E-CFG-001"))

from __future__ import annotations

from pathlib import Path

import pytest

from linectl.config.answers_file import load_answers
from linectl.config.load import load_any
from linectl.errors import ConfigError
from linectl.model.answers import Answers

SOUND = """\
kind: answers
name: night shift
answers:
  "T01-P0?": yes
  "*-unload": false
  "*-titration": 1.5
  T01-check-4: [3, 7]
  "*": "no"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "night.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_first_line_that_fits_wins(tmp_path: Path) -> None:
    answers = load_any(write(tmp_path, SOUND))
    assert isinstance(answers, Answers)
    assert answers.name == "night shift"
    found = {prompt: answers.find(prompt) for prompt in ("T01-P07", "T02-unload", "T03-titration", "T01-check-4", "x")}
    values = {prompt: preset.value for prompt, preset in found.items() if preset is not None}
    expected = {"T01-P07": "yes", "T02-unload": False, "T03-titration": 1.5, "T01-check-4": (3, 7), "x": "no"}
    assert values == expected
    unload = found["T02-unload"]
    assert unload is not None
    assert (unload.line, unload.column) == (5, 3)


def test_without_a_name_the_file_answers(tmp_path: Path) -> None:
    assert load_answers(write(tmp_path, "kind: answers\nanswers: {a: 1}\n")).name == "night"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kind: answers\n", "1:1: answers: missing"),
        ("kind: answers\nanswers:\n  a: {b: 1}\n", "3:3: answers.a: expected yes or no"),
        ("kind: answers\nanswers:\n  a: [1, x]\n", "3:3: answers.a: expected yes or no"),
        ("kind: answers\nanswers:\n  a:\n", "3:3: answers.a: expected yes or no"),
        ("kind: answers\nanswers:\n  a: 1\n  a: 2\n", "4:3: answers.a: given twice"),
        ("kind: answers\nanswer:\n  a: 1\n", "2:1: answer: unknown key; did you mean `answers`?"),
        ("- a\n", "1:1: expected keys with values"),
        ("", "1:1: the file is empty"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_answers(write(tmp_path, text))
    assert f"night.yaml:{place}" in refused.value.message

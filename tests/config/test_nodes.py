from __future__ import annotations

import math

import pytest

from linectl.config.files import SourceText
from linectl.config.nodes import Document, parse


def parsed(text: str) -> Document:
    return parse(SourceText("f.yaml", text, ""))


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parsed(text).problems]


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "y", "n", "No", "12:30", "2026-01-01", "0x10", "1_000"])
def test_words_that_yaml_1_1_turns_into_something_else_stay_text(word: str) -> None:
    assert parsed(f"glue: {word}").data == {"glue": word}


def test_plain_values_of_yaml_1_2() -> None:
    document = parsed("a: true\nb: 1e3\nc: 010\nd: ~\ne:\nf: .5\ng: -3\nh: [1, x]\ni: .nan\nj: -.inf\nk: '1'\n")
    assert document.problems == []
    data = document.data
    assert math.isnan(data.pop("i"))
    assert data == {
        "a": True, "b": 1000.0, "c": 10, "d": None, "e": None, "f": 0.5, "g": -3, "h": (1, "x"), "j": -math.inf,
        "k": "1",
    }  # fmt: skip


def test_positions_of_keys_and_items() -> None:
    marks = parsed("a:\n  b: [10, 20]\n  c:\n    - x\n").marks
    assert marks[("a",)] == (1, 1)
    assert marks[("a", "b")] == (2, 3)
    assert marks[("a", "b", 1)] == (2, 11)
    assert marks[("a", "c", 0)] == (4, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: a: given twice; the first stands in line 1"),
        ("z:\n  a: 1\n  a: 1\n", "f.yaml:3:3: z.a: given twice; the first stands in line 2"),
        ("a: &x [1]\nb: *x\n", "f.yaml:1:4: b: aliases (*name) are not used here: write the value out"),
        ("a: &x [*x]\n", "f.yaml:1:4: a[0]: aliases (*name) are not used here: write the value out"),
        ("<<: {a: 1}\n", "f.yaml:1:1: a key must be plain text"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a key must be plain text"),
        ("a: !secret word\n", "f.yaml:1:4: a: word cannot be read as !secret"),
        ("a: !!int x\n", "f.yaml:1:4: a: x cannot be read as tag:yaml.org,2002:int"),
        (f"a: {'9' * 5000}\n", f"f.yaml:1:4: a: {'9' * 40} cannot be read as tag:yaml.org,2002:int"),
        ("", "f.yaml:1:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1:1: the file is empty"),
        ("a: b\n\x07", "f.yaml:2:1: character U+0007 is not allowed in YAML"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: not YAML: but found another document"),
        ("[" * 5000, "f.yaml:1:1: nested too deeply"),
    ],
)
def test_what_is_wrong_has_its_place(text: str, expected: str) -> None:
    assert expected in problems(text)


def test_broken_yaml_has_its_place() -> None:
    assert problems("a: [1, 2\nb: 3\n")[0].startswith("f.yaml:2:2: not YAML:")
    assert problems("a:\n\tb: 1\n")[0].startswith("f.yaml:2:1: not YAML:")
    assert problems('a: "\\UFFFFFFFF"\n')[0].startswith("f.yaml:1:1: not YAML:")

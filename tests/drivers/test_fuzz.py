"""The saved corpus through every fuzz target, without atheris, and a little beside each input."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.drivers.fuzz_targets import BROKEN, TARGETS, corpus

CORPUS = Path(__file__).parents[1] / "data" / "fuzz"


def beside(data: bytes, chance: random.Random) -> bytes:
    """An input like `data`: a byte changed, put in, taken out, or a part doubled or cut."""
    at = chance.randrange(len(data) + 1)
    match chance.randrange(5):
        case 0:
            return data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
        case 1:
            return data[:at] + bytes((chance.randrange(256),)) + data[at:]
        case 2:
            return data[:at] + data[at + 1 :]
        case 3:
            return data + data[at:]
        case _:
            return data[:at]


@pytest.mark.parametrize("name", TARGETS)
def test_every_saved_input_is_taken_and_so_is_what_lies_beside_it(name: str) -> None:
    inputs = corpus(CORPUS, name)
    assert inputs, f"no corpus of {name}: python tools/fuzz.py {name} --save"
    chance = random.Random(1)
    for data in inputs:
        TARGETS[name].run(data)
        for _ in range(3):
            TARGETS[name].run(beside(data, chance))
    TARGETS[name].run(b"")


def test_there_is_no_corpus_without_its_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


def test_a_broken_parser_does_not_pass() -> None:
    """The negative control: an input that a parser cannot take leaves its target as an error."""
    BROKEN.run(bytes.fromhex("2b0e000102 6162"))
    with pytest.raises(IndexError):
        BROKEN.run(bytes.fromhex("2b0e000109 6162"))

"""Whatever is done to a valid file, it either loads or its mistakes are told with their places."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linectl.config.alarm_file import alarms
from linectl.config.device_file import load_device_text
from linectl.config.files import SourceText, find_file
from linectl.config.interlock_file import interlocks
from linectl.config.load import load_experiment_text, load_line, load_line_text
from linectl.errors import ConfigError

HERE = Path(__file__).resolve().parents[1] / "x"
LINE = "\n".join(
    text
    for text in find_file("simulated", beside=HERE).read_text(encoding="utf-8").splitlines()
    if "label." not in text or "label.p01" in text
)
RIG = re.sub(
    r"^( *)#(?=\S|  )", r"\1", find_file("lab_rig", beside=HERE).read_text(encoding="utf-8"), flags=re.MULTILINE
)  # with its examples: links of every kind, and devices
WIRED = "\n".join(text for text in RIG.splitlines() if "label.p" not in text)
DEVICE = find_file("hamilton_arc_ph", folder="config/devices", beside=HERE).read_text(encoding="utf-8")
INTERLOCKS = find_file("bath", folder="config/interlocks", beside=HERE).read_text(encoding="utf-8")
ALARMS = find_file("bath", folder="config/alarms", beside=HERE).read_text(encoding="utf-8")
BATH = load_line(find_file("simulated", beside=HERE))
EXPERIMENT = find_file("glue_screening", folder="experiments", beside=HERE).read_text(encoding="utf-8")
RICH = find_file("paper_and_finish", folder="experiments", beside=HERE).read_text(encoding="utf-8")
SPLICES = st.sampled_from(
    [
        ": ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!x ",
        "'",
        '"',
        "\n",
        "\t",
        "#",
        "?",
        "<<: ",
        "~",
        "é",
        "\x00",
        "no",
        "1e999",
        "-",
        ".nan",
        "  ",
        "key: 1\n",
        "%YAML 1.2\n",
        "---\n",
        "\\",
        "null",
        ",",
    ]
) | st.sampled_from(["9" * 400, "|"])
EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), SPLICES | st.text(max_size=6)),
    min_size=1,
    max_size=3,
)


def edited(text: str, edits: list[tuple[float, int, str]]) -> str:
    for where, cut, word in edits:
        at = int(where * len(text))
        text = text[:at] + word + text[at + cut :]
    return text


def told(kind: str, text: str) -> bool:
    """Return whether the text was refused; anything but a ConfigError with places is an error of the test's subject."""
    loads: dict[str, Callable[[SourceText], object]] = {
        "line": load_line_text,
        "device": load_device_text,
        "interlocks": lambda source: interlocks(source, lambda _path: BATH),
        "alarms": lambda source: alarms(source, lambda _path: BATH),
    }
    load = loads.get(kind, load_experiment_text)
    try:
        load(SourceText("f.yaml", text, ""))
    except ConfigError as error:
        found = error.problems
    else:
        return False
    lines = text.count("\n") + 2
    assert found
    assert all(1 <= each.line <= lines and each.column >= 1 and each.message for each in found)
    return True


@given(EDITS)
@settings(max_examples=150, deadline=None)
def test_a_mutated_line_never_gives_a_traceback(edits: list[tuple[float, int, str]]) -> None:
    told("line", edited(LINE, edits))


@given(st.sampled_from([("line", WIRED), ("device", DEVICE)]), EDITS)
@settings(max_examples=150, deadline=None)
def test_a_mutated_line_with_instruments_never_gives_a_traceback(
    file: tuple[str, str], edits: list[tuple[float, int, str]]
) -> None:
    kind, text = file
    assert not told(kind, text)
    told(kind, edited(text, edits))


@given(EDITS)
@settings(max_examples=150, deadline=None)
def test_mutated_interlocks_never_give_a_traceback(edits: list[tuple[float, int, str]]) -> None:
    told("interlocks", edited(INTERLOCKS, edits))


@given(EDITS)
@settings(max_examples=150, deadline=None)
def test_mutated_alarms_never_give_a_traceback(edits: list[tuple[float, int, str]]) -> None:
    told("alarms", edited(ALARMS, edits))


@given(st.sampled_from([EXPERIMENT, RICH]), EDITS)
@settings(max_examples=300, deadline=None)
def test_a_mutated_experiment_never_gives_a_traceback(text: str, edits: list[tuple[float, int, str]]) -> None:
    told("experiment", edited(text, edits))


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_refused(text: str) -> None:
    assert told("experiment", text)


@pytest.mark.parametrize("kind", ["line", "experiment"])
def test_a_key_lost_anywhere_is_noticed_or_optional(kind: str) -> None:
    text = LINE if kind == "line" else EXPERIMENT
    lines = text.splitlines()
    refused = sum(told(kind, "\n".join(lines[:k] + lines[k + 1 :])) for k in range(0, len(lines), 2))
    assert refused >= 3  # the control: some lines cannot be missing

"""Values as people type them: a number with its unit, with a comma or a point, in capitals."""

from __future__ import annotations

import pytest

from linectl import words
from linectl.errors import ConfigError
from linectl.line.typed import value_of_text
from linectl.model.lines import Tag

SETPOINT = Tag("bath.setpoint", "°C")
COUNT = Tag("bath.bottles", "", dtype="int")


@pytest.mark.parametrize("text", ["46,5", "46.5", " 46,5 ", "46,5 °C", "46.5°C", "46,5 c", "46,5\N{NO-BREAK SPACE}°C"])
def test_a_number_may_stand_with_its_unit(text: str) -> None:
    assert value_of_text(SETPOINT, text) == pytest.approx(46.5)


@pytest.mark.parametrize("text", ["46 °F", "46 bar", "46 K"])
def test_another_unit_is_refused_and_the_right_one_told(text: str) -> None:
    words.use("fr")
    with pytest.raises(ConfigError) as refused:
        value_of_text(SETPOINT, text)
    assert "son unité est °C" in refused.value.hint
    assert "62,5 °C" in refused.value.hint


@pytest.mark.parametrize("text", ["chaud", "46,5,2", "1.2.3", "--4", "nan", "inf", "1e999", "", "°C"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        value_of_text(SETPOINT, text)


def test_numbers_as_machines_write_them_stay_numbers() -> None:
    assert value_of_text(SETPOINT, "4.65e1") == pytest.approx(46.5)
    assert value_of_text(COUNT, "12") == 12

"""Calibration files: taken with their line, refused with a position."""

from __future__ import annotations

from pathlib import Path

import pytest

from linectl.config.dump import dump_line
from linectl.config.files import find_file
from linectl.config.load import load_any, load_calibrations, load_line
from linectl.errors import ConfigError
from linectl.model.calibrations import Calibrations

SOUND = "kind: calibration\nsensors:\n  bath.temperature: {u: 0.2, unit: °C, done: 2026-01-05, due: 2027-01-05}\n"


def test_the_simulated_line_knows_its_sensors() -> None:
    line = load_line(find_file("simulated.yaml"))
    assert line.calibrations["bath.temperature"].u == 0.15
    assert len(line.calibration_hash) == 64


def test_a_line_written_elsewhere_keeps_them(tmp_path: Path) -> None:
    line = load_line(find_file("simulated.yaml"))
    (tmp_path / "rig.yaml").write_text(dump_line(line), encoding="utf-8")
    again = load_line(tmp_path / "rig.yaml")
    assert (again.calibrations, again.calibration_hash) == (line.calibrations, line.calibration_hash)


def test_a_calibration_of_its_own_is_a_sound_file(tmp_path: Path) -> None:
    (tmp_path / "cal.yaml").write_text(SOUND, encoding="utf-8")
    found = load_any(tmp_path / "cal.yaml")
    assert isinstance(found, Calibrations)
    assert (found.name, found.sensors["bath.temperature"].due) == ("cal", "2027-01-05")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("u: 0.2", "u: 0"), ":3:22"),
        (("2026-01-05", "2026-13-05"), ":3:"),
        (("2027-01-05", "2025-01-05"), ":3:"),
        (("2027-01-05", "soon"), ":3:"),
        (("unit: °C, ", ""), ":3:"),
        (("bath.temperature", "bath"), ":3:"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    file = tmp_path / "cal.yaml"
    file.write_text(SOUND.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_calibrations(file)
    assert f"{file}{place}" in str(caught.value)


def test_a_sensor_that_is_no_tag_of_the_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cal.yaml").write_text(SOUND.replace("bath.temperature", "bath.temprature"), encoding="utf-8")
    text = find_file("simulated.yaml").read_text(encoding="utf-8").replace("simulated_calibration.yaml", "cal.yaml")
    (tmp_path / "line.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bath.temprature.*bath\.temperature"):
        load_line(tmp_path / "line.yaml")

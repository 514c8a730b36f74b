"""Records of calibrations: they correct their tags, change the calibration's hash, and are refused once touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from linectl.config.calibration_records import (
    ACTIVE,
    Chosen,
    active_text,
    load_record,
    record_file,
    record_text,
    records_of,
)
from linectl.config.dump import dump_line
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError
from linectl.line.convert import decoder
from linectl.line.derive import derived
from linectl.model.calibrations import Budget, CalPoint, Curve, Record
from linectl.model.lines import LineDefinition
from linectl.model.readings import GOOD, Reading

OFFSET = Record(
    line="simulated",
    tag="bath.temperature",
    version=1,
    unit="°C",
    method="comparison",
    by="op1",
    made="2026-11-23T10:00:00+00:00",
    due="2027-11-23",
    certificate="PT100 1234",
    note="",
    simulated=True,
    curve=Curve((-1.5, 1.0), 61.5, 61.5),
    budget=Budget(0.02, 0.01, 0.0, 0.0003, 0.0224, 812.0, 2.0),
    r_squared=None,
    points=(CalPoint(60.0, 0.02, 61.5, 0.08, 60, 41.0, 61.5),),
)


def written(folder: Path, *records: Record, extra: str = "") -> Path:
    """Write the simulated line with `records`, all of them active, and return its file."""
    text = (
        find_file("simulated.yaml")
        .read_text(encoding="utf-8")
        .replace("name: simulated\n", f"name: simulated\n{extra}")
    )
    (folder / "line.yaml").write_text(text, encoding="utf-8")
    kept = folder / "calibrations" / "simulated"
    active = {}
    for record in records:
        file = record_file(kept, record.tag, record.version)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(record_text(record), encoding="utf-8")
        active[record.tag] = Chosen(record.version, load_record(file).sha256)
    if active:
        (kept / ACTIVE).write_text(active_text(active), encoding="utf-8")
    return folder / "line.yaml"


def decoded(line: LineDefinition, raw: float) -> object:
    return decoder(line.tags["bath.temperature"])(raw)[0]


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written(tmp_path, OFFSET)
    found = records_of(tmp_path / "calibrations" / "simulated", "bath.temperature")
    assert [replace(each, sha256="") for each in found] == [OFFSET]
    endless = replace(OFFSET, budget=replace(OFFSET.budget, dof=float("inf")))
    (tmp_path / "endless.yaml").write_text(record_text(endless), encoding="utf-8")
    assert load_record(tmp_path / "endless.yaml").budget == endless.budget


def test_an_active_record_corrects_its_tag_and_nothing_else(tmp_path: Path) -> None:
    plain = load_line(written(tmp_path))
    line = load_line(written(tmp_path, OFFSET))
    assert (decoded(plain, 61.5), decoded(line, 61.5)) == (61.5, 60.0)
    assert {name for name, tag in line.tags.items() if tag != plain.tags[name]} == {"bath.temperature"}
    assert line.calibrations["bath.temperature"].u == 0.0224
    assert line.calibrations["bath.naoh"] == plain.calibrations["bath.naoh"]


def test_the_range_is_the_instruments_own(tmp_path: Path) -> None:
    line = load_line(written(tmp_path, OFFSET))
    assert decoded(line, -20.0) == -21.5
    assert decoded(line, -20.1) is None


def test_a_derived_tag_is_corrected_after_its_law(tmp_path: Path) -> None:
    factor = replace(OFFSET, tag="bath.naoh", unit="%", method="titration", curve=Curve((0.0, 0.9), 2.0, 2.0))
    line, plain = load_line(written(tmp_path, factor)), load_line(find_file("simulated.yaml"))
    inputs = [Reading("bath.conductivity", 161.7, GOOD, 0, 0, 1), Reading("bath.temperature", 60.0, GOOD, 0, 0, 1)]
    before, after = (derived(each.tags["bath.naoh"], inputs)[0] for each in (plain, line))
    assert before == pytest.approx(2.0, abs=0.01)
    assert after == pytest.approx(0.9 * float(before or 0.0))


def test_the_hash_of_the_calibration_changes_with_what_is_active_alone(tmp_path: Path) -> None:
    plain = load_line(written(tmp_path)).calibration_hash
    first = load_line(written(tmp_path, OFFSET)).calibration_hash
    assert first != plain
    second = replace(OFFSET, version=2, by="op2")
    other = load_line(written(tmp_path, second)).calibration_hash
    assert other not in {first, plain}
    assert load_line(written(tmp_path, OFFSET)).calibration_hash == first
    (tmp_path / "calibrations" / "simulated" / ACTIVE).unlink()
    assert load_line(tmp_path / "line.yaml").calibration_hash == plain


def test_a_line_written_elsewhere_keeps_them(tmp_path: Path) -> None:
    line = load_line(written(tmp_path, OFFSET, extra="calibration_policy: block\n"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "rig.yaml").write_text(dump_line(line), encoding="utf-8")
    again = load_line(tmp_path / "other" / "rig.yaml")
    assert (again.tags, again.calibrations) == (line.tags, line.calibrations)
    assert (again.calibration_hash, again.calibration_policy) == (line.calibration_hash, "block")


def test_a_record_that_was_touched_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, OFFSET)
    record = record_file(tmp_path / "calibrations" / "simulated", OFFSET.tag, 1)
    record.write_text(record.read_text(encoding="utf-8").replace("-1.5", "-1.4"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"0001\.yaml") as caught:
        load_line(file)
    assert caught.value.code == "E-CAL-002"
    record.unlink()
    with pytest.raises(ConfigError, match=r"0001\.yaml"):
        load_line(file)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (replace(OFFSET, tag="bath.nothing"), r"bath\.nothing"),
        (replace(OFFSET, unit="K"), "K"),
        (replace(OFFSET, tag="bath.setpoint"), r"bath\.setpoint"),
        (replace(OFFSET, tag="bath.state", unit=""), r"bath\.state"),
        (replace(OFFSET, line="other"), "other"),
    ],
)
def test_a_record_that_does_not_fit_the_line_is_refused(tmp_path: Path, record: Record, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        load_line(written(tmp_path, record))
    assert caught.value.code == "E-CAL-003"


@pytest.mark.parametrize(
    "change",
    [
        ("due: '2027-11-23'", "due: '2026-11-23'"),
        ("due: '2027-11-23'", "due: '2027-02-30'"),
        ("  - 1.0", "  - -1.0"),
        ("u: 0.0224", "u: 0"),
        ("version: 1", "version: 0"),
        ("kind: calibration_record", "kind: calibration"),
    ],
)
def test_mistakes_of_a_record_are_named_with_their_place(tmp_path: Path, change: tuple[str, str]) -> None:
    text = record_text(OFFSET)
    assert change[0] in text
    (tmp_path / "0001.yaml").write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"0001\.yaml:\d+:\d+"):
        load_record(tmp_path / "0001.yaml")


def test_a_policy_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line\.yaml:\d+:\d+: calibration_policy"):
        load_line(written(tmp_path, extra="calibration_policy: blok\n"))

"""Each mistake of a file of past trials has its own code, its place, and its remedy in docs/import.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from linectl import words
from linectl.errors import ConfigError, Problem
from linectl.lab.import_codes import ImportCode
from linectl.lab.import_csv import ImportedTrials, Units, read_trials

HEADER = "bottle,glue,bath,temperature_c,naoh_pct,lo_s,hi_s\n"
GOOD = HEADER + "B1,casein,1,60,1.5,60,90\nB2,casein,2,70,1.5,900,\n"
TRACED = "bottle,glue,bath,trace,naoh_pct,lo_s,hi_s\nB1,casein,1,t.csv,1.5,60,90\nB2,casein,2,u.csv,1.5,900,\n"
LONG = "t_s,temperature_c\n0,60\n10,60\n20,60\n1000,60\n"
DOCS = Path(__file__).parents[2] / "docs" / "import.md"


def _read(folder: Path, text: str, **options: object) -> ImportedTrials | list[Problem]:
    file = folder / "past.csv"
    file.write_text(text, encoding="utf-8")
    try:
        return read_trials(file, **options)  # type: ignore[arg-type]
    except ConfigError as error:
        return error.problems or [Problem(str(file), 1, 1, "", error.message, error.code)]


# code, what the file says, its trace, the place of the first problem
CASES = [
    (ImportCode.UNREADABLE, HEADER + '"' + "x" * 200_000, "", (2, 1)),
    (ImportCode.COLUMNS, GOOD.replace("glue", "gum"), "", (1, 1)),
    (ImportCode.UNIT, GOOD.replace("lo_s", "lo"), "", (1, 6)),
    (ImportCode.VALUE, GOOD.replace(",60,90", ",60,9O"), "", (2, 7)),
    (ImportCode.CHECKS_OUT_OF_ORDER, GOOD.replace(",60,90", ",90,60"), "", (2, 7)),
    (ImportCode.NEVER_LOOKED, GOOD.replace(",900,", ",0,"), "", (3, 6)),
    (ImportCode.DUPLICATE_BOTTLE, GOOD + "B2,casein,2,70,1.5,900,\n", "", (4, 1)),
    (ImportCode.BATH_DISAGREES, GOOD + "B3,casein,2,71,1.5,900,\n", "", (4, 4)),
    (ImportCode.DROPPED, GOOD + "B3,casein,2,70,1.5,60,90\n", "", (2, 7)),
    (ImportCode.FAHRENHEIT, GOOD.replace(",60,1.5", ",140,1.5"), "", (2, 4)),
    (ImportCode.TEMPERATURE, GOOD.replace(",60,1.5", ",333,1.5"), "", (2, 4)),
    (ImportCode.NAOH, GOOD.replace("70,1.5", "70,15"), "", (3, 5)),
    (ImportCode.TRACE_UNREADABLE, TRACED, "t_s,temperature_c\n0,60\n", (1, 1)),
    (ImportCode.TRACE_OUT_OF_ORDER, TRACED, "t_s,temperature_c\n10,60\n0,60\n", (3, 1)),
    (ImportCode.TIME_UNIT, HEADER + "B1,casein,1,60,1.5,1,1.5\nB2,casein,2,70,1.5,30,\n", "", (1, 7)),
]
WARNINGS = [
    (ImportCode.NONE_STILL_ON, HEADER + "B1,a,1,60,1.5,60,90\nB2,a,2,70,1.5,60,90\n", "", (1, 7)),
    (ImportCode.ONE_TEMPERATURE, GOOD.replace(",70,", ",60,"), "", (1, 4)),
    (ImportCode.TRACE_GAP, TRACED, LONG, (5, 1)),
    (ImportCode.TRACE_SHORT, TRACED, "t_s,temperature_c\n0,60\n10,60\n", (2, 4)),
]


def _with_traces(folder: Path, trace: str) -> None:
    (folder / "t.csv").write_text(trace or LONG, encoding="utf-8")
    (folder / "u.csv").write_text(LONG.replace("60", "70"), encoding="utf-8")


@pytest.mark.parametrize(("code", "text", "trace", "place"), CASES, ids=lambda value: str(value)[:9])
def test_a_mistake_has_its_code_and_place(
    tmp_path: Path, code: ImportCode, text: str, trace: str, place: tuple[int, int]
) -> None:
    _with_traces(tmp_path, trace)
    problems = _read(tmp_path, text)
    assert isinstance(problems, list)
    assert (problems[0].code, problems[0].line, problems[0].column) == (code, *place)
    assert f"[{code}]" in str(problems[0])


@pytest.mark.parametrize(("code", "text", "trace", "place"), WARNINGS, ids=lambda value: str(value)[:9])
def test_a_doubt_has_its_code_and_place(
    tmp_path: Path, code: ImportCode, text: str, trace: str, place: tuple[int, int]
) -> None:
    _with_traces(tmp_path, trace)
    trials = _read(tmp_path, text)
    assert isinstance(trials, ImportedTrials), trials
    assert (code, *place) in [(warning.code, warning.line, warning.column) for warning in trials.warnings]


def test_a_sound_file_has_no_code_at_all(tmp_path: Path) -> None:
    trials = _read(tmp_path, GOOD)
    assert isinstance(trials, ImportedTrials)
    assert trials.warnings == ()
    (tmp_path / "t.csv").write_text("t_s,temperature_c\n0,60\n50,60\n100,60\n", encoding="utf-8")
    (tmp_path / "u.csv").write_text("t_s,temperature_c\n0,70\n450,70\n900,70\n", encoding="utf-8")
    traced = _read(tmp_path, TRACED)
    assert isinstance(traced, ImportedTrials)
    assert traced.warnings == ()


def test_a_glue_that_nobody_knows_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (problem,) = _read(tmp_path, GOOD.replace("B2,casein", "B2,cassein"), glues=["casein", "psa"])  # type: ignore[misc]
    assert (problem.code, problem.line, problem.column) == (ImportCode.UNKNOWN_GLUE, 3, 2)
    assert "'casein'" in problem.message
    assert isinstance(_read(tmp_path, GOOD, glues=["casein", "psa"]), ImportedTrials)


def test_a_name_that_is_nearly_another_is_doubted_when_nobody_said_which_there_are(tmp_path: Path) -> None:
    rows = "".join(f"B{k},casein,1,60,1.5,60,90\n" for k in range(3, 9))
    for slip in ("Casein", "cassein"):
        trials = _read(tmp_path, GOOD.replace("B2,casein", f"B2,{slip}") + rows)
        assert isinstance(trials, ImportedTrials)
        (doubt,) = (each for each in trials.warnings if each.code == ImportCode.UNKNOWN_GLUE)
        assert (doubt.line, doubt.column) == (3, 2)
        assert "'casein'" in doubt.message
    other = _read(tmp_path, GOOD.replace("B2,casein", "B2,starch") + rows)
    assert isinstance(other, ImportedTrials)
    assert ImportCode.UNKNOWN_GLUE not in {each.code for each in other.warnings}


def test_numbers_in_a_french_message_have_a_comma(tmp_path: Path) -> None:
    words.use("fr")
    (problem,) = _read(tmp_path, HEADER + "B1,casein,1,60,1.5,1,1.5\nB2,casein,2,70,1.5,20.5,\n")  # type: ignore[misc]
    assert "20,5" in problem.message
    words.use("en")


def test_fahrenheit_is_converted_when_it_is_said(tmp_path: Path) -> None:
    fahrenheit = GOOD.replace(",60,1.5", ",140,1.5").replace(",70,1.5", ",158,1.5")
    for title in ("temperature_c", "temperature_f", "temperature"):
        trials = _read(tmp_path, fahrenheit.replace("temperature_c", title), units=Units(temperature="f"))
        assert isinstance(trials, ImportedTrials)
        assert [bath.temperature_c for bath in trials.baths] == pytest.approx([60.0, 70.0])
    problems = _read(tmp_path, fahrenheit, units=Units(temperature="c"))
    assert isinstance(problems, list)
    assert {problem.code for problem in problems} == {ImportCode.TEMPERATURE}


@pytest.mark.parametrize(("unit", "factor"), [("min", 60.0), ("h", 3600.0), ("s", 1.0)])
def test_minutes_and_hours_are_converted_when_it_is_said(tmp_path: Path, unit: str, factor: float) -> None:
    _with_traces(tmp_path, "")
    text = TRACED.replace(",60,90", ",1,1.5").replace(",900,", ",15,")
    trials = _read(tmp_path, text, units=Units(time=unit))
    assert isinstance(trials, ImportedTrials)
    assert [(b.lo_s, b.hi_s) for b in trials.bottles] == [(factor, 1.5 * factor), (15 * factor, None)]
    assert trials.baths[0].trace[1][0] == 10.0 * factor


def test_hours_are_told_from_minutes(tmp_path: Path) -> None:
    def said(longest: str) -> str:
        (problem,) = _read(tmp_path, HEADER + f"B1,a,1,60,1.5,0.1,{longest}\n")  # type: ignore[misc]
        return problem.message

    assert "--time-unit h" in said("1.5").split("(")[0]
    assert "--time-unit min" in said("15").split("(")[0]


def test_the_error_as_a_whole_bears_the_code_of_its_only_kind(tmp_path: Path) -> None:
    file = tmp_path / "past.csv"
    file.write_text(GOOD.replace(",60,1.5", ",140,1.5"), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_trials(file)
    assert raised.value.code == "E-DAT-013"
    file.write_text(GOOD.replace(",60,1.5", ",140,1.5").replace(",900,", ",0,"), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_trials(file)
    assert raised.value.code == "E-DAT-001"


@pytest.mark.skipif(not DOCS.exists(), reason="the installed package carries no docs")
def test_every_code_is_explained() -> None:
    explained = set(re.findall(r"^\| (E-DAT-\d{3}) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    proved = {code for code, *_ in (*CASES, *WARNINGS)} | {ImportCode.UNKNOWN_GLUE, ImportCode.SEVERAL}
    assert proved == set(ImportCode)
    of_archives = {"E-DAT-030", "E-DAT-031", "E-DAT-032"}  # tests/store/test_restore.py raises these
    assert explained == {code.value for code in ImportCode} | of_archives

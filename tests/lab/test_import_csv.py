from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linectl.errors import ConfigError
from linectl.lab.import_csv import IMPORT_TAGS, read_trials, store_import
from linectl.model.records import ExitStatus, Treatment
from linectl.store.export.archive import export_csv
from linectl.store.reader import StoreReader
from linectl.store.store import open_store

HEADER = "bottle,glue,bath,temperature_c,naoh_pct,lo_s,hi_s\n"
GOOD = HEADER + "B1,casein,1,60,1.5,60,90\nB2,starch,1,60,1.5,0,30\nB3,casein,2,70,1.5,900,\nB4,starch,2,70,1.5,30,60\n"


def _file(folder: Path, text: str | bytes, name: str = "past.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def _problems(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_trials(_file(folder, text))
    assert raised.value.exit_code == 3
    return [str(problem).removeprefix(f"{folder}/") for problem in raised.value.problems]


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    trials = read_trials(_file(tmp_path, GOOD))
    assert [(b.label, b.lo_s, b.hi_s) for b in trials.bottles] == [
        *(("B1", 60, 90), ("B2", 0, 30), ("B3", 900, None), ("B4", 30, 60)),
    ]
    assert [(bath.name, bath.temperature_c, bath.naoh_pct, bath.replicate) for bath in trials.baths] == [
        *(("1", 60.0, 1.5, 1), ("2", 70.0, 1.5, 1)),
    ]
    assert trials.warnings == ()
    assert len(trials.file_hash) == 64


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_of_excel_in_french_is_the_same_file(tmp_path: Path, encoding: str) -> None:
    rows = (
        "Bouteille;Colle;Bain;Température (°C);Soude (%);lo (min);hi [s]\r\n"
        "B1;casein;1;60,0;1,5;1;90\r\nB2;starch;1;60,0;1,5;0;30\r\nB3;casein;2;70;1.5;15;toujours collée\r\n"
        "B4;starch;2;70;1.5;0,5;60\r\n"
    )
    french = read_trials(_file(tmp_path, rows.encode(encoding)))
    english = read_trials(_file(tmp_path, GOOD))
    assert french.bottles == english.bottles
    assert french.baths == english.baths


@pytest.mark.parametrize("still_on", ["", "inf", "Still on", ">900", "> 900", "∞"])
def test_a_label_still_on_may_be_written_in_several_ways(tmp_path: Path, still_on: str) -> None:
    trials = read_trials(_file(tmp_path, f"{HEADER}B1,casein,1,60,1.5,900,{still_on}\n"))
    assert (trials.bottles[0].lo_s, trials.bottles[0].hi_s) == (900.0, None)


ROW = HEADER + "B1,casein,1,60,1.5,60,90\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + "B1,casein,1,60,1.5,90,60\n", ["past.csv:2:7: column hi_s: the interval's ends are swapped"]),
        (HEADER + "B1,casein,1,60,1.5,60,60\n", ["past.csv:2:7: column hi_s: seen off at 60 and on at 60"]),
        (HEADER + "B1,casein,1,60,1.5,-5,60\n", ["past.csv:2:6: column lo_s: a time cannot be negative"]),
        (HEADER + "B1,casein,1,60,1.5,0,\n", ["past.csv:2:6: column lo_s: said to be still on, but never looked at"]),
        (HEADER + "B1,casein,1,60,1.5,,90\n", ["past.csv:2:6: column lo_s: is empty; write 0"]),
        (HEADER + "B1,casein,1,60,1.5,600,>900\n", ["past.csv:2:7: column hi_s: still on after >900"]),
        (
            HEADER + "B1,casein,1,140,1.5,60,90\n",
            ["past.csv:2:4: column temperature_c: 140 looks like °F = 60.0 °C", "E-DAT-013"],
        ),
        (HEADER + "B1,casein,1,333,1.5,60,90\n", ["past.csv:2:4: column temperature_c: 333 °C is outside", "in K?"]),
        (HEADER + "B1,casein,1,60,15,60,90\n", ["past.csv:2:5: column naoh_pct: 15 % NaOH", "g/L?"]),
        (HEADER + "B1,casein,1,60,1.5,60,90 s\n", ["past.csv:2:7: column hi_s: '90 s' is not a number"]),
        (HEADER + 'B1,casein,1,60,1.5,60,"90,5"\n', ["past.csv:2:7: column hi_s: '90,5' is not a number"]),
        (HEADER + "B1,casein,1,60,1.5,60,nan\n", ["past.csv:2:7: column hi_s: 'nan' is not a number"]),
        (HEADER + "B1,casein,1,60,1.5,60,1e999\n", ["past.csv:2:7: column hi_s: '1e999' is too large"]),
        (HEADER + ",casein,1,60,1.5,60,90\n", ["past.csv:2:1: column bottle: is empty"]),
        (ROW + "B1,casein,1,60,1.5,60,90\n", ["past.csv:3:1: column bottle: bottle B1 of bath 1 is already in line 2"]),
        (ROW + "B2,casein,1,61,1.5,60,90\n", ["past.csv:3:4: column temperature_c: '61', but line 2 says '60'"]),
        (GOOD.replace("temperature_c", "temperature_F"), ["past.csv:1:4: column temperature_F: unit 'f' is not known"]),
        (GOOD.replace("naoh_pct", "naoh_g_L"), ["past.csv:1:5: column naoh_g_L: unit 'g_l' is not known"]),
        (GOOD.replace("lo_s", "lo"), ["past.csv:1:6: column lo: no unit is given; name the column lo_s"]),
        (GOOD.replace("hi_s", "high_s"), ["past.csv:1:1: header: no column hi_s; is it 'high_s'?"]),
        (GOOD.replace("temperature_c", "comment"), ["past.csv:1:1: header: no column temperature_c, nor trace"]),
        (GOOD.replace("glue", "bath"), ["column bath: says the same as column bath", "no column glue"]),
        (HEADER, ["past.csv:1:1: the file has no rows"]),
        ("", ["no column bottle"]),
    ],
)
def test_what_cannot_be_right_is_named_with_line_and_column(tmp_path: Path, text: str, said: list[str]) -> None:
    problems = "\n".join(_problems(tmp_path, text))
    for words in said:
        assert words in problems


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = HEADER + "B1,casein,1,60,1.5,90,60\nB2,casein,2,400,1.5,60,90\nB3,casein,3,60,x,60,90\n"
    places = [problem.split(": ")[0] for problem in _problems(tmp_path, text)]
    assert places == ["past.csv:2:7", "past.csv:3:4", "past.csv:4:5"]


FULL_BATHS = HEADER + "".join(
    f"{bath}-{k},casein,{bath},{50 + 10 * bath},1.5,{30 * k},{30 * k + 30}\n" for bath in (1, 2) for k in range(1, 5)
)


def test_a_bath_that_lacks_bottles_which_others_have_is_refused(tmp_path: Path) -> None:
    short = "".join(line for line in FULL_BATHS.splitlines(keepends=True) if not line.startswith(("1-3", "1-4")))
    (problem,) = _problems(tmp_path, short)
    assert problem.startswith("past.csv:3:7: column hi_s: bath 1 has 2 bottles of casein where others have 4")
    # the same file is sound once the ones still on are in it, or once it says how many went in
    sound = short + "1-3,casein,1,60,1.5,900,\n1-4,casein,1,60,1.5,900,\n"
    assert read_trials(_file(tmp_path, sound)).warnings == ()
    lines = short.splitlines()
    counted = [f"{lines[0]},n_bottles", *(f"{line},{2 if line.startswith('1-') else 4}" for line in lines[1:])]
    assert read_trials(_file(tmp_path, "\n".join(counted))).warnings == ()


def test_a_count_of_bottles_must_match_the_rows(tmp_path: Path) -> None:
    lines = FULL_BATHS.splitlines()
    counted = "\n".join(
        [f"{lines[0]},n_bottles", *(f"{line},{6 if line.startswith('2-') else 4}" for line in lines[1:])]
    )
    (problem,) = _problems(tmp_path, counted)
    assert problem.startswith("past.csv:6:8: column n_bottles: bath 2 has 4 rows")


def test_holes_in_the_numbers_of_bottles_are_refused_when_none_is_still_on(tmp_path: Path) -> None:
    rows = [f"B{k:02},casein,1,60,1.5,{30 * k},{30 * k + 30}" for k in (1, 2, 4, 5, 8)]
    problems = _problems(tmp_path, HEADER + "\n".join(rows))
    assert [problem.split(": column")[0] for problem in problems] == ["past.csv:4:1", "past.csv:6:1"]
    assert "bottles B06 to B07 are not in the file" in problems[1]  # as they are written in the file
    plain = [row.replace("B0", "B") for row in rows]
    assert "bottles B6 to B7 are not in the file" in _problems(tmp_path, HEADER + "\n".join(plain))[1]
    kept = [*rows, "B03,casein,1,60,1.5,900,", "B06,casein,1,60,1.5,900,", "B07,casein,1,60,1.5,900,"]
    warnings = read_trials(_file(tmp_path, HEADER + "\n".join(kept))).warnings
    assert [warning.code for warning in warnings] == ["E-DAT-012"]  # one bath, one temperature


def test_a_file_where_everything_came_off_is_taken_with_a_warning(tmp_path: Path) -> None:
    (warning,) = read_trials(_file(tmp_path, FULL_BATHS)).warnings
    assert "no bottle is still on" in warning.message
    assert (warning.line, warning.column) == (1, 7)


TRACED = "bottle,glue,bath,trace,naoh_pct,lo_s,hi_s,inserted_s\nB1,casein,1,t.csv,1.5,60,90,20\n"


def test_a_trace_gives_the_temperature(tmp_path: Path) -> None:
    _file(tmp_path, "t (min);temperature (°C)\n0;59,5\n1;60,5\n2;60\n", "t.csv")
    (bath,) = read_trials(_file(tmp_path, TRACED)).baths
    assert bath.trace == ((0, 59.5), (60, 60.5), (120, 60))
    assert bath.temperature_c == 60.0


@pytest.mark.parametrize(
    ("trace", "said"),
    [
        (None, "past.csv:2:4: column trace: the trace"),
        ("t_s,temperature_c\n0,60\n0,61\n", "t.csv:3:1: column t_s: times of a trace go up"),
        ("t_s,temperature_c\n0,60\n", "t.csv:1:1: a trace needs two rows"),
        ("t_s,temperature_k\n0,333\n1,333\n", "t.csv:1:2: column temperature_k: unit 'k' is not known"),
        ("t_s,temperature_c\n0,60\n1,333\n", "t.csv:3:2: column temperature_c: 333 °C"),
    ],
)
def test_a_trace_is_checked_like_the_file_itself(tmp_path: Path, trace: str | None, said: str) -> None:
    if trace is not None:
        _file(tmp_path, trace, "t.csv")
    assert any(said in problem for problem in _problems(tmp_path, TRACED))


def test_a_file_that_is_not_there_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_trials(tmp_path / "nothing.csv")


async def _imported(folder: Path, text: str) -> tuple[StoreReader, str]:
    trials = read_trials(_file(folder, text))
    store = open_store(folder / "imports.db", line="-", virtual=False, tags=IMPORT_TAGS)
    await store.open()
    run_id = await store_import(store, trials, operator="Zoé", clock_ns=1_767_225_600 * 10**9)
    await store.close()
    return StoreReader(folder / "imports.db"), run_id


async def test_an_import_is_a_run_like_others(tmp_path: Path) -> None:
    _file(tmp_path, "t_s,temperature_c\n0,59.5\n60,60.5\n", "t.csv")
    reader, run_id = await _imported(tmp_path, TRACED + "B2,casein,1,t.csv,1.5,900,,20\n")
    run = reader.run("last")
    assert (run.id, run.kind, run.line, run.exit_status, run.operator) == (
        *(run_id, "import", "-", ExitStatus.SUCCESS, "Zoé"),
    )
    assert run.definition.startswith("bottle,glue")
    assert reader.trials(run_id)[0].treatment == Treatment(60.0, 1.5)
    off, on = reader.bottles(run_id)
    assert (off.inserted_ns, off.last_attached_ns, off.first_detached_ns) == (20 * 10**9, 80 * 10**9, 110 * 10**9)
    assert (on.last_attached_ns, on.first_detached_ns) == (920 * 10**9, None)
    series = reader.series(run_id, "bath.temperature", trial=1)
    assert (list(series.t_ns), series.value, series.unit) == ([0, 60 * 10**9], [59.5, 60.5], "°C")


async def test_an_exported_import_can_be_imported_again(tmp_path: Path) -> None:
    reader, run_id = await _imported(tmp_path, GOOD)
    export_csv(reader, run_id, tmp_path / "out")
    again = read_trials(tmp_path / "out" / "bottles.csv")
    first = read_trials(tmp_path / "past.csv")
    assert [(b.label, b.glue, b.lo_s, b.hi_s) for b in again.bottles] == [
        (b.label, b.glue, b.lo_s, b.hi_s) for b in first.bottles
    ]
    assert [(bath.temperature_c, bath.naoh_pct) for bath in again.baths] == [(60.0, 1.5), (70.0, 1.5)]


CELLS = st.one_of(
    st.text(max_size=6),
    st.floats().map(str),
    st.sampled_from(["60", "1.5", ">9", "inf", "0", "900", "", "B1", "1", "t.csv", "../past.csv", "\0", '"']),
)
HEADERS = st.permutations(
    ["bottle", "glue", "bath", "temperature_c", "naoh_pct", "lo_s", "hi_min", "trace", "n_bottles"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(HEADERS, st.lists(st.lists(CELLS, min_size=9, max_size=9), max_size=4), st.sampled_from(",;\t"))
def test_whatever_is_in_a_file_it_is_read_or_refused(
    tmp_path: Path, header: list[str], rows: list[list[str]], separator: str
) -> None:
    text = "\n".join(separator.join(row) for row in [header, *rows])
    file = _file(tmp_path, text.encode("utf-8", "surrogatepass"))
    try:
        trials = read_trials(file)
    except ConfigError:
        return
    assert all(bottle.hi_s is None or 0 <= bottle.lo_s < bottle.hi_s for bottle in trials.bottles)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_that_are_no_spreadsheet_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError):
        read_trials(_file(tmp_path, content))


def test_a_field_without_end_is_refused(tmp_path: Path) -> None:
    assert "not CSV" in "".join(_problems(tmp_path, HEADER + '"' + "x" * 200_000))

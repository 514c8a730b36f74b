"""Runs out and back by the command line: the re-imported run gives the fit of the original."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.main import run
from linectl.errors import Refused
from linectl.lab.results import Analysis
from linectl.server.results.exports import glues_of_maker
from linectl.server.results.finished import analyse_run, find_run
from linectl.store.reader import StoreReader

Say = Callable[..., tuple[int, str, str]]
SHEET = "bottle,glue,bath,trace,naoh_pct,lo_s,hi_s,inserted_s\n" + "".join(
    f"x{bath}{glue}{k},{glue},{bath},t{bath}.csv,1.5,{30 * k},{'' if k == 3 else 30 * k + 30},{5 * k + 0.123456789}\n"
    for bath in range(3)
    for glue in ("casein",)
    for k in range(4)
)


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Iterator[Say]:
    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*argv, "--lang", "en"])
        return (code, *capfd.readouterr())

    yield call


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    for bath in range(3):
        rows = [f"{t}.25,{50 + 10 * bath + t / 1000}" for t in range(-10, 25_000 if bath == 0 else 300)]
        (folder / f"t{bath}.csv").write_text("\n".join(["t_s,temperature_c", *rows]), encoding="utf-8")
    (folder / "past.csv").write_text(SHEET, encoding="utf-8")
    assert run(["import", str(folder / "past.csv"), "--data", str(folder), "--lang", "en"]) == 0
    return folder


@pytest.fixture(scope="module")
def analysed(original: Path) -> Analysis:
    return analyse_run(find_run("last", original))


def test_a_long_trace_is_stored_whole(original: Path) -> None:
    """More points than a store's queue holds."""
    reader = StoreReader(original / "imports.db")
    assert len(reader.series(reader.run("last").id, "bath.temperature", trial=1).value) == 25_010


@pytest.mark.parametrize("form", ["zip", "csv"])
def test_the_fit_of_what_came_back_is_the_fit_of_what_went(
    original: Path, analysed: Analysis, say: Say, tmp_path: Path, form: str
) -> None:
    code, out, err = say("export", "--data", str(original), "--format", form, "-o", str(tmp_path / "out"))
    assert code == 0, err
    place = out.splitlines()[0] if form == "zip" else str(tmp_path / "out")
    assert say("import", place, "--data", str(tmp_path / "data"))[0] == 0
    before, after = analysed, analyse_run(find_run("last", tmp_path / "data"))
    assert after.data_hash == before.data_hash
    for one, two in zip(before.glues, after.glues, strict=True):
        assert one.fits.keys() == two.fits.keys()
        for family, fit in one.fits.items():
            assert list(two.fits[family].params) == pytest.approx(list(fit.params), rel=1e-12)
    assert any(glue.fits for glue in before.glues)
    assert say("audit", "verify", "--data", str(original), "--head", place)[0] == 0
    assert say("audit", "verify", "--data", str(tmp_path / "data"), "--head", place)[0] == 5  # it is of the other store
    (entry,) = find_run("last", tmp_path / "data").reader.audit()
    assert (entry.action, entry.target, json.loads(entry.new or "")["complete"]) == ("import", after.runs[0], True)
    code, _, err = say("import", place, "--data", str(tmp_path / "data"))
    assert code == 6
    assert "already holds a run" in err


def test_a_damaged_zip_is_refused_by_name_and_nothing_is_stored(original: Path, say: Say, tmp_path: Path) -> None:
    assert say("export", "--data", str(original), "--format", "zip", "-o", str(tmp_path / "a.zip"))[0] == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as good, zipfile.ZipFile(tmp_path / "b.zip", "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, content.replace(b"casein", b"starch") if name.endswith("bottles.csv") else content)
    code, out, err = say("import", str(tmp_path / "b.zip"), "--data", str(tmp_path / "data"), "--json")
    assert code == 3
    assert "bottles.csv: is damaged" in err
    told: dict[str, Any] = json.loads(out)
    assert told["error"]["code"] == "E-DAT-031"
    assert not (tmp_path / "data").exists()


def test_export_options_that_do_not_go_together(original: Path, say: Say, tmp_path: Path) -> None:
    words = ("export", "--data", str(original), "--to", str(tmp_path / "out"))
    assert say(*words, "--format", "jsonl", "--excel-fr")[0] == 2
    assert say(*words, "--excel-fr", "--timezone", "Mars/Base")[0] == 2
    assert say(*words, "--for", "nobody")[0] == 6
    assert not (tmp_path / "out").exists()
    assert say(*words, "--format", "dir", "--excel-fr", "--timezone", "Europe/Paris", "--with-report")[0] == 0
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_a_spreadsheet_in_other_units(original: Path, say: Say, tmp_path: Path) -> None:
    sheet = "bottle,glue,bath,temperature_c,naoh_pct,lo_s,hi_s\nB1,casein,1,140,1.5,1,1.5\nB2,casein,2,158,1.5,15,\n"
    (tmp_path / "past.csv").write_text(sheet, encoding="utf-8")
    words = ("import", str(tmp_path / "past.csv"), "--data", str(tmp_path / "data"))
    code, _, err = say(*words)
    assert code == 3
    assert "[E-DAT-013]" in err
    assert "[E-DAT-021]" in err
    code, _, err = say(*words, "--temperature-unit", "f", "--time-unit", "min", "--glues", "casein, psa")
    assert code == 0, err
    reader = find_run("last", tmp_path / "data").reader
    run_id = reader.run("last").id
    assert [trial.treatment.temperature_c for trial in reader.trials(run_id)] == pytest.approx([60.0, 70.0])


def test_a_makers_glues_come_from_the_experiment(original: Path) -> None:
    found = find_run("last", original)
    with pytest.raises(Refused, match="names no maker"):
        glues_of_maker(found.run, "ACME")

"""What one label maker gets: its glue and the reference, in every byte of report and export."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from linectl import words
from linectl.errors import Refused
from linectl.lab.release_rows import release_data
from linectl.lab.report.redact import Redaction, in_codes, with_codes
from linectl.lab.results import Analysis
from linectl.model.records import Bottle, Event, Treatment, Trial
from linectl.server.results.exports import write_export
from linectl.server.results.finished import FinishedRun
from linectl.server.results.pooling import pool_of
from linectl.server.results.reporting import report_name
from linectl.store.export.archive import Options
from linectl.store.reader import StoreReader

OTHERS = ("gripfix", "umbrella", "three_glues", "lot-gri", "c0ffee")


def hidden(reader: StoreReader) -> list[str]:
    """Return every word that must not be seen by Acme: names, and labels of the bottles of others."""
    labels = [bottle.label for bottle in reader.bottles("R1") if bottle.glue == "gripfix"]
    return [*OTHERS, *(label.lower() for label in labels)]


def traces(told: str, words: list[str]) -> list[str]:
    return [word for word in words if word in told.lower()]


@pytest.fixture(scope="module")
def whole(screening: Path) -> StoreReader:
    return StoreReader(screening)


@pytest.fixture(scope="module")
def exported(whole: StoreReader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole export for Acme with its report."""
    words.use("en")
    target = tmp_path_factory.mktemp("acme") / "out.zip"
    write_export(FinishedRun(whole, whole.run("R1")), target, Options(form="zip"), maker="Acme", report=True)
    return target


@pytest.fixture(scope="module")
def for_acme(exported: Path) -> str:
    with zipfile.ZipFile(exported) as archive:
        return archive.read("R1/report.html").decode()


def test_the_report_for_a_maker_holds_no_trace_of_others(whole: StoreReader, for_acme: str) -> None:
    assert traces(for_acme, hidden(whole)) == []
    assert "zementit" in for_acme
    assert "casein" in for_acme
    assert "Acme" in for_acme
    assert re.findall(r"All bottles \((\d+)\)", for_acme) == ["48"]  # of 72


def test_without_it_all_of_them_are_there(whole: StoreReader, page: str) -> None:
    """The negative control: the search finds what it looks for."""
    assert set(traces(page, hidden(whole))) == set(hidden(whole))


def test_the_hash_and_the_bottles_are_those_shown(whole: StoreReader, for_acme: str, analysis: Analysis) -> None:
    """The hash over all data would tell whoever guesses the others' data that he guessed right."""
    mine = release_data(pool_of(whole, [whole.run("R1")], maker="Acme").reader, ["R1"])
    assert mine.glues == ("casein", "zementit")
    assert mine.sha256() in for_acme
    assert analysis.data_hash not in for_acme
    for glue in mine.glues:  # nothing of a shown glue was changed by leaving others out
        ends = [[(row.lo_s, row.hi_s) for row in data.of_glue(glue).records] for data in (mine, analysis.data)]
        assert ends[0] == ends[1]


def test_the_export_with_its_report_holds_no_trace_of_others(whole: StoreReader, exported: Path) -> None:
    assert traces(_all_text(exported), hidden(whole)) == []


@pytest.mark.parametrize("form", ["dir", "suitcase-jsonl"])
def test_the_export_for_a_maker_holds_no_trace_of_others(whole: StoreReader, tmp_path: Path, form: str) -> None:
    target = tmp_path / "out"
    found = FinishedRun(whole, whole.run("R1"))
    write_export(found, target, Options(form=form), maker="Acme")
    told = _all_text(target)
    assert traces(told, hidden(whole)) == []
    assert "zementit" in told
    every = tmp_path / "all"
    write_export(found, every, Options(form=form))
    assert "gripfix" in _all_text(every)  # the negative control


def _all_text(target: Path) -> str:
    if target.suffix == ".zip":
        with zipfile.ZipFile(target) as archive:
            return "\n".join([*archive.namelist(), *(archive.read(n).decode() for n in archive.namelist())])
    return "\n".join(part for file in target.iterdir() for part in (file.name, file.read_text(encoding="utf-8")))


def test_the_file_is_named_by_run_and_maker(whole: StoreReader) -> None:
    assert report_name(pool_of(whole, [whole.run("R1")], maker="Acme")) == "report-R1-Acme.html"


def test_who_makes_nothing_here_gets_nothing(whole: StoreReader) -> None:
    with pytest.raises(Refused, match="names no maker Nobody"):
        pool_of(whole, [whole.run("R1")], maker="Nobody")


# the pure filter

TRIALS = [Trial("R", n, Treatment(60.0 + n, 1.5), 1, started_ns=100 * n, ended_ns=100 * n + 90) for n in (1, 2, 3)]
BOTTLES = [
    Bottle("R", 1, "T01-P07", 7, "other", 101, code="K7"),
    Bottle("R", 1, "T01-P09", 9, "mine", 102, code="M2"),
    Bottle("R", 2, "T02-P01", 1, "other", 201),
    Bottle("R", 2, "T02-P02", 2, "reference", 202),
    Bottle("R", 3, "T03-P05", 5, "reference", 301, code="C1"),
    Bottle("R", 3, "T03-P06", 6, "mine", 302),
]


@pytest.fixture
def filtered() -> Redaction:
    return Redaction.of(TRIALS, BOTTLES, glues={"mine", "reference"}, own={"mine"})


def test_baths_without_the_makers_glue_are_left_out_and_numbers_have_no_hole(filtered: Redaction) -> None:
    assert [trial.ord for trial in filtered.of_trials(TRIALS)] == [1, 2]
    told = [(b.trial, b.label, b.position, b.glue, b.code) for b in filtered.of_bottles(BOTTLES)]
    assert told == [
        (1, "T01-01", 1, "mine", ""),
        (2, "T02-01", 1, "reference", ""),
        (2, "T02-02", 2, "mine", ""),
    ]


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("note", {"text": "other is bad", "trial": 1}, None),
        ("prompt", {"text": "put in other", "task": "load_bottle"}, None),
        ("write", {"tag": "bath.setpoint", "asked": 60.0}, None),
        ("phase", {"trial": 3, "phase": "soak", "more": "other"}, {"trial": 2, "phase": "soak"}),
        ("phase", {"trial": 2, "phase": "soak"}, None),
        ("bottle_skipped", {"trial": 1, "bottle": "T01-P07", "position": 7, "reason": "x"}, None),
        (
            "bottle_skipped",
            {"trial": 3, "bottle": "T03-P06", "position": 6, "reason": "beside other"},
            {"trial": 2, "bottle": "T02-02", "position": 2},
        ),
        ("checks_missed", {"trial": 1, "planned_ns": 5, "positions": [7]}, None),
        (
            "checks_missed",
            {"trial": 1, "planned_ns": 5, "positions": [7, 9]},
            {"trial": 1, "planned_ns": 5, "positions": [1]},
        ),
        ("sensor_dead", {"tag": "label.p07", "quality": "BAD"}, None),
        ("unblinded", {"codes": {"K7": "other"}}, None),
        ("something_new", {"glue": "other"}, None),
    ],
)
def test_of_events_only_known_words_and_figures_remain(
    filtered: Redaction, kind: str, data: dict[str, object], told: dict[str, object] | None
) -> None:
    found = filtered.of_events([Event(150, kind, data, "R")])
    assert [dict(event.data) for event in found] == ([] if told is None else [told])


def test_what_happened_during_a_hidden_bath_is_not_told(filtered: Redaction) -> None:
    events = [Event(ns, "safe", {"heater": "off"}, "R") for ns in (150, 250, 350)]
    assert [event.ts_ns for event in filtered.of_events(events)] == [150, 350]


def test_codes_replace_names_in_every_text() -> None:
    codes = {"glue": "K7", "glue_strong": "M2"}
    assert with_codes("Glue_Strong beats glue", codes) == "M2 beats K7"
    assert in_codes({"glue": ["a glue", 3, None]}, codes) == {"K7": ["a K7", 3, None]}

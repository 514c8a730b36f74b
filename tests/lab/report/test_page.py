"""The report: its sections and their order, its words and numbers in two languages, its bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from linectl.lab.report.arrhenius import arrhenius_section
from linectl.lab.report.page import Subject, render
from linectl.lab.report.verdicts import point_word, verdict_boxes
from linectl.lab.results import Analysis, Estimate, PointBound, Verdict, VerdictWord

TITLES = (
    *("Verdict", "Identity", "Label release", "Activation energy", "Bath", "Timeline", "Bottles"),
    *("Deviations and data quality", "Method", "Fingerprints"),
)


def section(page: str, number: int) -> str:
    return page.split(f'<section id="s{number}">')[1].split('<section id="s', maxsplit=1)[0]


def visible(page: str) -> str:
    """Return what a person reads: no style, no drawing, no tag."""
    bare = re.sub(r"<style>.*?</style>|<svg.*?</svg>", " ", page, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", bare)


def test_the_sections_stand_in_their_order(page: str) -> None:
    found = re.findall(r"<h2>(\d+)\. ([^<]+)</h2>", page)
    assert found == [(str(number), title) for number, title in enumerate(TITLES, start=1)]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, ["zementit", "gripfix", "casein", "60 °C, 1.5 %", "lognormal", "Weibull", "margin", "24 bottles"]),
        (2, ["R1", "LOT-ZEM", "Acme", "Umbrella", "op1", "op2", "+00:00", "c0ffee", "2025-12-31 (overdue)", "seed 5"]),
        (3, ["99 % off, min", "triangle"]),
        (4, ["kJ/mol", "<svg"]),
        (5, ["outside ± 0.5 K", "+0.20", "<svg"]),
        (6, ["put a bottle in", "2.5 s", "held", "note", "12 s", "continued", "looks missed"]),
        (7, ["T01-P01", "whole", "LOT-GRI"]),
        (8, ["stale", "clipped", "two examiners", "kappa", "deviation", "answers corrected"]),
        (9, ["Weibull", "AIC", "<svg", "equivalent time"]),
        (10, ["SHA-256", "numpy"]),
    ],
)
def test_each_section_tells_what_it_must(page: str, number: int, told: list[str]) -> None:
    missing = [text for text in told if text not in section(page, number)]
    assert not missing


def test_the_page_loads_nothing(page: str) -> None:
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?!#)[a-z]*:?//", page)
    assert not re.findall(r"@import|url\((?!#)|<script|<link|<img|<iframe", page)
    assert "SIMULATION" in page


def test_two_temperatures_give_no_arrhenius_plot(analysis: Analysis) -> None:
    fewer = tuple(replace(g, cells=tuple(c for c in g.cells if c.temperature_c > 50)) for g in analysis.glues)
    shown = arrhenius_section(replace(analysis, glues=fewer), str)
    assert "<svg" not in shown
    assert "three temperatures" in shown


def test_an_estimate_that_passes_without_its_bound_is_shown_as_more_bottles(analysis: Analysis) -> None:
    """The unfavourable bound decides."""
    terms = {"sampling": 0.2, "temperature_calibration": 0.05}
    estimate = Estimate(400.0, 300.0, 450.0, 0.95, "profile", "s", terms=terms)
    point = PointBound(60.0, 1.5, {"lognormal": estimate})
    verdict = Verdict(VerdictWord.MORE_BOTTLES, "open", 60.0, 1.5, 450.0, 420.0)
    result = replace(analysis.glues[0], points=(point,), verdict=verdict)
    shown = verdict_boxes(replace(analysis, glues=(result,)), str)
    assert 'class="verdict more_bottles"' in shown
    assert "the estimate passes, its bound does not: MORE BOTTLES" in shown
    assert "CANDIDATE" not in shown
    assert "calibration of the temperature" in shown
    assert "−0.5" in shown  # the margin, in minutes


@pytest.mark.parametrize(
    ("ends", "word"),
    [
        ((300.0, 200.0, 400.0), "passes"),
        ((400.0, 300.0, 450.0), "bound_fails"),
        ((430.0, 300.0, 450.0), "open"),
        ((600.0, 430.0, 900.0), "beyond"),
        ((None, None, None), "no_number"),
    ],
)
def test_what_follows_from_a_point(ends: tuple[float | None, ...], word: str) -> None:
    value, lower, upper = ends
    point = PointBound(60.0, 1.5, {"lognormal": Estimate(value, lower, upper)})
    assert point_word(point, 420.0) == word


def test_french_has_a_comma_in_every_number(french: str) -> None:
    assert '<html lang="fr">' in french
    hashes = re.compile(r"\d+\.\d+\.\d+|exp\.yaml|0\.1\.0")
    text = hashes.sub("", visible(section(french, 1) + section(french, 3) + section(french, 5) + section(french, 7)))
    assert not re.findall(r"\d\.\d", text)
    ticks = re.findall(r">(-?[\d.,]+)</text>", french)
    assert ticks
    assert not [tick for tick in ticks if "." in tick]
    assert [tick for tick in ticks if "," in tick]


def test_english_has_points(page: str) -> None:
    ticks = re.findall(r">(-?[\d.,]+)</text>", page)
    assert [tick for tick in ticks if "." in tick]
    assert not [tick for tick in ticks if "," in tick]


def test_no_machine_word_is_left_in_the_text(page: str) -> None:
    text = visible(page)
    for word in (
        "load_bottle",
        "checks_missed",
        "bath_flagged",
        "bottle_skipped",
        "more_bottles",
        "no_go",
        "run_ended",
    ):
        assert word not in text


def test_names_are_escaped(subject: Subject) -> None:
    shown = render(replace(subject, analysis=replace(subject.analysis, glues=(), experiment="<i>&")))
    assert "<i>" not in shown
    assert "&lt;i&gt;&amp;" in shown


WRITE = """
import functools, sys
from pathlib import Path
from linectl import words
from linectl.lab import analysis
from linectl.server.results.pooling import pool_of
from linectl.server.results.reporting import write_pool_report
from linectl.store.reader import StoreReader
words.use("en")
analysis.analyse = functools.partial(analysis.analyse, replicates=9)
reader = StoreReader(Path(sys.argv[1]))
write_pool_report(pool_of(reader, [reader.run("R1")]), Path(sys.argv[2]))
"""


def test_the_bytes_are_the_same_in_any_zone_and_locale(screening: Path, page: str, tmp_path: Path) -> None:
    target = tmp_path / "other.html"
    strange = {"TZ": "Pacific/Auckland", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "7", "MPLCONFIGDIR": str(tmp_path)}
    (tmp_path / "matplotlibrc").write_text("font.size: 20\n", encoding="utf-8")
    environment = os.environ | strange | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", WRITE, str(screening), str(target)], env=environment, check=True)
    assert target.read_text(encoding="utf-8") == page

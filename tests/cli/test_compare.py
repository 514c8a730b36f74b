"""`linectl compare` and `linectl verdict` on past trials and on a confirmation's run, by the command line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from linectl.cli.main import run
from linectl.model.confirmations import Confirmation
from linectl.server.results.confirming import register

Say = Callable[..., tuple[int, str, str]]
REGISTERED = Confirmation(
    id="C9", glue="casein", lots=("A", "B"), temperature_c=60, naoh_pct=1.5, soak_s=300, agitation_pct=50,
    removal=0.99, confidence=0.95, rule="299/0", applied="300/0", bath_sd=0.3, sigma=0.25, per_bath=4, cooler_k=0.25,
    recipe="", screening_runs=("r1",), verdict_hash="ab", registered_by="op", registered_ns=1,
)  # fmt: skip
ONE_BATH = """\
kind: experiment
question: Do they come off?
line: simulated
confirmation: C9/main
factors: {temperature_c: [60], naoh_pct: [1.5], glue: [casein], lot: [A, B]}
bottles_per_glue: 2
order: {seed: 1}
soak: {cap_s: 300, check_s: 15}
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [60], naoh_pct: [1.5]}
"""


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Iterator[Say]:
    def call(*argv: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*map(str, argv), "--lang", "en"])
        return (code, *capfd.readouterr())

    yield call


def imported(folder: Path, temperatures_c: tuple[float, ...], faster: float) -> Path:
    """Take in ten baths of both glues, the new one `faster` times as fast, and return where they are."""
    draw, lines = np.random.default_rng(1), ["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s"]
    for bath in range(10):
        temp_c = temperatures_c[bath % len(temperatures_c)]
        middle = math.log(250.0) - 0.05 * (temp_c - 60.0) + 0.2 * draw.standard_normal()
        for glue, shift in (("known", 0.0), ("new", -math.log(faster))):
            for bottle in range(5):
                lo = 15 * math.floor(min(math.exp(middle + shift + 0.35 * draw.standard_normal()), 1200.0) / 15)
                hi = str(lo + 15) if lo < 1200 else ""
                lines.append(f"{bath}-{glue}-{bottle},{bath},{glue},{temp_c:g},1.5,{lo},{hi}")
    (folder / "past.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run(["import", str(folder / "past.csv"), "--data", str(folder), "--lang", "en"]) == 0
    return folder


def test_a_faster_glue_is_told_and_the_same_one_is_not(say: Say, tmp_path: Path) -> None:
    for faster, word in ((1.7, "faster"), (1.0, "not")):
        folder = tmp_path / word
        folder.mkdir()
        asked = ("compare", "--glue", "new", "--with", "known", "--data", imported(folder, (60.0, 70.0, 65.0), faster))
        code, out, _ = say(*asked)
        assert code == 0
        assert ("new comes off faster than known" in out) is (word == "faster"), out
        answer = json.loads(say(*asked, "--json")[1])["data"]
        assert (answer["looks"][-1]["look"]["word"] == "faster") is (word == "faster")


def test_at_one_temperature_nothing_is_claimed(say: Say, tmp_path: Path) -> None:
    asked = ("compare", "--glue", "new", "--with", "known", "--data", imported(tmp_path, (60.0,), 1.7))
    code, out, _ = say(*asked)
    assert code == 0
    assert out.splitlines()[-1] == (
        "new and known cannot be compared so far: one temperature only: no activation energy can be told."
    )
    assert out.count("no fit yet") == 5
    looks = json.loads(say(*asked, "--json")[1])["data"]["looks"]
    assert [(look["ratio"]["reason"], look["ratio"]["value"], look["look"]) for look in looks] == [
        ("SINGLE_TEMPERATURE", None, None)
    ] * 5


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--glue", "other", "--with", "known"), 6, "two glues of the run are compared; it holds known, new"),
        (("--glue", "new", "--with", "known", "--looks", "11"), 6, "11 looks need as many baths"),
        (("--glue", "new"), 2, "--with"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    say: Say, tmp_path: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    imported(tmp_path, (60.0, 70.0), 1.0)
    found, _, err = say("compare", *words, "--data", tmp_path)
    assert (found, message in err) == (code, True), err


def test_the_verdict_of_a_confirmation_stands_below_that_of_its_run(say: Say, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE_BATH, encoding="utf-8")
    words = ("run", tmp_path / "one.yaml", "--sim", "--memory", "--quiet", "--data", tmp_path)
    assert say(*words)[0] == 6  # not registered; but the store is there now
    register(tmp_path / "simulated-virtual.db", REGISTERED)
    assert say(*words)[0] == 0
    code, out, _ = say("verdict", "--data", tmp_path)
    assert code == 0
    assert out.splitlines()[0].startswith("casein  MORE BOTTLES: ")
    assert any("C9" in line and "MORE BOTTLES" in line for line in out.splitlines()[1:]), out
    assert "labels stuck, by the registered rule" in out
    assert say("verdict", "--check", "--data", tmp_path)[0] == 11
    plain = tmp_path / "plain"
    plain.mkdir()
    imported(plain, (60.0, 70.0), 1.0)
    assert "registered rule" not in say("verdict", "--data", plain)[1]

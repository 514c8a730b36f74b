"""`linectl cal`: from the command line and at a terminal; what is refused, and what is left when it is broken off."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from linectl import words
from linectl.cli.cal_points import Given, decimal_of, due_of, given_of
from linectl.clock import wall_ns
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.server.calibration_dates import day_of
from linectl.store.reader import StoreReader

Say = Callable[..., tuple[int, str, str]]
PROBE = "bath.temperature"
EXPERIMENT = """kind: experiment
name: one_bath
question: Does it come off?
line: simulated
zone: bath
factors: {temperature_c: [60], naoh_pct: [1.5], glue: [casein]}
bottles_per_glue: 2
replicates: 1
order: {seed: 1, randomised: true}
soak: {cap_s: 60, check_s: 15}
stabilisation: {band_c: 0.5, hold_s: 30, within_s: 3600}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 60, temperatures_c: [60], naoh_pct: [1.5]}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a line of one's own, which the command line finds by itself."""
    for name in ("simulated.yaml", "simulated_calibration.yaml"):
        (tmp_path / name.replace("simulated.yaml", "line.yaml")).write_bytes(find_file(name).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINECTL_LINE", "line.yaml")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LINECTL_OPERATOR", "anne")
    return tmp_path


def with_policy(site: Path, policy: str) -> None:
    file = site / "line.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("name: simulated\n", f"name: simulated\ncalibration_policy: {policy}\n"), encoding="utf-8"
    )


def told(out: str) -> Any:
    return json.loads(out)["data"]


def kept(site: Path) -> list[str]:
    """Return what is in the folder of the calibrations, half-written files too."""
    folder = site / "calibrations"
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


NOTED = ("--points", "20±0,02=20,31; 40±0.02=40.28 ;60=60,33", "--reference-u", "0,02")


def test_readings_that_were_noted_make_a_calibration(site: Path, say: Say) -> None:
    code, out, _ = say("cal", "run", PROBE, *NOTED, "--certificate", "PT100 1234", "--yes", "--json")
    data = told(out)
    assert (code, data["version"], data["active"], data["degree"]) == (0, 1, True, 1)
    assert data["by"] == "anne"
    assert data["certificate"] == "PT100 1234"
    assert [each["reading"] for each in data["points"]] == [20.31, 40.28, 60.33]
    assert max(abs(each["residual"]) for each in data["points"]) < 0.05
    assert 0.02 < data["budget"]["u"] < 0.1
    assert load_line(site / "line.yaml").tags[PROBE].correction is not None
    assert kept(site) == ["simulated/active.yaml", f"simulated/{PROBE}/0001.yaml"]


def test_a_second_one_takes_readings_as_they_are_shown(site: Path, say: Say) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--yes")
    code, out, _ = say("cal", "run", PROBE, "--points", "60±0,02=60,5", "--yes", "--json")
    data = told(out)
    assert (code, data["version"]) == (0, 2)
    assert data["points"][0]["found"] == 60.5
    assert data["points"][0]["reading"] == pytest.approx(61.5)
    assert data["curve"]["coefficients"] == pytest.approx([-1.5, 1.0])


def test_on_a_simulated_rig_it_measures_by_itself(site: Path, say: Say) -> None:
    code, out, err = say("cal", "run", PROBE, "--sim", "--points", "20; 60", "--reference-u", "0,05", "--yes", "--json")
    data = told(out)
    assert (code, data["kept"], data["simulated"]) == (0, True, True)
    assert [each["count"] for each in data["points"]] == [61, 61]
    assert [each["reading"] for each in data["points"]] == pytest.approx([20.0, 60.0], abs=0.15)
    assert "\x1b" not in err


def test_a_rehearsal_of_linectls_own_line_or_of_a_real_one_keeps_nothing(site: Path, say: Say) -> None:
    code, out, err = say("cal", "run", PROBE, "--line", "simulated", "--sim", "--points", "60±0,1", "--json")
    assert (code, told(out)["kept"], told(out)["version"]) == (0, False, None)
    assert "rehearsal" in err or words.language() == "fr"
    file = site / "line.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("simulated: true", "simulated: false"), encoding="utf-8")
    code, out, _ = say("cal", "run", PROBE, "--sim", "--points", "60±0,1", "--yes", "--json")
    assert (code, told(out)["kept"], kept(site)) == (0, False, [])


def test_a_titration_gives_a_factor(site: Path, say: Say) -> None:
    titrated = ("--titration", "--sample", "10", "--normality", "0,1", "--acid", "50,1", "--acid", "50.3")
    code, out, _ = say("cal", "run", "bath.naoh", *titrated, "--reading", "2,05", "--yes", "--json")
    data = told(out)
    assert (code, data["method"], len(data["samples"])) == (0, "titration", 2)
    assert data["curve"]["coefficients"] == pytest.approx([0.0, data["points"][0]["reference"] / 2.05])
    assert data["points"][0]["reference"] == pytest.approx(1.969, abs=0.002)
    assert data["due"] == due_of("7d", day_of(wall_ns())).isoformat()
    code, out, _ = say("cal", "show", "bath.naoh")
    assert code == 0
    assert "50.3" in out or "50,3" in out


def test_carbonate_is_told_apart_by_a_second_end_point(site: Path, say: Say) -> None:
    both = (
        "--titration",
        "--sample",
        "10",
        "--normality",
        "0,1",
        "--acid",
        "50",
        "--acid-total",
        "54",
        "--reading",
        "2",
    )
    data = told(say("cal", "run", "bath.naoh", *both, "--yes", "--json")[1])
    one = ("--titration", "--sample", "10", "--normality", "0,1", "--acid", "46", "--reading", "2")
    assert data["samples"][0]["naoh_pct"] == pytest.approx(
        told(say("cal", "run", "bath.naoh", *one, "--yes", "--json")[1])["samples"][0]["naoh_pct"]
    )


@pytest.mark.parametrize(
    ("command", "code", "word"),
    [
        (("run", "bath.temprature", *NOTED, "--yes"), 3, "E-CFG-001"),
        (("run", "bath.setpoint", *NOTED, "--yes"), 6, "E-CAL-005"),
        (("run", PROBE, *NOTED, "--degree", "3", "--yes"), 6, "E-CAL-010"),
        (("run", PROBE, "--points", "20=20;60=20", "--reference-u", "1", "--yes"), 6, "E-CAL-010"),
        (("run", PROBE, "--points", "20=60;60=20", "--reference-u", "1", "--yes"), 6, "E-CAL-010"),
        (("run", PROBE, "--points", "60=60,1", "--yes"), 6, "E-CAL-010"),
        (("run", PROBE, "--points", "20;60", "--reference-u", "1", "--yes"), 7, "E-CAL-011"),
        (("run", PROBE, "--yes"), 7, "E-CAL-011"),
        (("run", PROBE, *NOTED), 7, "E-ASK-001"),
        (("run", PROBE, "--line", "simulated", *NOTED, "--yes"), 6, "E-CAL-007"),
        (("run", PROBE, "--points", "sixty", "--yes"), 2, ""),
        (("run", PROBE, "--points", "60±", "--yes"), 2, ""),
        (("run", PROBE, "--points", "nan", "--yes"), 2, ""),
        (("run", PROBE, *NOTED, "--due", "2020-01-01"), 2, ""),
        (("run", PROBE, *NOTED, "--due", "31/02/2099"), 2, ""),
        (("run", PROBE, *NOTED, "--acid", "50"), 2, "--acid"),
        (("run", PROBE, *NOTED, "--initial", "bath.temperature=60"), 2, "--sim"),
        (("run", PROBE, "--sim", "--initial", "bath.temperature=hot", "--points", "60±1"), 2, "--initial"),
        (("run", "bath.naoh", "--titration"), 7, "E-CAL-011"),
        (("run", "bath.naoh", "--titration", "--acid", "50", "--yes"), 2, "--sample"),
        (("run", "bath.naoh", "--titration", "--acid", "50", "--sample", "10", "--yes"), 2, "--normality"),
        (("run", "bath.naoh", "--titration", "--points", "2", "--yes"), 2, "--points"),
        (("run", PROBE, "--titration", "--acid", "50", "--sample", "10", "--normality", "1", "--yes"), 6, "E-CAL-005"),
        (("show", PROBE), 6, "E-CAL-006"),
        (("show", PROBE, "3"), 6, "E-CAL-006"),
        (("activate", PROBE, "3", "--yes"), 6, "E-CAL-006"),
        (("activate", PROBE, "0", "--yes"), 6, "E-CAL-008"),
        (("ls", "bath.nothing"), 3, "E-CFG-001"),
        (("due", "bath.nothing"), 3, "E-CFG-001"),
    ],
)
def test_what_is_refused_keeps_nothing(site: Path, say: Say, command: tuple[str, ...], code: int, word: str) -> None:
    found, _, err = say("cal", *command)
    assert (found, word in err) == (code, True), err
    assert kept(site) == []
    assert not (site / "state").exists()


def test_end_points_that_contradict_each_other_are_refused(site: Path, say: Say) -> None:
    wrong = (
        "--titration",
        "--sample",
        "10",
        "--normality",
        "1",
        "--acid",
        "50",
        "--acid-total",
        "40",
        "--reading",
        "2",
    )
    code, _, err = say("cal", "run", "bath.naoh", *wrong, "--yes")
    assert (code, "E-CAL-010" in err) == (6, True)
    odd = ("--acid", "50", "--acid", "51", "--acid-total", "60")
    assert say("cal", "run", "bath.naoh", "--titration", *wrong[1:5], *odd, "--yes")[0] == 2
    assert kept(site) == []


def test_a_reading_that_does_not_settle_is_refused(site: Path, say: Say) -> None:
    code, _, err = say(
        "cal", "run", PROBE, "--sim", "--points", "60±1", "--scatter", "0,001", "--within", "90", "--yes"
    )
    assert (code, "E-CAL-004" in err) == (6, True)
    assert kept(site) == []


def test_the_list_shows_what_is_active_and_another_can_be_chosen(site: Path, say: Say) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--yes")
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--yes", "--no-activate")
    records = told(say("cal", "ls", "--json")[1])["records"]
    assert [(each["version"], each["active"]) for each in records] == [(1, True), (2, False)]
    code, out, _ = say("cal", "activate", PROBE, "2", "--yes", "--reason", "checked", "--json")
    assert (code, told(out)) == (0, {"tag": PROBE, "old": 1, "new": 2})
    records = told(say("cal", "ls", PROBE, "--json")[1])["records"]
    assert [(each["version"], each["active"]) for each in records] == [(1, False), (2, True)]
    assert told(say("cal", "show", PROBE, "--json")[1])["version"] == 2
    assert told(say("cal", "show", PROBE, "1", "--json")[1])["active"] is False
    out = say("cal", "ls")[1]
    assert "bath.naoh" in out
    assert say("cal", "activate", PROBE, "1")[0] == 7  # nobody is there to confirm


def test_what_is_due_is_told_and_checked(site: Path, say: Say) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--due", "20d", "--yes")
    sensors = {each["tag"]: each for each in told(say("cal", "due", "--json")[1])["sensors"]}
    assert (sensors[PROBE]["days"], sensors[PROBE]["state"]) == (20, "soon")
    assert [say("cal", "due", PROBE, *more)[0] for more in ((), ("--check",), ("--check", "--within", "19"))] == [
        0,
        10,
        0,
    ]
    assert say("cal", "due", "bath.level", "--check")[0] == 0


def test_a_touched_record_is_refused_wherever_the_line_is_used(site: Path, say: Say) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--yes")
    record = site / "calibrations" / "simulated" / PROBE / "0001.yaml"
    record.write_text(record.read_text(encoding="utf-8").replace("by: anne", "by: bob"), encoding="utf-8")
    for command in (("cal", "ls"), ("config", "check", "line.yaml"), ("tags", "ls", "line.yaml")):
        code, _, err = say(*command)
        assert (code, "E-CAL-002" in err) == (3, True)


# runs


def overdue(site: Path) -> None:
    """Let the calibration of the NaOH have ended before the first day of virtual time."""
    file = site / "simulated_calibration.yaml"
    head, naoh, rest = file.read_text(encoding="utf-8").partition("bath.naoh")
    rest = rest.replace("done: 2026-01-01", "done: 2025-01-01").replace("due: 2036-01-01", "due: 2025-12-31")
    file.write_text(head + naoh + rest, encoding="utf-8")


@pytest.mark.parametrize(("policy", "code", "told"), [("block", 6, True), ("warn", 0, True), ("ignore", 0, False)])
def test_an_overdue_calibration_does_to_a_run_what_the_line_says(
    site: Path, say: Say, policy: str, code: int, told: bool
) -> None:
    with_policy(site, policy)
    overdue(site)
    (site / "one_bath.yaml").write_text(EXPERIMENT, encoding="utf-8")
    found, _, err = say("run", "one_bath.yaml", "--line", "line.yaml", "--sim", "--memory", "-q", "--data", "data")
    assert (found, "bath.naoh" in err and "2025-12-31" in err, "E-CAL-001" in err) == (code, told, policy == "block")
    assert (site / "data" / "simulated-virtual.db").exists() is (policy != "block")


def test_a_run_pins_the_calibration_by_its_hash_and_keeps_its_curve(site: Path, say: Say) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=60,1", "--yes")
    (site / "one_bath.yaml").write_text(EXPERIMENT, encoding="utf-8")
    assert say("run", "one_bath.yaml", "--line", "line.yaml", "--sim", "--memory", "-q", "--data", "data")[0] == 0
    reader = StoreReader(site / "data" / "simulated-virtual.db")
    run = reader.run("last")
    line = load_line(site / "line.yaml")
    assert run.calibration_hash == line.calibration_hash
    (event,) = [each for each in reader.events(run.id) if each.kind == "calibrations"]
    sensor: Any = event.data["sensors"]
    assert sensor[PROBE]["curve"] == {"coefficients": [pytest.approx(-0.1), 1.0], "low": 60.1, "high": 60.1}
    assert (sensor[PROBE]["version"], sensor[PROBE]["sha256"]) == (1, line.calibrations[PROBE].sha256)
    say("cal", "activate", PROBE, "0", "--yes")
    assert load_line(site / "line.yaml").calibration_hash != run.calibration_hash


# what people write


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60", Given(60.0)),
        (" 60,5 ± 0,02 ", Given(60.5, 0.02)),
        ("60.5+-0.02=60.9", Given(60.5, 0.02, 60.9)),
        ("-5,2=-5", Given(-5.2, None, -5.0)),
        ("−5", Given(-5.0)),
        ("60 +/- 0,1", Given(60.0, 0.1)),
    ],
)
def test_points_are_read_as_people_write_them(text: str, expected: Given) -> None:
    assert given_of(text) == expected


@pytest.mark.parametrize("text", ["", "sixty", "60±", "60=", "60±-1", "1e400", "nan", "60;70", "6 0"])
def test_what_is_no_point_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        given_of(text)


def test_days_are_read_in_both_languages() -> None:
    today = day_of(1_795_392_000 * 10**9)
    assert due_of("23/11/2099", today) == due_of("2099-11-23", today)
    assert due_of("365j", today) == due_of("365 d", today)
    for text in ("yesterday", today.isoformat(), "0d"):
        with pytest.raises(ValueError, match=r".*"):
            due_of(text, today)
    with pytest.raises(ValueError, match=r".*"):
        decimal_of("1,2,3")


# at a terminal


class Terminal:
    """`linectl cal` on a pseudo-terminal of its own."""

    def __init__(self, folder: Path, *command: str, lang: str = "en") -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "linectl", "cal", *command],
            cwd=folder,
            env={**os.environ, "LINECTL_LANG": lang},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=_own_terminal,  # noqa: PLW1509  # Ctrl+C must reach it as a signal of its terminal
        )
        os.close(slave)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str, within_s: float = 60.0) -> None:
        end_s = time.monotonic() + within_s
        while text not in self.shown:
            assert time.monotonic() < end_s, f"not shown: {text}; but: {self.shown[-2000:]}"
            assert self._read(), f"ended before {text!r}: {self.shown[-2000:]}"
        self.shown = self.shown.partition(text)[2]

    def ends(self, within_s: float = 60.0) -> int:
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s and self._read():
            pass
        return self.process.wait(10)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 0.5)
        if not ready:
            return self.process.poll() is None
        try:
            got = os.read(self._master, 4096)
        except OSError:
            return False
        self.shown += got.decode(errors="replace")
        return bool(got)

    def hang_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        with suppress(OSError):
            os.close(self._master)


def _own_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def at_terminal(site: Path) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def begin(*command: str, lang: str = "en") -> Terminal:
        opened.append(Terminal(site, *command, lang=lang))
        return opened[-1]

    yield begin
    for each in opened:
        each.hang_up()


TALK = (
    ("Point 1, reference in °C:", "20"),
    ("uncertainty (k = 1) in °C:", "0,02"),
    ("Point 2, reference in °C (Enter", "60,0"),
    ("Point 3, reference in °C (Enter", ""),
    ("Certificate of the reference", "PT100 1234"),
    ("Accept this calibration? [y/N]", "y"),
)


def test_the_wizard_asks_point_by_point_and_keeps_what_is_accepted(
    site: Path, at_terminal: Callable[..., Terminal]
) -> None:
    terminal = at_terminal("run", PROBE, "--sim")
    terminal.until("stable when over 60 s it changes by no more than 0.1 °C")
    for question, answer in TALK:
        terminal.until(question)
        terminal.type(answer + "\n")
    terminal.until("kept as calibration 1")
    assert terminal.ends() == 0
    line = load_line(site / "line.yaml")
    assert line.calibrations[PROBE].certificate == "PT100 1234"
    assert line.calibrations[PROBE].u == pytest.approx(0.022, abs=0.006)


def test_it_speaks_french_and_takes_oui(site: Path, at_terminal: Callable[..., Terminal]) -> None:
    terminal = at_terminal("run", PROBE, "--sim", lang="fr")
    for question, answer in (
        ("Point 1, référence en °C", "soixante"),
        ("n'est pas une valeur de référence", "60,0±0,02"),
        ("Point 2, référence en °C", ""),
        ("Certificat de la référence", ""),
        ("Accepter cet étalonnage ? [o/N]".replace(" ?", "\u00a0?"), "oui"),
    ):
        terminal.until(question)
        terminal.type(answer + "\n")
    assert terminal.ends() == 0
    assert kept(site) == ["simulated/active.yaml", f"simulated/{PROBE}/0001.yaml"]


@pytest.mark.parametrize("answer", ["n", "", "non", "perhaps"])
def test_anything_but_yes_keeps_nothing(site: Path, at_terminal: Callable[..., Terminal], answer: str) -> None:
    terminal = at_terminal("run", PROBE, *NOTED, "--certificate", "")
    terminal.until("[y/N]")
    terminal.type(answer + "\n")
    assert terminal.ends() == 7
    assert kept(site) == []


@pytest.mark.parametrize("questions", range(1, len(TALK) + 1))
def test_ctrl_c_at_any_question_leaves_the_old_one_active(
    site: Path, say: Say, at_terminal: Callable[..., Terminal], questions: int
) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--yes")
    before = {each: (site / "calibrations" / each).read_bytes() for each in kept(site)}
    terminal = at_terminal("run", PROBE, "--sim")
    for question, answer in TALK[: questions - 1]:
        terminal.until(question)
        terminal.type(answer + "\n")
    terminal.until(TALK[questions - 1][0])
    terminal.type("\x03")
    assert terminal.ends() == 130
    assert {each: (site / "calibrations" / each).read_bytes() for each in kept(site)} == before


def test_ctrl_d_is_no_answer(site: Path, at_terminal: Callable[..., Terminal]) -> None:
    terminal = at_terminal("run", PROBE, "--sim")
    terminal.until("Point 1, reference")
    terminal.type("\x04")
    assert terminal.ends() == 7
    assert kept(site) == []


def test_a_titration_is_asked_sample_by_sample(site: Path, at_terminal: Callable[..., Terminal]) -> None:
    terminal = at_terminal(
        "run", "bath.naoh", "--titration", "--sim", "--initial", "bath.naoh=2", "--initial", "bath.temperature=60"
    )
    for question, answer in (
        ("take the samples", ""),
        ("Volume of a sample in mL", "dix"),
        ("is no number", "10"),
        ("Normality of the acid", "0,1"),
        ("Sample 1, acid in mL", "50,9"),
        ("in all to pH 4.3", "40"),
        ("contradict each other", "50,9"),
        ("in all to pH 4.3", ""),
        ("Sample 2, acid in mL to pH 8.3 (Enter", ""),
        ("Certificate", ""),
        ("[y/N]", "o"),
    ):
        terminal.until(question)
        terminal.type(answer + "\n")
    assert terminal.ends() == 0
    known = load_line(site / "line.yaml").calibrations["bath.naoh"]
    assert known.curve is not None
    assert known.curve(2.0) == pytest.approx(2.0, rel=0.01)


def test_activating_asks_and_no_changes_nothing(site: Path, say: Say, at_terminal: Callable[..., Terminal]) -> None:
    say("cal", "run", PROBE, "--points", "60±0,02=61", "--yes", "--no-activate")
    terminal = at_terminal("activate", PROBE, "1")
    terminal.until("Change it? [y/N]")
    terminal.type("n\n")
    assert terminal.ends() == 7
    assert kept(site) == [f"simulated/{PROBE}/0001.yaml"]


def test_without_a_line_and_with_none_served_it_says_so(site: Path, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINECTL_LINE")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(site / "run"))
    code, _, err = say("cal", "ls")
    assert (code, "E-SRV-001" in err) == (4, True)

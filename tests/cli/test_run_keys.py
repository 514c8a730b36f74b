"""A person at a terminal while an experiment runs: commands and answers typed on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from linectl.cli.run_commands import Typed, typed
from linectl.config.files import find_file
from linectl.model.records import ExitStatus, Run
from linectl.store.reader import StoreReader

pytestmark = pytest.mark.timeout(240)

EXPERIMENT = """\
kind: experiment
name: one_bath
question: can a person steer it?
factors: {temperature_c: [47], naoh_pct: [0], glue: [permanent]}
replicates: 1
bottles_per_glue: 2
order: {randomised: true, seed: 3}
soak: {cap_s: 36000, check_s: 60}
stabilisation: {band_c: 1.0, hold_s: 60, within_s: 7200}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 600, temperatures_c: [47], naoh_pct: [0]}
line: simulated
"""


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("pause", Typed("pause")),
        ("figer", Typed("hold")),
        ("Reprendre", Typed("resume")),
        ("suivant assez vu", Typed("next", "assez vu")),
        ("annuler", Typed("cancel")),
        ("arrêt", Typed("abort")),
        (":abort", Typed("abort")),
        ("note  mousse ", Typed("note", "mousse")),
        ("écarter 7 tombée", Typed("skip", "7 tombée")),
        ("?", Typed("help")),
        ("oui", None),
        ("3 7 12", None),
        ("", None),
    ],
)
def test_commands_have_english_and_french_words(line: str, command: Typed | None) -> None:
    assert typed(line) == command


class Terminal:
    """`linectl run` on a pseudo-terminal of its own."""

    def __init__(self, folder: Path, *words: str, lang: str = "en") -> None:
        self.folder = folder
        (folder / "one_bath.yaml").write_text(EXPERIMENT, encoding="utf-8")
        self._master, slave = pty.openpty()
        environment = {**os.environ, "LINECTL_LANG": lang, "XDG_STATE_HOME": str(folder / "state")}
        environment["LINECTL_OPERATOR"] = "anne"
        command = [sys.executable, "-m", "linectl", "run", "one_bath.yaml", "--data", "data", *words]
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def until(self, text: str, within_s: float = 90.0) -> None:
        """Read until `text` is shown after what was waited for before."""
        end_s = time.monotonic() + within_s
        while text not in self.shown:
            assert time.monotonic() < end_s, f"not shown: {text}; but: {self.shown[-2000:]}"
            if not self._read():
                pytest.fail(f"ended before {text!r}: {self.shown[-2000:]}")
        self.shown = self.shown.partition(text)[2]

    def wait(self, within_s: float = 60.0) -> int:
        end_s = time.monotonic() + within_s
        while self._read() and time.monotonic() < end_s:
            pass
        return self.process.wait(10)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], 1.0)
        if not ready:
            return True
        try:
            got = os.read(self._master, 4096)
        except OSError:  # the other end is closed
            return False
        self.shown += got.decode(errors="replace")
        return bool(got)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self._master)

    def reader(self) -> StoreReader:
        return StoreReader(self.folder / "data" / "simulated.db")

    def run(self) -> Run:
        return self.reader().run("last")

    def events(self, kind: str) -> list[dict[str, object]]:
        return [dict(event.data) for event in self.reader().events(self.run().id) if event.kind == kind]


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for one in opened:
        one.close()


def simulated(folder: Path, opened: list[Terminal], lang: str = "en") -> Terminal:
    """A run on a rig in memory, 60 times as fast as time, whose bottles are in the bath."""
    opened.append(Terminal(folder, "--sim", "--memory", "--speed", "60", lang=lang))
    return opened[-1]


def test_a_run_is_steered_from_its_terminal(tmp_path: Path, terminals: list[Terminal]) -> None:
    run = simulated(tmp_path, terminals)
    run.until("soaking")
    run.type("?\n")
    run.until("skip 7 REASON")
    run.type("note the foam is highh\x7f\n")  # a slip, taken back
    run.until("noted")
    run.type("hold\n")
    run.until("HELD, heater off")
    run.type("resume\n")
    run.until("going on")
    run.type("skip 99 fell over\n")
    run.until("no label is watched at 99")
    run.type("dance\n")
    run.until("not known: dance")
    run.type("cancel\n")
    run.until("Cancel the run? [y/N]")
    run.type("\n")
    run.until("not cancelled")
    run.type("next seen enough\n")
    run.until("ended early")
    assert run.wait() == 0
    assert run.run().exit_status is ExitStatus.SUCCESS
    note = run.events("note")[0]
    assert (note["text"], note["who"]) == ("the foam is high", "anne")
    assert [each["reason"] for each in run.events("ended_early")] == ["seen enough"]
    way = [each["to"] for each in run.events("state") if each["of"] == "run"]
    assert way == ["running", "holding", "held", "restarting", "running", "complete"]
    assert run.events("bath_flagged")[0]["flags"] == ["held", "ended_early"]


@pytest.mark.parametrize(
    ("lang", "words", "status"), [("en", ["cancel\n", "yes\n"], "stopped"), ("fr", ["arrêt\n"], "aborted")]
)
def test_a_run_is_ended_from_its_terminal(
    tmp_path: Path, terminals: list[Terminal], lang: str, words: list[str], status: str
) -> None:
    run = simulated(tmp_path, terminals, lang)
    run.until("47 °C")
    for word in words:
        run.type(word)
        if word != words[-1]:
            run.until("[y/N]")
    assert run.wait() == 8
    assert run.run().exit_status is ExitStatus.ABORT
    assert [each["to"] for each in run.events("state") if each["of"] == "run"][-1] == status


def test_without_a_terminal_uncovered_questions_refuse_the_start(tmp_path: Path) -> None:
    (tmp_path / "one_bath.yaml").write_text(EXPERIMENT, encoding="utf-8")
    line = find_file("simulated", folder="config").read_text(encoding="utf-8")
    (tmp_path / "real.yaml").write_text(line.replace("\nhands: hands", "\n# "), encoding="utf-8")
    environment = {**os.environ, "LINECTL_LANG": "en", "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-m", "linectl", "run", "one_bath.yaml", "--line", "real.yaml", "--data", "data"]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7, ended.stderr
    assert "nobody can answer: lid-0, T01-P" in ended.stderr
    assert "--answers FILE" in ended.stderr
    assert not (tmp_path / "data").exists()
    (tmp_path / "all.yaml").write_text('kind: answers\nanswers: {"*": yes}\n', encoding="utf-8")
    covered = subprocess.run(
        [*command, "--answers", "all.yaml", "--no-input"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert covered.returncode == 4, covered.stderr  # it goes on, to a line that is not there

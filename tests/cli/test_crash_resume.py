"""Real processes and kill -9: the rig lives on in one, the run dies in another and is taken up in a third."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from drivers.settings import ModbusTcpSettings
from linectl.config.load import load_line
from linectl.errors import LinectlError
from linectl.model.records import Event, ExitStatus, TrialState
from linectl.store.reader import StoreReader

pytestmark = pytest.mark.timeout(300)

EXPERIMENT = """\
kind: experiment
name: tiny
question: does it go on?
factors: {temperature_c: [46, 47], naoh_pct: [0.3], glue: [casein, psa]}
replicates: 1
bottles_per_glue: 1
order: {randomised: false, seed: 3}
soak: {cap_s: 200, check_s: 20}
stabilisation: {band_c: 3.0, hold_s: 60, within_s: 7200}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 150, temperatures_c: [46], naoh_pct: [0.3]}
line: simulated
on_crash: {load: CHOICE, soak: CHOICE, unload: CHOICE}
"""
CONTINUE = "{policy: continue, max_gap_s: 100000}"
SPEED = 40  # 30 s without a temperature end a heating: of this clock 0.75 s


def linectl(*words: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "LINECTL_LANG": "en", "XDG_STATE_HOME": str(cwd / "state"), "LINECTL_OPERATOR": "Zoé"}
    command = [sys.executable, "-m", "linectl", *words]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_until(condition: Callable[[], bool], within_s: float, process: subprocess.Popen[str] | None = None) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        if process is not None and process.poll() is not None:
            if condition():
                return
            output = process.stdout.read() if process.stdout else ""
            pytest.fail(f"the process ended early with {process.returncode}: {output}")
        assert time.monotonic() < end_s, "waited too long"
        time.sleep(0.01)


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=20)


class Lab:
    """A rig that is up in its own process, and runs that die against it."""

    def __init__(self, folder: Path, choice: str) -> None:
        self.folder = folder
        self.file = folder / "rig.yaml"
        (folder / "tiny.yaml").write_text(EXPERIMENT.replace("CHOICE", choice), encoding="utf-8")
        words = ("sim", "up", "--speed", str(SPEED), "--initial", "bath.temperature=46", "--write-config", "rig.yaml")
        self.rig = linectl(*words, cwd=folder)
        wait_until(self.file.exists, 60, self.rig)
        text = self.file.read_text(encoding="utf-8")
        assert "status: 5.0" in text
        # at this speed 5 s are 200 s of the bath: longer than a dose may take to show
        self.file.write_text(text.replace("status: 5.0", "status: 1.0"), encoding="utf-8")
        settings = load_line(self.file).links["plc"]
        assert isinstance(settings, ModbusTcpSettings)
        self.plc = ModbusTcpClient("127.0.0.1", port=settings.port)

    def start(self) -> subprocess.Popen[str]:
        return linectl("run", "tiny.yaml", "--line", "rig.yaml", "--data", "data", "-q", cwd=self.folder)

    def resume(self, *words: str) -> subprocess.Popen[str]:
        return linectl("resume", "--line", "rig.yaml", "--data", "data", "-q", *words, cwd=self.folder)

    def finish(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        output, _ = process.communicate(timeout=120)
        assert "Traceback" not in output, output
        return process.returncode, output

    def reader(self) -> StoreReader:
        return StoreReader(self.folder / "data" / "simulated.db")

    def events(self) -> list[Event]:
        try:
            reader = self.reader()
            return reader.events(reader.run("last").id)
        except LinectlError:  # no store, or no run in it, yet
            return []

    def kill_at(self, process: subprocess.Popen[str], there: Callable[[list[Event]], bool]) -> None:
        """Kill a run -9 once its journal on disk says that it is there."""
        try:
            wait_until(lambda: there(self.events()), 90, process)
            process.send_signal(signal.SIGKILL)
        finally:
            end(process)

    def heater_off(self) -> bool:
        return (
            not self.plc.read_discrete_inputs(2, count=1, device_id=2).bits[0]
            and not (self.plc.read_coils(6, count=1, device_id=2).bits[0])
        )


def lab_with(folder: Path, choice: str) -> Iterator[Lab]:
    one = Lab(folder, choice)
    yield one
    one.plc.close()  # type: ignore[no-untyped-call]  # pymodbus left it so
    end(one.rig)


@pytest.fixture
def going_on(tmp_path: Path) -> Iterator[Lab]:
    yield from lab_with(tmp_path, CONTINUE)


@pytest.fixture
def giving_up(tmp_path: Path) -> Iterator[Lab]:
    yield from lab_with(tmp_path, "abort")


def begins(trial: int, name: str, times: int = 1) -> Callable[[list[Event]], bool]:
    def there(events: list[Event]) -> bool:
        found = [e for e in events if e.kind == "phase" and (e.data["trial"], e.data["phase"]) == (trial, name)]
        return len(found) >= times

    return there


def check_story(lab: Lab, crashes: int) -> None:
    """Check one run id, events and scans in one order, and no heat before a person's word."""
    reader = lab.reader()
    (run,) = reader.runs()
    events = reader.events(run.id)
    times = [event.ts_ns for event in events]
    assert times == sorted(times)
    series = reader.series(run.id, "bath.temperature")
    assert list(series.t_ns) == sorted(set(series.t_ns))
    kinds = [event.kind for event in events]
    assert (kinds.count("crash"), kinds.count("resumed"), kinds.count("run_started")) == (crashes, crashes, 1)
    acts = [entry.action for entry in reader.audit()]
    assert (acts[0], acts.count("take_up")) == ("start", crashes)
    assert reader.audit_broken() is None  # no kill tears an act from its event, or the chain
    allowed = True
    for event in events:
        if event.kind == "run_interrupted":
            allowed = False
        if event.kind == "prompt" and event.data["task"] == "arm_heat":
            allowed = event.data["value"] is True
        if event.kind == "write" and event.data["tag"] == "bath.heater_enable":
            assert event.data["asked"] is False or allowed


@pytest.mark.fault("F27")
def test_killed_at_every_phase_a_run_goes_on_as_one(going_on: Lab) -> None:
    lab = going_on
    process = lab.start()
    way = ("drain", "fill", "dose", "heat", "stabilise", "load", "soak", "unload")
    for name in way:
        lab.kill_at(process, begins(1, name))
        if name in {"heat", "soak"}:
            wait_until(lab.heater_off, 10)
        assert lab.reader().run("last").exit_status is None
        process = lab.resume()
    code, output = lab.finish(process)
    assert code == 0, output
    check_story(lab, len(way))
    run = lab.reader().run("last")
    assert run.exit_status is ExitStatus.SUCCESS
    trials = lab.reader().trials(run.id)
    assert [trial.state for trial in trials] == [TrialState.FLAGGED, TrialState.COMPLETE]
    bottles = lab.reader().bottles(run.id)
    assert len({bottle.label for bottle in bottles}) == len(bottles) == 4
    assert lab.heater_off()


@pytest.mark.fault("F27")
def test_killed_at_a_moment_that_nobody_chose_a_run_goes_on(going_on: Lab) -> None:
    chance = random.Random(27)
    process = going_on.start()
    for _ in range(2):
        known = len(going_on.events())
        wait_until(lambda known=known: len(going_on.events()) > known + 3, 60, process)  # type: ignore[misc]  # bound now
        time.sleep(chance.uniform(0, 2.0))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        end(process)
        process = going_on.resume()
    code, output = going_on.finish(process)
    assert code == 0, output
    check_story(going_on, [event.kind for event in going_on.events()].count("crash"))


@pytest.mark.fault("F27")
def test_a_soak_that_is_given_up_closes_the_run_and_a_changed_line_is_refused(giving_up: Lab) -> None:
    lab = giving_up
    lab.kill_at(lab.start(), begins(1, "soak"))
    text = lab.file.read_text(encoding="utf-8")
    lab.file.write_text(text + "# touched\n", encoding="utf-8")
    code, output = lab.finish(lab.resume())
    assert (code, "has changed since the run began" in output) == (6, True), output
    assert lab.reader().run("last").state == "interrupted"
    lab.file.write_text(text, encoding="utf-8")

    code, output = lab.finish(lab.resume("--json"))
    told = json.loads(output.splitlines()[0])["data"]
    assert (code, told["exit_status"]) == (5, "fail")
    run = lab.reader().run("last")
    assert (run.state, run.exit_status) == ("failed", ExitStatus.FAIL)
    assert run.reason.startswith("process killed at ")
    wait_until(lab.heater_off, 10)

    code, output = lab.finish(lab.resume())  # further: the bath that was given up is made again, last
    assert code == 0, output
    trials = lab.reader().trials(run.id)
    assert [trial.state.value for trial in trials] == ["aborted", "complete", "complete"]
    assert trials[2].treatment == trials[0].treatment
    check_story(lab, 1)

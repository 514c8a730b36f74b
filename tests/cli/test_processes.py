"""Two real processes, as in the lab: the rig in one, the run in the other; killed, interrupted, and left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient

from drivers.settings import ModbusTcpSettings
from linectl.config.load import load_line
from linectl.errors import LinectlError
from linectl.model.records import ExitStatus
from linectl.store.reader import StoreReader

pytestmark = pytest.mark.timeout(300)

EXPERIMENT = """\
kind: experiment
name: one_bath
question: does the line go safe by itself?
factors: {temperature_c: [50], naoh_pct: [0], glue: [casein, psa]}
replicates: 1
bottles_per_glue: 2
order: {randomised: true, seed: 3}
soak: {cap_s: 36000, check_s: 60}
stabilisation: {band_c: 1.0, hold_s: 60, within_s: 7200}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 600, temperatures_c: [50], naoh_pct: [0]}
line: simulated
"""


def linectl(*words: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "LINECTL_LANG": "en", "XDG_STATE_HOME": str(cwd / "state")}
    command = [sys.executable, "-m", "linectl", *words]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_until(condition: Callable[[], bool], within_s: float, process: subprocess.Popen[str] | None = None) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        if process is not None and process.poll() is not None:
            output = process.stdout.read() if process.stdout else ""
            pytest.fail(f"the process ended early with {process.returncode}: {output}")
        assert time.monotonic() < end_s, "waited too long"
        time.sleep(0.1)


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=20)


class Lab:
    """A rig that is up in its own process, and runs started against it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "rig.yaml"
        (folder / "one_bath.yaml").write_text(EXPERIMENT, encoding="utf-8")
        words = ("sim", "up", "--speed", "40", "--initial", "bath.temperature=50", "--write-config", "rig.yaml")
        self.rig = linectl(*words, cwd=folder)
        wait_until(self.file.exists, 60, self.rig)
        settings = load_line(self.file).links["plc"]
        assert isinstance(settings, ModbusTcpSettings)
        self.plc = ModbusTcpClient("127.0.0.1", port=settings.port)

    def start_run(self) -> subprocess.Popen[str]:
        return linectl("run", "one_bath.yaml", "--line", "rig.yaml", "--data", "data", cwd=self.folder)

    def reader(self) -> StoreReader:
        return StoreReader(self.folder / "data" / "simulated.db")

    def soaking(self) -> bool:
        """Whether four bottles have been looked at."""
        try:
            reader = self.reader()
            return len({check.bottle for check in reader.checks(reader.run("last").id)}) == 4
        except LinectlError:  # no store, or no run in it, yet
            return False

    def heater_on(self) -> bool:
        return bool(self.plc.read_discrete_inputs(2, count=1, device_id=2).bits[0])

    def heater_enabled(self) -> bool:
        return bool(self.plc.read_coils(6, count=1, device_id=2).bits[0])

    def watchdog_alarm(self) -> bool:
        return bool(self.plc.read_input_registers(2, count=1, device_id=2).registers[0] & 1 << 14)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    one = Lab(tmp_path)
    yield one
    one.plc.close()  # type: ignore[no-untyped-call]  # pymodbus left it so
    end(one.rig)


@pytest.mark.fault("F27")
def test_a_killed_run_keeps_its_samples_and_the_plc_switches_the_heater_off(lab: Lab) -> None:
    run = lab.start_run()
    try:
        wait_until(lab.soaking, 120, run)
        assert lab.heater_enabled()
        assert not lab.watchdog_alarm()
        before = len(lab.reader().series(lab.reader().run("last").id, "bath.temperature").value)
        run.send_signal(signal.SIGKILL)
        run.wait(10)
        wait_until(lab.watchdog_alarm, 20)
        assert not lab.heater_on()
        assert not lab.heater_enabled()
        kept = lab.reader()
        record = kept.run("last")
        assert record.exit_status is None
        assert len(kept.series(record.id, "bath.temperature").value) >= before > 0
        assert len(kept.bottles(record.id)) == 4
        time.sleep(3)
        assert not lab.heater_on()  # nothing heats again by itself
    finally:
        end(run)


@pytest.mark.fault("F30")
def test_ctrl_c_ends_a_run_at_its_next_safe_point_and_twice_at_once(lab: Lab) -> None:
    for presses in (1, 2):
        run = lab.start_run()
        known = len(lab.reader().runs()) if presses == 2 else 0
        try:
            wait_until(partial(_soaking_after, lab, known), 120, run)
            for _ in range(presses):
                run.send_signal(signal.SIGINT)
                time.sleep(0.3)
            assert run.wait(60) == 8
        finally:
            end(run)
        record = lab.reader().run("last")
        assert record.exit_status is ExitStatus.ABORT
        assert not lab.heater_enabled()
        assert not lab.watchdog_alarm()


def _soaking_after(lab: Lab, known: int) -> bool:
    return _runs(lab) > known and lab.soaking()


def _runs(lab: Lab) -> int:
    try:
        return len(lab.reader().runs())
    except LinectlError:
        return 0


def test_the_rig_ends_cleanly_on_ctrl_c(lab: Lab) -> None:
    lab.rig.send_signal(signal.SIGINT)
    output, _ = lab.rig.communicate(timeout=20)
    assert lab.rig.returncode == 0
    assert "the rig is down" in output
    assert "Traceback" not in output


def test_a_line_that_nobody_serves_is_named_with_its_addresses(lab: Lab) -> None:
    lab.rig.send_signal(signal.SIGINT)
    lab.rig.communicate(timeout=20)
    run = lab.start_run()
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 4
    assert "127.0.0.1" in output
    assert "Traceback" not in output

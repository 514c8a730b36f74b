"""Calibrating a served line: it reads, keeps, and takes the result into use without being started again."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from linectl.clock import Clock
from linectl.config.calibration_records import record_text
from linectl.config.files import SourceText, find_file
from linectl.config.load import load_experiment_text, load_line
from linectl.config.scenario_file import machines_of
from linectl.errors import ConfigError, Refused
from linectl.model.calibrations import Budget, CalPoint, Curve, Record
from linectl.model.faults import FaultOrder
from linectl.server.finding import connect
from linectl.server.line_server import LineServer
from linectl.server.places import store_path
from linectl.server.serving import served
from linectl.server.simulation.simulated import serve
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.rig import Rig
from linectl.store.reader import StoreReader

PROBE = "bath.temperature"
NAOH = "bath.naoh"
OFFSET = Record(
    line="simulated",
    tag=PROBE,
    version=1,
    unit="°C",
    method="comparison",
    by="nobody",
    made="2026-11-23T10:00:00+00:00",
    due="2099-11-23",
    certificate="",
    note="",
    simulated=True,
    curve=Curve((-1.5, 1.0), 61.5, 61.5),
    budget=Budget(0.02, 0.01, 0.0, 0.0003, 0.0224),
    r_squared=None,
    points=(CalPoint(60.0, 0.02, 61.5),),
)
LONG = """kind: experiment
name: long
question: Does it stay?
line: simulated
zone: bath
factors: {temperature_c: [60], naoh_pct: [0], glue: [permanent]}
replicates: 1
bottles_per_glue: 1
order: {randomised: true, seed: 1}
soak: {cap_s: 36000, check_s: 60}
stabilisation: {band_c: 1.0, hold_s: 20, within_s: 3000}
observation: camera
decision: {removal: 0.9, confidence: 0.9, soak_s: 120, temperatures_c: [60], naoh_pct: [0]}
"""


@dataclass
class Site:
    """A served line of one's own, whose probe reads 1.5 K too high."""

    folder: Path
    server: LineServer
    rig: Rig

    @property
    def file(self) -> Path:
        return self.folder / "line.yaml"

    async def ask(self, op: str, reason: str = "", **args: Any) -> Any:
        def asked() -> Any:
            with connect(self.folder, operator="anne") as caller:
                return caller.ask(op, args, reason=reason)

        return await asyncio.to_thread(asked)

    async def shows(self, name: str = PROBE) -> float:
        return float((await self.server.line.read(name)).value or 0.0)

    async def off(self) -> float:
        """Return by how much the probe shows too much, in K: the bath cools meanwhile."""
        shown = await self.shows()
        return shown - self.rig.twin.plant.state.temperature_c

    async def linectl(self, *words: str, line: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LINECTL_LANG": "en", "LINECTL_OPERATOR": "anne"}
        command = [sys.executable, "-m", "linectl", "cal", *words, "--data", str(self.folder)]
        command += ["--line", line] if line else []  # else it is the one that is served
        return await asyncio.to_thread(
            subprocess.run, command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120
        )


@asynccontextmanager
async def site(folder: Path, *, real: bool = False) -> AsyncIterator[Site]:
    text = find_file("simulated.yaml").read_text(encoding="utf-8")
    text = text.replace("simulated: true", "simulated: false") if real else text
    (folder / "line.yaml").write_text(text, encoding="utf-8")
    definition, clock = load_line(folder / "line.yaml"), Clock(speed=20.0)
    initial = {"bath.temperature": 60.0, "bath.naoh": 2.0}
    async with serve(definition, clock, seed=3, wires=False, initial=initial) as up:
        faults = FaultEngine(up.rig, clock, machines=machines_of(definition))
        file = store_path(definition, folder)
        async with (
            faults,
            LineServer(up.definition, clock, file, boot="b", links=up.links, records=True, holder="Zoé") as server,
            served(server, operator="Zoé", data=folder),
        ):
            faults.add(FaultOrder("sensor_offset", PROBE, values={"by": 1.5}))
            await faults.settled()
            await server.line.read(PROBE)
            yield Site(folder, server, up.rig)


async def test_what_is_kept_through_the_server_corrects_its_readings_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        assert await at.off() == pytest.approx(1.5, abs=0.5)
        factor = replace(OFFSET, tag=NAOH, unit="%", curve=Curve((0.0, 0.5), 2.0, 2.0))
        before, hash_before = await at.shows(NAOH), at.server.definition.calibration_hash
        for record in (OFFSET, factor):
            told = await at.ask("calibrate", "yearly", record=record_text(record))
            assert (told["version"], told["active"]) == (1, True)
        assert await at.off() == pytest.approx(0.0, abs=0.5)
        assert await at.shows(NAOH) == pytest.approx(0.5 * before, rel=0.05)
        raw = await at.ask("calibration_read", tag=PROBE)
        assert raw["value"] == pytest.approx(61.5, abs=0.5)
        assert at.server.definition.calibration_hash not in {"", hash_before}
        assert at.server.definition.calibration_hash == load_line(at.file).calibration_hash
        await at.ask("calibration_activate", tag=PROBE, version=0)
        assert await at.off() == pytest.approx(1.5, abs=0.5)
        assert await at.ask("calibration_activate", tag=PROBE, version=1) == {"tag": PROBE, "old": 0, "new": 1}
        assert await at.off() == pytest.approx(0.0, abs=0.5)
    entries = list(StoreReader(store_path(load_line(at.file), tmp_path)).audit())
    acts = [(each.actor, each.action, each.target) for each in entries if each.action in {"calibrate", "activate"}]
    assert acts[:2] == [("anne", "calibrate", PROBE), ("anne", "activate", PROBE)]
    assert len(acts) == 6


async def test_a_record_that_does_not_fit_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        for record, code in (
            (replace(OFFSET, unit="K"), "E-CAL-005"),
            (replace(OFFSET, line="other"), "E-CAL-005"),
            (replace(OFFSET, tag="bath.setpoint"), "E-CAL-005"),
            (replace(OFFSET, tag="bath.nothing"), "E-CFG-001"),
            (replace(OFFSET, curve=Curve((0.0, -1.0), 0.0, 1.0)), "E-CFG-001"),
        ):
            with pytest.raises((Refused, ConfigError)) as caught:
                await at.ask("calibrate", record=record_text(record))
            assert caught.value.code == code
        with pytest.raises(ConfigError):
            await at.ask("calibrate", record="kind: [")
        with pytest.raises(Refused) as caught:
            await at.ask("calibration_activate", tag=PROBE, version=4)
        assert caught.value.code == "E-CAL-006"
        assert await at.off() == pytest.approx(1.5, abs=0.5)
    assert not (tmp_path / "calibrations").exists()


async def test_while_a_run_is_under_way_nothing_is_changed(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        experiment = load_experiment_text(SourceText("long.yaml", LONG, "0" * 64))
        run = asyncio.create_task(at.server.run(experiment, operator="Zoé"))
        while not at.server.run_id:
            await asyncio.sleep(0.05)
        for op, args in (
            ("calibration_ready", {"tag": PROBE}),
            ("calibrate", {"record": record_text(OFFSET)}),
            ("calibration_activate", {"tag": PROBE, "version": 0}),
        ):
            with pytest.raises(Refused) as caught:
                await at.ask(op, **args)
            assert caught.value.code == "E-CAL-013"
        pinned = at.server.definition.calibration_hash
        at.server.recalibrate(replace(at.server.definition, calibration_hash="f" * 64))
        assert at.server.definition.calibration_hash == pinned  # it waits for the end of the run
        at.server.abort()
        await run
        assert at.server.definition.calibration_hash == "f" * 64
    assert not (tmp_path / "calibrations").exists()


async def test_the_wizard_reads_and_keeps_through_whoever_serves_the_line(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        truth = at.rig.twin.plant.state.temperature_c
        ended = await at.linectl("run", PROBE, "--points", f"{truth:.2f}±0,05", "--drift", "1", "--yes", "--json")
        assert ended.returncode == 0, ended.stderr
        data = json.loads(ended.stdout)["data"]
        assert (data["version"], data["active"], data["points"][0]["count"] >= 10) == (1, True, True)
        assert data["curve"]["coefficients"][0] == pytest.approx(-1.5, abs=0.5)
        assert await at.off() == pytest.approx(0.0, abs=0.5)
        again = await at.linectl("run", PROBE, "--points", "60±0,05=60", "--yes", "--json")
        second = json.loads(again.stdout)["data"]["curve"]["coefficients"]
        assert second == pytest.approx(data["curve"]["coefficients"])  # what is shown now was taken back first
        chosen = await at.linectl("activate", PROBE, "0", "--yes")
        assert (chosen.returncode, chosen.stderr) == (0, "")
        assert await at.off() == pytest.approx(1.5, abs=0.5)


async def test_a_line_of_another_file_of_the_same_name_is_not_meant(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        ended = await at.linectl("run", PROBE, "--points", "60±0,05=61", "--yes", line="simulated")
        assert (ended.returncode, "E-CAL-014" in ended.stderr) == (6, True)
    assert not (tmp_path / "calibrations").exists()


async def test_a_real_line_served_on_a_simulated_plant_keeps_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, real=True) as at:
        ended = await at.linectl("run", PROBE, "--points", "60±0,05=61", "--yes", "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["data"]["kept"] is False
    assert not (tmp_path / "calibrations").exists()

"""A sensor that is off, calibrated on the twin: its readings are right again; and without that they stay wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.calibration_records import ACTIVE, load_record, record_file
from linectl.config.files import find_file
from linectl.config.load import load_experiment, load_line
from linectl.config.scenario_file import machines_of
from linectl.errors import DeviceError, Refused, StoreError
from linectl.laws.titration import titrated_naoh_pct
from linectl.laws.water import density_kg_l
from linectl.line.curve_fit import fitted, gain_of
from linectl.line.line import Line
from linectl.line.stability import Criterion, Settled, criterion_for
from linectl.model.calibrations import Calibration, CalPoint, Curve, Record
from linectl.model.faults import FaultOrder
from linectl.model.lines import LineDefinition
from linectl.server.calibrating import Seen, reader_of, sensor_of, settle, uncorrected
from linectl.server.calibration_book import CalibrationBook
from linectl.server.calibration_dates import due_dates, overdue, refuse_overdue
from linectl.server.line_server import LineServer
from linectl.server.simulation.simulated import SimulatedLine, serve
from linectl.sim.bath.physics import naoh_pct
from linectl.sim.faults.engine import FaultEngine
from linectl.store.file import FileLock
from linectl.store.reader import StoreReader

PROBE = "bath.temperature"
NAOH = "bath.naoh"
TODAY = date(2026, 11, 23)


def site_line(folder: Path) -> Path:
    """Write a line of one's own, beside which calibrations are kept."""
    text = find_file("simulated.yaml").read_text(encoding="utf-8")
    (folder / "line.yaml").write_text(text, encoding="utf-8")
    return folder / "line.yaml"


@dataclass
class Laboratory:
    """A rig in memory and in virtual time that stays up from one measurement to the next, and its line's file."""

    runner: asyncio.Runner
    file: Path
    stack: AsyncExitStack
    clock: Clock
    up: SimulatedLine
    faults: FaultEngine

    @property
    def definition(self) -> LineDefinition:
        return load_line(self.file)

    @property
    def truth_c(self) -> float:
        self.up.rig.advance()
        return self.up.rig.twin.plant.state.temperature_c

    @property
    def truth_naoh(self) -> float:
        self.up.rig.advance()
        return naoh_pct(self.up.rig.twin.plant.state)

    def lie(self, kind: str, target: str, **values: float) -> None:
        async def begin() -> None:
            self.faults.add(FaultOrder(kind, target, values=values))
            await self.faults.settled()

        self.runner.run(begin())

    def measure(self, name: str, criterion: Criterion | None = None) -> Settled:
        return self.runner.run(self._settled(uncorrected(self.definition, name), name, criterion))

    def shown(self, name: str) -> Settled:
        """Return what the line shows of `name`, as its file stands now."""
        return self.runner.run(self._settled(self.definition, name, None))

    async def _settled(self, definition: LineDefinition, name: str, criterion: Criterion | None) -> Settled:
        said: list[Seen] = []
        wanted = criterion or criterion_for(definition.tags[name])
        async with Line(definition, self.clock, links=self.up.rig.links(), boot="b", observe=True) as line:
            found = await settle(reader_of(line, name), self.clock, wanted, said.append, name)
        assert said
        return found

    def warm_to(self, temperature_c: float) -> None:
        """Let the bath be at another temperature at once: the probe is moved into another reference bath."""
        self.up.rig.advance()
        plant = self.up.rig.twin.plant
        plant.state = plant.state._replace(temperature_c=temperature_c, probe_c=temperature_c)

    def book(self) -> CalibrationBook:
        return CalibrationBook(self.definition, self.file.parent / "data")

    def keep(self, record: Record, *, activate: bool = True) -> Record:
        return asyncio.run(self.book().keep(record, who="Zoé", why="yearly", activate=activate))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        file = site_line(tmp_path)

        async def begin() -> Laboratory:
            stack, clock, definition = AsyncExitStack(), Clock(start_ns=VIRTUAL_START_NS), load_line(file)
            initial = {"bath.temperature": 60.0, "bath.naoh": 2.0}
            up = await stack.enter_async_context(serve(definition, clock, seed=3, wires=False, initial=initial))
            faults = FaultEngine(up.rig, clock, machines=machines_of(definition))
            await stack.enter_async_context(faults)
            return Laboratory(runner, file, stack, clock, up, faults)

        laboratory = runner.run(begin())
        try:
            yield laboratory
        finally:
            runner.run(laboratory.stack.aclose())


def record_of(lab: Laboratory, tag: str, curve_points: tuple[CalPoint, ...], *, degree: int = 0) -> Record:
    found = fitted(curve_points, degree, resolution=0.001)
    return Record(
        line="simulated",
        tag=tag,
        version=1,
        unit=lab.definition.tags[tag].unit,
        method="comparison",
        by="Zoé",
        made="2026-11-23T10:00:00+00:00",
        due="2027-11-23",
        certificate="PT100 1234",
        note="",
        simulated=True,
        curve=found.curve,
        budget=found.budget,
        r_squared=found.r_squared,
        points=curve_points,
    )


def point(lab: Laboratory, u: float = 0.02) -> CalPoint:
    settled = lab.measure(PROBE)
    return CalPoint(lab.truth_c, u, settled.mean, settled.scatter, settled.count, settled.effective)


def test_a_probe_that_is_off_reads_right_again_once_it_is_calibrated(lab: Laboratory) -> None:
    lab.lie("sensor_offset", PROBE, by=1.5)
    kept = lab.keep(record_of(lab, PROBE, (point(lab),)))
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c, abs=3 * kept.budget.u)
    lab.warm_to(40.0)
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c, abs=0.1)


def test_without_it_or_with_that_of_another_sensor_it_stays_wrong(lab: Laboratory) -> None:
    lab.lie("sensor_offset", PROBE, by=1.5)
    measured = point(lab)
    lab.keep(record_of(lab, PROBE, (measured,)), activate=False)
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c + 1.5, abs=0.1)
    lab.keep(record_of(lab, "bath.controller_temperature", (measured,)))
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c + 1.5, abs=0.1)
    asyncio.run(lab.book().activate(PROBE, 1, who="Zoé"))
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c, abs=0.1)
    asyncio.run(lab.book().activate(PROBE, 0, who="Zoé"))
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c + 1.5, abs=0.1)


def test_three_points_take_an_offset_out_at_every_temperature(lab: Laboratory) -> None:
    lab.lie("sensor_offset", PROBE, by=-0.8)
    points = []
    for temperature_c in (20.0, 45.0, 70.0):
        lab.warm_to(temperature_c)
        points.append(point(lab))
    kept = lab.keep(record_of(lab, PROBE, tuple(points), degree=1))
    for temperature_c in (30.0, 60.0):
        lab.warm_to(temperature_c)
        assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c, abs=0.1)
    assert kept.r_squared is not None
    assert kept.r_squared > 0.9999


def test_a_second_calibration_starts_from_the_sensor_and_not_from_the_first(lab: Laboratory) -> None:
    lab.lie("sensor_offset", PROBE, by=1.5)
    lab.keep(record_of(lab, PROBE, (point(lab),)))
    lab.lie("sensor_offset", PROBE, by=0.5)  # the offsets add up
    kept = lab.keep(record_of(lab, PROBE, (point(lab),)))
    assert kept.version == 2
    assert kept.curve.coefficients[0] == pytest.approx(-2.0, abs=0.1)
    assert lab.shown(PROBE).mean == pytest.approx(lab.truth_c, abs=0.1)


def test_a_titration_takes_out_what_carbonate_adds_to_the_conductivity(lab: Laboratory) -> None:
    plant = lab.up.rig.twin.plant
    lab.up.rig.advance()
    plant.state = plant.state._replace(carbonate_kg=0.004 * plant.state.water_kg)
    lab.runner.run(lab.clock.sleep(60.0))
    assert lab.shown(NAOH).mean > 1.05 * lab.truth_naoh
    free = lab.truth_naoh
    acid_ml = 10.0 * free / 100.0 * density_kg_l(free, 20.0) * 1000.0 / 39.997 / 0.1
    content = titrated_naoh_pct(10.0, acid_ml + 4.0, 0.1, total_ml=acid_ml + 8.0)
    settled = lab.measure(NAOH)
    measured = CalPoint(content, 0.01, settled.mean, settled.scatter, settled.count, settled.effective)
    found = gain_of(measured, resolution=0.0)
    record = record_of(lab, NAOH, (measured,))
    lab.keep(replace(record, method="titration", curve=found.curve, budget=found.budget, due="2026-11-30"))
    assert lab.shown(NAOH).mean == pytest.approx(lab.truth_naoh, rel=0.01)


def test_an_unsteady_probe_and_a_dead_one_are_refused_in_time(lab: Laboratory) -> None:
    lab.lie("sensor_drift", PROBE, per_h=60.0)
    with pytest.raises(Refused, match="stable") as caught:
        lab.measure(PROBE)
    assert caught.value.code == "E-CAL-004"
    lab.lie("sensor_dead", PROBE)
    began_s = lab.clock.process_s()
    with pytest.raises(DeviceError) as dead:
        lab.measure(PROBE, Criterion(0.1, 0.3, within_s=120.0))
    assert dead.value.code == "E-CAL-012"
    assert 120.0 <= lab.clock.process_s() - began_s < 140.0


def test_each_act_is_in_the_audit_trail(lab: Laboratory) -> None:
    measured = point(lab)
    first = lab.keep(record_of(lab, PROBE, (measured,)))
    second = lab.keep(record_of(lab, PROBE, (measured,)), activate=False)
    asyncio.run(lab.book().activate(PROBE, 2, who="Anne", why="second opinion"))
    reader = StoreReader(lab.book().store_file)
    assert reader.audit_broken() is None
    entries = list(reader.audit())
    assert [(each.actor, each.action, each.target, each.reason) for each in entries] == [
        ("Zoé", "calibrate", PROBE, "yearly"),
        ("Zoé", "activate", PROBE, "yearly"),
        ("Zoé", "calibrate", PROBE, "yearly"),
        ("Anne", "activate", PROBE, "second opinion"),
    ]
    assert json.loads(entries[3].old or "null") == {"version": 1, "sha256": first.sha256}
    assert json.loads(entries[3].new or "null") == {"version": 2, "sha256": second.sha256}


def test_records_are_never_overwritten_and_nothing_half_written_is_left(lab: Laboratory) -> None:
    measured = point(lab)
    kept = [lab.keep(record_of(lab, PROBE, (measured,))) for _ in range(3)]
    folder = lab.book().folder
    assert [each.version for each in kept] == [1, 2, 3]
    assert [load_record(record_file(folder, PROBE, each.version)) for each in kept] == kept
    assert sorted(each.name for each in folder.rglob("*") if each.is_file()) == [
        "0001.yaml",
        "0002.yaml",
        "0003.yaml",
        ACTIVE,
    ]


def test_what_cannot_be_chosen_is_refused_and_changes_nothing(lab: Laboratory) -> None:
    lab.keep(record_of(lab, PROBE, (point(lab),)))
    before = (lab.book().folder / ACTIVE).read_bytes()
    for version, code in ((1, "E-CAL-008"), (7, "E-CAL-006")):
        with pytest.raises(Refused) as caught:
            asyncio.run(lab.book().activate(PROBE, version, who="Zoé"))
        assert caught.value.code == code
    with pytest.raises(Refused) as none:
        asyncio.run(lab.book().activate(NAOH, 0, who="Zoé"))
    assert none.value.code == "E-CAL-008"
    assert (lab.book().folder / ACTIVE).read_bytes() == before


def test_while_another_process_has_the_line_nothing_is_kept(lab: Laboratory) -> None:
    record = record_of(lab, PROBE, (point(lab),))
    book = lab.book()
    book.store_file.parent.mkdir(parents=True)
    lock = FileLock(book.store_file)
    lock.take()
    try:
        for act in (book.must_be_writable, lambda: asyncio.run(book.keep(record, who="Zoé", activate=True))):
            with pytest.raises(Refused, match="process"):
                act()
    finally:
        lock.release()
    assert not book.folder.exists()


def test_a_full_disk_leaves_the_old_one_active(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = point(lab)
    lab.keep(record_of(lab, PROBE, (measured,)))
    before = lab.definition.calibration_hash

    def full(_self: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match="No space") as caught:
        lab.keep(record_of(lab, PROBE, (measured,)))
    assert caught.value.code == "E-CAL-009"
    monkeypatch.undo()
    assert lab.definition.calibration_hash == before
    assert [each.action for each in StoreReader(lab.book().store_file).audit()][-1] == "activate_failed"
    assert not list(lab.book().folder.rglob("*.part"))


def test_linectls_own_lines_keep_no_calibrations() -> None:
    with pytest.raises(Refused) as caught:
        CalibrationBook(load_line(find_file("simulated.yaml")), None).must_be_writable()
    assert caught.value.code == "E-CAL-007"


@pytest.mark.parametrize("tag", ["bath.setpoint", "bath.state", "bath.lid_closed", "bath.plc_counter"])
def test_what_is_not_measured_cannot_be_calibrated(tag: str) -> None:
    with pytest.raises(Refused) as caught:
        sensor_of(load_line(find_file("simulated.yaml")), tag)
    assert caught.value.code == "E-CAL-005"


# dates and the policy of the line


def dated(policy: str, due: str) -> LineDefinition:
    line = load_line(find_file("simulated.yaml"))
    known = Calibration(PROBE, 0.1, "°C", "2025-01-01", due)
    return replace(line, calibrations={PROBE: known}, calibration_policy=policy)


def test_a_calibration_holds_to_the_end_of_its_day() -> None:
    (due,) = due_dates(dated("warn", "2026-11-23"), TODAY)
    assert (due.days, due.is_over) == (0, False)
    (late,) = due_dates(dated("warn", "2026-11-22"), TODAY)
    assert (late.days, late.is_over) == (-1, True)


def test_the_policy_says_what_an_overdue_one_does() -> None:
    assert refuse_overdue(dated("block", "2026-11-23"), TODAY) == ""
    assert PROBE in refuse_overdue(dated("warn", "2026-11-22"), TODAY)
    assert overdue(dated("ignore", "2026-11-22"), TODAY) == []
    with pytest.raises(Refused, match=PROBE) as caught:
        refuse_overdue(dated("block", "2026-11-22"), TODAY)
    assert (caught.value.code, caught.value.exit_code) == ("E-CAL-001", 6)


def test_no_face_runs_a_line_whose_calibration_is_overdue(tmp_path: Path) -> None:
    experiment = load_experiment(find_file("glue_screening.yaml", folder="experiments"))

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        line = dated("block", "2025-12-31")
        async with (
            serve(line, clock, seed=1, wires=False) as up,
            LineServer(up.definition, clock, tmp_path / "l.db", boot="b", links=up.links) as server,
        ):
            with pytest.raises(Refused) as caught:
                await server.run(experiment, operator="Zoé")
            assert caught.value.code == "E-CAL-001"

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert StoreReader(tmp_path / "l.db").runs() == []


def test_a_curve_can_be_taken_back_from_what_a_run_has_stored() -> None:
    curve = Curve((-1.5, 1.01), 10.0, 80.0)
    assert curve.before(curve(61.5)) == pytest.approx(61.5)

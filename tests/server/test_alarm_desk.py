"""The alarm desk on a store of its own: what people do, what is kept of it, and what outlives the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.alarm_file import find_alarms
from linectl.config.load import load_alarms
from linectl.errors import Refused
from linectl.model.alarms import AlarmState
from linectl.model.people import Role, Who
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout, Value, bad
from linectl.model.records import Event
from linectl.server.alarming.desk import AlarmDesk
from linectl.server.alarming.operations import (
    Acknowledge,
    Comment,
    FiguresOf,
    History,
    ListAlarms,
    OutOfService,
    Reset,
    Shelve,
    Unshelve,
)
from linectl.store.reader import StoreReader
from linectl.store.store import Store, open_store
from tests.faults.benches import SIMULATED

ANNA = Who("anna", "cli", Role.OPERATE)
RULES = load_alarms(find_alarms("bath"))
CALM: dict[str, Value] = {
    "bath.temperature": 60.0,
    "bath.controller_temperature": 60.0,
    "bath.alarm_word": 0,
    "bath.level": 100.0,
    "bath.conductivity": 70.0,
    "bath.naoh": 1.5,
    "bath.lid_closed": True,
}


class Line:
    """Scans by hand, once a second, into a desk that keeps its record in a store."""

    def __init__(self, clock: Clock, store: Store, desk: AlarmDesk) -> None:
        self.clock = clock
        self.store = store
        self.desk = desk
        self._values: dict[str, Value | None] = dict(CALM)

    async def run(self, seconds: float, **given: Value | None) -> None:
        """Scan for a while; `bath_level=10` gives bath.level, None makes it BAD."""
        self._values |= {name.replace("_", ".", 1): value for name, value in given.items()}
        for _ in range(round(seconds)):
            await self.clock.sleep(1.0)
            self.desk.scan(self._scan())

    def _scan(self) -> Scan:
        readings = tuple(
            Reading(tag, value, GOOD if value is not None else bad("sensor_failure"), 0, 0, 0)
            for tag, value in self._values.items()
        )
        return Scan(ScanLayout("bath", 1.0, tuple(self._values)), "test", 0, 0, 0, readings)

    def state(self, name: str) -> AlarmState:
        return self.desk.state.entry(name).state


def kept_in(file: Path) -> list[Event]:
    return StoreReader(file).alarm_events(2000) if file.exists() else []


@asynccontextmanager
async def line(file: Path, start_s: float = 0.0) -> AsyncIterator[Line]:
    clock = Clock(start_ns=VIRTUAL_START_NS + round(start_s * 1e9))
    events = kept_in(file)
    store = open_store(file, line="simulated", virtual=True, tags=SIMULATED.tags)
    await store.open()
    try:
        desk = AlarmDesk(RULES, clock, store.log_event, tags=SIMULATED.tags, keep=store.add_event, events=events)
        yield Line(clock, store, desk)
    finally:
        await store.close()


def played(act: Callable[[Line], Awaitable[None]], file: Path, start_s: float = 0.0) -> None:
    async def main() -> None:
        async with line(file, start_s) as bench:
            await act(bench)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "line.db"


def by_id(section: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in section["list"]}


def test_the_section_is_as_faces_expect_it(file: Path) -> None:
    async def act(bench: Line) -> None:
        assert bench.desk.section() == {
            "counts": dict.fromkeys(("1", "2", "3", "unacknowledged", "shelved", "suppressed", "out_of_service"), 0),
            "flood": False,
            "first_out": "",
            "list": [],
        }
        await bench.run(20, bath_temperature=93.5)
        section = bench.desk.section()
        assert (section["counts"]["1"], section["counts"]["2"], section["counts"]["unacknowledged"]) == (1, 0, 1)
        assert section["first_out"] == "bath_temperature_hihi"
        row = by_id(section)["bath_temperature_hihi"]
        assert (row["tag"], row["condition"], row["priority"]) == ("bath.temperature", "HIHI", 1)
        assert (row["state"], row["value"], row["limit"], row["unit"]) == ("unacknowledged", 93.5, 92.0, "°C")
        assert row["since"] == "2026-01-01T00:00:01.000+00:00"
        assert row["message"] == "The bath is above 92 °C."
        assert row["cause"]
        assert row["action"]
        assert section["counts"]["suppressed"] == 1
        assert by_id(section)["bath_temperature_hi"]["state"] == "suppressed"
        every = await bench.desk.listed(ListAlarms(all=True), ANNA)
        assert len(every["list"]) == len(RULES.alarms)

    played(act, file)


def test_people_acknowledge_shelve_and_comment_and_the_trail_says_who_and_why(file: Path) -> None:
    async def act(bench: Line) -> None:
        desk = bench.desk
        told: list[int] = []
        desk.on_change(lambda: told.append(1))
        await bench.run(30, bath_temperature=93.5, bath_conductivity=None)
        answer = await desk.ack(Acknowledge(("bath_temperature_hihi",), comment="main switch is off"), ANNA)
        assert answer["alarms"][0]["acknowledged_by"] == "anna"
        await desk.shelve(Shelve(("conductivity_bad",), 1800.0, "cell is being cleaned"), ANNA)
        row = by_id(desk.section())["conductivity_bad"]
        assert (row["state"], row["reason"], row["hidden_by"]) == ("shelved", "cell is being cleaned", "anna")
        assert row["shelved_until"] == "2026-01-01T00:30:30.000+00:00"
        await desk.comment(Comment("conductivity_bad", "new cell ordered"), ANNA)
        assert by_id(desk.section())["conductivity_bad"]["comments"][0]["text"] == "new cell ordered"
        await desk.unshelve(Unshelve(("conductivity_bad",)), ANNA)
        assert bench.state("conductivity_bad") is AlarmState.UNACKNOWLEDGED
        await desk.ack(Acknowledge(all_low=True), ANNA)
        assert bench.state("conductivity_bad") is AlarmState.ACKNOWLEDGED
        happened = (await desk.history(History(id="conductivity_bad"), ANNA))["history"]
        assert [each["event"] for each in happened] == [
            "acknowledge", "raise", "unshelve", "comment", "shelve", "raise",
        ]  # fmt: skip
        assert len(told) >= 6

    played(act, file)
    reader = StoreReader(file)
    acts = [(each.actor, each.action, each.target, each.reason) for each in reader.audit()]
    assert acts == [
        ("anna", "alarm_acknowledge", "bath_temperature_hihi", "main switch is off"),
        ("anna", "alarm_shelve", "conductivity_bad", "cell is being cleaned"),
        ("anna", "alarm_comment", "conductivity_bad", ""),
        ("anna", "alarm_unshelve", "conductivity_bad", ""),
        ("anna", "alarm_acknowledge", "conductivity_bad", ""),
    ]
    assert reader.audit_broken() is None
    assert len(reader.events_of("alarm")) == 8


def test_what_makes_no_sense_is_refused_whole(file: Path) -> None:
    async def act(bench: Line) -> None:
        desk = bench.desk
        await bench.run(30, bath_temperature=93.5)
        hot = "bath_temperature_hihi"
        refusals = (
            (desk.ack(Acknowledge((hot, "nothing")), ANNA), "E-ALM-001"),
            (desk.ack(Acknowledge((hot, "lid_open")), ANNA), "E-ALM-002"),
            (desk.ack(Acknowledge(), ANNA), "E-ALM-001"),
            (desk.reset(Reset((hot,)), ANNA), "E-ALM-002"),
            (desk.unshelve(Unshelve((hot,)), ANNA), "E-ALM-002"),
            (desk.shelve(Shelve((hot,), 600.0, "  "), ANNA), "E-ALM-003"),
            (desk.shelve(Shelve((hot,), 8 * 3600.0 + 1.0, "why"), ANNA), "E-ALM-004"),
            (desk.shelve(Shelve((hot,), float("nan"), "why"), ANNA), "E-ALM-004"),
            (desk.out_of_service(OutOfService(hot), ANNA), "E-ALM-003"),
            (desk.out_of_service(OutOfService(hot, back=True), ANNA), "E-ALM-002"),
            (desk.comment(Comment(hot, " "), ANNA), "E-ALM-003"),
            (desk.history(History(id="nothing"), ANNA), "E-ALM-001"),
        )
        for asked, code in refusals:
            with pytest.raises(Refused) as caught:
                await asked
            assert caught.value.code == code
        assert bench.state(hot) is AlarmState.UNACKNOWLEDGED  # the sound half of a refused request too
        assert (await desk.ack(Acknowledge(all_low=True), ANNA))["alarms"] == []

    played(act, file)
    assert list(StoreReader(file).audit()) == []


def test_shelved_unacknowledged_and_out_of_service_outlive_the_server(file: Path) -> None:
    async def before(bench: Line) -> None:
        await bench.run(30, bath_temperature=93.5, bath_conductivity=None, bath_level=106.0)
        await bench.desk.shelve(Shelve(("conductivity_bad",), 1800.0, "cleaning"), ANNA)
        await bench.desk.ack(Acknowledge(("level_high",)), ANNA)
        await bench.desk.out_of_service(OutOfService("lid_open", "switch is out of place"), ANNA)
        await bench.desk.comment(Comment("lid_open", "part ordered"), ANNA)
        await bench.run(20, bath_temperature=60.0)
        assert bench.state("bath_temperature_hihi") is AlarmState.RTN_UNACKNOWLEDGED

    async def after(bench: Line) -> None:
        first = by_id(bench.desk.section())
        assert first["level_high"]["acknowledged_by"] == "anna"
        await bench.run(5, bath_conductivity=None, bath_level=106.0)
        rows = by_id(bench.desk.section())
        assert rows["bath_temperature_hihi"]["state"] == "rtn_unacknowledged"
        assert rows["level_high"]["state"] == "acknowledged"
        assert (rows["lid_open"]["state"], rows["lid_open"]["comments"][0]["text"]) == (
            "out_of_service", "part ordered",
        )  # fmt: skip
        assert rows["conductivity_bad"]["shelved_until"] == "2026-01-01T00:30:30.000+00:00"
        assert not [
            each for each in (await bench.desk.history(History(), ANNA))["history"] if each["time"] > "2026-01-01T00:10"
        ]
        await bench.run(1300)
        assert bench.state("conductivity_bad") is AlarmState.UNACKNOWLEDGED  # its time is over

    played(before, file)
    played(after, file, start_s=600.0)


def test_what_lies_far_back_is_still_found(file: Path) -> None:
    async def before(bench: Line) -> None:
        await bench.desk.out_of_service(OutOfService("lid_open", "switch"), ANNA)
        await bench.run(30, bath_temperature=93.5)
        for k in range(6):
            await bench.desk.comment(Comment("bath_temperature_hihi", str(k)), ANNA)

    played(before, file)
    events = StoreReader(file).alarm_events(3)
    assert [each.data["event"] for each in events] == ["remove", "raise", "comment", "comment", "comment"]


def test_a_store_without_alarms_and_entries_of_another_line_do_no_harm(file: Path) -> None:
    async def act(bench: Line) -> None:
        await bench.run(30, bath_temperature=93.5)

    played(act, file)
    event = StoreReader(file).alarm_events(10)[0]
    strange = replace(event, data={"alarm": "lid_open", "entry": {"state": "odd"}})
    gone = replace(event, data={**event.data, "alarm": "no_more"})

    async def restart(_bench: Line) -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        desk = AlarmDesk(RULES, clock, lambda _event: None, events=[strange, gone, event])
        assert desk.standing == ("bath_temperature_hihi",)
        assert desk.state.first_out == "bath_temperature_hihi"
        assert len((await desk.history(History(), ANNA))["history"]) == 3

    played(restart, file)


def test_figures_of_the_last_hours(file: Path) -> None:
    async def act(bench: Line) -> None:
        for _ in range(3):
            await bench.run(30, bath_level=106.0)
            await bench.run(30, bath_level=100.0)
        await bench.run(600, bath_temperature=93.5)
        found = await bench.desk.figures(FiguresOf(hours=1.0), ANNA)
        assert (found["announced"], found["peak_10_min"]) == (5, 5)
        assert found["most_frequent"][0] == ("level_high", 3)
        (name, stands_s), (other, _) = found["standing"]
        assert (name, other) == ("bath_temperature_hihi", "probes_differ")
        assert 595 <= stands_s <= 600

    played(act, file)


def test_a_calm_scan_is_not_judged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []

    async def act(bench: Line) -> None:
        await bench.run(3)
        step = bench.desk._step

        def counted(names: Iterable[str] | None, now_s: float) -> None:
            judged.append(1)
            step(names, now_s)

        monkeypatch.setattr(bench.desk, "_step", counted)
        for k in range(100):
            await bench.run(1, bath_temperature=60.0 + k / 50, bath_level=99.0 + k / 100)
        assert 98 <= len(judged) <= 100  # the probes are compared with each other at each value
        for k in range(100):
            await bench.run(1, bath_level=99.0 + k / 100, bath_naoh=1.5 + k / 1000)
        assert len(judged) <= 101

    played(act, file)

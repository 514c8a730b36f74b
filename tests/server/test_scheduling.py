"""A run handed in for later: started at its time, checked again then, taken back, and lost with its server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.run_detached import waited
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError, Refused, WrongUse
from linectl.model.people import Role, Who
from linectl.model.records import Event
from linectl.server.api.operations import handlers
from linectl.server.line_server import LineServer
from linectl.server.line_state import sections_of
from linectl.server.run_ops import RunOps
from linectl.server.scheduling import KIND, lost_of
from linectl.server.simulation.simulated import serve
from linectl.server.submitting import Submitted
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S

ONE_BATH = """kind: experiment
name: short
question: Does it run?
line: simulated
zone: bath
factors: {temperature_c: [46], naoh_pct: [0], glue: [casein]}
replicates: 1
bottles_per_glue: 1
order: {randomised: true, seed: 1}
soak: {cap_s: 60, check_s: 15}
stabilisation: {band_c: 1.0, hold_s: 20, within_s: 3000}
stirrer_pct: 50
glass: {tau_glass_s: 15, bottle_in_c: 20}
observation: camera
on_sensor_fault: continue
decision: {removal: 0.9, confidence: 0.9, soak_s: 60, temperatures_c: [46], naoh_pct: [0]}
"""
AT = "2026-01-01 00:20Z"
AT_NS = VIRTUAL_START_NS + 1200 * NS_PER_S


class Desk:
    """A held line and what may be asked of it, as its clients do."""

    def __init__(self, server: LineServer, submitted: Submitted, folder: Path) -> None:
        self.server, self.submitted, self.folder = server, submitted, folder
        self._ops = handlers((*submitted.operations(), *RunOps(server).operations()))
        self._sections = sections_of(server, operator="Zoé", since_ns=0)
        self.file = self.written(ONE_BATH)

    async def ask(self, op: str, **args: Any) -> Any:
        from linectl.server.api.listener import Request

        who = Who("Léa", "cli", Role.OPERATE)
        return await self._ops[op](Request(op, args, who, None))  # type: ignore[arg-type]  # nobody listens

    @property
    def scheduled(self) -> Any:
        return self._sections.make(("scheduled",))["scheduled"]

    def written(self, text: str) -> str:
        file = self.folder / "short.yaml"
        file.write_text(text, encoding="utf-8")
        return str(file)

    async def put(self, at: str = AT) -> Any:
        return await self.ask("run_schedule", file=self.file, at=at)

    def ends(self) -> list[tuple[str, str]]:
        """Return how each run to come ended, and why."""
        events = StoreReader(self.server.store_file).events_of("run_to_come")
        told = [(str(each.data["how"]), str(each.data.get("why", ""))) for each in events]
        return [each for each in told if each[0] != "put"]

    async def stored(self) -> None:
        await self.server.store.add_event(Event(self.server.clock.now_ns(), "note", {"text": "now"}))  # type: ignore[union-attr]


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    clock = Clock(start_ns=VIRTUAL_START_NS)
    definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
    async with (
        serve(definition, clock, seed=1, wires=False) as up,
        LineServer(up.definition, clock, folder / "line.db", boot="b", links=up.links) as server,
        Submitted(server, folder, links=up.links, seed=1) as submitted,
    ):
        yield Desk(server, submitted, folder)


def on_a_line(folder: Path, *acts: Callable[[Desk], Awaitable[None]]) -> None:
    """Carry out each of `acts` on a server of its own, one after the other, over one store."""

    async def main() -> None:
        for act in acts:
            async with desk(folder) as found:
                await act(found)

    run(main())


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main)


def test_a_run_starts_at_its_time_and_not_before(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        told = await desk.put()
        assert told["in_s"] == pytest.approx(1200, abs=60)
        assert (desk.scheduled["state"], desk.scheduled["experiment"]) == ("waiting", "short")
        assert desk.scheduled["at"].startswith("2026-01-01T00:20:00")
        await desk.server.clock.sleep_until(1200 - 30)
        assert not desk.server.is_running
        assert desk.server.line.reading("bath.heater_on").value is not True
        await desk.server.clock.sleep_until(1200 + 5)
        assert desk.server.is_running, desk.scheduled
        outcome = await desk.ask("run_outcome")
        assert outcome["exit_status"] == "success"
        await desk.stored()
        (run,) = StoreReader(desk.server.store_file).runs()
        assert run.operator == "Léa"
        assert abs(run.started_ns - AT_NS) < 5 * NS_PER_S
        assert desk.scheduled is None
        assert desk.ends() == [("started", "")]

    on_a_line(tmp_path, act)


def test_what_cannot_be_run_is_refused_as_it_is_handed_in(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        wrong = tmp_path / "wrong.yaml"
        wrong.write_text(ONE_BATH.replace("[46]", "[400]"), encoding="utf-8")
        with pytest.raises((ConfigError, Refused)):
            await desk.ask("run_schedule", file=str(wrong), at=AT)
        with pytest.raises(ConfigError):
            await desk.ask("run_schedule", file="/none.yaml", at=AT)
        with pytest.raises(WrongUse):
            await desk.put("tomorrow")
        with pytest.raises(Refused, match="has passed"):
            await desk.put("2025-12-31 06:30")
        assert desk.scheduled is None
        await desk.put()
        with pytest.raises(Refused, match=r"handed in by Léa") as caught:
            await desk.put("07:30")
        assert caught.value.code == "E-RUN-010"
        assert "linectl cancel --scheduled" in caught.value.hint

    on_a_line(tmp_path, act)


def test_it_is_checked_again_at_its_time(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        await desk.put()
        desk.written(ONE_BATH.replace("zone: bath", "zone: nowhere"))
        await desk.server.clock.sleep_until(1200 + 5)
        assert not desk.server.is_running
        assert desk.scheduled["state"] == "refused"
        assert "nowhere" in desk.scheduled["why"]
        await desk.stored()
        ((how, why),) = desk.ends()
        assert (how, "nowhere" in why) == ("refused", True)
        desk.written(ONE_BATH)
        await desk.put("2026-01-01 07:30Z")  # another one may be handed in
        assert desk.scheduled["state"] == "waiting"

    on_a_line(tmp_path, act)


def test_a_run_that_is_under_way_then_is_not_disturbed(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        await desk.put("2026-01-01 00:01Z")
        await desk.ask("run_start", file=desk.file)
        await desk.server.clock.sleep_until(65.0)
        assert desk.server.is_running, "the control: it takes longer than that"
        assert "a run is under way" in desk.scheduled["why"]
        back = await desk.ask("run_cancel", scheduled=True)
        assert back["taken_back"]["state"] == "refused"
        assert desk.scheduled is None
        outcome = await desk.ask("run_outcome")
        assert outcome["exit_status"] == "success"

    on_a_line(tmp_path, act)


def test_an_interlock_that_stands_keeps_it_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(desk: Desk) -> None:
        await desk.put()
        assert desk.server.guard is not None
        monkeypatch.setattr(type(desk.server.guard), "standing_text", lambda _self: "the lid is open")
        await desk.server.clock.sleep_until(1200 + 5)
        assert not desk.server.is_running
        assert "the lid is open" in desk.scheduled["why"]

    on_a_line(tmp_path, act)


def test_it_is_taken_back_by_cancel_and_given_up_by_an_abort(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        with pytest.raises(Refused, match="no run is to start"):
            await desk.ask("run_cancel", scheduled=True)
        with pytest.raises(Refused, match="nothing is running"):
            await desk.ask("run_cancel")
        await desk.put()
        assert (await desk.ask("run_cancel", why="no bottles"))["taken_back"]["experiment"] == "short"
        await desk.put()
        desk.server.abort(who="Léa")
        assert desk.scheduled is None
        await desk.server.clock.sleep_until(1200 + 600)
        assert not desk.server.is_running
        await desk.stored()
        assert desk.ends() == [("taken_back", "no bottles"), ("aborted", "")]
        acts = [entry.action for entry in StoreReader(desk.server.store_file).audit()]
        assert [each for each in acts if "schedule" in each] == ["schedule_run", "unschedule_run", "schedule_run"]

    on_a_line(tmp_path, act)


def test_cancel_ends_the_run_under_way_before_one_to_come(tmp_path: Path) -> None:
    async def act(desk: Desk) -> None:
        await desk.put()
        await desk.ask("run_start", file=desk.file)
        assert "taken_back" not in await desk.ask("run_cancel")
        assert (await desk.ask("run_outcome"))["exit_status"] == "abort"
        assert desk.scheduled["state"] == "waiting"

    on_a_line(tmp_path, act)


def test_it_dies_with_its_server_and_the_next_one_says_so_once(tmp_path: Path) -> None:
    async def first(desk: Desk) -> None:
        await desk.put()

    async def second(desk: Desk) -> None:
        assert (desk.scheduled["state"], desk.scheduled["experiment"]) == ("lost", "short")
        await desk.server.clock.sleep_until(1200 + 600)
        assert not desk.server.is_running, "heat never comes on by itself"

    async def third(desk: Desk) -> None:
        assert desk.scheduled is None

    on_a_line(tmp_path, first, second, third)


def test_one_of_a_killed_server_is_told_as_lost_too() -> None:
    told = {"experiment": "short", "file": "/f", "answers": "", "who": "Léa", "at_ns": 9, "asked_ns": 1}
    lost = lost_of(Event(1, KIND, {**told, "how": "put"}))
    assert lost is not None
    assert (lost.experiment, lost.at_ns, lost.who) == ("short", 9, "Léa")
    for how, is_lost in {
        "closed": True,
        "started": False,
        "taken_back": False,
        "refused": False,
        "lost": False,
    }.items():
        assert (lost_of(Event(2, KIND, {**told, "how": how})) is not None) is is_lost
    assert lost_of(None) is None
    assert lost_of(Event(1, KIND, {"how": "put", "experiment": "of another version"})) is None


class Wall:
    """The computer's clock, which somebody sets."""

    def __init__(self) -> None:
        self.off_s = 0.0
        self.began_s = asyncio.get_running_loop().time()

    def __call__(self) -> int:
        return round((asyncio.get_running_loop().time() - self.began_s + self.off_s + 1_000_000) * NS_PER_S)


def test_the_computers_clock_counts_however_it_is_set() -> None:
    async def main() -> None:
        wall = Wall()
        clock, loop = Clock(wall_ns=wall), asyncio.get_running_loop()
        at_ns = wall() + 3600 * NS_PER_S
        began_s = loop.time()
        loop.call_later(600.0, setattr, wall, "off_s", -1800.0)  # put back by half an hour
        await waited(at_ns, clock)
        assert loop.time() - began_s == pytest.approx(5400.0, abs=10.0)
        loop.call_later(600.0, setattr, wall, "off_s", -1560.0)  # forward, but not past it
        began_s, at_ns = loop.time(), wall() + 3600 * NS_PER_S
        await waited(at_ns, clock)
        assert loop.time() - began_s == pytest.approx(3360.0, abs=10.0)
        loop.call_later(600.0, setattr, wall, "off_s", 20_000.0)  # hours past it
        with pytest.raises(Refused, match="went past its time") as caught:
            await waited(wall() + 3600 * NS_PER_S, clock)
        assert caught.value.code == "E-RUN-011"

    run(main())


def test_a_computer_that_slept_past_the_time_starts_nothing() -> None:
    async def main() -> None:
        slept_s = [0.0]
        wall, loop = Wall(), asyncio.get_running_loop()
        clock = Clock(wall_ns=wall, asleep_s=lambda: slept_s[0])

        def sleep(s: float) -> None:
            slept_s[0] += s
            wall.off_s += s

        loop.call_later(600.0, sleep, 1800.0)  # it wakes before the time: the run starts at it
        began_s = loop.time()
        await waited(wall() + 3600 * NS_PER_S, clock)
        assert loop.time() - began_s == pytest.approx(1800.0, abs=10.0)
        loop.call_later(600.0, sleep, 20_000.0)
        began_s = loop.time()
        with pytest.raises(Refused, match="it slept") as caught:
            await waited(wall() + 3600 * NS_PER_S, clock)
        assert caught.value.code == "E-RUN-011"
        assert loop.time() - began_s == pytest.approx(600.0, abs=10.0), "told as it wakes, not hours later"

    run(main())


def test_a_fault_of_the_program_is_told_and_the_next_one_may_be_handed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(desk: Desk) -> None:
        await desk.put()

        def broken(_self: object) -> str:
            raise KeyError("heater")

        with monkeypatch.context() as patch:
            patch.setattr(type(desk.server.guard), "standing_text", broken)
            await desk.server.clock.sleep_until(1200 + 5)
        assert desk.scheduled["state"] == "refused"
        assert "a fault in the program: KeyError: 'heater'" in desk.scheduled["why"]
        assert "short was not started" in caplog.text
        await desk.stored()
        assert [how for how, _ in desk.ends()] == ["refused"]
        await desk.put("2026-01-01 07:30Z")
        assert desk.scheduled["state"] == "waiting"

    on_a_line(tmp_path, act)

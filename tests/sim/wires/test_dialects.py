"""The sensors' own dialects, read by our driver through a broker and without one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from drivers.frames.payload import Json
from drivers.link import Link, Point, RawReading
from drivers.mqtt.link import MqttLink
from drivers.settings import MqttSettings
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError
from linectl.line.line import Line
from linectl.server.simulation.simulated import serve
from linectl.sim.rig import EXTRAS, LINKS, Rig
from linectl.sim.wires.dialects import SOURCES, Dock, Hall, Inspector, Store, Voice

NS = VIRTUAL_START_NS
VOICES = tuple(SOURCES)
POINTS: Mapping[Point, tuple[float, float]] = {
    Point("hall#SI7021.Temperature", "float"): (18.0, 26.0),
    Point("hall#SI7021.Humidity", "float"): (40.0, 70.0),
    Point("dock#temperature:0.tC", "float"): (5.0, 20.0),
    Point("dock#humidity:0.rh", "float"): (50.0, 90.0),
    Point("store#temperature", "float"): (10.0, 18.0),
    Point("store#battery", "float"): (1.0, 100.0),
    Point("sensors/room/climate#temperature", "float"): (15.0, 25.0),
}


def sensors_of(rig: Rig) -> Link:
    settings = rig.settings["sensors"]
    return MqttLink(settings) if isinstance(settings, MqttSettings) else rig.links()["sensors"]


@pytest.mark.parametrize("wires", [True, False])
def test_our_driver_understands_them_all(wires: bool, tmp_path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        clock = Clock(start_ns=VIRTUAL_START_NS)
        async with Rig(clock, seed=1, directory=tmp_path, wires=wires, extra=VOICES) as rig:
            link = sensors_of(rig)
            await link.open()
            heard: list[tuple[Point, RawReading]] = []
            await asyncio.sleep(3000.0)  # a sensor that was heard by nobody says all again within the hour
            for _ in range(3):
                await asyncio.sleep(900.0)
                heard += (await link.read(tuple(POINTS), deadline=loop.time() + 1)).items()
            await link.close()
        assert [(point, reading) for point, reading in heard if reading.value is None] == []
        for point, (low, high) in POINTS.items():
            values = [float(str(reading.value)) for each, reading in heard if each == point]
            assert low < min(values), point
            assert max(values) < high, point
            assert len(set(values)) > 1 or "battery" in point.address, point

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


async def test_a_rig_has_only_what_it_is_asked_for(tmp_path: Path) -> None:
    def rig(*extra: str) -> Rig:
        return Rig(Clock(), seed=1, directory=tmp_path, wires=False, extra=extra)

    assert tuple(rig().settings) == LINKS
    assert tuple(rig("balance", "hall").settings) == (*LINKS, "balance")
    assert set(rig(*EXTRAS).settings) == {*LINKS, "washer", "ph", "balance", "circulator"}
    with pytest.raises(ConfigError, match="toaster"):
        rig("toaster")


def test_a_shelly_says_all_first_and_then_what_has_changed() -> None:
    dock = Dock(1)
    methods = []
    process_s = dock.due_s()
    while process_s < 86_400.0:
        for topic, said in dock.say(process_s, NS + round(process_s * 1e9)):
            if isinstance(said, dict):
                assert topic == "shellyplusht-dock/events/rpc"
                params = said["params"]
                assert isinstance(params, dict)
                methods.append((said["method"], len(params) - 1))
        assert dock.due_s() > process_s
        process_s = dock.due_s()
    assert methods[0] == ("NotifyFullStatus", 2)
    assert [method for method, _ in methods].count("NotifyFullStatus") == 24, "each hour"
    assert {count for method, count in methods if method == "NotifyStatus"} == {1, 2}
    assert 10 < len(methods) < 1440 / 2, "not each minute"
    dock.forget()
    again = dock.say(process_s, NS)
    assert again[0] == ("shellyplusht-dock/online", "true"), "a new broker hears that it is there"


def test_a_zigbee_sensor_speaks_on_a_change_and_each_hour() -> None:
    store = Store(1)
    times_s = []
    process_s = 0.0
    while process_s < 86_400.0:
        if store.say(process_s, NS):
            times_s.append(process_s)
        process_s = store.due_s()
    gaps_s = [after - before for before, after in itertools.pairwise(times_s)]
    assert max(gaps_s) <= 3600.0
    assert 24 <= len(times_s) < 200


def test_the_inspector_tells_of_each_lot_once_a_change() -> None:
    counts: dict[str, tuple[int, int]] = {}
    inspector = Inspector(1, lambda: counts)
    assert [(said["lot"], said["bottles"]) for said in told(inspector, 0.0)] == [("", 0)], "before the first lot"
    counts["a"] = (10, 1)
    assert inspector.say(30.0, NS) == [
        (
            "washer/inspector",
            {"lot": "a", "bottles": 10, "rejected": 1, "other_total": 0, "seq": 2, "ts": "2026-01-01T00:00:00Z"},
        )
    ]
    assert inspector.say(60.0, NS) == []
    counts |= {"a": (11, 1), "b": (3, 0)}
    assert [said["lot"] for said in told(inspector, 90.0)] == ["a", "b"]
    assert inspector.say(360.0, NS) == []
    assert [(said["lot"], said["bottles"]) for said in told(inspector, 390.0)] == [("b", 3)], "the last lot, as it was"
    assert inspector.say(420.0, NS) == []
    inspector.forget()
    assert len(inspector.say(450.0, NS)) == 2


def told(inspector: Inspector, process_s: float) -> list[dict[str, Json]]:
    return [said for _, said in inspector.say(process_s, NS) if isinstance(said, dict)]


def test_no_sensor_is_silent_for_longer_than_a_line_believes_it() -> None:
    voices: dict[str, Voice] = {"hall": Hall(1), "dock": Dock(1), "store": Store(1), "inspector": Inspector(1, dict)}
    assert voices.keys() == SOURCES.keys()
    line = load_line(find_file(Path("simulated_washer.yaml"), folder="config"))
    sensors = line.links["sensors"]
    assert isinstance(sensors, MqttSettings)
    for name, voice in voices.items():
        process_s, said_s, longest_s = 0.0, 0.0, 0.0
        while process_s < 4 * 3600.0:
            if voice.say(process_s, NS + round(process_s * 1e9)):
                longest_s, said_s = max(longest_s, process_s - said_s), process_s
            process_s = voice.due_s()
        assert 0.0 < longest_s <= SOURCES[name].period_s
        assert sensors.sources[name] == SOURCES[name], "the line file says the same"


def test_between_its_messages_a_sensor_is_believed_for_its_own_period() -> None:
    """A scan of 30 s would call the hall stale after 75 s, the dock and a camera without bottles even more so."""

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        definition = load_line(find_file(Path("simulated_washer.yaml"), folder="config"))
        tags = [name for name in definition.tags if name.split(".")[0] in SOURCES]
        async with AsyncExitStack() as stack:
            up = await stack.enter_async_context(serve(definition, clock, seed=1, wires=False))
            line = await stack.enter_async_context(Line(up.definition, clock, boot="dialects", links=up.links))
            bad: list[str] = []
            for _ in range(30):
                await clock.sleep(61.0)
                bad += [name for name in tags if not line.reading(name).quality.is_good]
            assert len(tags) == 7
            assert bad == []

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())

"""The sensors' own dialects, read by our driver through a broker and without one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from drivers.link import Link, Point, RawReading
from drivers.mqtt.link import MqttLink
from drivers.settings import MqttSettings
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.errors import ConfigError
from linectl.sim.rig import EXTRAS, LINKS, Rig
from linectl.sim.wires.dialects import SOURCES, Dock, Inspector, Store

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
    assert inspector.say(0.0, NS) == []
    counts["a"] = (10, 1)
    assert inspector.say(30.0, NS) == [
        ("washer/inspector", {"lot": "a", "bottles": 10, "rejected": 1, "seq": 1, "ts": "2026-01-01T00:00:00Z"})
    ]
    assert inspector.say(60.0, NS) == []
    counts |= {"a": (11, 1), "b": (3, 0)}
    lots = [said["lot"] for _, said in inspector.say(90.0, NS) if isinstance(said, dict)]
    assert lots == ["a", "b"]
    inspector.forget()
    assert len(inspector.say(120.0, NS)) == 2

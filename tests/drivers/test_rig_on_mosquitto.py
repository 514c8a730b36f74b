"""The simulated rig's sensors through a real broker: what CI has, and what a line has."""

from __future__ import annotations

import asyncio
from pathlib import Path

from drivers.link import Outcome, Point
from drivers.modbus.link import ModbusLink
from drivers.mqtt.link import MqttLink
from drivers.settings import ModbusTcpSettings, MqttSettings
from linectl.clock import Clock
from linectl.sim.rig import Rig
from tests.drivers.conftest import Mosquitto

LABEL = Point("sensors/camera/label/1#attached", "bool")
CLIMATE = Point("sensors/room/climate#temperature", "float")


async def test_climate_and_camera_come_through_mosquitto(mosquitto: Mosquitto, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    place = (mosquitto.host, mosquitto.port)
    async with Rig(
        Clock(speed=30), seed=1, directory=tmp_path, broker=place, initial={"bath.temperature": 60.0}
    ) as rig:
        told, hands_at = rig.settings["sensors"], rig.settings["hands"]
        assert isinstance(told, MqttSettings)
        assert isinstance(hands_at, ModbusTcpSettings)
        assert (told.host, told.port) == place
        sensors, hands = MqttLink(told), ModbusLink(hands_at)
        await sensors.open()
        await hands.open()
        try:
            put = await hands.write(Point("9/hr0"), 1, deadline=loop.time() + 2)
            assert put.outcome is Outcome.CONFIRMED
            async with asyncio.timeout(60):
                while True:
                    seen = await sensors.read((LABEL, CLIMATE), deadline=loop.time() + 1)
                    if seen[LABEL].value is True and seen[CLIMATE].value is not None:
                        break
                    await asyncio.sleep(0.05)
        finally:
            await hands.close()
            await sensors.close()
    temperature_c = seen[CLIMATE].value
    assert isinstance(temperature_c, float)
    assert 15 < temperature_c < 25

"""Simulated PLCs of lab baths in a process of their own, each at its own Modbus port, watched by their own clock.

Arguments: how many, the watchdog's time in s. Says `ports N N ...` first, then, as each happens by this process's
monotonic clock: `on PORT S` and `off PORT S` (the heater's release), `beat PORT S` (the host's heartbeat).
"""

from __future__ import annotations

import asyncio
import os
import sys

from linectl.sim.bath.banks import PlcBank
from linectl.sim.bath.physics import BathParams, filled
from linectl.sim.bath.registers import PLC_UNIT
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.modbus_server import ModbusServer

SCAN_S = 0.02


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


class Watched:
    """One PLC with its bath, full and at 40 °C."""

    def __init__(self, watchdog_s: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.began_s = self.loop.time()
        params = BathParams()
        self.twin = Twin(params, 1, initial=filled(params, temperature_c=40.0, level_pct=100.0), watchdog_s=watchdog_s)
        self.server = ModbusServer({PLC_UNIT: PlcBank(self.twin)}, before=lambda _unit: self.step())
        self.heats, self.beat = False, 0

    def step(self) -> None:
        """Bring it to the present; say what changed."""
        now_s = self.loop.time()
        self.twin.advance(now_s - self.began_s)
        plc, port = self.twin.plc, self.server.port
        if plc.heartbeat != self.beat:
            self.beat = plc.heartbeat
            say(f"beat {port} {now_s}")
        if plc.heater_enable != self.heats:
            self.heats = plc.heater_enable
            say(f"{'on' if self.heats else 'off'} {port} {now_s}")


async def main(count: int, watchdog_s: float) -> None:
    plcs = [Watched(watchdog_s) for _ in range(count)]
    for each in plcs:
        await each.server.start()
    say(" ".join(["ports", *(str(each.server.port) for each in plcs)]))
    while True:
        for each in plcs:
            each.step()
        await asyncio.sleep(SCAN_S)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))

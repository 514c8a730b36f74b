"""Holds the simulated line for ever, its heater on, as a server does: to be killed. Arguments: port, folder."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from drivers.settings import ModbusTcpSettings
from linectl.clock import Clock
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.line.narrow import only_wire
from linectl.model.people import Who
from linectl.server.line_server import LineServer

ANA = Who("ana")


async def main(port: int, folder: Path) -> None:
    shipped = load_line(find_file("simulated", folder="config"))
    whole = replace(shipped, interlocks=None)  # they look at wires that are not here
    definition = replace(only_wire(whole, "plc"), links={"plc": ModbusTcpSettings("127.0.0.1", port)})
    async with LineServer(definition, Clock(), folder / f"{port}.db", boot="killed") as server:
        server.writer.arm(ANA)
        for tag, value in (("bath.setpoint", 60.0), ("bath.heater_enable", True)):
            report = await server.writer.set(tag, value, ANA)
            assert report.outcome == "confirmed", report
        os.write(1, b"heating\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))

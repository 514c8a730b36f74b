"""Looking at lines whose wires come late: links that did not open are tried again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from linectl.clock import Clock
from linectl.config.files import SourceText
from linectl.config.load import load_line_text
from linectl.server import commissioning
from linectl.server.commissioning import Site, looking, reopening
from linectl.sim.wires.modbus_server import ModbusServer

LINE = """\
kind: line
name: late
links: {{plc: {{type: modbus_tcp, host: 127.0.0.1, port: {port}}}}}
scans: {{}}
tags:
  a.level: {{link: plc, point: 5/hr10, kind: u16}}
"""


class Level:
    def read(self, _table: str, _address: int, count: int) -> list[int]:
        return [500] * count

    def write(self, _table: str, address: int, _values: list[int]) -> None:
        pytest.fail(f"a look wrote to {address}")


async def test_a_link_that_did_not_open_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commissioning, "_REOPEN_S", 0.02)
    server = ModbusServer({5: Level()})
    await server.start()  # it keeps its port
    await server.stop()
    line = load_line_text(SourceText("line.yaml", LINE.format(port=server.port), ""))
    site = Site(line, Clock(), tmp_path / "line.db")
    async with looking(site, ["a.level"], patient=True) as opened:
        await asyncio.sleep(0.2)
        assert (await opened.read("a.level")).value is None  # by itself it stays shut
        async with reopening(opened):
            assert "plc" in opened.unopened
            await server.start()
            async with asyncio.timeout(10):
                while opened.unopened:
                    await asyncio.sleep(0.01)
            assert (await opened.read("a.level")).value == 500
    await server.stop()

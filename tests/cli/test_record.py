"""`linectl record`: a file of one wire that the driver can read its values from."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path

import pytest

from drivers.frames.modbus import parse_request
from drivers.link import Point
from drivers.recordings.exchange import read_exchange
from drivers.recordings.replay import ReplayLink
from drivers.wire_tap import Direction
from linectl.cli.main import run


def recorded(folder: Path, *options: str) -> int:
    return run(["record", "simulated", "plc", "--sim", "--folder", str(folder), *options])


def test_a_recording_of_the_rig_can_be_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = recorded(tmp_path, "--device", "sim PLC", "--firmware", "1.0", "--for", "0.5", "--period", "0.1", "--json")
    told = json.loads(capsys.readouterr().out)
    assert code == 0
    path = Path(told["data"]["file"])
    assert path.name.startswith("sim-plc_1.0_20")
    exchange = read_exchange(path)
    assert exchange.header.simulated
    assert exchange.ended == "closed"
    assert len(exchange.frames) == told["data"]["frames"] >= 8

    requests = [parse_request(each.data[7:]) for each in exchange.frames if each.direction is Direction.SENT]
    asked = next(each for each in requests if each.function == 4)

    async def play() -> object:
        link = ReplayLink(exchange)
        await link.open()
        point = Point(f"2/ir{asked.address}:{asked.count}", "block")
        readings = await link.read((point,), deadline=asyncio.get_running_loop().time() + 2.0)
        await link.close()
        return readings[point].value

    values = asyncio.run(play())
    assert isinstance(values, tuple)
    assert len(values) == asked.count
    assert any(values)

    before = path.read_bytes()
    assert recorded(tmp_path, "--device", "sim PLC", "--firmware", "1.0", "--for", "0.1") == 5
    assert "File exists" in capsys.readouterr().err
    assert path.read_bytes() == before  # nothing is written over


def test_ctrl_c_ends_a_recording_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    over = threading.Event()

    def press() -> None:
        """Press Ctrl+C once frames are in the file."""
        while not over.wait(0.05):
            if any(path.read_bytes().count(b"\n") > 3 for path in tmp_path.iterdir()):
                os.kill(os.getpid(), signal.SIGINT)
                return

    finger = threading.Thread(target=press)
    finger.start()
    try:
        assert recorded(tmp_path) == 0
    finally:
        over.set()
        finger.join()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("plc_unknown_")
    assert read_exchange(path).ended == "closed"
    assert "frames" in capsys.readouterr().out


def test_a_link_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["record", "simulated", "plx", "--sim", "--folder", str(tmp_path)]) == 3
    assert "did you mean `plc`?" in capsys.readouterr().err

from __future__ import annotations

import asyncio
import os
import tty
from pathlib import Path

import pytest

from linectl.clock import VirtualTimeLoop
from linectl.sim.wires.ezo import EzoCircuit, EzoInstrument, ec_circuit, rtd_circuit


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"R", b"60.123\r*OK\r"),
        (b"r", b"60.123\r*OK\r"),
        (b"i", b"?i,RTD,2.01\r*OK\r"),
        (b"C,0", b"*OK\r"),
        (b"C,?", b"?C,0\r*OK\r"),
        (b"*OK,?", b"?*OK,1\r*OK\r"),
        (b"Status", b"?Status,P,5.038\r*OK\r"),
        (b"S,?", b"?S,c\r*OK\r"),
        (b"S,f", b"*ER\r"),
        (b"bogus", b"*ER\r"),
        (b"", b"*ER\r"),
        (b"\xff\xfe", b"*ER\r"),
    ],
)
def test_an_rtd_answers_as_its_datasheet_says(line: bytes, reply: bytes) -> None:
    assert rtd_circuit(lambda: 60.1234).answer(line).data == reply


def test_codes_can_be_switched_off_but_errors_stay() -> None:
    circuit = rtd_circuit(lambda: 20.0)
    assert circuit.answer(b"*OK,0").data == b""
    assert circuit.answer(b"R").data == b"20.000\r"
    assert circuit.answer(b"x").data == b"*ER\r"
    assert circuit.answer(b"*OK,1").data == b"*OK\r"


@pytest.mark.parametrize(
    ("us_cm", "said"),
    [
        (0.0, b"0.00"),
        (98.123, b"98.12"),
        (561.04, b"561.0"),
        (5421.4, b"5421"),
        (49_113.0, b"49110"),
        (124_449.0, b"124400"),
    ],
)
def test_an_ec_has_the_resolution_of_its_datasheet(us_cm: float, said: bytes) -> None:
    assert ec_circuit(lambda: us_cm).answer(b"R").data == said + b"\r*OK\r"


def test_an_ec_tells_what_it_outputs() -> None:
    assert ec_circuit(lambda: 1.0).answer(b"O,?").data == b"?,O,EC\r*OK\r"


async def _line(fd: int) -> bytes:
    loop = asyncio.get_running_loop()
    got = b""
    while not got.endswith(b"\r"):
        ready = asyncio.Event()
        loop.add_reader(fd, ready.set)
        try:
            await asyncio.wait_for(ready.wait(), 3.0)
        finally:
            loop.remove_reader(fd)
        got += os.read(fd, 1)
    return got


def _open(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(fd)
    return fd


async def test_a_reading_takes_its_time_on_the_wire(tmp_path: Path) -> None:
    asked: list[int] = []
    instrument = EzoInstrument(rtd_circuit(lambda: 60.0), tmp_path / "rtd", before=lambda: asked.append(1))
    instrument.plug()
    fd = _open(tmp_path / "rtd")
    try:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        os.write(fd, b"R\r")
        assert await _line(fd) == b"60.000\r"
        assert await _line(fd) == b"*OK\r"
        assert 0.6 <= loop.time() - began_s < 3.0
        assert asked == [1]
    finally:
        os.close(fd)
        await instrument.stop()
    assert not (tmp_path / "rtd").is_symlink()


async def test_unplug_kills_the_tty_and_replug_gives_another_behind_the_same_link(tmp_path: Path) -> None:
    link = tmp_path / "ec"
    instrument = EzoInstrument(ec_circuit(lambda: 400.0), link)
    instrument.plug()
    first, fd = link.readlink(), _open(link)
    try:
        instrument.unplug()
        assert not link.is_symlink()
        with pytest.raises(OSError, match="Input/output error"):
            os.write(fd, b"R\r")
        instrument.plug()
        assert link.is_symlink()
        again = _open(link)
        os.write(again, b"i\r")
        assert await _line(again) == b"?i,EC,2.16\r"
        os.close(again)
        assert first != link.readlink()
    finally:
        os.close(fd)
        await instrument.stop()


async def test_continuous_mode_speaks_by_itself_until_told_not_to(tmp_path: Path) -> None:
    circuit = EzoCircuit("RTD", "2.01", lambda: 21.5, lambda _value: 3)
    instrument = EzoInstrument(circuit, tmp_path / "rtd")
    instrument.plug()
    fd = _open(tmp_path / "rtd")
    try:
        os.write(fd, b"C,1\r")
        assert await _line(fd) == b"*OK\r"
        assert await _line(fd) == b"21.500\r"
        os.write(fd, b"C,0\r")
        assert await _line(fd) == b"*OK\r"
        instrument.reboot()
        assert await _line(fd) == b"*RS\r"
        assert await _line(fd) == b"*RE\r"
        assert await _line(fd) == b"21.500\r", "its settings are the maker's again"
        os.write(fd, b"C,0\r")
        assert await _line(fd) == b"*OK\r"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_line(fd), 1.3)
    finally:
        os.close(fd)
        await instrument.stop()


def test_pacing_is_one_timer_per_reply_in_virtual_time(tmp_path: Path) -> None:
    from drivers.lines import open_line_port
    from drivers.settings import SerialSettings

    async def main() -> float:
        instrument = EzoInstrument(rtd_circuit(lambda: 60.0), tmp_path / "rtd")
        instrument.plug()
        port = await open_line_port(SerialSettings(str(tmp_path / "rtd")))
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for _ in range(100):
            port.write(b"R\r")
            assert await port.read_line() == b"60.000"
            assert await port.read_line() == b"*OK"
        took_s = loop.time() - began_s
        port.close()
        await instrument.stop()
        return took_s

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        took_s = runner.run(main())
    assert took_s == pytest.approx(100 * (0.6 + 13 * 10 / 9600), rel=0.001)

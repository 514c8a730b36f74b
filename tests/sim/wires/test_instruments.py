"""The simulator's serial instruments: what they answer, without I/O, and at which pace on a pty and over TCP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.frames.sics import parse_weight
from drivers.lines import open_line_port
from drivers.settings import SerialSettings
from linectl.clock import VirtualTimeLoop
from linectl.sim.wires import ills
from linectl.sim.wires.balance import Balance
from linectl.sim.wires.circulator import Julabo, Lauda, Thermal
from linectl.sim.wires.ezo import ph_circuit
from linectl.sim.wires.instrument import SerialInstrument


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"R", b"13.528\r*OK\r"),
        (b"RT,60.0", b"13.528\r*OK\r"),
        (b"i", b"?i,pH,1.98\r*OK\r"),
        (b"T,?", b"?T,25.00\r*OK\r"),
        (b"T,nan", b"*ER\r"),
        (b"T,hot", b"*ER\r"),
        (b"Cal,?", b"?Cal,3\r*OK\r"),
        (b"Slope,?", b"?Slope,99.7,100.3,-0.89\r*OK\r"),
        (b"O,?", b"*ER\r"),
    ],
)
def test_a_ph_circuit_answers_as_its_datasheet_says(line: bytes, reply: bytes) -> None:
    assert ph_circuit(lambda: 13.5284).answer(line).data == reply


def test_a_ph_circuit_forgets_its_compensation_and_speaks_after_a_loss_of_power() -> None:
    circuit = ph_circuit(lambda: 15.0)
    assert circuit.answer(b"T,60.0").data == b"*OK\r"
    assert circuit.answer(b"T,?").data == b"?T,60.00\r*OK\r"
    assert circuit.due_s() is None
    assert circuit.boot(100.0) == b"*RS\r*RE\r"
    assert circuit.answer(b"T,?", 100.0).data == b"?T,25.00\r*OK\r"
    assert circuit.due_s() == 101.0
    assert circuit.speak(101.0) == b"14.000\r", "it shows no more than its range"


def test_a_balance_settles_before_a_stable_weight_comes() -> None:
    balance = Balance()
    assert balance.answer(b"S", 0.0).data == b"S S       0.00 g\r\n"
    balance.load(712.34, 10.0)
    assert not parse_weight(balance.answer(b"SI", 10.1).data[:-2]).stable
    assert balance.answer(b"S", 10.2).data == b"", "it waits"
    assert balance.answer(b"T", 10.25).data == b"T I\r\n", "and does nothing else meanwhile"
    now_s = 10.2
    while not (said := balance.speak(now_s)):
        due_s = balance.due_s()
        assert due_s is not None
        assert now_s < due_s <= now_s + 0.05
        now_s = due_s
    assert said == b"S S     712.34 g\r\n"
    assert 12.0 < now_s < 20.0
    assert balance.due_s() is None


def test_a_balance_tares_streams_and_is_cancelled() -> None:
    balance = Balance()
    balance.load_g = 120.0
    assert balance.answer(b"T").data == b"T S     120.00 g\r\n"
    balance.load_g = 150.5
    assert balance.answer(b"SIR", 1.0).data == b"S S      30.50 g\r\n"
    assert balance.due_s() == 1.1
    assert balance.answer(b"@", 2.0).data == b'I4 A "B021002593"\r\n'
    assert balance.due_s() is None
    balance.load_g = 5000.0
    assert balance.answer(b"SI", 3.0).data == b"S +\r\n"
    assert balance.answer(b"rubbish", 3.0).data == b"ES\r\n"
    balance.load_g = 10.0
    assert balance.answer(b"Z", 4.0).data == b"Z A\r\n"
    assert balance.answer(b"S", 5.0).data == b"S S       0.00 g\r\n"


def test_a_circulator_heats_its_bath_and_cools_by_itself_alone() -> None:
    now_s = 0.0
    device = Lauda(thermal=Thermal(), process_s=lambda: now_s)
    assert device.answer(b"OUT_SP_00_60.00").data == b"OK\r\n"
    assert device.answer(b"START").data == b"OK\r\n"
    now_s = 600.0
    warmed_c = float(device.answer(b"IN_PV_00").data)
    assert 45 < warmed_c < 50, "2 kW in 10 L: 2.9 K/min"
    now_s = 3600.0
    assert device.answer(b"IN_PV_00").data == b"060.00\r\n"
    assert device.answer(b"OUT_SP_00_20.00").data == b"OK\r\n"
    now_s = 5400.0
    assert 50 < float(device.answer(b"IN_PV_00").data) < 60, "it has no cooling"
    assert device.answer(b"OUT_SP_00_99.00").data == b"ERR_6\r\n"
    assert device.answer(b"OUT_SP_00_x").data == b"ERR_5\r\n"
    assert device.answer(b"OUT_SP_00_nan").data == b"ERR_6\r\n"


def test_a_julabo_is_asleep_at_first_and_obeys_in_silence() -> None:
    device = Julabo()
    assert device.answer(b"status").data == b""
    assert device.answer(b"status").data == b"02 REMOTE STOP\r\n"
    assert device.answer(b"out_sp_00 99").data == b""
    assert device.answer(b"status").data == b"-11 VALUE TOO LARGE\r\n"
    assert device.answer(b"out_sp_00 x").data == b""
    assert device.answer(b"status").data == b"-08 INVALID COMMAND\r\n"
    device.answer(b"out_mode_05 1")
    assert device.running
    assert device.boot(0.0) == b""
    assert not device.running


@pytest.mark.parametrize("wire", ["pty", "tcp"])
@pytest.mark.parametrize("baud", [4800, 9600])
def test_the_last_byte_is_not_early_and_hardly_late(wire: str, baud: int, tmp_path: Path) -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        instrument = SerialInstrument(Lauda(), tmp_path / "bath", serial=SerialSettings("", baud))
        instrument.plug()
        await instrument.listen()
        where = str(instrument.link) if wire == "pty" else f"socket://{instrument.host}:{instrument.port}"
        port = await open_line_port(SerialSettings(where), terminator=b"\r\n")
        took_s = []
        for _ in range(20):
            began_s = loop.time()
            port.write(b"IN_PV_00\r")
            assert await port.read_line() == b"061.25"
            took_s.append(loop.time() - began_s)
        port.close()
        await instrument.stop()
        return took_s

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        took_s = runner.run(main())
    on_the_wire_s = (len("IN_PV_00\r") + len("061.25\r\n")) * 10 / baud
    assert min(took_s) >= on_the_wire_s - 1e-9
    assert max(took_s) < on_the_wire_s + 1e-3


async def test_commands_that_come_together_are_answered_one_by_one(tmp_path: Path) -> None:
    instrument = SerialInstrument(Lauda(), tmp_path / "bath")
    instrument.plug()
    port = await open_line_port(SerialSettings(str(instrument.link)), terminator=b"\r\n")
    port.write(b"START\rIN_SP_00\rSTOP\r")
    assert [await port.read_line() for _ in range(3)] == [b"OK", b"060.00", b"OK"]
    port.close()
    await instrument.stop()


async def test_an_instrument_costs_nothing_between_two_commands(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    instrument = SerialInstrument(Lauda(), tmp_path / "bath")
    instrument.plug()
    await instrument.listen()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    await instrument.stop()


async def test_an_unplugged_instrument_cuts_its_connections_and_comes_back(tmp_path: Path) -> None:
    instrument = SerialInstrument(Lauda(), tmp_path / "bath")
    instrument.plug()
    await instrument.listen()
    place = instrument.host, instrument.port
    reader, writer = await asyncio.open_connection(*place)
    instrument.unplug()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(1)
    writer.close()
    reader, writer = await asyncio.open_connection(*place)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(1)
    writer.close()
    instrument.plug()
    reader, writer = await asyncio.open_connection(*place)
    writer.write(b"TYPE\r")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n"), 5) == b"ECO\r\n"
    instrument.trouble.add(ills.hang_up())
    writer.write(b"TYPE\r")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await asyncio.wait_for(reader.readexactly(1), 5)
    writer.close()
    await instrument.stop()

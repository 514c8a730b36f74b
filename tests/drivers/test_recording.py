"""Exchange files: what was on the wire is in the file, also after a kill; damage is named by its line."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.recordings import recorder as module
from drivers.recordings.exchange import header_line
from drivers.recordings.recorder import (
    BadExchange,
    Header,
    Recorder,
    exchange_name,
    header_of,
    read_exchange,
    write_dump,
)
from drivers.recordings.settings import KINDS, kind_of, settings_from, settings_to
from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    MqttSource,
    SerialSettings,
    SicsSettings,
    TlsSettings,
    UnitSettings,
)
from drivers.wire_tap import Direction, Frame, WireTap

SENT, RECEIVED, NOTE = Direction.SENT, Direction.RECEIVED, Direction.NOTE
DATE = "2026-03-31"

ALL_SETTINGS: list[LinkSettings] = [
    ModbusTcpSettings("10.0.0.2", 502, 0.25, {2: UnitSettings("pH", holes=(("hr", 10, 20),), nonce=True)}),
    ModbusRtuSettings(SerialSettings("/dev/serial/by-id/x", 19_200, parity="E"), units={1: UnitSettings()}),
    EzoSettings("/dev/ttyUSB0", "RTD"),
    SicsSettings(SerialSettings("socket://h:1")),
    CirculatorSettings(SerialSettings("COM3", 4800, 7, "E", xonxoff=True, rtscts=True)),
    MqttSettings("broker", topics=("a/#", "b"), sources={"room": MqttSource("shellies/x", "shelly", 60.0)}),
    MemorySettings("plc"),
]


def header(**changes: object) -> Header:
    settings = ModbusTcpSettings("10.0.0.2")
    return replace(header_of(settings, device="PLC 1", firmware="2.4", date=DATE, simulated=True), **changes)  # type: ignore[arg-type]  # names of fields


def exchanged(tap: WireTap, count: int = 3, *, began_s: float = 100.0) -> None:
    for number in range(count):
        tap.note(SENT, bytes((number, 1)), began_s + number, device="unit 2")
        tap.note(RECEIVED, bytes((number, 2)), began_s + number + 0.25, device="unit 2", note="late" * (number == 1))


def recorded(path: Path, count: int = 3) -> Path:
    tap = WireTap()
    with Recorder(path, tap, header()):
        exchanged(tap, count)
    return path


def test_what_was_on_the_wire_is_in_the_file(tmp_path: Path) -> None:
    exchange = read_exchange(recorded(tmp_path / "a.wire.jsonl"))
    assert exchange.header == header()
    assert exchange.header.link_settings() == ModbusTcpSettings("10.0.0.2")
    assert exchange.ended == "closed"
    assert exchange.torn == ""
    assert exchange.frames[:4] == (
        Frame(1, 0.0, SENT, b"\0\1", "unit 2"),
        Frame(2, 0.25, RECEIVED, b"\0\2", "unit 2"),
        Frame(3, 1.0, SENT, b"\1\1", "unit 2"),
        Frame(4, 1.25, RECEIVED, b"\1\2", "unit 2", "late"),
    )
    assert len(exchange.frames) == 6


@pytest.mark.parametrize("settings", ALL_SETTINGS, ids=kind_of)
def test_settings_come_back(settings: LinkSettings) -> None:
    told = json.loads(json.dumps(settings_to(settings), allow_nan=False))
    assert settings_from(kind_of(settings), told) == settings


def test_every_kind_of_settings_is_tried() -> None:
    assert {type(each) for each in ALL_SETTINGS} == set(KINDS.values())


def test_no_secret_is_in_the_file(tmp_path: Path) -> None:
    tls = TlsSettings("/etc/ca.pem", "/etc/own.pem", "/etc/own.key")
    settings = MqttSettings("broker", username="lab", password="hunter2", tls=tls)
    path = tmp_path / "a.wire.jsonl"
    with Recorder(path, WireTap(), header_of(settings, device="a", firmware="1", date=DATE)):
        pass
    text = path.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "lab" not in text
    assert "own.key" not in text
    assert read_exchange(path).header.link_settings() == MqttSettings("broker")


@pytest.mark.parametrize(
    ("device", "firmware", "name"),
    [
        ("EZO RTD", "2.01", "ezo-rtd_2.01_2026-03-31.wire.jsonl"),
        ("Hamilton Arc pH", "ARCPX045 a_b", "hamilton-arc-ph_arcpx045-a-b_2026-03-31.wire.jsonl"),
        ("../../etc/passwd", "", "etc-passwd_unknown_2026-03-31.wire.jsonl"),
        ("Büretten", "..", "b-retten_unknown_2026-03-31.wire.jsonl"),
    ],
)
def test_names_of_files(device: str, firmware: str, name: str) -> None:
    assert exchange_name(device, firmware, DATE) == name


@pytest.mark.parametrize("date", ["", "31.3.2026", "2026-02-30", "2026-3-1", "2026-03-31/../x"])
def test_a_name_needs_a_date(date: str) -> None:
    with pytest.raises(ValueError, match="no date like"):
        exchange_name("a", "b", date)


@given(device=st.text(), firmware=st.text())
def test_any_name_is_one_file(device: str, firmware: str) -> None:
    name = exchange_name(device, firmware, DATE)
    assert Path(name).name == name
    assert name.isascii()
    assert len(name) < 200


def test_a_wire_that_was_open_begins_with_its_first_frames(tmp_path: Path) -> None:
    tap = WireTap()
    exchanged(tap, 100, began_s=0.0)
    path = tmp_path / "a.wire.jsonl"
    with Recorder(path, tap, header()) as recorder:
        exchanged(tap, 1, began_s=500.0)
        assert recorder.frames == 35
    frames = read_exchange(path).frames
    assert [frame.note for frame in frames[31:34]] == ["", "gap", ""]
    assert frames[0].data == b"\0\1"
    assert frames[33].t_s == 500.0


def test_a_recording_stops_at_its_limit_and_says_so(tmp_path: Path) -> None:
    path, tap = tmp_path / "a.wire.jsonl", WireTap()
    with Recorder(path, tap, header(), limit_bytes=2000) as recorder:
        exchanged(tap, 100)
        assert recorder.is_full
        assert "full" in repr(recorder)
    exchange = read_exchange(path)
    assert exchange.ended == "limit"
    assert len(exchange.frames) == recorder.frames < 30
    assert path.stat().st_size == recorder.size_bytes < 2100


def test_a_file_that_exists_is_not_written_over(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.wire.jsonl")
    before = path.read_bytes()
    with pytest.raises(BadExchange, match=r"a\.wire\.jsonl: File exists"), Recorder(path, WireTap(), header()):
        pytest.fail("entered")
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadExchange, match="nowhere"), Recorder(tmp_path / "nowhere" / "a", WireTap(), header()):
        pytest.fail("entered")


@pytest.mark.parametrize("failure", ["error", "half"])
def test_a_disk_that_fills_up_leaves_a_readable_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    class Filling(FileIO):
        def write(self, data: Any) -> int:
            if self.tell() + len(data) < 700:
                return super().write(data)
            if failure == "error":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:10])

    monkeypatch.setattr(module, "FileIO", Filling)
    path, tap = tmp_path / "a.wire.jsonl", WireTap()
    with Recorder(path, tap, header()) as recorder:
        exchanged(tap, 50)
    assert recorder.trouble
    assert len(tap.frames) == 100
    exchange = read_exchange(path)
    assert 0 < len(exchange.frames) == recorder.frames < 100
    assert exchange.ended == ""
    assert bool(exchange.torn) is (failure == "half")


KILLED = """
import os, sys
from pathlib import Path
from drivers.recordings.recorder import Recorder, header_of
from drivers.settings import ModbusTcpSettings
from drivers.wire_tap import Direction, WireTap

tap = WireTap()
with Recorder(Path(sys.argv[1]), tap, header_of(ModbusTcpSettings("h"), device="a", firmware="1", date="2026-03-31")):
    for number in range(50):
        tap.note(Direction.SENT, bytes((number,)), float(number))
    print("written", flush=True)
    sys.stdin.read()
"""


def test_a_killed_program_leaves_all_its_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.wire.jsonl"
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    exchange = read_exchange(path)
    assert len(exchange.frames) == 50
    assert exchange.ended == ""


def test_a_last_line_that_was_cut_off_is_left_out_and_told(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.wire.jsonl")
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in range(len(lines[0]), len(whole)):
        path.write_bytes(whole[:cut])
        exchange = read_exchange(path)
        full = whole[:cut].count(b"\n") - 1
        assert len(exchange.frames) in {min(full, 6), min(full + 1, 6)}  # a line may be whole without its end
        if whole[cut - 1 : cut] != b"\n" and whole[cut : cut + 1] != b"\n":
            assert exchange.torn.startswith(f"line {full + 2} is cut off")
        else:
            assert exchange.torn == ""


def damaged(path: Path, line: int, change: Callable[[bytes], bytes]) -> Path:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = change(lines[line - 1])
    path.write_bytes(b"".join(lines))
    return path


@pytest.mark.parametrize(
    ("line", "old", "new", "said"),
    [
        (1, b"linectl wire exchange", b"something", "no exchange file"),
        (1, b'"version":1', b'"version":2', "version 2: this program reads version 1"),
        (1, b'"link":"modbus_tcp"', b'"link":"can"', "`can` is no kind of link"),
        (1, b'"host":"10.0.0.2"', b'"host":7', "settings.host is no str: 7"),
        (1, b'"host":"10.0.0.2",', b"", "settings says nothing of host"),
        (1, b"2026-03-31", b"2026-13-31", "`date` is no date"),
        (1, b'"device":"PLC 1"', b'"device":[]', "`device` is no text"),
        (3, b'"t_s":0.25', b'"t_s":"soon"', "`t_s` is no time"),
        (3, b'"t_s":0.25', b'"t_s":NaN', "`t_s`"),
        (3, b'"t_s":0.25', b'"t_s":1e999', "`t_s`"),
        (3, b'"t_s":0.25', b'"t_s":-1', "`t_s` is no time from 0 to 1e.09 s: -1"),
        (3, b'"t_s":0.25', b'"t_s":' + b"9" * 400, "`t_s`"),
        (3, b"received", b"heard", "`direction` is none of sent, received, note"),
        (3, b'"hex":"0002"', b'"hex":"000"', "`hex`"),
        (3, b'"hex":"0002"', b'"hex":"00zz"', "`hex`"),
        (3, b"{", b"", "no JSON"),
        (3, b"{", b"[" * 100_000, "no JSON"),
        (4, b'"sent"', b"\xff\xfe", "no JSON"),
        (4, b'"hex"', b'"hax"', "`hex` is no text"),
    ],
)
def test_damage_is_named_by_its_line(tmp_path: Path, line: int, old: bytes, new: bytes, said: str) -> None:
    path = damaged(recorded(tmp_path / "a.wire.jsonl"), line, lambda text: text.replace(old, new, 1))
    with pytest.raises(BadExchange, match=said) as caught:
        read_exchange(path)
    assert f"a.wire.jsonl:{line}: " in str(caught.value)


def test_what_is_no_exchange_file_is_refused(tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"\n", b"hello\n", b"{}", b"\x00\xff" * 50, b"[1]\n{}\n")):
        path = tmp_path / f"{number}"
        path.write_bytes(data)
        with pytest.raises(BadExchange):
            read_exchange(path)
    with pytest.raises(BadExchange, match="No such file"):
        read_exchange(tmp_path / "none")


@given(data=st.binary(max_size=300))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wire.jsonl"
    first = header_line(header())
    for text in (data, first + data, first + data + b"\n"):
        path.write_bytes(text)
        with suppress(BadExchange):
            read_exchange(path)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(Direction), st.text(), st.binary(max_size=40), st.text())))
def test_any_frames_come_back(
    tmp_path_factory: pytest.TempPathFactory, frames: list[tuple[float, Direction, str, bytes, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "frames.wire.jsonl"
    path.unlink(missing_ok=True)
    tap = WireTap()
    ordered = sorted(frames, key=lambda each: each[0])
    with Recorder(path, tap, header()):
        for t_s, direction, device, data, note in ordered:
            tap.note(direction, data, t_s, device=device, note=note)
    came = read_exchange(path).frames
    assert [(each.direction, each.device, each.data, each.note) for each in came] == [each[1:] for each in ordered]
    for each, (t_s, *_) in zip(came, ordered, strict=True):
        assert each.t_s == pytest.approx(t_s - ordered[0][0], abs=1e-6)


def test_a_dump_is_an_exchange_file_with_its_fault(tmp_path: Path) -> None:
    tap = WireTap()
    exchanged(tap, 150, began_s=0.0)
    tap.fault("timeout", 200.0, device="unit 2")
    path = tmp_path / "a.wire.jsonl"
    write_dump(path, tap.dumps[0], header(fault="unit 2: timeout"))
    exchange = read_exchange(path)
    assert exchange.header.fault == "unit 2: timeout"
    assert exchange.ended == "closed"
    assert len(exchange.frames) == 32 + 1 + 200
    assert exchange.frames[32].note == "gap"
    with pytest.raises(BadExchange, match="File exists"):
        write_dump(path, tap.dumps[0], header())


def test_a_dump_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    tap = WireTap()
    exchanged(tap)
    tap.fault("timeout", 200.0)
    with pytest.raises(BadExchange, match="No such file"):
        write_dump(tmp_path / "nowhere" / "a", tap.dumps[0], header())

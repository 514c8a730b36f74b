"""`linectl frames`: a file of frames in words, and why it cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.frames.modbus_rtu import rtu_frame
from drivers.recordings.exchange import end_line, frame_line, header_line, header_of
from drivers.settings import ModbusRtuSettings, SerialSettings
from drivers.wire_tap import Direction, Frame
from linectl.cli.main import run

ASKED = rtu_frame(5, bytes.fromhex("03000a0001"))
REFUSED = rtu_frame(5, bytes.fromhex("8302"))


@pytest.fixture
def fault(tmp_path: Path) -> Path:
    """The frames of a fault: a request and the exception to it."""
    settings = ModbusRtuSettings(SerialSettings("/dev/ttyUSB0"))
    header = header_of(settings, device="unit 5", firmware="1.0", date="2026-11-23", fault="unit 5: exception")
    frames = (
        Frame(1, 7.0, Direction.SENT, ASKED, "unit 5"),
        Frame(2, 7.031, Direction.RECEIVED, REFUSED, "unit 5"),
    )
    path = tmp_path / "20261123T060353-bus-unit-5-exception.wire.jsonl"
    path.write_bytes(
        b"".join((header_line(header), *(frame_line(each, 7.0) for each in frames), end_line("closed", 2)))
    )
    return path


def test_frames_are_told_in_words(fault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["frames", str(fault), "--lang", "en"]) == 0
    first, asked, refused = capsys.readouterr().out.splitlines()
    assert first == f"{fault.name} - unit 5: exception, 2 frames"
    assert asked.split() == ["0.000", "s", "sent", "unit", "5", "read", "holding", "registers", "10,", "CRC", "good"]
    assert refused.split()[:3] == ["0.031", "s", "received"]
    assert "exception 2 (illegal data address)" in refused


def test_the_last_ones_and_for_machines(fault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["frames", str(fault.parent), "--last", "1", "--json"]) == 0  # of a folder: each file
    (told,) = json.loads(capsys.readouterr().out)["data"]["files"]
    assert (told["file"], told["link"], told["fault"]) == (str(fault), "modbus_rtu", "unit 5: exception")
    assert (told["ended"], told["torn"], told["frames_in_file"]) == ("closed", None, 2)
    (frame,) = told["frames"]
    assert (frame["direction"], frame["t_s"], frame["data"]) == ("received", 0.031, REFUSED.hex(" "))


def test_a_file_that_was_cut_off_is_told_with_what_is_left(fault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = fault.read_bytes().splitlines(keepends=True)
    fault.write_bytes(b"".join((*lines[:2], lines[2][:20])))
    assert run(["frames", str(fault), "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "1 frame\n" in out
    assert "the end is cut off: line 3 is cut off after 20 bytes" in out
    fault.write_bytes(b"".join(lines[:2]))
    assert run(["frames", str(fault), "--lang", "en"]) == 0
    assert "was killed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "the file is empty"), (b"kind: line\n", ":1: no JSON"), (None, "")]
)
def test_what_is_no_such_file_is_told(
    tmp_path: Path, content: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.wire.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert run(["frames", str(path)]) == 3
    assert f"{path}{said}" in capsys.readouterr().err.replace(f"{path}: the", f"{path}the")


def test_a_damaged_line_is_named_and_an_empty_folder_too(fault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = fault.read_bytes().splitlines(keepends=True)
    fault.write_bytes(b"".join((lines[0], b"{}\n", *lines[1:])))
    assert run(["frames", str(fault)]) == 3
    assert f"{fault}:2: " in capsys.readouterr().err
    fault.unlink()
    assert run(["frames", str(fault.parent)]) == 3
    assert str(fault.parent) in capsys.readouterr().err

"""`linectl frames FILE --against OTHER`: how two recordings of a wire differ, and how the verb ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.frames.modbus import Request, frame, request_pdu, values_reply
from drivers.recordings.exchange import end_line, frame_line, header_line, header_of
from drivers.settings import EzoSettings, LinkSettings, ModbusTcpSettings
from drivers.wire_tap import Direction, Frame
from linectl.cli.main import run

READ = Request(4, 10, 2)


def written(path: Path, *values: int, settings: LinkSettings | None = None, delay_s: float = 0.02) -> Path:
    """Write a recording in which two registers are read once a second: the value and 1000."""
    frames = []
    for at, value in enumerate(values):
        asked, said = frame(at, 2, request_pdu(READ)), frame(at, 2, values_reply(READ, (value, 1000)))
        frames += [Frame(0, at, Direction.SENT, asked), Frame(0, at + delay_s, Direction.RECEIVED, said)]
    header = header_of(settings or ModbusTcpSettings("h"), device="plc", firmware="1", date="2026-11-23")
    lines = [header_line(header), *(frame_line(each, 0.0) for each in frames), end_line("closed", len(frames))]
    path.write_bytes(b"".join(lines))
    return path


def test_the_same_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = written(tmp_path / "a.wire.jsonl", 450, 451), written(tmp_path / "b.wire.jsonl", 450, 451)
    assert run(["frames", str(first), "--against", str(second), "--lang", "en"]) == 0
    assert capsys.readouterr().out.splitlines() == ["first: a.wire.jsonl", "second: b.wire.jsonl", "no difference"]


def test_a_difference_is_told_with_frame_and_time_and_ends_with_5(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = written(tmp_path / "a.wire.jsonl", 450, 451), written(tmp_path / "b.wire.jsonl", 450, 460)
    assert run(["frames", str(first), "--against", str(second), "--lang", "en"]) == 5
    assert capsys.readouterr().out.splitlines()[2:] == [
        "reply    unit 2 read input registers 10..11",
        "         ir10 451 -> 460",
        "         first: frame 3 at 1.000 s, second: frame 3 at 1.000 s",
        "1 difference",
    ]
    assert run(["frames", str(first), "--against", str(second), "--shape"]) == 0
    capsys.readouterr()
    assert run(["frames", str(first), "--against", str(second), "--json"]) == 5
    (found,) = json.loads(capsys.readouterr().out)["data"]["differences"]
    assert (found["kind"], found["text"], found["frame"], found["t_s"]) == ("reply", "ir10 451 -> 460", 3, 1.0)


def test_timing_is_apart_and_has_a_tolerance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = written(tmp_path / "a.wire.jsonl", 450), written(tmp_path / "b.wire.jsonl", 450, delay_s=0.5)
    assert run(["frames", str(first), "--against", str(second), "--lang", "en"]) == 5
    assert "timing   unit 2 read input registers 10..11" in capsys.readouterr().out
    assert run(["frames", str(first), "--against", str(second), "--tolerance", "0.6"]) == 0


def test_another_wire_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = written(tmp_path / "a.wire.jsonl", 450)
    second = written(tmp_path / "b.wire.jsonl", settings=EzoSettings("/dev/none", "RTD"))
    assert run(["frames", str(first), "--against", str(second), "--lang", "en"]) == 3
    assert "cannot be compared" in capsys.readouterr().err
    assert run(["frames", str(first), "--against", str(tmp_path / "c.wire.jsonl")]) == 3

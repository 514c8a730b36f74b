"""`linectl sim` as people and programs use it: a line that is up in one process, asked from others."""

from __future__ import annotations

import fcntl
import inspect
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.recordings import pieces, served
from linectl import words as spoken
from linectl.cli import sim_replay
from linectl.cli.main import run
from linectl.cli.sim_options import seconds_of
from linectl.config.load import load_line

pytestmark = pytest.mark.timeout(120)


class Desk:
    """A folder with a state of its own, from which linectl is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keep = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
        self.environment = {**keep, "LINECTL_LANG": "en", "XDG_STATE_HOME": str(folder / "state"), "TERM": "xterm"}
        self.up: list[subprocess.Popen[str]] = []

    def start(self, *words: str, verb: str = "up") -> tuple[subprocess.Popen[str], dict[str, Any]]:
        """Start `sim up` (or another verb that serves), and return it with what it says first."""
        command = [sys.executable, "-m", "linectl", "sim", verb, "--json", *words]
        process = subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.up.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=20)[1]
        said: dict[str, Any] = json.loads(line)["data"]
        return process, said

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "linectl", *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, capture_output=True, timeout=60, check=False
        )

    def ask(self, *words: str) -> Any:
        done = self.call(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["data"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    for process in one.up:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def test_a_fault_is_ordered_listed_told_and_mended(desk: Desk) -> None:
    process, said = desk.start("--initial", "bath.temperature=60", "--write-config", "rig.yaml", "--seed", "5")
    assert said["seed"] == 5
    assert load_line(desk.folder / "rig.yaml").simulated
    (control,) = (desk.folder / "state" / "linectl").glob("sim-*.json")
    assert said["control"] == str(control)
    assert desk.ask("sim", "fault", "add", "sensor_offset", "bath.temperature", "by=-8") == {"number": 1}
    assert desk.ask("sim", "fault", "add", "reply_late", "plc", "delay_s=0,2", "--after", "1h") == {"number": 2}
    (first, second) = desk.ask("sim", "fault", "ls")["faults"]
    assert (first["state"], first["text"], second["state"]) == ("standing", "by=-8", "waiting")
    shown = desk.call("sim", "show", "--plain")
    assert "≠ 5" in shown.stdout
    assert "sensor_offset" in shown.stdout
    assert desk.ask("sim", "fault", "clear", "1") == {"cleared": [1]}
    assert desk.ask("sim", "fault", "clear", "--all") == {"cleared": [2]}
    assert desk.call("sim", "stop").returncode == 0
    assert process.wait(20) == 0
    assert not control.exists()
    out = process.communicate(timeout=20)[0]
    events = [json.loads(line)["data"] for line in out.splitlines()]
    assert [each["event"] for each in events] == ["fault_began", "fault_ended", "down"]


@pytest.mark.parametrize(
    ("words", "code", "trouble"),
    [
        (("fault", "add", "sensor_ofset", "bath.temperature"), 3, "did you mean `sensor_offset`?"),
        (("fault", "add", "sensor_offset", "bath.temprature", "by=1"), 3, "did you mean `bath.temperature`?"),
        (("fault", "add", "sensor_offset", "bath.temperature", "bye=1"), 3, "expected one of by"),
        (("fault", "add", "sensor_offset", "bath.temperature", "by=x"), 3, "expected a number, not x"),
        (("fault", "add", "reply_late", "plc", "delay_s=-1"), 3, "0 to 3600 s"),
        (("fault", "add", "reply_late", "plc", "rtd"), 2, "expected one TARGET"),
        (("fault", "add", "reply_late", "plc", "--for", "soon"), 2, "such as 20s"),
        (("fault", "add", "reply_late", "plc", "--count", "0"), 3, "1 or more"),
        (("fault", "clear"), 2, "--all"),
        (("fault", "kinds", "reply_lat"), 3, "did you mean `reply_late`?"),
        (("fault", "ls"), 4, "linectl sim up"),
        (("show", "--plain"), 4, "linectl sim up"),
        (("show",), 2, "linectl sim show --plain"),
        (("up", "--show"), 2, "a terminal"),
        (("up", "--initial", "bath.temperature"), 2, "TAG=NUMBER"),
        (("feed", "0"), 2, "0 is not in the range"),
        (("feed", "10", "age"), 2, "NAME=VALUE"),
        (("replay", "none.wire.jsonl"), 3, "none.wire.jsonl"),
        (("replay", "x", "--broker", "localhost"), 2, "HOST:PORT"),
        (("fualt", "ls"), 2, "fault"),
    ],
)  # fmt: skip
def test_a_wrong_word_ends_with_its_code_and_what_is_right(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    trouble: str,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert run(["sim", *words, "--lang", "en"]) == code
    assert trouble in capsys.readouterr().err


def test_two_are_told_apart_and_a_killed_one_is_told(desk: Desk) -> None:
    one, _ = desk.start()
    two, _ = desk.start("--seed", "9")
    for words, code in ((("fault", "add", "chain_jam"), 3), (("feed", "10"), 6), (("fault", "clear", "9"), 3)):
        done = desk.call("sim", *words, "--sim", str(one.pid))  # what this line has not
        assert done.returncode == code
        assert "Traceback" not in done.stderr
    both = desk.call("sim", "show", "--json")
    assert both.returncode == 6
    assert str(one.pid) in both.stderr
    neither = desk.call("sim", "show", "--json", "--sim", "nix")
    assert (neither.returncode, f"(pid {two.pid})" in neither.stderr) == (4, True)
    assert desk.ask("sim", "show", "--sim", str(two.pid))["seed"] == 9
    one.kill()
    one.wait(20)
    assert desk.ask("sim", "show")["seed"] == 9  # there is one left
    two.send_signal(signal.SIGINT)
    assert two.wait(20) == 0
    done = desk.call("sim", "fault", "ls")
    assert done.returncode == 4
    assert f"process {one.pid}, which is dead" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])  # killed; its terminal closed
def test_a_signal_ends_it_clean(desk: Desk, number: signal.Signals) -> None:
    process, said = desk.start()
    process.send_signal(number)
    assert process.wait(20) == 0
    assert process.communicate(timeout=20)[1] == ""
    assert not Path(said["control"]).exists()


def test_a_port_in_use_names_its_holder(desk: Desk) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        done = desk.call("sim", "up", "--port", str(port))
    assert done.returncode == 4
    assert str(port) in done.stderr
    assert f"process {os.getpid()}" in done.stderr


def test_a_timeline_plays_while_it_is_up(desk: Desk) -> None:
    (desk.folder / "day.yaml").write_text(
        "kind: scenario\nline: simulated\nduration: 2 s\nseed: 3\n"
        "faults: [{at: 1 s, fault: sensor_stuck, target: bath.temperature}]\n"
    )
    process, said = desk.start("--scenario", "day.yaml")
    assert said["seed"] == 3
    assert process.stdout is not None
    begins, ends = (json.loads(process.stdout.readline())["data"] for _ in range(2))
    assert (begins["event"], begins["why"], ends["event"]) == ("fault_began", "due", "fault_ended")
    assert process.poll() is None  # the line stays


def test_a_washer_is_fed_from_another_process(desk: Desk) -> None:
    desk.start("simulated_washer", "--initial", "washer.recipe=1")
    told = desk.ask("sim", "feed", "3000", "model=clavelin_62cl", "inlet_c=8", "--glue", "pvoh")
    assert (told["count"], told["waiting"]) == (3000, 3000)
    assert desk.call("sim", "feed", "10", "--glue", "pvho").returncode == 3
    assert "1 to 1.5" in desk.call("sim", "feed", "10", "age=7").stderr
    assert desk.ask("sim", "feed", "10", "grower=7")["lot"] == "lot 2"  # not mixed with the first
    for word, trouble in (("count=5", "count is no figure"), ("op=5", "a lot has no op"), ("age=1 age=2", "twice")):
        done = desk.call("sim", "feed", "10", *word.split())
        assert (done.returncode in {2, 3}, trouble in done.stderr) == (True, True), done.stderr
    wrong = desk.call("sim", "fault", "add", "sensor_stuck", "z9.temperature").stderr
    assert "z0.temperature" in wrong
    assert "bath.temperature" not in wrong  # only what this line has is offered
    state = desk.ask("sim", "show")
    assert [zone["name"] for zone in state["zones"]] == [f"z{k}" for k in range(8)]
    assert state["counts"]["in_queue"] == 3010


def test_a_recording_is_served_and_what_it_has_not_is_told(desk: Desk) -> None:
    (recording,) = (Path(__file__).parents[1] / "data" / "wires").glob("sim-bath-plc_*.wire.jsonl")
    process, said = desk.start(str(recording), "--pace", "0", verb="replay")
    host, _, port = said["addresses"][0].partition(":")
    with socket.create_connection((host, int(port)), 10) as wire:
        wire.sendall(bytes.fromhex("0001 0000 0006 02 03 1234 0001"))  # a register that was never asked for
        assert wire.recv(300)
    assert f"(process {process.pid})" in desk.call("sim", "replay", str(recording), "--port", port).stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    events = [json.loads(line)["data"] for line in process.communicate(timeout=20)[0].splitlines()]
    assert [each["event"] for each in events] == ["difference", "down"]
    assert events[1]["differences"] == 1


def test_what_a_recorded_device_does_is_said_in_french() -> None:
    source = inspect.getsource(pieces) + inspect.getsource(served)
    said = re.findall(r'"((?:the recording|put together)[^"{]*)"', source)
    said += [f"the recording holds {what}: refused" for what in re.findall(r'"(other values|no such request)"', source)]
    assert len(said) >= 5
    assert f'f"{sim_replay._NO_UNIT}{{asked.unit}}"' in source  # the words of the driver, kept beside
    spoken.use("fr")
    try:
        told = [sim_replay._why(each) for each in (*said, f"{sim_replay._NO_UNIT}3")]
    finally:
        spoken.use("en")
    assert not any("the recording" in each or "recorded" in each for each in told), told


def screen(process: subprocess.Popen[bytes], terminal: int, until: str, within_s: float = 40.0) -> str:
    """Read what a program draws on its terminal, until some text has been on it."""
    seen, end_s = b"", time.monotonic() + within_s
    while until.encode() not in seen and time.monotonic() < end_s and process.poll() is None:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen += os.read(terminal, 65_536)
            except OSError:  # EIO: the program has gone
                break
    return seen.decode(errors="replace")


@pytest.mark.parametrize("leave", ["q", "its terminal is closed"])
def test_the_picture_on_a_terminal_ends(desk: Desk, leave: str) -> None:
    terminal, slave = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [sys.executable, "-m", "linectl", "sim", "up", "--show"]
    process = subprocess.Popen(command, cwd=desk.folder, env=desk.environment, stdin=slave, stdout=slave, stderr=slave)
    try:
        os.close(slave)
        assert "simulated" in screen(process, terminal, "simulated")
        assert desk.ask("sim", "fault", "add", "sensor_stuck", "bath.temperature") == {"number": 1}
        assert "sensor_stuck" in screen(process, terminal, "sensor_stuck")
        if leave == "q":
            os.write(terminal, b"q")
            screen(process, terminal, "never", 20.0)
        else:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, terminal)  # closes it
            os.close(nowhere)
            for number in (signal.SIGHUP, signal.SIGCONT):  # as a shell does to its jobs
                process.send_signal(number)
        assert process.wait(20) == 0
        assert not list((desk.folder / "state" / "linectl").glob("sim-*.json"))
    finally:
        process.kill()
        process.communicate(timeout=20)
        os.close(terminal)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20", 20.0), ("20s", 20.0), ("1,5 min", 90.0), ("2 h", 7200.0), ("1h30min", 5400.0), ("0.5", 0.5)],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", [" ", "s", "-5", "5 days", "5 moons", "1e3", "five"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        seconds_of(text)

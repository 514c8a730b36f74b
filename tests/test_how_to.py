"""The how-to pages: their files load, their commands are typed and end as they say, and what they show is what comes.

A page is followed as a newcomer would, top to bottom, in a folder of its own, with simulated devices in place of its
addresses. A YAML block that begins with `# name.yaml` is that file; any other one is merged into it, as the page says.
Of the output shown, every line must come, its figures and addresses apart; `...` stands for lines left out. A comment
before a block says when it is not typed or not compared.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import click
import pytest
import yaml

from linectl.cli.verbs import group
from linectl.clock import Clock
from linectl.config.dump import dump_line
from linectl.config.files import find_file
from linectl.config.load import load_any, load_line
from linectl.server.simulation.serving import Serving, serving
from linectl.server.simulation.simulated import serve
from linectl.sim.wires.bank import Fault, ModbusFault
from linectl.sim.wires.broker import EmbeddedBroker, free_port
from linectl.sim.wires.ezo import EzoCircuit, EzoInstrument
from linectl.sim.wires.modbus_rtu import ModbusRtuServer

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "how-to"
PAGES = (
    "connect-a-plc",
    "connect-an-instrument",
    "connect-a-broker",
    "diagnose-a-wire",
    "rehearse-a-fault",
    "test-an-experiment",
    "replay-a-wire",
    "test-interlocks",
    "serve-a-line",
    "fr/servir-une-ligne",
    "alarms",
    "fr/alarmes",
    "what-to-do-when",
    "fr/que-faire-quand",
    "calibrate",
    "fr/etalonner",
    "first-day",
    "fr/premier-jour",
    "run-the-washer",
    "fr/conduire-la-laveuse",
    "set-up-a-site",
    "fr/installer-un-site",
)

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the installed package carries no docs")

_FENCE = re.compile(r"(?P<idle><!-- not (?:typed|compared):[^\n]*-->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_BY_ID = "/dev/serial/by-id"
_HASTE = {"--seconds 35": "--seconds 3", "--for 10": "--for 3", "--sim --speed 10": "--sim --speed 20"}
_PATIENT_BUS = "turnaround_s: 0.05, timeout_s: 0.3, window_s: 0.02"  # a busy computer answers late, but it answers
_MESSAGES = {
    "hall/pressure": "2.31",
    "sensors/room/climate": {"temperature": 20.1, "humidity": 48.0},
    "shellyplusht-a1/events/rpc": {
        "method": "NotifyStatus",
        "params": {"ts": 1680962879.62, "temperature:0": {"id": 0, "tC": 19.8}},
    },
    "tele/bath_probe/SENSOR": {"DS18B20": {"Id": "012345", "Temperature": 71.2}, "TempUnit": "C"},
    "zigbee2mqtt/climate": {"temperature": 21.3, "humidity": 48.2, "linkquality": 90},
}


class Words:
    """A Modbus unit of holding registers; any other address is refused."""

    def __init__(self, *blocks: tuple[int, tuple[int, ...]]) -> None:
        self.words = {first + k: word for first, words in blocks for k, word in enumerate(words)}

    def read(self, table: str, address: int, count: int) -> list[int]:
        wanted = range(address, address + count)
        if table != "hr" or not self.words.keys() >= set(wanted):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        return [self.words[k] for k in wanted]

    def write(self, table: str, address: int, values: list[int]) -> None:
        self.read(table, address, len(values))
        self.words.update(enumerate(values, address))


def floats(*values: float, low_first: bool = True) -> tuple[int, ...]:
    pairs = [struct.unpack(">HH", struct.pack(">f", value)) for value in values]
    return tuple(word for pair in pairs for word in (reversed(pair) if low_first else pair))


def arc() -> Words:
    ph = (0x1000, 0, *floats(12.41), 0, 0, *floats(0.0, 14.0))
    return Words((2089, ph), (2409, (4, 0, *floats(61.2), 0, 0, *floats(-20.0, 130.0))))


def caustic() -> Words:
    first = (*floats(87.4, low_first=False), 400)
    return Words((2250, first), (2256, (*floats(1.52, low_first=False), 1029)))


@asynccontextmanager
async def bus() -> AsyncIterator[ModbusRtuServer]:
    server = ModbusRtuServer({5: arc(), 6: caustic()})
    await server.listen()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def plc(_folder: Path) -> AsyncIterator[dict[str, str]]:
    definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
    async with serve(definition, Clock(), seed=1) as up:
        port = getattr(up.definition.links["plc"], "port")  # noqa: B009  # one of several types of settings
        yield {
            "host: 192.168.10.20, port: 502": f"host: 127.0.0.1, port: {port}",
            "host: 192.168.10.20\n    port: 502": f"host: 127.0.0.1\n    port: {port}",
            "192.168.10.20": f"127.0.0.1:{port}",
        }


def instruments() -> Any:
    path = Path(__file__).parent / "drivers" / "instruments.py"
    spec = importlib.util.spec_from_file_location("how_to_instruments", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[dict[str, str]]:
    fakes = instruments()
    ph = EzoInstrument(EzoCircuit("pH", "1.98", lambda: 12.382, lambda _value: 3), folder / "ph")
    ph.plug()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(ph.stop)
        for made in (fakes.Balance(folder / "balance"), fakes.Lauda(folder / "circulator")):
            await stack.enter_async_context(fakes.on_the_desk(made))
        server = await stack.enter_async_context(bus())
        server.plug(folder / "rs485")
        yield {
            f"{_BY_ID}/usb-FTDI_ph-if00-port0": str(folder / "ph"),
            f"{_BY_ID}/usb-METTLER_TOLEDO-if00": str(folder / "balance"),
            f"{_BY_ID}/usb-circulator-if00": str(folder / "circulator"),
            f"{_BY_ID}/usb-FTDI_USB-RS485-if00-port0": str(folder / "rs485"),
        }


@asynccontextmanager
async def broker(_folder: Path) -> AsyncIterator[dict[str, str]]:
    embedded = EmbeddedBroker()
    await embedded.start()
    speaking = asyncio.create_task(speak(embedded.port))
    try:
        yield {
            "host: 192.168.10.5\n    port: 1883": f"host: 127.0.0.1\n    port: {embedded.port}",
            "192.168.10.5": f"127.0.0.1:{embedded.port}",
        }
    finally:
        speaking.cancel()
        with suppress(asyncio.CancelledError):
            await speaking
        await embedded.stop()


async def speak(port: int) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        while True:
            for topic, said in _MESSAGES.items():
                await client.publish(topic, said if isinstance(said, str) else json.dumps(said))
            await asyncio.sleep(0.4)


@asynccontextmanager
async def bus_alone(_folder: Path) -> AsyncIterator[dict[str, str]]:
    async with bus() as server:
        yield {
            "socket://192.168.10.30:4001": f"socket://127.0.0.1:{server.port}",
            "turnaround_s: 0.05}": _PATIENT_BUS + "}",
        }


@asynccontextmanager
async def bath_to_break(folder: Path) -> AsyncIterator[dict[str, str]]:
    definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
    wanted = Serving(definition, 1, 10.0, {"bath.temperature": 60.0}, data=folder / "state" / "linectl")
    ready, stop = asyncio.Event(), asyncio.Event()

    async def until_stopped() -> None:
        async with serving(wanted, stop=stop) as up:
            (folder / "rig.yaml").write_text(dump_line(up.definition), encoding="utf-8")
            ready.set()
            await stop.wait()

    terminal = asyncio.create_task(until_stopped())
    await asyncio.wait((terminal, asyncio.create_task(ready.wait())), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield {}
    finally:
        stop.set()
        await terminal


@asynccontextmanager
async def bath_to_record(folder: Path) -> AsyncIterator[dict[str, str]]:
    today = datetime.now(UTC).date().isoformat()
    async with bath_to_break(folder):
        yield {"2026-11-23": today, "15020": str(free_port())}


@asynccontextmanager
async def no_device(_folder: Path) -> AsyncIterator[dict[str, str]]:
    yield {}


BENCHES = dict(
    zip(
        PAGES,
        (
            plc,
            desk,
            broker,
            bus_alone,
            bath_to_break,
            bath_to_break,
            bath_to_record,
            no_device,
            no_device,
            no_device,
            bath_to_break,
            bath_to_break,
            bath_to_break,
            bath_to_break,
            bath_to_break,
            bath_to_break,
            no_device,
            no_device,
            no_device,
            no_device,
            no_device,
            no_device,
        ),
        strict=True,
    )
)


def page_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def replaced(text: str, instead: dict[str, str]) -> str:
    for old, new in {**instead, **_HASTE}.items():
        text = text.replace(old, new)
    return text


def commands(text: str) -> Iterator[tuple[str, set[int]]]:
    """Give each line without its comment, and the exit codes that a comment `# exit N` or `# exit N or M` promises."""
    for line in text.splitlines():
        command, _, comment = line.partition("  #")
        found = re.search(r"exit (\d+)(?: or (\d+))?", comment)
        yield command.strip(), {int(code) for code in found.groups() if code} if found else {0}


def merged(below: Any, above: Any) -> Any:
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def skeleton(line: str) -> tuple[str, ...]:
    """Return the words of a line that hold no figure: addresses, values and times differ from day to day."""
    return tuple(word for word in line.split() if not any(map(str.isdigit, word)))


def missing(shown: str, said: str) -> list[str]:
    """Return the lines of the page that did not come."""
    came = {skeleton(line) for line in said.splitlines()}
    return [line for line in shown.splitlines() if line != "..." and skeleton(line) not in came]


class Reader:
    """Somebody who follows a page in a folder, at a terminal of 80 columns."""

    def __init__(self, folder: Path, instead: dict[str, str], lang: str = "en") -> None:
        self.folder = folder
        self.lang = lang
        self.instead = instead
        self.file = ""
        self.said = ""
        self.behind: list[subprocess.Popen[bytes]] = []

    async def follow(self, page: str) -> None:
        for found in _FENCE.finditer(page):
            text = found["text"]
            match found["kind"]:
                case "yaml":
                    self.keep(replaced(text, self.instead))
                case "python":
                    self.save(text)
                case "sh" if not found["idle"]:
                    self.said = ""
                    for command, codes in commands(replaced(text, self.instead)):
                        self.said += await asyncio.to_thread(self.type, command, codes)
                case "text" if not found["idle"]:
                    assert not missing(text, self.said), f"{missing(text, self.said)} did not come:\n{self.said}"

    def leave(self) -> None:
        """End what was started in the background."""
        for process in self.behind:
            process.terminate()
            process.wait()

    def save(self, text: str) -> str:
        name = text.splitlines()[0].removeprefix("# ")
        (self.folder / name).write_text(text, encoding="utf-8")
        return name

    def keep(self, text: str) -> None:
        """Save a line file, or merge the lines of a fragment into it; either way it must load."""
        if text.startswith("# "):
            self.file = self.save(text)
        else:
            path = self.folder / self.file
            whole = merged(yaml.safe_load(path.read_text(encoding="utf-8")), yaml.safe_load(text))
            path.write_text(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False), encoding="utf-8")
        path = self.folder / self.file
        load = load_line if "kind: line" in path.read_text(encoding="utf-8") else load_any
        load(path)

    def type(self, command: str, expected: set[int]) -> str:
        words = shlex.split(command)
        behind = words[-1] == "&"
        words = words[: len(words) - behind]
        if words[0] == "linectl":
            words[:1] = [sys.executable, "-m", "linectl"]
        elif words[0] == "python":
            words[0] = sys.executable
        keep = {
            name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "XDG_RUNTIME_DIR"}
        }
        env = {**keep, "XDG_STATE_HOME": str(self.folder / "state"), "LINECTL_LANG": self.lang, "PY_COLORS": "0"}
        terminal, slave = pty.openpty()
        with (self.folder / "stderr").open("w+b") as errors:
            process = subprocess.Popen(
                words, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=slave, stderr=errors
            )
            os.close(slave)
            if behind:
                self.behind.append(process)
                return read_until(terminal, b"Ctrl+C")
            said = read_all(terminal)
            code = process.wait()
            errors.seek(0)
            trouble = errors.read().decode()
        assert code in expected, f"{command}\n{said}{trouble}"
        return said


def read_until(terminal: int, words: bytes) -> str:
    """Return what a program says until it says `words`; the terminal stays open for the rest."""
    said = b""
    while words not in said:
        said += os.read(terminal, 65_536)
    return said.decode().replace("\r\n", "\n")


def read_all(terminal: int) -> str:
    parts: list[bytes] = []
    with suppress(OSError):  # EIO: the program is gone
        while part := os.read(terminal, 65_536):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode().replace("\r\n", "\n")


async def follow(name: str, folder: Path) -> None:
    async with BENCHES[name](folder) as instead:
        reader = Reader(folder, instead, "fr" if name.startswith("fr/") else "en")
        try:
            await reader.follow(page_of(name))
        finally:
            await asyncio.to_thread(reader.leave)  # what waits here keeps the devices of other pages waiting


AT_ONCE = 3  # pages side by side: with more, a small computer holds nobody's speed


@pytest.mark.timeout(1200)
async def test_every_page_can_be_followed(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in PAGES]
    for folder in folders:
        folder.mkdir(parents=True)
    room = asyncio.Semaphore(AT_ONCE)

    async def in_turn(name: str, folder: Path) -> None:
        async with room:
            await follow(name, folder)

    ends = await asyncio.gather(*map(in_turn, PAGES, folders), return_exceptions=True)
    wrong = [f"docs/how-to/{name}.md: {end}" for name, end in zip(PAGES, ends, strict=True) if end is not None]
    assert not wrong, "\n".join(wrong)


def asked(text: str) -> list[str]:
    """Return why a command cannot be: a verb or an option that there is not."""
    words = [word for word in shlex.split(text)[1:] if word]
    command: click.Command = group
    while isinstance(command, click.Group) and words and re.fullmatch(r"[a-z-]+", words[0]):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return [f"`{text}`: no verb {words[0]}"]
        command = found
        words = words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    return [f"`{text}`: no option {word}" for word in words if word.startswith("--") and word not in known]


def every_option(command: click.Command) -> set[str]:
    options = {option for parameter in command.params for option in parameter.opts}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                options |= every_option(found)
    return options


def wrong_words(page: str) -> list[str]:
    """Return the verbs and options that a page names and linectl has not."""
    known = every_option(group)
    spans = _SPAN.findall(_FENCE.sub("", page))
    lines = [line for found in _FENCE.finditer(page) if found["kind"] == "sh" for line, _ in commands(found["text"])]
    told = [text for text in (*spans, *lines) if text.startswith("linectl ")]
    wrong = [trouble for text in told for trouble in asked(text)]
    return wrong + [f"no option {text}" for text in spans if text.startswith("--") and text.split()[0] not in known]


def test_every_verb_and_option_that_a_page_names_is_there() -> None:
    for name in PAGES:
        assert wrong_words(page_of(name)) == [], name


def test_pages_are_all_known_and_their_links_lead_somewhere() -> None:
    assert {str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.md")} == set(PAGES)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in PAGES:
        assert f"docs/how-to/{name}.md" in readme
        for target in re.findall(r"\]\(([^)#:]+)\)", page_of(name)):
            assert ((FOLDER / name).parent / target).exists(), f"{name}: {target}"


async def test_what_is_wrong_on_a_page_is_found(tmp_path: Path) -> None:
    assert wrong_words("`linectl tags raed LINE` and `--nonsense`") == [
        "`linectl tags raed LINE`: no verb raed",
        "no option --nonsense",
    ]
    assert wrong_words("```sh\nlinectl doctor --wiat 5\n```") == ["`linectl doctor --wiat 5`: no option --wiat"]
    assert missing("unit 2  good\n...\nunit 3  bad", "unit 7  good\n") == ["unit 3  bad"]
    reader = Reader(tmp_path, {})
    with pytest.raises(AssertionError, match="no such file"):
        await reader.follow("```sh\nlinectl config check nothing.yaml\n```")
    with pytest.raises(AssertionError, match="did not come"):
        await reader.follow("```sh\nlinectl --version\n```\n```text\nsomething else\n```")

"""Looking at a line and trying its tags, before anything is run on it: read-only, without taking its PLC."""

from __future__ import annotations

import asyncio
import difflib
import fnmatch
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from drivers.addresses import mqtt_field
from drivers.errors import DriverError
from drivers.link import Link, Outcome, RawReading
from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.errors import ConfigError, Refused
from linectl.line.line import Line, WriteReport
from linectl.line.narrow import only_tags, only_wire
from linectl.line.trace import Trace
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Reading, Value
from linectl.server.line_server import LineServer
from linectl.server.places import store_path
from linectl.store.file import must_be_free
from linectl.words import tr

__all__ = [
    "Look",
    "Site",
    "known_tag",
    "look",
    "look_at",
    "looking",
    "matching",
    "reopening",
    "site",
    "trace_of",
    "write_tag",
]

_SCAN_S = 1.0  # one scan, with the deadline of one second
_AGAIN_S = 0.1
_REOPEN_S = 2.0
_MESSAGES_SHOWN = 4
_WAITING = frozenset({"timeout", "waiting_for_initial_data"})


@dataclass(frozen=True, slots=True)
class Site:
    """A line with its addresses, the clock, and the store that a writer of it holds."""

    definition: LineDefinition
    clock: Clock
    store_file: Path


@dataclass(frozen=True, slots=True)
class Look:
    """What a tag says now: its reading, the raw value behind it (None when derived), its age in s."""

    tag: Tag
    reading: Reading
    raw: RawReading | None
    age_s: float

    @property
    def registers(self) -> tuple[int, ...]:
        """The registers of a block, which has no value of its own; empty for any other tag."""
        return self.raw.value if self.raw is not None and isinstance(self.raw.value, tuple) else ()

    @property
    def is_good(self) -> bool:
        """Whether the tag was read as it should be."""
        return self.reading.value is not None or bool(self.registers)

    @property
    def is_command(self) -> bool:
        """Whether the tag is only ever written (a balance's tare): that it holds nothing is no fault."""
        point, said = self.tag.point, self.raw.reason if self.raw is not None else ""
        return point is not None and not point.readback and said == "out_of_service"


def matching(definition: LineDefinition, patterns: Iterable[str]) -> list[str]:
    """Return the tags that `patterns` name (`bath.temperature`, `bath.*`), in the order of the file; all if none.

    Raises:
        ConfigError: a pattern names none; the nearest name is told.
    """
    wanted = list(patterns) or ["*"]
    for pattern in wanted:
        if not fnmatch.filter(definition.tags, pattern):
            raise _no_tag(definition, pattern)
    return [name for name in definition.tags if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)]


def known_tag(definition: LineDefinition, name: str) -> Tag:
    """Return the tag called `name`.

    Raises:
        ConfigError: there is none.
    """
    tag = definition.tags.get(name)
    if tag is None:
        raise _no_tag(definition, name)
    return tag


def _no_tag(definition: LineDefinition, name: str) -> ConfigError:
    near = difflib.get_close_matches(name, definition.tags, n=1)
    text = tr("{line} has no tag {tag}").format(line=definition.name, tag=name)
    return ConfigError(text, hint=tr("did you mean `{word}`?").format(word=near[0]) if near else "")


@asynccontextmanager
async def site(
    definition: LineDefinition,
    *,
    sim: bool,
    data: Path | None,
    seed: int = 1,
    initial: Mapping[str, float] | None = None,
) -> AsyncIterator[Site]:
    """Give the line as it stands, or with `sim` on a simulated rig of its own, up for the time of the block.

    The rig starts with `initial` (see `linectl.sim.rig.INITIAL`).

    Raises:
        Refused: the rig does not fit the line.
        ConfigError: it cannot start so.
    """
    if not sim:
        yield Site(definition, Clock(speed=definition.speed), store_path(definition, data))
        return
    from linectl.server.simulation.simulated import serve

    if "bath" not in definition.zones:
        raise Refused(tr("{line} has no zone `bath`: the simulated rig is none of it").format(line=definition.name))
    clock = Clock()
    with TemporaryDirectory(prefix="linectl-look-") as folder:
        async with serve(definition, clock, seed=seed, initial=initial) as up:
            ours = {
                name: tag
                for name, tag in up.definition.tags.items()
                if tag.point is None or tag.link in up.rig.settings
            }
            links = {name: settings for name, settings in up.definition.links.items() if name in up.rig.settings}
            simulated = replace(up.definition, tags=ours, links=links)  # nothing else: it would be the real thing
            yield Site(simulated, clock, Path(folder) / "look.db")


@asynccontextmanager
async def looking(
    at: Site, names: Sequence[str], *, period_s: float | None = None, patient: bool = False
) -> AsyncIterator[Line]:
    """Give the line opened for looking at the tags `names`, scanned every `period_s` when that is given.

    Nobody takes its PLC. A link that does not open is told by its tags; `patient` also when none of them does.

    Raises:
        Refused: another process has the line.
        Unreachable: none of the links opened.
    """
    must_be_free(at.store_file)
    definition = only_tags(at.definition, names, period_s=period_s)
    line = Line(definition, at.clock, boot=uuid.uuid4().hex[:12], observe=True)
    async with line:
        wires = {tag.link for tag in definition.tags.values() if tag.point is not None}
        if wires and not patient and wires == line.unopened.keys():
            raise line.unreachable()
        yield line


@asynccontextmanager
async def reopening(line: Line) -> AsyncIterator[None]:
    """Try the links that did not open again every 2 s, for the time of the block; `line.unopened` tells how they do."""
    links = {tag.link: line.link_of(name) for name, tag in line.definition.tags.items() if tag.link in line.unopened}
    tasks = [asyncio.create_task(_reopen(line, name, link)) for name, link in links.items() if link is not None]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


async def _reopen(line: Line, name: str, link: Link) -> None:
    while name in line.unopened:
        await asyncio.sleep(_REOPEN_S)
        try:
            await link.open()
        except DriverError as error:
            line.unopened[name] = str(error)
        else:
            del line.unopened[name]


async def look_at(at: Site, names: Sequence[str], *, wait_s: float = 3.0, patient: bool = False) -> list[Look]:
    """Return what the tags `names` say; one that says nothing yet is asked again for `wait_s` at most.

    Raises:
        Refused: another process has the line.
        Unreachable: none of the links opened.
    """
    loop = asyncio.get_running_loop()
    async with looking(at, names, period_s=_SCAN_S, patient=patient) as line:
        end_s = loop.time() + wait_s
        while waiting := [name for name in names if line.reading(name).quality.reason in _WAITING]:
            if loop.time() >= end_s:
                break
            await asyncio.sleep(_AGAIN_S)
            for name in waiting:  # a scan that was late may come after this, and say again that it was
                await line.read(name)
        return [look(line, name, at.clock) for name in names]


def look(line: Line, name: str, clock: Clock) -> Look:
    """Return what the tag `name` of an open line said last."""
    reading = line.reading(name)
    age_s = max(0.0, (clock.now_ns() - reading.received_time_ns) / 1e9)
    return Look(line.definition.tags[name], reading, line.raw(name), age_s)


async def trace_of(line: Line, name: str, *, wait_s: float = 0.0) -> Trace:
    """Return the trace of the tag `name` of an open line (see `Line.trace`).

    A sensor that publishes by itself is waited for, `wait_s` at most, and its frames are the last messages that came.

    Raises:
        ConfigError: the tag is derived: its inputs have wires.
    """
    loop = asyncio.get_running_loop()
    end_s = loop.time() + wait_s
    found = await line.trace(name)
    link = line.link_of(name)
    if link is None or not isinstance(line.definition.links[found.tag.link], MqttSettings):
        return found
    while found.reading.quality.reason == "waiting_for_initial_data" and loop.time() < end_s:
        await asyncio.sleep(_AGAIN_S)
        found = await line.trace(name)
    sensor = "" if found.tag.point is None else mqtt_field(found.tag.point)[0]
    heard = [frame for frame in link.tap.frames if frame.device == sensor]
    return replace(found, frames=tuple(heard[-_MESSAGES_SHOWN:]))


async def write_tag(at: Site, name: str, value: Value, *, who: str, why: str = "") -> WriteReport:
    """Write `value` (in the tag's unit) as every write goes, and give the line back.

    How it ended, who asked for it and why (`why`) is in the store and its audit trail.

    The line is taken for the time of the write, with its lease, heartbeat, limits, echo and read-back. Giving it back
    switches its heater off.

    Raises:
        ConfigError: there is no such tag.
        Refused: another process or computer has the line.
        Unreachable: the wire, or that of the line's PLC, did not open.
        DeviceError: the PLC answers nothing of use, or its heater could not be proved off afterwards.
    """
    tag = known_tag(at.definition, name)
    definition = only_wire(at.definition, tag.link)
    if tag.derived is not None:
        return WriteReport(name, Outcome.REFUSED, value, None, "not_writable")
    async with LineServer(definition, at.clock, at.store_file, boot=uuid.uuid4().hex[:12]) as server:
        return await server.write(name, value, who=who, why=why)

"""Recording one wire of a line to an exchange file, while its tags are looked at."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drivers.recordings.recorder import BadExchange, Recorder, exchange_name, header_of
from drivers.wire_tap import DeviceStats
from linectl.errors import ConfigError, StoreError
from linectl.model.lines import LineDefinition
from linectl.server.commissioning import Site, looking
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["Subject", "record_wire", "tags_on"]

_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Subject:
    """What is recorded: a link of the line by its name, and what stands on its device's plate."""

    link: str
    device: str
    firmware: str


def tags_on(definition: LineDefinition, link: str) -> list[str]:
    """Return the tags that come over `link`.

    Raises:
        ConfigError: the line has no such link, or no tag on it.
    """
    names = [name for name, tag in definition.tags.items() if tag.link == link and tag.point is not None]
    if not names:
        near = difflib.get_close_matches(link, definition.links, n=1)
        known = ", ".join(definition.links)
        raise ConfigError(
            tr("{line} has no link {link} with tags").format(line=definition.name, link=link),
            hint=tr("did you mean `{word}`?").format(word=near[0])
            if near
            else tr("its links: {links}").format(links=known),
        )
    return names


async def record_wire(
    at: Site,
    subject: Subject,
    folder: Path,
    *,
    period_s: float,
    stop: asyncio.Event,
    for_s: float | None = None,
) -> tuple[Recorder, Mapping[str, DeviceStats]]:
    """Read the tags on a link every `period_s` and record its wire, until `stop` or for `for_s`.

    Return the recorder and the counters of each device on the wire.

    The file is `<device>_<firmware>_<date>.wire.jsonl` in `folder`. It ends by itself when it is full.

    Raises:
        ConfigError: there is no such link.
        Refused: another process has the line.
        Unreachable: the link did not open.
        StoreError: the file is there already, or the disk failed.
    """
    names = tags_on(at.definition, subject.link)
    date = datetime.fromtimestamp(at.clock.now_ns() // NS_PER_S, UTC).date().isoformat()
    header = header_of(
        at.definition.links[subject.link],
        device=subject.device,
        firmware=subject.firmware,
        date=date,
        simulated=at.definition.simulated,
        comment=f"line {at.definition.name}, link {subject.link}",
    )
    path = folder / exchange_name(subject.device, subject.firmware, date)
    async with looking(at, names, period_s=period_s) as line:
        loop = asyncio.get_running_loop()
        end_s = None if for_s is None else loop.time() + for_s
        try:
            with Recorder(path, line.taps[subject.link], header) as recorder:
                while not (stop.is_set() or recorder.is_full or recorder.trouble):
                    if end_s is not None and loop.time() >= end_s:
                        break
                    await asyncio.sleep(_LOOK_S)
        except BadExchange as error:
            hint = tr("name another --folder, --device or --firmware, or move the file that is there away")
            raise StoreError(str(error), hint=hint) from error
    if recorder.trouble:
        raise StoreError(f"{path}: {recorder.trouble}")
    return recorder, line.taps[subject.link].devices

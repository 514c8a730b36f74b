"""The doctor's look at the computer: clock, store, packages and passwords. Facts first, judged by pure functions."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import packages_distributions
from pathlib import Path

from linectl.clock import VIRTUAL_START_NS, wall_ns
from linectl.config.named_secrets import known, secret_folder
from linectl.config.secrets import with_secrets
from linectl.errors import ConfigError, LinectlError
from linectl.model.lines import LineDefinition
from linectl.server.doctor.finding import Finding, Level, Place
from linectl.store.reader import StoreReader
from linectl.units import NS_PER_S
from linectl.words import decimal, tr

__all__ = [
    "ClockFacts",
    "StoreFacts",
    "clock_facts",
    "judge_clock",
    "judge_store",
    "named_secrets",
    "packages",
    "secrets",
    "store_facts",
]

_LOW_BYTES = 500_000_000  # below this a store is told of before it is full
_FULL_BYTES = 20_000_000  # below this no run would end well
_STEP_S = 0.1  # a clock that is steered gains or loses 0.0005 s in a second at most
_UNSYNCHRONISED = 0x40  # STA_UNSYNC of adjtimex(2)
_TIMEX_BYTES = 512  # struct timex is 208 bytes on 64 bits; the kernel writes no more than its own
_STATUS_AT = 4 * ctypes.sizeof(ctypes.c_long) + ctypes.sizeof(ctypes.c_long)


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """The computer's clock: wall time, ns UTC; whether it is set by time servers (None: not known); steps seen, s."""

    now_ns: int
    synchronised: bool | None
    step_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """The store's file: the folder that would hold it, the room there in bytes, and what stood in the way."""

    file: Path
    folder: Path
    free_bytes: int = 0
    cannot_write: str = ""
    cannot_read: str = ""


def clock_facts(step_s: float = 0.0) -> ClockFacts:
    """Return how the computer's clock stands; `step_s` is what was seen of its steps."""
    return ClockFacts(wall_ns(), _synchronised(), step_s)


def _synchronised() -> bool | None:
    """Ask the kernel (adjtimex, which changes nothing with mode 0); None where there is no such call."""
    try:
        call = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    if call(buffer) < 0:
        return None
    status = int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return not status & _UNSYNCHRONISED


def judge_clock(facts: ClockFacts) -> Iterator[Finding]:
    """Give what is wrong with the clock."""
    now = datetime.fromtimestamp(facts.now_ns / NS_PER_S, UTC)
    if facts.now_ns < VIRTUAL_START_NS:
        what = tr("the computer believes it is {date}: records would bear that date").format(date=f"{now:%Y-%m-%d}")
        yield Finding(Level.ERROR, "clock", "clock_year", what, tr("set it: timedatectl set-time, or a time server"))
    if facts.synchronised is False:
        what = tr("no time server sets the computer's clock: it drifts by seconds a day")
        do = tr("timedatectl set-ntp true; without a network look at the time before a run")
        yield Finding(Level.WARNING, "clock", "clock_unsynchronised", what, do)
    if abs(facts.step_s) > _STEP_S:
        what = tr("the computer's clock was set by {s} s while this was looked at").format(s=decimal(facts.step_s, 2))
        do = tr("see what sets it (two time services?); durations are safe, dates of records are not")
        yield Finding(Level.WARNING, "clock", "clock_step", what, do)


def store_facts(file: Path) -> StoreFacts:
    """Look whether the store `file` could be written and read; leaves nothing behind."""
    folder = file.parent
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    cannot_write = ""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"linectl")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        cannot_write = error.strerror or str(error)
    return StoreFacts(file, folder, free, cannot_write, _unreadable(file))


def _unreadable(file: Path) -> str:
    if not file.exists():
        return ""
    try:
        StoreReader(file).runs()
    except LinectlError as error:
        return error.message
    return ""


def judge_store(facts: StoreFacts) -> Iterator[Finding]:
    """Give what is wrong with the place of the store."""
    place = Place(file=str(facts.file))
    if facts.cannot_write:
        what = tr("{folder} cannot be written: {why}").format(folder=facts.folder, why=facts.cannot_write)
        do = tr("give yourself the right to it, or name another folder: `store:` in the line file, or --data")
        yield Finding(Level.ERROR, "store", "store_unwritable", what, do, place)
    elif facts.free_bytes < _LOW_BYTES:
        full = facts.free_bytes < _FULL_BYTES
        level, code = (Level.ERROR, "store_full") if full else (Level.WARNING, "store_low")
        megabytes = decimal(facts.free_bytes / 1e6, 0)
        what = tr("only {mb} MB are free in {folder}").format(mb=megabytes, folder=facts.folder)
        yield Finding(level, "store", code, what, tr("free some space, or name another folder with --data"), place)
    if facts.cannot_read:
        what = tr("the store cannot be read: {why}").format(why=facts.cannot_read)
        yield Finding(Level.ERROR, "store", "store_unreadable", what, tr("move it aside; nothing else is lost"), place)


def packages(owners: Mapping[str, list[str]] | None = None) -> Iterator[Finding]:
    """Give it when another package has put its own `drivers` into this environment."""
    known = packages_distributions() if owners is None else owners
    others = sorted(set(known.get("drivers", [])) - {"linectl"})
    if others:
        what = tr("the package {names} brings a `drivers` of its own: one of the two is not what it seems").format(
            names=", ".join(others)
        )
        do = tr("install linectl into an environment of its own")
        yield Finding(Level.ERROR, "packages", "drivers_collision", what, do)


def named_secrets() -> Iterator[Finding]:
    """Give what is wrong with the secrets that are kept by name, whatever line needs them."""
    for name, places in known().items():
        for found in places:
            if found.trouble:
                what = f"{name}: {found.trouble}"
                do = tr("put it right: linectl secrets set {name}").format(name=name)
                yield Finding(Level.ERROR, "secrets", "secret_unusable", what, do, Place(file=found.at), exit_code=3)
    folder = secret_folder()
    if os.name == "posix" and folder.is_dir() and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        what = tr("others may change what is in {folder}").format(folder=folder)
        do = f"chmod 700 {folder}"
        yield Finding(Level.ERROR, "secrets", "secrets_open", what, do, Place(file=str(folder)), exit_code=3)


def secrets(definition: LineDefinition) -> dict[str, list[Finding]]:
    """Return what is wrong with passwords, certificates and keys, by the link that cannot be opened for it."""
    found: dict[str, list[Finding]] = {}
    do = tr("put it right, then: linectl config check FILE")
    for link in definition.links:
        try:
            with_secrets(definition, (link,))
        except ConfigError as error:
            found[link] = [
                Finding(
                    Level.ERROR,
                    "secrets",
                    "secret_unusable",
                    f"{each.where}: {each.message}",
                    do,
                    Place(file=f"{Path(each.file).name}:{each.line}"),
                    exit_code=3,
                )
                for each in error.problems
            ]
    return found

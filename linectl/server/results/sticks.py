"""USB sticks that are mounted on this computer, as the kernel tells them (Linux)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from linectl.errors import Refused
from linectl.words import decimal, tr

__all__ = ["PREFIX", "Roots", "Stick", "find_sticks", "is_stick", "megabytes", "stick_of"]

PREFIX = "usb:"
"""How a place on a stick begins: `usb:` (the only one that is in), or `usb:NAME`."""

_OWN = ("/", "/boot", "/efi", "/home", "/usr", "/var", "/opt", "/srv", "/nix")  # of a computer that starts from USB
_ESCAPED = re.compile(r"\\([0-7]{3})")
_NO_STICKS = re.compile(r"(loop|ram|zram|sr|dm-|md)\d")


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the kernel tells of mounts and devices, and who says how many bytes are free in a folder."""

    mountinfo: Path = Path("/proc/self/mountinfo")
    sys: Path = Path("/sys")
    free: Callable[[Path], int] = _free


KERNEL = Roots()


@dataclass(frozen=True, slots=True)
class Stick:
    """A removable medium: its name (the folder's own), where it is mounted, its device (`sdb1`), its file system."""

    name: str
    folder: Path
    device: str
    kind: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class _Mount:
    number: str
    source: str
    stick: Stick


def is_stick(target: Path | None) -> bool:
    """Return whether `target` names a stick, and no folder."""
    return target is not None and str(target).startswith(PREFIX)


def stick_of(target: Path, roots: Roots = KERNEL) -> Stick:
    """Return the stick that `target` (`usb:`, `usb:NAME` by its name or device) means; it can be written.

    Raises:
        Refused: there is none, or none of that name (E-USB-001); there are several (E-USB-002); it is read-only
            (E-USB-003). The message names what was found.
    """
    wanted = str(target).removeprefix(PREFIX)
    sticks = find_sticks(roots)
    if not sticks:
        raise Refused(_none(roots), hint=_how(roots), code="E-USB-001")
    found = [each for each in sticks if not wanted or wanted in {each.name, each.device}]
    if not found:
        text = tr("no stick {name} is mounted; there are: {sticks}")
        raise Refused(text.format(name=wanted, sticks=_listed(sticks, roots)), hint=_by_name(sticks), code="E-USB-001")
    if len(found) > 1:
        text = tr("several sticks are mounted: {sticks}")
        raise Refused(text.format(sticks=_listed(found, roots)), hint=_by_name(found), code="E-USB-002")
    (stick,) = found
    if stick.read_only:
        text = tr("the stick {name} is read-only ({folder})")
        hint = tr("look at its lock switch; a damaged one is mounted so too: try another one")
        raise Refused(text.format(name=stick.name, folder=stick.folder), hint=hint, code="E-USB-003")
    if not os.access(stick.folder, os.W_OK | os.X_OK):
        text = tr("you may not write to the stick {name} ({folder})").format(name=stick.name, folder=stick.folder)
        raise Refused(text, hint=tr("have it mounted as yours: udisksctl mount -b DEVICE"), code="E-USB-003")
    return stick


def find_sticks(roots: Roots = KERNEL) -> list[Stick]:
    """Return the removable media that are mounted, each once, in the order of their names.

    Raises:
        Refused: this computer does not tell what is mounted: it is no Linux (E-USB-001).
    """
    found: dict[str, Stick] = {}
    for mount in _mounts(roots):
        device = _device(roots.sys, mount)
        if device is not None and mount.number not in found and _removable(roots.sys, device):
            found[mount.number] = mount.stick
    return sorted(found.values(), key=lambda stick: stick.name)


def _mounts(roots: Roots) -> Iterator[_Mount]:
    """Yield what is mounted as a whole, but for the folders of the computer itself (proc_pid_mountinfo(5))."""
    try:
        # only these two part what the kernel tells: a stick's name may hold any other blank or end of a line
        lines = roots.mountinfo.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    except OSError as error:
        raise Refused(
            tr("this computer does not tell which sticks are mounted: {error}").format(error=error.strerror),
            hint=tr("name the stick's folder: --to FOLDER"),
            code="E-USB-001",
        ) from error
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, more = left.split(" "), right.split(" ")
        if len(fields) < 6 or len(more) < 3 or fields[3] != "/":  # as the manual has it
            continue
        folder = Path(_plain(fields[4]))
        if str(folder) in _OWN or str(folder).startswith(("/boot/", "/efi/")):
            continue
        source = _plain(more[1])
        read_only = "ro" in {*fields[5].split(","), *more[2].split(",")}
        stick = Stick(folder.name, folder, source.rpartition("/")[2], more[0], read_only)
        yield _Mount(fields[2], source, stick)


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _device(sys: Path, mount: _Mount) -> Path | None:
    """Return the folder of a mount's device under /sys; by its name where a program (FUSE) stands between."""
    for place in (sys / "dev" / "block" / mount.number, sys / "class" / "block" / mount.stick.device):
        if mount.stick.device and place.exists():
            return place.resolve()
    return None


def _removable(sys: Path, device: Path) -> bool:
    """Return whether the disk of a device may be pulled out: the kernel says so, it hangs at USB, or what is below."""
    disk = device.parent if (device / "partition").exists() else device
    if _says(disk / "removable") == "1" or any(re.fullmatch(r"usb\d+", part) for part in disk.parts):
        return True
    slaves = device / "slaves"
    return slaves.is_dir() and any(_removable(sys, each.resolve()) for each in slaves.iterdir())


def _says(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _unmounted(roots: Roots) -> list[str]:
    """Return the devices that are in, but not mounted: partitions of removable disks, else the disks themselves."""
    found: list[str] = []
    for entry in sorted((roots.sys / "block").glob("*")):
        disk = entry.resolve()
        if _NO_STICKS.match(entry.name) or not _removable(roots.sys, disk) or _says(disk / "size") in {"", "0"}:
            continue
        parts = sorted(each.parent.name for each in disk.glob("*/partition"))
        found += parts or [entry.name]
    return found


def _none(roots: Roots) -> str:
    waiting = _unmounted(roots)
    if waiting:
        text = tr("no stick is mounted; {devices} is in, but not mounted")
        return text.format(devices=", ".join(waiting))
    return tr("no stick is mounted on this computer")


def _how(roots: Roots) -> str:
    waiting = _unmounted(roots)
    if waiting:
        return tr("mount it: udisksctl mount -b /dev/{device}").format(device=waiting[0])
    return tr("put one in and wait some seconds; or name a folder: --to FOLDER")


def _listed(sticks: Sequence[Stick], roots: Roots) -> str:
    text = tr("{name} ({free} MB free)")
    told = (text.format(name=each.name, free=megabytes(roots.free(each.folder))) for each in sticks)
    return ", ".join(told)


def _by_name(sticks: Sequence[Stick]) -> str:
    names = [each.name for each in sticks]
    told = [each.device if names.count(each.name) > 1 else each.name for each in sticks]
    return tr("say which one: {places}").format(places=", ".join(f"{PREFIX}{name}" for name in told))


def megabytes(count: int) -> str:
    """Return bytes as MB for people."""
    return decimal(count / 1e6, 1 if count < 100e6 else 0)  # decimals tell nothing above

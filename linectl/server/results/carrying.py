"""Files carried to a USB stick: room looked at first, written, synced, then read back from the stick and compared."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import BinaryIO

from linectl.errors import Refused, StoreError
from linectl.server.results.sticks import KERNEL, Roots, Stick, megabytes
from linectl.store.file import sync_folder
from linectl.words import tr

__all__ = ["Carried", "carry"]

_PIECE = 1 << 20
_SLACK = 64 << 10  # bytes of a file's last cluster and of its name, at most
_FAT_MOST = (4 << 30) - 1  # bytes of one file


@dataclass(frozen=True, slots=True)
class Carried:
    """What stands on the stick now: the files, and their bytes in all."""

    stick: Stick
    files: tuple[Path, ...]
    bytes: int


def carry(
    files: Sequence[Path], stick: Stick, folder: str = "", *, overwrite: bool = False, roots: Roots = KERNEL
) -> Carried:
    """Copy `files` into `folder` of the stick; all of them whole, or none.

    A file that is overwritten stays beside until the new ones stand; when the carrying fails it gets its name back.
    What is compared at the end is read from the stick, not from the computer's memory of it.

    Raises:
        Refused: there is not enough room, or a file is too large for the stick's file system (E-USB-004); a file is
            there already and `overwrite` is false, or `folder` leads off the stick (E-LIM-001). Nothing was written.
        StoreError: it cannot be written, or what was read back is not what was written (E-USB-005).
    """
    place = _place_on(stick, folder)
    total = _must_fit(files, stick, roots)
    there = [file.name for file in files if os.path.lexists(place / file.name)]
    if there and not overwrite:
        text = tr("{folder} already holds {files}").format(folder=place, files=", ".join(there))
        raise Refused(text, hint=tr("give another folder, or say --overwrite"))
    undo = _Undo()
    try:
        if not place.exists():
            place.mkdir()
            undo.add(place, place.rmdir)
        olds = _written(files, place, undo)
    except OSError as error:
        text = tr("the stick {name} cannot be written: {error}").format(name=stick.name, error=error.strerror or error)
        raise StoreError(text, hint=_left(undo.back(), there), code="E-USB-005") from error
    except _OtherBytesError as error:
        text = tr("{file} came back from the stick other than it was written: the stick is not to be trusted")
        hint = _left(undo.back(), there)
        raise StoreError(text.format(file=error), hint=hint, code="E-USB-005") from error
    except BaseException:
        undo.back()
        raise
    for old in olds:
        with suppress(OSError):  # the new ones stand: one too many does no harm
            old.unlink()
    return Carried(stick, tuple(place / file.name for file in files), total)


class _OtherBytesError(Exception):
    """What was read back of the file of this name is not what was written."""


class _Undo:
    """What is to be done, the last first, when the carrying fails."""

    def __init__(self) -> None:
        self._steps: list[tuple[Path, Callable[[], object]]] = []

    def add(self, place: Path, step: Callable[[], object]) -> None:
        """Note a step that puts `place` back as it was."""
        self._steps.append((place, step))

    def back(self) -> list[Path]:
        """Take all steps; return the places that could not be put back."""
        failed: list[Path] = []
        while self._steps:
            place, step = self._steps.pop()
            try:
                step()
            except OSError:
                failed.append(place)
        return failed


def _left(failed: Sequence[Path], there: Sequence[str]) -> str:
    """Return what is on the stick after a failure, and what to do."""
    if failed:
        names = ", ".join(dict.fromkeys(place.name for place in failed))
        return tr("{files} could not be put back there as they were; try another stick").format(files=names)
    if there:
        return tr("what was there before is there as it was; try another stick")
    return tr("nothing was left there; try another stick")


def _place_on(stick: Stick, folder: str) -> Path:
    """Return the place of `folder` on the stick; one that a link leads off it is refused."""
    place = stick.folder / folder if folder else stick.folder
    if folder and (place.is_symlink() or not place.resolve().is_relative_to(stick.folder.resolve())):
        text = tr("{folder} leads off the stick {name}").format(folder=place, name=stick.name)
        raise Refused(text, hint=tr("nothing was written; delete the link, or give another folder"))
    return place


def _must_fit(files: Sequence[Path], stick: Stick, roots: Roots) -> int:
    """Return the bytes of all files, which the stick can take."""
    sizes = [file.stat().st_size for file in files]
    free, needed = roots.free(stick.folder), sum(sizes) + _SLACK * len(sizes)
    if needed > free:
        text = tr("the stick {name} is too full: {needed} MB are needed, {free} MB are free")
        words = text.format(name=stick.name, needed=megabytes(needed), free=megabytes(free))
        raise Refused(words, hint=tr("nothing was written; make room, or take another stick"), code="E-USB-004")
    if stick.kind in {"vfat", "msdos"} and max(sizes, default=0) > _FAT_MOST:
        text = tr("the stick {name} takes no file above 4 GB (FAT)").format(name=stick.name)
        raise Refused(text, hint=tr("nothing was written; format it as exFAT, or use --format csv"), code="E-USB-004")
    return sum(sizes)


def _written(files: Sequence[Path], place: Path, undo: _Undo) -> list[Path]:
    """Write all files beside their names, compare what comes back, then give them their names; return the old ones."""
    parts: list[tuple[Path, Path]] = []
    for file in files:
        part = place / f"{file.name}.part"
        part.unlink(missing_ok=True)  # of a carrying that was cut off, or a link
        undo.add(part, partial(part.unlink, missing_ok=True))
        said = _copied(file, part)
        if _hash_of(part) != said:
            raise _OtherBytesError(file.name)
        parts.append((part, place / file.name))
    olds = [old for part, target in parts for old in _named(part, target, undo)]
    sync_folder(place)
    sync_folder(place.parent)
    return olds


def _named(part: Path, target: Path, undo: _Undo) -> list[Path]:
    """Give a file its name; return where the one that had it stands now, if any did."""
    if not os.path.lexists(target):
        undo.add(target, lambda: target.unlink(missing_ok=True))
        part.replace(target)
        return []
    if target.is_dir() and not target.is_symlink():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    old = _free_beside(target)
    undo.add(target, lambda: old.replace(target) if os.path.lexists(old) else None)
    target.replace(old)
    part.replace(target)
    return [old]


def _free_beside(target: Path) -> Path:
    """Return a name beside `target` that nothing has: an old file of before may be somebody's only one."""
    for number in count(1):
        old = target.with_name(f"{target.name}.old{number if number > 1 else ''}")
        if not os.path.lexists(old):
            return old
    raise AssertionError


def _copied(source: Path, target: Path) -> str:
    """Copy a file into a new one until it is on the medium; return its SHA-256. A link in its place is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    digest = hashlib.sha256()
    with source.open("rb") as wanted, os.fdopen(os.open(target, flags, 0o666), "wb") as out:
        for piece in _pieces(wanted):
            digest.update(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _hash_of(file: Path) -> str:
    """Return the SHA-256 of a file as its medium gives it: what the computer remembers of it is forgotten first."""
    digest = hashlib.sha256()
    with file.open("rb") as given:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(given.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        for piece in _pieces(given):
            digest.update(piece)
    return digest.hexdigest()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece

"""Files carried to a USB stick: room looked at first, written, synced, then read back from the stick and compared."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
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

    What is compared at the end is read from the stick, not from the computer's memory of it.

    Raises:
        Refused: there is not enough room, or a file is too large for the stick's file system (E-USB-004); a file is
            there already and `overwrite` is false (E-LIM-001). Nothing was written then.
        StoreError: it cannot be written, or what was read back is not what was written (E-USB-005).
    """
    place = stick.folder / folder if folder else stick.folder
    total = _must_fit(files, stick, roots)
    there = [file.name for file in files if (place / file.name).exists()]
    if there and not overwrite:
        text = tr("{folder} already holds {files}").format(folder=place, files=", ".join(there))
        raise Refused(text, hint=tr("give another folder, or say --overwrite"))
    try:
        with ExitStack() as undo:
            if not place.exists():
                place.mkdir()
                undo.callback(_removed_if_empty, place)
            _written(files, place, undo)
            undo.pop_all()
    except OSError as error:
        text = tr("the stick {name} cannot be written: {error}").format(name=stick.name, error=error.strerror or error)
        raise StoreError(text, hint=tr("nothing was left there; try another stick"), code="E-USB-005") from error
    return Carried(stick, tuple(place / file.name for file in files), total)


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


def _written(files: Sequence[Path], place: Path, undo: ExitStack) -> None:
    """Write all files beside their names, compare what comes back, then give them their names."""
    parts: list[tuple[Path, Path]] = []
    for file in files:
        part = place / f"{file.name}.part"
        undo.callback(part.unlink, missing_ok=True)
        said = _copied(file, part)
        if _hash_of(part) != said:
            text = tr("{file} came back from the stick other than it was written: the stick is not to be trusted")
            raise StoreError(
                text.format(file=file.name), hint=tr("nothing was left there; try another stick"), code="E-USB-005"
            )
        parts.append((part, place / file.name))
    for part, target in parts:
        undo.callback(target.unlink, missing_ok=True)
        part.replace(target)
    sync_folder(place)
    sync_folder(place.parent)


def _copied(source: Path, target: Path) -> str:
    """Copy a file until it is on the medium; return its SHA-256."""
    digest = hashlib.sha256()
    with source.open("rb") as wanted, target.open("wb") as out:
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


def _removed_if_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty: somebody else has put something there
        folder.rmdir()

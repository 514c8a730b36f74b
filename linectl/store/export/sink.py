"""Where an export goes: a folder or a zip. Each file is counted and hashed as it passes; all appear at once, or none.

Files are written under a `.part` name beside the final one, synced, then renamed, the manifest last; whatever fails,
the parts are removed.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

from linectl.errors import Refused, StoreError
from linectl.store.file import sync_folder
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["FolderSink", "Sink", "Written", "ZipSink", "opened"]

_DOS_FIRST, _DOS_LAST = 315_532_800, 4_354_819_198  # 1980-01-01 and the end of 2107: what a zip can date


@dataclass(slots=True)
class Written:
    """A file of the export: its name, number of rows (None: not a table), size and SHA-256 (hex)."""

    path: str
    rows: int | None = None
    bytes: int = 0
    sha256: str = ""


class Counting(io.RawIOBase):
    """Counts and hashes what passes to a file."""

    def __init__(self, file: IO[bytes], written: Written) -> None:
        super().__init__()
        self._file = file
        self._written = written
        self._digest = hashlib.sha256()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Pass `data` (bytes or a buffer) on."""
        view = memoryview(data).cast("B")
        self._digest.update(view)
        self._written.bytes += view.nbytes
        self._file.write(view)
        return view.nbytes

    def tell(self) -> int:
        """Return how many bytes have passed."""
        return self._written.bytes

    def seal(self) -> None:
        """Note the hash of what has passed."""
        self._written.sha256 = self._digest.hexdigest()


class Sink(Protocol):
    """Takes files one after the other."""

    @property
    def paths(self) -> list[Path]:
        """Return what stands on the disk at the end."""

    def file(self, name: str) -> AbstractContextManager[tuple[Counting, Written]]:
        """Return a context that gives a `Counting` and the `Written` of the file `name`."""

    def commit(self) -> None:
        """Give all files their names."""

    def discard(self) -> None:
        """Remove what was not given its name."""


class FolderSink:
    """Files in a folder, which is made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_new = not folder.exists()
        self._names: list[str] = []
        self._parts: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def paths(self) -> list[Path]:
        """Return the files, the manifest last."""
        return [self._folder / name for name in self._names]

    @contextmanager
    def file(self, name: str) -> Iterator[tuple[Counting, Written]]:
        """Give a file that is synced when its block ends."""
        part = self._folder / f"{name}.part"
        self._names.append(name)
        self._parts.append(part)
        written = Written(name)
        with part.open("wb") as file:
            counting = Counting(file, written)
            yield counting, written
            counting.seal()
            file.flush()
            os.fsync(file.fileno())

    def commit(self) -> None:
        """Rename the parts; an older manifest goes first, so that it never vouches for newer files."""
        (self._folder / self._names[-1]).unlink(missing_ok=True)
        for part in self._parts:
            part.replace(part.with_suffix(""))
        self._parts = []
        sync_folder(self._folder)

    def discard(self) -> None:
        """Remove the parts, and the folder when it was made for them."""
        for part in self._parts:
            part.unlink(missing_ok=True)
        if self._is_new and self._parts and not any(self._folder.iterdir()):
            self._folder.rmdir()


class ZipSink:
    """One zip file; its entries are dated by the run (`ns` UTC), not by the clock."""

    def __init__(self, target: Path, root: str, ns: int) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._root = root
        self._part = target.with_name(target.name + ".part")
        self._date = datetime.fromtimestamp(min(max(ns // NS_PER_S, _DOS_FIRST), _DOS_LAST), UTC).timetuple()[:6]
        self._file = self._part.open("wb")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=6)

    @property
    def paths(self) -> list[Path]:
        """Return the zip."""
        return [self._target]

    @contextmanager
    def file(self, name: str) -> Iterator[tuple[Counting, Written]]:
        """Give an entry."""
        written = Written(name)
        info = zipfile.ZipInfo(f"{self._root}/{name}", self._date)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with self._zip.open(info, "w", force_zip64=True) as file:
            counting = Counting(file, written)
            yield counting, written
            counting.seal()

    def commit(self) -> None:
        """Finish the zip, sync it, and give it its name."""
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._target)
        sync_folder(self._target.parent)

    def discard(self) -> None:
        """Remove an unfinished zip."""
        if not self._file.closed:
            self._file.close()  # first: the zip's own end must not be written to a disk that refused its middle
            self._zip.fp = (
                None  # else the collector of garbage tries to write it all the same, and tells of its failure
            )
        self._part.unlink(missing_ok=True)


@contextmanager
def opened(target: Path, names: Sequence[str], make: Callable[[], Sink], *, overwrite: bool) -> Iterator[Sink]:
    """Give the sink that `make()` returns, and commit it at the end of the block; any failure leaves nothing behind.

    `names` are the files in the folder `target`; none: `target` is a file itself.

    Raises:
        Refused: one of them is there already and `overwrite` is false.
        StoreError: a file cannot be written.
    """
    folder, there = target, [name for name in names if (target / name).exists()]
    if not names and target.exists():
        folder, there = target.parent, [target.name]
    if there and not overwrite:
        raise Refused(
            tr("{folder} already holds {files}").format(folder=folder, files=", ".join(there)),
            hint=tr("give another folder, or say --overwrite"),
        )
    sink: Sink | None = None
    try:
        sink = make()
        yield sink
        sink.commit()
    except OSError as error:
        raise StoreError(
            tr("the export to {folder} failed: {error}").format(folder=target, error=error),
            hint=tr("nothing was left there; free some space, or give another place with --to"),
        ) from error
    finally:
        if sink is not None:
            sink.discard()

"""A file that is being changed: a draft beside it, which takes its place at once and whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from linectl.config.files import SourceText, came_with_linectl, read_source
from linectl.errors import Refused
from linectl.words import tr

__all__ = ["Draft", "begin"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft at `path` of the file `of`, which had the text `began` when the draft was made.

    It stands beside its file, so that what it names beside itself is found, and mistakes are told with its lines.
    """

    path: Path
    of: Path
    began: SourceText
    found: bool = False  # left there by an earlier edit

    @property
    def changed(self) -> bool:
        """Whether it says anything else than the file did."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest() != self.began.sha256

    def anew(self) -> None:
        """Begin again from the file as it is."""
        shutil.copyfile(self.of, self.path)

    def drop(self) -> None:
        """Take the draft away."""
        self.path.unlink(missing_ok=True)

    def accept(self) -> Path:
        """Put the draft in the place of its file, and return where the previous one is kept.

        Raises:
            Refused: the file was changed by somebody else meanwhile; the draft is kept.
        """
        if read_source(self.of).sha256 != self.began.sha256:
            raise Refused(
                tr("{file} was changed by somebody else meanwhile: the draft is kept").format(file=self.of),
                hint=tr("see what differs: linectl config diff {file} {draft}").format(file=self.of, draft=self.path),
                code="E-CFG-004",
            )
        shutil.copymode(self.of, self.path)
        kept = self.of.with_name(f"{self.of.name}.bak")
        part = self.of.with_name(f"{self.of.name}.bak.part")
        shutil.copy2(self.of, part)
        _to_disk(part)
        part.replace(kept)
        _to_disk(self.path)
        self.path.replace(self.of)
        _to_disk(self.of.parent)
        return kept


def begin(file: Path) -> Draft:
    """Return the draft of `file`: the one that an earlier edit left there, else a copy.

    Raises:
        Refused: the file came with the installation, which the next update replaces.
        ConfigError: it cannot be read, or is no text.
    """
    of = file.resolve()
    if came_with_linectl(of):
        raise Refused(
            tr("{file} came with linectl, and the next update would replace it").format(file=of),
            hint=tr("copy the files that came with linectl, and edit yours: linectl init DIR"),
        )
    draft = Draft(of.with_name(f"{of.stem}.draft{of.suffix}"), of, read_source(of))
    if draft.path.exists():
        return Draft(draft.path, of, draft.began, found=True)
    draft.anew()
    return draft


def _to_disk(path: Path) -> None:
    """Have what was written survive a power cut; folders cannot be asked everywhere."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

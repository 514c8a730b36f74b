"""The audit trail of a store looked up and proved, read-only; the head that an export holds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError, Refused
from linectl.server.places import store_path
from linectl.server.results.finished import open_reader
from linectl.store.audit import Head
from linectl.store.export.restore import is_archive, manifest_of
from linectl.store.reader import StoreReader
from linectl.words import tr

__all__ = ["Anchor", "anchor_of", "trail_of"]

_SQLITE = b"SQLite format 3\x00"
_HASH = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head kept elsewhere, and the store (its uid) that it is of; "" where that is not known."""

    head: Head
    store: str = ""


def trail_of(name: str, data: Path | None) -> StoreReader:
    """Return the store that `name` names: a store's file, a line's file (then its store); "" is that of the last run.

    Raises:
        ConfigError: no such file, or a line's file with a mistake.
        Refused: no run is noted, or `name` is an export.
        StoreError: no store there, or one that this linectl cannot read.
    """
    if not name:
        return open_reader(data)
    file = Path(name)
    if file.suffix.lower() in {".db", ".sqlite"} or _is_store(file):
        return StoreReader(file)
    if file.is_dir() or file.suffix.lower() == ".zip":
        raise Refused(
            tr("{file} is no store: an export holds the head of the trail, not the trail").format(file=file),
            hint=tr("prove the store against it: linectl audit verify STORE --head {file}").format(file=file),
        )
    return StoreReader(store_path(load_line(find_file(name)), data))


def anchor_of(text: str) -> Anchor:
    """Return the head that `text` is (64 hexadecimal digits), or that the export in it holds.

    An export is named by its folder, its zip or its manifest.json.

    Raises:
        ConfigError: neither a hash nor an export (E-DAT-030), or an export of a linectl that kept no head (E-AUD-002).
    """
    if _HASH.fullmatch(text.strip()):
        return Anchor(Head(text.strip().lower()))
    place = Path(text)
    manifest = _manifest(place)
    try:
        told: dict[str, Any] = manifest["audit"]
        hash_, entries, store = str(told["head"]), int(told["entries"]), str(told["store"])
    except (KeyError, TypeError, ValueError) as error:
        raise _no_head(place) from error
    if not _HASH.fullmatch(hash_) or entries < 0:
        raise _no_head(place)
    return Anchor(Head(hash_.lower(), entries), store)


def _is_store(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as handle:
        return handle.read(len(_SQLITE)) == _SQLITE


def _manifest(place: Path) -> dict[str, Any]:
    if is_archive(place):
        return manifest_of(place)
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(
            tr("{text} is neither a hash (64 hexadecimal digits) nor an export").format(text=place),
            hint=tr("the hash stands in the export's manifest.json: audit, head; or name the export itself"),
            code="E-AUD-003",
        ) from error
    return found if isinstance(found, dict) else {}


def _no_head(place: Path) -> ConfigError:
    return ConfigError(
        tr("{place} holds no head of an audit trail").format(place=place),
        hint=tr("a linectl without an audit trail made it: export the run again to have one from now on"),
        code="E-AUD-002",
    )

"""Names of tags as keys of documents: event-model refuses `.` and `/`, tiled keeps some names for itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from linectl.errors import Refused
from linectl.words import tr

__all__ = ["document_keys"]

_RESERVED = {"time", "seq_num", "uid", "descriptor", "timestamps", "data"}


def document_keys(names: Iterable[str]) -> dict[str, str]:
    """Return the key of each name: `bath.temperature` is `bath_temperature`; letters, digits and `_` alone.

    Raises:
        Refused: two names fall on the same key.
    """
    keys: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name in names:
        key = _key(name)
        if key in owners and owners[key] != name:
            text = tr("tags {one} and {other} would both be called {key} in the documents")
            raise Refused(
                text.format(one=owners[key], other=name, key=key),
                hint=tr("rename one of them in the line's file, or export as csv"),
                code="E-DAT-041",
            )
        owners[key] = name
        keys[name] = key
    return keys


def _key(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    plain = re.sub(r"[^A-Za-z0-9_]", "_", "".join(c for c in letters if not unicodedata.combining(c))) or "_"
    return f"tag_{plain}" if plain in _RESERVED or plain.startswith(("ts_", "_")) else plain

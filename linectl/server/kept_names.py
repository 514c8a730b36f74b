"""Names of a line for TAB, kept in small files beside its store: runs, lots and glues; alarms and tags.

Those of the store anybody writes who finds them old. Alarms and tags only the server knows, and only it writes their
file: a TAB under way meanwhile could else put back those of before.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linectl.store.reader import StoreReader

if TYPE_CHECKING:
    from linectl.model.lines import LineDefinition

__all__ = ["keep_names", "names_file", "served_file"]

_MOST = 30  # runs, and as many lots: nobody chooses among more at TAB
_GLUES_OF = 5  # runs


def names_file(store: Path) -> Path:
    """Return where the runs, lots and glues of the line stand whose record is in `store`."""
    return store.with_suffix(".names.json")


def served_file(store: Path) -> Path:
    """Return where the alarms and tags of the line stand whose record is in `store`."""
    return store.with_suffix(".served.json")


def keep_names(store: Path, definition: LineDefinition | None = None) -> None:
    """Write the names anew; those of tags and alarms with a `definition` only.

    A file that cannot be written costs time at TAB, nothing else: it is left.

    Raises:
        StoreError: the store cannot be read.
    """
    reader = StoreReader(store)
    runs, lots = list(reversed(reader.runs()[-_MOST:])), list(reversed(reader.lots()[-_MOST:]))
    glues = {lot.glue for lot in lots if lot.glue}
    for run in runs[:_GLUES_OF]:
        glues |= {bottle.glue for bottle in reader.bottles(run.id)}
    told: dict[str, Any] = {"line": reader.line(), "runs": [[run.id, run.ref] for run in runs]}
    told |= {"lots": [[lot.name, f"{lot.glue} {lot.grower}".strip()] for lot in lots], "glues": sorted(glues)}
    if definition is not None:
        alarms = () if definition.alarms is None else definition.alarms.alarms
        tags = [[name, tag.unit] for name, tag in definition.tags.items()]
        _write(served_file(store), {"tags": tags, "alarms": list(alarms)})
    _write(names_file(store), told)


def _write(file: Path, told: dict[str, Any]) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with suppress(OSError):
        part.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        part.replace(file)

"""Names of a line for TAB, kept in a small file beside its store: runs, lots, glues, alarms, tags."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linectl.store.reader import StoreReader

if TYPE_CHECKING:
    from linectl.model.lines import LineDefinition

__all__ = ["keep_names", "names_file"]

_MOST = 30  # runs, and as many lots: nobody chooses among more at TAB
_GLUES_OF = 5  # runs


def names_file(store: Path) -> Path:
    """Return where the names of the line stand whose record is in `store`."""
    return store.with_suffix(".names.json")


def keep_names(store: Path, definition: LineDefinition | None = None) -> None:
    """Write the names anew; without a `definition` those of tags and alarms stay as they are.

    A file that cannot be written costs time at TAB, nothing else: it is left.

    Raises:
        StoreError: the store cannot be read.
    """
    reader, file = StoreReader(store), names_file(store)
    told: dict[str, Any] = _before(file)
    runs, lots = list(reversed(reader.runs()[-_MOST:])), list(reversed(reader.lots()[-_MOST:]))
    glues = {lot.glue for lot in lots if lot.glue}
    for run in runs[:_GLUES_OF]:
        glues |= {bottle.glue for bottle in reader.bottles(run.id)}
    told |= {"line": reader.line(), "runs": [[run.id, run.ref] for run in runs]}
    told |= {"lots": [[lot.name, f"{lot.glue} {lot.grower}".strip()] for lot in lots], "glues": sorted(glues)}
    if definition is not None:
        alarms = () if definition.alarms is None else definition.alarms.alarms
        told |= {"tags": [[name, tag.unit] for name, tag in definition.tags.items()], "alarms": list(alarms)}
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with suppress(OSError):
        part.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        part.replace(file)


def _before(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

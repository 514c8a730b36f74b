"""What a run keeps of the files that it was made with: its experiment as text, of line and calibration the hashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from linectl.config.files import SourceText
from linectl.config.load import load_text
from linectl.config.nodes import parse
from linectl.errors import Refused
from linectl.model.calibrations import Calibrations
from linectl.model.lines import LineDefinition
from linectl.server.results.finished import find_run
from linectl.words import tr

__all__ = ["Kept", "as_made_with", "same_hash"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run keeps of a file of `kind`: the `text`, or else its `hash` beside `now`, that of the file today."""

    name: str
    kind: str
    text: SourceText | None = None
    hash: str = ""
    now: str = ""


def as_made_with(source: SourceText, run: str, data: Path | None) -> Kept:
    """Return what the run called `run` keeps of the kind of file that `source` is.

    Raises:
        ConfigError: `source` has mistakes, and without a sound line or calibration there is no hash.
        Refused: no such run, or it keeps nothing of that kind.
    """
    found = find_run(run, data).run
    name = tr("run {run}").format(run=found.id)
    said = parse(source).data
    kind = str(said.get("kind")) if isinstance(said, dict) else ""
    if kind == "experiment" and found.definition:
        return Kept(name, kind, SourceText(name, found.definition, ""))
    loaded = load_text(source) if kind in {"line", "calibration"} else None
    if isinstance(loaded, LineDefinition) and found.config_hash:
        return Kept(name, kind, hash=found.config_hash, now=loaded.config_hash)
    if isinstance(loaded, Calibrations) and found.calibration_hash:
        return Kept(name, kind, hash=found.calibration_hash, now=loaded.sha256)
    raise Refused(
        tr("{run} keeps nothing to which {file} could be compared").format(run=name, file=source.path),
        hint=tr("a run keeps its experiment, and the hashes of its line and calibration"),
    )


def same_hash(kept: Kept) -> bool:
    """Return whether the file today is the one of which the run keeps the hash."""
    return bool(kept.hash) and kept.hash == kept.now

"""What `config check` finds of a sound file, and what is said of it; for every verb that checks a file first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from linectl.config.load import load_any
from linectl.model.calibrations import Calibrations
from linectl.model.faults import Scenario
from linectl.model.interlocks import Interlocks
from linectl.words import tr

__all__ = ["Checked", "checked", "told"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A sound file: its kind, its name, what its author could not verify, and whether it holds cases to be played."""

    kind: str
    name: str
    unverified: tuple[str, ...] = ()
    has_cases: bool = False


def checked(file: Path) -> Checked:
    """Return what the file is; of a scenario, whether the plant can do it is checked too.

    Raises:
        ConfigError: with every problem in the file.
    """
    loaded = load_any(file)
    if isinstance(loaded, Scenario):
        from linectl.sim.faults.feasible import check_feasible

        check_feasible(loaded)
    kind = (
        "calibration" if isinstance(loaded, Calibrations) else type(loaded).__name__.replace("Definition", "").lower()
    )
    notes = tuple(getattr(loaded, "unverified", ()))
    return Checked(kind, loaded.name, notes, isinstance(loaded, Interlocks))


def told(found: Checked, file: Path) -> str:
    """Return what people are told of a sound file."""
    lines = [tr("{file}: a sound {kind}, {name}").format(file=file, kind=found.kind, name=found.name)]
    lines += [tr("  not verified: {note}").format(note=note) for note in found.unverified]
    if found.has_cases:
        lines.append(tr("  its cases were not played: linectl config test {file}").format(file=file))
    return "\n".join(lines)

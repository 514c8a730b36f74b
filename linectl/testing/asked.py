"""What a test asks for by its marker `line`, checked: plain data that loads nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MARKER", "Asked", "BadMarker", "asked_by", "seeds_of"]

MARKER = (
    "line(line=FILE, seed=N, seeds=[N, ...], initial={TAG: VALUE}, scenario=FILE, answers=..., wires=True, speed=X): "
    "the simulated line of a test; `seeds` runs the test once with each"
)
_SEEDS = ("seed", "seeds")


class BadMarker(ValueError):
    """A marker `line` that cannot be meant; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The line that a test wants; what is None or empty comes from the scenario, or is the usual.

    `initial` are start values by tag, `answers` those of a run's questions (see `linectl.open_line`). `wires` puts a
    line in virtual time on loopback wires, `speed` is process seconds per second of a served line.
    """

    line: str = ""
    initial: Mapping[str, float] = field(default_factory=dict)
    scenario: str = ""
    answers: Any = None
    wires: bool = False
    speed: float = 1.0


def asked_by(marker: Mapping[str, Any] | None) -> Asked:
    """Return what the keyword arguments of a marker (None: there is no marker) ask for.

    Raises:
        BadMarker: it says something that no line knows.
    """
    given = {name: value for name, value in (marker or {}).items() if name not in _SEEDS}
    known = [each.name for each in dataclasses.fields(Asked)]
    for name in given:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, [*known, *_SEEDS], n=1)
            meant = f"; did you mean `{near[0]}`?" if near else ""
            raise BadMarker(f"the marker `line` does not take `{name}`, only {', '.join((*known, *_SEEDS))}{meant}")
    return Asked(**given)


def seeds_of(marker: Mapping[str, Any] | None) -> Sequence[int]:
    """Return the seeds that a marker names; none when it names none.

    Raises:
        BadMarker: both `seed` and `seeds`, or something that is no whole number.
    """
    said = [name for name in _SEEDS if marker and name in marker]
    if not said or marker is None:
        return ()
    if len(said) == 2:
        raise BadMarker("the marker `line` takes `seed` or `seeds`, not both")
    seeds = [marker["seed"]] if said == ["seed"] else list(marker["seeds"])
    for seed in seeds:
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise BadMarker(f"a seed is a whole number, not {seed!r}")
    return seeds

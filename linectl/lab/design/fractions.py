"""A part of all combinations, and what then cannot be told apart: regular fractions of two levels, else D-optimal.

A regular half of three two-level factors is I = ± ABC: every factor is aliased with the interaction of the other two
(Box, Hunter and Hunter, Statistics for Experimenters, ch. 6). With more levels, runs are exchanged until the
determinant of the main effects' information rises no more (Fedorov 1972).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING

from linectl.errors import Refused
from linectl.model.records import Treatment
from linectl.words import tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Alias", "aliases", "fraction_blocks"]

_STARTS = 20
_FULL = 0.999
_WORTH_SAYING = 0.5
_GAIN = 1e-9

Levels = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """Two effects of a plan that go together: `correlation` is ± 1 where nothing can tell them apart.

    An effect is a tuple of factor names: one for a main effect, two for an interaction.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    correlation: float

    @property
    def full(self) -> bool:
        """Whether nothing in the plan can tell the two apart."""
        return abs(self.correlation) >= _FULL

    def __str__(self) -> str:
        """Return the alias as a sentence, in the language in use."""
        text = (
            tr("{first} cannot be told from {second}")
            if self.full
            else tr("{first} goes with {second} (correlation {r:.2f})")
        )
        return text.format(first=_effect(self.first), second=_effect(self.second), r=self.correlation)


def aliases(treatments: Sequence[Treatment]) -> tuple[Alias, ...]:
    """Return which main effects of a plan go with another, or with an interaction of two factors, by 0.5 or more."""
    columns = _contrasts(treatments)
    mains = [(name,) for name in columns]
    pairs = list(combinations(columns, 2))
    effects: dict[tuple[str, ...], list[float]] = {(name,): column for name, column in columns.items()}
    for pair in pairs:
        effects[pair] = [a * b for a, b in zip(columns[pair[0]], columns[pair[1]], strict=True)]
    wanted = [*combinations(mains, 2), *((main, pair) for main in mains for pair in pairs if main[0] not in pair)]
    found = (Alias(first, second, _correlation(effects[first], effects[second])) for first, second in wanted)
    return tuple(alias for alias in found if abs(alias.correlation) >= _WORTH_SAYING)


def fraction_blocks(cells: Sequence[Treatment], fraction: int, replicates: int, seed: int) -> list[list[Treatment]]:
    """Return `replicates` blocks of one part in `fraction` of `cells`, each the best complement of those before it.

    Raises:
        Refused: so small a part would not tell the factors apart; what is possible is said.
    """
    factors = [name for name, values in _levels(cells).items() if len(set(values)) > 1]
    sizes = [len(set(_levels(cells)[name])) for name in factors]
    runs = round(len(cells) / fraction)
    needed = 1 + sum(size - 1 for size in sizes)
    regular = all(size == 2 for size in sizes) and len(factors) >= 3 and runs >= 4 and 2 ** len(factors) % fraction == 0
    if runs < needed or (all(size == 2 for size in sizes) and not regular):
        raise Refused(
            tr(
                "one part in {fraction} of {cells} combinations is {runs} baths: {factors} could not be told apart"
            ).format(fraction=fraction, cells=len(cells), runs=runs, factors=", ".join(factors)),
            hint=tr(
                "at least {needed} baths a replicate are needed: take a smaller fraction, or kind: factorial"
            ).format(needed=needed),
        )
    if regular:
        return [_half(cells, factors, (seed + number) % 2 == 0) for number in range(replicates)]
    return _exchanged(cells, factors, runs, replicates, seed)


def _half(cells: Sequence[Treatment], factors: Sequence[str], positive: bool) -> list[Treatment]:
    """Return the cells in which the product of all factors' signs is + (or -)."""
    columns = _contrasts(cells)
    wanted = 1.0 if positive else -1.0
    signs = [wanted for _ in cells]
    for name in factors:
        signs = [sign * (1.0 if value > 0 else -1.0) for sign, value in zip(signs, columns[name], strict=True)]
    return [cell for cell, sign in zip(cells, signs, strict=True) if sign > 0]


def _exchanged(
    cells: Sequence[Treatment], factors: Sequence[str], runs: int, replicates: int, seed: int
) -> list[list[Treatment]]:
    import numpy as np

    rows = _main_effects(cells, factors)
    blocks: list[list[Treatment]] = []
    known = np.zeros((rows.shape[1], rows.shape[1]))
    for number in range(replicates):
        best, height = None, -np.inf
        for start in range(_STARTS):
            lot = Random(f"{seed}/fraction/{number}/{start}")  # noqa: S311  # repeatable, not secret
            chosen, found = _climbed(rows, lot.sample(range(len(cells)), runs), known)
            if found > height + _GAIN:
                best, height = chosen, found
        if best is None:
            raise Refused(tr("no part of {runs} baths tells all levels apart").format(runs=runs))
        known = known + rows[best].T @ rows[best]
        blocks.append([cells[k] for k in sorted(best)])
    return blocks


def _climbed(rows: NDArray[np.float64], chosen: list[int], known: NDArray[np.float64]) -> tuple[list[int], float]:
    """Exchange runs for better ones until the log determinant rises no more."""
    height = _height(rows, chosen, known)
    improved = True
    while improved:
        improved = False
        for place in range(len(chosen)):
            for other in range(len(rows)):
                if other in chosen:
                    continue
                trial = [*chosen[:place], other, *chosen[place + 1 :]]
                found = _height(rows, trial, known)
                if found > height + _GAIN:
                    chosen, height, improved = trial, found, True
    return chosen, height


def _height(rows: NDArray[np.float64], chosen: Sequence[int], known: NDArray[np.float64]) -> float:
    import numpy as np

    sign, value = np.linalg.slogdet(rows[list(chosen)].T @ rows[list(chosen)] + known)
    return float(value) if sign > 0 else -np.inf


def _main_effects(cells: Sequence[Treatment], factors: Sequence[str]) -> NDArray[np.float64]:
    """Return the intercept and every level of every factor but its last, against that last (sum to zero)."""
    import numpy as np

    columns = [np.ones(len(cells))]
    for name in factors:
        values = np.array(_levels(cells)[name])
        *levels, last = sorted(set(values.tolist()))
        columns += [(values == level) * 1.0 - (values == last) * 1.0 for level in levels]
    return np.column_stack(columns)


def _levels(cells: Sequence[Treatment]) -> dict[str, Levels]:
    return {
        "temperature": tuple(cell.temperature_c for cell in cells),
        "naoh": tuple(cell.naoh_pct for cell in cells),
        "agitation": tuple(-1.0 if cell.agitation_pct is None else cell.agitation_pct for cell in cells),
    }


def _contrasts(treatments: Sequence[Treatment]) -> dict[str, list[float]]:
    """Return each varied factor's levels as they run from -1 to 1."""
    found = {}
    for name, values in _levels(treatments).items():
        if len(set(values)) > 1:
            middle, half = (max(values) + min(values)) / 2.0, (max(values) - min(values)) / 2.0
            found[name] = [(value - middle) / half for value in values]
    return found


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    from statistics import StatisticsError, correlation

    try:
        return correlation(first, second)
    except StatisticsError:  # one of them never changes: nothing goes with it
        return 0.0


def _effect(names: tuple[str, ...]) -> str:
    words = {"temperature": tr("temperature"), "naoh": tr("NaOH"), "agitation": tr("agitation")}
    return " × ".join(words[name] for name in names)

"""What stands in each bath: glues in turn, every level of the bottle factors, positions and blind codes by lot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from random import Random
from typing import TypeVar

from linectl.errors import Refused
from linectl.model.experiments import Experiment
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["blind_codes", "drawn", "glues_in_turn", "varieties"]

T = TypeVar("T")
_LETTERS = "ABCDEFGHJKLMNPQRTUVWXY"  # without those that are read as digits
_DIGITS = "23456789"
_EXCHANGES = 3000


@dataclass(frozen=True, slots=True)
class Variety:
    """What a bottle bears: a glue, and its level of every bottle factor."""

    glue: str
    factors: Mapping[str, str]


def drawn(items: Sequence[T], seed: str) -> list[T]:
    """Return `items` in an order that `seed` alone decides."""
    shuffled = list(items)
    Random(seed).shuffle(shuffled)  # noqa: S311  # a design is drawn to be repeatable, not secret
    return shuffled


def blind_codes(experiment: Experiment) -> dict[str, str]:
    """Return the code of each glue (a letter and a digit), the same in every bath of the experiment.

    No two glues share a letter: one misread character never names another glue.

    Raises:
        Refused: there are more glues than letters.
    """
    if len(experiment.glues) > len(_LETTERS):
        raise Refused(tr("no more than {count} glues can be coded").format(count=len(_LETTERS)))
    letters = drawn(_LETTERS, f"{experiment.seed}/codes")
    digits = Random(f"{experiment.seed}/code digits")  # noqa: S311  # repeatable, not secret
    return {glue: letter + digits.choice(_DIGITS) for glue, letter in zip(experiment.glues, letters, strict=False)}


def varieties(experiment: Experiment, glues: Sequence[str]) -> list[Variety]:
    """Return every glue of `glues` with every combination of the bottle factors' levels."""
    names = list(experiment.bottle_factors)
    levels = list(product(*experiment.bottle_factors.values()))
    return [Variety(glue, dict(zip(names, combination, strict=True))) for glue in glues for combination in levels]


def glues_in_turn(experiment: Experiment, treatments: Sequence[Treatment]) -> list[tuple[str, ...]]:
    """Return the glues of each bath: all, or `glues_per_bath` of them, the reference always, the others in balance.

    No glue stands in more than one bath more than another; from a drawn start, glues are exchanged between baths as
    long as each then meets every temperature, every NaOH and every other glue more evenly.

    Raises:
        Refused: the reference leaves no place, or is no glue of the experiment.
    """
    glues, wanted = experiment.glues, experiment.glues_per_bath
    if wanted is None or wanted >= len(glues):
        return [glues] * len(treatments)
    fixed = (experiment.reference,) if experiment.reference else ()
    others = [glue for glue in glues if glue not in fixed]
    places = wanted - len(fixed)
    if places < 1 or len(others) + len(fixed) != len(glues):
        raise Refused(
            tr("{count} glues a bath, the reference {reference!r} among them, leave none to compare it with").format(
                count=wanted, reference=experiment.reference
            ),
            hint=tr("raise glues_per_bath, and name a glue of the experiment as its reference"),
        )
    best = _rotation(others, places, treatments, Random(f"{experiment.seed}/rotation"))  # noqa: S311  # repeatable
    return [tuple(glue for glue in glues if glue in fixed or glue in chosen) for chosen in best]


def _rotation(others: Sequence[str], places: int, treatments: Sequence[Treatment], lot: Random) -> list[set[str]]:
    """Return the glues of each bath: the least used first, then exchanged at random where that makes them more even."""
    total: Counter[str] = Counter()
    found: list[set[str]] = []
    for _ in treatments:
        ranks = {glue: (total[glue], lot.random()) for glue in others}
        chosen = set(sorted(others, key=ranks.__getitem__)[:places])
        total.update(chosen)
        found.append(chosen)
    score = _unevenness(found, treatments)
    for _ in range(_EXCHANGES if len(found) > 1 else 0):
        first, second = lot.sample(range(len(found)), 2)
        gives, takes = sorted(found[first] - found[second]), sorted(found[second] - found[first])
        if not gives:
            continue
        given, taken = lot.choice(gives), lot.choice(takes)
        before = found[first], found[second]
        found[first], found[second] = before[0] - {given} | {taken}, before[1] - {taken} | {given}
        changed = _unevenness(found, treatments)
        if changed > score:
            found[first], found[second] = before
        else:
            score = changed
    return found


def _unevenness(rotation: Sequence[set[str]], treatments: Sequence[Treatment]) -> float:
    """Return how far glues are from meeting each temperature, each NaOH and each other equally often (squares)."""
    levels: Counter[tuple[str, str, float]] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for chosen, treatment in zip(rotation, treatments, strict=True):
        for glue in chosen:
            levels[glue, "temperature", treatment.temperature_c] += 1
            levels[glue, "naoh", treatment.naoh_pct] += 1
        pairs.update(combinations(sorted(chosen), 2))
    return float(sum(count**2 for count in levels.values()) + sum(count**2 for count in pairs.values()))

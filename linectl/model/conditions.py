"""Conditions over tags: comparisons with a number or another tag, contacts, and/or/not. Data only, nothing runs.

Conditions are read from a file by `linectl.config.conditions` and judged by `linectl.line.conditions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["COMPARES", "AllOf", "AnyOf", "Comparison", "Condition", "Negation", "Operand", "Says", "tags_of"]

COMPARES = ("<", "<=", ">", ">=", "==", "!=")


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a comparison, in its tag's unit: the tag's value plus `value`, or without a tag `value` alone."""

    value: float
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sides and one of `COMPARES` between them."""

    left: Operand
    compare: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Says:
    """A contact (`tag` is true or false) says yes."""

    tag: str


@dataclass(frozen=True, slots=True)
class Negation:
    """Not `part`."""

    part: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of `parts`."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of `parts`."""

    parts: tuple[Condition, ...]


Condition = Comparison | Says | Negation | AllOf | AnyOf


def tags_of(condition: Condition) -> tuple[str, ...]:
    """Return the tags that a condition names, each once, in its order."""
    return tuple(dict.fromkeys(_tags(condition)))


def _tags(condition: Condition) -> Iterator[str]:
    match condition:
        case Comparison(left, _, right):
            yield from (side.tag for side in (left, right) if side.tag)
        case Says(tag):
            yield tag
        case Negation(part):
            yield from _tags(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _tags(part)

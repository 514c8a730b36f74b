"""Conditions judged on what is known: true, false, or None when what is known does not decide it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from linectl.model.conditions import AllOf, AnyOf, Comparison, Condition, Negation, Operand, Says
from linectl.model.readings import Value

__all__ = ["truth", "unknown_tags"]

_COMPARES: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "==": operator.eq,
        "!=": operator.ne,
    }
)


def truth(condition: Condition, known: Mapping[str, Value]) -> bool | None:
    """Return whether `condition` holds, by the values in `known` (in their tags' units); None: they do not tell.

    A tag that is not in `known` may have any value: `a and b` is false when either is known to be, whatever the other
    is; else an unknown part makes the whole unknown. A contact without a bool, and a number that is one, are unknown.
    """
    match condition:
        case Comparison(left, compare, right):
            pair = _number(left, known), _number(right, known)
            return None if pair[0] is None or pair[1] is None else _COMPARES[compare](pair[0], pair[1])
        case Says(tag):
            said = known.get(tag)
            return said if isinstance(said, bool) else None
        case Negation(part):
            inner = truth(part, known)
            return None if inner is None else not inner
        case AllOf(parts):
            return _decided(False, parts, known)
        case AnyOf(parts):
            return _decided(True, parts, known)


def unknown_tags(condition: Condition, known: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the tags of which `condition` learns nothing from `known`, each once, in its order."""
    return tuple(dict.fromkeys(_unknown(condition, known)))


def _unknown(condition: Condition, known: Mapping[str, Value]) -> Iterator[str]:
    match condition:
        case Comparison(left, _, right):
            yield from (side.tag for side in (left, right) if _number(side, known) is None)
        case Says(tag):
            if not isinstance(known.get(tag), bool):
                yield tag
        case Negation(part):
            yield from _unknown(part, known)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _unknown(part, known)


def _decided(by: bool, parts: Iterable[Condition], known: Mapping[str, Value]) -> bool | None:
    """Return `by` when any part says so, the opposite when all say that, None otherwise."""
    found: bool | None = not by
    for part in parts:
        said = truth(part, known)
        if said is by:
            return by
        if said is None:
            found = None
    return found


def _number(side: Operand, known: Mapping[str, Value]) -> float | None:
    if not side.tag:
        return side.value
    value = known.get(side.tag)
    return None if value is None or isinstance(value, bool) else value + side.value

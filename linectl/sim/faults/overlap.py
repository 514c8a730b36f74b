"""Faults that overlap on one thing: they may end in any order, and the last of them puts it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from weakref import WeakKeyDictionary

from linectl.sim.faults.acts import Undo

__all__ = ["instead", "while_any"]

_INSTEAD: WeakKeyDictionary[object, dict[str, list[tuple[object, object]]]] = WeakKeyDictionary()
_STANDING: WeakKeyDictionary[object, Counter[str]] = WeakKeyDictionary()


def instead(owner: object, name: str, value: object) -> Undo:
    """Give the attribute `name` of `owner` another value; of several that stand the latest holds."""
    values = _INSTEAD.setdefault(owner, {})
    stack = values.setdefault(name, [(None, getattr(owner, name))])  # its own value lies below all others
    key = object()
    stack.append((key, value))
    setattr(owner, name, value)

    def end() -> None:
        stack[:] = [each for each in stack if each[0] is not key]
        setattr(owner, name, stack[-1][1])
        if len(stack) == 1:
            values.pop(name, None)

    return end


def while_any(owner: object, what: str, begin: Callable[[], object], end: Callable[[], object]) -> Undo:
    """`begin` with the first fault that does `what` to `owner`, `end` with the last of them."""
    standing = _STANDING.setdefault(owner, Counter())
    standing[what] += 1
    if standing[what] == 1:
        begin()

    def undo() -> None:
        standing[what] -= 1
        if not standing[what]:
            end()

    return undo

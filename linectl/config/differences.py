"""What differs between two files of one kind, value by value, each with its places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from linectl.config.files import SourceText
from linectl.config.nodes import Document, Loc, parse
from linectl.config.shown import ShownFile, show_text
from linectl.errors import ConfigError
from linectl.words import tr

__all__ = ["Compared", "Difference", "Side", "compare"]

_NAMES = ("id", "name", "case")
"""By what an item of a list is known again when others were put before it."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one file says: the value, and the file, line and column (from 1) that say it; no file: a default."""

    value: Any
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """One place (`loc`, as in the file that has it) at which the files differ; None: a file has nothing there."""

    loc: Loc
    before: Side | None
    after: Side | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two files of one kind. `as_written`: one of them has mistakes, so defaults were not written out."""

    kind: str
    differences: tuple[Difference, ...]
    as_written: bool = False


def compare(before: SourceText, after: SourceText) -> Compared:
    """Return what differs between two files, as they are used; when one has mistakes, as both are written.

    Passwords are not looked up, and none is told.

    Raises:
        ConfigError: a file is no YAML, or they are of two kinds.
    """
    kinds = [_kind_of(source) for source in (before, after)]
    if kinds[0] != kinds[1]:
        text = tr("{one} is of kind {kind}, {other} of kind {other_kind}: only files of one kind are compared")
        raise ConfigError(text.format(one=before.path, kind=kinds[0], other=after.path, other_kind=kinds[1]))
    try:
        sides, as_written = [_File.used(show_text(source)) for source in (before, after)], False
    except ConfigError:
        sides, as_written = [_File.written(source) for source in (before, after)], True
    return Compared(kinds[0], tuple(_Walk(*sides).differences()), as_written)


def _kind_of(source: SourceText) -> str:
    document = _readable(source)
    return str(document.data.get("kind", "")) if isinstance(document.data, dict) else ""


def _readable(source: SourceText) -> Document:
    document = parse(source)
    if document.data is None:
        raise ConfigError(document.problems)
    return document


@dataclass(frozen=True, slots=True)
class _File:
    """One side: its data, and where each part of it is said."""

    data: Any
    path: str
    marks: Mapping[Loc, tuple[int, int]]
    places: Mapping[Loc, tuple[str, int, int]] = field(default_factory=dict)

    @classmethod
    def used(cls, shown: ShownFile) -> _File:
        places = {each.loc: (each.file, each.line, each.column) for each in shown.values if each.file}
        return cls(shown.data, shown.file, shown.marks, places)

    @classmethod
    def written(cls, source: SourceText) -> _File:
        document = _readable(source)
        return cls(document.data, source.path, document.marks)

    def side(self, value: Any, loc: Loc) -> Side:
        if loc in self.places:
            return Side(value, *self.places[loc])
        return Side(value, self.path, *self.marks[loc]) if loc in self.marks else Side(value)


class _Walk:
    """Goes through both files side by side."""

    def __init__(self, before: _File, after: _File) -> None:
        self._before = before
        self._after = after

    def differences(self) -> Iterator[Difference]:
        yield from self._pair(self._before.data, self._after.data, (), ())

    def _pair(self, before: Any, after: Any, loc: Loc, loc_after: Loc) -> Iterator[Difference]:
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self._items(_texts(before), _texts(after), loc, loc_after)
        elif _has_parts(before) and _has_parts(after):
            yield from self._items(*_named(before, after), loc, loc_after)
        elif not _same(before, after):
            yield Difference(loc, self._before.side(before, loc), self._after.side(after, loc_after))

    def _items(self, before: _Items, after: _Items, loc: Loc, loc_after: Loc) -> Iterator[Difference]:
        for name, (key, value) in before.items():
            if name in after:
                other, other_value = after[name]
                yield from self._pair(value, other_value, (*loc, key), (*loc_after, other))
            else:
                yield Difference((*loc, key), self._before.side(value, (*loc, key)), None)
        for name, (key, value) in after.items():
            if name not in before:
                yield Difference((*loc_after, key), None, self._after.side(value, (*loc_after, key)))


_Items = Mapping[Any, tuple[str | int, Any]]
"""By what an item is known again: its key or number in its own file, and its value."""


def _texts(value: Mapping[Any, Any]) -> _Items:
    return {str(key): (str(key), item) for key, item in value.items()}


def _has_parts(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value)


def _named(before: Sequence[Any], after: Sequence[Any]) -> tuple[_Items, _Items]:
    """Return the items of two lists by their names where each has one of its own, else by their numbers."""
    for key in _NAMES:
        found = [_by_name(items, key) for items in (before, after)]
        if found[0] is not None and found[1] is not None:
            return found[0], found[1]
    return dict(enumerate(enumerate(before))), dict(enumerate(enumerate(after)))


def _by_name(items: Sequence[Any], key: str) -> _Items | None:
    names = [str(item.get(key, "")) if isinstance(item, Mapping) else "" for item in items]
    if "" in names or len(set(names)) < len(names):
        return None
    return dict(zip(names, enumerate(items), strict=True))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)

"""What happened on a line of late, for faces: the last events, numbered."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from linectl.model.records import Event

__all__ = ["Diary"]

_KEPT = 200


class Diary:
    """Takes events as they happen and keeps the last ones."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, Event]] = deque(maxlen=_KEPT)
        self._number = 0

    def take(self, event: Event) -> None:
        """Keep `event`."""
        self._number += 1
        self._events.append((self._number, event))

    def __iter__(self) -> Iterator[tuple[int, Event]]:
        """Yield the events that are kept, oldest first, each with its number."""
        return iter(self._events)

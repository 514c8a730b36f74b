"""What sensors say over MQTT, before it is bytes."""

from __future__ import annotations

from typing import Protocol

from drivers.frames.payload import Json

__all__ = ["Message", "MessageSource"]

Message = tuple[str, dict[str, Json]]
"""A topic and its JSON payload."""


class MessageSource(Protocol):
    """Sensors that speak by themselves."""

    async def next(self) -> list[Message]:
        """Wait for the next moment at which something may be due; return what is to be said then, perhaps nothing."""

    def forget(self) -> None:
        """Say everything again: the broker is a new one, or was away."""

"""What sensors say over MQTT, before it is bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Protocol

from drivers.frames.payload import Json

__all__ = ["Message", "MessageSource", "Presence", "Spoken", "payload_of"]

Message = tuple[str, dict[str, Json]]
"""A topic and its JSON payload."""

Presence = tuple[str, str]
"""A topic and the word by which a sensor tells that it is there; brokers keep (retain) it."""

Spoken = Message | Presence


class MessageSource(Protocol):
    """Sensors that speak by themselves."""

    async def next(self) -> Sequence[Spoken]:
        """Wait for the next moment at which something may be due; return what is to be said then, perhaps nothing."""

    def forget(self) -> None:
        """Say everything again: the broker is a new one, or was away."""


def payload_of(said: dict[str, Json] | str) -> bytes:
    """Return the bytes of a payload: JSON, or the word itself."""
    return (said if isinstance(said, str) else json.dumps(said)).encode()

"""What libraries write to the terminal by themselves: nothing. linectl reports losses as readings and events."""

from __future__ import annotations

import logging

__all__ = ["quiet_libraries"]

_TALKATIVE = ("pymodbus", "amqtt", "transitions", "asyncio", "paho")


def quiet_libraries() -> None:
    """Keep the libraries' own messages (frame dumps, reconnects) off standard error; called by a face at its start."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False

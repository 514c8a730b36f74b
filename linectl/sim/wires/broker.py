"""An MQTT broker inside the simulator's own event loop, so that its time may jump with the rest (amqtt)."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

from linectl.errors import ConfigError
from linectl.sim.wires.holder import cannot_listen
from linectl.words import tr

if TYPE_CHECKING:
    from linectl.sim.wires.broker_core import FreezableBroker

__all__ = ["EmbeddedBroker", "free_port"]

_LOGGERS = ("amqtt", "transitions", "passlib", "websockets")


class EmbeddedBroker:
    """amqtt on a loopback port of its own; the port stays the same over a stop and a start."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._broker: FreezableBroker | None = None

    def __repr__(self) -> str:
        """Return the address and whether it serves."""
        return f"<EmbeddedBroker {self.host}:{self.port} {'up' if self._broker else 'down'}>"

    async def start(self) -> None:
        """Serve.

        Raises:
            ConfigError: amqtt is not installed.
            Unreachable: the port is taken.
        """
        if self._broker is not None:
            return
        self.port = self.port or free_port(self.host)
        broker = _make(self.host, self.port)
        from amqtt.errors import BrokerError

        try:
            await broker.start()
        except BrokerError as exc:
            what = tr("the simulator's broker cannot listen on {host}:{port}: {why}")
            raise cannot_listen(self.host, self.port, exc, what) from exc
        self._broker = broker

    async def stop(self) -> None:
        """Drop all clients and stop; nothing is left running."""
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.thaw()
            await broker.shutdown()

    def freeze(self) -> None:
        """Stop serving, as a process does that hangs: sockets stand, new ones are taken, and nothing answers."""
        if self._broker is not None:
            self._broker.freeze()

    def thaw(self) -> None:
        """Serve again, what came meanwhile first."""
        if self._broker is not None:
            self._broker.thaw()


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of `host` that is free now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _make(host: str, port: int) -> FreezableBroker:
    try:
        from linectl.sim.wires.broker_core import FreezableBroker
    except ImportError as exc:
        raise ConfigError(
            tr("the simulator needs an MQTT broker, and none is installed"),
            hint=tr("install linectl with its sim extra, or give the address of a broker"),
        ) from exc
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return FreezableBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )

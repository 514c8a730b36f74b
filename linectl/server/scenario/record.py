"""Faults of the simulator in the record of a run: who reads it later sees what was broken on purpose."""

from __future__ import annotations

from collections.abc import Callable

from linectl.server.line_server import LineServer
from linectl.sim.faults.events import FaultEvent

__all__ = ["SIMULATED_FAULT", "recorded"]

SIMULATED_FAULT = "simulated_fault"
"""The kind of these events in the store; their data are `FaultEvent.data()`."""


def recorded(server: LineServer, also: Callable[[FaultEvent], None] | None = None) -> Callable[[FaultEvent], None]:
    """Return a listener for a `FaultEngine` that writes each fault into the store of `server`, and tells `also`.

    While an experiment runs there its faults are events of that run, else they are events of the line.
    """

    def tell(event: FaultEvent) -> None:
        server.record(SIMULATED_FAULT, event.data(), event.time_ns)
        if also is not None:
            also(event)

    return tell

"""What the server of a line lacks, or has found, for the alarms that look at it (`server: record_lost`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from linectl.model.alarms import Trouble

if TYPE_CHECKING:
    from linectl.server.line_server import LineServer

__all__ = ["troubles_of"]


def troubles_of(server: LineServer) -> frozenset[Trouble]:
    """Return the troubles that stand now; called at each scan, so nothing is worked out here."""
    found = {
        Trouble.RECORD_LOST: server.unrecorded is not None,
        Trouble.START_REFUSED: server.schedule is not None and server.schedule.failed,
        Trouble.RUN_INTERRUPTED: server.interrupted is not None and not server.run_id,
        Trouble.HEATING_FAULT: bool(server.line.heating_trips),
        Trouble.GLUE_SUSPENDED: server.glues is not None and server.glues.suspended,
    }
    return frozenset(trouble for trouble, stands in found.items() if stands)

"""Calibrating a sensor of a line that another process serves: it reads, it keeps, it takes the result into use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linectl.clock import Clock
from linectl.config.calibration_records import record_text
from linectl.errors import Refused
from linectl.line.stability import Criterion, Settled
from linectl.model.calibrations import Record
from linectl.model.lines import LineDefinition
from linectl.model.readings import GOOD, Level, Quality, Reading
from linectl.server.calibrating import Progress, settle
from linectl.server.finding import connect, find_if_up
from linectl.words import tr

__all__ = ["ServedLine", "served_line"]

_PAUSE_S = 0.2  # loop time between two questions: a server has others to answer


@dataclass(frozen=True, slots=True)
class ServedLine:
    """The line `definition` at whoever serves it; `operator` is who asks."""

    definition: LineDefinition
    data: Path | None
    operator: str

    def ready(self, name: str) -> dict[str, Any]:
        """Return what the server says of calibrating `name`: its `source`, whether it is `simulated`, its `speed`.

        Raises:
            Refused: a run is under way there, or it serves the line of another file (E-CAL-014).
            LinectlError: what the server says against it.
        """
        told: dict[str, Any] = self._call("calibration_ready", {"tag": name})
        mine = str(Path(self.definition.source).resolve())
        if told["source"] != mine:
            raise Refused(
                tr("the line {line} is served by the file {served}, not by {mine}").format(
                    line=self.definition.name, served=told["source"], mine=mine
                ),
                hint=tr("name that file: --line {file}").format(file=told["source"]),
                code="E-CAL-014",
            )
        return told

    async def measure(self, name: str, criterion: Criterion, tell: Progress, *, reference: float | None) -> Settled:  # noqa: ARG002  # a rig alone is brought to a reference
        """Return the reading of `name`, before its own correction, once it is stable (see `Bench.measure`)."""
        clock = Clock(speed=float(self.ready(name)["speed"]))

        async def read() -> Reading:
            told = await asyncio.to_thread(self._call, "calibration_read", {"tag": name})
            await asyncio.sleep(_PAUSE_S)
            level = Level[told["level"]]
            quality = GOOD if level is Level.GOOD else Quality(level, told["reason"])
            time_ns = int(told["received_time_ns"])
            return Reading(name, told["value"], quality, time_ns, time_ns, int(told["sequence"]))

        return await settle(read, clock, criterion, tell, name)

    def keep(self, record: Record, *, activate: bool, why: str) -> tuple[int, str]:
        """Have `record` kept; return its number and the SHA-256 of its file."""
        args = {"record": record_text(record), "activate": activate}
        told = self._call("calibrate", args, why)
        return int(told["version"]), str(told["sha256"])

    def activate(self, name: str, version: int, *, why: str) -> None:
        """Have calibration `version` of `name` made active, 0 for none."""
        self._call("calibration_activate", {"tag": name, "version": version}, why)

    def _call(self, op: str, args: dict[str, Any], why: str = "") -> Any:
        with connect(self.data, self.definition.name, operator=self.operator) as server:
            return server.ask(op, args, reason=why)


def served_line(definition: LineDefinition, data: Path | None, operator: str) -> ServedLine | None:
    """Return the line at whoever serves it, None when nobody does."""
    if find_if_up(data, definition.name) is None:
        return None
    return ServedLine(definition, data, operator)

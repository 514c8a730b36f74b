"""What may be asked of a served line about its calibrations: a sensor's own reading, a new record, another choice."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from linectl.config.calibration_records import load_record_text
from linectl.config.files import SourceText
from linectl.config.line_calibrations import recalibrated
from linectl.errors import Refused
from linectl.model.people import Role
from linectl.server.api.listener import Request
from linectl.server.api.operations import Operation
from linectl.server.calibrating import sensor_of
from linectl.server.calibration_book import CalibrationBook
from linectl.server.line_server import LineServer
from linectl.words import tr

__all__ = ["CalibrationOps"]


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor by its tag."""

    tag: str


@dataclass(frozen=True, slots=True)
class Made:
    """A calibration as the text of its record, and whether it is to be the active one."""

    record: str
    activate: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """Which calibration of a sensor is to be active; 0: none."""

    tag: str
    version: int


class CalibrationOps:
    """The operations on the calibrations of `server`; `data` is the folder of its store."""

    def __init__(self, server: LineServer, data: Path | None) -> None:
        self._server = server
        self._data = data
        self._one = asyncio.Lock()

    def operations(self) -> tuple[Operation, ...]:
        """Return what may be asked."""
        service = Role.SERVICE
        return (
            Operation("calibration_ready", service, Sensor, self._ready, "See whether a sensor can be calibrated now."),
            Operation("calibration_read", Role.VIEW, Sensor, self._read, "A sensor's reading before its correction."),
            Operation("calibrate", service, Made, self._calibrate, "Keep a new calibration.", once=True),
            Operation("calibration_activate", service, Choice, self._activate, "Choose the active calibration."),
        )

    async def _ready(self, args: Sensor, _request: Request) -> Any:
        definition = self._server.definition
        sensor_of(definition, args.tag)
        self._must_be_idle()
        book = self._book()
        if not book.came_with_linectl:  # of those nothing is kept: whoever asks may rehearse
            await asyncio.to_thread(book.must_be_writable)
        source = str(await asyncio.to_thread(Path(definition.source).resolve))
        return {"source": source, "simulated": definition.simulated, "speed": self._server.clock.speed}

    async def _read(self, args: Sensor, _request: Request) -> Any:
        tag = sensor_of(self._server.line.definition, args.tag)
        reading = self._server.line.reading(args.tag)
        value = reading.value
        if value is not None and tag.correction is not None:
            value = tag.correction.before(float(value))
        return {
            "value": value,
            "level": reading.quality.level.name,
            "reason": reading.quality.reason,
            "received_time_ns": reading.received_time_ns,
            "sequence": reading.sequence,
        }

    async def _calibrate(self, args: Made, request: Request) -> Any:
        source = SourceText("record", args.record, hashlib.sha256(args.record.encode()).hexdigest())
        record = load_record_text(source)
        definition, who = self._server.definition, request.who.operator
        tag = sensor_of(definition, record.tag)
        if (record.line, record.unit) != (definition.name, tag.unit):
            raise Refused(
                tr("the record is of {tag} in {unit} of the line {line}").format(
                    tag=record.tag, unit=record.unit or "-", line=record.line
                ),
                code="E-CAL-005",
            )
        record = replace(record, by=who or record.by, simulated=record.simulated or definition.simulated)
        async with self._one:
            self._must_be_idle()
            book = self._book()
            await asyncio.to_thread(book.must_be_writable)
            kept = await book.keep(record, who=record.by, why=request.reason, activate=args.activate)
            await self._take()
        return {"version": kept.version, "sha256": kept.sha256, "active": args.activate}

    async def _activate(self, args: Choice, request: Request) -> Any:
        sensor_of(self._server.definition, args.tag)
        async with self._one:
            self._must_be_idle()
            book = self._book()
            before = book.active().get(args.tag)
            await book.activate(args.tag, args.version, who=request.who.operator, why=request.reason)
            await self._take()
        return {"tag": args.tag, "old": 0 if before is None else before.version, "new": args.version}

    def _book(self) -> CalibrationBook:
        return CalibrationBook(self._server.definition, self._data, self._server.store)

    def _must_be_idle(self) -> None:
        """See that no run is under way: what it measures must not change its meaning on the way.

        Raises:
            Refused: one is (E-CAL-013).
        """
        if self._server.is_running:
            raise Refused(
                tr("a run is under way: its calibrations stay as they are until it has ended"),
                hint=tr("wait for its end, or end it: linectl cancel"),
                code="E-CAL-013",
            )

    async def _take(self) -> None:
        """Let the line correct its readings by what is active now; files are read beside the loop."""
        self._server.recalibrate(await asyncio.to_thread(recalibrated, self._server.definition))

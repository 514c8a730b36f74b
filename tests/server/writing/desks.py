"""A writer on the bath of `tests/line/benches`, with a book that remembers, for tests in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from drivers.link import RawValue
from linectl.line.reports import WriteReport
from linectl.model.people import Who
from linectl.model.readings import Value
from linectl.model.records import Act
from linectl.server.writing.writer import Writer
from tests.line.benches import TEXT, Bench, make, virtually

T = TypeVar("T")

ANA, BO = Who("ana", "cli"), Who("bo", "watch")
SETPOINT, STIRRER = "2/hr10", "2/hr12"
PACED = TEXT.replace("limit: temperature}", "limit: temperature, step: 20, per_min: 6}")


@dataclass
class Pages:
    """A book: writes go to the line, the rest is remembered."""

    bench: Bench
    refusals: list[tuple[WriteReport, str]] = field(default_factory=list)
    told: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    worry: str = ""

    async def write(self, tag: str, value: Value, *, who: str, why: str = "") -> WriteReport:
        assert who
        assert why is not None
        return await self.bench.line.write(tag, value)

    async def refused(self, report: WriteReport, *, who: str, why: str = "") -> None:
        self.refusals.append((report, who + why))

    def concern(self, tag: str) -> str:
        return self.worry if tag == "bath.setpoint" else ""

    def tell(self, kind: str, data: Mapping[str, object], act: Act | None = None) -> None:
        self.told.append((kind, data))
        if act is not None:
            self.acts.append(act)

    def ends(self, kind: str) -> list[object]:
        return [data["why"] for each, data in self.told if each == kind]


@dataclass
class Desk:
    bench: Bench
    book: Pages
    writer: Writer

    def forbid(self, *tags: str) -> None:
        """Let a permissive stand against `tags`."""

        async def permit(what: str, _value: object) -> str:
            return "the extraction does not run" if what in tags else ""

        self.bench.line.permit = permit

    @property
    def sent(self) -> list[RawValue]:
        return self.bench.plc.sent(SETPOINT)

    def paces(self) -> list[tuple[float, float]]:
        """When which set point was written, s and °C."""
        return [
            (when, float(value) / 10)
            for when, where, value in self.bench.plc.written
            if where == SETPOINT and isinstance(value, int)
        ]


def at_the_desk(work: Callable[[Desk], Awaitable[T]], text: str = TEXT, *, armed: bool = True, speed: float = 1.0) -> T:
    """Run `work` with a line that is open and ana armed; the writer and the line are closed after it."""

    async def whole() -> T:
        bench = make(text, speed=speed)
        bench.plc.values[SETPOINT] = 600
        book = Pages(bench)
        async with bench.line:
            desk = Desk(bench, book, Writer(bench.line, bench.clock, book))
            if armed:
                desk.writer.arm(ANA)
            try:
                return await work(desk)
            finally:
                await desk.writer.close()

    return virtually(whole)

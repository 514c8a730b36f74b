"""What the fault engine tells: the faults that stand, and the log of their beginnings and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from linectl.model.faults import FaultOrder

__all__ = ["FaultEvent", "StandingFault"]


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One fault began or ended, at process time `process_s` after the engine's start, `time_ns` by the clock.

    `what` is `began` or `ended`. `why` of a beginning: `ordered` (by a person), `due` or `condition`; of an end:
    `over` (its time), `counted`, `cleared` (by a person) or `stopped` (the timeline ended). `detail` is the condition
    with the value that met it.
    """

    number: int
    kind: str
    target: str
    what: str
    why: str
    process_s: float
    time_ns: int
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    detail: str = ""

    def data(self) -> dict[str, object]:
        """Return it as a record keeps it."""
        told: dict[str, object] = {
            "number": self.number,
            "fault": self.kind,
            "target": self.target,
            "what": self.what,
            "why": self.why,
            "process_s": self.process_s,
            "values": dict(self.values),
        }
        return {**told, "detail": self.detail} if self.detail else told


@dataclass(frozen=True, slots=True)
class StandingFault:
    """A fault that stands (`active`), since `since_s` and until `ends_s` (None: until it is cleared), or that waits.

    Times are process time in s after the engine's start; one that waits has them from when it was ordered.
    """

    number: int
    order: FaultOrder
    active: bool
    since_s: float
    ends_s: float | None = None

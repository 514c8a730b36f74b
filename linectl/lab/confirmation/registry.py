"""The register of confirmations: events of the store, only ever added, read back into what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from linectl.errors import StoreError
from linectl.model.confirmations import Confirmation, ConfirmationSet
from linectl.model.records import Event
from linectl.words import tr

__all__ = ["CHANGED", "REGISTERED", "SET_RECORDED", "STARTED", "HandCount", "Register", "registered_event"]

REGISTERED = "confirmation_registered"
CHANGED = "confirmation_changed"
SET_RECORDED = "confirmation_set"
STARTED = "confirmation_started"  # an event of each run of it: carries the hash of what was registered then


@dataclass(frozen=True, slots=True)
class HandCount:
    """A set counted elsewhere and written down: bottles, how many failed (stuck, or fell off while held), by whom."""

    kind: ConfirmationSet
    bottles: int
    failed: int
    by: str
    note: str = ""
    ts_ns: int = 0


@dataclass(frozen=True, slots=True)
class Register:
    """What the register says of one confirmation: as registered first, as it stands now, and what was counted by hand.

    `changed` are the times (ns) of changes; a change after the first bottle voids GO.
    """

    first: Confirmation
    present: Confirmation
    changed: tuple[int, ...] = ()
    by_hand: tuple[HandCount, ...] = ()

    @classmethod
    def of(cls, events: Sequence[Event]) -> Register:
        """Return the register of one confirmation's events, oldest first.

        Raises:
            StoreError: the events do not begin with a registration.
        """
        if not events or events[0].kind != REGISTERED:
            raise StoreError(tr("the register holds no confirmation of that name"))
        first = present = confirmation_of(events[0].data)
        changed: list[int] = []
        by_hand: list[HandCount] = []
        for event in events[1:]:
            if event.kind == CHANGED:
                present = confirmation_of(event.data)
                changed.append(event.ts_ns)
            elif event.kind == SET_RECORDED:
                by_hand.append(_count(event))
        return cls(first, present, tuple(changed), tuple(by_hand))


def registered_event(confirmation: Confirmation, *, changed: bool = False) -> Event:
    """Return the event that registers (or changes) `confirmation`; its `run` is the confirmation's id."""
    kind = CHANGED if changed else REGISTERED
    return Event(confirmation.registered_ns, kind, asdict(confirmation), confirmation.id)


def confirmation_of(data: Mapping[str, object]) -> Confirmation:
    """Return the confirmation that an event's data hold."""
    known = {field.name for field in fields(Confirmation)}
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name in known}
    return Confirmation(**values)  # type: ignore[arg-type]  # written by `registered_event`


def _count(event: Event) -> HandCount:
    data = event.data
    return HandCount(
        kind=ConfirmationSet(str(data["kind"])),
        bottles=int(str(data["bottles"])),
        failed=int(str(data["failed"])),
        by=str(data["by"]),
        note=str(data.get("note", "")),
        ts_ns=event.ts_ns,
    )

"""What a machine washes: counters followed scan by scan, lots, and the bottles that a lost rinse leaves in doubt.

Operations take a dataclass of their arguments and who asks, and answer with data that JSON can hold.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from linectl.clock import Clock
from linectl.errors import Refused
from linectl.line.bottle_trace import BottleTrace
from linectl.line.interlocks import State as RulesState
from linectl.line.line import Line
from linectl.line.packml import State
from linectl.model.conditions import tags_of
from linectl.model.interlocks import Interlocks
from linectl.model.people import Who
from linectl.model.readings import Scan
from linectl.model.washing import ZoneKind
from linectl.server.as_data import iso
from linectl.server.washing.line_counts import LineCounts
from linectl.server.washing.lot_book import LotBook, NewLot
from linectl.server.washing.lot_told import is_due, lot_told
from linectl.server.washing.machine_args import EndLot, LotArgs, LotsArgs, QuarantineArgs, StartLot
from linectl.server.washing.recipe_setting import Setting
from linectl.store.reader import StoreReader
from linectl.store.store import Store
from linectl.words import language, tr

__all__ = ["WashLots"]

_SAVE_S = 60.0  # process time between two savings of what was counted


class WashLots:
    """The lots and counters of the machine in `zone`; `setting` tells what it is set to now.

    `rules` are the line's interlocks, `state` says how they stand: when one that looks at a zone of kind `final` trips
    (they are in `rinse`), bottles are set aside.
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        store: Store,
        zone: str,
        setting: Callable[[], Setting],
        *,
        rules: Interlocks | None = None,
        state: Callable[[], RulesState] = RulesState,
    ) -> None:
        zones = line.definition.zones
        self._line, self._clock, self._store, self._zone, self._setting = line, clock, store, zone, setting
        self._rules, self._rules_state = rules, state
        self.rinse = _watching(rules, {name for name, each in zones.items() if each.kind == ZoneKind.FINAL})
        self._trace = BottleTrace()
        self._tripped: frozenset[str] = frozenset()
        self._doubts: dict[str, int] = {}  # reason -> the first bottle in doubt
        self._saved_s, self._unsaved = 0.0, False
        self.counts = LineCounts(line.definition, zone, {})
        self.book = LotBook(clock, store, self.counts, (), (), setting)

    def __repr__(self) -> str:
        """Return the counters and the lots."""
        return f"<WashLots {self.counts!r} {self.book!r}>"

    def open(self, reader: StoreReader) -> None:
        """Take up the counters and lots that the store knows."""
        self.counts = LineCounts(self._line.definition, self._zone, reader.counters())
        before = self.counts.kept()
        self.counts.prime(self._line.reading, self._line.raw)
        lots, loose = reader.lots(), reader.loose_quarantines()
        self.book = LotBook(self._clock, self._store, self.counts, lots, loose, self._setting, before=before)

    # scans

    def scan(self, scan: Scan, state: State) -> bool:
        """Take a scan; return whether a counter moved. When none did, that is all."""
        if not self.counts.take(scan, self._line.raw):
            return False
        self.counts.shift(self._clock.now_ns())
        self.follow(state)
        self._unsaved = True
        if self._clock.process_s() - self._saved_s >= _SAVE_S:
            self.save()
        return True

    def follow(self, state: State) -> None:
        """Follow the lots by the counters as they are; in Complete the last bottle is out."""
        self.book.follow(empty=state is State.COMPLETE)
        counted = self._in_and_out()
        if counted is not None:
            told = self._setting()
            self._trace.capacity, self._trace.final = told.capacity, told.final
            self._trace.note(*counted, self.counts.lost)
            for reason in self._doubts:
                self._doubt(reason)

    def save(self) -> None:
        """Keep what was counted; nothing when nothing has moved."""
        if self._unsaved:
            self._saved_s, self._unsaved = self._clock.process_s(), False
            self.book.save()

    def inside(self) -> int:
        """Return how many bottles are in the machine, 0 where nobody counts."""
        counted = self._in_and_out()
        return 0 if counted is None else max(0, counted[0] - counted[1] - self.counts.lost)

    def _in_and_out(self) -> tuple[int, int] | None:
        totals = self.counts.totals()
        if "bottles_in" not in totals or "bottles_out" not in totals:
            return None
        return totals["bottles_in"], totals["bottles_out"]

    # the final rinse

    def look(self) -> bool:
        """Look how the interlocks of the final rinse stand; return whether that has changed.

        When one trips, what left while the last machine length passed goes into quarantine, with what may be in the
        final rinse; and whatever comes to it as long as the trip stands.
        """
        if not self.rinse:
            return False
        standing = self._rules_state().interlocks
        now = frozenset(
            [name for name in self.rinse if (found := standing.get(name)) is not None and found.trip is not None]
        )
        if now == self._tripped:
            return False
        gone, self._tripped = self._tripped - now, now
        for reason in gone:
            self._doubt(reason)
            self._doubts.pop(reason, None)
        for reason in sorted(now - self._doubts.keys()):
            self._doubts[reason] = self._trace.left_since_transit()
            self._doubt(reason)
        return True

    def _doubt(self, reason: str) -> None:
        counted = self._in_and_out()
        if counted is None or reason not in self._doubts:
            return
        first = self._doubts[reason]
        last = counted[1] + self._trace.in_final(*counted, self.counts.lost)
        if last >= first:
            self.book.doubt(reason, self._message(reason), first, last)

    def _message(self, name: str) -> str:
        rule = None if self._rules is None else self._rules.interlocks.get(name)
        return "" if rule is None else rule.message.get(language()) or rule.message.get("en", "")

    # operations

    async def lot_start(self, args: StartLot, who: Who) -> dict[str, Any]:
        """Begin a wash lot with the next bottle that goes in."""
        new = NewLot(args.grower, args.bottle, args.glue, args.glue_lot, args.name, args.note)
        lot = await self.book.start(new, who, args.reason)
        return lot_told(lot, self._clock.now_ns())

    async def lot_end(self, args: EndLot, who: Who) -> dict[str, Any]:
        """End the wash lot with the last bottle that went in; its bottles are followed until they are out."""
        return lot_told(await self.book.end(who, args.reason, name=args.name), self._clock.now_ns())

    async def lot_quarantine(self, args: QuarantineArgs, who: Who) -> dict[str, Any]:
        """Set bottles of a lot aside; this needs a reason."""
        lot = await self.book.set_aside(args.name, who, args.reason, first=args.first, last=args.last)
        return lot_told(lot, self._clock.now_ns())

    async def lot_release(self, args: LotArgs, who: Who) -> dict[str, Any]:
        """Release the bottles of a lot that are set aside; this needs a reason, and their cause gone."""
        lot = await self.book.release(args.name, who, args.reason, doubted=self._tripped)
        return lot_told(lot, self._clock.now_ns())

    async def lot_deliver(self, args: LotArgs, who: Who) -> dict[str, Any]:
        """Note that the bottles of a lot have left the plant."""
        return lot_told(await self.book.deliver(args.name, who, args.reason), self._clock.now_ns())

    async def lots(self, args: LotsArgs, who: Who) -> list[dict[str, Any]]:  # noqa: ARG002  # who asks is no matter
        """List the wash lots, the newest first."""
        now_ns = self._clock.now_ns()
        found = [
            lot for lot in reversed(self.book.lots()) if args.due_days is None or is_due(lot, now_ns, args.due_days)
        ]
        return [lot_told(lot, now_ns) for lot in (found[: args.limit] if args.limit > 0 else found)]

    async def lot(self, args: LotArgs, who: Who) -> dict[str, Any]:  # noqa: ARG002  # as above
        """Show a wash lot."""
        return lot_told(self.book.lot(args.name), self._clock.now_ns(), interval=True)

    # what faces see

    def section(self) -> dict[str, Any]:
        """Return counters since the shift began, what a bottle took, and the lot that goes in or comes out."""
        now_ns, counts = self._clock.now_ns(), self.counts
        shift = {name: counts.in_shift(name) for name in ("bottles_in", "bottles_out", "bottles_rejected")}
        washed = shift["bottles_out"]
        used = {key: counts.in_shift(name) for key, name in _PER_BOTTLE.items()}
        lot = self.book.present or self.book.leaving
        totals = counts.totals()
        return {
            "counters": {
                **{name: None if count is None else round(count) for name, count in shift.items()},
                "total_in": totals.get("bottles_in"),
                "total_out": totals.get("bottles_out"),
                "inside": self.inside() if self._in_and_out() is not None else None,
                "since": iso(counts.shift_ns) if counts.shift_ns else None,
            },
            "per_bottle": {key: None if not washed or each is None else each / washed for key, each in used.items()},
            "lot": None if lot is None else lot_told(lot, now_ns),
        }

    def must_be_free_of_lots(self) -> None:
        """Look whether bottles of a lot have gone in that has not ended.

        Raises:
            Refused: some have: the rest would be washed with something else than they were (E-LOT-002).
        """
        lot = self.book.present
        if lot is not None and lot.bottles_in:
            text = tr("lot {name} goes in with {recipe}: end it before another recipe is set")
            recipe = lot.recipe or tr("no recipe")
            raise Refused(text.format(name=lot.name, recipe=recipe), hint="linectl lot end", code="E-LOT-002")


_PER_BOTTLE = {"water_l": "water", "energy_wh": "energy", "naoh_g": "naoh_dosed"}


def _watching(rules: Interlocks | None, zones: Collection[str]) -> frozenset[str]:
    """Return the interlocks that look at any of `zones`."""
    if rules is None:
        return frozenset()
    return frozenset(
        name
        for name, each in rules.interlocks.items()
        if any(tag.rpartition(".")[0] in zones for tag in tags_of(each.when))
    )

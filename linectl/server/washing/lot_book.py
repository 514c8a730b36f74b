"""The wash lots of a line while it runs: begun, followed by counting, ended, set aside and released, kept in the store.

One lot goes in at a time. Those before it may still be inside, and are followed until their last bottle is out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from linectl.clock import Clock
from linectl.errors import Refused
from linectl.model.lots import Lot, LotState, Quarantine, extended, without
from linectl.model.people import Who
from linectl.model.records import Act, Event
from linectl.server.washing.line_counts import LineCounts
from linectl.server.washing.lot_counts import Totals, begin_marks, end_marks, followed, is_out, span
from linectl.server.washing.recipe_setting import Setting
from linectl.store.store import Store
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["DAY_NS", "LotBook", "NewLot"]

DAY_NS = 86_400 * NS_PER_S
_LONGEST = 200
_KEPT = 20  # lots of before whose bottles may still be set aside
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class NewLot:
    """What a person says of a lot; `name` "" takes the day and a number."""

    grower: str
    bottle: str
    glue: str
    glue_lot: str = ""
    name: str = ""
    note: str = ""


class LotBook:
    """Writes the lots of one line; `setting` tells what the machine is set to, `before` what was counted last."""

    def __init__(
        self,
        clock: Clock,
        store: Store,
        counts: LineCounts,
        lots: Sequence[Lot],
        loose: Sequence[Quarantine],
        setting: Callable[[], Setting],
        *,
        before: Totals | None = None,
    ) -> None:
        self._clock, self._store, self._counts, self._setting = clock, store, counts, setting
        self._lots = {lot.name: lot for lot in lots}
        self._open = [lot.name for lot in lots if lot.washed_ns is None]
        self._loose = {each.id: each for each in loose}
        known = [each.id for lot in lots for each in lot.quarantines] + list(self._loose)
        self._next = max(known, default=0) + 1
        self._before: Totals = before or {}

    def __repr__(self) -> str:
        """Return the lot that goes in."""
        present = self.present
        return f"<LotBook {len(self._lots)} lots, present {present.name if present else 'none'}>"

    @property
    def present(self) -> Lot | None:
        """The lot whose bottles go in."""
        found = [self._lots[name] for name in self._open]
        return next((lot for lot in found if lot.state is LotState.WASHING), None)

    @property
    def leaving(self) -> Lot | None:
        """The lot whose bottles come out: the oldest that is not out."""
        return self._lots[self._open[0]] if self._open else None

    def lots(self) -> list[Lot]:
        """Return all lots, oldest first."""
        return list(self._lots.values())

    def lot(self, name: str) -> Lot:
        """Return a lot; "last" is the newest.

        Raises:
            Refused: there is no such lot (E-LOT-001).
        """
        lot = next(reversed(self._lots.values()), None) if name == "last" else self._lots.get(name)
        if lot is not None:
            return lot
        raise Refused(
            tr("there is no lot {name}").format(name=name), hint=tr("list them with: linectl lot ls"), code="E-LOT-001"
        )

    # by a person

    async def start(self, new: NewLot, who: Who, why: str = "") -> Lot:
        """Begin a lot with the next bottle that goes in.

        Raises:
            Refused: another one goes in, its name is taken or none, or the bottles cannot be counted.
        """
        present, totals = self.present, self._counts.totals()
        if present is not None:
            text = tr("lot {name} of {grower} goes in: end it first").format(name=present.name, grower=present.grower)
            raise Refused(text, hint="linectl lot end", code="E-LOT-002")
        self._must_count(totals)
        name = self._named(new.name)
        for word, option in ((new.grower, "--grower"), (new.bottle, "--bottle"), (new.glue, "--glue")):
            if not word.strip():
                raise Refused(tr("a lot needs {option}").format(option=option), code="E-LOT-002")
        for word in (new.grower, new.bottle, new.glue, new.glue_lot, new.note):
            if len(word) > _LONGEST or not word.isprintable():
                text = tr("what is said of a lot is one line, of {longest} characters at most")
                raise Refused(text.format(longest=_LONGEST), code="E-LOT-002")
        lot = Lot(
            name,
            new.grower.strip(),
            new.bottle.strip(),
            new.glue.strip(),
            self._clock.now_ns(),
            who.operator,
            new.glue_lot.strip(),
            new.note.strip(),
            marks=begin_marks(totals, self._counts.lost),
        )
        lot = self._as_set(lot)
        self._open.append(name)
        told = {"grower": lot.grower, "bottle": lot.bottle, "glue": lot.glue, "glue_lot": lot.glue_lot}
        told |= {"recipe": lot.recipe, "recipe_hash": lot.recipe_hash}
        return await self._put(lot, "lot_started", who, why, {key: value for key, value in told.items() if value})

    async def end(self, who: Who, why: str = "", *, name: str = "") -> Lot:
        """End the lot that goes in (it must be `name`, if given) with the last bottle that went in.

        Raises:
            Refused: none goes in, or another one, or the bottles cannot be counted.
        """
        lot, totals = self.present, self._counts.totals()
        if lot is None or (name and lot.name != name):
            text = (
                tr("no lot goes in") if lot is None else tr("{lot} goes in, not {name}").format(lot=lot.name, name=name)
            )
            raise Refused(text, code="E-LOT-002")
        self._must_count(totals)
        lot = self._now(lot, totals)
        lot = replace(lot, ended_ns=self._clock.now_ns(), ended_by=who.operator)
        lot = replace(lot, marks=end_marks(lot, totals, self._counts.lost))
        lot = await self._put(lot, "lot_ended", who, why, {"bottles_in": lot.bottles_in})
        self.follow()  # an empty machine has nothing to wait for
        return self._lots[lot.name]

    async def set_aside(self, name: str, who: Who, why: str, *, first: int = 1, last: int | None = None) -> Lot:
        """Put bottles of a lot in quarantine: all, or those from `first` to `last`.

        Raises:
            Refused: there is no such lot, no reason, or no such bottles.
        """
        lot = self.lot(name)
        _must_say_why(why)
        if first < 1 or (last is not None and last < first):
            raise Refused(tr("bottles are counted from 1, the first before the last"), code="E-LOT-003")
        if lot.state is LotState.DELIVERED:
            raise Refused(tr("lot {name} has left the plant").format(name=name), code="E-LOT-003")
        now_ns = self._clock.now_ns()
        aside = Quarantine(self._number(), lot.name, "by_hand", first, last, now_ns, who.operator, why)
        lot = replace(lot, quarantines=(*lot.quarantines, aside))
        return await self._put(lot, "lot_quarantined", who, why, {"id": aside.id, "first": first, "last": last})

    async def release(self, name: str, who: Who, why: str, *, doubted: Iterable[str] = ()) -> Lot:
        """Release all bottles of a lot that are set aside; `doubted` are reasons whose cause still stands.

        Raises:
            Refused: there is no such lot, no reason, nothing to release, or a cause still stands.
        """
        lot = self.lot(name)
        _must_say_why(why)
        standing = [each for each in lot.quarantines if each.stands]
        if not standing:
            raise Refused(tr("no bottle of {name} is set aside").format(name=name), code="E-LOT-003")
        still = sorted({each.reason for each in standing}.intersection(doubted))
        if still:
            text = tr("{name}: the cause still stands ({reasons})").format(name=name, reasons=", ".join(still))
            raise Refused(text, hint=tr("put it right and reset the interlock first"), code="E-LOT-003")
        now_ns = self._clock.now_ns()
        freed = [
            replace(each, released_ns=now_ns, released_by=who.operator, release_reason=why) if each.stands else each
            for each in lot.quarantines
        ]
        told = {"released": [{"id": each.id, "first": each.first, "last": each.last} for each in standing]}
        return await self._put(replace(lot, quarantines=tuple(freed)), "lot_released", who, why, told)

    async def deliver(self, name: str, who: Who, why: str = "") -> Lot:
        """Note that the bottles of a lot have left the plant.

        Raises:
            Refused: there is no such lot, it is not washed, it left already, or bottles of it are set aside.
        """
        lot = self.lot(name)
        if lot.quarantined:
            text = tr("bottles of {name} are set aside: release them, or wash them again").format(name=lot.name)
            raise Refused(text, hint=f"linectl lot show {lot.name}", code="E-LOT-003")
        if lot.state is not LotState.WASHED:
            left = lot.state is LotState.DELIVERED
            text = tr("lot {name} has left the plant") if left else tr("lot {name} is not washed yet")
            raise Refused(text.format(name=lot.name), code="E-LOT-003")
        lot = replace(lot, delivered_ns=self._clock.now_ns(), delivered_by=who.operator)
        return await self._put(lot, "lot_delivered", who, why, {})

    # by counting

    def follow(self, *, empty: bool = False) -> bool:
        """Take the counters as they are now; return whether any lot changed. `empty`: no bottle is inside."""
        totals = self._counts.totals()
        if "bottles_in" not in totals or "bottles_out" not in totals:
            return False
        if empty:
            self._counts.lost = totals["bottles_in"] - totals["bottles_out"]
        changed = False
        for name in list(self._open):
            before = self._lots[name]
            lot = self._shortened(before, totals) if empty else before
            lot = self._now(lot, totals)
            if is_out(lot, totals):
                self._washed(lot)
            elif lot != before:
                self._lots[name] = lot
            changed = changed or lot != before
        self._before = totals
        return changed

    def _now(self, lot: Lot, totals: Totals) -> Lot:
        found = followed(lot, self._before, totals, self._counts.use_since(lot.marks))
        return self._as_set(found) if found.bottles_in and not lot.bottles_in else found

    def _as_set(self, lot: Lot) -> Lot:
        """Return `lot` with what the machine is set to: that counts when its first bottle goes in."""
        now = self._setting()
        same = ("recipe", "recipe_hash", "verdict", "verdict_hash")
        return replace(lot, **{name: getattr(now, name) for name in same})

    @staticmethod
    def _shortened(lot: Lot, totals: Totals) -> Lot:
        """Return a lot that ended as its last bottle is out, though fewer came out than went in: some broke."""
        if "out1" not in lot.marks:
            return lot
        return replace(lot, marks={**lot.marks, "out1": min(lot.marks["out1"], totals["bottles_out"])})

    def _washed(self, lot: Lot) -> None:
        now_ns = self._clock.now_ns()
        shelf_days = self._setting().shelf_days
        reuse_by_ns = now_ns + round(shelf_days * DAY_NS) if shelf_days else None
        lot = replace(lot, washed_ns=now_ns, reuse_by_ns=reuse_by_ns)
        self._lots[lot.name] = lot
        self._open.remove(lot.name)
        told = {"lot": lot.name, "bottles_seen": lot.bottles_seen, "rejected": lot.rejected}
        event = Event(now_ns, "lot_washed", {**told, "label_rejects": lot.label_rejects})
        self._store.log_lots([lot], self._counts.stored(), event)

    def save(self) -> None:
        """Keep what has been counted so far."""
        self._store.log_lots([self._lots[name] for name in self._open], self._counts.stored())

    # bottles in doubt

    def doubt(self, reason: str, told: str, first: int, last: int) -> None:
        """Set bottles `first` to `last`, by the outfeed's count, aside for `reason`; told again, it extends the end."""
        changed: list[Lot] = []
        rest = [(first, last)]
        for name in list(self._lots)[-_KEPT:]:
            lot = self._lots[name]
            if "out0" not in lot.marks:
                continue  # a past one, taken in from a spreadsheet: nobody counted its bottles here
            low, high = span(lot)
            part = max(first, low), last if high is None else min(last, high)
            if part[0] > part[1] or lot.state is LotState.DELIVERED:
                continue
            rest = without(rest, part)
            numbers = part[0] - low + 1, part[1] - low + 1
            kept = extended(lot.quarantines, reason, *numbers)
            if kept is None:
                kept = (*lot.quarantines, self._aside(lot.name, reason, told, *numbers))
            if kept != lot.quarantines:
                lot = self._lots[name] = replace(lot, quarantines=kept)
                changed.append(lot)
        loose = [each for begin, end in rest for each in self._loosened(reason, told, begin, end)]
        if changed or loose:
            self._tell(changed, loose, reason, first, last)

    def _loosened(self, reason: str, told: str, first: int, last: int) -> list[Quarantine]:
        found = extended(tuple(self._loose.values()), reason, first, last)
        kept = (*self._loose.values(), self._aside("", reason, told, first, last)) if found is None else found
        changed = [each for each in kept if self._loose.get(each.id) != each]
        self._loose |= {each.id: each for each in changed}
        return changed

    def _tell(self, lots: Sequence[Lot], loose: Sequence[Quarantine], reason: str, first: int, last: int) -> None:
        now_ns = self._clock.now_ns()
        asides = [each for lot in lots for each in lot.quarantines if each.reason == reason and each.stands]
        told = [{"id": each.id, "lot": each.lot, "first": each.first, "last": each.last} for each in [*asides, *loose]]
        new = {"reason": reason, "bottles": told}
        target = ", ".join(lot.name for lot in lots) or "-"
        act = Act(now_ns, "linectl", "quarantine", target, new=new, reason=reason)
        event = Event(now_ns, "lot_quarantined", {**new, "first_out": first, "last_out": last}, act=act)
        self._store.log_lots(lots, self._counts.stored(), event, loose=loose)

    def _aside(self, lot: str, reason: str, told: str, first: int, last: int) -> Quarantine:
        return Quarantine(self._number(), lot, reason, first, last, self._clock.now_ns(), "linectl", told)

    # how

    def _number(self) -> int:
        number, self._next = self._next, self._next + 1
        return number

    def _named(self, name: str) -> str:
        if not name:
            day = _day(self._clock.now_ns())
            return next(text for text in (f"{day}-{k}" for k in range(1, 10_000)) if text not in self._lots)
        if name in self._lots:
            raise Refused(tr("there is a lot {name} already").format(name=name), code="E-LOT-002")
        if not _NAME.fullmatch(name) or name == "last":
            text = tr("{name} is no name of a lot: letters, digits, points and dashes, 40 at most")
            raise Refused(text.format(name=name), code="E-LOT-002")
        return name

    def _must_count(self, totals: Totals) -> None:
        if not self._counts.has_bottles:
            raise Refused(tr("this line counts no bottles: it has no lots"), code="E-LOT-002")
        if "bottles_in" not in totals or "bottles_out" not in totals:
            text = tr("the bottle counters cannot be read: nobody could tell where the lot begins or ends")
            raise Refused(text, hint="linectl doctor", code="E-LOT-002")

    async def _put(self, lot: Lot, kind: str, who: Who, why: str, told: Mapping[str, object]) -> Lot:
        self._lots[lot.name] = lot
        now_ns = self._clock.now_ns()
        act = Act(now_ns, who.operator, kind, lot.name, new=dict(told) or None, reason=why)
        event = Event(now_ns, kind, {"lot": lot.name, **told, "who": who.operator, "why": why}, act=act)
        await self._store.put_lots([lot], self._counts.stored(), event)
        return lot


def _must_say_why(why: str) -> None:
    if not why.strip():
        raise Refused(tr("this needs a reason"), hint="--reason TEXT", code="E-LOT-003")


def _day(now_ns: int) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(now_ns / NS_PER_S).astimezone():%Y%m%d}"

"""The chain: rows of bottles that move through the zones, whatever the speed, and out.

A pocket carries one bottle and `row_bottles` of them side by side are a carrier, so a carrier passes the infeed every
`row_bottles` pockets. Where a row is follows from the pockets that have passed alone; when it went into each zone is
interpolated in the step, so that long and short steps give the same times. A step records what the zones were like; a
row's way is worked out from that record when it leaves caustic 1 and when it comes out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, inf
from typing import TYPE_CHECKING

from linectl.sim.glue.labels import Glue
from linectl.sim.glue.lots import Lot
from linectl.sim.glue.release import BLOCK, Draws, draw_bottles, limits
from linectl.sim.washer.bottles import PassedBottle, bottles_of, judge
from linectl.sim.washer.history import FULL_PUMPS, History
from linectl.sim.washer.inspector import Counts, Inspector, LotTally
from linectl.sim.washer.passage import Group, Row
from linectl.sim.washer.state import NONE, ZONES, Eight, WasherParams, WasherState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Chain", "Waiting"]

KEPT = 2000  # bottles that have left and can still be asked about
_LOOK_EVERY = 600  # steps after which old ones are dropped
_FOLD_AT = 3600  # steps kept at most: rows that stand longer are worked out up to now
_S_PER_MIN = 60.0


@dataclass(slots=True, eq=False)
class Waiting:
    """A lot at the infeed, `gone` of its bottles inside already; `key` tells it from another lot of its name."""

    lot: Lot
    key: str
    law: Glue
    gone: int = 0
    _block: int = -1
    _draws: Draws | None = field(default=None, repr=False)
    _limit: NDArray[np.float64] | None = field(default=None, repr=False)
    _off_s: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def left(self) -> int:
        """Bottles that still wait."""
        return self.lot.count - self.gone

    def take(self, seed: int, most: int, offset_k: float, instead: Glue | None) -> Group:
        """Return at most `most` bottles; their `inlet_k` is still their temperature in °C."""
        block, first = divmod(self.gone, BLOCK)
        if block != self._block:
            self._draw(seed, block)
        assert self._draws is not None
        assert self._limit is not None
        assert self._off_s is not None
        count = min(most, self.left, BLOCK - first)
        some = slice(first, first + count)
        draws = self._draws.part(first, count)
        self.gone += count
        limit = self._limit[some] if instead is None else limits(instead, draws)
        warm_c = draws.inlet * self.lot.inlet_spread_k + (self.lot.inlet_c + offset_k)
        law = instead if instead is not None else self.law
        return Group(self.lot, law, self.gone - count + 1, draws, warm_c, limit, self._off_s[some])

    def _draw(self, seed: int, block: int) -> None:
        import numpy as np

        self._block, self._draws = block, draw_bottles(seed, self.key, block)
        self._limit, self._off_s = limits(self.law, self._draws), np.full(BLOCK, np.inf)


class Chain:
    """Bottles in the washer described by `params`; chance comes from `seed` and each bottle's number in its lot.

    `pockets` are those that had passed the infeed before. `inlet_offset_k` warms bottles that go in from now on,
    `glue_instead` gives them another glue than their lot says. `waiting` are the lots at the infeed, `waiting_bottles`
    how many bottles that is.
    """

    def __init__(
        self, params: WasherParams, seed: int, *, inspector: Inspector | None = None, pockets: float = 0.0
    ) -> None:
        self.params = params
        self.seed = seed
        self.inspector = inspector if inspector is not None else Inspector()
        self.pockets = pockets
        self.process_s = -inf
        self.waiting: deque[Waiting] = deque()
        self.counts = Counts()
        self.tallies: dict[str, LotTally] = {}
        self.waiting_bottles = 0
        self.fed = 0
        self.inlet_offset_k = 0.0
        self.glue_instead: Glue | None = None
        self._history = History(params)
        self._look_at = _LOOK_EVERY
        dwells_s = [zone.dwell_s for zone in params.zones]
        self._starts = [s * params.rated_b_h / 3600.0 for s in accumulate(dwells_s, initial=0.0)]  # pockets from infeed
        self._first_caustic = next((k for k, z in enumerate(params.zones) if z.kind == "caustic"), ZONES)
        self._zones: list[deque[Row]] = [deque() for _ in range(ZONES)]
        self._ends = [inf] * ZONES  # pockets at which the foremost row of each zone leaves it
        self._bottles = [0] * ZONES
        self._occupancy: Eight | None = NONE  # None: some row has moved since it was told
        self._fed_names: dict[str, int] = {}
        self._slot = ceil(pockets / params.row_bottles)  # of the next carrier at the infeed
        self._next_at = self._slot * params.row_bottles + 0.0
        self._passed: deque[Row] = deque(maxlen=max(1, KEPT // params.row_bottles))
        self._last_in_c = 15.0
        self._fibre_g = self._soil_g = 0.0
        self._odd_kj_k = 0.0  # heat capacity inside, beyond as many bottles of the washer's own figure

    def __repr__(self) -> str:
        """Return the pockets, what is inside and what waits."""
        return f"<Chain at pocket {self.pockets:.1f}: {self.counts.inside} inside, {self.waiting_bottles} waiting>"

    @property
    def length(self) -> float:
        """Pockets from the infeed to the exit."""
        return self._starts[-1]

    @property
    def inlet_c(self) -> float:
        """Mean temperature (°C) of the bottles at the infeed, else of the last that went in."""
        return self.waiting[0].lot.inlet_c + self.inlet_offset_k if self.waiting else self._last_in_c

    @property
    def bottle_kj_k(self) -> float:
        """Mean heat capacity (kJ/K) of the bottles inside; the washer's own figure when it is empty."""
        return self.params.bottle_kj_k + (self._odd_kj_k / self.counts.inside if self._odd_kj_k else 0.0)

    def feed(self, lot: Lot) -> None:
        """Let a lot wait at the infeed, behind those that wait already."""
        before = self._fed_names.get(lot.name, 0)
        self._fed_names[lot.name] = before + 1
        self.tallies.setdefault(lot.name, LotTally())
        self.waiting.append(Waiting(lot, f"{lot.name}/{before}", lot.law))
        self.waiting_bottles += lot.count

    def advance(
        self,
        pockets_to: float,
        process_s: float,
        state: WasherState,
        feeding: bool,
        dt_s: float = 1.0,
        *,
        pump: Eight | None = None,
    ) -> None:
        """Move the chain on to `pockets_to` at `process_s`, during which the zones were as in `state`.

        `pump` is each zone's share of full pump speed: agitation is 1 + (mech - 1) pump. Bottles go in while `feeding`.
        `dt_s` is the length of the first step; later steps begin where the last ended.

        Raises:
            ValueError: the chain or the time would go back.
        """
        start_s = self.process_s if self.process_s > -inf else process_s - dt_s
        if pockets_to < self.pockets or process_s < start_s:
            msg = (
                f"the chain stands at {self.pockets} pockets, {start_s} s: it cannot be at {pockets_to}, {process_s} s"
            )
            raise ValueError(msg)
        self.fed = 0
        may_feed = feeding and bool(self.waiting)
        moves = self._next_at <= pockets_to
        if process_s > start_s and (self.counts.inside or (moves and may_feed)):
            self._history.record(start_s, process_s, state, FULL_PUMPS if pump is None else pump)
        begin, self.pockets, self.process_s = self.pockets, pockets_to, process_s
        while self._next_at <= pockets_to:
            share = (self._next_at - begin) / (pockets_to - begin) if pockets_to > begin else 1.0
            at_s = min(start_s + share * (process_s - start_s), process_s)  # the sum may round to above the end
            self._move(self._next_at, at_s, feeding)
        if len(self._history) >= self._look_at:
            self._drop()

    def occupancy(self) -> Eight:
        """Return the bottles in each zone."""
        if self._occupancy is None:
            a, b, c, d, e, f, g, h = self._bottles
            self._occupancy = float(a), float(b), float(c), float(d), float(e), float(f), float(g), float(h)
        return self._occupancy

    def passed(self) -> tuple[PassedBottle, ...]:
        """Return the last bottles that left, oldest first."""
        return tuple(bottle for row in self._passed for bottle in bottles_of(row, self.params, self.inspector))

    def inside(self) -> tuple[Row, ...]:
        """Return the rows in the washer, the foremost first, worked out up to now."""
        rows = tuple(row.copy() for row in self._rows())
        for row in rows:
            row.follow(self._history, self.process_s)
        return rows

    def take_fibre_g(self) -> float:
        """Return the paper (g) of labels found off since this was asked last."""
        taken, self._fibre_g = self._fibre_g, 0.0
        return taken

    def take_soil_g(self) -> float:
        """Return the NaOH (g) that soil takes, of bottles that went into caustic since this was asked last."""
        taken, self._soil_g = self._soil_g, 0.0
        return taken

    def _move(self, pockets: float, at_s: float, feeding: bool) -> None:
        """Do what happens at `pockets`, the foremost rows first, and look when something happens next."""
        self._occupancy = None
        for zone in range(ZONES - 1, -1, -1):
            while self._ends[zone] <= pockets:
                self._leave(zone, at_s)
        slot = self._slot * self.params.row_bottles
        if slot <= pockets:
            if feeding and self.waiting:
                self._enter(at_s)
            self._slot += 1
            slot += self.params.row_bottles
        self._next_at = min(slot, *self._ends)

    def _leave(self, zone: int, at_s: float) -> None:
        """Move the foremost row of a zone on."""
        rows = self._zones[zone]
        row = rows.popleft()
        self._bottles[zone] -= row.bottles
        self._ends[zone] = rows[0].pocket + self._starts[zone + 1] if rows else inf
        if zone == ZONES - 1:
            self._out(row, at_s)
            return
        row.entered_s.append(at_s)
        self._join(row, zone + 1)
        if zone + 1 == self._first_caustic:
            self._soil_g += sum(group.count * group.lot.soil_naoh_g for group in row.groups)

    def _join(self, row: Row, zone: int) -> None:
        """Put a row behind those of a zone."""
        rows = self._zones[zone]
        if not rows:
            self._ends[zone] = row.pocket + self._starts[zone + 1]
        rows.append(row)
        self._bottles[zone] += row.bottles

    def _out(self, row: Row, at_s: float) -> None:
        self._fibre_g += row.follow(self._history, at_s)
        passed_hygiene = row.hygiene.passed()
        for group in row.groups:
            verdict = judge(group, row, self.inspector)
            tally = self.tallies[group.lot.name]
            for counts in (self.counts, tally):
                counts.broken += verdict.broken
                counts.rejected += verdict.rejected
                counts.out += verdict.bottles - verdict.broken - verdict.rejected
            tally.released += verdict.released
            tally.false_accepts += verdict.false_accepts
            tally.false_rejects += verdict.false_rejects
            tally.passed_hygiene += passed_hygiene * (verdict.bottles - verdict.broken)
            self._odd_kj_k -= group.count * (group.lot.model.kj_k - self.params.bottle_kj_k)
        if not self.counts.inside:
            self._odd_kj_k = 0.0  # what rounding has left
        self._passed.append(row)

    def _enter(self, at_s: float) -> None:
        """Fill the carrier at the infeed with bottles that wait."""
        groups: list[Group] = []
        room = self.params.row_bottles
        while room and self.waiting:
            first = self.waiting[0]
            group = first.take(self.seed, room, self.inlet_offset_k, self.glue_instead)
            groups.append(group)
            room -= group.count
            if not first.left:
                self.waiting.popleft()
        bottles = self.params.row_bottles - room
        mean_c = sum(float(group.inlet_k.sum()) for group in groups) / bottles
        for group in groups:
            group.inlet_k = group.inlet_k - mean_c
        self._join(Row(self._slot * self.params.row_bottles, [at_s], groups, mean_c, at_s), 0)
        self._last_in_c = mean_c
        self._book(groups, bottles)

    def _book(self, groups: Iterable[Group], bottles: int) -> None:
        self.waiting_bottles -= bottles
        self.fed += bottles
        self.counts.fed += bottles
        for group in groups:
            self.tallies[group.lot.name].fed += group.count
            self._odd_kj_k += group.count * (group.lot.model.kj_k - self.params.bottle_kj_k)

    def _drop(self) -> None:
        """Forget steps that no row inside needs; rows that have stood for long are worked out up to now."""
        self._history.forget(self._oldest_s())
        if len(self._history) >= _FOLD_AT:
            for row in self._rows():
                self._fibre_g += row.follow(self._history, self.process_s)
            self._history.forget(self._oldest_s())
        self._look_at = len(self._history) + _LOOK_EVERY

    def _oldest_s(self) -> float:
        return min((row.known_s for row in self._rows()), default=inf)

    def _rows(self) -> Iterator[Row]:
        """Yield the rows inside, the foremost first."""
        for zone in reversed(self._zones):
            yield from zone

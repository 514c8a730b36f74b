"""What the zones were like, step by step, for as long as a bottle inside may ask.

Plain arrays that grow by a few numbers whenever the zones change; each row of bottles reads its own way out of them, in
pieces: a fifth of the glass lag while its glass warms in a zone (three lags), 10 s after that. Each piece takes the
liquid at its middle. Where the liquid changes abruptly between two pieces, pieces of a second are taken instead.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from linectl.sim.washer.state import ZONES, Eight, WasherParams, WasherState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.intp]

__all__ = ["FULL_PUMPS", "History", "Stretch"]

FULL_PUMPS = (1.0,) * ZONES
_WARMING_LAGS = 3.0
_PIECES_A_LAG = 5.0
_SETTLED_S = 10.0
_FINE_S = 1.0
_EVEN = (0.5, 0.05, 0.05)  # K, % NaOH, ln of agitation: what a piece may differ from the one before
_ROUND = 1e-6  # of a piece
_EMPTY_KG = 1e-9
_FIGURES = 3  # kept of each zone
_STEP = Struct(f"{_FIGURES * ZONES}d")
_PACK = _STEP.pack
_PLANS = 64  # ways to cut, remembered


class Stretch(NamedTuple):
    """A way through the history in short pieces.

    `edge_s` has one entry more than the others: length of each piece (s), °C and % NaOH of the liquid, ln of the
    agitation factor, lag of the glass (s). `zones` are those passed, `starts` the number of the first piece in each.
    `lags` is the length of each piece in lags of its glass.
    """

    edge_s: Array
    dt_s: Array
    lags: Array
    temperature_c: Array
    naoh_pct: Array
    log_mech: Array
    tau_s: Array
    zones: Indices
    starts: Indices


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How visits are cut: for each piece its visit, and how many warming and settled pieces end with it.

    `column` is where the figures of its zone stand in a step; `even` how far they may be from the piece before, in the
    same zone.
    """

    visit: Indices
    warming: Array
    settled: Array
    tau_s: Array
    zones: Indices
    starts: Indices
    column: Indices
    even: Array


class History:
    """The steps since the oldest that is still needed; step k lasts from the end of step k - 1 to `ends_s[k]`.

    What stays as it was makes the last step longer: the tanks are balanced every few seconds.
    """

    def __init__(self, params: WasherParams) -> None:
        self._tau_s = tuple(zone.tau_glass_s for zone in params.zones)
        self._mech = tuple(zone.mech for zone in params.zones)
        self._begin_s = 0.0
        self._ends_s = array("d")
        self._steps = bytearray()  # a step: eight doubles each of °C, % NaOH, ln of agitation
        self._last: tuple[Eight | None, Eight | None, Sequence[float]] = None, None, ()
        self._pumps: tuple[Sequence[float], list[float]] = (), []
        self._plans: dict[tuple[int, tuple[int, ...], tuple[int, ...]], _Plan] = {}

    def __len__(self) -> int:
        """Return the number of steps kept."""
        return len(self._ends_s)

    def record(self, start_s: float, end_s: float, state: WasherState, pump: Sequence[float]) -> None:
        """Add a step in which the zones were as in `state`, their pumps at `pump` of full speed."""
        ends_s = self._ends_s
        degrees, naoh_kg, pumped = self._last
        if not ends_s:
            self._begin_s = start_s
        elif (
            state.temperature_c is degrees and state.naoh_kg is naoh_kg and pump is pumped and start_s == ends_s[-1]
        ):  # a step that moves the tanks makes both anew
            ends_s[-1] = end_s
            return
        ends_s.append(end_s)
        if pump is not self._pumps[0]:
            self._pumps = pump, self._agitation(pump)
        zones = zip(state.water_kg, state.naoh_kg, state.carbonate_kg, strict=True)
        naoh_pct = [naoh * (100.0 / max(water + naoh + carbonate, _EMPTY_KG)) for water, naoh, carbonate in zones]
        self._steps += _PACK(*state.temperature_c, *naoh_pct, *self._pumps[1])  # three times as quick as an array
        self._last = state.temperature_c, state.naoh_kg, pump

    def _agitation(self, pump: Sequence[float]) -> list[float]:
        """Return ln of each zone's agitation factor."""
        import numpy as np

        logs: list[float] = np.log(1.0 + (np.array(self._mech) - 1.0) * np.array(pump)).tolist()
        return logs

    def forget(self, before_s: float) -> None:
        """Drop the steps that ended at or before `before_s`."""
        gone = bisect_right(self._ends_s, before_s)
        if gone:
            self._begin_s = self._ends_s[gone - 1]
            del self._ends_s[:gone]
            del self._steps[: _STEP.size * gone]

    def stretch(self, first: int, at_s: Sequence[float]) -> Stretch:
        """Return the way of one that goes into zone `first` at `at_s[0]`, into the next at `at_s[1]`, until `at_s[-1]`.

        Raises:
            IndexError: the history does not reach back to the first, or on to the last.
        """
        if not self._ends_s or at_s[-1] > self._ends_s[-1] or at_s[0] < self._begin_s:
            msg = f"the history does not hold {at_s[0]} to {at_s[-1]} s"
            raise IndexError(msg)
        coarse, even = self._read(first, at_s, _SETTLED_S, _PIECES_A_LAG)
        return coarse if even else self._read(first, at_s, _FINE_S, None)[0]

    def _read(
        self, first: int, at_s: Sequence[float], settled_s: float, pieces_a_lag: float | None
    ) -> tuple[Stretch, bool]:
        """Return the way in pieces of `settled_s`, and of a part of the glass lag before, if one is given.

        And whether the liquid changes little from one piece to the next of the same zone.
        """
        import numpy as np

        plan, lengths = self._cut(first, at_s, settled_s, pieces_a_lag)
        start_s, warm_s, rest_s = np.array(lengths).take(plan.visit, axis=1)
        edge_s = np.empty(plan.visit.size + 1)
        edge_s[0] = at_s[0]
        edge_s[1:] = start_s + plan.warming * warm_s + plan.settled * rest_s
        dt_s = edge_s[1:] - edge_s[:-1]
        step = np.frombuffer(self._ends_s).searchsorted(edge_s[:-1] + 0.5 * dt_s)
        liquid = np.frombuffer(self._steps).take(step * (_FIGURES * ZONES) + plan.column)
        even = bool((abs(liquid[:, 1:] - liquid[:, :-1]) <= plan.even).all())
        degrees, naoh_pct, log_mech = liquid
        lags = dt_s / plan.tau_s
        return Stretch(edge_s, dt_s, lags, degrees, naoh_pct, log_mech, plan.tau_s, plan.zones, plan.starts), even

    def _cut(
        self, first: int, at_s: Sequence[float], settled_s: float, pieces_a_lag: float | None
    ) -> tuple[_Plan, tuple[Sequence[float], list[float], list[float]]]:
        """Return how visits from zone `first` on are cut, their starts and the length (s) of either sort of piece."""
        warm, rest, warm_s, rest_s = [], [], [], []
        for visit in range(len(at_s) - 1):
            length_s = at_s[visit + 1] - at_s[visit]
            warming_s, pieces = length_s, ceil(length_s / settled_s - _ROUND)
            if pieces_a_lag is not None:
                tau_s = self._tau_s[first + visit]
                warming_s = min(length_s, _WARMING_LAGS * tau_s)
                pieces = ceil(pieces_a_lag * warming_s / tau_s - _ROUND)
            settled = ceil((length_s - warming_s) / settled_s - _ROUND)
            if settled <= 0:
                warming_s = length_s
            pieces = max(pieces, 1)
            warm.append(pieces)
            rest.append(settled)
            warm_s.append(warming_s / pieces)
            rest_s.append((length_s - warming_s) / max(settled, 1))
        return self._plan(first, tuple(warm), tuple(rest)), (at_s[:-1], warm_s, rest_s)

    def _plan(self, first: int, warm: tuple[int, ...], rest: tuple[int, ...]) -> _Plan:
        """Return the plan of visits by their first zone and their numbers of warming and settled pieces."""
        key = (first, warm, rest)
        found = self._plans.get(key)
        if found is not None:
            return found
        import numpy as np

        if len(self._plans) >= _PLANS:
            self._plans.clear()
        warms = np.array(warm)
        counts = warms + np.array(rest)
        visit = np.repeat(np.arange(counts.size), counts)
        starts = np.cumsum(counts) - counts
        done = 1.0 + np.arange(visit.size) - starts[visit]
        zone = first + visit
        even = np.repeat(np.array(_EVEN)[:, None], visit.size - 1, axis=1)
        even[:, starts[1:] - 1] = np.inf
        made = self._plans[key] = _Plan(
            visit=visit,
            warming=np.minimum(done, warms[visit]),
            settled=np.maximum(done - warms[visit], 0.0),
            tau_s=np.array(self._tau_s)[zone],
            zones=first + np.arange(counts.size),
            starts=starts,
            column=(ZONES * np.arange(_FIGURES))[:, None] + zone,
            even=even,
        )
        return made

"""What the zones were like, step by step, for as long as a bottle inside may ask.

Plain arrays that grow by a few numbers a step; each row of bottles reads its own way out of them, in pieces: a fifth of
the glass lag while its glass warms in a zone (three lags), 10 s after that. Each piece takes the liquid at its middle.
Where the liquid changes abruptly between two pieces, pieces of a second are taken instead.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from linectl.sim.washer.state import ZONES, WasherParams, WasherState

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
_FIGURES = 5  # kept of each zone
_STEP = Struct(f"{_FIGURES * ZONES}d")
_PACK = _STEP.pack
_PLANS = 64  # ways to cut, remembered


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A way through the history in short pieces.

    `edge_s` has one entry more than the others: length of each piece (s), °C and % NaOH of the liquid, ln of the
    agitation factor, lag of the glass (s). `zones` are those passed, `starts` the number of the first piece in each.
    """

    edge_s: Array
    dt_s: Array
    temperature_c: Array
    naoh_pct: Array
    log_mech: Array
    tau_s: Array
    zones: Indices
    starts: Indices


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """How visits are cut: for each piece its visit, and how many warming and settled pieces end with it."""

    visit: Indices
    zone: Indices
    warming: Array
    settled: Array
    tau_s: Array
    mech_above: Array
    zones: Indices
    starts: Indices
    column: Indices


class History:
    """The steps since the oldest that is still needed; step k lasts from the end of step k - 1 to `ends_s[k]`."""

    def __init__(self, params: WasherParams) -> None:
        self._tau_s = tuple(zone.tau_glass_s for zone in params.zones)
        self._mech = tuple(zone.mech for zone in params.zones)
        self._begin_s = 0.0
        self._ends_s = array("d")
        self._steps = bytearray()  # a step: eight doubles each of °C, kg of water, NaOH, carbonate, share of pump speed
        self._plans: dict[tuple[int, bytes, bytes], _Plan] = {}

    def __len__(self) -> int:
        """Return the number of steps kept."""
        return len(self._ends_s)

    def record(self, start_s: float, end_s: float, state: WasherState, pump: Sequence[float]) -> None:
        """Add a step in which the zones were as in `state`, their pumps at `pump` of full speed."""
        if not self._ends_s:
            self._begin_s = start_s
        self._ends_s.append(end_s)
        self._steps += _PACK(
            *state.temperature_c, *state.water_kg, *state.naoh_kg, *state.carbonate_kg, *pump
        )  # packing is three times as quick as to extend an array

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
        import numpy as np

        if not self._ends_s or at_s[-1] > self._ends_s[-1] or at_s[0] < self._begin_s:
            msg = f"the history does not hold {at_s[0]} to {at_s[-1]} s"
            raise IndexError(msg)
        bounds_s = np.array(at_s)
        coarse = self._read(first, bounds_s, _SETTLED_S, _PIECES_A_LAG)
        return coarse if _even(coarse) else self._read(first, bounds_s, _FINE_S, None)

    def _read(self, first: int, bounds_s: Array, settled_s: float, pieces_a_lag: float | None) -> Stretch:
        """Return the way in pieces of `settled_s`, and of a part of the glass lag before, if one is given."""
        import numpy as np

        plan, warm_s, rest_s = self._cut(first, bounds_s[1:] - bounds_s[:-1], settled_s, pieces_a_lag)
        edge_s = np.empty(plan.visit.size + 1)
        edge_s[0] = bounds_s[0]
        steps_s = np.array((bounds_s[:-1], warm_s, rest_s)).take(plan.visit, axis=1)
        edge_s[1:] = steps_s[0] + plan.warming * steps_s[1] + plan.settled * steps_s[2]
        dt_s = edge_s[1:] - edge_s[:-1]
        step = np.frombuffer(self._ends_s).searchsorted(edge_s[:-1] + 0.5 * dt_s)
        where = step * (_FIGURES * ZONES) + plan.zone
        degrees, water, naoh, carbonate, pumps = np.frombuffer(self._steps).take(where + plan.column)
        naoh_pct = naoh * (100.0 / np.maximum(water + naoh + carbonate, _EMPTY_KG))
        log_mech = np.log(1.0 + plan.mech_above * pumps)
        return Stretch(edge_s, dt_s, degrees, naoh_pct, log_mech, plan.tau_s, plan.zones, plan.starts)

    def _cut(
        self, first: int, length_s: Array, settled_s: float, pieces_a_lag: float | None
    ) -> tuple[_Plan, Array, Array]:
        """Return how visits of `length_s` from zone `first` on are cut, and the length (s) of either sort of piece."""
        import numpy as np

        tau_s = np.array(self._tau_s[first : first + length_s.size])
        warming_s, warm = length_s, np.ceil(length_s / settled_s - _ROUND)
        if pieces_a_lag is not None:
            warming_s = np.minimum(length_s, _WARMING_LAGS * tau_s)
            warm = np.ceil(pieces_a_lag * warming_s / tau_s - _ROUND)
        warm = np.maximum(warm, 1.0)
        rest = np.ceil((length_s - warming_s) / settled_s - _ROUND)
        warming_s = np.where(rest > 0.0, warming_s, length_s)
        plan = self._plan(first, warm, rest)
        return plan, warming_s / warm, (length_s - warming_s) / np.maximum(rest, 1.0)

    def _plan(self, first: int, warm: Array, rest: Array) -> _Plan:
        """Return the plan of visits by their first zone and their numbers of warming and settled pieces."""
        key = (first, warm.tobytes(), rest.tobytes())
        found = self._plans.get(key)
        if found is not None:
            return found
        import numpy as np

        if len(self._plans) >= _PLANS:
            self._plans.clear()
        counts = np.array(warm + rest, dtype=np.intp)
        visit = np.repeat(np.arange(counts.size), counts)
        starts = np.cumsum(counts) - counts
        done = 1.0 + np.arange(visit.size) - starts[visit]
        zone = first + visit
        made = self._plans[key] = _Plan(
            visit=visit,
            zone=zone,
            warming=np.minimum(done, warm[visit]),
            settled=np.maximum(done - warm[visit], 0.0),
            tau_s=np.array(self._tau_s)[zone],
            mech_above=np.array(self._mech)[zone] - 1.0,
            zones=first + np.arange(counts.size),
            starts=starts,
            column=(ZONES * np.arange(_FIGURES))[:, None],
        )
        return made


def _even(stretch: Stretch) -> bool:
    """Tell whether the liquid changes little from one piece to the next of the same zone."""
    import numpy as np

    liquid = np.array((stretch.temperature_c, stretch.naoh_pct, stretch.log_mech))
    change = np.abs(liquid[:, 1:] - liquid[:, :-1])
    change[:, stretch.starts[1:] - 1] = 0.0
    return bool((change <= np.array(_EVEN)[:, None]).all())

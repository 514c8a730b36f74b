"""The simulated rig: a bath and the bottles in it, advanced on a fixed grid of process time.

The state at k * dt does not depend on how often the plant is asked: wires call `advance_to` before they read or act.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor

from linectl.sim.bath.physics import BathInputs, BathParams, BathState, filled, level_pct, naoh_pct, step
from linectl.sim.glue.labels import LabelState, new_label, soak, stirring

__all__ = ["POSITIONS", "Control", "Plant", "PlantSnapshot"]

POSITIONS = 24
_GRID_SLACK = 1e-6  # of a step: a clock that reads 11.999999999 s at the twelfth second means 12

Control = Callable[[BathState, float], BathInputs]
"""What acts on the bath in the step that begins with this state at this process time (s): the PLC."""


@dataclass(frozen=True, slots=True)
class PlantSnapshot:
    """A plant at one grid point: all that `Plant.restore` needs."""

    ticks: int
    state: BathState
    labels: tuple[LabelState | None, ...]
    put_in: int


class Plant:
    """A bath with `POSITIONS` places for bottles, stepped `dt_s` seconds at a time under a `control`.

    `seed` draws each label's resistance from the number of the bottle in the order of putting in, so another bottle
    more or less changes none before it. Bottles come and go, and controls act, from the grid point that was reached:
    first `advance_to` now, then act. It starts full of water at room temperature, unless `initial` is given.
    """

    def __init__(
        self,
        params: BathParams,
        seed: int,
        *,
        control: Control,
        dt_s: float = 1.0,
        initial: BathState | None = None,
    ) -> None:
        if not dt_s > 0.0:
            msg = f"the plant's step must be above 0 s, not {dt_s}"
            raise ValueError(msg)
        self.params = params
        self.seed = seed
        self.dt_s = dt_s
        self.control = control
        self.state = initial if initial is not None else filled(params, temperature_c=params.room_c)
        self.labels: tuple[LabelState | None, ...] = (None,) * POSITIONS
        self._ticks = 0
        self._put_in = 0

    def __repr__(self) -> str:
        """Return the time, the bath and how many bottles it holds."""
        bottles = POSITIONS - self.labels.count(None)
        return (
            f"<Plant at {self.time_s:g} s: {self.state.temperature_c:.2f} °C, {naoh_pct(self.state):.2f} % NaOH, "
            f"level {level_pct(self.state, self.params):.0f} %, {bottles} bottles>"
        )

    @property
    def time_s(self) -> float:
        """The process time in s of the grid point that was reached."""
        return self._ticks * self.dt_s

    def advance_to(self, process_s: float) -> None:
        """Step to the last grid point at or before `process_s`; a time already passed changes nothing."""
        target = floor(process_s / self.dt_s + _GRID_SLACK)
        while self._ticks < target:
            self._step()

    def put(self, position: int, glue_code: int) -> LabelState:
        """Put a dry bottle at `bottle_c` into `position` (1-24); return its label.

        Raises:
            ValueError: no such position or glue class, or the position holds a bottle.
        """
        index = self._index(position)
        if self.labels[index] is not None:
            msg = f"position {position} holds a bottle already"
            raise ValueError(msg)
        label = new_label(self.seed, self._put_in + 1, glue_code, self.params.bottle_c)
        self._put_in += 1
        self._place(index, label)
        return label

    def take(self, position: int) -> LabelState | None:
        """Take the bottle out of `position` (1-24) and return its label, None when the position is empty.

        Raises:
            ValueError: no such position.
        """
        index = self._index(position)
        label = self.labels[index]
        self._place(index, None)
        return label

    def snapshot(self) -> PlantSnapshot:
        """Return all that tells this plant from another with the same seed, parameters and control."""
        return PlantSnapshot(self._ticks, self.state, self.labels, self._put_in)

    def restore(self, snapshot: PlantSnapshot) -> None:
        """Go back (or forward) to `snapshot`."""
        self._ticks, self.state = snapshot.ticks, snapshot.state
        self.labels, self._put_in = snapshot.labels, snapshot.put_in

    def _index(self, position: int) -> int:
        if not 1 <= position <= POSITIONS:
            msg = f"position {position}: there are {POSITIONS}, from 1"
            raise ValueError(msg)
        return position - 1

    def _place(self, index: int, label: LabelState | None) -> None:
        self.labels = (*self.labels[:index], label, *self.labels[index + 1 :])

    def _step(self) -> None:
        state, params, dt_s = self.state, self.params, self.dt_s
        inputs = self.control(state, self.time_s)
        load_kj = 0.0
        if any(self.labels) and level_pct(state, params) >= params.flooded_pct:
            before = self.labels
            self.labels, warmed_k = soak(
                self.labels,
                state.temperature_c,
                naoh_pct(state),
                dt_s,
                tau_glass_s=params.tau_glass_s,
                mech=stirring(inputs.stirrer_pct),
            )
            load_kj = warmed_k * params.bottle_kj_k
            if params.soil_g_label:
                soil_g_s = params.soil_g_label * _came_off(before, self.labels) / dt_s
                inputs = inputs._replace(soil_g_s=inputs.soil_g_s + soil_g_s)
        self.state = step(state, inputs, dt_s, params, load_kj)
        self._ticks += 1


def _came_off(before: Sequence[LabelState | None], after: Sequence[LabelState | None]) -> int:
    """Return how many labels came off between two moments in which no bottle was put in or taken out."""
    return sum(
        was is not None and now is not None and was.attached and not now.attached
        for was, now in zip(before, after, strict=True)
    )

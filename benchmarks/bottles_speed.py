"""How fast bottles are: a shift's release times in bulk, the washer's chain and its whole twin second by second."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.study_line import params_of, recipes, state_of, washer
from linectl.sim.glue.labels import GLUES, GlueClass
from linectl.sim.glue.lots import Lot
from linectl.sim.glue.release import BLOCK, draw_bottles, limits
from linectl.sim.washer.chain import Chain
from linectl.sim.washer.history import FULL_PUMPS, History
from linectl.sim.washer.operator import Operator
from linectl.sim.washer.passage import Group, Row
from linectl.sim.washer.twin import WasherTwin

__all__ = ["BOTTLES", "chain_second_us", "measure", "release_a_shift", "twin_second_us"]

BOTTLES = 96_000  # 8 h at 12,000 bottles an hour
_SHIFT_S = 8 * 3600
_CHAIN_S = 6000
_FILLED_S = 900
_AIM_S, _AIM_US, _TWIN_AIM_US = 1.0, 15.0, 40.0

Array = NDArray[np.float64]


def release_a_shift(seed: int) -> tuple[Array, float]:
    """Return the release time of each of `BOTTLES` bottles in one shift's history, and the seconds it took.

    Drawing the bottles and their ways counts; recording the history, which the physics does anyhow, does not.
    """
    glue, recipe = GLUES[GlueClass.PSA], recipes()["reference_80c"]
    state, params = state_of(recipe), params_of(washer(), recipe)
    history = History(params)
    for second in range(_SHIFT_S):
        history.record(float(second), second + 1.0, state, FULL_PUMPS)
    lot = Lot("shift", BOTTLES, "psa")
    began = time.perf_counter()
    blocks = [draw_bottles(seed, "shift/0", block) for block in range(-(-BOTTLES // BLOCK))]
    released: list[Array] = []
    for number, block in enumerate(blocks):
        draws = block.part(0, min(BLOCK, BOTTLES - number * BLOCK))
        count = draws.resistance.size
        group = Group(
            lot, glue, number * BLOCK + 1, draws, np.zeros(count), limits(glue, draws), np.full(count, np.inf)
        )
        start_s = number * 250.0
        row = Row(number * BLOCK, [start_s, start_s + 30.0, start_s + 120.0, start_s + 300.0], [group], 15.0, start_s)
        row.follow(history, start_s + 5000.0)
        released.append(group.released_s - start_s)
    return np.concatenate(released), time.perf_counter() - began


def chain_second_us(seed: int, seconds: int = _CHAIN_S) -> float:
    """Return what a simulated second of the full chain costs in microseconds, at 3,000 bottles an hour."""
    recipe = recipes()["reference_80c"]
    state, params = state_of(recipe), params_of(washer(), recipe)
    chain = Chain(params, seed)
    chain.feed(Lot("endless", 1_000_000, "psa", inlet_spread_k=2.0))
    rate = params.rated_b_h / 3600.0
    for second in range(1, _FILLED_S + 1):
        chain.advance(second * rate, float(second), state, feeding=True)
    began = time.perf_counter()
    for second in range(_FILLED_S + 1, _FILLED_S + seconds + 1):
        chain.advance(second * rate, float(second), state, feeding=True)
    return 1e6 * (time.perf_counter() - began) / seconds


def twin_second_us(seed: int, seconds: int = _CHAIN_S) -> float:
    """Return what a simulated second of the whole twin costs in microseconds: PLC, sensors, physics and chain.

    It washes recipe 1 with 3,000 bottles an hour, full and warm. Wires and who reads them do not count.

    Raises:
        RuntimeError: the washer does not start, or does not take bottles to the end.
    """
    twin = WasherTwin(seed, initial={"washer.recipe": 1}, watchdog_s=2.0 * (_FILLED_S + seconds))
    twin.feed(Lot("endless", 1_000_000, "psa", inlet_spread_k=2.0))
    operator = Operator(twin)
    started = operator.start(1)
    operator.run(_FILLED_S)
    fed = twin.chain.counts.fed
    first = round(operator.now_s)
    began = time.perf_counter()
    for second in range(first + 1, first + seconds + 1):
        twin.advance(float(second))
    took_s = time.perf_counter() - began
    rate = twin.params.rated_b_h / 3600.0
    if not started or twin.chain.counts.fed - fed < rate * seconds - twin.params.row_bottles:
        msg = f"the washer takes no bottles: {twin!r}"
        raise RuntimeError(msg)
    return 1e6 * took_s / seconds


def measure() -> list[dict[str, Any]]:
    """Return a record for the bulk release, one for the chain and one for the whole twin, beside their aims."""
    release_a_shift(0)  # the first run imports
    shift_s = min(release_a_shift(seed)[1] for seed in (1, 2, 3))
    second_us = min(chain_second_us(seed) for seed in (1, 2, 3))
    return [
        _row(f"release times of {BOTTLES} bottles", shift_s, "s", _AIM_S),
        _row("chain at 3,000 bottles/h, a second", second_us, "us", _AIM_US),
        _row("twin of the washer, a second", min(twin_second_us(seed) for seed in (1, 2, 3)), "us", _TWIN_AIM_US),
    ]


def _row(name: str, value: float, unit: str, aim: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": "aim",
        "reference_value": aim,
        "ratio": value / aim,
    }


if __name__ == "__main__":
    for record in measure():
        print(record)

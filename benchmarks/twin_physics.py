"""How fast the physics of the simulated washer goes, in simulated seconds per second: eight zones at a step of 1 s.

Bottles move as the chain moves them, a row of ten each 12 s, with heaters, soil and fibres as at 3,000 an hour.
The best of many short runs counts: what else the machine does at the time takes no part in it.
"""

from __future__ import annotations

import time

from linectl.sim.washer.machine import FIBRE_G_BOTTLE, SOIL_G_BOTTLE, reference_machine
from linectl.sim.washer.state import NONE, Eight, WasherInputs
from linectl.sim.washer.step import start, step

SIMULATED_S = 240
REPEATS = 300
TARGET = 100_000.0  # times real time
_ROW, _EACH_S = 10, 12
_LOOP_FLOPS = 100

MACHINE = reference_machine()


def washing() -> list[WasherInputs]:
    """Return what acts on the washer in each of the twelve seconds between two rows, at 3,000 bottles per hour."""
    machine = MACHINE
    base = WasherInputs(
        heater_kw=(0.0, 2.0, 12.0, 16.0, 2.0, 7.0, 13.0, 0.0),
        dose_g_min=NONE,
        drain_l_min=NONE,
        pump=(1.0,) * 8,
        bottles=NONE,
        fresh_l_min=machine.fresh_l_min,
        fill_l_min=NONE,
        speed_pockets_min=50.0,
        fed_per_s=0.0,
        bottle_in_c=15.0,
        extraction=1.0,
        room_c=20.0,
        mains_c=12.0,
        fibre_g_s=FIBRE_G_BOTTLE * _ROW / _EACH_S,
        soil_g_s=SOIL_G_BOTTLE * _ROW / _EACH_S,
    )
    ends, at_s = [], 0.0
    for zone in machine.zones:
        at_s += zone.dwell_s
        ends.append(at_s)

    def inside(second: int) -> Eight:
        a, b, c, d, e, f, g, h = (
            float(_ROW * sum(low <= age < high for age in range(second, round(at_s), _EACH_S)))
            for low, high in zip([0.0, *ends], ends, strict=False)
        )
        return a, b, c, d, e, f, g, h

    return [
        base._replace(bottles=inside(second), fed_per_s=float(_ROW) if second == 0 else 0.0)
        for second in range(_EACH_S)
    ]


INPUTS = washing()


def speed(simulated_s: int = SIMULATED_S) -> float:
    """Return the simulated seconds per second of one run of `simulated_s`."""
    machine, inputs = MACHINE, INPUTS
    state = start(
        machine,
        temperature_c=(33.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 18.0),
        naoh_pct=(0.0, 0.1, 1.5, 1.8, 0.1, 0.0, 0.0, 0.0),
        bottles=inputs[-1].bottles,
    )
    rounds = simulated_s // _EACH_S
    for each in inputs:
        state = step(state, each, 1.0, machine)
    started = time.perf_counter()
    for _ in range(rounds):
        for each in inputs:
            state = step(state, each, 1.0, machine)
    return rounds * _EACH_S / (time.perf_counter() - started)


def plain_loop(rounds: int = 400) -> float:
    """Return how often in a second plain Python does a hundred multiplications and additions in a loop."""
    started = time.perf_counter()
    x = 1.0
    for _ in range(rounds * _LOOP_FLOPS // 2):
        x = x * 0.999 + 0.5
    return rounds / (time.perf_counter() - started)


def measure() -> list[dict[str, object]]:
    """Return the best speed of several runs beside the target, and beside that of a plain loop on this machine."""
    best = max(speed() for _ in range(REPEATS))
    loop = max(plain_loop() for _ in range(REPEATS))
    return [
        {
            "name": "washer physics, 8 zones, 1 s step",
            "value": best,
            "unit": "s/s",
            "reference": "target",
            "reference_value": TARGET,
            "ratio": best / TARGET,
        },
        {
            "name": "the same, against plain Python",
            "value": best,
            "unit": "s/s",
            "reference": "loops of 100 flops a second",
            "reference_value": loop,
            "ratio": best / loop,
        },
    ]


if __name__ == "__main__":
    for figure in measure():
        print(figure)

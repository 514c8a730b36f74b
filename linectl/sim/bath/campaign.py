"""A whole screening without wires: the same physics and the same manner of looking, at thousands of times the speed.

For studies of the analysis (does a 95 % interval cover 95 times in 100?), where the truth must be known and hundreds
of campaigns are wanted. The rig on real wires is the judge of everything else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product
from math import floor, inf

from linectl.model.experiments import Experiment
from linectl.sim.bath.physics import BathInputs, BathParams, BathState, filled, thermostat
from linectl.sim.bath.plant import POSITIONS, Control, Plant
from linectl.sim.glue.labels import glue_class
from linectl.sim.noise import noise

__all__ = ["Campaign", "SoakedBath", "SoakedBottle", "simulate_campaign", "soak_bath"]

INSERTION_S = 3.0  # a person puts a bottle in every 3 s
SETTLE_S = 30.0  # the trace begins before the first bottle
PROBE_NOISE_K = 0.1


@dataclass(frozen=True, slots=True)
class SoakedBottle:
    """What was seen of one label: still on `lo_s` after its bottle went in, off at `hi_s` (infinite: never seen off).

    `inserted_s` is in seconds of its bath's trace; `release_s` is the truth that no camera sees: the first second at
    which the label was off, from the insertion, infinite when it did not come off in time.
    """

    position: int
    glue: str
    inserted_s: float
    lo_s: float
    hi_s: float
    release_s: float


@dataclass(frozen=True, slots=True)
class SoakedBath:
    """One bath: its treatment, the measured trace (s, °C), when it was looked at (s), and its bottles."""

    name: str
    temperature_c: float
    naoh_pct: float
    replicate: int
    trace_s: tuple[float, ...]
    trace_c: tuple[float, ...]
    checks_s: tuple[float, ...]
    bottles: tuple[SoakedBottle, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """All baths of one screening, in the order in which they were soaked."""

    seed: int
    baths: tuple[SoakedBath, ...]


def simulate_campaign(
    experiment: Experiment, seed: int, *, params: BathParams | None = None, probe_noise_k: float = PROBE_NOISE_K
) -> Campaign:
    """Soak every bath of `experiment` (temperature x NaOH x replicate) and return what was measured and seen.

    Everything random comes from `seed`: the order of baths and bottles, each label's resistance, the probe's noise.

    Raises:
        ValueError: a glue the simulator does not know, or more bottles than positions.
    """
    params = params if params is not None else BathParams()
    cells = list(product(experiment.temperatures_c, experiment.naoh_pct, range(1, experiment.replicates + 1)))
    if experiment.randomised:
        random.Random(f"{seed}/baths").shuffle(cells)  # noqa: S311  # a simulation, no secret
    baths = (
        soak_bath(
            experiment,
            f"{number:02d}",
            temperature_c,
            naoh_pct,
            replicate,
            seed=random.Random(f"{seed}/bath/{number}").getrandbits(48),  # noqa: S311  # a simulation, no secret
            params=params,
            probe_noise_k=probe_noise_k,
        )
        for number, (temperature_c, naoh_pct, replicate) in enumerate(cells, start=1)
    )
    return Campaign(seed, tuple(baths))


def soak_bath(
    experiment: Experiment,
    name: str,
    temperature_c: float,
    naoh_pct: float,
    replicate: int,
    *,
    seed: int,
    params: BathParams,
    probe_noise_k: float = PROBE_NOISE_K,
) -> SoakedBath:
    """Soak one bath, which is at its setpoint before the first bottle: put in, look at each check, record each second.

    Raises:
        ValueError: a glue the simulator does not know, or more bottles than positions.
    """
    glues = _order_of_glues(experiment, seed)
    due = {round(SETTLE_S + k * INSERTION_S): k for k in range(len(glues))}
    end_s = max(due) + experiment.soak.cap_s
    plant = Plant(
        params,
        seed,
        control=_controlled(temperature_c, experiment.stirrer_pct, params),
        initial=filled(params, temperature_c=temperature_c, naoh_pct=naoh_pct),
    )
    trace_c: list[float] = []
    off_s: dict[int, float] = {}
    for second in range(floor(end_s) + 1):
        plant.advance_to(second)
        trace_c.append(plant.state.probe_c + noise(seed, "probe", second, probe_noise_k))
        if second in due:
            plant.put(due[second] + 1, glue_class(glues[due[second]], experiment.simulate_as))
        for index, label in enumerate(plant.labels):
            if label is not None and label.dose >= label.limit:
                off_s.setdefault(index, float(second))
    checks_s = _checks(end_s, experiment.soak.check_s)
    bottles = (_seen(k + 1, glues[k], float(second), off_s.get(k, inf), checks_s) for second, k in due.items())
    trace_s = tuple(map(float, range(len(trace_c))))
    return SoakedBath(name, temperature_c, naoh_pct, replicate, trace_s, tuple(trace_c), checks_s, tuple(bottles))


def _order_of_glues(experiment: Experiment, seed: int) -> list[str]:
    """Return the glue of each position, shuffled so that no glue always goes in first."""
    glues = [glue for glue in experiment.glues for _ in range(experiment.bottles_per_glue)]
    if not 0 < len(glues) <= POSITIONS:
        msg = f"{len(glues)} bottles in a bath of {POSITIONS} positions"
        raise ValueError(msg)
    if experiment.randomised:
        random.Random(f"{seed}/positions").shuffle(glues)  # noqa: S311  # a simulation, no secret
    return glues


def _controlled(setpoint_c: float, stirrer_pct: float, params: BathParams) -> Control:
    """Return a controller that holds `setpoint_c` under a closed lid, as the simulated PLC does."""
    bias_w = (params.walls_w_k + params.lid_w_k) * (setpoint_c - params.room_c)
    max_w = params.heater_kw * 1e3

    def control(state: BathState, _process_s: float) -> BathInputs:
        watts = thermostat(setpoint_c, state.controller_c, max_w=max_w, bias_w=bias_w)
        return BathInputs(heater_kw=watts * 1e-3, stirrer_pct=stirrer_pct)

    return control


def _checks(end_s: float, check_s: float) -> tuple[float, ...]:
    """Return when the labels are looked at: every `check_s` from the first bottle until the end."""
    count = floor((end_s - SETTLE_S) / check_s + 1e-9)
    return tuple(SETTLE_S + k * check_s for k in range(1, count + 1))


def _seen(position: int, glue: str, inserted_s: float, off_s: float, checks_s: tuple[float, ...]) -> SoakedBottle:
    """Return what the checks tell of a label that was off from `off_s` on."""
    after = [check for check in checks_s if check > inserted_s]
    still_on = [check for check in after if check < off_s]
    lo_s = still_on[-1] - inserted_s if still_on else 0.0
    hi_s = after[len(still_on)] - inserted_s if len(still_on) < len(after) else inf
    return SoakedBottle(position, glue, inserted_s, lo_s, hi_s, off_s - inserted_s)

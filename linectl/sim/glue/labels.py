"""How a label comes off in the simulated bath.

The glue line follows the bath through the glass (a first-order lag); at its temperature the label takes up dose at the
rate 1/t50, and comes off when the dose reaches a limit of its own:

    t50 = t60 exp(Ea/R (1/T - 1/333.15 K)) ((0.1 + C)/1.6)^-n mech^-0.3        C in % NaOH
    off when dose >= exp(sigma z), z standard normal, or never

So at constant conditions the time is lognormal around t50. The parameters of the five classes are engineering
estimates. They meet the published anchors at 80 °C and 1.5 % NaOH (wet glue in a minute or two, wash-off
self-adhesive in 10-15 min); below 40 °C the law is too fast and not to be trusted.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import exp, inf, log
from types import MappingProxyType
from typing import NamedTuple

from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K, REFERENCE_C
from linectl.units import ZERO_CELSIUS_K, kelvin

__all__ = [
    "CAUSTIC_FLOOR_PCT",
    "CAUSTIC_REFERENCE_PCT",
    "GLUES",
    "MECH_ORDER",
    "Glue",
    "GlueClass",
    "LabelState",
    "glue_class",
    "new_label",
    "soak",
    "stirring",
    "t50_s",
]

CAUSTIC_FLOOR_PCT = 0.1  # stands for what plain water does
CAUSTIC_REFERENCE_PCT = 1.5
MECH_ORDER = 0.3
_REFERENCE_PER_K = 1.0 / kelvin(REFERENCE_C)
_STILL_UP_TO_PCT = 50.0
_GENTLE_FLOW = 1.5


class GlueClass(IntEnum):
    """The code of a glue class, as the simulated bath's hands know it; 0 is an empty position."""

    CASEIN = 1
    STARCH = 2
    PVOH = 3
    PSA = 4
    PERMANENT = 5


@dataclass(frozen=True, slots=True)
class Glue:
    """A class of label glue (engineering estimates); `code` None is one that somebody made of their own figures.

    `t60_s`: median time off in s at 60 °C and 1.5 % NaOH; `ea_kj_mol`: activation energy; `caustic_order`: the rate
    goes with (0.1 + C)^order; `sigma`: spread of ln time; `p_never`: the share that never comes off; `opens_at_c`: the
    glue does nothing below this temperature (°C).
    """

    code: GlueClass | None
    t60_s: float
    ea_kj_mol: float
    caustic_order: float
    sigma: float
    p_never: float
    opens_at_c: float = -inf


GLUES: Mapping[int, Glue] = MappingProxyType(
    {
        code: Glue(code, *figures)
        for code, *figures in (
            (GlueClass.CASEIN, 150.0, 45.0, 0.5, 0.25, 0.001),
            (GlueClass.STARCH, 120.0, 38.0, 0.25, 0.30, 0.002),
            # caustic saponifies the 88 % grade to a less soluble one: the order is below 0
            (GlueClass.PVOH, 240.0, 42.0, -0.10, 0.35, 0.003),
            (GlueClass.PSA, 900.0, 60.0, 0.6, 0.40, 0.005, 45.0),
            (GlueClass.PERMANENT, 20000.0, 70.0, 0.3, 0.7, 0.30, 45.0),
        )
    }
)


class LabelState(NamedTuple):
    """One bottle's label in the bath: a plain tuple, for a bath of twenty takes twenty new ones each step.

    `limit` is the dose at which it comes off (infinite: never), `glass_c` the temperature of glass and glue in °C.
    """

    glue: int
    serial: int
    limit: float
    glass_c: float
    dose: float = 0.0

    @property
    def attached(self) -> bool:
        """Whether the label is still on."""
        return self.dose < self.limit


def new_label(seed: int, serial: int, glue_code: int, bottle_c: float = 20.0) -> LabelState:
    """Return the label of the bottle that goes in as number `serial`, drawn from the seed and that number alone.

    Raises:
        ValueError: no such glue class.
    """
    glue = GLUES.get(glue_code)
    if glue is None:
        msg = f"no glue class {glue_code}: one of {', '.join(f'{k:d} {k.name.lower()}' for k in GlueClass)}"
        raise ValueError(msg)
    draw = random.Random(f"{seed}/label/{serial}")  # noqa: S311  # a simulation, no secret
    limit = exp(glue.sigma * draw.gauss(0.0, 1.0))
    never = draw.random() < glue.p_never
    return LabelState(glue_code, serial, inf if never else limit, bottle_c)


def glue_class(name: str, simulate_as: Mapping[str, str] = MappingProxyType({})) -> GlueClass:
    """Return the class that stands for the glue called `name`; `simulate_as` names one for a glue not known here.

    Raises:
        ValueError: the name is of no class; the message lists them.
    """
    wanted = simulate_as.get(name, name)
    try:
        return GlueClass[wanted.upper()]
    except KeyError:
        known = ", ".join(code.name.lower() for code in GlueClass)
        msg = f"the simulator knows no glue {wanted!r}: one of {known}, or name one of them under simulate_as"
        raise ValueError(msg) from None


def stirring(stirrer_pct: float) -> float:
    """Return the agitation `mech` of the law: 1 (still) up to half speed, rising to 1.5 (gentle flow) at full speed."""
    above = max(0.0, min(stirrer_pct, 100.0) - _STILL_UP_TO_PCT) / (100.0 - _STILL_UP_TO_PCT)
    return 1.0 + (_GENTLE_FLOW - 1.0) * above


def t50_s(glue: Glue, glue_line_c: float, naoh_pct: float, mech: float = 1.0) -> float:
    """Return the median time off in s at a constant glue-line temperature; infinite where the glue does not open."""
    if glue_line_c < glue.opens_at_c:
        return inf
    colder = 1.0 / kelvin(glue_line_c) - _REFERENCE_PER_K
    return exp(glue.ea_kj_mol / GAS_CONSTANT_KJ_MOL_K * colder - _log_rate(glue, naoh_pct, mech))


def soak(
    labels: Sequence[LabelState | None],
    bath_c: float,
    naoh_pct: float,
    dt_s: float,
    *,
    tau_glass_s: float = 15.0,
    mech: float = 1.0,
) -> tuple[tuple[LabelState | None, ...], float]:
    """Return the labels after `dt_s` seconds in the bath, and by how many K their bottles warmed in all.

    Glass follows exactly for a constant bath, whatever the step; the dose takes the rate at the middle of the step.
    """
    keep, keep_half = exp(-dt_s / tau_glass_s), exp(-0.5 * dt_s / tau_glass_s)
    laws = _laws(naoh_pct, mech)
    warmed_k = 0.0
    after: list[LabelState | None] = []
    for label in labels:
        if label is None:
            after.append(None)
            continue
        code, serial, limit, glass_c, dose = label
        above_k = glass_c - bath_c
        warmed_k += above_k * (keep - 1.0)
        if dose < limit:
            log_rate, ea_over_r, opens_at_c = laws[code]
            middle_c = bath_c + above_k * keep_half
            if middle_c >= opens_at_c:
                dose += dt_s * exp(log_rate + ea_over_r * (_REFERENCE_PER_K - 1.0 / (middle_c + ZERO_CELSIUS_K)))
        after.append(LabelState(code, serial, limit, bath_c + above_k * keep, dose))
    return tuple(after), warmed_k


def _laws(naoh_pct: float, mech: float) -> list[tuple[float, float, float]]:
    """Return, by class code, ln(rate at 60 °C), Ea/R and the temperature below which nothing happens."""
    caustic, flow = _log_caustic(naoh_pct), MECH_ORDER * log(mech)
    return [(at_60 + order * caustic + flow, ea_over_r, opens) for at_60, order, ea_over_r, opens in _CONSTANTS]


def _log_rate(glue: Glue, naoh_pct: float, mech: float) -> float:
    return glue.caustic_order * _log_caustic(naoh_pct) + MECH_ORDER * log(mech) - log(glue.t60_s)


def _log_caustic(naoh_pct: float) -> float:
    return log((CAUSTIC_FLOOR_PCT + naoh_pct) / (CAUSTIC_FLOOR_PCT + CAUSTIC_REFERENCE_PCT))


_CONSTANTS = [(0.0, 0.0, 0.0, inf)] + [
    (-log(glue.t60_s), glue.caustic_order, glue.ea_kj_mol / GAS_CONSTANT_KJ_MOL_K, glue.opens_at_c)
    for _, glue in sorted(GLUES.items())
]

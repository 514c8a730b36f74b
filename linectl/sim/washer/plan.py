"""What a step needs of the machine and the step's length alone: computed once, kept for the steps to come."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from math import exp, expm1, log1p
from typing import cast

from linectl.laws.alkalinity import Water
from linectl.laws.water import latent_heat_kj_kg, surface_loss
from linectl.sim.washer.state import ZONES, Eight, WasherParams

__all__ = [
    "CP_KJ_KG_K",
    "KG_PER_L",
    "LEFT_KG",
    "ONES",
    "RINSE_ROWS_PER_MG",
    "RINSE_TOP_MG_L",
    "LossRow",
    "LossTable",
    "Plan",
    "RinseRow",
    "eight",
    "loss_table",
    "plan_of",
]

CP_KJ_KG_K = 4.18
"""Per kg of water: 2 % NaOH has 4.09 kJ/(kg K) per kg of solution at 60 °C, 4.17 per kg of its water."""
KG_PER_L = 0.985
"""Of water in a full tank, whatever its temperature and NaOH: pumps and weirs count volume, the balances mass."""
LEFT_KG = 0.2
"""A drained tank keeps this much."""

ONES: Eight = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)

_DRY = 0.02  # of the volume: below, pumps draw air and the heater is off
_TOP_C = 130
_TABLES_KEPT = 12  # a quarter of a megabyte each: a starting fan passes many, and stays at one
_PLANS_KEPT = 32
_BELOW = 40  # rows for -40 to 0 °C, at the end of the table where negative indices find them
_BOILING_KW_M2_K = 100.0
_WEEK_S = 7 * 86400.0
_S_PER_H, _MIN_PER_H = 3600.0, 60.0

RINSE_TOP_MG_L = 400.0
RINSE_ROWS_PER_MG = 4
_MAINS_MS_CM = 0.05  # of salts other than bicarbonate (estimate)
_MAINS_PER_MEQ_MS_CM = 0.1  # of 1 meq/L of bicarbonate with its calcium: 44.5 + 59.5 S cm2/mol

LossRow = tuple[float, float, float]
"""a, b, r: a straight line a + b t, and the share r of it that is vapour."""
LossTable = tuple[LossRow, ...]
"""A row for each °C: row int(t) holds from t to t + 1 °C."""
RinseRow = tuple[float, float, float, float]
"""Two straight lines: a, b of a + b x, then c, d of c + d x."""


def eight(values: list[float]) -> Eight:
    """Return eight figures as a tuple over the zones."""
    a, b, c, d, e, f, g, h = values
    return a, b, c, d, e, f, g, h


@lru_cache(maxsize=64)
def _surface(room_c: float, humidity_pct: float) -> tuple[tuple[float, float], ...]:
    """Return what a m2 of open surface loses at each whole °C from 0: heat in kW, vapour in kg/s.

    Above 100 °C it boils, with 100 kW more for each K.
    """
    points = [surface_loss(float(t), room_c, humidity_pct) for t in range(101)]
    latent = latent_heat_kj_kg(100.0)
    for k in range(1, _TOP_C - 99):
        boiling_kw = k * _BOILING_KW_M2_K
        points.append((points[100][0] + boiling_kw, points[100][1] + boiling_kw / latent))
    return tuple(points)


def loss_table(
    surface_m2: float, walls_w_k: float, room_c: float, humidity_pct: float, hood: float, dt_s: float
) -> LossTable:
    """Return what hood and walls take of a zone in a step: heat in kg K, and the vapour in kg per kg K of it.

    `hood` is the share of an open surface's loss that the air above it takes.
    """
    points = [
        (kw * surface_m2 * hood + walls_w_k * 1e-3 * (t - room_c), kg_s * surface_m2 * hood)
        for t, (kw, kg_s) in enumerate(_surface(room_c, humidity_pct))
    ]
    per_kg = dt_s / CP_KJ_KG_K
    rows: list[LossRow] = []
    for t, ((heat, vapour), (hotter, more)) in enumerate(pairwise(points)):
        share = (vapour + more) / (heat + hotter) * CP_KJ_KG_K if vapour > 0.0 else 0.0
        rows.append(((heat - (hotter - heat) * t) * per_kg, (hotter - heat) * per_kg, share))
    walls = walls_w_k * 1e-3 * per_kg
    return (*rows, *[(-walls * room_c, walls, 0.0)] * _BELOW)


@dataclass(eq=False, slots=True)
class Plan:
    """The constants of one machine at one step length."""

    params: WasherParams
    dt_s: float
    full_kg: Eight
    dry_kg: Eight
    reached: Eight  # how far glass goes towards the liquid in a step
    settled: Eight  # what is left at the end of a step of a deviation that came evenly during it
    film_kg: Eight  # that a bottle takes along out of each zone
    surface_m2: Eight
    bottle_kg: float  # of water that holds the heat of a bottle
    per_kw: float  # kg K that a kW gives in a step
    balance_s: float
    hot: Eight  # 1 where the heater reaches the liquid, 0 in a dry tank
    recovery: float  # of Z4's weir, what goes to Z1
    weir: float  # share of what stands above a weir that runs off in a step
    rated_pockets_min: float
    transit_h: float  # of a bottle at the rated speed
    probe: float  # how far a sensor goes towards the truth in a step
    conductivity: float
    ph: float
    fan: float
    torque: float
    jam: float
    carbonated: float  # share of the free NaOH in a step
    water: Water  # of the mains
    rinse: tuple[RinseRow, ...]  # conductivity (mS/cm at 25 °C) and pH against NaOH in mg/L
    _outlets: dict[float, Eight] = field(default_factory=dict)
    _losses: dict[tuple[int, int], tuple[LossTable, ...]] = field(default_factory=dict)
    _dried: dict[tuple[bool, ...], Plan] = field(default_factory=dict)

    def outlets(self, speed_pockets_min: float) -> Eight:
        """Return, by zone, the deviation of a bottle that leaves over the mean of those inside (`thermal`)."""
        known = self._outlets.get(speed_pockets_min)
        if known is None:
            if len(self._outlets) > 256:  # a ramp passes each speed once
                self._outlets.clear()
            slower = self.rated_pockets_min / speed_pockets_min if speed_pockets_min > 0.0 else 1e9
            known = eight(
                [
                    _outlet(zone.dwell_s * slower / zone.tau_glass_s) if reached > 0.0 else 1.0
                    for zone, reached in zip(self.params.zones, self.reached, strict=True)
                ]
            )
            self._outlets[speed_pockets_min] = known
        return known

    def losses(self, room_c: float, hood: float) -> tuple[LossTable, ...]:
        """Return what hood and walls take of each zone in a step.

        By rows of 1 °C, for a room to the nearest half degree and a share `hood` of the vapour to the nearest percent.
        """
        where = (int(2.0 * room_c + 0.5), int(100.0 * hood + 0.5))
        known = self._losses.get(where)
        if known is None:
            if len(self._losses) >= _TABLES_KEPT:
                self._losses.clear()
            near_c, share, humidity_pct = where[0] * 0.5, where[1] * 1e-2, self.params.humidity_pct
            known = self._losses[where] = tuple(
                loss_table(m2, zone.walls_w_k, near_c, humidity_pct, share, self.dt_s)
                for m2, zone in zip(self.surface_m2, self.params.zones, strict=True)
            )
        return known

    def dried(self, water_kg: Eight) -> Plan:
        """Return the plan for a washer with empty tanks: no jets on the bottles there, no film, vapour or heat."""
        dry = tuple(kg < least for kg, least in zip(water_kg, self.dry_kg, strict=True))
        known = self._dried.get(dry)
        if known is None:
            known = self._dried[dry] = replace(
                self,
                reached=_where(dry, 0.0, self.reached),
                settled=_where(dry, 1.0, self.settled),
                _outlets={},
                film_kg=_where(dry, 0.0, self.film_kg),
                surface_m2=_where(dry, 0.0, self.surface_m2),
                hot=_where(dry, 0.0, self.hot),
                _losses={},
            )
        return known


def _outlet(dwells: float) -> float:
    """Return d e^-d / (1 - e^-d) for a stay of `dwells` time constants of the glass."""
    return dwells / expm1(dwells) if dwells < 700.0 else 0.0  # e^709 is the largest float


def _where(dry: tuple[bool, ...], value: float, otherwise: Eight) -> Eight:
    return eight([value if is_dry else usual for is_dry, usual in zip(dry, otherwise, strict=True)])


def plan_of(params: WasherParams, dt_s: float) -> Plan:
    """Return the plan of a machine at this step length, computed once for each.

    Raises:
        ValueError: not eight zones, or a step that is not above 0 s.
    """
    plan = params.plans.get(dt_s)
    if plan is None:
        if len(params.plans) >= _PLANS_KEPT:
            params.plans.clear()
        plan = params.plans[dt_s] = _laid(params, dt_s)
    return cast("Plan", plan)


def _laid(params: WasherParams, dt_s: float) -> Plan:
    zones = params.zones
    if len(zones) != ZONES or not dt_s > 0.0:
        msg = f"a washer has {ZONES} zones and a step is above 0 s, not {len(zones)} and {dt_s}"
        raise ValueError(msg)

    def follow(lag_s: float) -> float:
        return -expm1(-dt_s / lag_s)

    water = Water(params.alkalinity_meq_l, params.mains_ph)
    return Plan(
        params=params,
        dt_s=dt_s,
        full_kg=eight([zone.volume_l * KG_PER_L for zone in zones]),
        dry_kg=eight([zone.volume_l * KG_PER_L * _DRY for zone in zones]),
        reached=eight([follow(zone.tau_glass_s) for zone in zones]),
        settled=eight([follow(zone.tau_glass_s) * zone.tau_glass_s / dt_s for zone in zones]),
        film_kg=eight([params.film_ml * 1e-3 * KG_PER_L] * ZONES),
        surface_m2=eight([zone.surface_m2 for zone in zones]),
        bottle_kg=params.bottle_kj_k / CP_KJ_KG_K,
        per_kw=dt_s / CP_KJ_KG_K,
        balance_s=params.balance_s - 1e-6,
        hot=ONES,
        recovery=params.heat_recovery,
        weir=follow(params.weir_s),
        rated_pockets_min=params.rated_b_h / _MIN_PER_H,
        transit_h=sum(zone.dwell_s for zone in zones) / _S_PER_H,
        probe=follow(params.probe_s),
        conductivity=follow(params.conductivity_s),
        ph=follow(params.ph_s),
        fan=follow(params.fan_s),
        torque=follow(params.torque_s),
        jam=exp(-dt_s / params.jam_s),
        carbonated=-log1p(-params.carbonation_pct_week * 1e-2) * dt_s / _WEEK_S,
        water=water,
        rinse=_rinse_rows(water),
    )


@lru_cache(maxsize=16)
def _rinse_rows(water: Water) -> tuple[RinseRow, ...]:
    mains_ms_cm = _MAINS_MS_CM + _MAINS_PER_MEQ_MS_CM * water.alkalinity_meq_l
    rows: list[RinseRow] = []
    for k in range(round(RINSE_TOP_MG_L) * RINSE_ROWS_PER_MG):
        low, high = k / RINSE_ROWS_PER_MG, (k + 1) / RINSE_ROWS_PER_MG
        us_cm, more_us_cm = water.adds_us_cm(low), water.adds_us_cm(high)
        ph, higher = water.ph_with(low), water.ph_with(high)
        adds, rises = (more_us_cm - us_cm) * 1e-3 * RINSE_ROWS_PER_MG, (higher - ph) * RINSE_ROWS_PER_MG
        rows.append((mains_ms_cm + us_cm * 1e-3 - adds * low, adds, ph - rises * low, rises))
    return tuple(rows)

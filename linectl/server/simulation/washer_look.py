"""The simulated washer as it is, beside what its sensors show on the wires."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from linectl.server.simulation.twin_view import Quantity, ZoneView
from linectl.sim.washer.alarms import Alarm, Device
from linectl.sim.washer.readings import levels_pct, naoh_pct, pressures_bar, screen_mbar
from linectl.sim.washer.sensing import SENSORS
from linectl.sim.washer.states import State
from linectl.sim.washer.twin import WasherTwin

__all__ = ["washer_parts"]

# what lag and noise of a sound sensor explain
_PROBE_K = 1.5  # bottles and heaters move a bath while its probe lags 10 s
_NAOH_PCT = 0.2  # carbonate conducts as well: the estimate is high in an old bath
_LEVEL_PCT = 5.0  # shown by mass of water, expanded by heat
_PRESSURE_BAR = 0.3
_SEEN_NAOH = {2: 0, 3: 1}
_PH = 1.0
_FLOW_L_MIN = 1.5
_TORQUE_PCT = 8.0
_SCREEN_MBAR = 8.0
_FAN_M_S = 0.4
_SPEED_POCKETS_MIN = 2.0
_INFEED_K = 5.0  # one bottle is not the next


def washer_parts(twin: WasherTwin) -> dict[str, Any]:
    """Return what a view of the washer says of it."""
    plc, chain = twin.plc, twin.chain
    counts = chain.counts
    return {
        "plc_state": State(plc.state).name,
        "owner": plc.host.owner,
        "alarms": (*_names(Alarm, plc.alarms.word_1), *_names(Device, plc.alarms.word_2)),
        "warnings": _names(Alarm, plc.warn_word()),
        "refused": plc.refused,
        "zones": _zones(twin),
        "machine": _machine(twin),
        "counts": {
            "bottles_in": counts.fed,
            "bottles_out": counts.out,
            "rejected": counts.rejected,
            "broken": counts.broken,
            "in_queue": chain.waiting_bottles,
            "labels_passed": sum(each.false_accepts for each in chain.tallies.values()),
        },
        "carriers": chain.pockets / twin.params.row_bottles,
    }


def _names(words: type[IntFlag], bits: int) -> tuple[str, ...]:
    return tuple(str(bit.name).lower() for bit in words if bit & bits)


def _zones(twin: WasherTwin) -> tuple[ZoneView, ...]:
    strengths, levels = naoh_pct(twin.state), levels_pct(twin.state, twin.params)
    pressures = [*pressures_bar(twin.state, twin.did, twin.params)]
    pressures[-1] = _final_bar(twin)
    inside = twin.chain.occupancy()
    return tuple(
        ZoneView(
            name=f"z{k}",
            kind=zone.kind,
            level_pct=levels[k],
            quantities=_of_zone(twin, k, strengths[k], levels[k], pressures[k]),
            bottles=round(inside[k]),
            places=round(zone.dwell_s * twin.params.rated_b_h / 3600.0),
        )
        for k, zone in enumerate(twin.params.zones)
    )


def _final_bar(twin: WasherTwin) -> float:
    """Return the pressure of the final rinse, which has no pump: what the mains give at this flow."""
    params, flow = twin.params, twin.did.fresh_l_min / twin.params.fresh_l_min
    return min(params.mains_bar, params.zones[-1].pressure_bar * flow * flow)


def _of_zone(twin: WasherTwin, k: int, strength_pct: float, level: float, bar: float) -> tuple[Quantity, ...]:
    plc, state, zone = twin.plc, twin.state, twin.params.zones[k]
    asked = plc.setpoints
    found = [_told(twin, f"z{k}.temperature", "°C", state.temperature_c[k], _PROBE_K, asked.temperature_c[k])]
    if k in _SEEN_NAOH:
        place = _SEEN_NAOH[k]
        told = None if plc.seen is None else plc.seen.naoh_pct[place]
        found.append(Quantity("naoh", "%", strength_pct, told, True, asked.naoh_pct[place], _NAOH_PCT, 2))
    elif zone.kind == "final":
        found.append(_told(twin, f"z{k}.ph", "pH", state.ph_final, _PH))
    elif k:
        found.append(Quantity("naoh", "%", strength_pct, digits=2))
    found.append(_told(twin, f"z{k}.level", "%", level, _LEVEL_PCT))
    if zone.pressure_bar:
        found.append(_told(twin, f"z{k}.pressure", "bar", bar, _PRESSURE_BAR))
    if zone.heater_kw:
        found.append(Quantity("heater", "kW", twin.did.heater_kw[k]))
    return tuple(found)


def _machine(twin: WasherTwin) -> tuple[Quantity, ...]:
    state, did, seen = twin.state, twin.did, twin.plc.seen
    speed = None if seen is None else seen.speed_pockets_min
    return (
        Quantity("chain", "b/min", state.speed_pockets_min, speed, True, tolerance=_SPEED_POCKETS_MIN),
        _told(twin, "chain.torque", "%", state.torque_pct, _TORQUE_PCT, digits=0),
        _told(twin, "fresh.flow", "L/min", did.fresh_l_min, _FLOW_L_MIN),
        _told(twin, "screen.dp", "mbar", screen_mbar(state, did, twin.params), _SCREEN_MBAR, digits=0),
        _told(twin, "extraction.speed", "m/s", state.extraction_m_s, _FAN_M_S),
        _told(twin, "infeed.temperature", "°C", twin.chain.inlet_c, _INFEED_K),
    )


def _told(
    twin: WasherTwin, sensor: str, unit: str, true: float, tolerance: float, setpoint: float = 0.0, digits: int = 1
) -> Quantity:
    """Return a quantity of the washer with what its sensor shows, if it has one."""
    zone, _, kind = sensor.partition(".")
    name = kind if zone[1:].isdigit() else _MACHINE[sensor]
    told = twin.shown(sensor) if sensor in SENSORS else None
    return Quantity(name, unit, true, told, sensor in SENSORS, setpoint or None, tolerance, digits)


_MACHINE = {
    "chain.torque": "torque",
    "fresh.flow": "fresh_water",
    "screen.dp": "screen",
    "extraction.speed": "extraction",
    "infeed.temperature": "infeed",
}

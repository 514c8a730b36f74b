"""What the washer's drives do of what the PLC orders: defects, and contacts that are wired to the drives themselves.

A drive that does nothing when it should, or something when it should not, is told by its limit switch or auxiliary
contact (`untrue`, bits of alarm word 2); one that does too little is not: that shows in the process alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from linectl.sim.defects import Defects
from linectl.sim.washer.alarms import Device
from linectl.sim.washer.plan import eight
from linectl.sim.washer.plc import Orders
from linectl.sim.washer.seen import Contact
from linectl.sim.washer.state import NONE, Eight

__all__ = ["DRIVES", "Did", "driven"]

DRIVES: Mapping[str, str] = MappingProxyType(
    {
        **{f"heater.z{k}": "kW" for k in range(1, 7)},
        "dosing.z2": "g/min",
        "dosing.z3": "g/min",
        **{f"pump.z{k}": "share" for k in (0, 2, 3, 4, 5, 6, 7)},
        "valve.fresh": "L/min",
        "valve.fill": "L/min",
        "valve.drain": "L/min",
        "valve.recirculation": "share",
        "extraction": "share",
        "press": "share",
        "chain": "pockets/min",
        "contactor.chain": "share",
        "contactor.axial": "share",
        "contactor.jets": "share",
    }
)
"""The drives, by the names under which `Defects` hampers them, and the unit of what they are asked for.

A `chain` that does 0 when it is asked for more is jammed; a contactor that does 0 takes its motor off the mains.
"""

_AXIAL = 2
_DEAD = Contact.ESTOP | Contact.MAINS

Did = tuple[Orders, bool, int]
"""What the drives do, whether the chain is jammed, and `untrue`."""


def driven(orders: Orders, defects: Defects, contacts: int, process_s: float) -> Did:
    """Return what the drives do of their `orders` at `process_s`."""
    if not (contacts or defects.drives):
        return orders, False, 0
    did, jammed, untrue = (orders, False, 0) if not defects.drives else _hampered(orders, defects, process_s)
    return (_wired(did, contacts) if contacts else did), jammed, untrue


def _wired(orders: Orders, contacts: int) -> Orders:
    """Cut off what safety contacts, motor protection and the steam main cut off."""
    if contacts & _DEAD:
        return Orders()
    if contacts & Contact.DOORS:
        orders = orders._replace(speed_pockets_min=0.0, pump=NONE, dose_g_min=NONE)
    if contacts & (Contact.SHEAR_PIN | Contact.CLUTCH | Contact.CHAIN_THERMAL):
        orders = orders._replace(speed_pockets_min=0.0)
    if contacts & Contact.STEAM:
        orders = orders._replace(heater_kw=NONE)
    if contacts & Contact.PRESS:
        orders = orders._replace(press=0.0)
    return orders._replace(
        pump=_off(orders.pump, axial=contacts & Contact.AXIAL_THERMAL, jets=contacts & Contact.JETS_THERMAL)
    )


def _off(pump: Eight, *, axial: int, jets: int) -> Eight:
    if not (axial or jets):
        return pump
    return eight([0.0 if (axial if zone == _AXIAL else jets) else share for zone, share in enumerate(pump)])


def _hampered(orders: Orders, defects: Defects, process_s: float) -> Did:
    broken = defects.drives

    def does(name: str, asked: float) -> float:
        return defects.done(name, asked, process_s) if name in broken else asked

    def each(name: str, asked: Eight) -> Eight:
        return eight([does(f"{name}.z{zone}", share) for zone, share in enumerate(asked)])

    def valve(name: str, asked: Eight) -> Eight:
        return eight([does(name, l_min) for l_min in asked]) if name in broken and asked is not NONE else asked

    speed, fresh = does("chain", orders.speed_pockets_min), does("valve.fresh", orders.fresh_l_min)
    dose, drain = each("dosing", orders.dose_g_min), valve("valve.drain", orders.drain_l_min)
    pump = each("pump", orders.pump)
    untrue = _differs(orders.fresh_l_min, fresh, Device.VALVE_FRESH)
    for zone in range(len(dose)):
        untrue |= _differs(orders.dose_g_min[zone], dose[zone], Device.VALVE_DOSE)
        untrue |= _differs(orders.drain_l_min[zone], drain[zone], Device.VALVE_DRAIN)
    pump, closed = _contactors(orders, pump, does)
    open_chain = orders.speed_pockets_min > 0.0 and not does("contactor.chain", 1.0)
    if open_chain:
        closed |= Device.CONTACTOR_CHAIN
    did = orders._replace(
        heater_kw=each("heater", orders.heater_kw),
        dose_g_min=dose,
        drain_l_min=drain,
        pump=pump,
        fresh_l_min=fresh,
        fill_l_min=valve("valve.fill", orders.fill_l_min),
        speed_pockets_min=0.0 if open_chain else speed or orders.speed_pockets_min,
        extraction=does("extraction", orders.extraction),
        press=does("press", orders.press),
    )
    return did, speed == 0.0 < orders.speed_pockets_min, untrue | closed


def _contactors(orders: Orders, pump: Eight, does: Callable[[str, float], float]) -> tuple[Eight, int]:
    """Return what the pumps do behind their contactors and the recirculation valve, and the bits of what is open."""
    if not any(orders.pump):
        return pump, 0
    axial, jets = does("contactor.axial", 1.0), does("contactor.jets", 1.0)
    passes = does("valve.recirculation", 1.0)
    untrue = 0 if axial else Device.CONTACTOR_AXIAL
    untrue |= 0 if jets else Device.CONTACTOR_JETS
    untrue |= 0 if passes else Device.VALVE_RECIRCULATION
    pump = _off(pump, axial=not axial, jets=not jets)
    return eight([share * passes if zone == _AXIAL else share for zone, share in enumerate(pump)]), int(untrue)


def _differs(asked: float, done: float, bit: Device) -> int:
    return int(bit) if (asked > 0.0) is not (done > 0.0) else 0

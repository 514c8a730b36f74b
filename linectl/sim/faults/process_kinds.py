"""Faults of the process: heaters, pumps, valves, the fan and the chain that do not do what they are told; bottles."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from linectl.sim.defects import DriveDefect
from linectl.sim.faults.acts import Act, Begin, Undo
from linectl.sim.faults.overlap import instead
from linectl.sim.faults.readings import defects_of
from linectl.sim.glue.labels import GLUES

__all__ = ["PROCESS_KINDS"]


def _drive(kind: str, make: Callable[[Act], DriveDefect]) -> Begin:
    """Return what hampers the drive `kind` of the zone that is struck."""
    return lambda act: defects_of(act.rig, act.target).hamper(f"{kind}.{act.target}", make(act))


def _always(value: float) -> DriveDefect:
    return lambda _asked, _process_s: value


def _share(share: float) -> DriveDefect:
    return lambda asked, _process_s: share * asked


def _rated_kw(act: Act) -> float:
    if act.target == "bath":
        return act.rig.plant.params.heater_kw
    return act.rig.washer.params.zones[int(act.target[1:])].heater_kw


def _rated_dose(act: Act) -> float:
    return act.rig.plant.params.dose_g_min if act.target == "bath" else act.rig.washer.params.dose_g_min


def _valve(act: Act) -> Undo:
    if act.target.startswith("bath."):
        params, machine = act.rig.plant.params, act.rig.twin.defects
        full = params.fill_l_min if act.target == "bath.fill" else params.drain_l_min
    else:
        machine = act.rig.washer.defects
        full = act.rig.washer.params.fresh_l_min if act.target == "fresh" else 1.0  # a share of what comes
    return machine.hamper(f"valve.{act.target.removeprefix('bath.')}", _always(act.values["at"] * full))


def _clogged(act: Act) -> Undo:
    """Put wet fibres on the screen; they are taken off again in the end, as far as they are still there."""
    washer, added_kg = act.rig.washer, act.values["fibre_kg"]
    washer.state = washer.state._replace(screen_kg=washer.state.screen_kg + added_kg)

    def end() -> None:
        washer.state = washer.state._replace(screen_kg=max(0.0, washer.state.screen_kg - added_kg))

    return end


def _cold(act: Act) -> Undo:
    chain, by_k = act.rig.washer.chain, act.values["by_k"]
    chain.inlet_offset_k -= by_k

    def end() -> None:
        chain.inlet_offset_k += by_k

    return end


def _wrong_glue(act: Act) -> Undo:
    return instead(act.rig.washer.chain, "glue_instead", GLUES[round(act.values["glue"])])


PROCESS_KINDS: Mapping[str, Begin] = {
    "heater_failed_on": _drive("heater", lambda act: _always(_rated_kw(act))),
    "heater_failed_off": _drive("heater", lambda _act: _always(0.0)),
    "heater_weak": _drive("heater", lambda act: _share(act.values["power"])),
    "pump_failed": _drive("pump", lambda _act: _always(0.0)),
    "dosing_failed": _drive("dosing", lambda act: _share(act.values["flow"])),
    "dosing_stuck_on": _drive("dosing", lambda act: _always(_rated_dose(act))),
    "valve_stuck": _valve,
    "contactor_open": lambda act: act.rig.washer.defects.hamper(f"contactor.{act.target}", _always(0.0)),
    "extraction_failed": lambda act: act.rig.washer.defects.hamper("extraction", _share(act.values["flow"])),
    "chain_jam": lambda act: act.rig.washer.defects.hamper("chain", _always(0.0)),
    "screen_clogged": _clogged,
    "cold_bottles": _cold,
    "wrong_glue_lot": _wrong_glue,
}

"""What the washer's PLC sees and what it is doing: all that its alarms and interlocks are functions of."""

from __future__ import annotations

from typing import NamedTuple

from linectl.sim.washer.state import Eight

__all__ = ["Contact", "Doing", "Five", "Seen", "Three", "Two"]

Two = tuple[float, float]
Three = tuple[float, float, float]
Five = tuple[float, float, float, float, float]


class Contact:
    """Bits of `Seen.open_contacts`: safety chains and limit switches, a bit set when the contact is open, thus bad."""

    ESTOP = 1 << 0
    DOORS = 1 << 1
    CLUTCH = 1 << 2
    SHEAR_PIN = 1 << 3
    STEAM = 1 << 4
    MAINS = 1 << 5
    OUTFEED = 1 << 6  # bottles cannot leave
    PRESS = 1 << 7
    CHAIN_THERMAL = 1 << 8
    AXIAL_THERMAL = 1 << 9
    JETS_THERMAL = 1 << 10


class Seen(NamedTuple):
    """One scan's input image, in what the sensors show; where one is broken (`broken`), its last good value."""

    temperature_c: Eight
    conductivity_ms_cm: tuple[float, float, float, float]  # Z2, Z3, Z4, final rinse
    naoh_pct: Two  # the PLC's own estimate of Z2, Z3
    ph_final: float
    pressure_bar: Five  # Z0, Z2, Z3, Z5, Z7
    level_pct: Three  # Z1, Z2, Z3
    fresh_l_min: float
    speed_pockets_min: float
    torque_pct: float
    screen_mbar: float
    extraction_m_s: float
    bottle_in_c: float
    pockets: float  # that have passed the infeed: a switch counts them
    bottles: Eight  # the PLC follows its pockets
    waiting: int  # bottles at the infeed
    open_contacts: int  # of Contact
    untrue: int  # bits of alarm word 2 whose device does not do what it is told
    broken: frozenset[str]  # names of sensors with a broken wire


class Doing(NamedTuple):
    """What the PLC asks for at present, and since when."""

    setpoint_c: Eight
    naoh_setpoint_pct: Two
    heating: bool
    dosing: bool
    pumping_s: float  # since when the pumps run, 0: they do not
    rinsing_s: float  # the same of the final rinse
    fan_s: float  # and of the extraction
    stand_s: float  # how long the chain stands with bottles in caustic
    max_step_k: float  # HR21
    min_z3_c: float  # HR22
    max_z3_c: float  # HR23
    armed: int  # bits of alarm word 1 whose quantity was in its band since it was asked for

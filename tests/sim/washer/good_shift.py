"""A washer in the middle of a good shift, as its PLC sees it."""

from __future__ import annotations

from linectl.sim.washer.seen import Seen

__all__ = ["FULL", "GOOD", "WARM"]

WARM = (34.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 15.0)
FULL = (25.0, 75.0, 150.0, 250.0, 37.0, 25.0, 25.0, 13.0)
GOOD = Seen(
    temperature_c=WARM,
    conductivity_ms_cm=(127.0, 151.0, 4.0, 0.42),
    naoh_pct=(1.5, 1.5),
    ph_final=7.4,
    pressure_bar=(1.5, 0.8, 2.0, 2.0, 2.5),
    level_pct=(100.0, 100.0, 100.0),
    fresh_l_min=15.0,
    speed_pockets_min=50.0,
    torque_pct=65.0,
    screen_mbar=3.0,
    extraction_m_s=3.5,
    bottle_in_c=15.0,
    pockets=5000.0,
    bottles=FULL,
    waiting=100,
    open_contacts=0,
    untrue=0,
    broken=frozenset(),
)

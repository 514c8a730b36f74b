"""The reference washer: 3,000 bottles per hour through eight zones, about 12 minutes from infeed to exit.

Published are the order of the baths and 10 to 15 min in all (Briggs, Brewing: science and practice), 3 to 10 min at
75 to 90 °C in 1.5 to 3 % NaOH (EP0019977), jets of 2.0 to 2.5 bar (maker's data), and about 2.7 L of liquid in the
machine per bottle an hour (from the weights of one empty and full). Every other figure is an engineering estimate.
"""

from __future__ import annotations

from linectl.sim.washer.state import WasherParams, ZoneParams

__all__ = ["FIBRE_G_BOTTLE", "SOIL_G_BOTTLE", "reference_machine"]

FIBRE_G_BOTTLE = 1.0
"""What the label of a bottle leaves on the band screen in g: 130 cm2 of paper of 80 g/m2 (estimate)."""
SOIL_G_BOTTLE = 0.6
"""NaOH in g that soil, glue and label of a bottle neutralise (estimate: with the drag-out 0.8 to 2 g in all)."""


def reference_machine() -> WasherParams:
    """Return the reference washer.

    Dwells add up to 725 s, tanks to 7.4 m3 and the final rinse's tray. Heaters are sized so that Z3 takes 1.85 h at
    100 kW from 15 to 80 °C; surfaces and walls lose 10 to 20 kW in all at the temperatures of the 80 °C recipe.
    """
    return WasherParams(
        zones=(
            ZoneParams("z0", "prerinse", 400.0, 30.0, 1.5, pressure_bar=1.5, surface_m2=0.2, walls_w_k=8.0),
            ZoneParams("z1", "presoak", 1000.0, 90.0, 1.0, heater_kw=40.0, surface_m2=0.4, walls_w_k=15.0),
            ZoneParams(
                "z2",
                "caustic",
                2000.0,
                180.0,
                1.5,
                heater_kw=80.0,
                dosed=True,
                pressure_bar=0.8,
                surface_m2=0.7,
                walls_w_k=25.0,
            ),
            ZoneParams(
                "z3",
                "caustic",
                2500.0,
                300.0,
                3.0,
                heater_kw=120.0,
                dosed=True,
                pressure_bar=2.0,
                surface_m2=0.8,
                walls_w_k=30.0,
            ),
            ZoneParams(
                "z4", "jets", 600.0, 45.0, 3.0, heater_kw=30.0, pressure_bar=2.0, surface_m2=0.3, walls_w_k=10.0
            ),
            ZoneParams(
                "z5", "rinse", 500.0, 30.0, 3.0, heater_kw=30.0, pressure_bar=2.0, surface_m2=0.2, walls_w_k=8.0
            ),
            ZoneParams(
                "z6", "rinse", 400.0, 30.0, 3.0, heater_kw=30.0, pressure_bar=2.0, surface_m2=0.2, walls_w_k=8.0
            ),
            ZoneParams("z7", "final", 50.0, 20.0, 3.0, pressure_bar=2.5, surface_m2=0.1, walls_w_k=3.0),
        )
    )

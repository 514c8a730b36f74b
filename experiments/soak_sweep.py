"""Sweep the soak temperature and count how many labels come off in five minutes.

python experiments/soak_sweep.py            or            linectl run experiments/soak_sweep.py --sim
"""

from __future__ import annotations

import linectl

TEMPERATURES_C = (50, 60, 70)


async def main() -> None:
    """Soak casein and PVOH labels at each temperature on the simulated rig."""
    async with linectl.open_line("simulated", seed=1) as bench:
        for temperature_c in TEMPERATURES_C:
            soak = await bench.soak(["casein", "pvoh"], temperature_c=temperature_c, naoh_pct=1.5, cap_s=300)
            bath = bench.line.reading("bath.temperature")
            print(f"{temperature_c} °C: {soak.released()} of {len(soak.bottles)} labels off, bath {bath.value} °C")


if __name__ == "__main__":
    linectl.run(main(), sim=True)

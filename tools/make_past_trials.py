"""Write the past trials of the tutorial and the notebook: a campaign of the simulator, always the same.

python tools/make_past_trials.py [FILE]     (else docs/notebook/past_trials.csv)
"""

from __future__ import annotations

import csv
import io
import math
import sys
from pathlib import Path

from linectl.model.experiments import Decision, Experiment, Soak
from linectl.sim.bath.campaign import simulate_campaign

ROOT = Path(__file__).resolve().parent.parent
SEED = 20260109
TITLES = ("bottle", "bath", "glue", "temperature_c", "naoh_pct", "lo_s", "hi_s")


def campaign_csv() -> str:
    """Return 12 baths of 20 bottles as CSV: casein and a wash-off PSA at 60, 70 and 80 °C in 1 and 2 % NaOH.

    A bath's temperature is the mean of its measured trace, to 0.1 °C; an empty `hi_s` is a label still on at the end.
    """
    experiment = Experiment(
        name="past_trials",
        question="",
        temperatures_c=(60.0, 70.0, 80.0),
        naoh_pct=(1.0, 2.0),
        glues=("casein", "psa"),
        replicates=2,
        bottles_per_glue=10,
        seed=SEED,
        soak=Soak(1200.0, 30.0),
        decision=Decision(0.99, 0.95, 900.0, (80.0,), (2.0,)),
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TITLES)
    for number, bath in enumerate(simulate_campaign(experiment, SEED).baths, start=1):
        mean_c = sum(bath.trace_c) / len(bath.trace_c)
        for bottle in bath.bottles:
            label = f"B{number:02d}-{bottle.position:02d}"
            hi_s = "" if math.isinf(bottle.hi_s) else f"{bottle.hi_s:g}"
            writer.writerow(
                (label, number, bottle.glue, f"{mean_c:.1f}", f"{bath.naoh_pct:g}", f"{bottle.lo_s:g}", hi_s)
            )
    return out.getvalue()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "notebook" / "past_trials.csv"
    target.write_text(campaign_csv(), encoding="utf-8")
    print(target)

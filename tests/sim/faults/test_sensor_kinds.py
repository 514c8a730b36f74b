"""What sensors with a fault show, in figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from linectl.laws.naoh import conductivity_ms_cm, naoh_pct
from linectl.sim.defects import Defects
from linectl.sim.faults.sensor_kinds import SENSOR_KINDS


@dataclass
class At:
    """A fault's act on a bath that is nothing but a temperature."""

    celsius: float
    values: Mapping[str, float] = field(default_factory=dict)
    target: str = "bath.conductivity"
    process_s: float = 100.0
    number: int = 1
    struck: Any = lambda: None

    def __post_init__(self) -> None:
        state = SimpleNamespace(temperature_c=self.celsius)
        self.defects = Defects()
        twin = SimpleNamespace(
            seed=1,
            defects=self.defects,
            plant=SimpleNamespace(state=state),
            temperature_c=lambda: self.celsius,
            conductivity_us_cm=lambda: 1e3 * conductivity_ms_cm(2.0, self.celsius),
        )
        self.rig: Any = SimpleNamespace(twin=twin)

    def shows(self, kind: str, true: float, process_s: float) -> float | None:
        end = SENSOR_KINDS[kind](self)  # type: ignore[arg-type]  # all that it asks for
        shown = self.defects.shown(self.target, true, process_s)
        end()
        assert not self.defects
        return shown


@pytest.mark.parametrize(
    ("celsius", "per_k", "reads_pct"),
    [(60.0, 2.0, 1.860), (70.0, 2.0, 1.834), (80.0, 2.0, 1.810), (60.0, 1.9, 1.903), (80.0, 1.7, 1.980)],
)
def test_a_straight_line_to_25_degrees_reads_too_little_caustic(celsius: float, per_k: float, reads_pct: float) -> None:
    """2 % of NaOH as a meter gives it that compensates by a straight line; the law, inverted at 25 °C."""
    shown = At(celsius, {"per_k": per_k, "to_c": 25.0}).shows(
        "wrong_compensation", conductivity_ms_cm(2.0, celsius), 100.0
    )
    assert shown is not None
    assert naoh_pct(shown, 25.0) == pytest.approx(reads_pct, abs=0.003)


def test_figures_of_the_others() -> None:
    probe = "bath.temperature"
    assert At(60.0, target=probe).shows("sensor_stuck", 75.0, 900.0) == 60.0
    assert At(60.0, {"per_h": 3.6}, probe).shows("sensor_drift", 60.0, 600.0) == pytest.approx(60.5)
    assert At(60.0, {"by": -2.0}, probe).shows("sensor_offset", 60.0, 600.0) == 58.0
    assert At(60.0, target=probe).shows("sensor_dead", 60.0, 600.0) is None
    air = At(60.0, {"air_c": 20.0, "lag_s": 60.0}, probe)
    assert air.shows("probe_out_of_bath", 60.0, 100.0) == 60.0
    assert air.shows("probe_out_of_bath", 60.0, 160.0) == pytest.approx(20.0 + 40.0 / 2.71828, abs=0.01)

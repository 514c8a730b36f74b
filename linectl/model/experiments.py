"""An experiment as data: what is asked, what is varied, how the soak is run, what decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Decision", "Experiment", "FaultPolicy", "Glass", "Observation", "Soak", "Stabilisation"]


class Observation(StrEnum):
    """Who looks at the labels at each check."""

    CAMERA = "camera"
    OPERATOR = "operator"


class FaultPolicy(StrEnum):
    """What a run does when a sensor it needs dies in a soak."""

    CONTINUE = "continue"  # the bath is flagged, the soak goes on
    ABORT = "abort"


@dataclass(frozen=True, slots=True)
class Soak:
    """How long a bottle soaks at most (`cap_s`) and how often it is looked at (`check_s`), in s."""

    cap_s: float
    check_s: float


@dataclass(frozen=True, slots=True)
class Stabilisation:
    """The bath counts as stable when it was within ± `band_c` (K) for `hold_s`, which must come within `within_s`."""

    band_c: float = 0.5
    hold_s: float = 60.0
    within_s: float = 7200.0


@dataclass(frozen=True, slots=True)
class Glass:
    """The first-order lag (s) between bath and glue line, and the bottle's temperature (°C) as it goes in."""

    tau_glass_s: float = 15.0
    bottle_in_c: float = 20.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What is asked: at which temperatures (°C) and NaOH (%) do `removal` of labels come off within `soak_s`?"""

    removal: float
    confidence: float
    soak_s: float
    temperatures_c: tuple[float, ...]
    naoh_pct: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Experiment:
    """A screening: baths at every temperature x NaOH, `replicates` times, in an order drawn from `seed`.

    Every bath holds `bottles_per_glue` bottles of each glue at positions drawn from the same seed. `simulate_as`
    gives the simulator's glue class for a glue it does not know by name.
    """

    name: str
    question: str
    temperatures_c: tuple[float, ...]
    naoh_pct: tuple[float, ...]
    glues: tuple[str, ...]
    replicates: int
    bottles_per_glue: int
    seed: int
    soak: Soak
    decision: Decision
    randomised: bool = True
    stabilisation: Stabilisation = Stabilisation()
    glass: Glass = Glass()
    observation: Observation = Observation.CAMERA
    on_sensor_fault: FaultPolicy = FaultPolicy.CONTINUE
    stirrer_pct: float = 50.0
    line: str = ""
    zone: str = "bath"
    simulate_as: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    source: str = ""
    file_hash: str = ""

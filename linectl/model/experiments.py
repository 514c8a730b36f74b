"""An experiment as data: what is asked, what is varied, how the soak is run, what decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import prod

__all__ = [
    "BOTTLE_FACTORS",
    "EXTRAPOLATION_K",
    "FAULTS",
    "PHASES",
    "Centre",
    "Covariate",
    "CrashPolicy",
    "CrashRule",
    "Decision",
    "Design",
    "DesignKind",
    "Experiment",
    "FaultPolicy",
    "Glass",
    "Observation",
    "PlannedTreatment",
    "Prior",
    "Question",
    "Soak",
    "Stabilisation",
]

PHASES = ("drain", "fill", "dose", "heat", "stabilise", "load", "soak", "unload")
"""What a bath goes through, in this order; `heat` is cooling where the bath must cool."""

FAULTS = ("temperature", "naoh", "camera", "level")
"""What may fail in a soak, as `Experiment.on_fault` names it."""

BOTTLE_FACTORS = ("paper", "finish", "age", "bottle", "lot")
"""What may be varied from bottle to bottle besides the glue."""

EXTRAPOLATION_K = 5.0
"""How far (K) outside the tested temperatures a question may lie: with a warning so far, refused beyond."""


class Observation(StrEnum):
    """Who looks at the labels at each check."""

    CAMERA = "camera"
    OPERATOR = "operator"


class FaultPolicy(StrEnum):
    """What a run does when something that it needs fails in a soak."""

    CONTINUE = "continue"  # the bath is flagged, the soak goes on
    HOLD = "hold"  # the bath is flagged, the run waits for a person
    ABORT = "abort"


class CrashPolicy(StrEnum):
    """What becomes of a phase in which the program died, when the run is taken up again."""

    CONTINUE = "continue"  # at the journalled elapsed time, never with a new full timer
    REDO = "redo"  # from zero; the first attempt stays in the data
    ABORT = "abort"  # the run is closed as failed; the bath counts as aborted
    ASK = "ask"  # a person sees gap, temperature and what each choice loses


class DesignKind(StrEnum):
    """How the baths of an experiment are chosen from its levels."""

    FACTORIAL = "factorial"  # every combination, `replicates` times
    FRACTIONAL = "fractional"  # one part in `fraction` of the combinations
    C_OPTIMAL = "c_optimal"  # weights that make the wanted quantile as precise as can be
    COMPROMISE = "compromise"  # `share` of the baths c-optimal, the rest factorial: spare levels show lack of fit
    TABLE = "table"  # the user's own list


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
class Prior:
    """What is guessed of a glue before its first bath, to plan by.

    The median (s) at 60 °C in 1.5 % NaOH, the activation energy, the order in NaOH (rate ~ (c + 0.1)^n), the spread
    sigma of ln t, and the standard deviation of ln t between baths.
    """

    t50_60_s: float = 240.0
    energy_kj_mol: float = 45.0
    caustic_order: float = 0.3
    sigma: float = 0.35
    bath_sd: float = 0.15


@dataclass(frozen=True, slots=True)
class PlannedTreatment:
    """One line of the user's own table: a bath's temperature (°C), NaOH (%) and stirrer (%; None: the default)."""

    temperature_c: float
    naoh_pct: float
    agitation_pct: float | None = None


@dataclass(frozen=True, slots=True)
class Centre:
    """A treatment repeated at the start, in the middle and at the end, `baths` times in all: drift shows there."""

    treatment: PlannedTreatment
    baths: int = 3


@dataclass(frozen=True, slots=True)
class Design:
    """How the baths are chosen.

    `baths` (optimal kinds) counts without the centre baths; `target_c` and `target_naoh_pct` name the point at which
    the wanted quantile (`Decision.removal`) is to be precise; None: the decision's middle.
    """

    kind: DesignKind = DesignKind.FACTORIAL
    baths: int | None = None
    fraction: int = 2
    share: float = 0.8
    target_c: float | None = None
    target_naoh_pct: float | None = None
    prior: Prior = Prior()
    table: tuple[PlannedTreatment, ...] = ()
    centre: Centre | None = None


@dataclass(frozen=True, slots=True)
class Covariate:
    """Something measured and not set: asked of a person once a run, bath or bottle (`per`), kept with the data."""

    name: str
    per: str  # run | bath | bottle
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the experiment's own: asked as phase `at` begins. `kind` is a `PromptKind`; `text` by language.

    `default` is taken after `timeout_s` without an answer (None: wait for ever).
    """

    id: str
    kind: str
    at: str
    text: Mapping[str, str]
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    timeout_s: float | None = None
    default: bool | float | str | None = None


@dataclass(frozen=True, slots=True)
class CrashRule:
    """What a phase does after a crash, and the longest gap (s) that `continue` bridges; beyond it, `ask`."""

    policy: CrashPolicy
    max_gap_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Experiment:
    """Baths at chosen temperature x NaOH x agitation, in an order drawn from `seed`; bottles of several glues in each.

    Every bath holds `bottles_per_glue` bottles of each variety (glue x the levels of `bottle_factors`) at positions
    drawn from the same seed; with `glues_per_bath` the glues take turns, the `reference` is in every bath. `blind`
    shows codes for glues until the last observation. `simulate_as` gives the simulator's glue class for a glue it
    does not know by name.
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
    agitation_pct: tuple[float, ...] = ()  # stirrer levels; empty: `stirrer_pct` in every bath
    bottle_factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # paper, finish, age, bottle
    design: Design = Design()
    reference: str = ""
    glues_per_bath: int | None = None
    blind: bool = False
    covariates: tuple[Covariate, ...] = ()
    questions: tuple[Question, ...] = ()
    makers: Mapping[str, str] = field(default_factory=dict)  # glue -> its label maker
    randomised: bool = True
    economical: bool = False  # an order that saves heating and refilling, as far as its randomisation allows
    stabilisation: Stabilisation = Stabilisation()
    glass: Glass = Glass()
    observation: Observation = Observation.CAMERA
    second_examiner_every: int = 0  # every n-th check is also asked of a second person; 0: never
    score_residue: bool = False  # at unloading, each bottle's mode (whole, torn, pulped) and residue are asked
    on_sensor_fault: FaultPolicy = FaultPolicy.CONTINUE  # for faults that `on_fault` does not name
    on_fault: Mapping[str, FaultPolicy] = field(default_factory=dict)  # temperature, naoh, camera, level
    longest_hold_s: float = 86_400.0  # a run that is held for longer ends as failed: nobody comes to resume it
    on_crash: Mapping[str, CrashRule] = field(default_factory=dict)  # phase -> rule; see `linectl.lab.resume`
    stirrer_pct: float = 50.0
    line: str = ""
    zone: str = "bath"
    confirmation: str = ""  # id of the registered confirmation that this run is part of
    simulate_as: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    source: str = ""
    file_hash: str = ""

    @property
    def bottles_per_bath(self) -> int:
        """How many bottles one bath holds: glues at a time x levels of the bottle factors x bottles of each."""
        glues = len(self.glues) if self.glues_per_bath is None else min(self.glues_per_bath, len(self.glues))
        return glues * prod(map(len, self.bottle_factors.values())) * self.bottles_per_glue

"""What the analysis of a screening ends in: per glue its fits, bounds and verdict. Plain data for faces and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from linectl.model.experiments import Decision, Glass

if TYPE_CHECKING:
    from linectl.lab.kinetics.data import ReleaseData
    from linectl.lab.kinetics.fit import ReleaseFit
    from linectl.lab.kinetics.goodness import Goodness

__all__ = [
    "Analysis",
    "BathSoak",
    "CellCurve",
    "CoolestPoint",
    "Estimate",
    "FitTest",
    "GlueResult",
    "GlueVerdict",
    "PointBound",
    "SensorDoubt",
    "Verdict",
    "VerdictWord",
    "Verdicts",
    "Warn",
]


class VerdictWord(StrEnum):
    """The answers, as machines read them. A screening's best is CANDIDATE; GO needs a registered confirmation."""

    GO = "go"
    CANDIDATE = "candidate"
    NO_GO = "no_go"
    MORE_BOTTLES = "more_bottles"
    SUSPENDED = "suspended"  # a GO that the line has disproved


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its bounds in `unit`; None with a `reason` (machine word) where there is none, never a number.

    `population` says whose quantile it is: "conditional" (a typical bath) or "marginal" (a bath drawn at random).
    `replicates` and `failed` count a bootstrap's. `terms` are the parts of the bound's distance on the log scale (or
    in `unit` for temperatures): sampling, temperature_calibration, naoh_calibration; each is printed by itself.
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    conf: float = 0.95
    method: str = ""
    unit: str = ""
    reason: str = ""
    extrapolated: bool = False
    population: str = ""
    replicates: int = 0
    failed: int = 0
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Warn:
    """A warning: a machine word (see `linectl.lab.kinetics.codes`) and what it concerns."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PointBound:
    """The time (s) in which the wanted share of labels is off at one asked point, per family, one-sided bounds.

    `by_family` decides: for a bath drawn at random, by bootstrap-t with the calibrations' terms. Beside it
    `conditional` is that of a typical bath, and `profile` the profile-likelihood bound of the fit without baths.
    """

    temperature_c: float
    naoh_pct: float
    by_family: Mapping[str, Estimate]
    conditional: Mapping[str, Estimate] = field(default_factory=dict)
    profile: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CoolestPoint:
    """The lowest temperature (°C) at which the wanted share is off within `within_s`, by its bound, per family."""

    naoh_pct: float
    within_s: float
    by_family: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class BathSoak:
    """A bath's whole soak as minutes at 60 °C, by the activation energy of each family's fit."""

    bath: str
    by_family: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class FitTest:
    """A likelihood-ratio test of a narrower fit against a wider one: `p` None with a `reason` where it was not made."""

    statistic: float | None
    df: int
    p: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SensorDoubt:
    """What calibrations say of an analysis' sensors: the largest standard uncertainty of the runs, None where unknown.

    `temperature_k` of the bath's probe (K), `naoh_pct` of the NaOH (% NaOH).
    """

    temperature_k: float | None = None
    naoh_pct: float | None = None


@dataclass(frozen=True, slots=True)
class CellCurve:
    """One cell (temperature, NaOH) of one glue: raw intervals (s from insertion) and the Turnbull estimate.

    `left`, `right`, `mass`: innermost intervals (left, right] in s and their probability; `hi` is inf for a label
    still on at the last check.
    """

    temperature_c: float
    naoh_pct: float
    n_bottles: int
    lo: tuple[float, ...]
    hi: tuple[float, ...]
    left: tuple[float, ...]
    right: tuple[float, ...]
    mass: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, the point (°C, %) and time bound (s) that decided, and the rule with its numbers in words.

    MORE BOTTLES says how many are needed (an estimate; None: out of reach or not to be told) and in a bath at which
    `where_c` and `where_naoh_pct` they tell most. `hinders`: machine words of what stands against a CANDIDATE.
    """

    word: VerdictWord
    reason: str  # machine word: passes | beyond_cap | nothing_released | open | not_fitted
    temperature_c: float | None = None
    naoh_pct: float | None = None
    bound_s: float | None = None
    soak_s: float | None = None
    bottles_needed: int | None = None
    where_c: float | None = None
    where_naoh_pct: float | None = None
    hinders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GlueVerdict:
    """The verdict on one glue, by itself."""

    glue: str
    n_bottles: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts of an analysis, without the rest of it."""

    glues: tuple[GlueVerdict, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class GlueResult:
    """Everything found out about one glue, or one variety of it (`casein · varnish` where bottle factors were varied).

    `family` has the smallest criterion of `aic` (which knows loglogistic too) among those of `fits`. `tests` by name
    (bath_effect, plateau, curvature, sigma_by_temperature, lots) and family. Two-sided intervals: `robust_energy`
    (clusters: baths), `bath_sd` (standard deviation of ln t between baths), `agitation` (change of ln t from half to
    full stirring), `never_share` (share of labels that never comes off).
    """

    glue: str
    n_bottles: int
    n_left: int  # off at the first check
    n_interval: int
    n_right: int  # still on at the last check
    n_baths: int
    fits: Mapping[str, ReleaseFit]  # family -> fit on the trace through the glass lag; absent when not identifiable
    activation_energy: Mapping[str, Estimate]  # kJ/mol, family -> two-sided Wald interval
    activation_energy_no_lag: Mapping[str, Estimate]  # the negative control: bath temperature taken for the glass's
    caustic_order: Mapping[str, Estimate]
    points: tuple[PointBound, ...]
    cells: tuple[CellCurve, ...]
    verdict: Verdict
    warnings: tuple[Warn, ...] = ()
    family: str = ""
    aic: Mapping[str, float] = field(default_factory=dict)
    tests: Mapping[str, Mapping[str, FitTest]] = field(default_factory=dict)
    goodness: Mapping[str, Goodness] = field(default_factory=dict)
    robust_energy: Mapping[str, Estimate] = field(default_factory=dict)
    bath_sd: Mapping[str, Estimate] = field(default_factory=dict)
    agitation: Mapping[str, Estimate] = field(default_factory=dict)
    never_share: Mapping[str, Estimate] = field(default_factory=dict)
    coolest: tuple[CoolestPoint, ...] = ()
    soaks: tuple[BathSoak, ...] = ()


@dataclass(frozen=True, slots=True)
class Analysis:
    """The whole of a screening's analysis; `data_hash` is the SHA-256 of the rows it rests on."""

    runs: tuple[str, ...]
    experiment: str
    simulated: bool
    glues: tuple[GlueResult, ...]
    decision: Decision
    glass: Glass
    data: ReleaseData
    data_hash: str
    versions: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[Warn, ...] = ()
    doubt: SensorDoubt = SensorDoubt()
    seed: int = 0
    replicates: int = 0

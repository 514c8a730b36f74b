"""What a run leaves behind: the run, its trials, bottles, checks, events and acts. Times are ns UTC of its clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Act", "Bottle", "Check", "Event", "ExitStatus", "Run", "Treatment", "Trial", "TrialState"]


class ExitStatus(StrEnum):
    """How a run ended."""

    SUCCESS = "success"
    ABORT = "abort"
    FAIL = "fail"


class TrialState(StrEnum):
    """Where a trial (one bath of an experiment) stands."""

    PLANNED = "planned"
    RUNNING = "running"
    COMPLETE = "complete"
    FLAGGED = "flagged"  # complete, but with a fault of which the events tell
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Run:
    """One recorded execution of an experiment, or one import of past trials (`kind` "import").

    `definition` is the experiment's file as text; `exit_status` is None while the run is open (or was killed).
    """

    id: str
    kind: str
    ref: str
    line: str
    state: str
    operator: str
    started_ns: int
    config_hash: str
    simulated: bool
    definition: str
    version: str
    seed: int | None = None
    ended_ns: int | None = None
    exit_status: ExitStatus | None = None
    reason: str = ""
    calibration_hash: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a bath is set to: temperature in °C, NaOH in %, and stirrer in % where the experiment varies it."""

    temperature_c: float
    naoh_pct: float
    agitation_pct: float | None = None

    def __str__(self) -> str:
        """Return the treatment as machines and logs write it: `60 °C, 1.5 %` (, `stirrer 80 %`)."""
        stirrer = "" if self.agitation_pct is None else f", stirrer {self.agitation_pct:g} %"
        return f"{self.temperature_c:g} °C, {self.naoh_pct:g} %{stirrer}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One treatment applied once: one bath. `ord` counts from 1 in the order in which baths are run."""

    run: str
    ord: int
    treatment: Treatment
    replicate: int
    block: str = ""
    state: TrialState = TrialState.PLANNED
    started_ns: int | None = None
    ended_ns: int | None = None
    naoh_measured_pct: float | None = None  # mean over the soak, by conductivity; None when it could not be measured


@dataclass(frozen=True, slots=True)
class Bottle:
    """One label's observation; never a single release time.

    Last seen attached = inserted: off at the first check. First seen detached None: still on at the last check.
    """

    run: str
    trial: int  # Trial.ord
    label: str
    position: int
    glue: str
    inserted_ns: int
    last_attached_ns: int | None = None
    first_detached_ns: int | None = None
    mode: str = ""  # whole | torn | pulped, "" not scored
    residue_pct: float | None = None
    code: str = ""  # what a blind experiment shows for its glue
    factors: Mapping[str, str] = field(default_factory=dict)  # paper, finish, age, bottle, covariates


@dataclass(frozen=True, slots=True)
class Check:
    """One look at one bottle: planned when, done when (None: missed), seen attached or not (None: not seen), by whom.

    `examiner` is "" for the look that decides, else the name of a second person whose look is kept beside it.
    """

    run: str
    trial: int
    bottle: str
    planned_ns: int
    done_ns: int | None
    attached: bool | None
    examiner: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What a person or a program did or decided, for the audit trail: who, what, to what, old and new value, why.

    `action` is a machine word; `old` and `new` are values that JSON can hold (None: there is none, or it is unknown).
    """

    ts_ns: int
    actor: str
    action: str
    target: str
    old: object = None
    new: object = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: phases, setpoint writes, prompts answered, faults, gaps. `kind` is a machine word.

    `act` is what the event is in the audit trail; it is stored with the event, and does not come back with it.
    """

    ts_ns: int
    kind: str
    data: Mapping[str, object]
    run: str = ""
    act: Act | None = field(default=None, compare=False, repr=False)

"""Where a killed run stood, read back from its journal, and what becomes of it. Pure: no line, no clock, no file.

A run that is taken up keeps its id; its scans, checks and events go on in their order. Heat stays off until a person
arms it, whatever the policy says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from linectl.errors import Refused
from linectl.lab.design.baths import PlannedBath, PlannedBottle
from linectl.model.experiments import CrashPolicy, CrashRule
from linectl.model.records import Bottle, Check, Event, Run, Trial, TrialState
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = [
    "SAMPLE_PHASES",
    "CrashDecision",
    "Identity",
    "Present",
    "ResumePoint",
    "TakeUp",
    "again",
    "baths_of",
    "check_same",
    "decide",
    "replay",
    "rule_of",
    "work_of",
]

SAMPLE_PHASES = frozenset({"load", "soak", "unload"})
"""Phases with labels in the bath: they age unseen after a crash, so by default the bath is given up."""

_BY_DEFAULT = {phase: CrashRule(CrashPolicy.ABORT) for phase in SAMPLE_PHASES}
_PREPARING = CrashRule(CrashPolicy.REDO)
_DONE = frozenset({TrialState.COMPLETE, TrialState.FLAGGED, TrialState.ABORTED})
_CLOSED = "crash_closed"
_REPLACED = "trial_replaced"


@dataclass(frozen=True, slots=True)
class Identity:
    """Which controller was there: its boot counter and the version of its register map (None: not known)."""

    boot_counter: int | None = None
    schema_version: int | None = None

    def is_same(self, other: Identity) -> bool:
        """Tell whether both are known and alike; what nobody journalled is never the same."""
        return self.boot_counter is not None and self == other


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Where a run stood at its last moment that reached the disk (`last_ns`, ns UTC of its clock).

    `trial` is the bath under way (None between baths), `phase` what went on in it, `bottles` those in it as they were
    last seen, `left_out` those that a person left out, `skipped` those taken out of the observation (with the reason),
    both by label; `checked_ns` is the planned time of the last check. `origins` names for each replacement the bath of
    the design that it repeats (`Trial.ord`). `origin_ns` is the wall time at which the run's first clock started.
    `closed` is the bath given up when the run was closed after a crash (0: between baths; None: not closed).
    """

    run: Run
    trials: tuple[Trial, ...]
    last_ns: int
    trial: Trial | None = None
    phase: str = ""
    bottles: tuple[Bottle, ...] = ()
    left_out: frozenset[str] = frozenset()
    skipped: Mapping[str, str] = field(default_factory=dict)
    checked_ns: int | None = None
    temperature_c: float | None = None
    temperature_ns: int | None = None
    identity: Identity = Identity()
    origin_ns: int = 0
    origins: Mapping[int, int] = field(default_factory=dict)
    refilled: bool = False
    crashes: int = 0
    closed: int | None = None

    @property
    def has_samples(self) -> bool:
        """Whether labels were in the bath, or about to go in."""
        return self.trial is not None and self.phase in SAMPLE_PHASES

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions that hold a bottle."""
        return tuple(sorted(bottle.position for bottle in self.bottles))

    @property
    def done(self) -> tuple[int, int]:
        """How many baths went through their soak, and how many of them are flagged."""
        states = [trial.state for trial in self.trials]
        flagged = states.count(TrialState.FLAGGED)
        return states.count(TrialState.COMPLETE) + flagged, flagged

    @property
    def elapsed_s(self) -> Mapping[str, float]:
        """The soak of each bottle at the last moment on disk, s since it went in, by label."""
        return {bottle.label: (self.last_ns - bottle.inserted_ns) / NS_PER_S for bottle in self.bottles}

    def wall_ns(self, computer_ns: int) -> int:
        """Return the run's time (ns UTC) at the computer's time `computer_ns`.

        The clock of a run on an accelerated rig goes faster than the computer's, and the rig goes on while no run does.
        """
        return self.origin_ns + round((computer_ns - self.origin_ns) * self.run.speed)


@dataclass(frozen=True, slots=True)
class Present:
    """What is found when a run is to be taken up: the time (ns UTC of its clock), the bath (°C), the controller."""

    now_ns: int
    temperature_c: float | None
    identity: Identity


@dataclass(frozen=True, slots=True)
class CrashDecision:
    """What becomes of the phase; `why` holds machine words.

    rule, default: by the experiment's rule, or by none. Why `continue` became `ask`: gap_too_long, clock_set_back,
    temperature_out_of_band, temperature_unknown, controller_changed. between_baths: nothing was under way.
    """

    policy: CrashPolicy
    why: tuple[str, ...]
    gap_s: float
    max_gap_s: float


@dataclass(frozen=True, slots=True)
class TakeUp:
    """A run to be taken up: where it stood, what is found now, what was decided, and by whom.

    `policy` is `continue` or `redo`; `abort` goes on with a run that was closed after a crash, its bath given up.
    """

    point: ResumePoint
    now: Present
    policy: CrashPolicy
    who: str
    decision: CrashDecision

    @property
    def continues(self) -> bool:
        """Whether labels stay in the bath, and their soak goes on."""
        return self.policy is CrashPolicy.CONTINUE and self.point.has_samples

    def all_baths(self, design: Sequence[PlannedBath]) -> list[PlannedBath]:
        """Return the run's baths by order, and last the one that replaces a bath given up now.

        Raises:
            Refused: `design` is not the run's.
        """
        baths = baths_of(self.point, design)
        return baths + [bath for bath in work_of(self, baths) if bath.ord > len(baths)]

    def under_way(self, bath: PlannedBath) -> Trial | None:
        """Return the trial of `bath` when the program died in it and it goes on, None for every other bath."""
        trial = self.point.trial
        return trial if trial is not None and trial.ord == bath.ord and self.replaces is None else None

    @property
    def fresh_water(self) -> bool:
        """Whether the first bath must be drained and filled, because nobody knows what is in it."""
        if self.point.closed is not None:
            return True
        if self.point.trial is None or not self.point.phase:
            return not any(trial.state in _DONE for trial in self.point.trials)
        return self.point.refilled and self.point.phase in {"drain", "fill"}

    @property
    def replaces(self) -> int | None:
        """The bath (`Trial.ord`) that is given up and made again, None when there is none."""
        if self.point.closed is not None:
            return self.point.closed or None
        redone = self.policy is CrashPolicy.REDO and self.point.has_samples and self.point.trial is not None
        return self.point.trial.ord if redone and self.point.trial is not None else None


def replay(
    run: Run,
    trials: Sequence[Trial],
    bottles: Sequence[Bottle],
    checks: Sequence[Check],
    events: Sequence[Event],
    temperature: tuple[int, float] | None = None,
) -> ResumePoint:
    """Return where `run` stood, from its records in the order in which they were written.

    `bottles` are told as their checks last saw them; `temperature` is the last good one of the bath (ns, °C).
    """
    open_trials = [trial for trial in trials if trial.state is TrialState.RUNNING]
    trial = open_trials[-1] if open_trials else None
    taken_up = max((at for at, event in enumerate(events) if event.kind == "resumed"), default=-1)
    closings = [event for event in events[taken_up + 1 :] if event.kind == _CLOSED]
    closed = _whole(closings[-1].data.get("trial")) if closings else None
    order = trial.ord if trial is not None else closed
    mine = [event for event in events if trial is not None and event.data.get("trial") == trial.ord]
    phases = [str(event.data["phase"]) for event in mine if event.kind == "phase"]
    told = [event for event in events if event.kind in {"run_started", "phase", "resumed"}]
    started = next((event for event in events if event.kind == "run_started"), None)
    looked = [check.planned_ns for check in checks if trial is not None and check.trial == trial.ord]
    return ResumePoint(
        run=run,
        trials=tuple(trials),
        last_ns=run.ended_ns if run.ended_ns is not None else run.started_ns,
        trial=trial,
        phase=phases[-1] if phases else "",
        bottles=tuple(bottle for bottle in bottles if bottle.trial == order),
        left_out=frozenset(str(event.data.get("bottle")) for event in events if event.kind == "bottle_left_out"),
        skipped={str(e.data.get("bottle")): str(e.data.get("reason")) for e in mine if e.kind == "bottle_skipped"},
        checked_ns=max(looked, default=None),
        temperature_c=None if temperature is None else temperature[1],
        temperature_ns=None if temperature is None else temperature[0],
        identity=_last_identity(told),
        origin_ns=_origin(started, run),
        origins=_origins(events),
        refilled=any(event.kind == "refill" for event in mine),
        crashes=sum(event.kind == "crash" for event in events),
        closed=closed,
    )


def rule_of(phase: str, rules: Mapping[str, CrashRule]) -> CrashRule:
    """Return the rule of `phase`: the experiment's, else abort with labels in the bath and redo without."""
    return rules.get(phase) or _BY_DEFAULT.get(phase, _PREPARING)


def decide(point: ResumePoint, rules: Mapping[str, CrashRule], now: Present, *, band_c: float = 0.5) -> CrashDecision:
    """Return what becomes of the phase in which the program died.

    `continue` is only for a present that is as the journal left it: a short gap, the bath within ± `band_c` (K) of
    its treatment where labels are in it, the same controller without a restart. Otherwise a person is asked.
    """
    gap_s = (now.now_ns - point.last_ns) / NS_PER_S
    if point.trial is None or not point.phase:
        return CrashDecision(CrashPolicy.REDO, ("between_baths",), gap_s, 0.0)
    rule = rule_of(point.phase, rules)
    why = ("rule",) if point.phase in rules else ("default",)
    if rule.policy is not CrashPolicy.CONTINUE:
        return CrashDecision(rule.policy, why, gap_s, rule.max_gap_s)
    against = _against(point, rule, now, gap_s, band_c)
    policy = CrashPolicy.ASK if against else CrashPolicy.CONTINUE
    return CrashDecision(policy, (*why, *against), gap_s, rule.max_gap_s)


def check_same(run: Run, config_hash: str, calibration_hash: str) -> None:
    """See that line and calibration are those that the run was started with.

    Raises:
        Refused: one of them changed; the message names both of its hashes.
    """
    pairs = {
        tr("the line's file"): (run.config_hash, config_hash),
        tr("the calibration"): (run.calibration_hash, calibration_hash),
    }
    changed = [
        tr("{what} has changed since the run began (then {then}, now {now})").format(
            what=what, then=then[:12] or "-", now=now[:12] or "-"
        )
        for what, (then, now) in pairs.items()
        if then != now
    ]
    if changed:
        raise Refused(
            tr("run {run} is not taken up: {changes}").format(run=run.id, changes="; ".join(changed)),
            hint=tr("put the old file back, or close the run for good: linectl resume {run} --abandon").format(
                run=run.id
            ),
            code="E-RES-001",
        )


def baths_of(point: ResumePoint, design: Sequence[PlannedBath]) -> list[PlannedBath]:
    """Return the baths of a run by order: those of its experiment's `design`, then those appended after crashes.

    Raises:
        Refused: the design is not the one by which the run was started (another version of linectl draws it).
    """
    baths = {bath.ord: bath for bath in design}
    for trial in point.trials:
        if trial.ord not in baths and trial.ord in point.origins:
            baths[trial.ord] = again(baths[point.origins[trial.ord]], trial.ord)
    same = len(baths) == len(point.trials) and all(
        trial.ord in baths and baths[trial.ord].treatment == trial.treatment for trial in point.trials
    )
    if not same:
        raise Refused(
            tr("run {run} is not taken up: its experiment gives other baths now than when it began").format(
                run=point.run.id
            ),
            hint=tr("close it for good: linectl resume {run} --abandon").format(run=point.run.id),
            code="E-RES-002",
        )
    return [baths[trial.ord] for trial in point.trials]


def again(bath: PlannedBath, order: int) -> PlannedBath:
    """Return `bath` once more as number `order`: same treatment and positions, fresh bottles with labels of their own.

    Its block says which bath it stands for.
    """
    label = f"T{order:02d}-P"
    bottles: tuple[PlannedBottle, ...] = tuple(
        replace(bottle, label=f"{label}{bottle.position:02d}") for bottle in bath.bottles
    )
    return replace(bath, ord=order, block=f"{bath.block} again {bath.ord}".strip(), bottles=bottles)


def work_of(take_up: TakeUp, baths: Sequence[PlannedBath]) -> list[PlannedBath]:
    """Return what is left to do of `baths` (a run's, by order), a replacement of the given-up bath among them.

    The bath under way comes first; a bath that is redone is made again at once, while the water is hot; the one of a
    run that had been closed comes last. A replacement has the next free number.
    """
    point, given_up = take_up.point, take_up.replaces
    planned = {trial.ord for trial in point.trials if trial.state is TrialState.PLANNED}
    left = [bath for bath in baths if bath.ord in planned]
    if given_up is None:
        under_way = [bath for bath in baths if point.trial is not None and bath.ord == point.trial.ord]
        return under_way + left
    repeated = next(bath for bath in baths if bath.ord == given_up)
    new = again(repeated, max(bath.ord for bath in baths) + 1)
    return [*left, new] if point.closed is not None else [new, *left]


def _against(point: ResumePoint, rule: CrashRule, now: Present, gap_s: float, band_c: float) -> tuple[str, ...]:
    """Return what speaks against going on as if nothing had happened."""
    found: list[str] = []
    if gap_s > rule.max_gap_s:
        found.append("gap_too_long")
    if gap_s < 0:
        found.append("clock_set_back")
    if point.has_samples and point.trial is not None:
        if now.temperature_c is None:
            found.append("temperature_unknown")
        elif abs(now.temperature_c - point.trial.treatment.temperature_c) > band_c:
            found.append("temperature_out_of_band")
    if not point.identity.is_same(now.identity):
        found.append("controller_changed")
    return tuple(found)


def _last_identity(told: Sequence[Event]) -> Identity:
    for event in reversed(told):
        if "boot_counter" in event.data:
            return Identity(_whole(event.data["boot_counter"]), _whole(event.data.get("schema_version")))
    return Identity()


def _origin(started: Event | None, run: Run) -> int:
    told = None if started is None else _whole(started.data.get("clock_origin_ns"))
    return run.started_ns if told is None else told


def _origins(events: Sequence[Event]) -> dict[int, int]:
    """Return for each replacement the bath of the design that it repeats, through replacements of replacements."""
    found: dict[int, int] = {}
    for event in events:
        old, new = _whole(event.data.get("trial")), _whole(event.data.get("by"))
        if event.kind == _REPLACED and old is not None and new is not None:
            found[new] = found.get(old, old)
    return found


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None

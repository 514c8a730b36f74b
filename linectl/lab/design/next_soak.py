"""The next bath: from what is known of the glues, where it tells most of the wanted time, why, and what it will buy.

For every candidate bath k the variance of ln t_p after it is c'(V^-1 + I_k)^-1 c, with V the covariance of the fit and
I_k the expected information of the bath, its own effect integrated out. The bath with the smallest variance is
proposed, or the one that gains most per minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, inf, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from linectl.errors import Refused
from linectl.lab.design.changeover import BathState, Change, change
from linectl.lab.design.information import (
    Condition,
    Guess,
    Target,
    bath_information,
    bottle_information,
    check_times,
    share_off,
    soak_times,
    target_of,
)
from linectl.lab.design.optimal import c_optimal, quantile_variance
from linectl.lab.design.target import target_treatment
from linectl.lab.design.treatments import cells
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit
from linectl.lab.kinetics.likelihood import ENERGY_UNIT
from linectl.lab.plan_text import treatment_text
from linectl.model.experiments import EXTRAPOLATION_K, Experiment
from linectl.model.lines import Zone
from linectl.model.records import Treatment
from linectl.words import decimal, number, tr

__all__ = ["WITHIN", "NextSoak", "SoakLimits", "next_soak"]

Array = NDArray[np.float64]
WITHIN = 0.10  # the bound is to lie within 10 % of the estimate
_PILOT = 3  # temperatures: before that a fit's energy is no ground to plan by
_STEP_K = 1.0
_SOAK_SHARE = 0.995  # a bath is soaked until so many labels are off, or to the cap
_HANDLING_S = 15.0  # a bottle put in and taken out
_MOST_BATHS = 4096
_ROUGH_GAP = 0.01  # of the design that bottles still needed are reckoned by
_NEAR_K = 1.5
_SEEN = 0.95  # of the labels off within the cap: the tail is seen where it is asked for
_WORTH_SAYING = 0.1


@dataclass(frozen=True, slots=True)
class SoakLimits:
    """What the next bath may be, and what is asked of it.

    `stood` are the treatments of the baths so far, `bottles` those of each glue in a bath. `hottest_c` and
    `strongest_pct` are the line's limits; with `zone` and `before` (what is in the bath) the way there counts.
    """

    experiment: Experiment
    stood: tuple[Treatment, ...]
    hottest_c: float = inf
    strongest_pct: float = inf
    zone: Zone | None = None
    before: BathState | None = None

    @property
    def bottles(self) -> int:
        """Bottles of one glue in a bath."""
        glues = len(self.experiment.glues)
        if self.experiment.glues_per_bath is not None:
            glues = min(glues, self.experiment.glues_per_bath)
        return max(1, self.experiment.bottles_per_bath // glues)

    def candidates(self) -> list[Treatment]:
        """Return the baths that may be proposed: tested temperatures ± 5 K each kelvin, NaOH as tested or planned.

        Nothing beyond the line's limits, and no NaOH outside what was tested.
        """
        temperatures = [treatment.temperature_c for treatment in self.stood]
        naoh = [treatment.naoh_pct for treatment in self.stood]
        low, high = ceil(min(temperatures) - EXTRAPOLATION_K), max(temperatures) + EXTRAPOLATION_K
        grid = {low + k * _STEP_K for k in range(int((high - low) / _STEP_K) + 1)} | set(temperatures)
        levels = {level for level in self.experiment.naoh_pct if min(naoh) <= level <= max(naoh)} | set(naoh)
        near = [Treatment(temperature, level) for temperature in sorted(grid) for level in sorted(levels)]
        return [treatment for treatment in near if self.allows(treatment)]

    def allows(self, treatment: Treatment) -> bool:
        """Return whether the line's limits and, where its zone is given, its heating allow `treatment`."""
        if treatment.temperature_c > self.hottest_c or treatment.naoh_pct > self.strongest_pct:
            return False
        stable = self.experiment.stabilisation
        return self._way(treatment, lambda way: way.heat_s) + stable.hold_s <= stable.within_s

    def preparation_s(self, treatment: Treatment) -> float:
        """Return the seconds until the bath is at `treatment`; 0 where the zone is not given."""
        return self._way(treatment, lambda way: way.total_s)

    def _way(self, treatment: Treatment, seconds: Callable[[Change], float]) -> float:
        if self.zone is None:
            return 0.0
        return seconds(change(self.before, treatment, self.experiment, self.zone))


@dataclass(frozen=True, slots=True)
class NextSoak:
    """One proposed bath. `se_now`, `se_after`: standard error of ln t_p of `glue`, the least known; None without a fit.

    `bottles` are those of each glue in the bath, `bottles_left` the estimate of how many of `glue` are still needed
    (in the best baths, this one included) until its bound lies within 10 %; `minutes` with all handling.
    """

    temperature_c: float
    naoh_pct: float
    soak_s: float
    bottles: int
    reason: str
    glue: str
    se_now: float | None
    se_after: float | None
    bound_ratio_now: float | None
    bound_ratio_after: float | None
    bottles_left: int | None
    minutes: float

    @property
    def treatment(self) -> Treatment:
        """The proposed treatment."""
        return Treatment(self.temperature_c, self.naoh_pct)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """One glue: its law, the target, the information so far and that of a bath at each candidate."""

    glue: str
    guess: Guess
    target: Target
    so_far: Array
    baths: Array  # K x P x P

    @property
    def variance(self) -> float:
        return quantile_variance(self.so_far, self.target.gradient)

    def after(self, candidate: int) -> float:
        return quantile_variance(self.so_far + self.baths[candidate], self.target.gradient)


def next_soak(
    fits: ReleaseFit | Mapping[str, ReleaseFit | NotFitted],
    limits: SoakLimits,
    *,
    omega: float = 0.0,
    per_minute: bool = False,
) -> NextSoak:
    """Return the bath to soak next for `fits` (glue -> fit; one fit alone: the experiment's only or first glue).

    Several glues share the bath: the sum of their variances counts. `omega` is the standard deviation of ln t between
    baths. Before three temperatures have been tested, or when no glue has a fit, the least tested planned treatment
    is proposed instead.

    Raises:
        Refused: no bath has been soaked yet, or the line's limits leave no candidate.
    """
    by_glue = {limits.experiment.glues[0]: fits} if isinstance(fits, ReleaseFit) else dict(fits)
    if not limits.stood:
        raise Refused(tr("no bath has been soaked: start with the experiment's own plan"))
    candidates = limits.candidates()
    if not candidates:
        raise Refused(tr("the line's limits leave no bath near what was tested"))
    usable = {glue: fit for glue, fit in by_glue.items() if isinstance(fit, ReleaseFit)}
    if not usable or len({treatment.temperature_c for treatment in limits.stood}) < _pilot(limits):
        return _planned(by_glue, limits)
    soaks = _soaks(usable, candidates, limits)
    known = [_known(glue, fit, candidates, soaks, limits, omega) for glue, fit in usable.items()]
    minutes = [_minutes(treatment, soak, limits) for treatment, soak in zip(candidates, soaks, strict=True)]
    now = sum(glue.variance for glue in known)
    after = [sum(glue.after(k) for glue in known) for k in range(len(candidates))]
    worth = [(now - value) / minute if per_minute else -value for value, minute in zip(after, minutes, strict=True)]
    best = int(np.argmax(worth))
    least = max(known, key=lambda glue: glue.variance)
    return _proposal(least, best, candidates[best], soaks[best], minutes[best], limits)


def _pilot(limits: SoakLimits) -> int:
    return min(_PILOT, len(set(limits.experiment.temperatures_c)))


def _soaks(fits: Mapping[str, ReleaseFit], candidates: Sequence[Treatment], limits: SoakLimits) -> list[float]:
    """Return how long (s) each candidate is soaked: until 99.5 % of every glue are off or the cap, on a check."""
    experiment = limits.experiment
    checks = check_times(experiment.soak.cap_s, experiment.soak.check_s)
    conditions = [Condition(treatment.temperature_c, treatment.naoh_pct) for treatment in candidates]
    times = [soak_times(Guess.of_fit(fit), conditions, checks, _SOAK_SHARE, experiment.glass) for fit in fits.values()]
    return [float(longest) for longest in np.max(times, axis=0)]


def _known(
    glue: str,
    fit: ReleaseFit,
    candidates: Sequence[Treatment],
    soaks: Sequence[float],
    limits: SoakLimits,
    omega: float,
) -> _Known:
    guess, experiment = Guess.of_fit(fit), limits.experiment
    point = target_treatment(experiment)
    target = target_of(
        guess, Condition(point.temperature_c, point.naoh_pct), experiment.decision.removal, experiment.glass
    )
    conditions = [
        Condition(treatment.temperature_c, treatment.naoh_pct, soak_s=soak)
        for treatment, soak in zip(candidates, soaks, strict=True)
    ]
    checks = check_times(experiment.soak.cap_s, experiment.soak.check_s)
    bottle = bottle_information(guess, conditions, checks, experiment.glass)
    return _Known(glue, guess, target, _so_far(fit, guess, omega), bath_information(bottle, limits.bottles, omega))


def _so_far(fit: ReleaseFit, guess: Guess, omega: float) -> Array:
    """Return the information that the fit holds on the planned parameters, baths' own effect on b0 taken off."""
    names = [fit.names.index(name) for name in guess.names]
    unit = np.array([1.0 / ENERGY_UNIT if name == "E" else 1.0 for name in guess.names])
    covariance = fit.cov[np.ix_(names, names)] * np.outer(unit, unit)
    covariance[0, 0] += omega**2 / fit.n_baths
    return np.asarray(np.linalg.inv(covariance))


def _minutes(treatment: Treatment, soak_s: float, limits: SoakLimits) -> float:
    experiment = limits.experiment
    handling = _HANDLING_S * experiment.bottles_per_bath + experiment.stabilisation.hold_s
    return (limits.preparation_s(treatment) + soak_s + handling) / 60.0


def _proposal(
    known: _Known, best: int, treatment: Treatment, soak_s: float, minutes: float, limits: SoakLimits
) -> NextSoak:
    z = NormalDist().inv_cdf(limits.experiment.decision.confidence)
    now, after = sqrt(known.variance), sqrt(known.after(best))
    left = _bottles_left(known, z, limits)
    proposal = NextSoak(
        temperature_c=treatment.temperature_c,
        naoh_pct=treatment.naoh_pct,
        soak_s=soak_s,
        bottles=limits.bottles,
        reason="",
        glue=known.glue,
        se_now=now,
        se_after=after,
        bound_ratio_now=exp(min(z * now, 700.0)),
        bound_ratio_after=exp(min(z * after, 700.0)),
        bottles_left=left,
        minutes=minutes,
    )
    return replace(proposal, reason=f"{_why(known, treatment, limits)} {_buys(proposal)}")


def _bottles_left(known: _Known, z: float, limits: SoakLimits) -> int | None:
    """Return how many bottles at the best mixture of candidates bring the bound within 10 %; None: far too many."""
    wanted = (log(1.0 + WITHIN) / z) ** 2
    if known.variance <= wanted:
        return 0
    shares = c_optimal(known.baths, known.target.gradient, gap=_ROUGH_GAP).weights
    mixture = np.einsum("k,kpq->pq", shares, known.baths)
    low, high = 0, 1
    while quantile_variance(known.so_far + high * mixture, known.target.gradient) > wanted:
        low, high = high, 2 * high
        if high > _MOST_BATHS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = quantile_variance(known.so_far + middle * mixture, known.target.gradient) <= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high * limits.bottles


def _why(known: _Known, treatment: Treatment, limits: SoakLimits) -> str:
    """Return what the bound still rests on and why this bath tells it."""
    point, guess, experiment = target_treatment(limits.experiment), known.guess, limits.experiment
    values = {
        "glue": known.glue,
        "share": number(100 * experiment.decision.removal),
        "asked": treatment_text(point),
        "t": f"{known.target.time_s:.0f}",
    }
    known_text = tr("{glue}: {share} % off after {t} s at {asked}, by what is known.").format(**values)
    asked = Condition(point.temperature_c, point.naoh_pct)
    off = share_off(guess, asked, experiment.soak.cap_s, experiment.glass)
    part = _part_of_energy(known)
    if abs(treatment.temperature_c - point.temperature_c) <= _NEAR_K and treatment.naoh_pct == point.naoh_pct:
        why = tr("The bound rests on the spread of the release times there, so the bath is at what is asked.")
    elif treatment.temperature_c > point.temperature_c and off < _SEEN:
        text = tr("At {asked} only {off} % are off within the cap: a hotter bath shows the tail.")
        why = text.format(asked=values["asked"], off=f"{100 * off:.0f}")
    elif part >= _WORTH_SAYING:
        text = tr("{part} % of the uncertainty is how the time goes with temperature: a bath off that point tells it.")
        why = text.format(part=f"{100 * part:.0f}")
    else:
        why = tr("No other bath lowers the uncertainty more, of those within the tested range and the line's limits.")
    return f"{known_text} {why}"


def _part_of_energy(known: _Known) -> float:
    """Return by which share the variance would fall if the activation energy were known."""
    kept = [k for k, name in enumerate(known.guess.names) if name != "E"]
    sure = quantile_variance(known.so_far[np.ix_(kept, kept)], known.target.gradient[kept])
    return max(0.0, 1.0 - sure / known.variance)


def _buys(proposal: NextSoak) -> str:
    assert proposal.bound_ratio_now is not None
    assert proposal.bound_ratio_after is not None
    text = tr("{bottles} bottles take the bound from {now} to {after} times the estimate; {left}.")
    if proposal.bottles_left is None:
        left = tr("10 % is out of reach here")
    else:
        left = tr("about {count} in all to come within 10 %").format(count=proposal.bottles_left)
    return text.format(
        bottles=proposal.bottles,
        now=decimal(proposal.bound_ratio_now, 2),
        after=decimal(proposal.bound_ratio_after, 2),
        left=left,
    )


def _planned(fits: Mapping[str, ReleaseFit | NotFitted], limits: SoakLimits) -> NextSoak:
    """Return the planned treatment that fits need first when there is none to plan by."""
    experiment = limits.experiment
    codes = {fit.code for fit in fits.values() if isinstance(fit, NotFitted)}
    stood = [(treatment.temperature_c, treatment.naoh_pct) for treatment in limits.stood]
    tested = {temperature_c for temperature_c, _ in stood}
    hot = 1.0 if codes & {Code.ALL_CENSORED, Code.FEW_RELEASED} else -1.0 if Code.SEPARATION in codes else 0.0
    allowed = [cell for cell in cells(experiment) if limits.allows(cell)]
    if not allowed:
        raise Refused(tr("the line's limits leave none of the planned treatments"))
    chosen = min(
        allowed,
        key=lambda cell: (
            cell.temperature_c in tested,
            (-hot * cell.temperature_c, -hot * cell.naoh_pct),
            stood.count((cell.temperature_c, cell.naoh_pct)),
            -min(abs(cell.temperature_c - temperature) for temperature in tested),
        ),
    )
    soak_s = experiment.soak.cap_s
    return NextSoak(
        temperature_c=chosen.temperature_c,
        naoh_pct=chosen.naoh_pct,
        soak_s=soak_s,
        bottles=limits.bottles,
        reason=_why_planned(len(tested), hot, limits),
        glue=next(iter(fits), ""),
        se_now=None,
        se_after=None,
        bound_ratio_now=None,
        bound_ratio_after=None,
        bottles_left=None,
        minutes=_minutes(chosen, soak_s, limits),
    )


def _why_planned(temperatures: int, hot: float, limits: SoakLimits) -> str:
    if temperatures < _pilot(limits):
        text = tr("Temperatures tested so far: {count}; {needed} are needed to plan by. The next of the plan is taken.")
        return text.format(count=temperatures, needed=_pilot(limits))
    if hot > 0:
        return tr("Too few labels came off for a fit: the hottest treatment of the plan is taken.")
    if hot < 0:
        return tr("Labels came off too fast to tell the spread: the coolest treatment of the plan is taken.")
    return tr("There is no fit to plan by: the least tested treatment of the plan is taken.")

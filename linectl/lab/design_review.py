"""What stands against a planned experiment before its first bath: confounding, pseudo-replication, blind spots.

Nothing here forbids: the plan is possible, its answer would be weaker than it looks. What physics or the file's own
figures forbid is told by `linectl.lab.schedule` and by the checks of the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, hypot, log
from statistics import StatisticsError, correlation

from linectl.lab.design.baths import PlannedBath
from linectl.lab.design.fractions import aliases
from linectl.lab.design.order import CONFOUNDED
from linectl.lab.design.target import target_treatment
from linectl.lab.kinetics.codes import Code
from linectl.lab.plan_text import treatment_text
from linectl.lab.results import Warn
from linectl.model.experiments import Experiment
from linectl.words import number, tr, with_comma

__all__ = ["clean_bottles", "clean_bound", "review"]

FEWEST_BATHS = 8
COARSE = 0.5  # of the median: at 60 s for a median of 196 s a bound costs 4 % more bottles, at 120 s 17 %


def review(experiment: Experiment, baths: Sequence[PlannedBath]) -> list[Warn]:
    """Return what its reader must know of the plan `baths` of `experiment`, the gravest first; none when sound."""
    return [
        *_spread(baths),
        *_extrapolated(experiment, baths),
        *_order(baths),
        *_replication(baths),
        *_glues(experiment, baths),
        *(Warn(Code.ALIASED, with_comma(str(alias))) for alias in aliases([bath.treatment for bath in baths])),
        *_times(experiment),
        *_bottles(experiment, baths),
    ]


def clean_bottles(removal: float, confidence: float) -> int:
    """Return how many bottles, all of them clean, prove `removal`: 299 for 99 % at 95 % (exact binomial)."""
    return ceil(log(1.0 - confidence) / log(removal) - 1e-9)


def clean_bound(bottles: int, confidence: float) -> float:
    """Return the share off that `bottles`, all of them clean, prove: 0.883 for 24 at 95 % (Clopper-Pearson)."""
    return float((1.0 - confidence) ** (1.0 / bottles))


def _spread(baths: Sequence[PlannedBath]) -> list[Warn]:
    temperatures = {bath.treatment.temperature_c for bath in baths}
    if len(temperatures) != 1:
        return []
    text = tr("every bath at {temperature} °C: no activation energy, and no answer at any other temperature")
    return [Warn(Code.SINGLE_TEMPERATURE, text.format(temperature=number(*temperatures)))]


def _extrapolated(experiment: Experiment, baths: Sequence[PlannedBath]) -> list[Warn]:
    decision, found = experiment.decision, []
    asked = (
        (decision.temperatures_c, [bath.treatment.temperature_c for bath in baths], tr("°C")),
        (decision.naoh_pct, [bath.treatment.naoh_pct for bath in baths], tr("% NaOH")),
    )
    for values, tested, unit in asked:
        outside = [value for value in values if not min(tested) <= value <= max(tested)]
        if outside:
            text = tr("asked at {asked} {unit}, but tested from {low} to {high} {unit} only")
            shown = {"low": number(min(tested)), "high": number(max(tested)), "unit": unit}
            found.append(Warn(Code.EXTRAPOLATED, text.format(asked=_list(outside), **shown)))
    return found


def _order(baths: Sequence[PlannedBath]) -> list[Warn]:
    """Hold each factor that is set per bath against the order of the run."""
    names = {"temperature_c": tr("temperature"), "naoh_pct": tr("NaOH"), "agitation_pct": tr("stirrer")}
    order = [float(bath.ord) for bath in baths]
    found = []
    for key, name in names.items():
        together = _correlation([getattr(bath.treatment, key) or 0.0 for bath in baths], order)
        if abs(together) > CONFOUNDED:
            text = tr("{factor} goes with the order of the baths (correlation {r}): drift would pass for its effect")
            code = Code.TEMP_TIME_CONFOUNDED if key == "temperature_c" else Code.FACTOR_TIME_CONFOUNDED
            found.append(Warn(code, text.format(factor=name, r=number(round(together, 2)))))
    return found


def _replication(baths: Sequence[PlannedBath]) -> list[Warn]:
    found = []
    if len(baths) < FEWEST_BATHS:
        text = tr("{baths} baths: fewer than {fewest} do not tell how much one bath differs from the next")
        found.append(Warn(Code.FEW_BATHS, text.format(baths=len(baths), fewest=FEWEST_BATHS)))
    treatments = Counter(bath.treatment for bath in baths)
    temperatures = Counter(bath.treatment.temperature_c for bath in baths)
    once = [temperature for temperature, count in sorted(temperatures.items()) if count == 1]
    if max(treatments.values(), default=0) == 1:
        text = tr("one bath per treatment: the bottles of one bath are no repeats of it")
        found.append(Warn(Code.PSEUDO_REPLICATION, text))
    elif once and len(temperatures) > 1:
        text = tr("one bath only at {temperatures} °C: the bottles of one bath are no repeats of it")
        found.append(Warn(Code.PSEUDO_REPLICATION, text.format(temperatures=_list(once))))
    return found


def _glues(experiment: Experiment, baths: Sequence[PlannedBath]) -> list[Warn]:
    """Glues are compared within baths: those that no chain of shared baths joins differ by their baths too."""
    parts: list[set[str]] = []
    for bath in baths:
        here = {bottle.glue for bottle in bath.bottles}
        apart = [part for part in parts if not part & here]
        parts = [*apart, here.union(*(part for part in parts if part & here))]
    found = []
    if len(parts) > 1:
        groups = " | ".join(", ".join(glue for glue in experiment.glues if glue in part) for part in parts)
        text = tr("these glues never meet in a bath: {groups}; a reference in every bath would join them")
        found.append(Warn(Code.GLUE_CONFOUNDED, text.format(groups=groups)))
    everywhere = {bath.treatment.temperature_c for bath in baths}
    for glue in experiment.glues:
        seen = {bath.treatment.temperature_c for bath in baths if any(each.glue == glue for each in bath.bottles)}
        if len(everywhere) > 1 and len(seen) == 1:
            text = tr("{glue} is in baths of {temperature} °C only: its activation energy cannot be told")
            detail = text.format(glue=glue, temperature=number(*seen))
            found.append(Warn(Code.SINGLE_TEMPERATURE, detail))
    return found


def _times(experiment: Experiment) -> list[Warn]:
    """Hold the soak against the guess: a release that no soak reaches, or that no look separates, tells little."""
    from linectl.lab.design.information import Guess, release_time

    prior, glass, soak = experiment.design.prior, experiment.glass, experiment.soak
    guess = Guess.of_prior(prior)
    marginal = replace(guess, sigma=hypot(prior.sigma, prior.bath_sd))
    point = target_treatment(experiment)
    wanted = release_time(marginal, point.temperature_c, point.naoh_pct, experiment.decision.removal, glass)
    median = release_time(guess, point.temperature_c, point.naoh_pct, 0.5, glass)
    share = number(100.0 * experiment.decision.removal)
    found = []
    if soak.cap_s < wanted:
        text = tr("by the guess {share} % are off after {wanted} s at {point}, but the soak ends at {cap} s")
        shown = {
            "share": share,
            "wanted": number(round(wanted)),
            "point": treatment_text(point),
            "cap": number(soak.cap_s),
        }
        found.append(Warn(Code.SHORT_CAP, text.format(**shown)))
    if soak.check_s > COARSE * median:
        text = tr("by the guess half are off after {median} s at {point}: a look every {check} s is coarse")
        shown = {"median": number(round(median)), "point": treatment_text(point), "check": number(soak.check_s)}
        found.append(Warn(Code.COARSE_CHECKS, text.format(**shown)))
    return found


def _bottles(experiment: Experiment, baths: Sequence[PlannedBath]) -> list[Warn]:
    """Say what the bottles at one asked point could prove by counting alone, were every label off."""
    decision = experiment.decision
    counts = Counter(
        (bath.treatment.temperature_c, bath.treatment.naoh_pct, bottle.glue)
        for bath in baths
        for bottle in bath.bottles
    )
    asked = [
        count
        for (temperature, naoh, _), count in counts.items()
        if temperature in decision.temperatures_c and naoh in decision.naoh_pct
    ]
    needed = clean_bottles(decision.removal, decision.confidence)
    if not asked or max(asked) >= needed:
        return []
    text = tr(
        "{bottles} bottles of a glue at one point, all of them off, prove {proved} % by count; "
        "{share} % takes {needed}: a confirmation of its own"
    )
    shown = {
        "bottles": max(asked),
        "proved": int(100.0 * clean_bound(max(asked), decision.confidence)),
        "share": number(100.0 * decision.removal),
        "needed": needed,
    }
    return [Warn(Code.FEW_BOTTLES, text.format(**shown))]


def _correlation(one: Sequence[float], two: Sequence[float]) -> float:
    """Return Pearson's correlation; 0 where either does not vary."""
    try:
        return correlation(one, two)
    except StatisticsError:
        return 0.0


def _list(values: Sequence[float]) -> str:
    return ", ".join(number(value) for value in values)

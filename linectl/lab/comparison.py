"""A new glue against a reference, in looks planned beforehand: is it faster, or will it hardly be shown to be?

Both glues stand in the same baths, so that what differs between baths falls on both. At each look one model is fitted
to all of both glues so far: ln t = b0 + caustic + glue + sigma W on the dose; z = -b_glue/se. Bounds: `sequential`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp

import numpy as np

from linectl.errors import Refused
from linectl.lab.confirmation.sequential import Comparison, Look, LookWord, judge, plan_comparison
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import NotFitted, fit_release
from linectl.lab.kinetics.formula import Formula
from linectl.lab.results import Estimate
from linectl.model.experiments import Glass
from linectl.words import tr

__all__ = ["ComparedLook", "GlueComparison", "compare_glues"]


@dataclass(frozen=True, slots=True)
class ComparedLook:
    """One look: bottles and baths so far, the time ratio new/reference with its two-sided 95 % interval, what it says.

    `ratio.reason` tells why there is no ratio yet (too little came off); such a look ends nothing.
    """

    bottles: int
    baths: int
    ratio: Estimate
    look: Look | None


@dataclass(frozen=True, slots=True)
class GlueComparison:
    """All looks of one comparison, with the plan that they follow."""

    glue: str
    reference: str
    family: str
    plan: Comparison
    looks: tuple[ComparedLook, ...]


def compare_glues(
    data: ReleaseData,
    glue: str,
    reference: str,
    *,
    glass: Glass,
    looks: int = 5,
    planned_baths: int | None = None,
    family: str = "lognormal",
) -> GlueComparison:
    """Compare `glue` with `reference` on their common baths, at `looks` equal looks of `planned_baths` (else all).

    Raises:
        Refused: one of them is not in the data, they share no bath, or there are fewer baths than looks.
    """
    both = _both(data, glue, reference)
    planned = planned_baths or len(both.baths)
    if planned < looks:
        raise Refused(
            tr("{looks} looks need as many baths; there are {baths}").format(looks=looks, baths=planned),
            hint=tr("look less often: --looks"),
        )
    due = [round(k * planned / looks) for k in range(1, looks + 1)]
    plan = _planned(tuple(baths / planned for baths in due))
    formula = Formula(glue=True, reference_glue=reference)
    found: list[ComparedLook] = []
    scores: list[float] = []
    for baths in due:
        if baths > len(both.baths):
            break
        part = _first_baths(both, baths)
        ratio, score = _ratio(part, glue, family, formula, glass)
        scores.append(score)
        look = judge(plan, scores)[-1] if ratio.value is not None else None
        found.append(ComparedLook(len(part), baths, ratio, look))
        if look is not None and look.word in {LookWord.FASTER, LookWord.FUTILE}:
            break
    return GlueComparison(glue, reference, family, plan, tuple(found))


@cache
def _planned(fractions: tuple[float, ...]) -> Comparison:
    """Return the plan of looks at these information fractions; its integrals take a second."""
    return plan_comparison(fractions=fractions)


def _both(data: ReleaseData, glue: str, reference: str) -> ReleaseData:
    missing = [name for name in (glue, reference) if name not in data.glues]
    if missing or glue == reference:
        raise Refused(
            tr("two glues of the run are compared; it holds {names}").format(names=", ".join(data.glues)),
            hint=tr("name them: linectl compare RUN --glue NEW --with REFERENCE"),
        )
    held = {name: set(data.of_glue(name).baths) for name in (glue, reference)}
    common = held[glue] & held[reference]
    if not common:
        raise Refused(
            tr(
                "{glue} and {reference} share no bath: a difference between baths would pass for one of the glues"
            ).format(glue=glue, reference=reference),
            hint=tr("put both glues into every bath"),
        )
    return data.where([row.glue in held and row.bath in common for row in data.records])


def _first_baths(data: ReleaseData, count: int) -> ReleaseData:
    first = set(data.baths[:count])
    return data.where([row.bath in first for row in data.records])


def _ratio(data: ReleaseData, glue: str, family: str, formula: Formula, glass: Glass) -> tuple[Estimate, float]:
    """Return the time ratio new/reference and z; z is 0, which ends nothing, where there is no fit yet."""
    fit = fit_release(data, family, glass=glass, formula=formula)
    if isinstance(fit, NotFitted):
        return Estimate(None, method="wald", reason=fit.code), 0.0
    value, se = fit.value(f"glue:{glue}"), fit.se(f"glue:{glue}")
    reach = 1.959963985 * se
    ratio = Estimate(exp(value), exp(value - reach), exp(value + reach), 0.95, "wald")
    return ratio, float(np.nan_to_num(-value / se))

"""What machine words of the analysis say to people, in the language in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from linectl.lab.results import Analysis, Estimate, GlueResult, GlueVerdict, Verdict, Verdicts, VerdictWord
from linectl.words import decimal, number, tr

__all__ = [
    "family_name",
    "interval",
    "reason_sentence",
    "share_text",
    "verdict_lines",
    "verdict_sentence",
    "verdict_title",
    "wants_sentence",
]


def verdict_title(verdict: Verdict) -> str:
    """Return the verdict's word: CANDIDATE, NO-GO, MORE BOTTLES (« ENCORE DES BOUTEILLES »)."""
    titles = {
        VerdictWord.CANDIDATE: tr("CANDIDATE"),
        VerdictWord.NO_GO: tr("NO-GO"),
        VerdictWord.MORE_BOTTLES: tr("MORE BOTTLES"),
    }
    return titles[verdict.word]


def verdict_sentence(result: GlueResult | GlueVerdict, analysis: Analysis | Verdicts) -> str:
    """Return the rule that decided, with its numbers."""
    verdict, decision = result.verdict, analysis.decision
    share = share_text(decision.removal)
    if verdict.reason == "nothing_released":
        return tr("no label of {n} came off").format(n=result.n_bottles)
    if verdict.temperature_c is None:
        return reason_sentence(verdict.reason)
    point = tr("{temperature} °C, {naoh} % NaOH").format(
        temperature=_plain(verdict.temperature_c), naoh=_plain(verdict.naoh_pct or 0.0)
    )
    if verdict.bound_s is None:
        return _without_bound(verdict, point, share, decision.soak_s)
    fields = {
        "share": share,
        "point": point,
        "bound": _minutes(verdict.bound_s),
        "soak": _minutes(decision.soak_s),
        "conf": share_text(decision.confidence),
        "reasons": "; ".join(map(reason_sentence, verdict.hinders)),
    }
    return _with_bound(verdict, decision.soak_s).format(**fields)


def _with_bound(verdict: Verdict, soak_s: float) -> str:
    if verdict.word is VerdictWord.CANDIDATE:
        return tr("{share} off at {point} in at most {bound} ({conf} bound), within the {soak} asked")
    if verdict.word is VerdictWord.NO_GO:
        return tr("{share} off at {point} takes at least {bound} ({conf} bound), beyond the {soak} asked")
    if verdict.bound_s is None or verdict.bound_s > soak_s:
        return tr("{share} off at {point}: the bound is {bound}, not yet within the {soak} asked")
    return tr("{share} off at {point}: the bound is {bound}, within the {soak} asked, but no candidate: {reasons}")


def _without_bound(verdict: Verdict, point: str, share: str, soak_s: float) -> str:
    if verdict.word is VerdictWord.NO_GO:
        text = tr("too many labels still on at {point} after {soak}: {share} off by then is ruled out")
    else:
        text = tr("{share} off at {point} within {soak}: the data set no bound")
    return text.format(point=point, soak=_minutes(soak_s), share=share)


def wants_sentence(verdict: Verdict) -> str:
    """Return what MORE BOTTLES asks for (how many, where) and what stands against a CANDIDATE; "" with nothing."""
    parts = []
    if verdict.bottles_needed and verdict.where_c is not None:
        text = tr("about {count} bottles more, most telling at {temperature} °C, {naoh} % NaOH")
        point = {"temperature": _plain(verdict.where_c), "naoh": _plain(verdict.where_naoh_pct or 0.0)}
        parts.append(text.format(count=verdict.bottles_needed, **point))
    elif verdict.where_c is not None:
        parts.append(tr("more bottles alone will hardly settle it"))
    if verdict.hinders:
        parts.append(tr("against it: {codes}").format(codes="; ".join(map(reason_sentence, verdict.hinders))))
    return ". ".join(parts)


def verdict_lines(analysis: Analysis | Verdicts, names: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Return a line per glue: its name (as `names` writes it), its verdict, and why; below it what it asks for."""
    shown = [names.get(result.glue, result.glue) for result in analysis.glues]
    width = max(map(len, shown), default=0)
    lines = []
    results: Sequence[GlueResult | GlueVerdict] = analysis.glues
    for name, result in zip(shown, results, strict=True):
        lines.append(f"{name.ljust(width)}  {verdict_title(result.verdict)}: {verdict_sentence(result, analysis)}")
        wants = wants_sentence(result.verdict)
        if wants:
            lines.append(f"{'':{width}}  {wants}")
    return lines


def share_text(share: float) -> str:
    """Return a share as short as it is, in per cent."""
    return f"{number(round(100 * share, 6))} %"


def reason_sentence(reason: str) -> str:
    """Return why there is no number, in words; an unknown machine word is given as it is."""
    sentences = {
        "nothing_released": tr("no label came off"),
        "not_fitted": tr("no fit was possible"),
        "open": tr("the data leave it open"),
        "plateau": tr("some labels stayed on for good: no time is told, and too few bottles to count by"),
        "SINGLE_TEMPERATURE": tr("one temperature only: no activation energy can be told"),
        "SINGLE_CAUSTIC": tr("one NaOH only: no caustic order can be told"),
        "ALL_CENSORED": tr("no label came off"),
        "FEW_RELEASED": tr("too few labels came off for a fit"),
        "SEPARATION": tr("all labels of a cell came off between the same two checks: too coarse a grid"),
        "NOT_CONVERGED": tr("the fit did not converge"),
        "UNBOUNDED": tr("the data set no bound"),
        "NO_BOTTLES": tr("no bottles"),
        "EXTRAPOLATED": tr("beyond the tested temperatures or NaOH"),
        "FEW_BATHS": tr("fewer than 8 baths"),
        "ALL_CENSORED_CELL": tr("a cell in which no label came off"),
        "FIRST_CHECK_CELL": tr("a cell in which every label was off at the first check"),
        "TRACE_GAP": tr("a hole in the bath's temperature"),
        "TRACE_SHORT": tr("checks outside the bath's temperature record"),
        "TEMP_TIME_CONFOUNDED": tr("bath temperature goes with bath order"),
        "FAMILY_UNDECIDED": tr("the two families fit alike and their bounds differ"),
        "ILL_CONDITIONED": tr("the fit is nearly undetermined"),
        "PLATEAU": tr("some labels seem never to come off"),
        "NO_PLATEAU": tr("no share of labels that never come off"),
        "NOT_SIMULATED": tr("no bootstrap for such a fit"),
        "NOT_OBSERVED": tr("a bottle that was never looked at"),
        "SINGLE_LEVEL": tr("one level only"),
        "CONFOUNDED": tr("two factors were only changed together"),
        "FACTOR_TIME_CONFOUNDED": tr("NaOH or stirrer goes with bath order"),
        "PSEUDO_REPLICATION": tr("one bath only: its bottles are no repeats"),
        "GLUE_CONFOUNDED": tr("two glues never meet in a bath"),
        "ALIASED": tr("two effects move together in every bath"),
        "NOT_WITHIN": tr("not shown even at the hottest tested temperature"),
        "COOLEST_TESTED": tr("the coolest tested temperature does already"),
        "BATHS_ALIKE": tr("baths differ no more than their bottles"),
        "NO_CALIBRATION": tr("no calibration on record: its part of the bound is missing"),
        "CALIBRATION_DUE": tr("the calibration was past its date"),
        "LOTS_DIFFER": tr("lots of one glue differ"),
        "CURVED": tr("the Arrhenius line is bent"),
        "SIGMA_VARIES": tr("the spread depends on temperature"),
        "POOR_FIT": tr("the family fits poorly"),
        "CAUSTIC_ZERO": tr("a bath without NaOH: the order is that of (c + 0.1)"),
    }
    return sentences.get(reason, reason)


def family_name(family: str) -> str:
    """Return a distribution family's name for people."""
    return {"lognormal": tr("lognormal"), "weibull": tr("Weibull"), "loglogistic": tr("loglogistic")}.get(
        family, family
    )


def interval(estimate: Estimate, digits: int = 1) -> str:
    """Return `value [lower; upper]`, or the reason why there is none."""
    if estimate.value is None:
        return reason_sentence(estimate.reason)
    low, high = ("–" if end is None else decimal(end, digits) for end in (estimate.lower, estimate.upper))
    return f"{decimal(estimate.value, digits)} [{low}; {high}]"


def _plain(value: float) -> str:
    return decimal(value, 0 if value == round(value) else 1)


def _minutes(seconds: float) -> str:
    return tr("{minutes} min").format(minutes=decimal(seconds / 60, 1))

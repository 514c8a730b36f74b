"""What a person is asked before a killed run goes on: what becomes of its bath, and whether it may be heated."""

from __future__ import annotations

from linectl.lab.resume import CrashDecision, Present, ResumePoint
from linectl.model.experiments import CrashPolicy
from linectl.model.prompts import Prompt, PromptKind
from linectl.words import decimal, tr

__all__ = ["crash_prompt", "heat_prompt"]


def crash_prompt(point: ResumePoint, decision: CrashDecision, now: Present) -> Prompt:
    """Return the question what becomes of the bath under way (task `crash`): gap, temperatures, what each choice loses.

    Facts: trial, phase, gap_s, max_gap_s, temperature_c (last on disk), temperature_now_c, why, positions, loses.
    """
    loses = _losses(point, decision)
    text = tr(
        "The program died in bath {bath}, phase {phase}; {gap} s are missing. The bath had {before} °C, now {after} °C."
    ).format(
        bath=point.trial.ord if point.trial is not None else 0,
        phase=point.phase,
        gap=decimal(decision.gap_s, 0),
        before=_degrees(point.temperature_c),
        after=_degrees(now.temperature_c),
    )
    choices = " ".join(f"{choice}: {words}." for choice, words in loses.items())
    return Prompt(
        id=f"crash-{point.crashes + 1}",
        kind=PromptKind.CHOICE,
        text=f"{text} {choices} " + tr("What now?"),
        task="crash",
        facts={
            "trial": point.trial.ord if point.trial is not None else None,
            "phase": point.phase,
            "gap_s": decision.gap_s,
            "max_gap_s": decision.max_gap_s,
            "temperature_c": point.temperature_c,
            "temperature_now_c": now.temperature_c,
            "why": decision.why,
            "positions": point.positions,
            "loses": loses,
        },
        options=tuple(loses),
        default=CrashPolicy.ABORT.value,
    )


def heat_prompt(point: ResumePoint, now: Present, wanted_c: float | None) -> Prompt:
    """Return the question that must be answered yes before any heater is switched on again (task `arm_heat`)."""
    text = tr(
        "The program died while it controlled this bath ({now} °C now). Look at the bath. May it be heated again?"
    )
    return Prompt(
        id=f"arm-heat-{point.crashes + 1}",
        kind=PromptKind.CONFIRM,
        text=text.format(now=_degrees(now.temperature_c)),
        task="arm_heat",
        facts={"temperature_now_c": now.temperature_c, "wanted_c": wanted_c, "phase": point.phase},
    )


def _losses(point: ResumePoint, decision: CrashDecision) -> dict[str, str]:
    """Return what each choice loses, in words, by the choice's machine word."""
    if not point.has_samples:
        return {
            CrashPolicy.REDO.value: tr("the phase is done again; nothing is lost but its time"),
            CrashPolicy.CONTINUE.value: tr("the phase goes on from what is measured now"),
            CrashPolicy.ABORT.value: tr("the run is closed as failed"),
        }
    count = len(point.bottles)
    return {
        CrashPolicy.CONTINUE.value: tr(
            "{bottles} labels soak on from their journalled time; their intervals are wider by the {gap} s not seen"
        ).format(bottles=count, gap=decimal(decision.gap_s, 0)),
        CrashPolicy.REDO.value: tr(
            "{bottles} bottles are taken out as they were last seen; the bath is made again with fresh ones"
        ).format(bottles=count),
        CrashPolicy.ABORT.value: tr("{bottles} bottles end as they were last seen; the run is closed as failed").format(
            bottles=count
        ),
    }


def _degrees(temperature_c: float | None) -> str:
    return "?" if temperature_c is None else decimal(temperature_c, 1)
